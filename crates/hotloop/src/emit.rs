//! The stages of a kernel as text, for people who want to see what becomes of their code.
//!
//! Each form belongs to the crate of its stage; this only runs the phases up to it.

use crate::compile;
use crate::error::Error;
use crate::module::Kernel;
use crate::options::Call;
use crate::targets::code_generator;
use hotloop_clif::Clif;
use hotloop_clif::object::Cpu;
use hotloop_sema::ArgType;
use hotloop_source::Source;
use hotloop_syntax as syntax;
use std::fmt;
use std::str::FromStr;

macro_rules! stages {
    ($($(#[doc = $doc:literal])+ $variant:ident $name:literal;)*) => {
        /// A form that a kernel takes on its way from text to machine code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Stage {
            $($(#[doc = $doc])+ $variant,)*
        }

        impl Stage {
            /// Every stage, in the order of the way.
            pub const ALL: &'static [Stage] = &[$(Stage::$variant),*];

            /// The name in options.
            pub const fn name(self) -> &'static str {
                match self { $(Stage::$variant => $name,)* }
            }
        }
    };
}

stages! {
    /// The tree of the whole text.
    Ast "ast";
    /// The program the argument types give, which the interpreter runs.
    Ir "ir";
    /// The program after the passes, which the code generators get.
    Passes "passes";
    /// The code generator's own form.
    Clif "clif";
    /// Machine code, disassembled.
    Asm "asm";
    /// The shaders of target `gpu`; needs no GPU.
    Wgsl "wgsl";
    /// The same as SPIR-V, listed; needs no GPU.
    Spirv "spirv";
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Stage {
    type Err = String;

    fn from_str(name: &str) -> Result<Stage, String> {
        let found = Stage::ALL.iter().find(|stage| stage.name() == name);
        found.copied().ok_or_else(|| {
            let names: Vec<&str> = Stage::ALL.iter().map(|stage| stage.name()).collect();
            format!("there is no stage `{name}`; the stages are {}", names.join(", "))
        })
    }
}

impl Kernel {
    /// This kernel, for arguments of these types and its own target, as it is after a stage.
    pub fn emit(&self, types: &[ArgType], stage: Stage) -> Result<String, Error> {
        self.emit_with(types, stage, &Call::default())
    }

    /// As [`Kernel::emit`]; of the choices, the target matters.
    pub fn emit_with(&self, types: &[ArgType], stage: Stage, call: &Call<'_>) -> Result<String, Error> {
        let target = call.target.unwrap_or(self.target());
        compile::guarded(|| match stage {
            Stage::Ast => Ok(self.tree()),
            Stage::Ir => Ok(hotloop_ir::text::print(&self.program(types)?)),
            Stage::Passes => Ok(hotloop_ir::text::print(&hotloop_passes::run(self.program(types)?))),
            Stage::Clif => {
                let program = hotloop_passes::run(self.program(types)?);
                code_generator(target)?.emit_clif(&program).map_err(compile::compile_error)
            }
            Stage::Asm => {
                let program = hotloop_passes::run(self.program(types)?);
                code_generator(target)?.emit_asm(&program).map_err(compile::compile_error)
            }
            Stage::Wgsl => shaders(&hotloop_passes::run(self.program(types)?)),
            Stage::Spirv => words_of_shaders(&hotloop_passes::run(self.program(types)?)),
        })
    }

    /// As [`Kernel::emit`], with the code that object files for processors of a level hold, whatever this machine has.
    pub fn emit_for(&self, types: &[ArgType], stage: Stage, cpu: Cpu) -> Result<String, Error> {
        let program = || Ok::<_, Error>(hotloop_passes::run(self.program(types)?));
        let portable = || Clif::portable(cpu).map_err(|reason| Error::Unsupported(reason.to_string()));
        compile::guarded(|| match stage {
            Stage::Clif => portable()?.emit_clif(&program()?).map_err(compile::compile_error),
            Stage::Asm => portable()?.emit_asm(&program()?).map_err(compile::compile_error),
            Stage::Ast | Stage::Ir | Stage::Passes | Stage::Wgsl | Stage::Spirv => self.emit(types, stage),
        })
    }

    /// This kernel, for arguments of these types, as it is after the pass of this name and those before it.
    pub fn emit_after(&self, types: &[ArgType], pass: &str) -> Result<String, Error> {
        if !hotloop_passes::PASSES.iter().any(|known| known.name == pass) {
            let names: Vec<&str> = hotloop_passes::PASSES.iter().map(|pass| pass.name).collect();
            let words = format!("there is no pass `{pass}`; the passes are {}", names.join(", "));
            return Err(Error::Unsupported(words));
        }
        compile::guarded(|| {
            let mut text = String::new();
            hotloop_passes::run_with(self.program(types)?, &mut |done, program| {
                if done.name == pass {
                    text = hotloop_ir::text::print(program);
                }
            });
            Ok(text)
        })
    }

    /// Parsing again is quick, and keeps trees out of every module.
    fn tree(&self) -> String {
        let unit = self.unit();
        match unit.body {
            Some(length) => {
                let body = Source::new(unit.source.name(), &unit.source.text()[..length]);
                syntax::dump_block(&syntax::parse_body(&body, self.limits()).0)
            }
            None => syntax::dump(&syntax::parse_file(&unit.source, self.limits()).0),
        }
    }
}

#[cfg(feature = "gpu")]
fn shaders(program: &hotloop_ir::Program) -> Result<String, Error> {
    hotloop_gpu::wgsl(program).map_err(Error::Bug)
}

#[cfg(feature = "gpu")]
fn words_of_shaders(program: &hotloop_ir::Program) -> Result<String, Error> {
    hotloop_gpu::spirv(program).map_err(Error::Bug)
}

#[cfg(not(feature = "gpu"))]
fn words_of_shaders(program: &hotloop_ir::Program) -> Result<String, Error> {
    shaders(program)
}

#[cfg(not(feature = "gpu"))]
fn shaders(_: &hotloop_ir::Program) -> Result<String, Error> {
    Err(Error::Unsupported(
        "this build of hotloop has no target `gpu`; build it with the cargo feature `gpu`".to_owned(),
    ))
}
