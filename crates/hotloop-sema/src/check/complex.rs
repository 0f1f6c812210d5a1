//! Complex numbers: their parts, operators, reductions and matrix products, written with those of the parts.
//!
//! Real operands stay real: a product with a real number is that of each part, as in C. What takes more than a few ops
//! stands in the library.

use super::expr::bind;
use super::matmul::product;
use super::reduce::{Given, Task};
use super::walk::walk_expr;
use super::{Body, Checker};
use crate::builtins::{Builtin, Reducer};
use crate::errors;
use crate::hir::{Combine, Expr, Gives, Kind, Number, Order, Part, Walk};
use crate::promote::Ty;
use hotloop_ir::{FoldOp, Op, Scalar, Type};
use hotloop_source::Span;
use hotloop_syntax::ast;

/// Largest literal exponent that is multiplied out.
const MAX_EXPANDED: i128 = 64;

impl<'m> Checker<'m> {
    /// Operands of an op of which one is complex: complex ones in `ty`, real ones in the type of its parts.
    pub(super) fn beside_complex(&mut self, body: &mut Body, values: Vec<Expr>, ty: Ty) -> Option<Vec<Expr>> {
        let beside = |value: Expr| {
            let elem = if value.ty.elem.is_complex() { ty.elem } else { ty.elem.part() };
            self.coerce(body, value, Ty { elem, ..ty })
        };
        values.into_iter().map(beside).collect()
    }

    /// `/` with a complex operand.
    pub(super) fn complex_quotient(
        &mut self,
        body: &mut Body,
        left: Expr,
        right: Expr,
        op_span: Span,
        span: Span,
    ) -> Option<Expr> {
        if right.ty.elem.is_complex() {
            return self.library_call(body, "_complex_div", vec![left, right], span);
        }
        let pair = self.pair(body, "/", op_span, left, right)?;
        Some(Expr::op(Op::Div, pair.into(), span))
    }

    /// `z ** n` for a literal `n` that is multiplied out; none if it is not.
    pub(super) fn complex_power(
        &mut self,
        body: &mut Body,
        base: Expr,
        exponent: i128,
        span: Span,
    ) -> Option<Option<Expr>> {
        if exponent.abs() > MAX_EXPANDED {
            return None;
        }
        let Some(base) = self.settle_number(body, base) else { return Some(None) };
        let one = Expr { ty: base.ty.with_rank(0), ..number(base.ty.elem, 1.0, span) };
        let mut bound = Vec::new();
        let base = self.share(body, base, &mut bound);
        let value = match exponent {
            0 => {
                let always = Expr::op(Op::Eq, vec![base.clone(), base], span);
                Some(Expr::op(Op::Select, vec![always, one.clone(), one], span))
            }
            1.. => Some(self.multiply_out(body, &base, exponent, &mut bound, span)),
            _ => {
                let power = self.multiply_out(body, &base, -exponent, &mut bound, span);
                self.library_call(body, "_complex_div", vec![one, power], span)
            }
        };
        Some(value.map(|value| bind(bound, value)))
    }

    /// The built-ins that make and take apart complex numbers.
    pub(super) fn complex_call(
        &mut self,
        body: &mut Body,
        name: &str,
        builtin: Builtin,
        args: Vec<Expr>,
        span: Span,
    ) -> Option<Expr> {
        if let Some(wrong) = args.iter().find(|arg| !arg.ty.elem.is_number()) {
            body.report(errors::wrong_class(span, name, wrong.written(), "a number"));
            return None;
        }
        if builtin == Builtin::Complex {
            return self.of_parts(body, name, args, span);
        }
        let value = args.into_iter().next()?;
        if let Builtin::Part(part) = builtin {
            return self.part_of(body, part, value, span);
        }
        let mut bound = Vec::new();
        let value = match (builtin, value.ty.elem.is_complex()) {
            (Builtin::Arg, true) => {
                let [re, im] = self.parts_of(body, value, &mut bound)?;
                self.library_call(body, "atan2", vec![im, re], span)?
            }
            (Builtin::Arg, false) => {
                let value = self.make_float(body, value)?;
                let zero = Expr::constant(Scalar::new(value.ty.elem, 0), span);
                self.library_call(body, "atan2", vec![zero, value], span)?
            }
            (_, true) => {
                let [re, im] = self.parts_of(body, value, &mut bound)?;
                complex(re, Expr::op(Op::Neg, vec![im], span), span)
            }
            (_, false) => value,
        };
        Some(bind(bound, value))
    }

    /// `complex(re, im)`.
    fn of_parts(&mut self, body: &mut Body, name: &str, args: Vec<Expr>, span: Span) -> Option<Expr> {
        let args = self.unify(body, args, name, span)?;
        let mut floats = Vec::new();
        for arg in args {
            let arg = self.number(body, name, arg, span)?;
            floats.push(self.make_float(body, arg)?);
        }
        let (im, re) = (floats.pop()?, floats.pop()?);
        Some(complex(re, im, span))
    }

    /// A part of a number; a real one is its own real part.
    pub(super) fn part_of(&mut self, body: &mut Body, part: Part, value: Expr, span: Span) -> Option<Expr> {
        if !value.ty.elem.is_number() {
            let name = if part == Part::Real { "real" } else { "imag" };
            body.report(errors::wrong_class(span, name, value.written(), "a number"));
            return None;
        }
        let value = self.settle_number(body, value)?;
        Some(match (part, value.ty.elem.is_complex(), value.ty.rank) {
            (_, true, _) => part_expr(part, value),
            (Part::Real, false, _) => value,
            (Part::Imag, false, 0) => Expr { ty: value.ty, ..Expr::constant(Scalar::new(value.ty.elem, 0), span) },
            (Part::Imag, false, _) => {
                let zero = Box::new(Expr::constant(Scalar::new(value.ty.elem, 0), span));
                let ty = value.ty;
                Expr { kind: Kind::FillLike(zero, Box::new(value)), ty, span }
            }
        })
    }

    /// Both parts of a complex number, which is computed once.
    fn parts_of(
        &mut self,
        body: &mut Body,
        value: Expr,
        bound: &mut Vec<(crate::hir::VarId, Expr)>,
    ) -> Option<[Expr; 2]> {
        let value = self.settle_number(body, value)?;
        let value = self.share(body, value, bound);
        Some([Part::Real, Part::Imag].map(|part| part_expr(part, value.clone())))
    }

    /// `abs(z)`.
    pub(super) fn magnitude(&mut self, body: &mut Body, value: Expr, span: Span) -> Option<Expr> {
        let mut bound = Vec::new();
        let parts = self.parts_of(body, value, &mut bound)?;
        let length = self.library_call(body, "hypot", parts.into(), span)?;
        Some(bind(bound, length))
    }

    /// A reduction of complex numbers.
    pub(super) fn complex_reduction(
        &mut self,
        body: &mut Body,
        name: &str,
        task: Task,
        arg: Expr,
        named: &'m [ast::NamedArg],
        span: Span,
    ) -> Option<Expr> {
        let mut given = self.given(body, name, task, arg, named, span)?;
        let value = match task.reducer {
            Reducer::Sum => given.both(|given| given.fold_of(FoldOp::Sum, given.arg.clone(), given.keepdims)),
            Reducer::Mean => given.both(|given| given.mean(given.keepdims)),
            Reducer::Prod => {
                let one = number(given.arg.ty.elem, 1.0, span);
                let value = match &one.kind {
                    Kind::Const(one) => given.masked(given.arg.clone(), *one),
                    _ => given.arg.clone(),
                };
                let gives = Gives::Last { keepdims: given.keepdims };
                self.complex_products(body, value, given.axes.clone(), gives, span)?
            }
            Reducer::CountNonzero => given.count_nonzero(),
            Reducer::Norm => {
                let sum = given.fold_of(FoldOp::Sum, squared(&given.arg, span), given.keepdims);
                Expr::op(Op::Sqrt, vec![sum], span)
            }
            Reducer::Var => self.complex_variance(body, &mut given),
            Reducer::Std => Expr::op(Op::Sqrt, vec![self.complex_variance(body, &mut given)], span),
            Reducer::Any | Reducer::All => {
                let diag = errors::wrong_class(span, name, given.arg.written(), "bools");
                body.report(diag.hint(format!("compare first: `{name}(x != 0)`")));
                return None;
            }
            Reducer::Min | Reducer::Max | Reducer::Ptp | Reducer::ArgMin | Reducer::ArgMax => {
                body.report(errors::no_order(span, name));
                return None;
            }
        };
        Some(bind(given.bound, value))
    }

    /// The mean of the squared distances from the mean, a real number.
    fn complex_variance(&mut self, body: &mut Body, given: &mut Given) -> Expr {
        let span = given.span;
        let keep = given.keeps_for_broadcast();
        let mean = given.both(|given| given.mean(keep));
        let mean = self.share(body, mean, &mut given.bound);
        let distance = Expr::op(Op::Sub, vec![given.arg.clone(), mean], span);
        let distance = self.share(body, distance, &mut given.bound);
        let sum = given.fold_of(FoldOp::Sum, squared(&distance, span), given.keepdims);
        given.over_count(sum)
    }

    /// Products along axes: of everything, or up to each element.
    pub(super) fn complex_products(
        &mut self,
        body: &mut Body,
        arg: Expr,
        axes: Vec<u32>,
        gives: Gives,
        span: Span,
    ) -> Option<Expr> {
        if axes.is_empty() {
            return Some(arg);
        }
        let (elem, rank) = (arg.ty.elem, arg.ty.rank);
        let id = self.library_instance(body, "_complex_product", &[Ty::scalar(elem), Ty::scalar(elem)], span)?;
        let identity = vec![number(elem, 1.0, span)];
        let combine = Combine::Call(id);
        let walk =
            Walk { combine, args: vec![arg], types: vec![elem], identity, axes, rank, order: Order::Blocks, gives };
        Some(walk_expr(walk, span))
    }

    /// The matrix product of operands of which one at least is complex: products of their parts.
    pub(super) fn complex_matmul(&mut self, body: &mut Body, left: Expr, right: Expr, span: Span) -> Option<Expr> {
        let mut bound = Vec::new();
        let mut sides = Vec::new();
        for side in [left, right] {
            let parts = match side.ty.elem.is_complex() {
                true => self.parts_of(body, side, &mut bound)?.to_vec(),
                false => vec![side],
            };
            // The library reads each part from memory of its own, which is filled once.
            sides.push(parts.into_iter().map(|part| self.share(body, part, &mut bound)).collect::<Vec<Expr>>());
        }
        let of = |a: &Expr, b: &Expr| product(a.clone(), b.clone(), false, span);
        let value = match (&sides[0][..], &sides[1][..]) {
            ([a, b], [c, d]) => {
                let re = Expr::op(Op::Sub, vec![of(a, c), of(b, d)], span);
                complex(re, Expr::op(Op::Add, vec![of(a, d), of(b, c)], span), span)
            }
            ([a], [c, d]) => complex(of(a, c), of(a, d), span),
            ([a, b], [c]) => complex(of(a, c), of(b, c), span),
            (_, _) => return None,
        };
        Some(bind(bound, value))
    }
}

impl Given {
    /// A real reduction of both parts as one complex number.
    fn both(&mut self, mut reduce: impl FnMut(&Given) -> Expr) -> Expr {
        let whole = self.arg.clone();
        let parts = [Part::Real, Part::Imag].map(|part| {
            self.arg = part_expr(part, whole.clone());
            reduce(self)
        });
        self.arg = whole;
        let [re, im] = parts;
        complex(re, im, self.span)
    }
}

/// A complex number of two parts of one float type.
fn complex(re: Expr, im: Expr, span: Span) -> Expr {
    let elem = re.ty.elem.complex().unwrap_or(re.ty.elem);
    let ty = Ty { elem, weak: re.ty.weak && im.ty.weak, rank: re.ty.rank.max(im.ty.rank) };
    Expr { kind: Kind::Complex(Box::new(re), Box::new(im)), ty, span }
}

fn part_expr(part: Part, value: Expr) -> Expr {
    let (ty, span) = (Ty { elem: value.ty.elem.part(), ..value.ty }, value.span);
    Expr { kind: Kind::Part(part, Box::new(value)), ty, span }
}

/// The square of the magnitude.
fn squared(value: &Expr, span: Span) -> Expr {
    let square = |part| {
        let part = part_expr(part, value.clone());
        Expr::op(Op::Mul, vec![part.clone(), part], span)
    };
    Expr::op(Op::Add, vec![square(Part::Real), square(Part::Imag)], span)
}

/// A real number as a complex literal.
fn number(elem: Type, value: f64, span: Span) -> Expr {
    let lit = ast::FloatLit { text: "".into(), value, suffix: None };
    let scalar = super::expr::literal(&Number::Float { lit, negative: false }, elem);
    Expr::constant(scalar.unwrap_or(Scalar::new(elem, 0)), span)
}
