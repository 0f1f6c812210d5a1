//! What is typed at a prompt: whether it is complete, what its parts are for the eye, and what it asks for.
//!
//! A prompt takes definitions, assignments, expressions; what they mean in a session is the session's business.

use std::ops::Range;
use std::sync::Arc;

use hotloop_source::{Diagnostic, Source, Span};

use crate::ast::{Expr, ExprKind, ItemKind, Name, Pattern, Place, Stmt, StmtKind};
use crate::changes::changes;
use crate::errors::{self, Sink};
use crate::layout::layout;
use crate::lexer;
use crate::limits::Limits;
use crate::parser::{parse_body, parse_file};
use crate::token::Token;

/// What a part of a text is, for coloring it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A word of the language.
    Keyword,
    /// A name.
    Name,
    /// A name that is called.
    Function,
    /// A number.
    Number,
    /// A text in quotes.
    Text,
    /// A comment.
    Comment,
    /// Any sign.
    Sign,
}

/// One thing that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What.
    pub kind: EntryKind,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of entries.
#[derive(Clone, Debug, PartialEq)]
pub enum EntryKind {
    /// A function or a kernel.
    Define {
        /// Its name.
        name: Arc<str>,
        /// Whether it is a kernel.
        is_kernel: bool,
    },
    /// A value, kept under these names if there are any.
    Value {
        /// None to show it, several to take a list of results apart.
        names: Vec<Arc<str>>,
        /// The call, if the value is one with positional arguments only.
        call: Option<(Arc<str>, Vec<Span>)>,
        /// The names in it, if it is made of bare numbers and names alone.
        bare: Option<Vec<Arc<str>>>,
    },
    /// `x += value`
    Update(Arc<str>),
    /// `x[…] = value`, `x[…] += value`
    Store(Arc<str>),
    /// An `if`, a `while` or a `for`.
    Run {
        /// The names it assigns.
        assigned: Vec<Arc<str>>,
        /// The names whose elements it writes.
        stored: Vec<Arc<str>>,
    },
}

/// The parts of a text, in order; spaces are not among them.
pub fn pieces(text: &str, limits: &Limits) -> Vec<(Range<usize>, Piece)> {
    let tokens = lexer::lex(text, limits, &mut Sink::new(limits.errors));
    let mut pieces = Vec::new();
    let mut end = 0;
    for (at, lexeme) in tokens.iter().enumerate() {
        let range = lexeme.span.range();
        if let Some(comment) = text.get(end..range.start).and_then(|between| between.find('#')) {
            pieces.push((end + comment..range.start, Piece::Comment));
        }
        end = range.end;
        let is_called = tokens.get(at + 1).is_some_and(|next| next.token == Token::OpenParen);
        let piece = match lexeme.token {
            Token::Newline | Token::End => continue,
            Token::Name if is_called => Piece::Function,
            Token::Name => Piece::Name,
            Token::Number => Piece::Number,
            Token::Text => Piece::Text,
            token if token.text().is_some_and(|text| Token::KEYWORDS.contains(&text)) => Piece::Keyword,
            _ => Piece::Sign,
        };
        pieces.push((range, piece));
    }
    pieces
}

/// The words of the language.
pub fn keywords() -> impl Iterator<Item = &'static str> {
    Token::KEYWORDS.iter().copied()
}

/// Whether a text can be taken as it is, right or wrong, or clearly goes on in a next line. An empty line ends it.
pub fn is_complete(text: &str, limits: &Limits) -> bool {
    let source = Source::new("", text);
    let tokens = lexer::lex(text, limits, &mut Sink::new(limits.errors));
    let ends_empty = text.trim_end_matches([' ', '\t', '\r']).ends_with('\n');
    let Some(last) = tokens.iter().rev().map(|lexeme| lexeme.token).find(|token| !is_end(*token)) else {
        return true;
    };
    if ends_empty && !is_open(&tokens) {
        return true;
    }
    let mut diags = Sink::new(limits.errors);
    layout(&source, tokens.clone(), &mut diags);
    if diags.into_vec().iter().any(|diag| diag.code == errors::UNCLOSED) {
        return false;
    }
    if last.continues() {
        return false;
    }
    let first = tokens.iter().map(|lexeme| lexeme.token).find(|token| !is_end(*token));
    if !matches!(first, Some(Token::Fn | Token::Kernel | Token::At)) {
        return true;
    }
    // A definition whose only fault is that it stops too early has its body in the next line.
    let code_end = tokens.iter().rev().find(|lexeme| !is_end(lexeme.token)).map_or(0, |lexeme| lexeme.span.end);
    let (_, diags) = parse_file(&source, limits);
    let is_short = diags.first().is_some_and(|diag| diag.span.start >= code_end);
    let only_attributes =
        first == Some(Token::At) && !tokens.iter().any(|lexeme| matches!(lexeme.token, Token::Fn | Token::Kernel));
    !is_short && !only_attributes
}

fn is_end(token: Token) -> bool {
    matches!(token, Token::Newline | Token::End)
}

/// Whether a brace is open: only there may empty lines stand inside.
fn is_open(tokens: &[crate::token::Lexeme]) -> bool {
    let count = |wanted: Token| tokens.iter().filter(|lexeme| lexeme.token == wanted).count();
    count(Token::OpenBrace) > count(Token::CloseBrace)
}

/// What a text asks for, in order; or what is wrong with it.
pub fn entries(source: &Source, limits: &Limits) -> Result<Vec<Entry>, Vec<Diagnostic>> {
    let tokens = lexer::lex(source.text(), limits, &mut Sink::new(limits.errors));
    let first = tokens.iter().map(|lexeme| lexeme.token).find(|token| !is_end(*token));
    if matches!(first, Some(Token::Fn | Token::Kernel | Token::At)) {
        let (file, diags) = parse_file(source, limits);
        let entry = |item: &crate::ast::Item| {
            let is_kernel = item.kind == ItemKind::Kernel;
            Entry { kind: EntryKind::Define { name: item.name.text.clone(), is_kernel }, span: item.span }
        };
        return done(file.items.iter().map(entry).collect(), diags);
    }
    let (body, mut diags) = parse_body(source, limits);
    let mut entries = Vec::new();
    for stmt in &body.stmts {
        match statement(stmt) {
            Ok(kind) => entries.push(Entry { kind, span: stmt.span }),
            Err(span) => diags.push(errors::not_at_prompt(span)),
        }
    }
    if let Some(value) = &body.value {
        let kind = last_value(value);
        // Parentheses around a value are not in its span.
        let start = body.stmts.last().map_or(body.span.start, |last| last.span.end);
        let text = &source.text()[start as usize..];
        let skipped = text.len() - text.trim_start_matches([' ', '\t', '\r', '\n', ';']).len();
        entries.push(Entry { kind, span: Span::from_range(start as usize + skipped..body.span.end as usize) });
    }
    done(entries, diags)
}

fn done(entries: Vec<Entry>, diags: Vec<Diagnostic>) -> Result<Vec<Entry>, Vec<Diagnostic>> {
    if diags.iter().any(Diagnostic::is_error) { Err(diags) } else { Ok(entries) }
}

/// A value at the end, which may be a choice that assigns.
fn last_value(value: &Expr) -> EntryKind {
    match &value.kind {
        ExprKind::If(branch) => {
            let found = changes(&Stmt { kind: StmtKind::If((**branch).clone()), span: value.span });
            match found.assigned.is_empty() && found.stored.is_empty() {
                true => value_entry(Vec::new(), value),
                false => EntryKind::Run { assigned: texts(&found.assigned), stored: texts(&found.stored) },
            }
        }
        _ => value_entry(Vec::new(), value),
    }
}

fn texts(names: &[Name]) -> Vec<Arc<str>> {
    names.iter().map(|name| name.text.clone()).collect()
}

/// What a statement asks for; for those that only make sense in a kernel, their place.
fn statement(stmt: &Stmt) -> Result<EntryKind, Span> {
    let found = changes(stmt);
    if let Some(place) = found.returns {
        return Err(place);
    }
    let kind = match &stmt.kind {
        StmtKind::Let { pattern, value, ty } => {
            let names = match pattern {
                Pattern::Name(name) => vec![name.text.clone()],
                Pattern::Tuple(names, _) => names.iter().map(|name| name.text.clone()).collect(),
            };
            Some(if ty.is_some() { annotated(names) } else { value_entry(names, value) })
        }
        StmtKind::Var { name, value, ty } => {
            let names = vec![name.text.clone()];
            Some(if ty.is_some() { annotated(names) } else { value_entry(names, value) })
        }
        StmtKind::Assign { place: Place::Index(index), .. } => match &index.base.kind {
            ExprKind::Name(name) => Some(EntryKind::Store(name.clone())),
            _ => None,
        },
        StmtKind::Assign { place: Place::Name(name), op: None, value } => {
            Some(value_entry(vec![name.text.clone()], value))
        }
        StmtKind::Assign { place: Place::Name(name), op: Some(_), .. } => Some(EntryKind::Update(name.text.clone())),
        StmtKind::Assign { place: Place::Tuple(places, _), value, op: None } => {
            let name = |place: &Place| match place {
                Place::Name(name) => Some(name.text.clone()),
                Place::Index(_) | Place::Tuple(..) => None,
            };
            places.iter().map(name).collect::<Option<Vec<_>>>().map(|names| value_entry(names, value))
        }
        StmtKind::Expr(value) => Some(value_entry(Vec::new(), value)),
        StmtKind::If(_) | StmtKind::While { .. } | StmtKind::For { .. } => {
            Some(EntryKind::Run { assigned: texts(&found.assigned), stored: texts(&found.stored) })
        }
        StmtKind::Assign { place: Place::Tuple(..), op: Some(_), .. }
        | StmtKind::Break
        | StmtKind::Continue
        | StmtKind::Return(_) => None,
    };
    kind.ok_or(stmt.span)
}

fn annotated(names: Vec<Arc<str>>) -> EntryKind {
    EntryKind::Value { names, call: None, bare: None }
}

fn value_entry(names: Vec<Arc<str>>, value: &Expr) -> EntryKind {
    let call = match &value.kind {
        ExprKind::Call { callee, args, named } if named.is_empty() => match &callee.kind {
            ExprKind::Name(name) => Some((name.clone(), args.iter().map(|arg| arg.span).collect())),
            _ => None,
        },
        _ => None,
    };
    let mut used = Vec::new();
    let bare = is_bare(value, &mut used).then_some(used);
    EntryKind::Value { names, call, bare }
}

/// Whether an expression is made of bare numbers and names alone. Recursion is bounded by the height of trees.
fn is_bare(expr: &Expr, used: &mut Vec<Arc<str>>) -> bool {
    match &expr.kind {
        ExprKind::Int(int) => int.suffix.is_none(),
        ExprKind::Float(float) => float.suffix.is_none(),
        ExprKind::Name(name) => {
            used.push(name.clone());
            true
        }
        ExprKind::Unary { operand, .. } => is_bare(operand, used),
        ExprKind::Binary { left, right, .. } => is_bare(left, used) && is_bare(right, used),
        ExprKind::Imaginary(_)
        | ExprKind::Compare { .. }
        | ExprKind::Call { .. }
        | ExprKind::Index(_)
        | ExprKind::Field { .. }
        | ExprKind::Tuple(_)
        | ExprKind::List(_)
        | ExprKind::If(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{EntryKind, Piece, entries, is_complete, pieces};
    use crate::limits::Limits;
    use hotloop_source::Source;

    fn complete(text: &str) -> bool {
        is_complete(text, &Limits::DEFAULT)
    }

    #[test]
    fn texts_that_go_on_are_told_from_wrong_ones() {
        for text in ["", "# note", "1 + 2", "x = f(1)", "1 + )", "fn f(x) = x", "kernel k(x) { x }", "fn 3", "a b"] {
            assert!(complete(text), "{text}");
        }
        for text in ["1 +", "f(1,", "x = ", "[1, 2", "fn f(x)", "fn f(x) =", "kernel k(x) {", "@vectorize", "fn f("] {
            assert!(!complete(text), "{text}");
        }
        assert!(!complete("kernel k(x) {\n\n"), "empty lines may stand in a body");
        assert!(
            complete("1 +\n") && complete("fn f(x)\n") && complete("f(1,\n  "),
            "an empty line ends what is not in braces"
        );
        assert!(complete("@vectorize\nfn f(x) {\n x\n}"));
    }

    #[test]
    fn pieces_cover_everything_but_spaces() {
        let text = "fn f(x) = sin(x) + 2.5 # \"q\"";
        let found: Vec<(&str, Piece)> =
            pieces(text, &Limits::DEFAULT).into_iter().map(|(range, piece)| (&text[range], piece)).collect();
        assert_eq!(found[0], ("fn", Piece::Keyword));
        assert_eq!(found[1], ("f", Piece::Function));
        assert_eq!(found[3], ("x", Piece::Name));
        assert!(found.contains(&("2.5", Piece::Number)));
        assert_eq!(found.last(), Some(&("# \"q\"", Piece::Comment)));
        let together: usize = found.iter().map(|(text, _)| text.replace(' ', "").len()).sum();
        assert_eq!(together, text.replace(' ', "").len());
    }

    #[test]
    fn entries_are_told_apart() {
        let kinds = |text: &str| -> Vec<EntryKind> {
            let entries = entries(&Source::new("test", text), &Limits::DEFAULT).expect("it is right");
            entries.into_iter().map(|entry| entry.kind).collect()
        };
        assert!(matches!(
            &kinds("fn f(x) = x\nkernel k() = 1")[..],
            [EntryKind::Define { is_kernel: false, .. }, EntryKind::Define { is_kernel: true, .. }]
        ));
        assert!(matches!(
            &kinds("x = 2; x += 1; x[0] = 3; (a, b) = f(x); (x + 1)")[..],
            [
                EntryKind::Value { bare: Some(_), .. },
                EntryKind::Update(_),
                EntryKind::Store(_),
                EntryKind::Value { call: Some(_), .. },
                EntryKind::Value { .. }
            ]
        ));
        let source = Source::new("test", "x = 2; (x + 1) * 2");
        let found = entries(&source, &Limits::DEFAULT).expect("it is right");
        assert_eq!(source.slice(found[1].span), "(x + 1) * 2");
        let run = |assigned: &[&str], stored: &[&str]| EntryKind::Run {
            assigned: assigned.iter().map(|name| (*name).into()).collect(),
            stored: stored.iter().map(|name| (*name).into()).collect(),
        };
        assert_eq!(
            kinds("for i in range(3) { x = i; a[i] = 1 }; if x > 1 { y = 2 } else { z = 3 }"),
            [run(&["x"], &["a"]), run(&["y", "z"], &[])]
        );
        for text in ["break", "for i in range(3) { return }", "return 1"] {
            assert!(entries(&Source::new("test", text), &Limits::DEFAULT).is_err(), "{text}");
        }
    }
}
