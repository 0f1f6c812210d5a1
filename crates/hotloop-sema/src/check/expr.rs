//! Expressions: names, literals, conversions, `if`.

use super::{Body, Checker};
use crate::builtins::{self, Predefined};
use crate::errors;
use crate::hir::{self, Expr, Kind, Number, Part, VarId, VarKind};
use crate::promote::{self, NoJoin, Ty};
use hotloop_ir::semantics::neutral;
use hotloop_ir::{Class, FoldOp, Op, Scalar, Type};
use hotloop_source::{Diagnostic, Span};
use hotloop_syntax::ast;

impl<'m> Checker<'m> {
    /// One value.
    pub(super) fn expr(&mut self, body: &mut Body, expr: &'m ast::Expr) -> Option<Expr> {
        let values = self.expr_or_results(body, expr);
        let first = values.into_iter().next()?;
        let results = match &first.kind {
            Kind::Inline(id, _) | Kind::Map(id, _) => self.program.instance(*id).results.len(),
            Kind::Walk(walk) => walk.types.len(),
            Kind::Window(window) => self.program.instance(window.id).results.len(),
            _ => 1,
        };
        if results == 1 {
            return Some(first);
        }
        if results == 0 && !self.stray.is_empty() {
            return None;
        }
        let (message, hint) = match results {
            0 => ("this function gives no value", "end its body with a value"),
            _ => ("this function gives several values", "take them apart: `let (a, b) = …`"),
        };
        body.report(errors::plain(errors::NO_VALUE, expr.span, message.into(), hint));
        None
    }

    /// One value, or a call that gives several, or nothing if it is in error.
    pub(super) fn expr_or_results(&mut self, body: &mut Body, expr: &'m ast::Expr) -> Vec<Expr> {
        if self.enter(1, expr.span).is_none() {
            return Vec::new();
        }
        let result = self.expr_inner(body, expr);
        self.leave(1);
        result.into_iter().collect()
    }

    fn expr_inner(&mut self, body: &mut Body, expr: &'m ast::Expr) -> Option<Expr> {
        let span = expr.span;
        match &expr.kind {
            ast::ExprKind::Name(name) => self.name_expr(body, name, span),
            ast::ExprKind::Int(lit) => self.int_literal(body, lit, span),
            ast::ExprKind::Float(lit) => self.float_literal(body, lit, span),
            ast::ExprKind::Imaginary(lit) => Some(imaginary(lit, span)),
            ast::ExprKind::Unary { op, operand } => self.unary(body, *op, operand, span),
            ast::ExprKind::Binary { op, op_span, left, right } => self.binary(body, *op, *op_span, left, right, span),
            ast::ExprKind::Compare { first, rest } => self.comparison(body, first, rest, span),
            ast::ExprKind::Call { callee, args, named } => self.call(body, callee, args, named, span),
            ast::ExprKind::Index(index) => self.index_expr(body, index, span),
            ast::ExprKind::Field { base, name } => self.field(body, base, name, span),
            ast::ExprKind::Tuple(_) => {
                let hint = "several values can be bound, `let (a, b) = …`, or returned";
                body.report(errors::plain(errors::TYPE_MISMATCH, span, "a tuple is not one value".into(), hint));
                None
            }
            ast::ExprKind::List(items) => self.list(body, items, span),
            ast::ExprKind::If(branch) => self.if_expr(body, branch, span),
        }
    }

    pub(super) fn name_expr(&mut self, body: &mut Body, name: &str, span: Span) -> Option<Expr> {
        if let Some(id) = body.lookup(name) {
            if body.broken.contains(&id) {
                return None;
            }
            return Some(Expr { kind: Kind::Var(id), ty: body.var(id).ty, span });
        }
        match builtins::predefined(name) {
            Some(Predefined::Bool(value)) => {
                return Some(Expr::constant(Scalar::bool(value), span));
            }
            Some(Predefined::Number(value)) => return Some(weak_float(value, span)),
            None => {}
        }
        let names = body.scopes.iter().flat_map(|scope| scope.keys().map(|key| &**key));
        let similar = errors::similar(name, names.chain(builtins::PREDEFINED.iter().map(|row| row.0)));
        let mut diag = errors::unknown_name(span, name, similar);
        if self.is_function(body, name) {
            diag = diag.hint(format!("`{name}` is a function: call it, `{name}(…)`"));
        }
        body.report(diag);
        None
    }

    fn int_literal(&mut self, body: &mut Body, lit: &ast::IntLit, span: Span) -> Option<Expr> {
        let value = i128::try_from(lit.value).ok();
        let number = value.map(|value| Expr { kind: Kind::Number(Number::Int(value)), ty: Ty::weak(Type::I64), span });
        match (&lit.suffix, number) {
            (None, Some(number)) if lit.value <= u128::from(u64::MAX) => Some(number),
            (Some(suffix), Some(number)) => {
                let ty = self.suffix(body, suffix)?;
                self.coerce(body, number, Ty::scalar(ty))
            }
            (_, _) => {
                body.report(errors::literal_range(span, &lit.value.to_string(), "64 bits"));
                None
            }
        }
    }

    fn float_literal(&mut self, body: &mut Body, lit: &ast::FloatLit, span: Span) -> Option<Expr> {
        let number = Number::Float { lit: lit.clone(), negative: false };
        let expr = Expr { kind: Kind::Number(number), ty: Ty::weak(Type::F64), span };
        match &lit.suffix {
            None => Some(expr),
            Some(suffix) => {
                let ty = self.suffix(body, suffix)?;
                self.coerce(body, expr, Ty::scalar(ty))
            }
        }
    }

    fn suffix(&mut self, body: &mut Body, suffix: &ast::Name) -> Option<Type> {
        let ty = Type::from_name(&suffix.text).filter(|ty| ty.is_numeric());
        if ty.is_none() {
            body.report(errors::unknown_type(suffix.span, &suffix.text));
        }
        ty
    }

    /// Brings a value to the element type of `ty`. The caller knows that the conversion is one that promotion makes.
    pub(super) fn coerce(&mut self, body: &mut Body, expr: Expr, ty: Ty) -> Option<Expr> {
        let span = expr.span;
        if expr.ty.elem == ty.elem && (!expr.ty.weak || ty.weak) {
            return Some(expr);
        }
        match &expr.kind {
            Kind::Number(number) if !ty.weak => match literal(number, ty.elem) {
                Some(value) => Some(Expr::constant(value, span)),
                None => {
                    body.report(errors::literal_range(span, &number.text(), ty.elem.name()));
                    None
                }
            },
            Kind::List(items, shape) => self.coerce_items(body, items.clone(), shape.clone(), ty, span),
            _ if expr.ty.elem == ty.elem => {
                let kind = expr.kind;
                Some(Expr { kind, ty: Ty { elem: ty.elem, weak: ty.weak, rank: expr.ty.rank }, span })
            }
            _ => {
                let rank = expr.ty.rank;
                Some(Expr { kind: Kind::Convert(Box::new(expr)), ty: Ty { elem: ty.elem, weak: ty.weak, rank }, span })
            }
        }
    }

    /// Brings a value to an annotated type, if that loses neither kind nor range.
    pub(super) fn fit(&mut self, body: &mut Body, expr: Expr, wanted: Ty, what: &str) -> Option<Expr> {
        if expr.ty.rank == wanted.rank && promote::widens(expr.ty, wanted.elem) {
            return self.coerce(body, expr, wanted);
        }
        let message = format!("{what} is `{}`, the value is `{}`", wanted.describe(), expr.written().describe());
        let hint = match expr.ty.rank == wanted.rank {
            true if expr.ty.elem.is_complex() && !wanted.elem.is_complex() => {
                "take what it is about: `real(…)`, `imag(…)` or `abs(…)`".to_string()
            }
            true => format!("cast it: `{}(…)`", wanted.elem),
            false => "change the annotation or the value".to_string(),
        };
        body.report(errors::mismatch(expr.span, message, &hint));
        None
    }

    /// Brings a value to an array's element type for a store; floats may narrow, as in an array of f32;
    /// halves take every number.
    pub(super) fn fit_store(&mut self, body: &mut Body, expr: Expr, elem: Ty, array: &str) -> Option<Expr> {
        let narrows = match elem.elem.class() {
            Class::Float => expr.ty.elem.is_float(),
            Class::Complex => expr.ty.elem.is_float() || expr.ty.elem.is_complex(),
            Class::Half => expr.ty.elem != Type::Bool && !expr.ty.elem.is_complex(),
            Class::Bool | Class::Signed | Class::Unsigned => false,
        };
        if narrows || promote::widens(expr.ty, elem.elem) {
            return self.coerce(body, expr, elem);
        }
        let message =
            format!("`{array}` holds `{}`, the value is `{}`", elem.describe(), expr.ty.with_rank(0).describe());
        let hint = match expr.ty.elem.is_complex() {
            true => "store `real(…)`, `imag(…)` or `abs(…)`".to_string(),
            false => format!("cast it: `{}(…)`", elem.elem),
        };
        body.report(errors::mismatch(expr.span, message, &hint));
        None
    }

    /// A scalar bool.
    pub(super) fn condition(&mut self, body: &mut Body, expr: &'m ast::Expr) -> Option<Expr> {
        let cond = self.expr(body, expr)?;
        if cond.ty.elem != Type::Bool {
            body.report(errors::not_a_condition(cond.span, cond.written()));
            return None;
        }
        if cond.ty.rank > 0 {
            body.report(errors::array_condition(cond.span, cond.written()));
            return None;
        }
        Some(cond)
    }

    /// A scalar integer as an `i64`.
    pub(super) fn whole_number(&mut self, body: &mut Body, expr: Expr, what: &str) -> Option<Expr> {
        if expr.ty.rank == 0 && expr.ty.elem.is_int() {
            return match expr.ty.elem == Type::I64 {
                true => self.coerce(body, expr, Ty::scalar(Type::I64)),
                false => {
                    let span = expr.span;
                    Some(Expr { kind: Kind::Convert(Box::new(expr)), ty: Ty::scalar(Type::I64), span })
                }
            };
        }
        let message = format!("{what} must be a whole number, this is `{}`", expr.written().describe());
        body.report(errors::mismatch(expr.span, message, "cast it: `i64(…)`"));
        None
    }

    pub(super) fn no_join(&self, why: NoJoin, span: Span, op: &str, a: Ty, b: Ty) -> Diagnostic {
        match why {
            NoJoin::BoolWithNumber => errors::bool_with_number(span, op, a, b),
            NoJoin::U64WithSigned => errors::u64_with_signed(span, op, a, b),
        }
    }

    /// Brings values to one element type.
    pub(super) fn unify(&mut self, body: &mut Body, values: Vec<Expr>, op: &str, span: Span) -> Option<Vec<Expr>> {
        let mut ty = values.first()?.ty;
        for value in &values[1..] {
            match promote::join(ty, value.ty) {
                Ok(joined) => ty = joined,
                Err(why) => {
                    let first = if ty == values[0].ty { values[0].written() } else { ty };
                    let diag = self.no_join(why, span, op, first, value.written());
                    body.report(diag);
                    return None;
                }
            }
        }
        values.into_iter().map(|value| self.coerce(body, value, ty)).collect()
    }

    fn if_expr(&mut self, body: &mut Body, branch: &'m ast::If, span: Span) -> Option<Expr> {
        let Some(otherwise) = &branch.otherwise else {
            let message = "this `if` is used as a value and has no `else`".into();
            body.report(errors::plain(errors::NO_VALUE, span, message, "add `else { … }`"));
            return None;
        };
        // Each `else if` stands inside the `else` before it.
        self.enter(branch.arms.len(), span)?;
        let mut arms = Vec::new();
        for arm in &branch.arms {
            let cond = self.expr(body, &arm.cond);
            arms.push((cond, self.block(body, &arm.body, true)));
        }
        let mut value = self.block(body, otherwise, true);
        self.leave(branch.arms.len());
        for (cond, then) in arms.into_iter().rev() {
            let joined = self.choice(body, cond?, then, value, span)?;
            value = hir::Block { stmts: Vec::new(), value: vec![joined] };
        }
        value.value.into_iter().next()
    }

    /// One link of an `if` expression: a branch on a scalar, a `where` on an array.
    fn choice(
        &mut self,
        body: &mut Body,
        cond: Expr,
        mut then: hir::Block,
        mut otherwise: hir::Block,
        span: Span,
    ) -> Option<Expr> {
        if cond.ty.elem != Type::Bool {
            body.report(errors::not_a_condition(cond.span, cond.written()));
            return None;
        }
        let (Some(a), Some(b)) = (then.value.pop(), otherwise.value.pop()) else {
            if body.diags.is_empty() {
                let message = "a block of this `if` gives no value".into();
                body.report(errors::plain(errors::NO_VALUE, span, message, "end the block with a value"));
            }
            return None;
        };
        let mut values = self.unify(body, vec![a, b], "if", span)?.into_iter();
        let (a, b) = (values.next()?, values.next()?);
        let weak = a.ty.weak && b.ty.weak;
        let rank = cond.ty.rank.max(a.ty.rank).max(b.ty.rank);
        let ty = Ty { elem: a.ty.elem, weak, rank };
        if rank == 0 {
            then.value = vec![a];
            otherwise.value = vec![b];
            return Some(Expr { kind: Kind::If(Box::new(cond), Box::new(then), Box::new(otherwise)), ty, span });
        }
        if then.stmts.is_empty() && otherwise.stmts.is_empty() {
            return Some(Expr { kind: Kind::Where(Box::new(cond), Box::new(a), Box::new(b)), ty, span });
        }
        let hint = "compute them before the `if`, or assign to a `var` inside it";
        body.report(errors::unsupported(span, "an `if` between arrays takes no statements in its blocks", hint));
        None
    }

    fn field(&mut self, body: &mut Body, base: &'m ast::Expr, name: &ast::Name, span: Span) -> Option<Expr> {
        let base = self.expr(body, base)?;
        match &*name.text {
            "real" => self.part_of(body, Part::Real, base, span),
            "imag" => self.part_of(body, Part::Imag, base, span),
            "size" => Some(Expr { kind: Kind::Size(Box::new(base)), ty: Ty::scalar(Type::I64), span }),
            "T" => self.transposed(body, base, span),
            "ndim" => Some(Expr::int(i64::from(base.ty.rank), span)),
            "shape" => {
                let hint = "write `shape(a, axis)`, or `len(a)` for the first axis";
                body.report(errors::unsupported(span, "a shape is not a value by itself", hint));
                None
            }
            other => {
                let message = format!("arrays have no field `{other}`");
                body.report(errors::plain(
                    errors::UNKNOWN_NAME,
                    name.span,
                    message,
                    "the fields are T, size, ndim, real and imag",
                ));
                None
            }
        }
    }

    /// `where(c, a, b)` on checked operands.
    pub(super) fn where_of(&mut self, body: &mut Body, cond: Expr, a: Expr, b: Expr, span: Span) -> Option<Expr> {
        if cond.ty.elem != Type::Bool {
            body.report(errors::not_a_condition(cond.span, cond.written()));
            return None;
        }
        let mut values = self.unify(body, vec![a, b], "where", span)?.into_iter();
        let (a, b) = (values.next()?, values.next()?);
        let rank = cond.ty.rank.max(a.ty.rank).max(b.ty.rank);
        let ty = Ty { elem: a.ty.elem, weak: a.ty.weak && b.ty.weak, rank };
        Some(Expr { kind: Kind::Where(Box::new(cond), Box::new(a), Box::new(b)), ty, span })
    }

    /// Makes a value that can stand in several places: computed once, bound in `bound`.
    pub(super) fn share(&mut self, body: &mut Body, value: Expr, bound: &mut Vec<(VarId, Expr)>) -> Expr {
        if matches!(value.kind, Kind::Var(_) | Kind::Const(_) | Kind::Number(_)) {
            return value;
        }
        let (ty, span) = (value.ty, value.span);
        let name = ast::Name { text: format!(".{}", body.vars.len()).into(), span };
        let id = body.declare(&name, ty, VarKind::Let);
        bound.push((id, value));
        Expr { kind: Kind::Var(id), ty, span }
    }

    /// A bool from a number: whether it is not 0.
    pub(super) fn make_bool(&mut self, body: &mut Body, expr: Expr) -> Option<Expr> {
        if expr.ty.elem == Type::Bool {
            return Some(expr);
        }
        let span = expr.span;
        let expr = computed(expr);
        let ty = Ty::scalar(expr.ty.elem);
        let expr = self.coerce(body, expr, ty)?;
        let zero = Expr::constant(Scalar::new(ty.elem, 0), span);
        Some(Expr::op(Op::Ne, vec![expr, zero], span))
    }
}

fn imaginary(lit: &ast::FloatLit, span: Span) -> Expr {
    let number = Number::Imaginary { lit: lit.clone(), negative: false };
    Expr { kind: Kind::Number(number), ty: Ty::weak(Type::C128), span }
}

fn weak_float(value: f64, span: Span) -> Expr {
    let text = if value.is_finite() { format!("{value:?}") } else { String::new() };
    let lit = ast::FloatLit { text: text.into(), value, suffix: None };
    Expr { kind: Kind::Number(Number::Float { lit, negative: false }), ty: Ty::weak(Type::F64), span }
}

/// A literal as a scalar of its final type; none if it does not fit.
pub(crate) fn literal(number: &Number, ty: Type) -> Option<Scalar> {
    match (number, ty) {
        (Number::Int(value), Type::F32) => Some(Scalar::f32(*value as f32)),
        (Number::Int(value), Type::F64) => Some(Scalar::f64(*value as f64)),
        (number, Type::F16 | Type::BF16) => literal(number, Type::F64).map(|value| Scalar::half(ty, value.as_f64())),
        (Number::Imaginary { lit, negative }, Type::C64 | Type::C128) => {
            let imag = Number::Float { lit: lit.clone(), negative: *negative };
            let imag = literal(&imag, ty.part())?;
            let zero = if *negative { neutral(FoldOp::Sum, ty.part()) } else { Scalar::new(ty.part(), 0) };
            Some(Scalar::complex(ty, zero.bits, imag.bits))
        }
        (Number::Imaginary { .. }, _) => None,
        (number, Type::C64 | Type::C128) => literal(number, ty.part()).map(|real| Scalar::complex(ty, real.bits, 0)),
        (Number::Int(_), Type::Bool) | (Number::Float { .. }, Type::Bool) => None,
        (Number::Int(value), ty) => {
            let scalar = Scalar::int(ty, *value);
            (scalar.as_i128() == *value).then_some(scalar)
        }
        (Number::Float { lit, negative }, Type::F32) => {
            let value = if lit.value.is_finite() { lit.to_f32() } else { lit.value as f32 };
            Some(Scalar::f32(if *negative { -value } else { value }))
        }
        (Number::Float { lit, negative }, Type::F64) => {
            Some(Scalar::f64(if *negative { -lit.value } else { lit.value }))
        }
        (Number::Float { .. }, _) => None,
    }
}

impl Number {
    /// The number as a user would write it.
    pub fn text(&self) -> String {
        match self {
            Number::Int(value) => value.to_string(),
            Number::Float { lit, negative } => {
                format!("{}{}", if *negative { "-" } else { "" }, lit.text)
            }
            Number::Imaginary { lit, negative } => format!("{}{}j", if *negative { "-" } else { "" }, lit.text),
        }
    }
}

/// A value in the type it is computed in: a half as `f32`.
pub(crate) fn computed(value: Expr) -> Expr {
    if !value.ty.elem.is_half() {
        return value;
    }
    let (ty, span) = (value.ty.with_elem(Type::F32), value.span);
    Expr { kind: Kind::Convert(Box::new(value)), ty, span }
}

/// Wraps a value in the bindings it uses.
pub(crate) fn bind(bound: Vec<(VarId, Expr)>, value: Expr) -> Expr {
    if bound.is_empty() {
        return value;
    }
    let (ty, span) = (value.ty, value.span);
    Expr { kind: Kind::Let(bound, Box::new(value)), ty, span }
}
