//! Stores to places that arrays select: masks and arrays of indices.
//!
//! Where a mask chooses among values that exist for all elements, the store is a choice for each element; other values
//! are taken one after the other.

use super::{Body, Checker};
use crate::errors;
use crate::hir::{self, Expr, Index, Kind, Merge, StmtKind, VarId, VarKind};
use crate::promote::Ty;
use hotloop_ir::FoldOp;
use hotloop_source::Span;
use hotloop_syntax::ast;

/// The built-ins that store, by name: what becomes of an element and the value it meets.
const SCATTERS: &[(&str, FoldOp)] = &[("scatter_min", FoldOp::Min), ("scatter_max", FoldOp::Max)];

/// How an assignment changes what is there.
pub(super) enum Change {
    /// `=`
    Set,
    /// `+=` and its like.
    By(ast::BinaryOp),
    /// The smaller, or the larger, of both.
    Extreme(&'static str, FoldOp),
}

/// A place selected by arrays.
pub(super) struct Places {
    pub array: VarId,
    pub index: Vec<Index>,
    pub rank: u32,
    pub span: Span,
}

impl<'m> Checker<'m> {
    /// `scatter_min(a, indices, value)` and `scatter_max`, statements by themselves; false for any other expression.
    pub(super) fn scatter_stmt(&mut self, body: &mut Body, expr: &'m ast::Expr, out: &mut Vec<hir::Stmt>) -> bool {
        let ast::ExprKind::Call { callee, args, named } = &expr.kind else { return false };
        let ast::ExprKind::Name(called) = &callee.kind else { return false };
        let Some(&(name, fold)) = SCATTERS.iter().find(|row| row.0 == &**called) else { return false };
        if self.items(body.library).by_name.contains_key(&**called) {
            return false;
        }
        if let Some(keyword) = named.first() {
            body.report(errors::unknown_keyword(keyword.name.span, name, &keyword.name.text, &[]));
            return true;
        }
        let [place, at, value] = args.as_slice() else {
            let expected = "3 arguments: an array, indices and values";
            body.report(errors::argument_count(expr.span, name, expected, args.len()));
            return true;
        };
        let (at, value) = (self.expr(body, at), self.expr(body, value));
        let (Some(at), Some(value), Some(array)) = (at, value, self.stored_name(body, place)) else {
            return true;
        };
        let ty = body.var(array).ty;
        let Some(part) = self.index_by(body, at) else { return true };
        if ty.rank == 0 || !matches!(part, Index::Array(_)) {
            let message = format!("`{name}` needs an array and an array of indices");
            body.report(errors::plain(errors::BAD_INDEX, expr.span, message, "for one element write an assignment"));
            return true;
        }
        let mut index = vec![part];
        index.extend((1..ty.rank).map(|_| Index::whole()));
        let rank = super::index::rank_left(&index, ty.rank);
        let places = Places { array, index, rank, span: expr.span };
        self.store_places(body, places, &Change::Extreme(name, fold), value, expr.span, out);
        true
    }

    /// The variable that a scatter changes.
    fn stored_name(&mut self, body: &mut Body, place: &'m ast::Expr) -> Option<VarId> {
        let ast::ExprKind::Name(text) = &place.kind else {
            let message = "only elements and slices of a named array can be assigned".into();
            body.report(errors::plain(errors::NOT_ASSIGNABLE, place.span, message, "name the array first"));
            return None;
        };
        self.name_expr(body, text, place.span)?;
        let id = body.lookup(text)?;
        self.assignable(body, id, &ast::Name { text: text.clone(), span: place.span })?;
        Some(id)
    }

    /// Reports an array that cannot be stored into.
    pub(super) fn assignable(&mut self, body: &mut Body, id: VarId, name: &ast::Name) -> Option<()> {
        let var = body.var(id).clone();
        if matches!(var.kind, VarKind::Param { mutable: true } | VarKind::Var) {
            return Some(());
        }
        body.report(super::stmt::not_assignable(name, &var));
        None
    }

    /// A store to a place selected by arrays.
    pub(super) fn store_places(
        &mut self,
        body: &mut Body,
        places: Places,
        change: &Change,
        value: Expr,
        span: Span,
        out: &mut Vec<hir::Stmt>,
    ) {
        let rank = body.var(places.array).ty.rank;
        let stmt = match places.index.as_slice() {
            [Index::Mask(mask)] if mask.ty.rank == rank => {
                let mask = mask.clone();
                self.store_masked(body, &places, &mask, change, value)
            }
            _ => self.store_scattered(body, places, change, value),
        };
        if let Some(kind) = stmt {
            out.push(hir::Stmt { kind, span });
        }
    }

    fn store_masked(
        &mut self,
        body: &mut Body,
        places: &Places,
        mask: &Expr,
        change: &Change,
        value: Expr,
    ) -> Option<StmtKind> {
        let Places { array, span, .. } = *places;
        let ty = body.var(array).ty;
        let old = Expr { kind: Kind::Var(array), ty, span };
        let everywhere = if value.ty.rank == 0 { Some(value.clone()) } else { unmasked(&value, mask) };
        if let Some(value) = everywhere {
            let new = self.changed(body, array, change, old.clone(), value, span)?;
            let kind = Kind::Where(Box::new(mask.clone()), Box::new(new), Box::new(old));
            let value = Expr { kind, ty: Ty::array(ty.elem, ty.rank), span };
            let index = (0..ty.rank).map(|_| Index::whole()).collect();
            return Some(StmtKind::Store { array, index, value, merge: None });
        }
        if value.ty.rank != 1 {
            let message = format!("a mask selects values along one axis, these have {}", value.ty.rank);
            let hint = "select the values by the same mask: `a[mask] = b[mask]`";
            body.report(errors::mismatch(value.span, message, hint));
            return None;
        }
        let index = vec![Index::Mask(mask.clone())];
        let kind = Kind::Index(Box::new(old), index.clone());
        let selected = Expr { kind, ty: Ty::array(ty.elem, 1), span };
        let value = self.changed(body, array, change, selected, value, span)?;
        Some(StmtKind::Store { array, index, value, merge: None })
    }

    /// What the elements become, in the array's element type.
    fn changed(
        &mut self,
        body: &mut Body,
        array: VarId,
        change: &Change,
        old: Expr,
        value: Expr,
        span: Span,
    ) -> Option<Expr> {
        let new = match change {
            Change::Set => value,
            Change::By(op) => self.binary_of(body, *op, span, old, value, span)?,
            Change::Extreme(name, fold) => self.extreme(body, name, *fold, vec![old, value], span)?,
        };
        let (elem, name) = (Ty::scalar(body.var(array).ty.elem), body.var(array).name.clone());
        self.fit_store(body, new, elem, &name)
    }

    fn store_scattered(&mut self, body: &mut Body, places: Places, change: &Change, value: Expr) -> Option<StmtKind> {
        let Places { array, index, rank, span } = places;
        let elem = body.var(array).ty.elem;
        if value.ty.rank > rank {
            let message = format!("a value with {} axes does not fit a place with {rank}", value.ty.rank);
            body.report(errors::mismatch(span, message, "slice or reduce the value"));
            return None;
        }
        if matches!(change, Change::Set) {
            let name = body.var(array).name.clone();
            let value = self.fit_store(body, value, Ty::scalar(elem), &name)?;
            return Some(StmtKind::Store { array, index, value, merge: None });
        }
        let old = self.placeholder(body, ".old", Ty::scalar(elem), span);
        let new = self.placeholder(body, ".new", value.ty.with_rank(0), value.span);
        // A bare number takes the type it meets, so it stands in the code itself.
        let used = if matches!(value.kind, Kind::Number(_)) { value.clone() } else { new.1 };
        let result = self.changed(body, array, change, old.1, used, span)?;
        let value = self.settle_number(body, value)?;
        let merge = Some(Box::new(Merge { old: old.0, new: new.0, result }));
        Some(StmtKind::Store { array, index, value, merge })
    }

    fn placeholder(&mut self, body: &mut Body, name: &str, ty: Ty, span: Span) -> (VarId, Expr) {
        let id = body.declare(&ast::Name { text: name.into(), span }, ty, VarKind::Let);
        (id, Expr { kind: Kind::Var(id), ty, span })
    }
}

/// A value selected by a mask, as a value for all elements: `f(b[mask])` as `f(b)`.
fn unmasked(value: &Expr, mask: &Expr) -> Option<Expr> {
    let all = |list: &[Expr]| list.iter().map(|item| unmasked(item, mask)).collect::<Option<Vec<_>>>();
    let one = |item: &Expr| unmasked(item, mask).map(Box::new);
    if value.ty.rank == 0 {
        return Some(value.clone());
    }
    let kind = match &value.kind {
        Kind::Index(base, parts) => match parts.as_slice() {
            [Index::Mask(other)] if base.ty.rank == mask.ty.rank && same(other, mask) => return Some((**base).clone()),
            _ => return None,
        },
        Kind::Op(op, args) => Kind::Op(*op, all(args)?),
        Kind::Checked(op, args) => Kind::Checked(*op, all(args)?),
        Kind::Map(id, args) => Kind::Map(*id, all(args)?),
        Kind::IntDiv(op, a, b) => Kind::IntDiv(*op, one(a)?, one(b)?),
        Kind::IntPow(id, a, b) => Kind::IntPow(*id, one(a)?, one(b)?),
        Kind::Logic(op, a, b) => Kind::Logic(*op, one(a)?, one(b)?),
        Kind::Convert(a) => Kind::Convert(one(a)?),
        Kind::Bitcast(a) => Kind::Bitcast(one(a)?),
        Kind::Part(part, a) => Kind::Part(*part, one(a)?),
        Kind::Complex(a, b) => Kind::Complex(one(a)?, one(b)?),
        Kind::Where(c, a, b) => Kind::Where(one(c)?, one(a)?, one(b)?),
        Kind::Number(_)
        | Kind::Const(_)
        | Kind::Var(_)
        | Kind::If(..)
        | Kind::Let(..)
        | Kind::Inline(..)
        | Kind::Reduce { .. }
        | Kind::MatMul(..)
        | Kind::Extent(..)
        | Kind::Size(_)
        | Kind::Fill(..)
        | Kind::FillLike(..)
        | Kind::List(..)
        | Kind::Ramp(..)
        | Kind::Require(..)
        | Kind::Walk(_)
        | Kind::Window(_)
        | Kind::ByIndex(_)
        | Kind::Position(..)
        | Kind::Arrange(_) => return None,
    };
    Some(Expr { kind, ty: value.ty.with_rank(mask.ty.rank), span: value.span })
}

/// Whether two expressions are written alike and so have the same value at one place of the program.
fn same(a: &Expr, b: &Expr) -> bool {
    let all = |a: &[Expr], b: &[Expr]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b));
    a.ty == b.ty
        && match (&a.kind, &b.kind) {
            (Kind::Var(a), Kind::Var(b)) => a == b,
            (Kind::Const(a), Kind::Const(b)) => a == b,
            (Kind::Op(p, a), Kind::Op(q, b)) => p == q && all(a, b),
            (Kind::Checked(p, a), Kind::Checked(q, b)) => p == q && all(a, b),
            (Kind::Map(p, a), Kind::Map(q, b)) => p == q && all(a, b),
            (Kind::Convert(a), Kind::Convert(b)) => same(a, b),
            (Kind::Logic(p, a, c), Kind::Logic(q, b, d)) => p == q && same(a, b) && same(c, d),
            _ => false,
        }
}
