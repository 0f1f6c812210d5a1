//! Checking: from the tree and the argument types to the checked tree of `hir`.
//!
//! Functions are checked once for each list of argument types they are called with. The type of a `var` is the join of
//! everything assigned to it, found by checking the body again until no type changes.

mod arranging;
mod by_index;
mod call;
mod complex;
mod expr;
pub(crate) use expr::literal;
mod index;
pub(crate) use index::MAX_RANK;
mod lists;
mod making;
mod masked;
mod matmul;
mod ops;
mod places;
mod reduce;
mod relax;
mod results;
mod stmt;
mod walk;
mod window;

use crate::Options;
use crate::attributes::has_attr;
use crate::errors;
use crate::fastmath::{Fastmath, tier_of};
use crate::hir::{self, InstanceId, Kind, Var, VarId, VarKind};
use crate::module::{Module, param_type};
use crate::promote::{self, Ty};
use hotloop_source::{Diagnostic, Span};
use hotloop_syntax::ast;
use std::collections::HashMap;
use std::sync::Arc;

/// How often a body is checked again until its variables' types settle; the lattice is not higher.
const MAX_ROUNDS: usize = 12;
/// Deepest nesting of expressions, blocks and calls together, so that recursion over trees stays within the stack.
const MAX_DEPTH: usize = 320;
/// How many levels a call or a block counts for: recursion through it takes that much more stack.
const CALL_LEVELS: usize = 3;
const BLOCK_LEVELS: usize = 2;
/// The attributes of functions that are mapped over their arguments.
const MAPPING: &[&str] = &["vectorize", "guvectorize", "stencil"];
/// Most instances of functions in one kernel.
const MAX_INSTANCES: usize = 2000;

/// The checked kernel, and every function it calls.
pub struct Checked {
    /// All instances.
    pub program: hir::Program,
    /// The kernel's instance.
    pub root: InstanceId,
}

/// Checks a kernel for the types of its arguments.
pub fn check(
    module: &Module,
    kernel: &str,
    args: &[Ty],
    span_args: &[String],
    options: &Options,
) -> Result<Checked, Vec<Diagnostic>> {
    let found = module.items.iter().position(|item| item.kind == ast::ItemKind::Kernel && &*item.name.text == kernel);
    let Some(index) = found else {
        return Err(vec![unknown_kernel(module, kernel)]);
    };
    let mut checker = Checker::new(module, options);
    let item = &module.items[index];
    let args = checker.kernel_args(item, args, span_args)?;
    let root = match MAPPING.iter().any(|name| has_attr(item, name)) {
        true => checker.mapped_kernel(index, &args),
        false => checker.instance(FnRef { library: false, index }, &args, item.name.span),
    };
    match root {
        Some(root) if !checker.failed => {
            let diags = checker.collect(root);
            if diags.iter().any(Diagnostic::is_error) {
                return Err(diags);
            }
            Ok(Checked { program: checker.program, root })
        }
        Some(root) => Err(checker.collect(root)),
        None => Err(checker.all_diags()),
    }
}

fn unknown_kernel(module: &Module, kernel: &str) -> Diagnostic {
    let names: Vec<&str> = module.kernels().map(|info| info.name.as_str()).collect();
    let hint = match errors::similar(kernel, names.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None if names.is_empty() => format!("declare one with `kernel {kernel}(…) = …`"),
        None => format!("the kernels are {}", names.join(", ")),
    };
    errors::plain(errors::UNKNOWN_KERNEL, Span::DETACHED, format!("there is no kernel `{kernel}`"), &hint)
}

/// A function of the user's module or of the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct FnRef {
    library: bool,
    index: usize,
}

/// What checking knows across functions.
struct Checker<'m> {
    module: &'m Module,
    program: hir::Program,
    diags: Vec<Vec<Diagnostic>>,
    calls: Vec<Vec<InstanceId>>,
    memo: HashMap<(FnRef, Vec<Ty>, Fastmath), InstanceId>,
    /// The tier of the function at hand, which those it calls have too unless they name one.
    tier: Fastmath,
    /// Whether functions of the library are their relaxed bodies in either tier.
    regrouped: bool,
    active: Vec<FnRef>,
    depth: usize,
    /// The greatest depth reached in the instance at hand.
    deepest: usize,
    /// How many levels deep each instance is, with all it calls: what inlining it adds to the depth of the call.
    heights: Vec<usize>,
    failed: bool,
    stray: Vec<Diagnostic>,
}

/// What checking knows of the body at hand.
struct Body {
    library: bool,
    /// Whether integer overflow is a fault here.
    checked: bool,
    elementwise: bool,
    vars: Vec<Var>,
    scopes: Vec<HashMap<Arc<str>, VarId>>,
    /// The settled type of each `var`, by where it is declared, and of results under the function's own span.
    settled: HashMap<Span, Ty>,
    changed: bool,
    diags: Vec<Diagnostic>,
    calls: Vec<InstanceId>,
    loops: usize,
    returns: Vec<Vec<Ty>>,
    broken: Vec<VarId>,
    stencil: Option<window::Stencil>,
}

impl<'m> Checker<'m> {
    fn new(module: &'m Module, options: &Options) -> Checker<'m> {
        Checker {
            module,
            program: hir::Program::default(),
            diags: Vec::new(),
            calls: Vec::new(),
            memo: HashMap::new(),
            tier: options.fastmath,
            regrouped: options.regrouped,
            active: Vec::new(),
            depth: 0,
            deepest: 0,
            heights: Vec::new(),
            failed: false,
            stray: Vec::new(),
        }
    }

    fn items(&self, library: bool) -> &'m Module {
        if library { Module::library() } else { self.module }
    }

    /// The argument types as the kernel's body sees them: annotated scalars convert, arrays must match.
    fn kernel_args(&self, item: &ast::Item, args: &[Ty], given: &[String]) -> Result<Vec<Ty>, Vec<Diagnostic>> {
        if args.len() != item.params.len() {
            let message = format!(
                "kernel `{}` takes {} arguments ({}), {} given",
                item.name.text,
                item.params.len(),
                item.params.iter().map(|param| &*param.name.text).collect::<Vec<_>>().join(", "),
                args.len()
            );
            let diag = errors::plain(errors::BAD_ARGUMENTS, item.name.span, message, "give one value per parameter");
            return Err(vec![diag]);
        }
        let mut diags = Vec::new();
        let mut types = Vec::new();
        for ((param, &arg), given) in item.params.iter().zip(args).zip(given) {
            // A mapped kernel is written for one element or for core axes, and so are its annotations.
            let one = arg.with_rank(window::core_rank(item, types.len() + diags.len(), arg.rank));
            let fits = |ty: &Ty| arg.rank == one.rank || ty.elem == arg.elem;
            let ty = self.param_ty(param, one).filter(fits);
            match ty.map(|ty| ty.with_rank(ty.rank + arg.rank - one.rank)) {
                Some(ty) => types.push(ty),
                None => diags.push(argument_type(param, given)),
            }
        }
        if diags.is_empty() { Ok(types) } else { Err(diags) }
    }

    fn param_ty(&self, param: &ast::Param, arg: Ty) -> Option<Ty> {
        let Some(annotation) = param.ty.as_ref().and_then(param_type) else {
            return Some(arg);
        };
        if annotation.rank > 0 {
            return (arg.rank == annotation.rank && arg.elem == annotation.ty && !arg.weak).then_some(arg);
        }
        (arg.rank == 0 && promote::widens(arg, annotation.ty)).then_some(Ty::scalar(annotation.ty))
    }

    /// A kernel with an attribute of `MAPPING`: a body that maps the function over the kernel's arguments.
    fn mapped_kernel(&mut self, index: usize, args: &[Ty]) -> Option<InstanceId> {
        let item = &self.module.items[index];
        let vars: Vec<Var> = item
            .params
            .iter()
            .zip(args)
            .map(|(param, &ty)| Var {
                name: param.name.text.to_string(),
                ty,
                kind: VarKind::Param { mutable: false },
                span: param.span,
            })
            .collect();
        let params: Vec<VarId> = (0..vars.len() as u32).map(VarId).collect();
        let argument =
            |&id: &VarId| hir::Expr { kind: Kind::Var(id), ty: vars[id.0 as usize].ty, span: vars[id.0 as usize].span };
        let arguments: Vec<hir::Expr> = params.iter().map(argument).collect();
        let (inner, kind, results) = self.mapped(item, index, arguments)?;
        let ty = results.first().copied().unwrap_or(Ty::scalar(hotloop_ir::Type::Bool));
        let call = hir::Expr { kind, ty, span: item.name.span };
        let instance = hir::Instance {
            name: item.name.text.to_string(),
            params,
            vars,
            body: hir::Block { stmts: Vec::new(), value: vec![call] },
            results,
            scalar: false,
            library: false,
            taps: Vec::new(),
        };
        let height = self.heights[inner.0 as usize] + CALL_LEVELS;
        Some(self.add(instance, Vec::new(), vec![inner], height))
    }

    /// What the body of a mapped kernel is: the call, and what it gives.
    fn mapped(
        &mut self,
        item: &'m ast::Item,
        index: usize,
        args: Vec<hir::Expr>,
    ) -> Option<(InstanceId, Kind, Vec<Ty>)> {
        let function = FnRef { library: false, index };
        if !has_attr(item, "vectorize") {
            let mut calls = Vec::new();
            let window = self.window(index, args, item.name.span, &mut calls);
            return match window {
                Ok(window) => Some((window.id, Kind::Window(Box::new(window.clone())), self.window_results(&window))),
                Err(diags) => {
                    self.stray.extend(diags);
                    None
                }
            };
        }
        let scalars: Vec<Ty> = args.iter().map(|arg| arg.ty.with_rank(0)).collect();
        let inner = self.instance(function, &scalars, item.name.span)?;
        let rank = args.iter().map(|arg| arg.ty.rank).max().unwrap_or(0);
        let results = self.program.instance(inner).results.iter().map(|ty| ty.with_rank(rank)).collect();
        Some((inner, Kind::Map(inner, args), results))
    }

    fn add(
        &mut self,
        instance: hir::Instance,
        diags: Vec<Diagnostic>,
        calls: Vec<InstanceId>,
        height: usize,
    ) -> InstanceId {
        self.heights.push(height);
        self.program.instances.push(instance);
        self.diags.push(diags);
        self.calls.push(calls);
        InstanceId(self.program.instances.len() as u32 - 1)
    }

    /// The function checked for these argument types. None if that cannot be tried; the reason is among `stray`.
    fn instance(&mut self, function: FnRef, args: &[Ty], call: Span) -> Option<InstanceId> {
        let item = &self.items(function.library).items[function.index];
        let tier = tier_of(item).unwrap_or(self.tier);
        let key = (function, args.to_vec(), tier);
        if let Some(&known) = self.memo.get(&key) {
            return self.reach(self.heights[known.0 as usize], call).then_some(known);
        }
        if self.active.contains(&function) {
            self.stray.push(errors::recursion(call, &item.name.text));
            return None;
        }
        if self.program.instances.len() >= MAX_INSTANCES {
            self.refuse(call, "too many functions are called");
            return None;
        }
        self.enter(CALL_LEVELS, call)?;
        self.active.push(function);
        let around = std::mem::replace(&mut self.deepest, self.depth);
        let outer = std::mem::replace(&mut self.tier, tier);
        let (instance, diags, calls) = self.settle(function, item, args);
        self.tier = outer;
        let height = self.deepest + CALL_LEVELS - self.depth;
        self.deepest = self.deepest.max(around);
        self.active.pop();
        self.leave(CALL_LEVELS);
        let id = self.add(instance, diags, calls, height);
        self.memo.insert(key, id);
        Some(id)
    }

    /// Goes some levels deeper, until `leave`; none, with the reason among `stray`, where that is too deep.
    fn enter(&mut self, levels: usize, span: Span) -> Option<()> {
        let fits = self.reach(levels, span);
        fits.then(|| self.depth += levels)
    }

    fn leave(&mut self, levels: usize) {
        self.depth -= levels;
    }

    /// Notes that something here is this many levels deep; false, with the reason among `stray`, if that is too deep.
    fn reach(&mut self, levels: usize, span: Span) -> bool {
        let depth = self.depth + levels;
        if depth > MAX_DEPTH {
            self.refuse(span, "expressions, blocks and calls are nested too deeply");
            return false;
        }
        self.deepest = self.deepest.max(depth);
        true
    }

    /// Says, once, that the text is too large.
    fn refuse(&mut self, span: Span, what: &str) {
        if self.stray.iter().all(|diag| diag.code != errors::TOO_LARGE) {
            self.stray.push(errors::too_large(span, what));
        }
    }

    /// Checks a body until its variables' types no longer change.
    fn settle(
        &mut self,
        function: FnRef,
        item: &'m ast::Item,
        args: &[Ty],
    ) -> (hir::Instance, Vec<Diagnostic>, Vec<InstanceId>) {
        let mut settled = HashMap::new();
        let mut round = 0;
        loop {
            let mut body = Body::new(function.library, has_attr(item, "vectorize") || function.library, settled);
            body.checked = has_attr(item, "checked");
            let instance = self.body(&mut body, item, args);
            round += 1;
            if !body.changed || round >= MAX_ROUNDS {
                return (instance, body.diags, body.calls);
            }
            settled = body.settled;
        }
    }

    fn body(&mut self, body: &mut Body, item: &'m ast::Item, args: &[Ty]) -> hir::Instance {
        let mut params = Vec::new();
        for (param, &ty) in item.params.iter().zip(args) {
            let mutable = param.ty.as_ref().is_some_and(|ty| ty.mutable);
            params.push(body.declare(&param.name, ty, VarKind::Param { mutable }));
        }
        if has_attr(item, "stencil") {
            body.stencil = Some(window::Stencil::new(&params, args));
        }
        let mut block = self.block(body, &item.body, true);
        let results = self.results(body, item, &mut block);
        let taps = self.close_stencil(body, item, &block, &results);
        params.extend(taps.iter().map(|tap| tap.var));
        if self.tier == Fastmath::Relaxed && !body.library {
            relax::block(&mut block, false);
        }
        let scalar = body.vars.iter().all(|var| var.ty.rank == 0) && scalars_only(&block, &self.program);
        hir::Instance {
            name: item.name.text.to_string(),
            params,
            vars: std::mem::take(&mut body.vars),
            body: block,
            results,
            scalar,
            library: body.library,
            taps,
        }
    }

    /// Every diagnostic of the instances reachable from `root`, each once, in the order of the text.
    fn collect(&mut self, root: InstanceId) -> Vec<Diagnostic> {
        let mut seen = vec![false; self.program.instances.len()];
        let mut queue = vec![root];
        let mut found: Vec<Diagnostic> = std::mem::take(&mut self.stray);
        while let Some(id) = queue.pop() {
            if std::mem::replace(&mut seen[id.0 as usize], true) {
                continue;
            }
            found.append(&mut self.diags[id.0 as usize]);
            queue.extend(&self.calls[id.0 as usize]);
        }
        tidy(found)
    }

    fn all_diags(&mut self) -> Vec<Diagnostic> {
        let mut found: Vec<Diagnostic> = std::mem::take(&mut self.stray);
        found.extend(self.diags.iter_mut().flat_map(std::mem::take));
        tidy(found)
    }
}

fn tidy(mut found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    found.sort_by(|a, b| (a.span, a.code, &a.message).cmp(&(b.span, b.code, &b.message)));
    found.dedup();
    found
}

fn argument_type(param: &ast::Param, given: &str) -> Diagnostic {
    let wanted = param
        .ty
        .as_ref()
        .and_then(param_type)
        .map_or(String::new(), |ty| Ty { elem: ty.ty, weak: false, rank: ty.rank }.describe());
    errors::plain(
        errors::ARGUMENT_TYPE,
        param.span,
        format!("parameter `{}` is `{wanted}`, the argument is `{given}`", param.name.text),
        "convert the argument, or leave the annotation out so that the kernel adapts to its arguments",
    )
}

/// Whether a block handles scalars only, so that it can stand in the code of one element.
fn scalars_only(block: &hir::Block, program: &hir::Program) -> bool {
    let mut scalar = true;
    block.walk(&mut |expr| {
        scalar &= expr.ty.rank == 0;
        scalar &= match &expr.kind {
            Kind::Inline(id, _) => program.instance(*id).scalar,
            Kind::Window(_)
            | Kind::Reduce { .. }
            | Kind::MatMul(..)
            | Kind::Index(..)
            | Kind::Extent(..)
            | Kind::Size(_)
            | Kind::List(..)
            | Kind::Fill(..)
            | Kind::FillLike(..)
            | Kind::Ramp(..)
            | Kind::Require(..)
            | Kind::Walk(_)
            | Kind::ByIndex(_)
            | Kind::Position(..)
            | Kind::Arrange(_) => false,
            Kind::Number(_)
            | Kind::Const(_)
            | Kind::Var(_)
            | Kind::Op(..)
            | Kind::Checked(..)
            | Kind::IntDiv(..)
            | Kind::IntPow(..)
            | Kind::Convert(_)
            | Kind::Bitcast(_)
            | Kind::Complex(..)
            | Kind::Part(..)
            | Kind::Logic(..)
            | Kind::Where(..)
            | Kind::If(..)
            | Kind::Let(..)
            | Kind::Map(..) => true,
        };
    });
    block.walk_stmts(&mut |stmt| scalar &= !matches!(stmt.kind, hir::StmtKind::Store { .. }));
    scalar
}

impl Body {
    fn new(library: bool, elementwise: bool, settled: HashMap<Span, Ty>) -> Body {
        Body {
            library,
            checked: false,
            elementwise,
            vars: Vec::new(),
            scopes: vec![HashMap::new()],
            settled,
            changed: false,
            diags: Vec::new(),
            calls: Vec::new(),
            loops: 0,
            returns: Vec::new(),
            broken: Vec::new(),
            stencil: None,
        }
    }

    fn declare(&mut self, name: &ast::Name, ty: Ty, kind: VarKind) -> VarId {
        let id = VarId(self.vars.len() as u32);
        self.vars.push(Var { name: name.text.to_string(), ty, kind, span: name.span });
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.text.clone(), id);
        }
        id
    }

    /// Declares a name whose value is in error, so that its uses are not reported again.
    fn declare_broken(&mut self, name: &ast::Name) {
        let id = self.declare(name, Ty::scalar(hotloop_ir::Type::Bool), VarKind::Let);
        self.broken.push(id);
    }

    fn lookup(&self, name: &str) -> Option<VarId> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name)).copied()
    }

    fn var(&self, id: VarId) -> &Var {
        &self.vars[id.0 as usize]
    }

    /// An op as it is meant in this body.
    fn guarded(&self, op: hir::Expr) -> hir::Expr {
        if self.checked { op.checked() } else { op }
    }

    fn report(&mut self, diag: Diagnostic) {
        self.diags.push(diag);
    }

    /// Joins a type into the settled type at `key`; notes whether that changed it.
    fn join_into(&mut self, key: Span, ty: Ty) -> Result<Ty, promote::NoJoin> {
        let joined = match self.settled.get(&key) {
            Some(old) => promote::join(*old, ty)?.with_rank(old.rank.max(ty.rank)),
            None => ty,
        };
        if self.settled.insert(key, joined) != Some(joined) {
            self.changed = true;
        }
        Ok(joined)
    }
}
