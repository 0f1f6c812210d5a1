//! Reductions: their keywords, and how all of them are written with few: folds, means, and choices per element.
//!
//! What depends on shapes at run time is left to lowering: counts, and whether there is anything to reduce.

use super::expr::bind;
use super::walk::walk_expr;
use super::{Body, Checker};
use crate::builtins::{Builtin, Reducer};
use crate::errors;
use crate::hir::{Exact, Expr, Gives, Kind, Number, Order, Reduction, VarId, Walk};
use crate::promote::{Ty, accumulator};
use hotloop_ir::semantics::neutral;
use hotloop_ir::{FoldOp, Op, Scalar, Type};
use hotloop_source::Span;
use hotloop_syntax::ast;

/// What a call of a built-in reduces by, and whether it passes over NaNs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Task {
    pub reducer: Reducer,
    pub skip_nan: bool,
}

/// A reduction's array and keywords. The array is a name, and so is the mask, so that they can be used again.
pub(super) struct Given {
    pub arg: Expr,
    pub axes: Vec<u32>,
    pub keepdims: bool,
    pub mask: Option<Expr>,
    pub ddof: Option<Expr>,
    pub span: Span,
    pub bound: Vec<(VarId, Expr)>,
    /// Whether the elements are integers of 64 bits by themselves: fewer than 2**32 of others cannot overflow a sum.
    wide: bool,
}

impl Task {
    /// The reduction that a call with so many arguments asks for, if it is one.
    pub(super) fn of(builtin: Builtin, args: usize) -> Option<Task> {
        match builtin {
            Builtin::Extreme(FoldOp::Min) if args == 1 => Some(Task { reducer: Reducer::Min, skip_nan: false }),
            Builtin::Extreme(_) if args == 1 => Some(Task { reducer: Reducer::Max, skip_nan: false }),
            Builtin::Reduce(reducer) => Some(Task { reducer, skip_nan: false }),
            Builtin::SkipNan(reducer) => Some(Task { reducer, skip_nan: true }),
            _ => None,
        }
    }

    /// The keywords it takes.
    fn keywords(self) -> &'static [&'static str] {
        match self.reducer {
            Reducer::Var | Reducer::Std => &["axis", "keepdims", "where", "ddof"],
            Reducer::Sum
            | Reducer::Prod
            | Reducer::Min
            | Reducer::Max
            | Reducer::Any
            | Reducer::All
            | Reducer::Mean
            | Reducer::Norm
            | Reducer::Ptp
            | Reducer::ArgMin
            | Reducer::ArgMax
            | Reducer::CountNonzero => &["axis", "keepdims", "where"],
        }
    }
}

impl<'m> Checker<'m> {
    pub(super) fn reduction(
        &mut self,
        body: &mut Body,
        name: &str,
        task: Task,
        mut args: Vec<Expr>,
        named: &'m [ast::NamedArg],
        span: Span,
    ) -> Option<Expr> {
        if args.len() != 1 {
            let diag = errors::argument_count(span, name, "1 array", args.len());
            let hint = format!("axes are keyword arguments: `{name}(x, axis=0)`");
            body.report(if args.len() == 2 { diag.hint(hint) } else { diag });
            return None;
        }
        let arg = self.settle_number(body, args.remove(0))?;
        if arg.ty.elem.is_complex() {
            return self.complex_reduction(body, name, task, arg, named, span);
        }
        let arg = self.reducible(body, name, task.reducer, arg, span)?;
        let given = self.given(body, name, task, arg, named, span)?;
        let value = self.reduce_by(body, task.reducer, given)?;
        Some(value)
    }

    /// The argument as the type it is reduced in; refused if the reduction does not take its type.
    fn reducible(&mut self, body: &mut Body, name: &str, reducer: Reducer, arg: Expr, span: Span) -> Option<Expr> {
        let ty = arg.ty;
        let to = match reducer {
            Reducer::Mean | Reducer::Var | Reducer::Std | Reducer::Norm if ty.elem.is_float() => ty.elem,
            Reducer::Mean | Reducer::Var | Reducer::Std | Reducer::Norm => Type::F64,
            Reducer::Any | Reducer::All if ty.elem != Type::Bool => {
                let diag = errors::wrong_class(span, name, ty, "bools");
                body.report(diag.hint(format!("compare first: `{name}(x != 0)`")));
                return None;
            }
            Reducer::Min | Reducer::Max | Reducer::Ptp if ty.elem == Type::Bool => {
                let diag = errors::wrong_class(span, name, ty, "numbers");
                body.report(diag.hint("write `any(…)` or `all(…)` for bools"));
                return None;
            }
            Reducer::Prod if ty.elem == Type::Bool => {
                body.report(errors::wrong_class(span, name, ty, "numbers").hint("write `all(…)` for bools"));
                return None;
            }
            Reducer::Sum | Reducer::Prod => accumulator(ty.elem),
            // The first true, or the first false: bools are ordered for this alone.
            Reducer::ArgMin | Reducer::ArgMax if ty.elem == Type::Bool => Type::U8,
            Reducer::Any
            | Reducer::All
            | Reducer::Min
            | Reducer::Max
            | Reducer::Ptp
            | Reducer::ArgMin
            | Reducer::ArgMax
            | Reducer::CountNonzero => ty.elem,
        };
        Some(converted(arg, to))
    }

    /// The keywords, with the array and the mask bound to names.
    pub(super) fn given(
        &mut self,
        body: &mut Body,
        name: &str,
        task: Task,
        arg: Expr,
        named: &'m [ast::NamedArg],
        span: Span,
    ) -> Option<Given> {
        let rank = arg.ty.rank;
        let axes = (0..rank).collect();
        let wide = arg.ty.elem.is_int() && !matches!(&arg.kind, Kind::Convert(from) if from.ty.elem.bytes() < 8);
        let mut given = Given { arg, axes, keepdims: false, mask: None, ddof: None, span, bound: Vec::new(), wide };
        for keyword in named {
            let text = &*keyword.name.text;
            if !task.keywords().contains(&text) {
                body.report(errors::unknown_keyword(keyword.name.span, name, text, task.keywords()));
                return None;
            }
            match text {
                "axis" => given.axes = self.axes(body, &keyword.value, rank)?,
                "keepdims" => given.keepdims = self.flag(body, &keyword.value)?,
                "where" => given.mask = Some(self.mask(body, &keyword.value, rank)?),
                _ => given.ddof = Some(self.ddof(body, &keyword.value, given.arg.ty.elem)?),
            }
        }
        if rank == 0 && task.reducer.needs_array() {
            body.report(errors::wrong_class(span, name, given.arg.written(), "an array"));
            return None;
        }
        if task.uses_twice() || given.mask.is_some() || (body.checked && given.wide) || given.arg.ty.elem.is_complex() {
            given.arg = self.share(body, given.arg, &mut given.bound);
            given.mask = given.mask.map(|mask| self.share(body, mask, &mut given.bound));
        }
        if task.skip_nan && (given.arg.ty.elem.is_float() || given.arg.ty.elem.is_complex()) {
            let number = Expr::op(Op::Eq, vec![given.arg.clone(), given.arg.clone()], span);
            let mask = match given.mask.take() {
                Some(mask) => Expr::op(Op::And, vec![mask, number], span),
                None => number,
            };
            given.mask = Some(self.share(body, mask, &mut given.bound));
        }
        Some(given)
    }

    /// The elements that take part: bools that broadcast to the array's shape.
    fn mask(&mut self, body: &mut Body, expr: &'m ast::Expr, rank: u32) -> Option<Expr> {
        let mask = self.expr(body, expr)?;
        if mask.ty.elem != Type::Bool {
            body.report(errors::not_a_condition(mask.span, mask.written()));
            return None;
        }
        if rank == 0 || mask.ty.rank > rank {
            let message = format!("the mask has {} axes, the array {rank}", mask.ty.rank);
            body.report(errors::mismatch(mask.span, message, "a mask has at most the axes of the array it is for"));
            return None;
        }
        Some(mask)
    }

    /// What is taken from the count.
    fn ddof(&mut self, body: &mut Body, expr: &'m ast::Expr, elem: Type) -> Option<Expr> {
        let value = self.expr(body, expr)?;
        if value.ty.rank > 0 || !value.ty.elem.is_numeric() {
            body.report(errors::wrong_class(value.span, "ddof", value.written(), "a number"));
            return None;
        }
        let elem = elem.part();
        if let Kind::Number(number) = &value.kind
            && let Some(scalar) = super::expr::literal(number, elem)
        {
            return Some(Expr::constant(scalar, value.span));
        }
        let value = self.settle_number(body, value)?;
        Some(converted(value, elem))
    }

    fn reduce_by(&mut self, body: &mut Body, reducer: Reducer, mut given: Given) -> Option<Expr> {
        let value = match reducer {
            Reducer::Sum if body.checked && given.wide => self.exact_sum(body, &mut given),
            Reducer::Sum => given.fold(FoldOp::Sum),
            Reducer::Prod if body.checked && given.arg.ty.elem.is_int() => self.exact_product(body, &given)?,
            Reducer::Prod => given.fold(FoldOp::Prod),
            Reducer::Any => given.fold(FoldOp::Any),
            Reducer::All => given.fold(FoldOp::All),
            Reducer::Min => given.extreme(FoldOp::Min),
            Reducer::Max => given.extreme(FoldOp::Max),
            Reducer::Mean => given.mean(given.keepdims),
            Reducer::Ptp => {
                let (low, high) = (given.fold(FoldOp::Min), given.fold(FoldOp::Max));
                given.required(body.guarded(Expr::op(Op::Sub, vec![high, low], given.span)))
            }
            Reducer::Norm => {
                let squares = Expr::op(Op::Mul, vec![given.arg.clone(), given.arg.clone()], given.span);
                Expr::op(Op::Sqrt, vec![given.fold_of(FoldOp::Sum, squares, given.keepdims)], given.span)
            }
            Reducer::CountNonzero => given.count_nonzero(),
            Reducer::Var => self.variance(body, &mut given),
            Reducer::Std => {
                let variance = self.variance(body, &mut given);
                Expr::op(Op::Sqrt, vec![variance], given.span)
            }
            Reducer::ArgMin => self.position_of(body, FoldOp::Min, &mut given),
            Reducer::ArgMax => self.position_of(body, FoldOp::Max, &mut given),
        };
        Some(bind(given.bound, value))
    }

    /// A sum of 64-bit integers that is a fault where it does not fit, whatever its parts do.
    fn exact_sum(&mut self, body: &mut Body, given: &mut Given) -> Expr {
        let [upper, lower] =
            halves(&given.arg, given.span).map(|half| given.fold_of(FoldOp::Sum, half, given.keepdims));
        self.put_together(body, upper, lower, &mut given.bound)
    }

    /// The sum of the upper and of the lower halves of integers as one; a fault where that does not fit.
    pub(super) fn put_together(
        &mut self,
        body: &mut Body,
        upper: Expr,
        lower: Expr,
        bound: &mut Vec<(VarId, Expr)>,
    ) -> Expr {
        let (elem, span) = (upper.ty.elem, upper.span);
        let number = |value: i64| Expr::constant(Scalar::int(elem, value.into()), span);
        let lower = self.share(body, lower, bound);
        let over = Expr::op(Op::Shr, vec![lower.clone(), number(32)], span);
        let upper = Expr::op(Op::Add, vec![upper, over], span);
        let (ty, unit) = (upper.ty, number(i64::from(u32::MAX) + 1));
        let upper = Expr { kind: Kind::Checked(Exact::Total, vec![upper, unit]), ty, span };
        let lower = Expr::op(Op::And, vec![lower, number(u32::MAX.into())], span);
        Expr::op(Op::Or, vec![upper, lower], span)
    }

    /// A product of integers none of whose partial products may overflow.
    fn exact_product(&mut self, body: &mut Body, given: &Given) -> Option<Expr> {
        let elem = given.arg.ty.elem;
        if given.axes.is_empty() {
            return Some(given.arg.clone());
        }
        let one = Scalar::int(elem, 1);
        let arg = given.masked(given.arg.clone(), one);
        let combine = self.checked_combine(body, Op::Mul, elem, given.span)?;
        let gives = Gives::Last { keepdims: given.keepdims };
        let (axes, rank, identity) = (given.axes.clone(), arg.ty.rank, vec![Expr::constant(one, given.span)]);
        let walk =
            Walk { combine, args: vec![arg], types: vec![elem], identity, axes, rank, order: Order::Blocks, gives };
        Some(walk_expr(walk, given.span))
    }

    /// The mean of the squared distances from the mean, in two passes.
    fn variance(&mut self, body: &mut Body, given: &mut Given) -> Expr {
        let span = given.span;
        let mean = given.mean(given.keeps_for_broadcast());
        let mean = self.share(body, mean, &mut given.bound);
        let distance = Expr::op(Op::Sub, vec![given.arg.clone(), mean], span);
        let distance = self.share(body, distance, &mut given.bound);
        let squares = Expr::op(Op::Mul, vec![distance.clone(), distance], span);
        let sum = given.fold_of(FoldOp::Sum, squares, given.keepdims);
        given.over_count(sum)
    }

    /// The first index of the extreme value, or of the first NaN, which is then the extreme value. Over several axes it
    /// is the index in C order over them; the last one is folded first, since rows are what vectors run along. Where
    /// vectors lie across the lines, or only some elements take part, the value is found first and then its place.
    fn position_of(&mut self, body: &mut Body, op: FoldOp, given: &mut Given) -> Expr {
        let span = given.span;
        if given.mask.is_none() && given.axes.last() == Some(&(given.arg.ty.rank - 1)) {
            let place = fold_node(Reduction::First(op), given.arg.clone(), given.axes.clone(), given.keepdims, span);
            return Expr { ty: Ty::array(Type::I64, place.ty.rank), ..place };
        }
        let best = given.extreme_keeping(op, given.keeps_for_broadcast());
        let best = self.share(body, best, &mut given.bound);
        let mut hit = Expr::op(Op::Eq, vec![given.arg.clone(), best], span);
        if given.arg.ty.elem.is_float() {
            let nan = Expr::op(Op::Ne, vec![given.arg.clone(), given.arg.clone()], span);
            hit = Expr::op(Op::Or, vec![hit, nan], span);
        }
        if let Some(mask) = &given.mask {
            hit = Expr::op(Op::And, vec![hit, mask.clone()], span);
        }
        let rank = given.arg.ty.rank;
        let kind = Kind::Position(Box::new(given.arg.clone()), given.axes.clone());
        let position = Expr { kind, ty: Ty::array(Type::I64, rank), span };
        let none = Expr::constant(Scalar::i64(i64::MAX), span);
        let kind = Kind::Where(Box::new(hit), Box::new(position), Box::new(none));
        let first = Expr { kind, ty: Ty::array(Type::I64, rank), span };
        match given.axes.split_last() {
            Some((&last, rest)) if !rest.is_empty() => {
                let rows = reduce(FoldOp::Min, first, vec![last], given.keepdims, span);
                reduce(FoldOp::Min, rows, rest.to_vec(), given.keepdims, span)
            }
            _ => reduce(FoldOp::Min, first, given.axes.clone(), given.keepdims, span),
        }
    }

    /// One axis or a tuple of them, ascending and without repetition.
    pub(super) fn axes(&mut self, body: &mut Body, expr: &'m ast::Expr, rank: u32) -> Option<Vec<u32>> {
        let list: Vec<&ast::Expr> = match &expr.kind {
            ast::ExprKind::Tuple(list) | ast::ExprKind::List(list) => list.iter().collect(),
            _ => vec![expr],
        };
        let mut axes = Vec::new();
        for item in list {
            let value = self.expr(body, item)?;
            let axis = self.axis(body, &value, rank)?;
            if axes.contains(&axis) {
                let message = format!("axis {axis} is named twice");
                body.report(errors::plain(errors::BAD_AXIS, item.span, message, "name each axis once"));
                return None;
            }
            axes.push(axis);
        }
        axes.sort_unstable();
        Some(axes)
    }

    /// A literal axis; negative ones count from the end.
    pub(super) fn axis(&mut self, body: &mut Body, value: &Expr, rank: u32) -> Option<u32> {
        let Kind::Number(Number::Int(axis)) = value.kind else {
            let message = "an axis must be a literal whole number".into();
            body.report(errors::plain(errors::BAD_AXIS, value.span, message, "write a number such as `axis=0`"));
            return None;
        };
        let rank = i128::from(rank);
        if axis < -rank || axis >= rank {
            let message = format!("axis {axis} does not exist: the array has {rank} axes");
            let hint = match rank {
                0 => "a scalar has no axes; leave the axis out".to_string(),
                _ => format!("axes run from 0 to {}, or from -{rank} to -1", rank - 1),
            };
            body.report(errors::plain(errors::BAD_AXIS, value.span, message, &hint));
            return None;
        }
        Some(axis.rem_euclid(rank) as u32)
    }

    /// A literal `true` or `false`.
    pub(super) fn flag(&mut self, body: &mut Body, expr: &'m ast::Expr) -> Option<bool> {
        let value = self.expr(body, expr)?;
        match value.kind {
            Kind::Const(scalar) if scalar.ty == Type::Bool => Some(scalar.is_true()),
            _ => {
                let message = "this must be `true` or `false`, as a literal".into();
                body.report(errors::plain(
                    errors::BAD_ARGUMENTS,
                    expr.span,
                    message,
                    "write for example `keepdims=true`",
                ));
                None
            }
        }
    }
}

impl Reducer {
    /// Whether a scalar has no such reduction.
    fn needs_array(self) -> bool {
        match self {
            Reducer::ArgMin | Reducer::ArgMax => true,
            Reducer::Sum
            | Reducer::Prod
            | Reducer::Min
            | Reducer::Max
            | Reducer::Any
            | Reducer::All
            | Reducer::Mean
            | Reducer::Var
            | Reducer::Std
            | Reducer::Norm
            | Reducer::Ptp
            | Reducer::CountNonzero => false,
        }
    }
}

impl Task {
    /// Whether the array is read in several places.
    fn uses_twice(self) -> bool {
        match self.reducer {
            Reducer::Var | Reducer::Std | Reducer::Norm | Reducer::Ptp | Reducer::ArgMin | Reducer::ArgMax => true,
            Reducer::Sum
            | Reducer::Prod
            | Reducer::Min
            | Reducer::Max
            | Reducer::Any
            | Reducer::All
            | Reducer::Mean
            | Reducer::CountNonzero => self.skip_nan,
        }
    }
}

impl Given {
    /// Whether a value per result must keep the reduced axes to meet the array again; one value need not.
    pub fn keeps_for_broadcast(&self) -> bool {
        (self.axes.len() as u32) < self.arg.ty.rank
    }

    /// Values of the array's shape, those that do not take part replaced by one that changes nothing.
    pub fn masked(&self, value: Expr, instead: Scalar) -> Expr {
        let Some(mask) = &self.mask else { return value };
        let ty = value.ty.with_rank(self.arg.ty.rank);
        let instead = Expr::constant(instead, self.span);
        Expr { kind: Kind::Where(Box::new(mask.clone()), Box::new(value), Box::new(instead)), ty, span: self.span }
    }

    /// A fold of values of the array's shape. A sum over what a mask leaves begins at 0, as an empty one.
    pub fn fold_of(&self, op: FoldOp, value: Expr, keepdims: bool) -> Expr {
        let elem = value.ty.elem;
        let instead = match op {
            FoldOp::Sum => Scalar::new(elem, 0),
            FoldOp::Prod | FoldOp::Min | FoldOp::Max | FoldOp::Any | FoldOp::All => neutral(op, elem),
        };
        reduce(op, self.masked(value, instead), self.axes.clone(), keepdims, self.span)
    }

    fn fold(&self, op: FoldOp) -> Expr {
        self.fold_of(op, self.arg.clone(), self.keepdims)
    }

    fn extreme(&self, op: FoldOp) -> Expr {
        self.extreme_keeping(op, self.keepdims)
    }

    fn extreme_keeping(&self, op: FoldOp, keepdims: bool) -> Expr {
        self.required(self.fold_of(op, self.arg.clone(), keepdims))
    }

    pub fn mean(&self, keepdims: bool) -> Expr {
        let (axes, span) = (self.axes.clone(), self.span);
        if self.mask.is_none() {
            return fold_node(Reduction::Mean, self.arg.clone(), axes, keepdims, span);
        }
        let sum = self.fold_of(FoldOp::Sum, self.arg.clone(), keepdims);
        let count = converted(self.count(keepdims), self.arg.ty.elem);
        self.required(Expr::op(Op::Div, vec![sum, count], span))
    }

    pub fn count_nonzero(&self) -> Expr {
        let elem = self.arg.ty.elem;
        let zero = Expr::constant(Scalar::new(elem, 0), self.span);
        let ones = match elem {
            Type::Bool => self.arg.clone(),
            _ => Expr::op(Op::Ne, vec![self.arg.clone(), zero], self.span),
        };
        self.fold_of(FoldOp::Sum, converted(ones, Type::I64), self.keepdims)
    }

    /// A sum over the number of elements less what is taken from it.
    pub fn over_count(&self, sum: Expr) -> Expr {
        let (elem, span) = (sum.ty.elem, self.span);
        let mut count = converted(self.count(self.keepdims), elem);
        if let Some(ddof) = &self.ddof {
            let zero = Expr::constant(Scalar::new(elem, 0), span);
            count = Expr::op(Op::Sub, vec![count, ddof.clone()], span);
            count = Expr::op(Op::Max, vec![count, zero], span);
        }
        Expr::op(Op::Div, vec![sum, count], span)
    }

    /// How many elements take part in each result.
    pub fn count(&self, keepdims: bool) -> Expr {
        let span = self.span;
        if self.mask.is_none() {
            let extents = self.axes.iter().map(|&axis| {
                let kind = Kind::Extent(Box::new(self.arg.clone()), axis);
                Expr { kind, ty: Ty::scalar(Type::I64), span }
            });
            let product = extents.reduce(|a, b| Expr::op(Op::Mul, vec![a, b], span));
            return product.unwrap_or_else(|| Expr::int(1, span));
        }
        let one = Box::new(Expr::int(1, span));
        let ty = Ty::array(Type::I64, self.arg.ty.rank);
        let ones = Expr { kind: Kind::FillLike(one, Box::new(self.arg.clone())), ty, span };
        self.fold_of(FoldOp::Sum, ones, keepdims)
    }

    /// A value that needs at least one element for each result. Without a mask, lowering sees to that.
    fn required(&self, value: Expr) -> Expr {
        if self.mask.is_none() {
            return value;
        }
        let (ty, span) = (value.ty, self.span);
        let counts = self.count(false);
        let axes = (0..counts.ty.rank).collect();
        let some = Expr::op(Op::Lt, vec![Expr::int(0, span), counts], span);
        let all = reduce(FoldOp::All, some, axes, false, span);
        Expr { kind: Kind::Require(Box::new(all), Box::new(value)), ty, span }
    }
}

/// The upper and the lower 32 bits of 64-bit integers; the upper ones have the sign.
pub(super) fn halves(value: &Expr, span: Span) -> [Expr; 2] {
    let number = |number: i64| Expr::constant(Scalar::int(value.ty.elem, number.into()), span);
    [(Op::Shr, number(32)), (Op::And, number(u32::MAX.into()))]
        .map(|(op, by)| Expr::op(op, vec![value.clone(), by], span))
}

/// A value in another element type.
pub(super) fn converted(value: Expr, to: Type) -> Expr {
    if value.ty.elem == to {
        return value;
    }
    let (rank, weak, span) = (value.ty.rank, value.ty.weak, value.span);
    Expr { kind: Kind::Convert(Box::new(value)), ty: Ty { elem: to, weak, rank }, span }
}

fn reduce(op: FoldOp, arg: Expr, axes: Vec<u32>, keepdims: bool, span: Span) -> Expr {
    fold_node(Reduction::Fold(op), arg, axes, keepdims, span)
}

fn fold_node(op: Reduction, arg: Expr, axes: Vec<u32>, keepdims: bool, span: Span) -> Expr {
    let rank = if keepdims { arg.ty.rank } else { arg.ty.rank - axes.len() as u32 };
    let ty = Ty { elem: arg.ty.elem, weak: arg.ty.weak, rank };
    Expr { kind: Kind::Reduce { op, arg: Box::new(arg), axes, keepdims }, ty, span }
}
