//! Constructors of arrays, and the arguments of the built-ins that look at theirs before they are values.

use super::expr::bind;
use super::index::MAX_RANK;
use super::{Body, Checker};
use crate::builtins::Making;
use crate::errors;
use crate::hir::{Expr, Index, Kind};
use crate::promote::Ty;
use hotloop_ir::{Op, Scalar, Type};
use hotloop_source::Span;
use hotloop_syntax::ast;

/// The arguments of a call as they were written.
pub(super) struct Given<'m> {
    pub name: &'m str,
    pub args: &'m [ast::Expr],
    pub named: &'m [ast::NamedArg],
    pub span: Span,
}

impl<'m> Given<'m> {
    /// The value of a keyword.
    pub fn keyword(&self, name: &str) -> Option<&'m ast::Expr> {
        self.named.iter().find(|arg| &*arg.name.text == name).map(|arg| &arg.value)
    }
}

impl<'m> Checker<'m> {
    /// A call that makes an array.
    pub(super) fn making(&mut self, body: &mut Body, making: Making, given: &Given<'m>) -> Option<Expr> {
        let (keywords, least, most, expected): (&[&str], _, _, _) = match making {
            Making::Filled(_) => (&["dtype"], 1, MAX_RANK, "the extents"),
            Making::Full => (&["dtype"], 2, MAX_RANK + 1, "a value and the extents"),
            Making::FilledLike(_) => (&["dtype"], 1, 1, "1 array"),
            Making::FullLike => (&["dtype"], 2, 2, "an array and a value"),
            Making::Arange => (&["dtype"], 1, 3, "1 to 3 arguments: start, stop, step"),
            Making::Linspace => (&["dtype"], 3, 3, "3 arguments: start, stop, count"),
            Making::Eye => (&["k", "dtype"], 1, 2, "the rows, or rows and columns"),
            Making::Identity => (&["dtype"], 1, 1, "1 extent"),
        };
        self.arguments_fit(body, given, keywords, least, most, expected)?;
        let dtype = match given.keyword("dtype") {
            Some(dtype) => Some(self.dtype(body, dtype)?),
            None => None,
        };
        let span = given.span;
        match making {
            Making::Filled(value) => {
                let value = number_of(dtype.unwrap_or(Type::F64), value, span);
                let extents = self.extents(body, given.args)?;
                Some(fill(value, extents, span))
            }
            Making::Full => self.full(body, given, dtype),
            Making::FilledLike(value) => {
                let like = self.expr(body, &given.args[0])?;
                let like = self.array(body, given.name, like)?;
                let value = number_of(dtype.unwrap_or(like.ty.elem), value, span);
                Some(fill_like(value, like, span))
            }
            Making::FullLike => {
                let like = self.expr(body, &given.args[0])?;
                let like = self.array(body, given.name, like)?;
                let value = self.expr(body, &given.args[1])?;
                let value = self.scalar_value(body, given.name, value)?;
                let value = self.cast(body, value, dtype.unwrap_or(like.ty.elem), span)?;
                Some(fill_like(value, like, span))
            }
            Making::Arange => {
                let values = given.args.iter().map(|arg| self.expr(body, arg)).collect::<Option<Vec<_>>>()?;
                let range = match values.iter().any(|value| value.ty.elem.is_float()) {
                    true => self.float_range(body, values, span)?,
                    false => self.whole_range(body, values, span)?,
                };
                self.with_dtype(body, range, dtype)
            }
            Making::Linspace => {
                let values = given.args.iter().map(|arg| self.expr(body, arg)).collect::<Option<Vec<_>>>()?;
                let space = self.linspace(body, values, span)?;
                self.with_dtype(body, space, dtype)
            }
            Making::Eye | Making::Identity => self.eye(body, given, dtype.unwrap_or(Type::F64)),
        }
    }

    /// Checks the number of arguments and the names of the keywords.
    pub(super) fn arguments_fit(
        &mut self,
        body: &mut Body,
        given: &Given<'m>,
        keywords: &[&str],
        least: usize,
        most: usize,
        expected: &str,
    ) -> Option<()> {
        let known = |arg: &&ast::NamedArg| keywords.contains(&&*arg.name.text);
        if let Some(arg) = given.named.iter().find(|arg| !known(arg)) {
            body.report(errors::unknown_keyword(arg.name.span, given.name, &arg.name.text, keywords));
            return None;
        }
        if (least..=most).contains(&given.args.len()) {
            return Some(());
        }
        body.report(errors::argument_count(given.span, given.name, expected, given.args.len()));
        None
    }

    /// The name of an element type.
    fn dtype(&mut self, body: &mut Body, dtype: &ast::Expr) -> Option<Type> {
        let found = match &dtype.kind {
            ast::ExprKind::Name(name) => Type::from_name(name),
            _ => None,
        };
        if found.is_none() {
            let message = "this must be the name of an element type".into();
            body.report(errors::plain(errors::BAD_ARGUMENTS, dtype.span, message, "write, for example, `dtype=f32`"));
        }
        found
    }

    /// Extents, one by one or as a tuple.
    pub(super) fn extents(&mut self, body: &mut Body, args: &'m [ast::Expr]) -> Option<Vec<Expr>> {
        let mut extents = Vec::new();
        for arg in listed(args) {
            let extent = self.expr(body, arg)?;
            extents.push(self.whole_number(body, extent, "an extent")?);
        }
        Some(extents)
    }

    /// `full(value, extents…)` or `full((extents…), value)`.
    fn full(&mut self, body: &mut Body, given: &Given<'m>, dtype: Option<Type>) -> Option<Expr> {
        let tuple_first = matches!(given.args[0].kind, ast::ExprKind::Tuple(_) | ast::ExprKind::List(_));
        let (value, extents) = match (tuple_first, given.args) {
            (true, [extents, value]) => (value, std::slice::from_ref(extents)),
            (_, [value, extents @ ..]) => (value, extents),
            (_, []) => return None,
        };
        let value = self.expr(body, value)?;
        let value = self.settle_number(body, value)?;
        let value = self.scalar_value(body, "full", value)?;
        let extents = self.extents(body, extents)?;
        let elem = dtype.unwrap_or(value.ty.elem);
        let value = self.cast(body, value, elem, given.span)?;
        Some(fill(value, extents, given.span))
    }

    fn scalar_value(&mut self, body: &mut Body, name: &str, value: Expr) -> Option<Expr> {
        if value.ty.rank == 0 {
            return Some(value);
        }
        body.report(errors::wrong_class(value.span, name, value.written(), "a scalar value"));
        None
    }

    fn with_dtype(&mut self, body: &mut Body, value: Expr, dtype: Option<Type>) -> Option<Expr> {
        let span = value.span;
        match dtype {
            Some(dtype) => self.cast(body, value, dtype, span),
            None => Some(value),
        }
    }

    /// `arange(stop)`, `arange(start, stop)`, `arange(start, stop, step)` of whole numbers.
    fn whole_range(&mut self, body: &mut Body, args: Vec<Expr>, span: Span) -> Option<Expr> {
        let mut values = Vec::new();
        for arg in args {
            values.push(self.whole_number(body, arg, "a bound of `arange`")?);
        }
        let [start, stop, step] = bounds(values, span)?;
        let mut bound = Vec::new();
        let start = self.share(body, start, &mut bound);
        let step = self.share(body, step, &mut bound);
        // The count is ceil((stop - start) / step): the floored quotient of the negated distance, negated.
        let distance = Expr::op(Op::Sub, vec![start.clone(), stop], span);
        let kind = Kind::IntDiv(Op::FloorDiv, Box::new(distance), Box::new(step.clone()));
        let quotient = Expr { kind, ty: Ty::scalar(Type::I64), span };
        let count = Expr::op(Op::Neg, vec![quotient], span);
        let count = Expr::op(Op::Max, vec![count, Expr::int(0, span)], span);
        Some(bind(bound, ramp(start, step, count, span)))
    }

    /// The same of floats; the element at `i` is `start + step * i`.
    fn float_range(&mut self, body: &mut Body, args: Vec<Expr>, span: Span) -> Option<Expr> {
        let mut values = Vec::new();
        for arg in args {
            let arg = self.scalar_value(body, "arange", arg)?;
            values.push(self.number(body, "arange", arg, span)?);
        }
        let values = self.unify(body, values, "arange", span)?;
        let elem = values[0].ty.elem;
        let mut strong = Vec::new();
        for value in values {
            strong.push(self.coerce(body, value, Ty::scalar(elem))?);
        }
        let [start, stop, step] = bounds(strong, span)?;
        let mut bound = Vec::new();
        let start = self.share(body, start, &mut bound);
        let step = self.share(body, step, &mut bound);
        let distance = Expr::op(Op::Sub, vec![stop, start.clone()], span);
        let count = Expr::op(Op::Div, vec![distance, step.clone()], span);
        let count = Expr::op(Op::Ceil, vec![count], span);
        let count = Expr { kind: Kind::Convert(Box::new(count)), ty: Ty::scalar(Type::I64), span };
        let count = Expr::op(Op::Max, vec![count, Expr::int(0, span)], span);
        Some(bind(bound, ramp(start, step, count, span)))
    }

    /// The element at `i` is `start + step * i`; the last is `stop` itself.
    fn linspace(&mut self, body: &mut Body, mut args: Vec<Expr>, span: Span) -> Option<Expr> {
        let count = args.pop()?;
        let count = self.whole_number(body, count, "the count of `linspace`")?;
        let values = self.unify(body, args, "linspace", span)?;
        let mut bound = Vec::new();
        let mut floats = Vec::new();
        for value in values {
            let value = self.scalar_value(body, "linspace", value)?;
            let value = self.number(body, "linspace", value, span)?;
            let value = self.make_float(body, value)?;
            floats.push(self.share(body, value, &mut bound));
        }
        let (start, stop) = (floats.remove(0), floats.remove(0));
        let elem = start.ty.elem;
        let count = self.share(body, count, &mut bound);
        // One number has no step; the distance over 1 keeps it finite, and it is not used.
        let last = Expr::op(Op::Sub, vec![count.clone(), Expr::int(1, span)], span);
        let last = Expr::op(Op::Max, vec![last, Expr::int(1, span)], span);
        let last = self.share(body, last, &mut bound);
        let steps = Expr { kind: Kind::Convert(Box::new(last.clone())), ty: Ty::scalar(elem), span };
        let distance = Expr::op(Op::Sub, vec![stop.clone(), start.clone()], span);
        let step = Expr::op(Op::Div, vec![distance, steps], span);
        let index = ramp(Expr::int(0, span), Expr::int(1, span), count.clone(), span);
        let is_last = Expr::op(Op::Eq, vec![index, last], span);
        let inner = ramp(start, step, count, span);
        let kind = Kind::Where(Box::new(is_last), Box::new(stop), Box::new(inner));
        Some(bind(bound, Expr { kind, ty: Ty::array(elem, 1), span }))
    }

    /// Ones where the column is the row plus `k`.
    fn eye(&mut self, body: &mut Body, given: &Given<'m>, elem: Type) -> Option<Expr> {
        let mut bound = Vec::new();
        let mut extents = Vec::new();
        for arg in given.args {
            let extent = self.expr(body, arg)?;
            let extent = self.whole_number(body, extent, "an extent")?;
            extents.push(self.share(body, extent, &mut bound));
        }
        let k = match given.keyword("k") {
            Some(k) => {
                let k = self.expr(body, k)?;
                self.whole_number(body, k, "the diagonal")?
            }
            None => Expr::int(0, given.span),
        };
        let (rows, columns) = (extents.first()?.clone(), extents.last()?.clone());
        let [row, column] = row_and_column(rows, columns, k, given.span);
        let on = Expr::op(Op::Eq, vec![row, column], given.span);
        let value = match elem {
            Type::Bool => on,
            elem => Expr { kind: Kind::Convert(Box::new(on)), ty: Ty::array(elem, 2), span: given.span },
        };
        Some(bind(bound, value))
    }
}

/// The arguments one by one, whether or not they were given as a tuple.
pub(super) fn listed(args: &[ast::Expr]) -> Vec<&ast::Expr> {
    match args {
        [ast::Expr { kind: ast::ExprKind::Tuple(list) | ast::ExprKind::List(list), .. }] => list.iter().collect(),
        args => args.iter().collect(),
    }
}

/// Start, stop and step from one to three arguments.
fn bounds(values: Vec<Expr>, span: Span) -> Option<[Expr; 3]> {
    let elem = values.first()?.ty.elem;
    let number = |value| number_of(elem, value, span);
    let mut values = values.into_iter();
    let first = values.next()?;
    Some(match (values.next(), values.next()) {
        (None, _) => [number(0), first, number(1)],
        (Some(stop), None) => [first, stop, number(1)],
        (Some(stop), Some(step)) => [first, stop, step],
    })
}

/// A small number of a type; of bools whether it is not 0.
pub(super) fn number_of(elem: Type, value: u32, span: Span) -> Expr {
    let scalar = match elem {
        Type::F32 => Scalar::f32(value as f32),
        Type::F64 => Scalar::f64(f64::from(value)),
        Type::Bool => Scalar::bool(value != 0),
        Type::F16 | Type::BF16 => Scalar::half(elem, f64::from(value)),
        Type::C64 => Scalar::complex(elem, (value as f32).to_bits().into(), 0),
        Type::C128 => Scalar::complex(elem, f64::from(value).to_bits(), 0),
        elem => Scalar::int(elem, i128::from(value)),
    };
    Expr::constant(scalar, span)
}

/// `start + step * i` for `i` in `0 .. count`.
pub(super) fn ramp(start: Expr, step: Expr, count: Expr, span: Span) -> Expr {
    let ty = Ty::array(start.ty.elem, 1);
    Expr { kind: Kind::Ramp(Box::new(start), Box::new(step), Box::new(count)), ty, span }
}

/// `0, 1, …` below an extent.
pub(super) fn indices(count: Expr, span: Span) -> Expr {
    ramp(Expr::int(0, span), Expr::int(1, span), count, span)
}

/// For each place of a matrix the row plus `k`, and the column.
pub(super) fn row_and_column(rows: Expr, columns: Expr, k: Expr, span: Span) -> [Expr; 2] {
    let row = indices(rows, span);
    let column = indices(columns, span);
    let row = match k.kind {
        Kind::Const(scalar) if scalar.bits == 0 => row,
        _ => Expr::op(Op::Add, vec![row, k], span),
    };
    let ty = row.ty.with_rank(2);
    let row = Expr { kind: Kind::Index(Box::new(row), vec![Index::whole(), Index::NewAxis]), ty, span };
    [row, column]
}

fn fill(value: Expr, extents: Vec<Expr>, span: Span) -> Expr {
    let ty = Ty::array(value.ty.elem, extents.len() as u32);
    Expr { kind: Kind::Fill(Box::new(value), extents), ty, span }
}

fn fill_like(value: Expr, like: Expr, span: Span) -> Expr {
    let ty = Ty::array(value.ty.elem, like.ty.rank);
    Expr { kind: Kind::FillLike(Box::new(value), Box::new(like)), ty, span }
}
