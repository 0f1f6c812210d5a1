//! From tokens to a tree: the parser's state, its limits and its recovery.
//!
//! Items, statements and expressions each have their own file. A parse function that fails has already reported why
//! and answers `Stop`; whoever reads lists of statements or items skips to the next one. No recursion escapes
//! `within`, and no tree grows but through `grow`.

mod expr;
mod item;
mod postfix;
mod stmt;
mod unexpected;

use std::sync::Arc;

use hotloop_source::{Diagnostic, Source, Span};

pub(crate) use self::expr::{binary_op, compare_op};
pub(crate) use self::stmt::assign_op;
use crate::ast::{Block, Expr, File, Name};
use crate::errors::{self, Sink};
use crate::layout::layout;
use crate::lexer;
use crate::limits::Limits;
use crate::token::{Lexeme, Token};

/// Parses a text of functions and kernels.
///
/// Always answers a tree; where there are errors among the diagnostics it lacks the parts that they are about.
pub fn parse_file(source: &Source, limits: &Limits) -> (File, Vec<Diagnostic>) {
    let mut parser = Parser::new(source, limits);
    let file = parser.file();
    (file, parser.diags.into_vec())
}

/// Parses the inside of a body: statements, the last of which may be the value.
pub fn parse_body(source: &Source, limits: &Limits) -> (Block, Vec<Diagnostic>) {
    let mut parser = Parser::new(source, limits);
    let block = parser.body();
    (block, parser.diags.into_vec())
}

/// Parses one expression; none where there are errors.
pub fn parse_expr(source: &Source, limits: &Limits) -> (Option<Expr>, Vec<Diagnostic>) {
    let (block, mut diags) = parse_body(source, limits);
    let span = block.span;
    let expr = block.value.filter(|_| block.stmts.is_empty()).map(|value| *value);
    if !diags.is_empty() {
        return (None, diags);
    }
    if expr.is_none() {
        diags.push(errors::not_one_expr(span));
    }
    (expr, diags)
}

/// The answer of a parse function that has reported why it failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stop;

type Parse<T> = Result<T, Stop>;

pub(crate) struct Parser<'a> {
    source: &'a Source,
    limits: &'a Limits,
    /// Ended by `End`, with brackets that match.
    tokens: Vec<Lexeme>,
    at: usize,
    diags: Sink,
    /// How many `within` are open.
    depth: usize,
    /// The height of the tallest tree made since the innermost `apart` began.
    tallest: usize,
    nodes: usize,
    /// Set when a limit is exceeded; nothing is reported after that.
    halted: bool,
}

impl<'a> Parser<'a> {
    fn new(source: &'a Source, limits: &'a Limits) -> Parser<'a> {
        let mut diags = Sink::new(limits.errors);
        let tokens = lexer::lex(source.text(), limits, &mut diags);
        let tokens = layout(source, tokens, &mut diags);
        Parser { source, limits, tokens, at: 0, diags, depth: 0, tallest: 0, nodes: 0, halted: false }
    }

    // Looking at tokens.

    fn peek(&self) -> Token {
        self.lexeme().token
    }

    fn lexeme(&self) -> Lexeme {
        self.tokens[self.at]
    }

    /// The token after the next one.
    fn peek_second(&self) -> Token {
        self.tokens[(self.at + 1).min(self.tokens.len() - 1)].token
    }

    fn span(&self) -> Span {
        self.lexeme().span
    }

    /// From a place to the end of the last token taken.
    fn span_from(&self, start: Span) -> Span {
        match self.at.checked_sub(1) {
            Some(last) if self.tokens[last].span.end >= start.start => start.join(self.tokens[last].span),
            _ => start,
        }
    }

    fn text(&self, span: Span) -> &'a str {
        self.source.slice(span)
    }

    // Taking tokens.

    /// Takes the next token; the end is never passed.
    fn bump(&mut self) -> Lexeme {
        let lexeme = self.lexeme();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        lexeme
    }

    fn eat(&mut self, token: Token) -> bool {
        let found = self.peek() == token;
        if found {
            self.bump();
        }
        found
    }

    fn expect(&mut self, token: Token) -> Parse<Span> {
        if self.peek() == token {
            return Ok(self.bump().span);
        }
        let what = token.text().map_or_else(|| "a name".to_owned(), |text| format!("`{text}`"));
        Err(self.unexpected(&what))
    }

    fn name(&mut self, what: &str) -> Parse<Name> {
        if self.peek() != Token::Name {
            return Err(self.unexpected(what));
        }
        let span = self.bump().span;
        Ok(Name { text: Arc::from(self.text(span)), span })
    }

    /// Passes line breaks and semicolons.
    fn skip_separators(&mut self) {
        while matches!(self.peek(), Token::Newline | Token::Semicolon) {
            self.bump();
        }
    }

    fn skip_newlines(&mut self) {
        while self.peek() == Token::Newline {
            self.bump();
        }
    }

    /// `parse` again and again, with commas between, up to the closing bracket, which is taken.
    fn list<T>(&mut self, close: Token, mut parse: impl FnMut(&mut Self) -> Parse<T>) -> Parse<Vec<T>> {
        let mut list = Vec::new();
        while self.peek() != close {
            list.push(parse(self)?);
            if self.peek() != close && !self.eat(Token::Comma) {
                let what = format!("`,` or `{}`", close.text().unwrap_or(""));
                return Err(self.unexpected_after_expr(&what));
            }
        }
        self.bump();
        Ok(list)
    }

    // Reporting and recovering.

    fn report(&mut self, diag: Diagnostic) -> Stop {
        if !self.halted {
            self.diags.push(diag);
            if self.diags.is_full() {
                self.halt();
            }
        }
        Stop
    }

    /// Reports an exceeded limit and ends the parse.
    fn exceeded(&mut self, diag: Diagnostic) -> Stop {
        self.report(diag);
        self.halt();
        Stop
    }

    fn halt(&mut self) {
        self.halted = true;
        self.at = self.tokens.len() - 1;
    }

    /// Skips the statement or the line of an item that begins at `start`, bracketed parts as a whole.
    ///
    /// Going back to its beginning finds its end without knowing in which brackets the error was.
    fn skip_statement(&mut self, start: usize) {
        if self.halted {
            return;
        }
        self.at = start;
        let mut open = 0usize;
        loop {
            let token = self.peek();
            let ends = token.is_closer() || matches!(token, Token::Newline | Token::Semicolon);
            if token == Token::End || (open == 0 && ends) {
                return;
            }
            if token.closer().is_some() {
                open += 1;
            } else if token.is_closer() {
                open -= 1;
            }
            self.bump();
        }
    }

    // Limits.

    /// Runs a parse function that can come back to itself.
    fn within<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        if self.depth >= self.limits.depth {
            let diag = errors::too_deep(self.span(), self.limits.depth);
            return Err(self.exceeded(diag));
        }
        self.depth += 1;
        let result = self.apart(parse);
        self.depth -= 1;
        result
    }

    /// Runs a parse function whose tree does not stand above what was made before.
    fn apart<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        let outside = std::mem::take(&mut self.tallest);
        let result = parse(self);
        self.tallest = self.tallest.max(outside);
        result
    }

    /// Counts a node made over everything that was made since the innermost `apart` began.
    fn grow(&mut self, span: Span) -> Parse<()> {
        self.tallest += 1;
        self.nodes += 1;
        if self.tallest > self.limits.height {
            let diag = errors::too_high(span, self.limits.height);
            return Err(self.exceeded(diag));
        }
        if self.nodes > self.limits.nodes {
            let diag = errors::too_many_nodes(span, self.limits.nodes);
            return Err(self.exceeded(diag));
        }
        Ok(())
    }

    /// Counts a node without children.
    fn leaf(&mut self, span: Span) -> Parse<()> {
        self.apart(|parser| parser.grow(span))
    }
}
