//! Which line breaks end a statement, and which brackets belong together.
//!
//! After this pass brackets always match: a missing one is reported and put in, a stray one is reported and left out.
//! So the parser never has to guess what an unclosed bracket swallowed.

use hotloop_source::{Source, Span};

use crate::errors::{self, Sink};
use crate::token::{Lexeme, Token};

/// Removes the line breaks that do not count and balances the brackets.
pub(crate) fn layout(source: &Source, tokens: Vec<Lexeme>, diags: &mut Sink) -> Vec<Lexeme> {
    let mut layout = Layout { source, out: Vec::with_capacity(tokens.len()), open: Vec::new(), diags };
    for (at, lexeme) in tokens.iter().enumerate() {
        let next = tokens.get(at + 1).map(|next| next.token);
        layout.take(*lexeme, next);
    }
    layout.out
}

struct Layout<'a> {
    source: &'a Source,
    out: Vec<Lexeme>,
    /// The brackets that are open, innermost last.
    open: Vec<Lexeme>,
    diags: &'a mut Sink,
}

impl Layout<'_> {
    fn take(&mut self, lexeme: Lexeme, next: Option<Token>) {
        match lexeme.token {
            Token::Newline => self.newline(lexeme, next),
            Token::End => {
                self.close_while(|_| true);
                self.out.push(lexeme);
            }
            Token::CloseParen | Token::CloseBracket | Token::CloseBrace => self.closer(lexeme),
            token => {
                if token.begins_statement() {
                    self.before_statement(lexeme);
                }
                if token.closer().is_some() {
                    self.open.push(lexeme);
                }
                self.out.push(lexeme);
            }
        }
    }

    /// Keeps a line break unless the line goes on.
    fn newline(&mut self, lexeme: Lexeme, next: Option<Token>) {
        let inside = self.open.last().is_some_and(|open| open.token != Token::OpenBrace);
        let last = self.out.last().map(|last| last.token);
        let goes_on = last.is_some_and(Token::continues) && !self.ends_doubled();
        let before = matches!(next, Some(Token::Else | Token::Then | Token::OpenBrace));
        let statement = next.is_some_and(Token::begins_statement);
        // One line break says all that several do.
        let repeated = last == Some(Token::Newline);
        if (!inside || statement) && !goes_on && !before && !repeated {
            self.out.push(lexeme);
        }
    }

    /// Whether the line ends in `++` or `--`, which are wrong and must not draw in the next line.
    fn ends_doubled(&self) -> bool {
        let [.., first, second] = self.out.as_slice() else {
            return false;
        };
        let sign = matches!(first.token, Token::Plus | Token::Minus);
        sign && first.token == second.token && first.span.end == second.span.start
    }

    /// A statement cannot stand inside `(` or `[`, nor an item at the margin inside `{`: those were left open.
    fn before_statement(&mut self, lexeme: Lexeme) {
        let item = matches!(lexeme.token, Token::Fn | Token::Kernel);
        let before = self.source.text()[..lexeme.span.start as usize].bytes().next_back();
        let margin = item && before.is_none_or(|byte| byte == b'\n');
        self.close_while(|open| margin || open.token != Token::OpenBrace);
    }

    /// Closes what a closing bracket leaves open, then that bracket's own.
    fn closer(&mut self, lexeme: Lexeme) {
        let belongs = |open: &Lexeme| open.token.closer() == Some(lexeme.token);
        // Looking further down is only worth its time while what is found can be reported.
        let depth = if self.diags.is_full() { 1 } else { self.open.len() };
        let found = self.open.iter().rev().take(depth).position(belongs);
        match found.map(|below| self.open.len() - 1 - below) {
            // A closing `)` far outside of a block does not end that block.
            Some(at) if lexeme.token == Token::CloseBrace || !self.brace_above(at) => {
                self.close_down_to(at + 1);
                self.open.pop();
                self.out.push(lexeme);
            }
            _ => {
                let open = self.open.last().map(|open| open.span);
                let text = self.source.slice(lexeme.span);
                self.diags.push(errors::stray_closer(lexeme.span, text, open));
            }
        }
    }

    fn brace_above(&self, at: usize) -> bool {
        self.open[at + 1..].iter().any(|open| open.token == Token::OpenBrace)
    }

    fn close_while(&mut self, matches: impl Fn(&Lexeme) -> bool) {
        let kept = self.open.iter().rposition(|open| !matches(open)).map_or(0, |at| at + 1);
        self.close_down_to(kept);
    }

    /// Puts in the missing closing brackets, before the line break at the end, and reports them as one.
    fn close_down_to(&mut self, kept: usize) {
        let unclosed = self.open.split_off(kept);
        let Some(innermost) = unclosed.last() else {
            return;
        };
        let line_break = self.out.pop_if(|last| last.token == Token::Newline);
        let span = self.out.last().map_or(Span::at(0), |last| last.span.after());
        for token in unclosed.iter().rev().filter_map(|open| open.token.closer()) {
            self.out.push(Lexeme { token, span });
        }
        self.out.extend(line_break);
        let text = |token: Token| token.text().unwrap_or("");
        let close = innermost.token.closer().map_or("", text);
        let outer: Vec<Span> = unclosed.iter().rev().skip(1).map(|open| open.span).collect();
        self.diags.push(errors::unclosed(innermost.span, text(innermost.token), close, &outer));
    }
}
