//! The two tiers of floating-point arithmetic, and what an attribute says of them.
//!
//! What the relaxed tier changes in expressions is in `check::relax`, what it changes in functions in `std/`.

use crate::errors;
use hotloop_source::Diagnostic;
use hotloop_syntax::ast;
use std::fmt;
use std::str::FromStr;

/// How exactly floating-point expressions are computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Fastmath {
    /// As they are written: each operation rounds once, functions within one unit in the last place.
    #[default]
    Strict,
    /// Sums and products of one expression may be regrouped and fused, functions within four units. NaN and infinities
    /// keep their meaning, and all CPU targets still give the same bits.
    Relaxed,
}

impl Fastmath {
    /// Both tiers.
    pub const ALL: [Fastmath; 2] = [Fastmath::Strict, Fastmath::Relaxed];

    /// The name in attributes and options.
    pub const fn name(self) -> &'static str {
        match self {
            Fastmath::Strict => "strict",
            Fastmath::Relaxed => "relaxed",
        }
    }
}

impl fmt::Display for Fastmath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Fastmath {
    type Err = String;

    fn from_str(name: &str) -> Result<Fastmath, String> {
        let found = Fastmath::ALL.into_iter().find(|tier| tier.name() == name);
        found.ok_or_else(|| format!("there is no tier `{name}`; the tiers are strict and relaxed"))
    }
}

/// The tier an item's attribute asks for; none where it leaves that to its caller.
pub(crate) fn tier_of(item: &ast::Item) -> Option<Fastmath> {
    let attr = item.attrs.iter().find(|attr| &*attr.name.text == "fastmath")?;
    attr.args.iter().find_map(named_tier)
}

fn named_tier(arg: &ast::AttrArg) -> Option<Fastmath> {
    match (&arg.key, &arg.value) {
        (None, ast::AttrValue::Expr(ast::Expr { kind: ast::ExprKind::Name(name), .. })) => name.parse().ok(),
        (_, ast::AttrValue::Expr(_) | ast::AttrValue::Text(..)) => None,
    }
}

/// Checks the arguments of `@fastmath`: one, the name of a tier.
pub(crate) fn check_fastmath(attr: &ast::Attribute, diags: &mut Vec<Diagnostic>) {
    let hint = "write `@fastmath(relaxed)`, or `@fastmath(strict)` where a caller may be relaxed";
    let (message, span) = match &attr.args[..] {
        [] => ("`@fastmath` needs the name of a tier", attr.span),
        [arg] if named_tier(arg).is_some() => return,
        [arg] => ("there is no such tier", arg.span),
        [_, second, ..] => ("`@fastmath` takes one tier", second.span),
    };
    diags.push(errors::plain(errors::BAD_ATTRIBUTE, span, message.into(), hint));
}
