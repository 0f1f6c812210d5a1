//! Stencils and functions over core axes: what they read, and what a call of one gives.
//!
//! In a stencil `a[@-1, @0]` is a scalar: a hidden parameter that holds the element this far from the point at hand. A
//! loop over a literal range is written out, so that its variable can stand in offsets.

use super::expr::literal;
use super::{BLOCK_LEVELS, Body, Checker, FnRef};
use crate::attributes::{self, Border, Signature, Value, has_attr};
use crate::errors;
use crate::hir::{self, Cores, Expr, Form, Kind, StmtKind, Tap, VarId, VarKind, Window};
use crate::promote::{self, Ty};
use hotloop_ir::{Scalar, Type};
use hotloop_source::{Diagnostic, Span};
use hotloop_syntax::ast;
use std::collections::{HashMap, HashSet};

/// The farthest an offset can reach.
const MAX_OFFSET: i64 = 1 << 20;
/// Most turns of all loops of a stencil that are written out.
const MAX_TURNS: usize = 4096;

/// What checking knows of the stencil at hand.
#[derive(Default)]
pub(super) struct Stencil {
    /// The parameters that are arrays, with their positions.
    arrays: HashMap<VarId, usize>,
    taps: Vec<Tap>,
    /// The values of variables of loops that are written out.
    constants: HashMap<VarId, i64>,
    turns: usize,
}

impl Stencil {
    pub(super) fn new(params: &[VarId], types: &[Ty]) -> Stencil {
        let arrays = params.iter().zip(types).enumerate().filter(|(_, (_, ty))| ty.rank > 0);
        Stencil { arrays: arrays.map(|(i, (&var, _))| (var, i)).collect(), ..Stencil::default() }
    }
}

/// How many axes of an argument the body of a mapped function sees.
pub(super) fn core_rank(item: &ast::Item, param: usize, rank: u32) -> u32 {
    if has_attr(item, "vectorize") {
        return 0;
    }
    let signature = attributes::signature_of(item);
    let axes = signature.and_then(|signature| signature.inputs.get(param).map(|axes| axes.len() as u32));
    axes.map_or(rank, |axes| axes.min(rank))
}

impl<'m> Checker<'m> {
    /// `a[@-1, @0]` in a stencil. The outer option is none for everything else, the inner one for errors.
    #[expect(clippy::option_option, reason = "no tap and a tap in error are two things")]
    pub(super) fn tap(&mut self, body: &mut Body, index: &'m ast::Index, span: Span) -> Option<Option<Expr>> {
        body.stencil.as_ref()?;
        index.elements.iter().find(|element| is_offset(element))?;
        Some(self.tap_inner(body, index, span))
    }

    fn tap_inner(&mut self, body: &mut Body, index: &'m ast::Index, span: Span) -> Option<Expr> {
        let param = match &index.base.kind {
            ast::ExprKind::Name(name) => body.lookup(name).and_then(|id| Some((id, body.array_param(id)?))),
            _ => None,
        };
        let Some((id, param)) = param else {
            let message = "offsets are for the arrays that the stencil is called with".into();
            let hint = "index a parameter that is an array, or use plain indices without `@`";
            body.report(errors::plain(errors::BAD_INDEX, index.base.span, message, hint));
            return None;
        };
        let ty = body.var(id).ty;
        if index.elements.len() != ty.rank as usize || !index.elements.iter().all(is_offset) {
            let (name, zeros) = (body.var(id).name.clone(), vec!["@0"; ty.rank as usize].join(", "));
            let message = format!("`{name}` has {}, so it takes as many offsets", axes(ty.rank));
            body.report(errors::plain(errors::BAD_INDEX, span, message, &format!("write `{name}[{zeros}]`")));
            return None;
        }
        let mut offsets = Vec::new();
        for element in &index.elements {
            offsets.push(self.offset(body, element)?);
        }
        let var = body.tap_var(param, offsets, ty, span);
        Some(Expr { kind: Kind::Var(var), ty: body.var(var).ty, span })
    }

    fn offset(&mut self, body: &mut Body, element: &'m ast::IndexElem) -> Option<i64> {
        let ast::IndexKind::Offset(expr) = &element.kind else { return None };
        let value = body.constant(expr);
        if let Some(value) = value.filter(|value| value.abs() <= MAX_OFFSET) {
            return Some(value);
        }
        let message = match value {
            Some(value) => format!("the offset {value} is too far away"),
            None => "an offset must be known before the program runs".into(),
        };
        let hint = "use a literal, or the variable of a loop over a literal range without `break` or `continue`";
        body.report(errors::plain(errors::BAD_INDEX, element.span, message, hint));
        None
    }

    /// Whether a loop of a stencil is written out: its range is literal, and nothing leaves a turn early.
    pub(super) fn unrolls(&self, body: &Body, iter: &ast::Expr, inner: &ast::Block) -> bool {
        let Some(turns) = body.literal_range(iter) else { return false };
        let left = body.stencil.as_ref().map_or(0, |stencil| MAX_TURNS - stencil.turns);
        turns.len() <= left && !leaves(inner)
    }

    /// A loop of a stencil, turn by turn.
    pub(super) fn unrolled(
        &mut self,
        body: &mut Body,
        var: &'m ast::Name,
        iter: &'m ast::Expr,
        inner: &'m ast::Block,
        out: &mut Vec<hir::Stmt>,
    ) {
        for value in body.literal_range(iter).unwrap_or_default() {
            if self.enter(BLOCK_LEVELS, inner.span).is_none() {
                return;
            }
            body.scopes.push(Default::default());
            let id = body.declare(var, Ty::scalar(Type::I64), VarKind::Let);
            if let Some(stencil) = &mut body.stencil {
                stencil.constants.insert(id, value);
                stencil.turns = (stencil.turns + 1).min(MAX_TURNS);
            }
            out.push(hir::Stmt { kind: StmtKind::Assign(id, Expr::int(value, iter.span)), span: iter.span });
            let turn = self.block(body, inner, false);
            out.extend(turn.stmts);
            body.scopes.pop();
            self.leave(BLOCK_LEVELS);
        }
    }

    /// What the stencil reads by offsets, after its body has been checked; reports a body that is no stencil.
    pub(super) fn close_stencil(
        &mut self,
        body: &mut Body,
        item: &ast::Item,
        block: &hir::Block,
        results: &[Ty],
    ) -> Vec<Tap> {
        let Some(stencil) = body.stencil.take() else { return Vec::new() };
        if !body.diags.is_empty() {
            return stencil.taps;
        }
        let (span, name) = (item.name.span, &item.name.text);
        if let Some(found) = bare_array(block) {
            let (array, rank) = (body.var(found.0).name.clone(), body.var(found.0).ty.rank);
            let message = format!("`{array}` is the whole array here, not an element");
            let hint = format!(
                "write `{array}[{}]` for the element at the point at hand",
                vec!["@0"; rank as usize].join(", ")
            );
            body.report(errors::plain(errors::TYPE_MISMATCH, found.1, message, &hint));
        } else if results.is_empty() {
            let message = format!("the stencil `{name}` gives no element");
            body.report(errors::plain(errors::NO_VALUE, span, message, "end its body with a value"));
        } else if stencil.taps.is_empty() {
            let message = format!("the stencil `{name}` reads no array by offsets");
            let hint = "read its parameters by offsets, `a[@-1, @0]`, or use `@vectorize`";
            body.report(errors::plain(errors::BAD_ATTRIBUTE, span, message, hint));
        }
        stencil.taps
    }

    /// A call of a stencil or of a function over core axes.
    pub(super) fn window_call(&mut self, body: &mut Body, index: usize, args: Vec<Expr>, span: Span) -> Option<Expr> {
        let args = args.into_iter().map(|arg| self.settle_number(body, arg)).collect::<Option<Vec<_>>>()?;
        let window = self.window(index, args, span, &mut body.calls);
        match window {
            Ok(window) => {
                let ty = self.window_results(&window).first().copied().unwrap_or(Ty::scalar(Type::Bool));
                Some(Expr { kind: Kind::Window(Box::new(window)), ty, span })
            }
            Err(diags) => {
                diags.into_iter().for_each(|diag| body.report(diag));
                None
            }
        }
    }

    /// The function for these arguments, noted among `calls`. The error is empty where the body's own are the reason.
    pub(super) fn window(
        &mut self,
        index: usize,
        args: Vec<Expr>,
        span: Span,
        calls: &mut Vec<hir::InstanceId>,
    ) -> Result<Window, Vec<Diagnostic>> {
        let item = &self.module.items[index];
        let signature = attributes::signature_of(item);
        if let Some(signature) = &signature {
            enough_axes(item, signature, &args)?;
        }
        let seen = |(i, arg): (usize, &Expr)| arg.ty.with_rank(core_rank(item, i, arg.ty.rank));
        let types: Vec<Ty> = args.iter().enumerate().map(seen).collect();
        let id = self.instance(FnRef { library: false, index }, &types, span).ok_or_else(Vec::new)?;
        calls.push(id);
        if self.diags[id.0 as usize].iter().any(Diagnostic::is_error) {
            return Err(Vec::new());
        }
        let form = match signature {
            Some(signature) => Form::Cores(self.cores(item, signature, id, &args, span)?),
            None => Form::Stencil(self.stencil_border(item, id, &args)?),
        };
        Ok(Window { id, args, form })
    }

    /// The types that a call of a stencil or of a function over core axes gives.
    pub(super) fn window_results(&self, window: &Window) -> Vec<Ty> {
        let instance = self.program.instance(window.id);
        let rank = match &window.form {
            Form::Stencil(_) => instance.taps.first().map_or(0, |tap| window.args[tap.param].ty.rank),
            Form::Cores(cores) => loop_rank(&cores.inputs, &window.args),
        };
        instance.results.iter().map(|ty| ty.with_rank(ty.rank + rank)).collect()
    }

    /// Matches results with their promised axes.
    fn cores(
        &mut self,
        item: &ast::Item,
        signature: Signature,
        id: hir::InstanceId,
        args: &[Expr],
        span: Span,
    ) -> Result<Cores, Vec<Diagnostic>> {
        let results = &self.program.instance(id).results;
        let promised: Vec<u32> = signature.outputs.iter().map(|axes| axes.len() as u32).collect();
        let given: Vec<u32> = results.iter().map(|ty| ty.rank).collect();
        if promised != given {
            let list = |ranks: &[u32]| match ranks {
                [] => "nothing".to_string(),
                ranks => ranks.iter().map(|&rank| axes(rank)).collect::<Vec<_>>().join(", "),
            };
            let message =
                format!("the signature promises results with {}, the body gives {}", list(&promised), list(&given));
            let hint = "change the signature behind `->`, or what the body ends with";
            return Err(vec![errors::plain(errors::TYPE_MISMATCH, item.name.span, message, hint)]);
        }
        let outer = loop_rank(&signature.inputs, args);
        if promised.iter().any(|core| (core + outer) as usize > super::MAX_RANK) {
            return Err(vec![errors::too_large(span, &format!("the result has more than {} axes", super::MAX_RANK))]);
        }
        let letters = signature.letters.iter().map(|letter| letter.to_string()).collect();
        Ok(Cores { letters, inputs: signature.inputs, outputs: signature.outputs })
    }

    /// The border in the types of arguments and results; reports arrays of several ranks and values that do not fit.
    fn stencil_border(
        &mut self,
        item: &ast::Item,
        id: hir::InstanceId,
        args: &[Expr],
    ) -> Result<hir::Border, Vec<Diagnostic>> {
        let instance = self.program.instance(id);
        let mut tapped = instance.taps.iter().map(|tap| tap.param);
        let first = tapped.next().unwrap_or(0);
        let rank = args[first].ty.rank;
        if let Some(other) = tapped.find(|&other| args[other].ty.rank != rank) {
            let names = [first, other].map(|param| &*item.params[param].name.text);
            let message =
                format!("`{}` has {}, `{}` has {}", names[0], axes(rank), names[1], axes(args[other].ty.rank));
            let hint = "the arrays that a stencil reads by offsets have one shape";
            return Err(vec![errors::plain(errors::ARGUMENT_TYPE, args[other].span, message, hint)]);
        }
        let (border, span) = attributes::border_of(item).ok_or_else(Vec::new)?;
        let scalars = |value: &Value, types: &[Ty]| -> Result<Vec<Scalar>, Vec<Diagnostic>> {
            types.iter().map(|ty| scalar(value, ty.elem, span).map_err(|diag| vec![diag])).collect()
        };
        Ok(match border {
            Border::Edge => hir::Border::Edge,
            Border::Reflect => hir::Border::Reflect,
            Border::Mirror => hir::Border::Mirror,
            Border::Wrap => hir::Border::Wrap,
            Border::Fill(value) => hir::Border::Fill(scalars(&value, &instance.results)?),
            Border::Constant(value) => {
                let read: HashSet<usize> = instance.taps.iter().map(|tap| tap.param).collect();
                let mut list = Vec::new();
                for (i, arg) in args.iter().enumerate() {
                    let scalar = if read.contains(&i) { scalars(&value, &[arg.ty])?[0] } else { Scalar::bool(false) };
                    list.push(scalar);
                }
                hir::Border::Constant(list)
            }
            Border::Skip => {
                let kept = args[first].ty;
                if let Some(ty) = instance.results.iter().find(|ty| !promote::widens(kept.with_rank(0), ty.elem)) {
                    let message = format!("`skip` keeps elements of `{}`, the stencil gives `{}`", kept.elem, ty.elem);
                    let hint = format!("cast the result: `{}(…)`, or use another border", kept.elem);
                    return Err(vec![errors::plain(errors::TYPE_MISMATCH, span, message, &hint)]);
                }
                hir::Border::Skip(first)
            }
        })
    }
}

impl Body {
    /// The position of a parameter of a stencil that is an array.
    fn array_param(&self, id: VarId) -> Option<usize> {
        self.stencil.as_ref().and_then(|stencil| stencil.arrays.get(&id).copied())
    }

    /// The variable that holds the element at these offsets.
    fn tap_var(&mut self, param: usize, offsets: Vec<i64>, array: Ty, span: Span) -> VarId {
        let next = VarId(self.vars.len() as u32);
        let Some(stencil) = &mut self.stencil else { return next };
        if let Some(tap) = stencil.taps.iter().find(|tap| tap.param == param && tap.offsets == offsets) {
            return tap.var;
        }
        stencil.taps.push(Tap { param, offsets, var: next });
        let (ty, kind) = (array.with_rank(0), VarKind::Param { mutable: false });
        self.vars.push(hir::Var { name: "element".into(), ty, kind, span });
        next
    }

    /// The value of a whole number that is known now.
    fn constant(&self, expr: &ast::Expr) -> Option<i64> {
        match &expr.kind {
            ast::ExprKind::Int(lit) => i64::try_from(lit.value).ok(),
            ast::ExprKind::Name(name) => self.stencil.as_ref()?.constants.get(&self.lookup(name)?).copied(),
            ast::ExprKind::Unary { op: ast::UnaryOp::Neg, operand } => self.constant(operand)?.checked_neg(),
            ast::ExprKind::Unary { op: ast::UnaryOp::Plus, operand } => self.constant(operand),
            ast::ExprKind::Binary { op, left, right, .. } => {
                let (left, right) = (self.constant(left)?, self.constant(right)?);
                match op {
                    ast::BinaryOp::Add => left.checked_add(right),
                    ast::BinaryOp::Sub => left.checked_sub(right),
                    ast::BinaryOp::Mul => left.checked_mul(right),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The values of a `range` in a stencil whose bounds are known now.
    fn literal_range(&self, iter: &ast::Expr) -> Option<Vec<i64>> {
        self.stencil.as_ref()?;
        let ast::ExprKind::Call { callee, args, named } = &iter.kind else { return None };
        let range = matches!(&callee.kind, ast::ExprKind::Name(name) if &**name == "range");
        if !range || !named.is_empty() {
            return None;
        }
        let bounds = args.iter().map(|arg| self.constant(arg)).collect::<Option<Vec<i64>>>()?;
        let (start, stop, step) = match bounds[..] {
            [stop] => (0, stop, 1),
            [start, stop] => (start, stop, 1),
            [start, stop, step] if step != 0 => (start, stop, step),
            _ => return None,
        };
        let inside = |value: i64| if step > 0 { value < stop } else { value > stop };
        let values = std::iter::successors(Some(start), |value| value.checked_add(step));
        Some(values.take_while(|&value| inside(value)).take(MAX_TURNS + 1).collect())
    }
}

/// Whether every argument has the core axes that the signature gives it.
fn enough_axes(item: &ast::Item, signature: &Signature, args: &[Expr]) -> Result<(), Vec<Diagnostic>> {
    for ((param, core), arg) in item.params.iter().zip(&signature.inputs).zip(args) {
        if (arg.ty.rank as usize) < core.len() {
            let letters: Vec<&str> = core.iter().map(|&letter| &*signature.letters[letter as usize]).collect();
            let (name, letters) = (&param.name.text, letters.join(","));
            let message = format!("`{name}` has the core axes ({letters}), the argument is `{}`", arg.ty.describe());
            let hint = format!("pass an array with at least {}", axes(core.len() as u32));
            return Err(vec![errors::plain(errors::ARGUMENT_TYPE, arg.span, message, &hint)]);
        }
    }
    Ok(())
}

/// How many axes are looped over.
fn loop_rank(inputs: &[Vec<u32>], args: &[Expr]) -> u32 {
    inputs.iter().zip(args).map(|(core, arg)| arg.ty.rank.saturating_sub(core.len() as u32)).max().unwrap_or(0)
}

fn scalar(value: &Value, elem: Type, span: Span) -> Result<Scalar, Diagnostic> {
    let found = match value {
        Value::Bool(value) => (elem == Type::Bool).then(|| Scalar::bool(*value)),
        Value::Float(value) if elem.is_complex() => {
            let real = if elem == Type::C64 { Scalar::f32(*value as f32) } else { Scalar::f64(*value) };
            Some(Scalar::complex(elem, real.bits, 0))
        }
        Value::Float(value) if elem.is_float() => Some(match elem {
            Type::F32 => Scalar::f32(*value as f32),
            _ => Scalar::f64(*value),
        }),
        Value::Float(_) => None,
        Value::Number(hir::Number::Int(value @ (0 | 1))) if elem == Type::Bool => Some(Scalar::bool(*value == 1)),
        Value::Number(number) => literal(number, elem),
    };
    let text = match value {
        Value::Bool(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::Number(number) => number.text(),
    };
    found.ok_or_else(|| errors::literal_range(span, &text, elem.name()))
}

fn is_offset(element: &ast::IndexElem) -> bool {
    matches!(element.kind, ast::IndexKind::Offset(_))
}

fn axes(rank: u32) -> String {
    match rank {
        0 => "no axes".into(),
        1 => "1 axis".into(),
        rank => format!("{rank} axes"),
    }
}

/// Whether a block leaves a turn of the loop it is the body of.
fn leaves(block: &ast::Block) -> bool {
    let branches = |branch: &ast::If| {
        branch.arms.iter().any(|arm| leaves(&arm.body)) || branch.otherwise.as_ref().is_some_and(leaves)
    };
    let value =
        block.value.as_ref().is_some_and(|value| matches!(&value.kind, ast::ExprKind::If(branch) if branches(branch)));
    value
        || block.stmts.iter().any(|stmt| match &stmt.kind {
            ast::StmtKind::Break | ast::StmtKind::Continue => true,
            ast::StmtKind::If(branch) => branches(branch),
            ast::StmtKind::Expr(expr) => matches!(&expr.kind, ast::ExprKind::If(branch) if branches(branch)),
            ast::StmtKind::Let { .. }
            | ast::StmtKind::Var { .. }
            | ast::StmtKind::Assign { .. }
            | ast::StmtKind::While { .. }
            | ast::StmtKind::For { .. }
            | ast::StmtKind::Return(_) => false,
        })
}

/// An array that is named without an index, and not only asked for its shape or handed to a function.
fn bare_array(block: &hir::Block) -> Option<(VarId, Span)> {
    let mut named = HashSet::new();
    block.walk(&mut |expr| match &expr.kind {
        Kind::Index(base, _) | Kind::Extent(base, _) | Kind::Size(base) => drop(named.insert(base.span)),
        Kind::Inline(_, args) => named.extend(args.iter().map(|arg| arg.span)),
        _ => {}
    });
    let mut found = None;
    block.walk(&mut |expr| {
        if let Kind::Var(var) = expr.kind
            && expr.ty.rank > 0
            && !named.contains(&expr.span)
        {
            found = found.or(Some((var, expr.span)));
        }
    });
    found
}
