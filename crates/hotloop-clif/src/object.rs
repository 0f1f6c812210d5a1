//! Object files: compiled programs with entry points for C, which need nothing of hotloop when they run.
//!
//! Owns what stands in the file: the code of each program as it is loaded elsewhere too, its constant table, its
//! messages, and an entry point (`object/entry.rs`) that fills the frame and serves the callbacks
//! (`object/callbacks.rs`). The only symbols it needs are `aligned_alloc` and `free`. How the entry points are declared
//! in C is the business of whoever writes the header.

mod callbacks;
mod emit;
mod entry;

use crate::compile::{Listing, Settings, compile};
use crate::constants::ENTRY;
use crate::isa;
use cranelift_codegen::Context;
use cranelift_codegen::ir::{AbiParam, Signature, types};
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_frontend::FunctionBuilderContext;
use cranelift_module::{DataDescription, DataId, FuncId, Linkage, Module};
use cranelift_object::{ObjectBuilder, ObjectModule};
use hotloop_ir::{Program, ResultRef, Role};
use hotloop_target::{Artifact, CompileError, FrameLayout};

pub use crate::isa::Cpu;

/// The most words of a frame that stands on the caller's stack.
const MAX_STACK_WORDS: usize = 4096;
const TARGET: &str = "object";

/// What an entry point returns; the numbers stand in headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum EntryStatus {
    /// All went well.
    Ok = 0,
    /// A run-time fault.
    Fault = 1,
    /// There is no memory for temporary arrays.
    Memory = 3,
    /// A result needs memory of another shape, which has been put into its `shape`.
    Shape = 4,
    /// An argument breaks a rule.
    Argument = 5,
    /// Written memory overlaps other memory.
    Overlap = 6,
}

/// One entry point to be.
#[derive(Clone, Copy, Debug)]
pub struct Export<'p> {
    /// The symbol.
    pub symbol: &'p str,
    /// The program, after all passes.
    pub program: &'p Program,
    /// What the fault of each site is called, by site.
    pub faults: &'p [String],
}

/// An object file with these entry points, for processors of this level.
pub fn object(exports: &[Export<'_>], cpu: Cpu) -> Result<Vec<u8>, CompileError> {
    let refused = |reason: &'static str| CompileError::Unsupported { target: TARGET, reason: reason.into() };
    let isa = &isa::portable(cpu).map_err(refused)?.isa;
    let names = cranelift_module::default_libcall_names();
    let builder = ObjectBuilder::new(isa.clone(), "hotloop", names).map_err(bug)?;
    let mut maker = Maker {
        module: ObjectModule::new(builder),
        isa,
        context: Context::new(),
        builder: FunctionBuilderContext::new(),
    };
    for export in exports {
        maker.export(export)?;
    }
    maker.module.finish().emit().map_err(bug)
}

fn bug(error: impl std::fmt::Display) -> CompileError {
    CompileError::Bug { target: TARGET, detail: error.to_string() }
}

struct Maker {
    module: ObjectModule,
    isa: &'static OwnedTargetIsa,
    context: Context,
    builder: FunctionBuilderContext,
}

/// What an entry point refers to.
struct Parts {
    driver: FuncId,
    constants: DataId,
    /// A table of the addresses of all messages.
    messages: DataId,
    callbacks: [FuncId; 5],
    free: FuncId,
}

impl Maker {
    fn export(&mut self, export: &Export<'_>) -> Result<(), CompileError> {
        let Export { symbol, program, faults } = *export;
        let layout = FrameLayout::of(program);
        check(program, &layout)?;
        let most_lanes = crate::forms::MAX_LANES;
        let settings = Settings { target: TARGET, isa: self.isa, most_lanes, quick: false };
        let (artifact, _) = compile(settings, program, String::new(), Listing::None)?;
        let functions = self.code(symbol, &artifact)?;
        let constants = self.constants(symbol, &artifact, &functions)?;
        let state = State::of(program);
        let mut messages = Messages(faults.to_vec());
        let callbacks = callbacks::define(self, symbol, program, &layout, &state)?;
        let [driver, ..] = functions[..] else { return Err(bug("no driver")) };
        let Some(driver) = driver else { return Err(bug("no driver")) };
        let table = self.module.declare_data(&format!("{symbol}.messages"), Linkage::Local, false, false);
        let free = self.free()?;
        let parts = Parts { driver, constants, messages: table.map_err(bug)?, callbacks, free };
        entry::define(self, export, &layout, &state, &parts, &mut messages)?;
        self.messages(symbol, parts.messages, &messages.0)
    }

    /// The functions of an artifact, by entry.
    fn code(&mut self, symbol: &str, artifact: &Artifact) -> Result<Vec<Option<FuncId>>, CompileError> {
        // Functions stand one after the other in the order of their entries.
        let starts: Vec<usize> = artifact.entries.iter().filter(|at| **at != u32::MAX).map(|at| *at as usize).collect();
        let mut functions = Vec::new();
        for (index, &start) in artifact.entries.iter().enumerate() {
            if start == u32::MAX {
                functions.push(None);
                continue;
            }
            let start = start as usize;
            let end = starts.iter().copied().find(|at| *at > start).unwrap_or(artifact.code.len());
            let signature = self.signature(if index == 0 { 2 } else { 4 });
            let name = format!("{symbol}.{index}");
            let id = self.module.declare_function(&name, Linkage::Local, &signature).map_err(bug)?;
            let align = crate::compile::ALIGN as u64;
            self.module.define_function_bytes(id, align, &artifact.code[start..end], &[]).map_err(bug)?;
            functions.push(Some(id));
        }
        Ok(functions)
    }

    /// The constant table, with the addresses of the nests' functions at its start.
    fn constants(
        &mut self,
        symbol: &str,
        artifact: &Artifact,
        functions: &[Option<FuncId>],
    ) -> Result<DataId, CompileError> {
        let id = self.module.declare_data(&format!("{symbol}.constants"), Linkage::Local, false, false).map_err(bug)?;
        let mut data = DataDescription::new();
        data.define(artifact.constants.clone().into_boxed_slice());
        data.set_align(ENTRY as u64);
        for (nest, function) in functions.iter().skip(1).enumerate() {
            if let Some(function) = function {
                let function = self.module.declare_func_in_data(*function, &mut data);
                data.write_function_addr(nest as u32 * 8, function);
            }
        }
        self.module.define_data(id, &data).map_err(bug)?;
        Ok(id)
    }

    /// The messages, and the table of their addresses.
    fn messages(&mut self, symbol: &str, table: DataId, messages: &[String]) -> Result<(), CompileError> {
        let texts = self.module.declare_data(&format!("{symbol}.texts"), Linkage::Local, false, false).map_err(bug)?;
        let mut bytes = Vec::new();
        let mut addresses = DataDescription::new();
        addresses.define(vec![0; messages.len().max(1) * 8].into_boxed_slice());
        addresses.set_align(8);
        let text = self.module.declare_data_in_data(texts, &mut addresses);
        for (index, message) in messages.iter().enumerate() {
            addresses.write_data_addr(index as u32 * 8, text, bytes.len() as i64);
            bytes.extend(message.bytes().filter(|byte| *byte != 0));
            bytes.push(0);
        }
        // Data of no bytes has no place.
        bytes.push(0);
        let mut data = DataDescription::new();
        data.define(bytes.into_boxed_slice());
        self.module.define_data(texts, &data).map_err(bug)?;
        self.module.define_data(table, &addresses).map_err(bug)
    }

    fn free(&mut self) -> Result<FuncId, CompileError> {
        let mut signature = Signature::new(self.isa.default_call_conv());
        signature.params.push(AbiParam::new(types::I64));
        self.module.declare_function("free", Linkage::Import, &signature).map_err(bug)
    }

    /// A function of so many words that gives a status.
    fn signature(&self, words: usize) -> Signature {
        let mut signature = Signature::new(self.isa.default_call_conv());
        signature.params.resize(words, AbiParam::new(types::I64));
        signature.returns.push(AbiParam::new(types::I32));
        signature
    }
}

fn check(program: &Program, layout: &FrameLayout) -> Result<(), CompileError> {
    if layout.words() > MAX_STACK_WORDS {
        let reason = "it has more arrays and scalars than fit on the stack of a C program".to_owned();
        return Err(CompileError::Limit { target: TARGET, reason });
    }
    let twice = |at: usize| {
        matches!(program.results[at], ResultRef::Array(_)) && program.results[..at].contains(&program.results[at])
    };
    if !program.products.is_empty() {
        let reason = "a matrix product of floats needs the library; `sum` over a product of arrays does not".to_owned();
        return Err(CompileError::Unsupported { target: TARGET, reason });
    }
    if (0..program.results.len()).any(twice) {
        let reason = "it gives the same array back twice; give it back once".to_owned();
        return Err(CompileError::Unsupported { target: TARGET, reason });
    }
    Ok(())
}

/// What was or may go wrong, in words; an entry point says which by number.
struct Messages(Vec<String>);

impl Messages {
    fn number(&mut self, message: String) -> i64 {
        self.0.push(message);
        self.0.len() as i64 - 1
    }
}

/// What the callbacks of a call work on: words on the stack of the entry point.
///
/// | words | content |
/// |---|---|
/// | 0 | the status a callback failed with |
/// | 1 | the number of the result it failed for |
/// | 2 | 0: what the frame's cancel flag points to |
/// | per result | the address of the caller's array or scalar |
/// | per array of the program | address and bytes of its memory, if it is a temporary |
/// | per nest | address and bytes of its partial results |
struct State {
    results: usize,
    arrays: usize,
    nests: usize,
    words: usize,
}

impl State {
    const STATUS: usize = 0;
    const RESULT: usize = 1;
    const CANCEL: usize = 2;

    fn of(program: &Program) -> State {
        let results = 3;
        let arrays = results + program.results.len();
        let nests = arrays + program.arrays.len() * 2;
        State { results, arrays, nests, words: nests + program.nests.len() * 2 }
    }

    /// Words that hold memory to be given back: address first.
    fn memory(&self, program: &Program) -> Vec<usize> {
        let temps = (0..program.arrays.len()).filter(|at| program.arrays[*at].role == Role::Temp);
        let folds = (0..program.nests.len()).filter(|at| !program.nests[*at].folds.is_empty());
        temps.map(|at| self.arrays + at * 2).chain(folds.map(|at| self.nests + at * 2)).collect()
    }
}
