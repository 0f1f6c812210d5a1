//! From a program to an artifact: plans, functions, and their code put one after the other.
//!
//! Each thread reuses one Cranelift context. The code must come out free of relocations, since it is stored and loaded
//! elsewhere as it is.

use crate::constants::Constants;
use crate::func::Func;
use crate::plan::{Kind, Plan, plan};
use crate::{driver, nest, order};
use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{AbiParam, Function, Signature, UserFuncName, types};
use cranelift_codegen::isa::{CallConv, OwnedTargetIsa};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use hotloop_ir::{NestId, Program, Step};
use hotloop_target::{Artifact, CompileError, FrameLayout};
use std::cell::Cell;

/// Functions start at multiples of this, so that the constants among their code are aligned.
pub(crate) const ALIGN: usize = 64;
/// The most code of one kernel.
const MAX_CODE: usize = 64 << 20;
/// The most steps inside each other.
const MAX_STEP_DEPTH: usize = 128;
/// The most words of a frame; offsets into it are immediates.
const MAX_WORDS: usize = 1 << 20;

/// What a compilation needs besides the program.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) target: &'static str,
    pub(crate) isa: &'static OwnedTargetIsa,
    pub(crate) most_lanes: usize,
    /// Whether less code is worth more than code that runs faster.
    pub(crate) quick: bool,
}

/// Text of one kind, gathered while compiling.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listing {
    None,
    Clif,
    Asm,
}

thread_local! {
    /// The memory that compiling works in. It is taken out while a program is compiled, so that nobody meets what a
    /// failure has left half-made.
    static REUSED: Cell<Option<Box<(Context, FunctionBuilderContext)>>> = const { Cell::new(None) };
}

/// Compiles a verified program; the second result is the listing asked for.
pub(crate) fn compile(
    settings: Settings,
    program: &Program,
    fingerprint: String,
    listing: Listing,
) -> Result<(Artifact, String), CompileError> {
    let layout = FrameLayout::of(program);
    check_limits(settings, program, &layout)?;
    let plans: Vec<Plan> = program.nests.iter().map(|nest| plan(nest, settings)).collect::<Result<_, _>>()?;
    let mut reused = REUSED.take().unwrap_or_else(|| Box::new((Context::new(), FunctionBuilderContext::new())));
    let (context, builder) = &mut *reused;
    let mut maker = Maker {
        settings,
        program,
        layout: &layout,
        table: Constants::new(program.nests.len()),
        code: Vec::new(),
        listing,
        text: String::new(),
        context,
        builder,
    };
    let driver = maker.function(None, |f, _| driver::emit(f, &plans, settings.quick))?;
    let mut entries = vec![driver];
    for (index, plan) in plans.iter().enumerate() {
        if plan.kind == Kind::Inline {
            entries.push(u32::MAX);
            continue;
        }
        let id = NestId(index as u32);
        entries.push(maker.function(Some(id), |f, params| {
            nest::emit(f, program.nest(id), id, plan, (params[2], params[3]));
        })?);
    }
    let artifact = Artifact { fingerprint, code: maker.code, constants: maker.table.into_bytes(), entries };
    let text = maker.text;
    REUSED.set(Some(reused));
    Ok((artifact, text))
}

fn check_limits(settings: Settings, program: &Program, layout: &FrameLayout) -> Result<(), CompileError> {
    let limit = |reason: &str| CompileError::Limit { target: settings.target, reason: reason.into() };
    if layout.words() > MAX_WORDS {
        return Err(limit("too many arrays and scalars"));
    }
    if !steps_are_shallow(&program.steps, 0) {
        return Err(limit("loops are nested too deeply"));
    }
    Ok(())
}

fn steps_are_shallow(steps: &[Step], depth: usize) -> bool {
    depth <= MAX_STEP_DEPTH
        && steps.iter().all(|step| match step {
            Step::Nest(_) | Step::Alloc(..) | Step::Free(_) | Step::MatMul(_) | Step::Break(_) | Step::Continue(_) => {
                true
            }
            Step::If { then, otherwise, .. } => {
                steps_are_shallow(then, depth + 1) && steps_are_shallow(otherwise, depth + 1)
            }
            Step::For { body, .. } | Step::Loop(body) | Step::Block(body) => steps_are_shallow(body, depth + 1),
        })
}

struct Maker<'m> {
    settings: Settings,
    program: &'m Program,
    layout: &'m FrameLayout,
    table: Constants,
    code: Vec<u8>,
    listing: Listing,
    text: String,
    context: &'m mut Context,
    builder: &'m mut FunctionBuilderContext,
}

impl Maker<'_> {
    /// Compiles one function (the driver, or a nest's) and gives its offset in the code.
    fn function(
        &mut self,
        nest: Option<NestId>,
        emit: impl FnOnce(&mut Func<'_>, &[cranelift_codegen::ir::Value]),
    ) -> Result<u32, CompileError> {
        let isa = &**self.settings.isa;
        self.context.clear();
        let name = UserFuncName::user(0, nest.map_or(0, |id| id.0 + 1));
        self.context.func = Function::with_name_signature(name, signature(isa.default_call_conv(), nest.is_some()));
        let builder = FunctionBuilder::new(&mut self.context.func, self.builder);
        let (mut f, params) = Func::open(builder, self.program, self.layout, &mut self.table);
        emit(&mut f, &params);
        for block in f.finish(isa.frontend_config()) {
            order::by_need(&mut self.context.func, block);
        }
        self.list_clif(nest);
        self.context.set_disasm(self.listing == Listing::Asm);
        if let Err(error) = self.context.compile(isa, &mut ControlPlane::default()) {
            let detail = format!("{:?}\n{}", error.inner, error.func.display());
            return Err(CompileError::Bug { target: self.settings.target, detail });
        }
        self.append(nest)
    }

    fn append(&mut self, nest: Option<NestId>) -> Result<u32, CompileError> {
        let target = self.settings.target;
        let Some(compiled) = self.context.compiled_code() else {
            return Err(CompileError::Bug { target, detail: "no code came out".into() });
        };
        if let Some(reloc) = compiled.buffer.relocs().first() {
            return Err(CompileError::Bug { target, detail: format!("a relocation: {reloc:?}") });
        }
        if self.listing == Listing::Asm {
            let vcode = compiled.vcode.as_deref().unwrap_or_default();
            self.text.push_str(&format!("{}:\n{vcode}\n", label(nest)));
        }
        self.code.resize(self.code.len().next_multiple_of(ALIGN), 0);
        let entry = self.code.len();
        self.code.extend_from_slice(compiled.code_buffer());
        if self.code.len() > MAX_CODE {
            return Err(CompileError::Limit { target, reason: "too much machine code".into() });
        }
        Ok(entry as u32)
    }

    fn list_clif(&mut self, nest: Option<NestId>) {
        if self.listing == Listing::Clif {
            self.text.push_str(&format!("; {}\n{}\n", label(nest), self.context.func.display()));
        }
    }
}

fn label(nest: Option<NestId>) -> String {
    nest.map_or_else(|| "driver".into(), |id| format!("nest {id}"))
}

fn signature(call_conv: CallConv, nest: bool) -> Signature {
    let mut signature = Signature::new(call_conv);
    let params = if nest { 4 } else { 2 };
    signature.params.resize(params, AbiParam::new(types::I64));
    signature.returns.push(AbiParam::new(types::I32));
    signature
}
