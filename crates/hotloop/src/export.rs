//! Kernels as an object file with a C header, for programs that have nothing else of hotloop.
//!
//! Owns which kernels go in, for which types and under which symbols. What the file holds belongs to the code
//! generator, how it is declared to `header`.

use crate::compile;
use crate::error::Error;
use crate::fault;
use crate::header;
use crate::module::Module;
use crate::types::array_of;
use hotloop_clif::object::{Cpu, Export, object};
use hotloop_ir::{Layout, Param, Program, ResultRef, Role, Type};
use hotloop_sema::{ArgType, KernelInfo};

/// An object file and its header.
#[derive(Clone, Debug)]
pub struct ObjectFile {
    /// The object file, position independent, in the format of this system.
    pub object: Vec<u8>,
    /// The C header that declares what is in it.
    pub header: String,
    /// What is in it.
    pub kernels: Vec<Exported>,
}

/// One entry point.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The kernel.
    pub kernel: String,
    /// The symbol: the kernel's name, with the types where the kernel is there several times.
    pub symbol: String,
    /// The types it is compiled for.
    pub types: Vec<ArgType>,
    /// The same as a signature that can be read again.
    pub signature: String,
}

impl Module {
    /// The kernels whose parameters all have types, with those types: arrays without gaps.
    pub fn annotated(&self) -> Vec<(String, Vec<ArgType>)> {
        let types = |info: &KernelInfo| {
            let ty = |param: &hotloop_sema::ParamInfo| {
                let annotation = param.annotation?;
                array_of(annotation.ty, annotation.rank as usize).ok()
            };
            info.params.iter().map(ty).collect::<Option<Vec<ArgType>>>()
        };
        self.kernels().filter_map(|info| Some((info.name.clone(), types(info)?))).collect()
    }

    /// The symbols and signatures these kernels get in an object file.
    pub fn entry_points(kernels: &[(String, Vec<ArgType>)]) -> Result<Vec<Exported>, Error> {
        let mut exported: Vec<Exported> = Vec::new();
        for (kernel, types) in kernels {
            let several = kernels.iter().filter(|(other, _)| other == kernel).count() > 1;
            let parts = types.iter().filter(|_| several).map(|ty| format!("_{}", short(ty)));
            let symbol = format!("{kernel}{}", parts.collect::<String>());
            let signature = signature(kernel, types);
            if exported.iter().any(|other| other.symbol == symbol) {
                return Err(Error::Unsupported(format!("`{signature}` is asked for twice; ask for it once")));
            }
            exported.push(Exported { kernel: kernel.clone(), symbol, types: types.clone(), signature });
        }
        if exported.is_empty() {
            return Err(Error::Unsupported("there is no kernel to compile; give its signature".to_owned()));
        }
        Ok(exported)
    }

    /// Compiles kernels for these types into one object file. `name` is that of the header, without its ending.
    pub fn export(&self, kernels: &[(String, Vec<ArgType>)], cpu: Cpu, name: &str) -> Result<ObjectFile, Error> {
        let exported = Module::entry_points(kernels)?;
        if let Some(one) = exported.iter().find(|one| !header::is_name(&one.symbol)) {
            let words = format!("`{}` cannot be the name of a function of C; give the kernel another name", one.symbol);
            return Err(Error::Unsupported(words));
        }
        let programs: Vec<Program> = exported.iter().map(|one| self.program_of(one)).collect::<Result<_, _>>()?;
        if let Some(one) = exported.iter().zip(&programs).find(|(_, program)| has_complex(program)).map(|(one, _)| one)
        {
            let words = format!(
                "`{}` takes or gives complex numbers, which object files do not; pass the parts as two arrays",
                one.signature
            );
            return Err(Error::Unsupported(words));
        }
        let faults: Vec<Vec<String>> = programs.iter().map(|program| self.faults(program)).collect();
        let exports: Vec<Export<'_>> = exported
            .iter()
            .zip(&programs)
            .zip(&faults)
            .map(|((one, program), faults)| Export { symbol: &one.symbol, program, faults })
            .collect();
        let object = compile::guarded(|| object(&exports, cpu).map_err(compile::compile_error))?;
        let header = header::header(name, &exported, &programs);
        Ok(ObjectFile { object, header, kernels: exported })
    }

    fn program_of(&self, one: &Exported) -> Result<Program, Error> {
        let program = self.kernel(&one.kernel)?.program(&one.types)?;
        compile::guarded(|| Ok(hotloop_passes::run(program)))
    }

    fn faults(&self, program: &Program) -> Vec<String> {
        program.sites.iter().map(|site| fault::static_message(site, self.source())).collect()
    }
}

/// Whether callers pass or get complex numbers.
fn has_complex(program: &Program) -> bool {
    program.arrays.iter().any(|array| array.pairs && array.role != Role::Temp)
        || program.params.iter().any(|param| matches!(param, Param::Pair(_)))
        || program.results.iter().any(|result| matches!(result, ResultRef::Pair(_)))
}

fn short(ty: &ArgType) -> String {
    match ty {
        ArgType::Scalar(ty) | ArgType::Weak(ty) => ty.name().to_owned(),
        ArgType::Array { ty, rank, layout, .. } => {
            let gaps = match layout {
                Layout::Dense => "",
                Layout::UnitInner => "rows",
                Layout::Strided => "strided",
            };
            format!("{ty}x{rank}{gaps}")
        }
    }
}

fn signature(kernel: &str, types: &[ArgType]) -> String {
    let types: Vec<String> = types.iter().map(type_words).collect();
    format!("{kernel}({})", types.join(", "))
}

/// A type as signatures have it.
pub(crate) fn type_words(ty: &ArgType) -> String {
    match ty {
        ArgType::Scalar(ty) | ArgType::Weak(ty) => ty.name().to_owned(),
        ArgType::Array { ty, rank, layout, .. } => {
            let gaps = match layout {
                Layout::Dense => "",
                Layout::UnitInner => "rows ",
                Layout::Strided => "strided ",
            };
            format!("{gaps}{ty}[{}]", vec![":"; *rank as usize].join(", "))
        }
    }
}

/// Reads a signature such as `axpy(f32, f32[:], strided f32[:, :])`: an array has a `:` per axis and lies without gaps
/// unless `rows` (each row without gaps) or `strided` (any strides) stands before it.
pub fn parse_signature(text: &str) -> Result<(String, Vec<ArgType>), String> {
    let wrong = || format!("`{text}` is no signature; write one like `axpy(f32, f32[:], strided f32[:, :])`");
    let (name, rest) = text.split_once('(').ok_or_else(wrong)?;
    let inner = rest.trim_end().strip_suffix(')').ok_or_else(wrong)?;
    let mut types = Vec::new();
    // Commas inside brackets separate axes.
    let mut depth = 0_usize;
    let parts = inner.split(|c| {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    for part in parts.map(str::trim).filter(|_| !inner.trim().is_empty()) {
        types.push(parse_type(part).ok_or_else(|| {
            let known: Vec<&str> = Type::ALL.iter().map(|ty| ty.name()).collect();
            format!(
                "`{part}` is no type; write an element type ({}), for an array with `[:]` after it",
                known.join(" ")
            )
        })?);
    }
    let name = name.trim();
    if name.is_empty() { Err(wrong()) } else { Ok((name.to_owned(), types)) }
}

fn parse_type(text: &str) -> Option<ArgType> {
    let (layout, text) = match text.split_once(' ') {
        Some(("strided", rest)) => (Layout::Strided, rest.trim()),
        Some(("rows", rest)) => (Layout::UnitInner, rest.trim()),
        Some(_) | None => (Layout::Dense, text),
    };
    let Some((element, axes)) = text.split_once('[') else {
        return (layout == Layout::Dense).then(|| Type::from_name(text).map(ArgType::Scalar))?;
    };
    let axes: Vec<&str> = axes.strip_suffix(']')?.split(',').map(str::trim).collect();
    if axes.iter().any(|axis| *axis != ":") || axes.len() > crate::MAX_RANK {
        return None;
    }
    Some(ArgType::Array { ty: Type::from_name(element.trim())?, rank: axes.len() as u32, ones: 0, layout })
}

#[cfg(test)]
mod tests {
    use super::{parse_signature, signature};

    #[test]
    fn signatures_are_read_and_written() {
        for text in ["axpy(f32, f32[:], strided f64[:, :])", "k()", "k(rows u8[:, :, :], bool)"] {
            let (name, types) = parse_signature(text).expect("a signature");
            assert_eq!(signature(&name, &types), text);
        }
        for text in
            ["axpy", "k(f32", "(f32)", "k(f33)", "k(f32[1])", "k(strided f32)", "k(f32,)", "k(f32[:)", "k(f32[:]])"]
        {
            let wrong = parse_signature(text).expect_err(text);
            assert!(wrong.contains("write"), "{wrong}");
        }
    }
}
