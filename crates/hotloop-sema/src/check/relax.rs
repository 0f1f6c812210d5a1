//! The relaxed tier in the user's expressions: sums and products regrouped, products fused into sums, divisions by
//! literals turned into products.
//!
//! It works on checked bodies, before lowering, so that the interpreter and all code generators get the same operations
//! and give the same bits. Only expressions are changed: values that have names are computed and rounded as they are
//! written. Bodies of the library are left alone; they have relaxed ones of their own.

use crate::hir::{Block, Expr, Kind, StmtKind, VarId};
use hotloop_ir::{Op, Scalar, Type};
use hotloop_source::Span;

/// The most products added up one after another; more are added up side by side.
const CHAIN: usize = 4;

/// Relaxes every expression of a body. Inside a parallel loop, updates of a scalar or an element keep their form, by
/// which they are recognized as reductions.
pub(super) fn block(block: &mut Block, parallel: bool) {
    for stmt in &mut block.stmts {
        match &mut stmt.kind {
            StmtKind::If { cond, then, otherwise } => {
                relax(cond, parallel);
                self::block(then, parallel);
                self::block(otherwise, parallel);
            }
            StmtKind::While { cond, body } => {
                relax(cond, parallel);
                self::block(body, parallel);
            }
            // Bounds are integers, and merges of scattered values are recognized by their form.
            StmtKind::For { parallel: own, body, .. } => self::block(body, parallel || *own),
            StmtKind::Assign(var, value) if parallel => relax_around(value, *var),
            StmtKind::Store { array, value, .. } if parallel => relax_around(value, *array),
            StmtKind::Assign(_, value) | StmtKind::AssignCall(_, value) | StmtKind::Store { value, .. } => {
                relax(value, parallel);
            }
            StmtKind::Return(values) => values.iter_mut().for_each(|value| relax(value, parallel)),
            StmtKind::Break | StmtKind::Continue => {}
        }
    }
    block.value.iter_mut().for_each(|value| relax(value, parallel));
}

/// Relaxes the parts of an expression that do not mention a variable.
fn relax_around(expr: &mut Expr, var: VarId) {
    let mut mentioned = false;
    expr.walk(&mut |inner| mentioned |= matches!(inner.kind, Kind::Var(other) if other == var));
    match mentioned {
        true => expr.children_mut().into_iter().for_each(|child| relax_around(child, var)),
        false => relax(expr, true),
    }
}

fn relax(expr: &mut Expr, parallel: bool) {
    if let Some(shape) = shape(expr) {
        let (ty, span) = (expr.ty, expr.span);
        let whole = std::mem::replace(expr, Expr::int(0, span));
        let value = match shape {
            Shape::Sum => sum(whole, parallel),
            Shape::Product => product_of(whole, parallel).whole(),
        };
        *expr = value.expect("a sum has terms and a product factors");
        debug_assert_eq!((expr.ty.elem, expr.ty.rank), (ty.elem, ty.rank));
        return;
    }
    expr.children_mut().into_iter().for_each(|child| relax(child, parallel));
    if let Kind::If(_, then, otherwise) = &mut expr.kind {
        block(then, parallel);
        block(otherwise, parallel);
    }
}

/// What an expression of floats is part of.
#[derive(Clone, Copy)]
enum Shape {
    Sum,
    Product,
}

fn shape(expr: &Expr) -> Option<Shape> {
    let Kind::Op(op, args) = &expr.kind else { return None };
    if !expr.ty.elem.is_float() {
        return None;
    }
    match (op, &args[..]) {
        (Op::Add | Op::Sub | Op::Neg, _) => Some(Shape::Sum),
        (Op::Mul, _) => Some(Shape::Product),
        (Op::Div, [dividend, divisor]) if turns(dividend, divisor).is_some() => Some(Shape::Product),
        (_, _) => None,
    }
}

/// What a dividend is multiplied by instead of divided. A quotient of literals is a literal, and stays exact.
fn turns(dividend: &Expr, divisor: &Expr) -> Option<Expr> {
    if matches!(dividend.kind, Kind::Const(_)) { None } else { inverse(divisor) }
}

/// One over a literal, where neither is subnormal, zero or infinite, so that a product with it differs from the
/// quotient by its roundings only.
fn inverse(expr: &Expr) -> Option<Expr> {
    let Kind::Const(scalar) = expr.kind else { return None };
    let value = scalar.as_f64();
    let scalar = match scalar.ty {
        Type::F64 if value.is_normal() && (1.0 / value).is_normal() => Scalar::f64(1.0 / value),
        Type::F32 if (value as f32).is_normal() && (1.0 / value as f32).is_normal() => Scalar::f32(1.0 / value as f32),
        _ => return None,
    };
    Some(Expr { kind: Kind::Const(scalar), ..expr.clone() })
}

/// A value that is added or, where `negative`, taken off.
struct Term {
    negative: bool,
    value: Expr,
}

/// A product of all factors, or what is left of one where there is a single factor.
struct Product {
    negative: bool,
    factors: Vec<Expr>,
    span: Span,
}

/// How much of a nest's work an operand is: literals, scalars, arrays.
fn weight(expr: &Expr) -> u32 {
    match expr.ty.rank {
        _ if is_literal(expr) => 0,
        0 => 1,
        _ => 2,
    }
}

/// Whether an expression is a literal, or one that is computed before the program runs, such as `1 / 3`.
fn is_literal(expr: &Expr) -> bool {
    let is_const = |expr: &Expr| matches!(expr.kind, Kind::Const(_));
    let is_quotient = |expr: &Expr| matches!(&expr.kind, Kind::Op(Op::Div, args) if args.iter().all(|arg| is_converted(arg, is_const)));
    is_converted(expr, is_const) || is_converted(expr, is_quotient)
}

/// Whether something holds for an expression or for what it converts.
fn is_converted(expr: &Expr, holds: impl Fn(&Expr) -> bool) -> bool {
    match &expr.kind {
        Kind::Convert(inner) => holds(inner),
        _ => holds(expr),
    }
}

fn negated(value: Expr) -> Expr {
    let span = value.span;
    if let Kind::Const(scalar) = value.kind {
        let sign = 1 << (scalar.ty.bits() - 1);
        return Expr { kind: Kind::Const(Scalar::new(scalar.ty, scalar.bits ^ sign)), ..value };
    }
    Expr::op(Op::Neg, vec![value], span)
}

/// The factors of an expression, signs apart.
fn collect_factors(mut expr: Expr, product: &mut Product, parallel: bool) {
    match &mut expr.kind {
        Kind::Op(Op::Mul, args) => args.drain(..).for_each(|arg| collect_factors(arg, product, parallel)),
        Kind::Op(Op::Neg, args) if expr.ty.elem.is_float() => {
            product.negative = !product.negative;
            args.drain(..).for_each(|arg| collect_factors(arg, product, parallel));
        }
        Kind::Op(Op::Div, args) if matches!(&args[..], [a, b] if turns(a, b).is_some()) => {
            product.factors.extend(args.pop().as_ref().and_then(inverse));
            args.drain(..).for_each(|arg| collect_factors(arg, product, parallel));
        }
        _ => {
            relax(&mut expr, parallel);
            product.factors.push(expr);
        }
    }
}

fn product_of(expr: Expr, parallel: bool) -> Product {
    let mut product = Product { negative: false, factors: Vec::new(), span: expr.span };
    collect_factors(expr, &mut product, parallel);
    // Literals fold, and scalars are multiplied once for all elements. The order is otherwise that of the text.
    product.factors.sort_by_key(weight);
    double(&mut product.factors);
    product
}

/// Twice a product as the product with the sum of a variable and itself: processors that multiply two numbers at a time
/// add two others beside them, and fused operations are products too.
fn double(factors: &mut Vec<Expr>) {
    let [two, first, .., last] = &factors[..] else { return };
    let is_two = matches!(two.kind, Kind::Const(scalar) if scalar.as_f64() == 2.0);
    if !is_two || weight(first) != weight(last) {
        return;
    }
    let is_var = |factor: &Expr| matches!(factor.kind, Kind::Var(_));
    if let Some(at) = factors.iter().position(is_var) {
        let (var, span) = (factors[at].clone(), factors[at].span);
        factors[at] = Expr::op(Op::Add, vec![var.clone(), var], span);
        factors.remove(0);
    }
}

/// Factors side by side; those of little weight are one side of the last multiplication.
fn sides(mut factors: Vec<Expr>) -> (Vec<Expr>, Vec<Expr>) {
    let light = factors.iter().take_while(|factor| weight(factor) < 2).count();
    let inside = light > 0 && light < factors.len();
    let right = factors.split_off(if inside { light } else { factors.len() / 2 });
    (factors, right)
}

fn multiplied(mut factors: Vec<Expr>, span: Span) -> Option<Expr> {
    if factors.len() <= 1 {
        return factors.pop();
    }
    let (left, right) = sides(factors);
    Some(Expr::op(Op::Mul, vec![multiplied(left, span)?, multiplied(right, span)?], span))
}

impl Product {
    fn whole(mut self) -> Option<Expr> {
        let literal = self.factors.first().is_some_and(|factor| weight(factor) == 0);
        if self.negative && literal {
            let first = self.factors.remove(0);
            self.factors.insert(0, negated(first));
            self.negative = false;
        }
        let value = multiplied(self.factors, self.span)?;
        Some(if self.negative { negated(value) } else { value })
    }
}

/// Adds terms up side by side; those of little weight first.
fn added(mut terms: Vec<Term>, span: Span) -> Option<Term> {
    let count = terms.len();
    if count <= 1 {
        return terms.pop();
    }
    let light = terms.iter().take_while(|term| weight(&term.value) < 2).count();
    let right = terms.split_off(if light > 0 && light < count { light } else { count / 2 });
    let (left, right) = (added(terms, span)?, added(right, span)?);
    let (op, negative, values) = match (left.negative, right.negative) {
        (false, true) => (Op::Sub, false, vec![left.value, right.value]),
        (true, false) => (Op::Sub, false, vec![right.value, left.value]),
        (both, _) => (Op::Add, both, vec![left.value, right.value]),
    };
    Some(Term { negative, value: Expr::op(op, values, span) })
}

/// The terms of a sum of some rank: single values and products.
fn collect_terms(
    mut expr: Expr,
    (negative, rank): (bool, u32),
    terms: &mut Vec<Term>,
    products: &mut Vec<Product>,
    parallel: bool,
) {
    match (&mut expr.kind, expr.ty.elem.is_float()) {
        (Kind::Op(Op::Add, args), true) => {
            args.drain(..).for_each(|arg| collect_terms(arg, (negative, rank), terms, products, parallel));
        }
        (Kind::Op(Op::Sub, args), true) => {
            for (arg, flips) in args.drain(..).zip([false, true]) {
                collect_terms(arg, (negative != flips, rank), terms, products, parallel);
            }
        }
        (Kind::Op(Op::Neg, args), true) => {
            args.drain(..).for_each(|arg| collect_terms(arg, (!negative, rank), terms, products, parallel));
        }
        (_, _) => match shape(&expr) {
            Some(Shape::Sum | Shape::Product) => {
                let mut product = product_of(expr, parallel);
                product.negative ^= negative;
                let heaviest = product.factors.last().map_or(0, weight);
                if product.factors.len() > 1 && heaviest > 0 && (heaviest == 2 || rank == 0) {
                    return products.push(product);
                }
                // What is computed once for all elements is fused with nothing.
                let negative = std::mem::take(&mut product.negative);
                terms.extend(product.whole().map(|value| Term { negative, value }));
            }
            None => {
                relax(&mut expr, parallel);
                terms.push(Term { negative, value: expr });
            }
        },
    }
}

/// A sum, in which products are fused with what they are added to.
fn sum(expr: Expr, parallel: bool) -> Option<Expr> {
    let (span, rank) = (expr.span, expr.ty.rank);
    let (mut terms, mut products) = (Vec::new(), Vec::new());
    collect_terms(expr, (false, rank), &mut terms, &mut products, parallel);
    terms.sort_by_key(|term| weight(&term.value));
    let mut sums = Vec::new();
    let mut start = added(terms, span);
    products.reverse();
    while let Some(first) = products.pop() {
        let mut total = match start.take() {
            Some(total) => fused(total, first, span)?,
            None => Term { negative: false, value: first.whole()? },
        };
        for _ in 1..CHAIN {
            let Some(next) = products.pop() else { break };
            total = fused(total, next, span)?;
        }
        sums.push(total);
    }
    let total = added(start.into_iter().chain(sums).collect(), span)?;
    Some(if total.negative { negated(total.value) } else { total.value })
}

/// The sum with a product; one negation does where the signs differ.
fn fused(total: Term, product: Product, span: Span) -> Option<Term> {
    let both = total.negative && product.negative;
    let value = if total.negative && !both { negated(total.value) } else { total.value };
    let (left, right) = sides(product.factors);
    let (left, right) = (multiplied(left, span)?, multiplied(right, span)?);
    let left = if product.negative && !both { negated(left) } else { left };
    Some(Term { negative: both, value: Expr::op(Op::Fma, vec![left, right, value], span) })
}

#[cfg(test)]
mod tests {
    use crate::{ArgType, Fastmath, Module, Options, lower};
    use hotloop_ir::{Layout, Type};
    use hotloop_source::Source;

    /// The operations of an expression on arrays of f64 named by single letters, and on the scalar `s`.
    fn ops(text: &str) -> Vec<String> {
        let (body, _) = hotloop_syntax::parse_body(&Source::new("t", text), &hotloop_syntax::Limits::default());
        let (module, _) = Module::of_expression(body);
        let info = module.kernels().next().expect("a kernel").clone();
        let array = ArgType::Array { ty: Type::F64, rank: 1, ones: 0, layout: Layout::Dense };
        let ty = |name: &str| if name == "s" { ArgType::Scalar(Type::F64) } else { array };
        let types: Vec<ArgType> = info.params.iter().map(|param| ty(&param.name)).collect();
        let options = Options { fastmath: Fastmath::Relaxed, ..Options::default() };
        let program = lower(&module, crate::EXPRESSION, &types, &options).expect("a program");
        let text = hotloop_ir::text::print(&program);
        let words = ["add", "sub", "mul", "div", "fma", "neg"];
        let found = text.lines().filter(|line| line.contains(": f64 = "));
        found
            .filter_map(|line| line.split(" = ").nth(1)?.split(' ').next().map(str::to_owned))
            .filter(|word| words.contains(&word.as_str()))
            .collect()
    }

    #[test]
    fn products_are_fused_into_sums() {
        assert_eq!(ops("a*b + c"), ["fma"]);
        assert_eq!(ops("c - 2.0*a"), ["fma"]);
        assert_eq!(ops("a*b + c*d"), ["mul", "fma"]);
        assert_eq!(ops("a*b - c"), ["neg", "fma"]);
    }

    #[test]
    fn what_is_computed_once_is_fused_with_nothing() {
        assert_eq!(ops("a*b + 1/3"), ["div", "fma"]);
        assert_eq!(ops("a*b + 2.0*3.0"), ["mul", "fma"]);
        assert_eq!(ops("a*b + s*s"), ["mul", "fma"]);
        assert_eq!(ops("s*s + s"), ["fma"]);
    }

    #[test]
    fn twice_a_product_is_a_sum() {
        assert_eq!(ops("c + 2.0*a*b"), ["add", "fma"]);
        assert_eq!(ops("c + 2.0*a"), ["fma"]);
        assert_eq!(ops("c + 2.0*s*a*b"), ["mul", "mul", "fma"]);
        assert_eq!(ops("2.0*sqrt(a)*sqrt(b)"), ["mul", "mul"]);
    }

    #[test]
    fn divisions_by_literals_are_products() {
        assert_eq!(ops("a / 3.0"), ["mul"]);
        assert_eq!(ops("a / b"), ["div"]);
        assert_eq!(ops("a / 1e-310"), ["div"]);
        assert_eq!(ops("a / 0.0"), ["div"]);
    }

    #[test]
    fn named_values_are_rounded() {
        assert_eq!(ops("let t = a*b; t + c"), ["mul", "add"]);
    }
}
