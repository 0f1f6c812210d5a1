//! Attributes: what may stand behind `@`, and what it says.
//!
//! Owns the reading of borders and of signatures, and the diagnostics of declarations. What a stencil or a function over
//! core axes means for certain arguments is found by `check::window`.

use crate::errors;
use crate::fastmath::check_fastmath;
use crate::hir::Number;
use hotloop_source::{Diagnostic, Span};
use hotloop_syntax::ast;
use std::sync::Arc;

/// The attributes.
const ATTRIBUTES: &[&str] = &["vectorize", "guvectorize", "stencil", "fastmath", "checked"];

/// The targets an attribute can name.
const TARGETS: &[&str] = &["auto", "interp", "scalar", "simd", "parallel", "gpu"];

/// What lies beyond the edge of the arrays of a stencil.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Border {
    /// Elements that all have this value.
    Constant(Value),
    /// The last element before the edge: `a a a | a b c d | d d d`.
    Edge,
    /// The array in a mirror at its edge: `c b a | a b c d | d c b`.
    Reflect,
    /// The array in a mirror at its last element: `d c b | a b c d | c b a`.
    Mirror,
    /// The array again: `b c d | a b c d | a b c`.
    Wrap,
    /// Nothing: where the stencil reaches beyond, the result is the first array's element.
    Skip,
    /// Nothing: where the stencil reaches beyond, the result is this value.
    Fill(Value),
}

/// A literal in an attribute.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// A number whose type is open.
    Number(Number),
    /// `inf`, `-inf`, `nan`.
    Float(f64),
    /// `true`, `false`.
    Bool(bool),
}

/// The borders as they are written.
const BORDERS: &str = "constant(0) edge reflect mirror wrap skip fill(0)";

/// The core axes of a function's arguments and results, by their letters.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Signature {
    /// Each letter once, in order of appearance.
    pub letters: Vec<Arc<str>>,
    /// For each argument, its core axes as positions in `letters`.
    pub inputs: Vec<Vec<u32>>,
    /// For each result likewise.
    pub outputs: Vec<Vec<u32>>,
}

/// Whether an item carries an attribute.
pub(crate) fn has_attr(item: &ast::Item, name: &str) -> bool {
    attr(item, name).is_some()
}

fn attr<'a>(item: &'a ast::Item, name: &str) -> Option<&'a ast::Attribute> {
    item.attrs.iter().find(|attr| &*attr.name.text == name)
}

/// The target an item's attributes name.
pub(crate) fn target_of(item: &ast::Item) -> Option<String> {
    let args = item.attrs.iter().flat_map(|attr| &attr.args);
    args.filter(|arg| key_of(arg) == Some("target")).find_map(|arg| match &arg.value {
        ast::AttrValue::Expr(ast::Expr { kind: ast::ExprKind::Name(name), .. }) => Some(name.to_string()),
        ast::AttrValue::Text(text, _) => Some(text.to_string()),
        ast::AttrValue::Expr(_) => None,
    })
}

fn key_of(arg: &ast::AttrArg) -> Option<&str> {
    arg.key.as_ref().map(|key| &*key.text)
}

/// The border of a stencil and where it is written; `constant(0)` where nothing is said. None for other items, and for
/// borders that declaration checks have refused.
pub(crate) fn border_of(item: &ast::Item) -> Option<(Border, Span)> {
    let attr = attr(item, "stencil")?;
    match attr.args.iter().find(|arg| key_of(arg) == Some("border")) {
        Some(arg) => Some((read_border(&arg.value)?, arg.span)),
        None => Some((Border::Constant(Value::Number(Number::Int(0))), attr.span)),
    }
}

fn read_border(value: &ast::AttrValue) -> Option<Border> {
    let ast::AttrValue::Expr(expr) = value else { return None };
    match &expr.kind {
        ast::ExprKind::Name(name) => match &**name {
            "edge" => Some(Border::Edge),
            "reflect" => Some(Border::Reflect),
            "mirror" => Some(Border::Mirror),
            "wrap" => Some(Border::Wrap),
            "skip" => Some(Border::Skip),
            _ => None,
        },
        ast::ExprKind::Call { callee, args, named } if named.is_empty() && args.len() == 1 => {
            let value = read_value(&args[0])?;
            match &callee.kind {
                ast::ExprKind::Name(name) if &**name == "constant" => Some(Border::Constant(value)),
                ast::ExprKind::Name(name) if &**name == "fill" => Some(Border::Fill(value)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// A literal, perhaps with a minus before it.
fn read_value(expr: &ast::Expr) -> Option<Value> {
    match &expr.kind {
        ast::ExprKind::Int(lit) if lit.suffix.is_none() => {
            i128::try_from(lit.value).ok().map(|value| Value::Number(Number::Int(value)))
        }
        ast::ExprKind::Float(lit) if lit.suffix.is_none() => {
            Some(Value::Number(Number::Float { lit: lit.clone(), negative: false }))
        }
        ast::ExprKind::Imaginary(lit) => Some(Value::Number(Number::Imaginary { lit: lit.clone(), negative: false })),
        ast::ExprKind::Name(name) => match &**name {
            "inf" => Some(Value::Float(f64::INFINITY)),
            "nan" => Some(Value::Float(f64::NAN)),
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            _ => None,
        },
        ast::ExprKind::Unary { op: ast::UnaryOp::Neg, operand } => match read_value(operand)? {
            Value::Number(Number::Int(value)) => Some(Value::Number(Number::Int(-value))),
            Value::Number(Number::Float { lit, negative }) => {
                Some(Value::Number(Number::Float { lit, negative: !negative }))
            }
            Value::Number(Number::Imaginary { lit, negative }) => {
                Some(Value::Number(Number::Imaginary { lit, negative: !negative }))
            }
            Value::Float(value) => Some(Value::Float(-value)),
            Value::Bool(_) => None,
        },
        _ => None,
    }
}

/// The signature of a `@guvectorize` function. None for other items, and where declaration checks have refused it.
pub(crate) fn signature_of(item: &ast::Item) -> Option<Signature> {
    let attr = attr(item, "guvectorize")?;
    let arg = attr.args.iter().find(|arg| arg.key.is_none())?;
    match &arg.value {
        ast::AttrValue::Text(text, _) => read_signature(text).ok(),
        ast::AttrValue::Expr(_) => None,
    }
}

/// Reads `(m,n),(n)->(m)`; the error says what is wrong.
fn read_signature(text: &str) -> Result<Signature, String> {
    let (inputs, outputs) = text.split_once("->").ok_or("a signature has an arrow, `(n)->()`")?;
    let mut signature = Signature { letters: Vec::new(), inputs: Vec::new(), outputs: Vec::new() };
    for group in groups(inputs)? {
        let axes = group.into_iter().map(|letter| signature.letter(letter)).collect();
        signature.inputs.push(axes);
    }
    for group in groups(outputs)? {
        let mut axes = Vec::new();
        for letter in group {
            let known = signature.letters.iter().position(|other| &**other == letter);
            let known = known.ok_or(format!("no argument has the axis `{letter}` of the result"))?;
            axes.push(known as u32);
        }
        signature.outputs.push(axes);
    }
    Ok(signature)
}

/// The lists in parentheses, each a list of letters.
fn groups(text: &str) -> Result<Vec<Vec<&str>>, String> {
    let mut rest = text.trim();
    let mut found = Vec::new();
    loop {
        let inner = rest.strip_prefix('(').and_then(|rest| rest.split_once(')'));
        let (inner, after) = inner.ok_or("the axes of each array stand in parentheses, `(m,n)`")?;
        let names = inner.split(',').map(str::trim);
        let names: Vec<&str> = if inner.trim().is_empty() { Vec::new() } else { names.collect() };
        if let Some(bad) = names.iter().find(|name| !is_name(name)) {
            return Err(format!("`{bad}` is no name of an axis"));
        }
        if names.len() > crate::check::MAX_RANK {
            return Err(format!("an array has at most {} axes", crate::check::MAX_RANK));
        }
        found.push(names);
        rest = after.trim();
        if rest.is_empty() {
            return Ok(found);
        }
        rest = rest.strip_prefix(',').ok_or("a comma stands between the arrays, `(n),(n)`")?.trim_start();
    }
}

fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

impl Signature {
    fn letter(&mut self, name: &str) -> u32 {
        let known = self.letters.iter().position(|other| &**other == name);
        known.unwrap_or_else(|| {
            self.letters.push(name.into());
            self.letters.len() - 1
        }) as u32
    }
}

/// Checks the attributes of an item as far as no types are needed.
pub(crate) fn check_attributes(item: &ast::Item, diags: &mut Vec<Diagnostic>) {
    for attr in &item.attrs {
        check_attribute(item, attr, diags);
    }
    let mapping = |attr: &&ast::Attribute| matches!(&*attr.name.text, "vectorize" | "guvectorize" | "stencil");
    let mut mapped = item.attrs.iter().filter(mapping);
    if let (Some(first), Some(second)) = (mapped.next(), mapped.next()) {
        let message = format!("`@{}` and `@{}` do not go together", first.name.text, second.name.text);
        diags.push(errors::plain(errors::BAD_ATTRIBUTE, second.span, message, "use one of them"));
    }
}

fn check_attribute(item: &ast::Item, attr: &ast::Attribute, diags: &mut Vec<Diagnostic>) {
    let name = &*attr.name.text;
    match (name, ATTRIBUTES.iter().find(|other| **other == name)) {
        ("stencil", _) => check_stencil(item, attr, diags),
        ("guvectorize", _) => check_guvectorize(item, attr, diags),
        ("fastmath", _) => check_fastmath(attr, diags),
        (_, Some(_)) => attr.args.iter().for_each(|arg| check_target(name, arg, diags)),
        (_, None) => {
            let similar = errors::similar(name, ATTRIBUTES.iter().copied());
            let hint = similar
                .map_or("the attributes are @vectorize @guvectorize @stencil @fastmath @checked".into(), |name| {
                    format!("did you mean `@{name}`?")
                });
            let message = format!("there is no attribute `@{name}`");
            diags.push(errors::plain(errors::BAD_ATTRIBUTE, attr.span, message, &hint));
        }
    }
}

fn check_target(name: &str, arg: &ast::AttrArg, diags: &mut Vec<Diagnostic>) {
    let named = match (key_of(arg), &arg.value) {
        (Some("target"), ast::AttrValue::Expr(ast::Expr { kind: ast::ExprKind::Name(value), .. })) => {
            TARGETS.contains(&&**value)
        }
        (_, ast::AttrValue::Expr(_) | ast::AttrValue::Text(..)) => false,
    };
    if !named {
        let hint = format!("write `target = NAME` with one of {}", TARGETS.join(" "));
        let message = format!("`@{name}` does not take this argument");
        diags.push(errors::plain(errors::BAD_ATTRIBUTE, arg.span, message, &hint));
    }
}

fn check_stencil(item: &ast::Item, attr: &ast::Attribute, diags: &mut Vec<Diagnostic>) {
    for arg in &attr.args {
        if key_of(arg) != Some("border") {
            check_target("stencil", arg, diags);
        } else if read_border(&arg.value).is_none() {
            let hint = format!("write `border = RULE` with one of {BORDERS}; a value is a literal");
            let message = "there is no such border".into();
            diags.push(errors::plain(errors::BAD_ATTRIBUTE, arg.span, message, &hint));
        }
    }
    for param in item.params.iter().filter(|param| param.ty.as_ref().is_some_and(|ty| ty.mutable)) {
        let message = "a stencil writes into no array".into();
        let hint = "return the element instead; the result is an array of the arguments' shape";
        diags.push(errors::plain(errors::NOT_ASSIGNABLE, param.span, message, hint));
    }
}

fn check_guvectorize(item: &ast::Item, attr: &ast::Attribute, diags: &mut Vec<Diagnostic>) {
    let hint = "write the axes of each argument and result: `@guvectorize(\"(m,n),(n)->(m)\")`";
    let mut texts = attr.args.iter().filter_map(|arg| match (&arg.key, &arg.value) {
        (None, ast::AttrValue::Text(text, span)) => Some((text, *span)),
        (_, ast::AttrValue::Text(..) | ast::AttrValue::Expr(_)) => None,
    });
    let first = texts.next();
    for arg in &attr.args {
        let signature =
            matches!((&first, &arg.value), (Some(first), ast::AttrValue::Text(_, span)) if first.1 == *span);
        if !signature {
            check_target("guvectorize", arg, diags);
        }
    }
    let Some((text, span)) = first else {
        let message = "`@guvectorize` needs a signature".into();
        return diags.push(errors::plain(errors::BAD_ATTRIBUTE, attr.span, message, hint));
    };
    match read_signature(text) {
        Err(what) => diags.push(errors::plain(errors::BAD_ATTRIBUTE, span, what, hint)),
        Ok(signature) => check_signature(item, &signature, span, diags),
    }
}

/// A signature against the parameters it is for.
fn check_signature(item: &ast::Item, signature: &Signature, span: Span, diags: &mut Vec<Diagnostic>) {
    if signature.inputs.len() != item.params.len() {
        let (given, wanted) = (signature.inputs.len(), item.params.len());
        let message = format!("the signature has {given} arguments, `{}` has {wanted} parameters", item.name.text);
        return diags.push(errors::plain(errors::BAD_ATTRIBUTE, span, message, "give one list of axes per parameter"));
    }
    for (param, axes) in item.params.iter().zip(&signature.inputs) {
        let Some(ty) = &param.ty else { continue };
        let rank = ty.rank.unwrap_or(0);
        if ty.mutable || rank != axes.len() {
            let message = format!("the signature gives `{}` {} axes", param.name.text, axes.len());
            let hint = "annotate the core axes alone, without `mut`; results are returned";
            diags.push(errors::plain(errors::BAD_ATTRIBUTE, ty.span, message, hint));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::read_signature;

    #[test]
    fn signatures_are_read() {
        let read = read_signature("( m, n ),(n)->(m),()").expect("a signature");
        assert_eq!(read.letters, ["m".into(), "n".into()]);
        assert_eq!(read.inputs, [vec![0, 1], vec![1]]);
        assert_eq!(read.outputs, [vec![0], vec![]]);
    }

    #[test]
    fn wrong_signatures_are_refused() {
        for text in ["", "(n)", "n->n", "(n)->(m)", "(n),->(n)", "(n)(n)->()", "(1)->()", "(n->()", "(n,)->()"] {
            assert!(read_signature(text).is_err(), "{text}");
        }
    }
}
