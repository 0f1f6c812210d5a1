//! `hotloop compile`: files of every stage, and objects with headers for programs in other languages.
//!
//! Owns which file gets which name, and what the description in JSON says. What stands in the files is the library's.

use crate::report::{Failure, io_text};
use clap::Args;
use hotloop::{ArgType, Cpu, Exported, Fastmath, Kernel, Module, ObjectFile, Stage, parse_signature};
use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};

pub const HELP: &str = "\
Examples:
  hotloop compile kernels.hl
  hotloop compile kernels.hl --signature 'axpy(f32, f32[:], f32[:])' --signature 'axpy(f64, f64[:], f64[:])'
  hotloop compile kernels.hl --emit ir,ir-after=fold,asm -o out --cpu v4

Kernels whose parameters all have types are compiled for those; others need a signature. Arrays lie without gaps, unless
`rows` (each row without gaps) or `strided` (any strides) stands before the type, as in `strided f32[:, :]`.

What --emit can ask for, separated by commas:
  ast           FILE.ast, the tree of the whole text
  ir            KERNEL.ir, the program for the types
  ir-after=PASS KERNEL.PASS.ir, the program after a pass
  clif, asm     KERNEL.clif, KERNEL.asm, for the processors of --cpu
  obj, header   FILE.o and FILE.h: functions for C, which need nothing of hotloop when they run
  json          FILE.json, a description of what was compiled

A program in C:
  cc main.c kernels.o -o main";

/// `hotloop compile`.
#[derive(Debug, Args)]
pub struct Compile {
    /// The file with the kernels.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What to write.
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "obj,header", value_parser = Emit::parse)]
    emit: Vec<Emit>,
    /// The directory to write it into.
    #[arg(short, long = "output", value_name = "DIR", default_value = ".")]
    output: PathBuf,
    /// A kernel and the types to compile it for; once per kernel and types.
    #[arg(long, value_name = "SIGNATURE", value_parser = parse_signature)]
    signature: Vec<(String, Vec<ArgType>)>,
    /// Which processors the code is for: v3 (AVX2, FMA), v4 (AVX-512) or native.
    #[arg(long, value_name = "CPU", default_value = "v3", value_parser = cpu)]
    cpu: Cpu,
    /// How exactly floats are computed: strict or relaxed.
    #[arg(long, value_name = "TIER", default_value_t)]
    fastmath: Fastmath,
}

/// One thing to write.
#[derive(Clone, Debug)]
enum Emit {
    Stage(Stage),
    After(String),
    Object,
    Header,
    Json,
}

impl Emit {
    fn parse(text: &str) -> Result<Emit, String> {
        if let Some(pass) = text.strip_prefix("ir-after=") {
            return Ok(Emit::After(pass.to_owned()));
        }
        match text {
            "obj" => Ok(Emit::Object),
            "header" => Ok(Emit::Header),
            "json" => Ok(Emit::Json),
            _ => text.parse().map(Emit::Stage).map_err(|error| format!("{error}, ir-after=PASS, obj, header, json")),
        }
    }
}

fn cpu(text: &str) -> Result<Cpu, String> {
    let names = || Cpu::ALL.iter().map(|cpu| cpu.name()).collect::<Vec<_>>().join(", ");
    let found = Cpu::ALL.iter().find(|cpu| cpu.name() == text);
    found.copied().ok_or_else(|| format!("there is no level `{text}`; the levels are {}", names()))
}

/// Does it.
pub fn compile(command: &Compile) -> Result<(), Failure> {
    let module = crate::run::builder(command.fastmath).build().load_file(&command.file)?;
    let kernels = match &*command.signature {
        [] => annotated(&module)?,
        given => given.to_vec(),
    };
    let stem = command.file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let kernels = Kernels { list: Module::entry_points(&kernels)?, types: kernels, stem, file: OnceCell::new() };
    let made = |error| Failure::Data(format!("cannot make `{}`: {}", command.output.display(), io_text(error)));
    fs::create_dir_all(&command.output).map_err(made)?;
    for emit in &command.emit {
        write_all(command, &module, &kernels, emit)?;
    }
    Ok(())
}

/// What is compiled; the object file is made once, when something of it is asked for.
struct Kernels {
    types: Vec<(String, Vec<ArgType>)>,
    list: Vec<Exported>,
    stem: String,
    file: OnceCell<ObjectFile>,
}

impl Kernels {
    fn file(&self, module: &Module, cpu: Cpu) -> Result<&ObjectFile, Failure> {
        if let Some(file) = self.file.get() {
            return Ok(file);
        }
        let file = module.export(&self.types, cpu, &self.stem)?;
        Ok(self.file.get_or_init(|| file))
    }
}

fn annotated(module: &Module) -> Result<Vec<(String, Vec<ArgType>)>, Failure> {
    let kernels = module.annotated();
    if !kernels.is_empty() {
        return Ok(kernels);
    }
    let example = module.kernels().next().map(|info| {
        let types = vec!["f64[:]"; info.params.len()].join(", ");
        format!("; say for which types, as in --signature '{}({types})'", info.name)
    });
    let file = module.source().name();
    Err(Failure::Usage(format!("no kernel of `{file}` has a type for every parameter{}", example.unwrap_or_default())))
}

fn write_all(command: &Compile, module: &Module, kernels: &Kernels, emit: &Emit) -> Result<(), Failure> {
    let stem = &*kernels.stem;
    let place = |name: &str, ending: &str| command.output.join(format!("{name}.{ending}"));
    match emit {
        Emit::Object => return write(&place(stem, "o"), &kernels.file(module, command.cpu)?.object),
        Emit::Header => return write(&place(stem, "h"), kernels.file(module, command.cpu)?.header.as_bytes()),
        Emit::Json => return write(&place(stem, "json"), json(module, &kernels.list, command.cpu)?.as_bytes()),
        Emit::Stage(Stage::Ast) => {
            let first = &kernels.list[0];
            let text = module.kernel(&first.kernel)?.emit(&first.types, Stage::Ast)?;
            return write(&place(stem, "ast"), text.as_bytes());
        }
        Emit::Stage(_) | Emit::After(_) => {}
    }
    for one in &kernels.list {
        let kernel: Kernel = module.kernel(&one.kernel)?;
        let (ending, text) = match emit {
            Emit::After(pass) => (format!("{pass}.ir"), kernel.emit_after(&one.types, pass)?),
            Emit::Stage(stage) => (stage.name().to_owned(), kernel.emit_for(&one.types, *stage, command.cpu)?),
            Emit::Object | Emit::Header | Emit::Json => continue,
        };
        write(&place(&one.symbol, &ending), text.as_bytes())?;
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::write(path, bytes)
        .map_err(|error| Failure::Data(format!("cannot write `{}`: {}", path.display(), io_text(error))))
}

/// What was compiled, for programs that call it.
fn json(module: &Module, list: &[Exported], cpu: Cpu) -> Result<String, Failure> {
    let mut kernels = Vec::new();
    for one in list {
        let kernel = module.kernel(&one.kernel)?;
        let params = kernel.info().params.iter().zip(&one.types).map(|(param, ty)| {
            let (element, rank) = match ty {
                ArgType::Scalar(ty) | ArgType::Weak(ty) => (ty, 0),
                ArgType::Array { ty, rank, .. } => (ty, *rank),
            };
            let name = quoted(&param.name);
            format!("{{\"name\": {name}, \"type\": \"{element}\", \"rank\": {rank}, \"written\": {}}}", param.mutable)
        });
        let params: Vec<String> = params.collect();
        let results = kernel.validate(&one.types)?;
        let results =
            results.iter().map(|result| format!("{{\"type\": \"{}\", \"rank\": {}}}", result.ty, result.rank));
        let results: Vec<String> = results.collect();
        kernels.push(format!(
            "    {{\n      \"kernel\": {},\n      \"symbol\": {},\n      \"signature\": {},\n      \"params\": [{}],\n      \
             \"results\": [{}]\n    }}",
            quoted(&one.kernel),
            quoted(&one.symbol),
            quoted(&one.signature),
            params.join(", "),
            results.join(", ")
        ));
    }
    let source = quoted(module.source().name());
    let kernels = kernels.join(",\n");
    Ok(format!("{{\n  \"source\": {source},\n  \"cpu\": \"{}\",\n  \"kernels\": [\n{kernels}\n  ]\n}}\n", cpu.name()))
}

/// A text as JSON has it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            _ if c.is_control() => quoted += &format!("\\u{:04x}", u32::from(c)),
            _ => quoted.push(c),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn texts_are_quoted_as_json_has_it() {
        assert_eq!(quoted("a\"b\\c\nd"), "\"a\\\"b\\\\c\\u000ad\"");
    }
}
