//! Calls: of the user's functions, of built-ins, of the library.

use super::expr::computed;
use super::making::Given;
use super::reduce::Task;
use super::{Body, Checker, FnRef};
use crate::attributes::has_attr;
use crate::builtins::{BUILTINS, Builtin, builtin};
use crate::errors;
use crate::fastmath::Fastmath;
use crate::hir::{Expr, InstanceId, Kind};
use crate::module::{Module, param_type};
use crate::promote::Ty;
use hotloop_ir::{FoldOp, Op, Type};
use hotloop_source::Span;
use hotloop_syntax::ast;

impl<'m> Checker<'m> {
    pub(super) fn is_function(&self, body: &Body, name: &str) -> bool {
        self.items(body.library).by_name.contains_key(name)
            || builtin(name).is_some()
            || Module::library().by_name.contains_key(name)
    }

    pub(super) fn call(
        &mut self,
        body: &mut Body,
        callee: &'m ast::Expr,
        args: &'m [ast::Expr],
        named: &'m [ast::NamedArg],
        span: Span,
    ) -> Option<Expr> {
        if let Some(method) = self.method(body, callee) {
            return self.method_call(body, method, args, named, span);
        }
        let ast::ExprKind::Name(name) = &callee.kind else {
            let message = "only functions can be called, by their name".into();
            body.report(errors::plain(errors::UNKNOWN_FUNCTION, callee.span, message, "write `name(…)`"));
            return None;
        };
        let user = self.items(body.library).by_name.get(&**name).and_then(|list| list.first()).copied();
        match (user, builtin(name)) {
            (None, Some(builtin @ (Builtin::ReduceBy | Builtin::ScanBy))) => {
                return self.walk_call(body, name, builtin, args, named, span);
            }
            (None, Some(builtin @ Builtin::ReduceByIndex)) => {
                return self.reduce_by_index(body, name, builtin, args, named, span);
            }
            (None, Some(Builtin::Making(making))) => {
                return self.making(body, making, &Given { name, args, named, span });
            }
            (None, Some(Builtin::Arranging(arranging))) => {
                return self.arranging(body, arranging, &Given { name, args, named, span });
            }
            (_, _) => {}
        }
        let values: Vec<Option<Expr>> = args.iter().map(|arg| self.expr(body, arg)).collect();
        if let (Some(index), false) = (user, body.library) {
            let values = values.into_iter().collect::<Option<Vec<_>>>()?;
            self.no_keywords(body, name, named)?;
            return self.user_call(body, index, values, span);
        }
        if let Some(builtin) = builtin(name) {
            let values = values.into_iter().collect::<Option<Vec<_>>>()?;
            return self.builtin_call(body, name, builtin, values, named, span);
        }
        let hidden = name.starts_with('_') && !body.library;
        if Module::library().by_name.contains_key(&**name) && !hidden {
            let values = values.into_iter().collect::<Option<Vec<_>>>()?;
            self.no_keywords(body, name, named)?;
            return self.library_call(body, name, values, span);
        }
        let user_names = self.module.by_name.keys().map(|name| &**name);
        let names = user_names.chain(BUILTINS.iter().map(|row| row.0)).chain(Module::library_names());
        let mut diag = errors::unknown_function(callee.span, name, errors::similar(name, names));
        if body.lookup(name).is_some() {
            diag = diag.hint(format!("`{name}` is a variable; to multiply, write `{name} * (…)`"));
        }
        body.report(diag);
        None
    }

    pub(super) fn no_keywords(&mut self, body: &mut Body, name: &str, named: &'m [ast::NamedArg]) -> Option<()> {
        match named.first() {
            None => Some(()),
            Some(arg) => {
                body.report(errors::unknown_keyword(arg.name.span, name, &arg.name.text, &[]));
                None
            }
        }
    }

    pub(super) fn user_call(&mut self, body: &mut Body, index: usize, values: Vec<Expr>, span: Span) -> Option<Expr> {
        let item = &self.module.items[index];
        if item.kind == ast::ItemKind::Kernel {
            let message = format!("`{}` is a kernel; kernels are entry points and cannot be called", item.name.text);
            body.report(errors::plain(errors::UNKNOWN_FUNCTION, span, message, "declare it with `fn` instead"));
            return None;
        }
        if values.len() != item.params.len() {
            let expected = match item.params.len() {
                1 => "1 argument".to_string(),
                n => format!("{n} arguments"),
            };
            body.report(errors::argument_count(span, &item.name.text, &expected, values.len()));
            return None;
        }
        let cores = has_attr(item, "guvectorize");
        let mapped = has_attr(item, "vectorize") || cores;
        let mut args = Vec::new();
        for (param, value) in item.params.iter().zip(values) {
            args.push(self.argument(body, param, value, mapped)?);
        }
        if cores || has_attr(item, "stencil") {
            return self.window_call(body, index, args, span);
        }
        self.apply(body, FnRef { library: false, index }, args, mapped, span)
    }

    /// An argument brought to the parameter's annotation.
    fn argument(&mut self, body: &mut Body, param: &'m ast::Param, value: Expr, mapped: bool) -> Option<Expr> {
        let Some(annotation) = param.ty.as_ref().and_then(param_type) else {
            return Some(value);
        };
        let wanted = Ty { elem: annotation.ty, weak: false, rank: annotation.rank };
        let wanted = if mapped { wanted.with_rank(value.ty.rank) } else { wanted };
        self.fit(body, value, wanted, &format!("parameter `{}`", param.name.text))
    }

    /// A call of a function checked for its arguments.
    fn apply(&mut self, body: &mut Body, function: FnRef, args: Vec<Expr>, mapped: bool, span: Span) -> Option<Expr> {
        let args = args.into_iter().map(|arg| self.settle_number(body, arg)).collect::<Option<Vec<_>>>()?;
        let rank = args.iter().map(|arg| arg.ty.rank).max().unwrap_or(0);
        let types: Vec<Ty> = args.iter().map(|arg| if mapped { arg.ty.with_rank(0) } else { arg.ty }).collect();
        let id = self.instance(function, &types, span)?;
        body.calls.push(id);
        let instance = self.program.instance(id);
        let first = instance.results.first().copied();
        let broken = self.diags[id.0 as usize].iter().any(|diag| diag.is_error());
        if broken && instance.library {
            body.report(errors::plain(
                errors::BAD_OPERANDS,
                span,
                format!("`{}` does not take these arguments", instance.name),
                "cast them, for example `f64(…)`",
            ));
            return None;
        }
        if broken && first.is_none() {
            return None;
        }
        let ty = first.unwrap_or(Ty::scalar(Type::Bool));
        let kind = if mapped { Kind::Map(id, args) } else { Kind::Inline(id, args) };
        let ty = if mapped { ty.with_rank(rank) } else { ty };
        Some(Expr { kind, ty, span })
    }

    /// A call of a library function: the overload for the arguments' joined type, integers going to `f64`.
    pub(super) fn library_call(&mut self, body: &mut Body, name: &str, values: Vec<Expr>, span: Span) -> Option<Expr> {
        let values: Vec<Expr> = values.into_iter().map(computed).collect();
        let list = &Module::library().by_name[name];
        if list.first().is_some_and(|&index| has_attr(&Module::library().items[index], "integers"))
            && let Some(value) = values.iter().find(|value| !value.ty.elem.is_int())
        {
            let diag = errors::wrong_class(value.span, name, value.written(), "integers");
            body.report(diag.hint("cast it, for example `i64(…)`"));
            return None;
        }
        let args = self.unify(body, values, name, span)?;
        let Some(found) = self.overload(name, args.len(), args.first()?.ty) else {
            return self.no_overload(body, name, &args, span);
        };
        let (index, ty) = found;
        let mut converted = Vec::new();
        for arg in args {
            let arg = if ty.is_float() && arg.ty.elem.is_int() { self.make_float(body, arg)? } else { arg };
            let weak = arg.ty.weak;
            let arg = self.coerce(body, arg, Ty { elem: ty, weak, rank: 0 })?;
            converted.push(self.settle_number(body, arg)?);
        }
        // Library functions are checked for strong types; the result of weak arguments is made weak again.
        let weak = converted.iter().all(|arg| arg.ty.weak);
        for arg in &mut converted {
            arg.ty.weak = false;
        }
        let mut call = self.apply(body, FnRef { library: true, index }, converted, true, span)?;
        call.ty.weak = weak && call.ty.elem.is_number();
        Some(call)
    }

    fn no_overload(&mut self, body: &mut Body, name: &str, args: &[Expr], span: Span) -> Option<Expr> {
        let list = &Module::library().by_name[name];
        let params = Module::library().items[list[0]].params.len();
        if params != args.len() {
            let expected = if params == 1 { "1 argument".to_string() } else { format!("{params} arguments") };
            body.report(errors::argument_count(span, name, &expected, args.len()));
        } else {
            body.report(match args[0].ty.elem.is_complex() {
                true => errors::real_needed(span, name, args[0].written()),
                false => errors::wrong_class(span, name, args[0].written(), "a number"),
            });
        }
        None
    }

    /// The library function for arguments of one type, and the type it takes them in.
    pub(super) fn overload(&self, name: &str, count: usize, ty: Ty) -> Option<(usize, Type)> {
        let list = Module::library().by_name.get(name)?;
        let takes = |index: usize| {
            let item = &Module::library().items[index];
            let relaxed = self.regrouped || self.tier == Fastmath::Relaxed;
            if !relaxed && has_attr(item, "relaxed") || !self.regrouped && has_attr(item, "regrouped") {
                return None;
            }
            let params = &item.params;
            let annotation = params.first().and_then(|param| param.ty.as_ref()).and_then(param_type);
            (params.len() == count).then(|| annotation.map(|ty| ty.ty))
        };
        // A relaxed body goes before the strict one where both fit, and before it one that may be regrouped.
        let rank = |index: usize| {
            let item = &Module::library().items[index];
            if has_attr(item, "regrouped") { 0 } else { 2 - usize::from(has_attr(item, "relaxed")) }
        };
        let first = |elem: Option<Type>| {
            let fits = list.iter().filter(|&&index| takes(index) == Some(elem));
            fits.min_by_key(|&&index| rank(index))
        };
        let (exact, generic, float) = (first(Some(ty.elem)), first(None), first(Some(Type::F64)));
        match (exact, generic) {
            (Some(&index), _) => Some((index, ty.elem)),
            (None, Some(&index)) => Some((index, ty.elem)),
            (None, None) if ty.elem.is_numeric() => float.map(|&index| (index, Type::F64)),
            (None, None) => None,
        }
    }

    /// The instance of a library function for exact types.
    pub(super) fn library_instance(
        &mut self,
        body: &mut Body,
        name: &str,
        types: &[Ty],
        span: Span,
    ) -> Option<InstanceId> {
        let (index, _) = self.overload(name, types.len(), *types.first()?)?;
        let types: Vec<Ty> = types.iter().map(|ty| Ty { weak: false, ..*ty }).collect();
        let id = self.instance(FnRef { library: true, index }, &types, span)?;
        body.calls.push(id);
        Some(id)
    }

    fn builtin_call(
        &mut self,
        body: &mut Body,
        name: &str,
        builtin: Builtin,
        args: Vec<Expr>,
        named: &'m [ast::NamedArg],
        span: Span,
    ) -> Option<Expr> {
        let args = if keeps_halves(builtin) { args } else { args.into_iter().map(computed).collect() };
        if let Some(task) = Task::of(builtin, args.len()) {
            return self.reduction(body, name, task, args, named, span);
        }
        match builtin {
            Builtin::Cumulate(fold) => return self.cumulate(body, name, fold, args, named, span),
            Builtin::Histogram => return self.histogram(body, name, args, named, span),
            Builtin::Bincount => return self.bincount(body, name, args, named, span),
            _ => {}
        }
        self.no_keywords(body, name, named)?;
        self.count(body, name, builtin, args.len(), span)?;
        let mut args = args;
        match builtin {
            Builtin::Float1(Op::Sqrt) if args[0].ty.elem.is_complex() => {
                self.library_call(body, "_complex_sqrt", args, span)
            }
            Builtin::Float1(op) => {
                let value = self.number(body, name, args.remove(0), span)?;
                let value = self.make_float(body, value)?;
                Some(Expr::op(op, vec![value], span))
            }
            Builtin::Rounding(op) => {
                let value = self.number(body, name, args.remove(0), span)?;
                let value = self.settle_number(body, value)?;
                Some(if value.ty.elem.is_float() { Expr::op(op, vec![value], span) } else { value })
            }
            Builtin::Abs if args[0].ty.elem.is_complex() => self.magnitude(body, args.remove(0), span),
            Builtin::Complex | Builtin::Part(_) | Builtin::Conj | Builtin::Arg => {
                self.complex_call(body, name, builtin, args, span)
            }
            Builtin::Abs => {
                let value = self.number(body, name, args.remove(0), span)?;
                self.op1(body, Op::Abs, value, span)
            }
            Builtin::Float2(op) => self.float_op(body, name, op, args, span),
            Builtin::Fma => self.float_op(body, name, Op::Fma, args, span),
            Builtin::Extreme(fold) => self.extreme(body, name, fold, args, span),
            Builtin::Cast(ty) => {
                let value = args.remove(0);
                self.cast(body, value, ty, span)
            }
            Builtin::Bits | Builtin::FromBits => {
                let value = args.remove(0);
                self.reinterpret(body, name, value, span)
            }
            Builtin::Unlikely => {
                let cond = args.remove(0);
                if cond.ty.elem != Type::Bool {
                    body.report(errors::not_a_condition(cond.span, cond.written()));
                    return None;
                }
                Some(Expr::op(Op::Unlikely, vec![cond], span))
            }
            Builtin::Where => {
                let (b, a, cond) = (args.pop()?, args.pop()?, args.pop()?);
                self.where_of(body, cond, a, b, span)
            }
            Builtin::Clip => {
                let mut values = self.unify(body, args, name, span)?.into_iter();
                let (x, low, high) = (values.next()?, values.next()?, values.next()?);
                let low = self.extreme(body, name, FoldOp::Max, vec![x, low], span)?;
                self.extreme(body, name, FoldOp::Min, vec![low, high], span)
            }
            Builtin::Len => {
                let array = self.array(body, name, args.remove(0))?;
                Some(Expr { kind: Kind::Extent(Box::new(array), 0), ty: Ty::scalar(Type::I64), span })
            }
            Builtin::Shape => {
                let axis = args.pop()?;
                let array = self.array(body, name, args.pop()?)?;
                let axis = self.axis(body, &axis, array.ty.rank)?;
                Some(Expr { kind: Kind::Extent(Box::new(array), axis), ty: Ty::scalar(Type::I64), span })
            }
            Builtin::Size => {
                let array = args.remove(0);
                Some(Expr { kind: Kind::Size(Box::new(array)), ty: Ty::scalar(Type::I64), span })
            }
            Builtin::Dot => self.dot(body, args, span),
            // These are done with above.
            Builtin::Making(_)
            | Builtin::Arranging(_)
            | Builtin::Reduce(_)
            | Builtin::SkipNan(_)
            | Builtin::Cumulate(_)
            | Builtin::Histogram
            | Builtin::Bincount
            | Builtin::ReduceByIndex
            | Builtin::ReduceBy
            | Builtin::ScanBy => None,
        }
    }

    /// Checks the number of arguments.
    pub(super) fn count(
        &mut self,
        body: &mut Body,
        name: &str,
        builtin: Builtin,
        found: usize,
        span: Span,
    ) -> Option<()> {
        let (least, most, expected) = match builtin {
            Builtin::Float1(_)
            | Builtin::Rounding(_)
            | Builtin::Abs
            | Builtin::Part(_)
            | Builtin::Conj
            | Builtin::Arg
            | Builtin::Unlikely
            | Builtin::Cast(_)
            | Builtin::Bits
            | Builtin::FromBits
            | Builtin::Len
            | Builtin::Size => (1, 1, "1 argument"),
            Builtin::Float2(_) | Builtin::Complex => (2, 2, "2 arguments"),
            Builtin::Shape => (2, 2, "2 arguments: an array and an axis"),
            Builtin::Fma => (3, 3, "3 arguments"),
            Builtin::Where => (3, 3, "3 arguments: a condition and two alternatives"),
            Builtin::Clip => (3, 3, "3 arguments: a value and its two bounds"),
            Builtin::Extreme(_) => (1, usize::MAX, "1 argument or more"),
            Builtin::Dot => (2, 2, "2 arguments"),
            Builtin::Making(_) | Builtin::Arranging(_) => (0, usize::MAX, "arguments"),
            Builtin::Reduce(_) | Builtin::SkipNan(_) | Builtin::Cumulate(_) => (1, 1, "1 array"),
            Builtin::Histogram => (4, 4, "4 arguments: an array, the number of bins and two bounds"),
            Builtin::Bincount => (2, 2, "2 arguments: an array of indices and their number"),
            Builtin::ReduceByIndex => (4, 4, "4 arguments: a function, an array, indices and values"),
            Builtin::ReduceBy => (3, 3, "a function, its identity and what is reduced"),
            Builtin::ScanBy => (2, 2, "a function and what is scanned"),
        };
        if (least..=most).contains(&found) {
            return Some(());
        }
        body.report(errors::argument_count(span, name, expected, found));
        None
    }

    pub(super) fn number(&mut self, body: &mut Body, name: &str, value: Expr, span: Span) -> Option<Expr> {
        if value.ty.elem.is_numeric() {
            return Some(value);
        }
        if value.ty.elem.is_complex() {
            body.report(errors::real_needed(span, name, value.written()));
            return None;
        }
        body.report(errors::wrong_class(span, name, value.written(), "a number"));
        None
    }

    pub(super) fn array(&mut self, body: &mut Body, name: &str, value: Expr) -> Option<Expr> {
        if value.ty.rank > 0 {
            return Some(value);
        }
        body.report(errors::wrong_class(value.span, name, value.written(), "an array"));
        None
    }

    fn float_op(&mut self, body: &mut Body, name: &str, op: Op, args: Vec<Expr>, span: Span) -> Option<Expr> {
        let args = self.unify(body, args, name, span)?;
        let mut floats = Vec::new();
        for arg in args {
            let arg = self.number(body, name, arg, span)?;
            floats.push(self.make_float(body, arg)?);
        }
        Some(Expr::op(op, floats, span))
    }

    pub(super) fn extreme(
        &mut self,
        body: &mut Body,
        name: &str,
        fold: FoldOp,
        args: Vec<Expr>,
        span: Span,
    ) -> Option<Expr> {
        if !self.reach(args.len(), span) {
            return None;
        }
        let args = self.unify(body, args, name, span)?;
        let mut values = Vec::new();
        for arg in args {
            let arg = self.number(body, name, arg, span)?;
            values.push(self.settle_number(body, arg)?);
        }
        values.into_iter().reduce(|a, b| Expr::op(fold.op(), vec![a, b], span))
    }

    pub(super) fn cast(&mut self, body: &mut Body, value: Expr, ty: Type, span: Span) -> Option<Expr> {
        if ty == Type::Bool {
            let value = self.settle_number(body, value)?;
            return self.make_bool(body, value);
        }
        if let Kind::Number(number) = &value.kind
            && let Some(scalar) = super::expr::literal(number, ty)
        {
            return Some(Expr::constant(scalar, span));
        }
        let value = self.settle_number(body, value)?;
        if value.ty.elem.is_complex() && !ty.is_complex() {
            body.report(errors::real_needed(span, ty.name(), value.written()));
            return None;
        }
        let rank = value.ty.rank;
        if value.ty.elem == ty {
            return Some(Expr { kind: value.kind, ty: Ty::array(ty, rank), span });
        }
        Some(Expr { kind: Kind::Convert(Box::new(value)), ty: Ty::array(ty, rank), span })
    }

    fn reinterpret(&mut self, body: &mut Body, name: &str, value: Expr, span: Span) -> Option<Expr> {
        let value = self.settle_number(body, value)?;
        let to = match (name, value.ty.elem) {
            ("bits", Type::F32) => Type::I32,
            ("bits", Type::F64) => Type::I64,
            ("bits", Type::F16 | Type::BF16) => Type::I16,
            ("from_bits", Type::I32 | Type::U32) => Type::F32,
            ("from_bits", Type::I64 | Type::U64) => Type::F64,
            _ => {
                let needs = if name == "bits" { "a float" } else { "a 32 or 64 bit integer" };
                body.report(errors::wrong_class(span, name, value.written(), needs));
                return None;
            }
        };
        let rank = value.ty.rank;
        Some(Expr { kind: Kind::Bitcast(Box::new(value)), ty: Ty::array(to, rank), span })
    }
}

/// Whether a built-in takes halves as they are: to move, choose, convert or measure, not to compute with.
fn keeps_halves(builtin: Builtin) -> bool {
    match builtin {
        Builtin::Cast(_)
        | Builtin::Bits
        | Builtin::Where
        | Builtin::Len
        | Builtin::Shape
        | Builtin::Size
        | Builtin::Making(_)
        | Builtin::Arranging(_) => true,
        Builtin::Float1(_)
        | Builtin::Complex
        | Builtin::Part(_)
        | Builtin::Conj
        | Builtin::Arg
        | Builtin::Rounding(_)
        | Builtin::Abs
        | Builtin::Dot
        | Builtin::Float2(_)
        | Builtin::Fma
        | Builtin::Extreme(_)
        | Builtin::Reduce(_)
        | Builtin::SkipNan(_)
        | Builtin::Cumulate(_)
        | Builtin::ReduceBy
        | Builtin::ScanBy
        | Builtin::Histogram
        | Builtin::Bincount
        | Builtin::ReduceByIndex
        | Builtin::FromBits
        | Builtin::Unlikely
        | Builtin::Clip => false,
    }
}
