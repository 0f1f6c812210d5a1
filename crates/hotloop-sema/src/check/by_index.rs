//! Combining values by index: `histogram`, `bincount`, `reduce_by_index`, and the method `at` of functions.

use super::expr::bind;
use super::reduce::converted;
use super::walk::TwoToOne;
use super::{Body, Checker};
use crate::builtins::Builtin;
use crate::errors;
use crate::hir::{self, ByIndex, Combine, Expr, Index, Kind, Outside, StmtKind, VarKind};
use crate::promote::{Ty, accumulator};
use hotloop_ir::{Op, Scalar, Type};
use hotloop_source::Span;
use hotloop_syntax::ast;

impl<'m> Checker<'m> {
    /// `histogram(x, bins, low, high)`, with `weights=` to add instead of counting.
    pub(super) fn histogram(
        &mut self,
        body: &mut Body,
        name: &str,
        args: Vec<Expr>,
        named: &'m [ast::NamedArg],
        span: Span,
    ) -> Option<Expr> {
        self.count(body, name, Builtin::Histogram, args.len(), span)?;
        let mut args = args.into_iter();
        let (x, bins, low, high) = (args.next()?, args.next()?, args.next()?, args.next()?);
        let x = self.array(body, name, x)?;
        let bins = self.whole_number(body, bins, "the number of bins")?;
        let mut bound = Vec::new();
        let bins = self.share(body, bins, &mut bound);
        let mut edges = Vec::new();
        for value in [x, low, high] {
            let value = self.number(body, name, value, span)?;
            let value = self.settle_number(body, value)?;
            edges.push(converted(value, Type::F64));
        }
        if let Some(edge) = edges[1..].iter().find(|edge| edge.ty.rank > 0) {
            body.report(errors::wrong_class(edge.span, name, edge.written(), "one number for each bound"));
            return None;
        }
        edges.push(converted(bins.clone(), Type::F64));
        let index = self.library_call(body, "_bin", edges, span)?;
        let index = self.settle_number(body, index)?;
        let counts = self.counts(body, name, named, index, bins, Outside::Ignore, span)?;
        Some(bind(bound, counts))
    }

    /// `bincount(index, n)`, with `weights=` to add instead of counting.
    pub(super) fn bincount(
        &mut self,
        body: &mut Body,
        name: &str,
        mut args: Vec<Expr>,
        named: &'m [ast::NamedArg],
        span: Span,
    ) -> Option<Expr> {
        self.count(body, name, Builtin::Bincount, args.len(), span)?;
        let (count, index) = (args.pop()?, args.pop()?);
        let index = self.array(body, name, index)?;
        let index = self.index_values(body, index)?;
        let count = self.whole_number(body, count, "the number of indices")?;
        self.counts(body, name, named, index, count, Outside::FaultNegative, span)
    }

    /// Ones, or weights, added up by index.
    #[expect(clippy::too_many_arguments, reason = "the parts of one node, checked together")]
    fn counts(
        &mut self,
        body: &mut Body,
        name: &str,
        named: &'m [ast::NamedArg],
        index: Expr,
        count: Expr,
        outside: Outside,
        span: Span,
    ) -> Option<Expr> {
        let mut value = Expr::int(1, span);
        for keyword in named {
            if &*keyword.name.text != "weights" {
                body.report(errors::unknown_keyword(keyword.name.span, name, &keyword.name.text, &["weights"]));
                return None;
            }
            value = self.expr(body, &keyword.value)?;
            value = self.number(body, name, value, keyword.value.span)?;
            value = self.settle_number(body, value)?;
        }
        let elem = accumulator(value.ty.elem);
        let zero = Expr::constant(Scalar::new(elem, 0), span);
        let kind = Kind::Fill(Box::new(zero), vec![count]);
        let start = Some(Expr { kind, ty: Ty::array(elem, 1), span });
        // Counts cannot overflow, weights can.
        let combine = match body.checked && elem.is_int() && !named.is_empty() {
            true => self.checked_combine(body, Op::Add, elem, span)?,
            false => Combine::Op(Op::Add),
        };
        let value = converted(value, elem);
        Some(by_index(ByIndex { combine, start, index: vec![index], value, elem, outside }, 1, span))
    }

    /// `reduce_by_index(f, start, index, values)`.
    pub(super) fn reduce_by_index(
        &mut self,
        body: &mut Body,
        name: &str,
        builtin: Builtin,
        args: &'m [ast::Expr],
        named: &'m [ast::NamedArg],
        span: Span,
    ) -> Option<Expr> {
        self.count(body, name, builtin, args.len(), span)?;
        self.no_keywords(body, name, named)?;
        let function = self.function_named(body, &args[0])?;
        let start = self.expr(body, &args[1])?;
        let start = self.array(body, name, start)?;
        let rank = start.ty.rank;
        let mut by = self.combination(body, function, start.ty, &args[2], &args[3], span)?;
        by.start = Some(converted(start, by.elem));
        Some(by_index(by, rank, span))
    }

    /// `f.at(a, index, values)`, a statement: an array that can be stored into, changed in place. False for all other
    /// expressions.
    pub(super) fn update_stmt(&mut self, body: &mut Body, expr: &'m ast::Expr, out: &mut Vec<hir::Stmt>) -> bool {
        let ast::ExprKind::Call { callee, args, named } = &expr.kind else { return false };
        let Some(method) = self.method(body, callee).filter(|method| &*method.name.text == "at") else {
            return false;
        };
        let name = format!("{}.at", method.function);
        if let Some(function) = self.two_to_one(body, method.function, method.span)
            && self.no_keywords(body, &name, named).is_some()
            && let Some(stmt) = self.update(body, &name, function, args, expr.span)
        {
            out.push(stmt);
        }
        true
    }

    fn update(
        &mut self,
        body: &mut Body,
        name: &str,
        function: TwoToOne<'m>,
        args: &'m [ast::Expr],
        span: Span,
    ) -> Option<hir::Stmt> {
        let [target, index, values] = args else {
            let expected = "3 arguments: an array, indices and values";
            body.report(errors::argument_count(span, name, expected, args.len()));
            return None;
        };
        let array = self.expr(body, target)?;
        let array = self.array(body, name, array)?;
        let Kind::Var(id) = array.kind else {
            let message = "only a named array can be changed in place".into();
            body.report(errors::plain(errors::NOT_ASSIGNABLE, target.span, message, "name the array first"));
            return None;
        };
        let var = body.var(id).clone();
        if !matches!(var.kind, VarKind::Param { mutable: true } | VarKind::Var) {
            let at = ast::Name { text: var.name.as_str().into(), span: target.span };
            body.report(super::stmt::not_assignable(&at, &var));
            return None;
        }
        let by = self.combination(body, function, array.ty, index, values, span)?;
        if by.elem != array.ty.elem {
            let message = format!("`{}` holds `{}`, the new elements are `{}`", var.name, array.ty.elem, by.elem);
            let hint = format!("cast the values: `{}(…)`", array.ty.elem);
            body.report(errors::mismatch(span, message, &hint));
            return None;
        }
        let rank = array.ty.rank;
        let whole = Index::whole();
        let index = vec![whole; rank as usize];
        let value = by_index(by, rank, span);
        Some(hir::Stmt { kind: StmtKind::Store { array: id, index, value, merge: None }, span })
    }

    /// Indices and values for an array of this type, and the function for the elements' type.
    fn combination(
        &mut self,
        body: &mut Body,
        function: TwoToOne<'m>,
        array: Ty,
        index: &'m ast::Expr,
        values: &'m ast::Expr,
        span: Span,
    ) -> Option<ByIndex> {
        let list: Vec<&ast::Expr> = match &index.kind {
            ast::ExprKind::Tuple(list) => list.iter().collect(),
            _ => vec![index],
        };
        if list.len() != array.rank as usize {
            let message = format!("{} indices for an array with {} axes", list.len(), array.rank);
            let hint = "give one array of indices for each axis, in parentheses: `(i, j)`";
            body.report(errors::plain(errors::BAD_INDEX, index.span, message, hint));
            return None;
        }
        let mut indices = Vec::new();
        for item in list {
            let value = self.expr(body, item)?;
            indices.push(self.index_values(body, value)?);
        }
        let value = self.expr(body, values)?;
        let mut types = [self.joined(body, Ty { rank: 0, ..array }, Ty { rank: 0, ..value.ty }, span)?];
        let combine = self.combine(body, function, &mut types, span)?;
        let elem = types[0].elem;
        let value = match value.kind {
            Kind::Number(_) => self.coerce(body, value, Ty::scalar(elem))?,
            _ => converted(value, elem),
        };
        Some(ByIndex { combine, start: None, index: indices, value, elem, outside: Outside::Fault })
    }

    /// Indices as `i64`.
    fn index_values(&mut self, body: &mut Body, value: Expr) -> Option<Expr> {
        if !value.ty.elem.is_int() {
            let message = format!("indices must be whole numbers, these are `{}`", value.written().describe());
            body.report(errors::mismatch(value.span, message, "cast them: `i64(…)`"));
            return None;
        }
        let value = self.settle_number(body, value)?;
        Some(converted(value, Type::I64))
    }
}

fn by_index(by: ByIndex, rank: u32, span: Span) -> Expr {
    let ty = Ty::array(by.elem, rank);
    Expr { kind: Kind::ByIndex(Box::new(by)), ty, span }
}
