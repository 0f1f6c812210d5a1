//! Statements, blocks, and what a function gives back.

use super::places::{Change, Places};
use super::{BLOCK_LEVELS, Body, Checker};
use crate::errors;
use crate::hir::{self, Kind, StmtKind, VarId, VarKind};
use crate::module::param_type;
use crate::promote::Ty;
use hotloop_ir::Type;
use hotloop_source::Span;
use hotloop_syntax::ast;

impl<'m> Checker<'m> {
    /// A block in a scope of its own. `valued` says whether its last expression is its value.
    pub(super) fn block(&mut self, body: &mut Body, block: &'m ast::Block, valued: bool) -> hir::Block {
        body.scopes.push(Default::default());
        let mut out = hir::Block::default();
        for stmt in &block.stmts {
            self.stmt(body, stmt, &mut out.stmts);
        }
        if let Some(value) = &block.value {
            match &value.kind {
                ast::ExprKind::If(branch) if !valued || !gives_value(branch) => {
                    self.branch_stmt(body, branch, &mut out.stmts);
                }
                _ if valued => self.final_value(body, value, &mut out),
                _ => self.expr_stmt(body, value, &mut out.stmts),
            }
        }
        body.scopes.pop();
        out
    }

    /// The values of an expression that may be a tuple or give several results.
    pub(super) fn values(&mut self, body: &mut Body, expr: &'m ast::Expr) -> Vec<hir::Expr> {
        match &expr.kind {
            ast::ExprKind::Tuple(list) => list.iter().filter_map(|item| self.expr(body, item)).collect(),
            _ => self.expr_or_results(body, expr),
        }
    }

    fn stmt(&mut self, body: &mut Body, stmt: &'m ast::Stmt, out: &mut Vec<hir::Stmt>) {
        let span = stmt.span;
        match &stmt.kind {
            ast::StmtKind::Let { pattern: ast::Pattern::Name(name), ty, value } => {
                self.bind(body, name, ty.as_ref(), value, VarKind::Let, out);
            }
            ast::StmtKind::Let { pattern: ast::Pattern::Tuple(names, _), value, .. } => {
                self.bind_tuple(body, names, value, span, out);
            }
            ast::StmtKind::Var { name, ty, value } => self.bind(body, name, ty.as_ref(), value, VarKind::Var, out),
            ast::StmtKind::Assign { place, op, value } => self.assign(body, place, *op, value, span, out),
            ast::StmtKind::If(branch) => self.branch_stmt(body, branch, out),
            ast::StmtKind::While { cond, body: inner } => {
                let cond = self.condition(body, cond);
                let inner = self.loop_body(body, inner);
                if let Some(cond) = cond {
                    out.push(hir::Stmt { kind: StmtKind::While { cond, body: inner }, span });
                }
            }
            ast::StmtKind::For { var, iter, body: inner } => self.for_stmt(body, var, iter, inner, span, out),
            ast::StmtKind::Break | ast::StmtKind::Continue => {
                let leave = stmt.kind == ast::StmtKind::Break;
                if body.loops == 0 {
                    let word = if leave { "break" } else { "continue" };
                    let message = format!("`{word}` stands outside a loop");
                    body.report(errors::plain(errors::OUTSIDE_LOOP, span, message, "use it inside `while` or `for`"));
                    return;
                }
                out.push(hir::Stmt { kind: if leave { StmtKind::Break } else { StmtKind::Continue }, span });
            }
            ast::StmtKind::Return(value) => {
                let values = value.as_ref().map_or(Vec::new(), |value| self.values(body, value));
                body.returns.push(self.types_of(&values));
                out.push(hir::Stmt { kind: StmtKind::Return(values), span });
            }
            ast::StmtKind::Expr(expr) => match &expr.kind {
                ast::ExprKind::If(branch) => self.branch_stmt(body, branch, out),
                _ => self.expr_stmt(body, expr, out),
            },
        }
    }

    /// The last expression of a body: its values, or a call made for its effects.
    fn final_value(&mut self, body: &mut Body, expr: &'m ast::Expr, out: &mut hir::Block) {
        if self.update_stmt(body, expr, &mut out.stmts) || self.scatter_stmt(body, expr, &mut out.stmts) {
            return;
        }
        let values = self.values(body, expr);
        match values.as_slice() {
            [call] if self.result_types(call).is_empty() => out.stmts.push(call_stmt(call.clone())),
            _ => out.value = values,
        }
    }

    /// An expression as a statement: a call made for its effects. A value that nobody uses is refused.
    fn expr_stmt(&mut self, body: &mut Body, expr: &'m ast::Expr, out: &mut Vec<hir::Stmt>) {
        if self.update_stmt(body, expr, out) || self.scatter_stmt(body, expr, out) {
            return;
        }
        let before = body.diags.len();
        let values = self.values(body, expr);
        match values.as_slice() {
            [call] if self.result_types(call).is_empty() => out.push(call_stmt(call.clone())),
            _ if body.diags.len() == before && self.stray.is_empty() => {
                let hint = "bind it with `let`, assign it, or make it the last line of the block";
                body.report(errors::plain(errors::NO_VALUE, expr.span, "this value is not used".into(), hint));
            }
            _ => {}
        }
    }

    fn bind(
        &mut self,
        body: &mut Body,
        name: &'m ast::Name,
        ty: Option<&'m ast::TypeExpr>,
        value: &'m ast::Expr,
        kind: VarKind,
        out: &mut Vec<hir::Stmt>,
    ) {
        let Some(mut value) = self.expr(body, value) else {
            return body.declare_broken(name);
        };
        if let Some(annotation) = ty {
            let Some(wanted) = self.annotation(body, annotation) else {
                return body.declare_broken(name);
            };
            match self.fit(body, value, wanted, &format!("`{}`", name.text)) {
                Some(fitted) => value = fitted,
                None => return body.declare_broken(name),
            }
        }
        // A variable that loops change is no storage, unless it is said to be.
        if kind == VarKind::Var && ty.is_none() && value.ty.rank == 0 {
            value = super::expr::computed(value);
        }
        let mut var_ty = value.ty;
        if kind == VarKind::Var {
            match body.join_into(name.span, var_ty) {
                Ok(joined) => var_ty = joined,
                Err(_) => return body.declare_broken(name),
            }
        }
        let span = name.span.join(value.span);
        let Some(value) = self.coerce(body, value, var_ty) else {
            return body.declare_broken(name);
        };
        let id = body.declare(name, var_ty, kind);
        out.push(hir::Stmt { kind: StmtKind::Assign(id, value), span });
    }

    fn bind_tuple(
        &mut self,
        body: &mut Body,
        names: &'m [ast::Name],
        value: &'m ast::Expr,
        span: Span,
        out: &mut Vec<hir::Stmt>,
    ) {
        if let ast::ExprKind::Tuple(list) = &value.kind
            && list.len() == names.len()
        {
            let values: Vec<_> = list.iter().map(|item| self.expr(body, item)).collect();
            for (name, value) in names.iter().zip(values) {
                match value {
                    Some(value) => {
                        let id = body.declare(name, value.ty, VarKind::Let);
                        out.push(hir::Stmt { kind: StmtKind::Assign(id, value), span });
                    }
                    None => body.declare_broken(name),
                }
            }
            return;
        }
        let values = self.values(body, value);
        let call = values.first().cloned();
        let types = call.as_ref().map_or(Vec::new(), |call| self.result_types(call));
        match call {
            Some(call) if values.len() == 1 && types.len() == names.len() => {
                let ids: Vec<VarId> =
                    names.iter().zip(types).map(|(name, ty)| body.declare(name, ty, VarKind::Let)).collect();
                out.push(hir::Stmt { kind: StmtKind::AssignCall(ids, call), span });
            }
            call => {
                names.iter().for_each(|name| body.declare_broken(name));
                if call.is_some() {
                    let message = format!("{} names for {} values", names.len(), types.len().max(values.len()));
                    body.report(errors::mismatch(span, message, "give as many names as values"));
                }
            }
        }
    }

    /// The types a call gives back; one for any other expression.
    pub(super) fn result_types(&self, expr: &hir::Expr) -> Vec<Ty> {
        match &expr.kind {
            Kind::Walk(walk) => walk.results(),
            Kind::Inline(id, _) => self.program.instance(*id).results.clone(),
            Kind::Map(id, _) => {
                let rank = expr.ty.rank;
                self.program.instance(*id).results.iter().map(|ty| ty.with_rank(rank)).collect()
            }
            Kind::Window(window) => self.window_results(window),
            _ => vec![expr.ty],
        }
    }

    pub(super) fn annotation(&mut self, body: &mut Body, ty: &'m ast::TypeExpr) -> Option<Ty> {
        let known = param_type(ty).map(|ty| Ty { elem: ty.ty, weak: false, rank: ty.rank });
        if known.is_none() {
            body.report(errors::unknown_type(ty.element.span, &ty.element.text));
        }
        known
    }

    fn assign(
        &mut self,
        body: &mut Body,
        place: &'m ast::Place,
        op: Option<ast::BinaryOp>,
        value: &'m ast::Expr,
        span: Span,
        out: &mut Vec<hir::Stmt>,
    ) {
        match place {
            ast::Place::Name(name) => {
                let new = match op {
                    None => self.expr(body, value),
                    Some(op) => self.compound(body, name, op, value, span),
                };
                match body.lookup(&name.text).filter(|&id| op.is_some() && changed_in_place(body.var(id))) {
                    Some(id) => self.store_whole(body, id, new, span, out),
                    None => self.assign_name(body, name, new, span, out),
                }
            }
            ast::Place::Index(index) => self.store(body, index, op, value, span, out),
            ast::Place::Tuple(places, _) => self.assign_tuple(body, places, op, value, span, out),
        }
    }

    /// `a += …` of an array that the caller passed to be written: all its elements change.
    fn store_whole(
        &mut self,
        body: &mut Body,
        array: VarId,
        value: Option<hir::Expr>,
        span: Span,
        out: &mut Vec<hir::Stmt>,
    ) {
        let (Some(value), ty) = (value, body.var(array).ty) else { return };
        let name = body.var(array).name.clone();
        if value.ty.rank > ty.rank {
            let message = format!("`{name}` is `{}`, the value is `{}`", ty.describe(), value.written().describe());
            return body.report(errors::mismatch(span, message, "slice or reduce the value"));
        }
        if let Some(value) = self.fit_store(body, value, Ty::scalar(ty.elem), &name) {
            let index = vec![hir::Index::whole(); ty.rank as usize];
            out.push(hir::Stmt { kind: StmtKind::Store { array, index, value, merge: None }, span });
        }
    }

    fn compound(
        &mut self,
        body: &mut Body,
        name: &'m ast::Name,
        op: ast::BinaryOp,
        value: &'m ast::Expr,
        span: Span,
    ) -> Option<hir::Expr> {
        let old = self.name_expr(body, &name.text, name.span);
        let value = self.expr(body, value);
        self.binary_of(body, op, span, old?, value?, span)
    }

    fn assign_name(
        &mut self,
        body: &mut Body,
        name: &'m ast::Name,
        value: Option<hir::Expr>,
        span: Span,
        out: &mut Vec<hir::Stmt>,
    ) {
        let Some(id) = body.lookup(&name.text) else {
            let diag = errors::plain(
                errors::UNKNOWN_NAME,
                name.span,
                format!("`{}` is not defined", name.text),
                &format!("declare it first: `var {} = …`", name.text),
            );
            return body.report(diag);
        };
        let Some(value) = value else { return };
        if body.broken.contains(&id) {
            return;
        }
        let var = body.var(id).clone();
        if var.kind != VarKind::Var {
            return body.report(not_assignable(name, &var));
        }
        match body.join_into(var.span, value.ty) {
            Ok(_) if value.ty.rank != var.ty.rank => {
                let message =
                    format!("`{}` is `{}`, the value is `{}`", name.text, var.ty.describe(), value.ty.describe());
                body.report(errors::mismatch(span, message, "a variable keeps its number of axes; use another name"));
            }
            Ok(_) => {
                if let Some(value) = self.coerce(body, value, var.ty) {
                    out.push(hir::Stmt { kind: StmtKind::Assign(id, value), span });
                }
            }
            Err(why) => {
                let diag = self.no_join(why, span, "=", var.ty, value.ty);
                body.report(diag);
            }
        }
    }

    fn assign_tuple(
        &mut self,
        body: &mut Body,
        places: &'m [ast::Place],
        op: Option<ast::BinaryOp>,
        value: &'m ast::Expr,
        span: Span,
        out: &mut Vec<hir::Stmt>,
    ) {
        let list = match &value.kind {
            ast::ExprKind::Tuple(list) if list.len() == places.len() && op.is_none() => list,
            _ => {
                let message = "this assignment needs as many values as places".into();
                return body.report(errors::mismatch(span, message, "write `(a, b) = (x, y)`"));
            }
        };
        // All values are computed before the first is assigned, so that `(a, b) = (b, a)` swaps.
        let mut held = Vec::new();
        for (i, item) in list.iter().enumerate() {
            let value = self.expr(body, item);
            held.push(value.map(|value| {
                let name = ast::Name { text: format!(".{i}").into(), span: item.span };
                let (ty, span) = (value.ty, value.span);
                let id = body.declare(&name, ty, VarKind::Let);
                out.push(hir::Stmt { kind: StmtKind::Assign(id, value), span });
                hir::Expr { kind: Kind::Var(id), ty, span }
            }));
        }
        for (place, value) in places.iter().zip(held) {
            match place {
                ast::Place::Name(name) => self.assign_name(body, name, value, span, out),
                ast::Place::Index(index) => self.store_value(body, index, value, span, out),
                ast::Place::Tuple(_, span) => {
                    let message = "nested tuples cannot be assigned".into();
                    body.report(errors::mismatch(*span, message, "assign one level at a time"));
                }
            }
        }
    }

    fn store(
        &mut self,
        body: &mut Body,
        place: &'m ast::Index,
        op: Option<ast::BinaryOp>,
        value: &'m ast::Expr,
        span: Span,
        out: &mut Vec<hir::Stmt>,
    ) {
        let value = match op {
            None => self.expr(body, value),
            Some(op) => {
                let old = self.index_expr(body, place, place.span);
                let value = self.expr(body, value);
                match (old, value) {
                    (Some(old), Some(value)) if by_array(&old) => {
                        let Some(places) = self.places(body, place, old) else { return };
                        return self.store_places(body, places, &Change::By(op), value, span, out);
                    }
                    (Some(old), Some(value)) => self.binary_of(body, op, span, old, value, span),
                    (None, _) | (_, None) => return,
                }
            }
        };
        self.store_value(body, place, value, span, out);
    }

    /// A place that arrays select.
    fn places(&mut self, body: &mut Body, place: &'m ast::Index, target: hir::Expr) -> Option<Places> {
        let (array, _) = self.stored_array(body, place)?;
        let Kind::Index(_, index) = target.kind else { return None };
        Some(Places { array, index, rank: target.ty.rank, span: place.span })
    }

    /// The variable that is stored into, and its name.
    fn stored_array(&mut self, body: &mut Body, place: &'m ast::Index) -> Option<(VarId, ast::Name)> {
        let ast::ExprKind::Name(name) = &place.base.kind else {
            let message = "only elements and slices of a named array can be assigned".into();
            body.report(errors::plain(errors::NOT_ASSIGNABLE, place.span, message, "name the array first"));
            return None;
        };
        let name = ast::Name { text: name.clone(), span: place.base.span };
        let id = body.lookup(&name.text)?;
        self.assignable(body, id, &name)?;
        Some((id, name))
    }

    fn store_value(
        &mut self,
        body: &mut Body,
        place: &'m ast::Index,
        value: Option<hir::Expr>,
        span: Span,
        out: &mut Vec<hir::Stmt>,
    ) {
        let target = self.index_expr(body, place, place.span);
        let (Some(target), Some(value)) = (target, value) else { return };
        if by_array(&target) {
            let Some(places) = self.places(body, place, target) else { return };
            return self.store_places(body, places, &Change::Set, value, span, out);
        }
        let Some((id, name)) = self.stored_array(body, place) else { return };
        let var = body.var(id).clone();
        let elem = Ty::scalar(var.ty.elem);
        if value.ty.rank > target.ty.rank {
            let message = format!("a value with {} axes does not fit a place with {}", value.ty.rank, target.ty.rank);
            return body.report(errors::mismatch(span, message, "slice or reduce the value"));
        }
        let Some(value) = self.fit_store(body, value, elem, &name.text) else {
            return;
        };
        if let Kind::Index(_, index) = target.kind {
            out.push(hir::Stmt { kind: StmtKind::Store { array: id, index, value, merge: None }, span });
        }
    }

    fn branch_stmt(&mut self, body: &mut Body, branch: &'m ast::If, out: &mut Vec<hir::Stmt>) {
        // Each `else if` stands inside the `else` before it.
        let levels = branch.arms.len() + BLOCK_LEVELS;
        let span = branch.arms.first().map_or(Span::DETACHED, |arm| arm.cond.span);
        if self.enter(levels, span).is_none() {
            return;
        }
        let mut arms = Vec::new();
        for arm in &branch.arms {
            let cond = self.condition(body, &arm.cond);
            let then = self.block(body, &arm.body, false);
            arms.push((cond, then, arm.cond.span));
        }
        let mut otherwise =
            branch.otherwise.as_ref().map_or_else(hir::Block::default, |block| self.block(body, block, false));
        self.leave(levels);
        for (cond, then, span) in arms.into_iter().rev() {
            let Some(cond) = cond else { return };
            let stmt = hir::Stmt { kind: StmtKind::If { cond, then, otherwise }, span };
            otherwise = hir::Block { stmts: vec![stmt], value: Vec::new() };
        }
        out.append(&mut otherwise.stmts);
    }

    fn loop_body(&mut self, body: &mut Body, block: &'m ast::Block) -> hir::Block {
        if self.enter(BLOCK_LEVELS, block.span).is_none() {
            return hir::Block::default();
        }
        body.loops += 1;
        let block = self.block(body, block, false);
        body.loops -= 1;
        self.leave(BLOCK_LEVELS);
        block
    }

    fn for_stmt(
        &mut self,
        body: &mut Body,
        var: &'m ast::Name,
        iter: &'m ast::Expr,
        inner: &'m ast::Block,
        span: Span,
        out: &mut Vec<hir::Stmt>,
    ) {
        if self.unrolls(body, iter, inner) {
            return self.unrolled(body, var, iter, inner, out);
        }
        let range = self.range(body, iter);
        body.scopes.push(Default::default());
        let id = body.declare(var, Ty::scalar(Type::I64), VarKind::Loop);
        let inner = self.loop_body(body, inner);
        body.scopes.pop();
        if let Some(([start, stop, step], parallel)) = range {
            let kind = StmtKind::For { var: id, start, stop, step, parallel, body: inner };
            out.push(hir::Stmt { kind, span: span.first().join(iter.span) });
        }
    }

    /// `range(stop)`, `range(start, stop)`, `range(start, stop, step)`, and the same of `prange`.
    fn range(&mut self, body: &mut Body, iter: &'m ast::Expr) -> Option<([hir::Expr; 3], bool)> {
        let (callee, args, named) = match &iter.kind {
            ast::ExprKind::Call { callee, args, named } => (callee, args, named),
            _ => return self.bad_loop(body, iter.span),
        };
        let parallel = match &callee.kind {
            ast::ExprKind::Name(name) if &**name == "range" => false,
            ast::ExprKind::Name(name) if &**name == "prange" => true,
            _ => return self.bad_loop(body, iter.span),
        };
        if args.is_empty() || args.len() > 3 || !named.is_empty() {
            let name = if parallel { "prange" } else { "range" };
            body.report(errors::argument_count(iter.span, name, "1 to 3 arguments: start, stop, step", args.len()));
            return None;
        }
        let mut values = Vec::new();
        for arg in args {
            let value = self.expr(body, arg)?;
            values.push(self.whole_number(body, value, "a range bound")?);
        }
        let span = iter.span;
        let mut values = values.into_iter();
        let first = values.next()?;
        let range = match (values.next(), values.next()) {
            (None, _) => [hir::Expr::int(0, span), first, hir::Expr::int(1, span)],
            (Some(stop), None) => [first, stop, hir::Expr::int(1, span)],
            (Some(stop), Some(step)) => [first, stop, step],
        };
        Some((range, parallel))
    }

    fn bad_loop<T>(&mut self, body: &mut Body, span: Span) -> Option<T> {
        let hint = "write `for i in range(start, stop, step)` or `prange(…)`";
        body.report(errors::plain(errors::BAD_LOOP, span, "a loop runs over a range".into(), hint));
        None
    }
}

/// A call made for its effects.
fn call_stmt(call: hir::Expr) -> hir::Stmt {
    let span = call.span;
    hir::Stmt { kind: StmtKind::AssignCall(Vec::new(), call), span }
}

/// Whether an `if` can be a value: it has an `else` and every block ends in a value.
fn gives_value(branch: &ast::If) -> bool {
    let valued = |block: &ast::Block| block.value.is_some();
    branch.otherwise.as_ref().is_some_and(valued) && branch.arms.iter().all(|arm| valued(&arm.body))
}

pub(super) fn not_assignable(name: &ast::Name, var: &hir::Var) -> hotloop_source::Diagnostic {
    let (what, hint) = match var.kind {
        VarKind::Param { mutable: true } => {
            ("an array of the caller's", format!("store into all its elements: `{}[...] = …`", name.text))
        }
        VarKind::Param { .. } if var.ty.rank > 0 => {
            ("a parameter that is only read", format!("declare it `{}: mut {}`", name.text, var.ty.describe()))
        }
        VarKind::Param { .. } => ("a parameter", format!("copy it first: `var {0}_ = {0}`", name.text)),
        VarKind::Let => ("bound by `let`", format!("declare it with `var {} = …`", name.text)),
        VarKind::Loop => ("the variable of a loop", "use a `var` of your own".to_string()),
        VarKind::Var => ("not an array", "declare an array".to_string()),
    };
    errors::plain(errors::NOT_ASSIGNABLE, name.span, format!("`{}` cannot be assigned: it is {what}", name.text), &hint)
        .label(var.span, "declared here")
}

/// Whether an index selects by arrays.
fn by_array(target: &hir::Expr) -> bool {
    matches!(&target.kind, Kind::Index(_, index) if index.iter().any(hir::Index::by_array))
}

/// Whether an operator and `=` behind the name change the elements of an array rather than what the name stands for.
fn changed_in_place(var: &hir::Var) -> bool {
    var.ty.rank > 0 && var.kind == VarKind::Param { mutable: true }
}
