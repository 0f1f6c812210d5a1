//! Reductions and scans by a function of two values, and what such a function has as methods.
//!
//! `reduce` and `scan` trust the function to be associative and work in blocks; `f.reduce` and `f.accumulate` do not,
//! and go from one element to the next.

use super::expr::bind;
use super::reduce::{converted, halves};
use super::{Body, Checker, FnRef};
use crate::builtins::{Builtin, Reducer, builtin};
use crate::errors;
use crate::hir::{Combine, Expr, Gives, Index, Kind, Number, Order, Walk};
use crate::module::{Module, param_type};
use crate::promote::{self, Ty, accumulator};
use hotloop_ir::semantics::neutral;
use hotloop_ir::{FoldOp, Op, Scalar, Type};
use hotloop_source::Span;
use hotloop_syntax::ast;

/// How often the types of what is carried are tried again before they are found not to settle.
const MAX_ROUNDS: usize = 4;

/// A function that makes one value, or list of values, of two.
#[derive(Clone, Debug)]
pub(super) enum TwoToOne<'m> {
    /// The user's.
    User(usize),
    /// The library's.
    Library(&'m str),
    /// A built-in op.
    Op(Op),
}

/// `f.name`, where `f` is a function.
pub(super) struct Method<'m> {
    pub(super) function: &'m str,
    pub(super) span: Span,
    pub(super) name: &'m ast::Name,
}

/// The keywords of a walk.
struct Keywords {
    axes: Option<Vec<u32>>,
    keepdims: bool,
    exclusive: bool,
    identity: Option<Vec<Expr>>,
}

impl<'m> Checker<'m> {
    /// `reduce(f, identity, x)` and `scan(f, x)`.
    pub(super) fn walk_call(
        &mut self,
        body: &mut Body,
        name: &str,
        builtin: Builtin,
        args: &'m [ast::Expr],
        named: &'m [ast::NamedArg],
        span: Span,
    ) -> Option<Expr> {
        self.count(body, name, builtin, args.len(), span)?;
        let function = self.function_named(body, &args[0])?;
        let (identity, walked, known): (_, _, &[&str]) = match builtin {
            Builtin::ReduceBy => (Some(self.scalars(body, &args[1])?), &args[2], &["axis", "keepdims"]),
            _ => (None, &args[1], &["axis", "exclusive", "identity"]),
        };
        let walked = self.walked(body, name, walked)?;
        let rank = self.walked_rank(&walked);
        let keywords = self.walk_keywords(body, name, named, rank, known)?;
        let identity = identity.or(keywords.identity).unwrap_or_default();
        if keywords.exclusive && identity.is_empty() {
            let message = "what comes before the first element must be given".into();
            body.report(errors::plain(errors::BAD_ARGUMENTS, span, message, "add `identity=…`"));
            return None;
        }
        let (axes, gives) = match builtin {
            Builtin::ReduceBy => {
                (keywords.axes.unwrap_or((0..rank).collect()), Gives::Last { keepdims: keywords.keepdims })
            }
            _ => (
                vec![self.one_axis(body, name, keywords.axes, rank, span)?],
                if keywords.exclusive { Gives::Before } else { Gives::Each },
            ),
        };
        self.walk_of(body, function, walked, identity, axes, Order::Blocks, gives, span)
    }

    /// `cumsum` and the like.
    pub(super) fn cumulate(
        &mut self,
        body: &mut Body,
        name: &str,
        fold: FoldOp,
        mut args: Vec<Expr>,
        named: &'m [ast::NamedArg],
        span: Span,
    ) -> Option<Expr> {
        self.count(body, name, Builtin::Cumulate(fold), args.len(), span)?;
        let arg = self.settle_number(body, args.remove(0))?;
        let arg = self.array(body, name, arg)?;
        if arg.ty.elem.is_complex() && fold == FoldOp::Prod {
            let keywords = self.walk_keywords(body, name, named, arg.ty.rank, &["axis", "exclusive"])?;
            let axis = self.one_axis(body, name, keywords.axes, arg.ty.rank, span)?;
            let gives = if keywords.exclusive { Gives::Before } else { Gives::Each };
            return self.complex_products(body, arg, vec![axis], gives, span);
        }
        let elem = match fold {
            FoldOp::Sum => accumulator(arg.ty.elem),
            FoldOp::Prod if arg.ty.elem.is_numeric() => accumulator(arg.ty.elem),
            _ if arg.ty.elem.is_numeric() => arg.ty.elem,
            _ if arg.ty.elem.is_complex() => {
                body.report(errors::real_needed(span, name, arg.written()));
                return None;
            }
            _ => {
                body.report(errors::wrong_class(span, name, arg.written(), "numbers"));
                return None;
            }
        };
        let rank = arg.ty.rank;
        let keywords = self.walk_keywords(body, name, named, rank, &["axis", "exclusive"])?;
        let axis = self.one_axis(body, name, keywords.axes, rank, span)?;
        let wide = body.checked && arg.ty.elem.is_int() && arg.ty.elem.bytes() == 8;
        if wide && fold == FoldOp::Sum {
            return self.exact_sums(body, arg, axis, keywords.exclusive, span);
        }
        // Sums begin at 0 where that is seen, else at what changes no bit.
        let identity = match (fold, keywords.exclusive) {
            (FoldOp::Sum, true) => Scalar::new(elem, 0),
            (_, _) => neutral(fold, elem),
        };
        let gives = if keywords.exclusive { Gives::Before } else { Gives::Each };
        let combine = match fold {
            FoldOp::Prod if body.checked && elem.is_int() => self.checked_combine(body, Op::Mul, elem, span)?,
            FoldOp::Sum | FoldOp::Prod | FoldOp::Min | FoldOp::Max | FoldOp::Any | FoldOp::All => {
                Combine::Op(fold.op())
            }
        };
        let walk = Walk {
            combine,
            args: vec![converted(arg, elem)],
            types: vec![elem],
            identity: vec![Expr::constant(identity, span)],
            axes: vec![axis],
            rank,
            order: Order::Blocks,
            gives,
        };
        Some(walk_expr(walk, span))
    }

    /// Running sums of 64-bit integers, each a fault where it does not fit.
    fn exact_sums(&mut self, body: &mut Body, arg: Expr, axis: u32, exclusive: bool, span: Span) -> Option<Expr> {
        let (elem, rank) = (arg.ty.elem, arg.ty.rank);
        let mut bound = Vec::new();
        let arg = self.share(body, arg, &mut bound);
        let gives = if exclusive { Gives::Before } else { Gives::Each };
        let sums = halves(&arg, span).map(|half| {
            let identity = vec![Expr::constant(Scalar::new(elem, 0), span)];
            let (combine, axes) = (Combine::Op(Op::Add), vec![axis]);
            let walk = Walk {
                combine,
                args: vec![half],
                types: vec![elem],
                identity,
                axes,
                rank,
                order: Order::Blocks,
                gives,
            };
            walk_expr(walk, span)
        });
        let [upper, lower] = sums;
        let value = self.put_together(body, upper, lower, &mut bound);
        Some(bind(bound, value))
    }

    /// An op on integers as a function whose overflow is a fault.
    pub(super) fn checked_combine(&mut self, body: &mut Body, op: Op, elem: Type, span: Span) -> Option<Combine> {
        let name = if op == Op::Mul { "_checked_product" } else { "_checked_sum" };
        let id = self.library_instance(body, name, &[Ty::scalar(elem), Ty::scalar(elem)], span)?;
        Some(Combine::Call(id))
    }

    /// Whether a callee is a method of a function.
    pub(super) fn method(&self, body: &Body, callee: &'m ast::Expr) -> Option<Method<'m>> {
        let ast::ExprKind::Field { base, name } = &callee.kind else { return None };
        let ast::ExprKind::Name(function) = &base.kind else { return None };
        let is_function = body.lookup(function).is_none() && self.is_function(body, function);
        is_function.then_some(Method { function, span: base.span, name })
    }

    /// `f.reduce(x)`, `f.accumulate(x)`, `f.outer(a, b)`.
    pub(super) fn method_call(
        &mut self,
        body: &mut Body,
        method: Method<'m>,
        args: &'m [ast::Expr],
        named: &'m [ast::NamedArg],
        span: Span,
    ) -> Option<Expr> {
        let name = format!("{}.{}", method.function, method.name.text);
        let function = self.two_to_one(body, method.function, method.span)?;
        match &*method.name.text {
            "reduce" | "accumulate" => self.straight_walk(body, method.name, function, args, named, span),
            "at" => {
                let hint = "write it as a statement of its own";
                body.report(errors::plain(errors::NO_VALUE, span, format!("`{name}` gives no value"), hint));
                None
            }
            "outer" => {
                self.no_keywords(body, &name, named)?;
                self.outer(body, &name, function, args, span)
            }
            other => {
                let similar = errors::similar(other, ["reduce", "accumulate", "outer", "at"].into_iter());
                let hint = similar.map_or("functions have reduce, accumulate, outer and at".to_string(), |similar| {
                    format!("did you mean `{similar}`?")
                });
                let message = format!("functions have no method `{other}`");
                body.report(errors::plain(errors::UNKNOWN_FUNCTION, method.name.span, message, &hint));
                None
            }
        }
    }

    fn straight_walk(
        &mut self,
        body: &mut Body,
        method: &'m ast::Name,
        function: TwoToOne<'m>,
        args: &'m [ast::Expr],
        named: &'m [ast::NamedArg],
        span: Span,
    ) -> Option<Expr> {
        let name = &*method.text;
        let [arg] = args else {
            body.report(errors::argument_count(span, name, "1 array", args.len()));
            return None;
        };
        let walked = self.walked(body, name, arg)?;
        let rank = self.walked_rank(&walked);
        let (axes, gives) = match name {
            "reduce" => {
                let keywords = self.walk_keywords(body, name, named, rank, &["axis", "keepdims"])?;
                (keywords.axes.unwrap_or((0..rank).collect()), Gives::Last { keepdims: keywords.keepdims })
            }
            _ => {
                let keywords = self.walk_keywords(body, name, named, rank, &["axis"])?;
                (vec![self.one_axis(body, name, keywords.axes, rank, span)?], Gives::Each)
            }
        };
        self.walk_of(body, function, walked, Vec::new(), axes, Order::Straight, gives, span)
    }

    /// `f.outer(a, b)`: the axes of the first stand before those of the second.
    fn outer(
        &mut self,
        body: &mut Body,
        name: &str,
        function: TwoToOne<'m>,
        args: &'m [ast::Expr],
        span: Span,
    ) -> Option<Expr> {
        let [a, b] = args else {
            body.report(errors::argument_count(span, name, "2 arguments", args.len()));
            return None;
        };
        let (a, b) = (self.expr(body, a), self.expr(body, b));
        let (a, b) = (a?, b?);
        let whole = Index::whole();
        let a = match (a.ty.rank, b.ty.rank) {
            (0, _) | (_, 0) => a,
            (rank, more) => {
                let ty = Ty { weak: false, ..a.ty }.with_rank(rank + more);
                let own = std::iter::repeat_n(whole, rank as usize);
                let index = own.chain(std::iter::repeat_n(Index::NewAxis, more as usize)).collect();
                let span = a.span;
                Expr { kind: Kind::Index(Box::new(a), index), ty, span }
            }
        };
        match function {
            TwoToOne::User(index) => self.user_call(body, index, vec![a, b], span),
            TwoToOne::Library(name) => self.library_call(body, name, vec![a, b], span),
            TwoToOne::Op(op) => {
                let values = self.unify(body, vec![a, b], name, span)?;
                Some(Expr::op(op, values, span))
            }
        }
    }

    /// The function an argument names.
    pub(super) fn function_named(&mut self, body: &mut Body, expr: &'m ast::Expr) -> Option<TwoToOne<'m>> {
        match &expr.kind {
            ast::ExprKind::Name(name) if body.lookup(name).is_none() => self.two_to_one(body, name, expr.span),
            _ => {
                let message = "the first argument must be the name of a function of two values".into();
                body.report(errors::plain(errors::BAD_ARGUMENTS, expr.span, message, "define one: `fn f(a, b) = …`"));
                None
            }
        }
    }

    pub(super) fn two_to_one(&mut self, body: &mut Body, name: &'m str, span: Span) -> Option<TwoToOne<'m>> {
        if let (Some(&index), false) = (self.module.by_name.get(name).and_then(|list| list.first()), body.library) {
            return Some(TwoToOne::User(index));
        }
        match builtin(name) {
            Some(Builtin::Extreme(fold)) => return Some(TwoToOne::Op(fold.op())),
            Some(Builtin::Reduce(Reducer::Sum)) => return Some(TwoToOne::Op(Op::Add)),
            Some(Builtin::Reduce(Reducer::Prod)) => return Some(TwoToOne::Op(Op::Mul)),
            Some(_) => {
                let message = format!("`{name}` is not a function of two values");
                let hint = format!("define one: `fn f(a, b) = …`; `{name}` itself can be called");
                body.report(errors::plain(errors::BAD_ARGUMENTS, span, message, &hint));
                return None;
            }
            None => {}
        }
        if Module::library().by_name.contains_key(name) && !name.starts_with('_') {
            return Some(TwoToOne::Library(name));
        }
        let user_names = self.module.by_name.keys().map(|name| &**name);
        body.report(errors::unknown_function(span, name, errors::similar(name, user_names)));
        None
    }

    /// What is walked: an array, several in parentheses, or a call that gives several.
    fn walked(&mut self, body: &mut Body, name: &str, expr: &'m ast::Expr) -> Option<Vec<Expr>> {
        let before = body.diags.len();
        let values = self.values(body, expr);
        if body.diags.len() > before || values.is_empty() {
            return None;
        }
        if self.walked_rank(&values) == 0 {
            body.report(errors::wrong_class(expr.span, name, values[0].written(), "an array"));
            return None;
        }
        match values.len() {
            1 if self.result_types(&values[0]).len() > 1 => Some(values),
            _ => values.into_iter().map(|value| self.settle_number(body, value)).collect(),
        }
    }

    fn walked_types(&self, walked: &[Expr]) -> Vec<Ty> {
        match walked {
            [only] => self.result_types(only),
            several => several.iter().map(|value| value.ty).collect(),
        }
    }

    fn walked_rank(&self, walked: &[Expr]) -> u32 {
        self.walked_types(walked).iter().map(|ty| ty.rank).max().unwrap_or(0)
    }

    /// A scalar, or several in parentheses.
    fn scalars(&mut self, body: &mut Body, expr: &'m ast::Expr) -> Option<Vec<Expr>> {
        let list: Vec<&ast::Expr> = match &expr.kind {
            ast::ExprKind::Tuple(list) => list.iter().collect(),
            _ => vec![expr],
        };
        let mut values = Vec::new();
        for item in list {
            let value = self.expr(body, item)?;
            if value.ty.rank > 0 {
                let message = format!("an identity is one value, this is `{}`", value.written().describe());
                body.report(errors::mismatch(value.span, message, "give a scalar, or several in parentheses"));
                return None;
            }
            values.push(value);
        }
        Some(values)
    }

    fn walk_keywords(
        &mut self,
        body: &mut Body,
        name: &str,
        named: &'m [ast::NamedArg],
        rank: u32,
        known: &[&str],
    ) -> Option<Keywords> {
        let mut keywords = Keywords { axes: None, keepdims: false, exclusive: false, identity: None };
        for keyword in named {
            let text = &*keyword.name.text;
            if !known.contains(&text) {
                body.report(errors::unknown_keyword(keyword.name.span, name, text, known));
                return None;
            }
            match text {
                "axis" => keywords.axes = Some(self.axes(body, &keyword.value, rank)?),
                "keepdims" => keywords.keepdims = self.flag(body, &keyword.value)?,
                "exclusive" => keywords.exclusive = self.flag(body, &keyword.value)?,
                _ => keywords.identity = Some(self.scalars(body, &keyword.value)?),
            }
        }
        Some(keywords)
    }

    /// The one axis of a scan, which must be said where there are several.
    fn one_axis(&mut self, body: &mut Body, name: &str, axes: Option<Vec<u32>>, rank: u32, span: Span) -> Option<u32> {
        match axes.as_deref() {
            None if rank == 1 => Some(0),
            Some(&[axis]) => Some(axis),
            None | Some(_) => {
                let message = format!("`{name}` goes along one axis, and the array has {rank}");
                body.report(errors::plain(errors::BAD_AXIS, span, message, "say which: `axis=-1`"));
                None
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one node, checked together")]
    fn walk_of(
        &mut self,
        body: &mut Body,
        function: TwoToOne<'m>,
        walked: Vec<Expr>,
        identity: Vec<Expr>,
        axes: Vec<u32>,
        order: Order,
        gives: Gives,
        span: Span,
    ) -> Option<Expr> {
        let given = self.walked_types(&walked);
        if !identity.is_empty() && identity.len() != given.len() {
            let message = format!("{} identities for {} values", identity.len(), given.len());
            let hint = "give one identity for each value that is carried";
            body.report(errors::mismatch(span, message, hint));
            return None;
        }
        let mut types = Vec::new();
        for (i, ty) in given.iter().enumerate() {
            let other = identity.get(i).map_or(*ty, |value| value.ty);
            let joined = self.joined(body, *ty, other, span)?;
            types.push(if joined.elem.is_half() { Ty::scalar(Type::F32) } else { joined });
        }
        let combine = self.combine(body, function, &mut types, span)?;
        let identity = identity.into_iter().zip(&types).map(|(value, ty)| self.identity(body, value, ty.elem));
        let identity = identity.collect::<Option<Vec<_>>>()?;
        let types = types.into_iter().map(|ty| ty.elem).collect();
        let rank = given.iter().map(|ty| ty.rank).max().unwrap_or(0);
        let walk = Walk { combine, args: walked, types, identity, axes, rank, order, gives };
        Some(walk_expr(walk, span))
    }

    fn identity(&mut self, body: &mut Body, value: Expr, elem: Type) -> Option<Expr> {
        if let Kind::Number(Number::Int(_) | Number::Float { .. }) = value.kind {
            return self.coerce(body, value, Ty::scalar(elem));
        }
        let value = self.settle_number(body, value)?;
        Some(converted(value, elem))
    }

    pub(super) fn joined(&mut self, body: &mut Body, a: Ty, b: Ty, span: Span) -> Option<Ty> {
        match promote::join(a, b) {
            Ok(joined) => Some(Ty::scalar(joined.elem)),
            Err(why) => {
                let diag = self.no_join(why, span, "reduce", a, b);
                body.report(diag);
                None
            }
        }
    }

    /// The function for the types of what is carried, which are widened until they hold what it gives.
    pub(super) fn combine(
        &mut self,
        body: &mut Body,
        function: TwoToOne<'m>,
        types: &mut [Ty],
        span: Span,
    ) -> Option<Combine> {
        for _ in 0..MAX_ROUNDS {
            let (combine, results) = match &function {
                TwoToOne::User(index) => {
                    let id = self.user_combine(body, *index, types, span)?;
                    (Combine::Call(id), self.program.instance(id).results.clone())
                }
                TwoToOne::Library(name) => {
                    let [ty] = types else { return self.one_value(body, name, types.len(), span) };
                    let (_, elem) = self.overload(name, 2, *ty).or_else(|| {
                        body.report(errors::wrong_class(span, name, *ty, "two numbers"));
                        None
                    })?;
                    *ty = Ty::scalar(elem);
                    let id = self.library_instance(body, name, &[*ty, *ty], span)?;
                    (Combine::Call(id), self.program.instance(id).results.clone())
                }
                TwoToOne::Op(op) => {
                    let [ty] = types else { return self.one_value(body, op.name(), types.len(), span) };
                    let ordered = !matches!(op, Op::Add | Op::Mul);
                    if !ty.elem.is_number() || (ordered && ty.elem.is_complex()) {
                        body.report(errors::wrong_class(span, op.name(), *ty, "numbers"));
                        return None;
                    }
                    let (op, elem) = (*op, ty.elem);
                    let combine = match op {
                        Op::Add | Op::Mul if body.checked && elem.is_int() => {
                            self.checked_combine(body, op, elem, span)?
                        }
                        _ => Combine::Op(op),
                    };
                    (combine, vec![Ty::scalar(elem)])
                }
            };
            let mut settled = true;
            for (ty, result) in types.iter_mut().zip(results) {
                let joined = self.joined(body, *ty, result, span)?;
                settled &= joined == *ty;
                *ty = joined;
            }
            if settled {
                return Some(combine);
            }
        }
        let message = "the function gives another type for each type it is given".into();
        body.report(errors::mismatch(span, message, "cast inside the function, so that it gives what it takes"));
        None
    }

    fn one_value<T>(&mut self, body: &mut Body, name: &str, count: usize, span: Span) -> Option<T> {
        let message = format!("`{name}` combines single values, and {count} are carried");
        body.report(errors::mismatch(span, message, "define a function that takes and gives all of them"));
        None
    }

    /// The instance of the user's function for two lists of values.
    fn user_combine(
        &mut self,
        body: &mut Body,
        index: usize,
        types: &mut [Ty],
        span: Span,
    ) -> Option<crate::hir::InstanceId> {
        let item = &self.module.items[index];
        let name = &*item.name.text;
        if item.kind == ast::ItemKind::Kernel {
            let message = format!("`{name}` is a kernel; kernels are entry points and cannot be called");
            body.report(errors::plain(errors::UNKNOWN_FUNCTION, span, message, "declare it with `fn` instead"));
            return None;
        }
        if item.params.len() != 2 * types.len() {
            let expected = format!("{} arguments", item.params.len());
            let diag = errors::argument_count(span, name, &expected, 2 * types.len());
            body.report(diag.hint(format!("to combine {} it takes twice as many", values(types.len()))));
            return None;
        }
        for (i, param) in item.params.iter().enumerate() {
            let ty = &mut types[i % (item.params.len() / 2)];
            let Some(annotation) = param.ty.as_ref().and_then(param_type) else { continue };
            if annotation.rank > 0 || !promote::widens(*ty, annotation.ty) {
                let wanted = Ty { elem: annotation.ty, weak: false, rank: annotation.rank }.describe();
                let message =
                    format!("parameter `{}` is `{wanted}`, the value is `{}`", param.name.text, ty.describe());
                body.report(errors::mismatch(span, message, "change the annotation, or leave it out"));
                return None;
            }
            *ty = Ty::scalar(annotation.ty);
        }
        let both: Vec<Ty> = types.iter().chain(types.iter()).copied().collect();
        let id = self.instance(FnRef { library: false, index }, &both, span)?;
        body.calls.push(id);
        let instance = self.program.instance(id);
        if self.diags[id.0 as usize].iter().any(|diag| diag.is_error()) {
            return None;
        }
        if !instance.scalar {
            let message = format!("`{name}` works on arrays; it must combine single values");
            body.report(errors::mismatch(span, message, "use scalars only in its body"));
            return None;
        }
        if instance.results.len() != types.len() {
            let message = format!("`{name}` gives {}, it must give {}", values(instance.results.len()), types.len());
            body.report(errors::mismatch(span, message, "give as many values as are carried"));
            return None;
        }
        Some(id)
    }
}

fn values(count: usize) -> String {
    if count == 1 { "1 value".to_string() } else { format!("{count} values") }
}

pub(super) fn walk_expr(walk: Walk, span: Span) -> Expr {
    let ty = walk.results().first().copied().unwrap_or(Ty::scalar(Type::Bool));
    Expr { kind: Kind::Walk(Box::new(walk)), ty, span }
}
