//! Which line breaks end a statement, and which brackets belong together.
//!
//! After this pass brackets always match: a missing one is reported and put in, a stray one is reported and left out.
//! So the parser never has to guess what an unclosed bracket swallowed.

use hotloop_source::{Source, Span};

use crate::errors::{self, Sink};
use crate::token::{Lexeme, Token};

/// Removes the line breaks that do not count and balances the brackets.
pub(crate) fn layout(source: &Source, tokens: Vec<Lexeme>, diags: &mut Sink) -> Vec<Lexeme> {
    let mut layout = Layout {
        source,
        out: Vec::with_capacity(tokens.len()),
        open: Vec::new(),
        diags,
    };
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
        let inside = self
            .open
            .last()
            .is_some_and(|open| open.token != Token::OpenBrace);
        let last = self.out.last().map(|last| last.token);
        let goes_on = last.is_some_and(Token::continues) && !self.ends_doubled();
        let before = matches!(next, Some(Token::Else | Token::Then | Token::OpenBrace));
        let statement = next.is_some_and(Token::begins_statement);
        if (!inside || statement) && !goes_on && !before {
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
        let margin = item && self.source.position(lexeme.span.start).column == 1;
        self.close_while(|open| margin || open.token != Token::OpenBrace);
    }

    /// Closes what a closing bracket leaves open, then that bracket's own.
    fn closer(&mut self, lexeme: Lexeme) {
        let belongs = |open: &Lexeme| open.token.closer() == Some(lexeme.token);
        match self.open.iter().rposition(belongs) {
            // A closing `)` far outside of a block does not end that block.
            Some(at) if lexeme.token == Token::CloseBrace || !self.brace_above(at) => {
                while self.open.len() > at + 1 {
                    self.close_one();
                }
                self.open.pop();
                self.out.push(lexeme);
            }
            _ => {
                let open = self.open.last().map(|open| open.span);
                let text = self.source.slice(lexeme.span);
                self.diags
                    .push(errors::stray_closer(lexeme.span, text, open));
            }
        }
    }

    fn brace_above(&self, at: usize) -> bool {
        self.open[at + 1..]
            .iter()
            .any(|open| open.token == Token::OpenBrace)
    }

    fn close_while(&mut self, matches: impl Fn(&Lexeme) -> bool) {
        while self.open.last().is_some_and(&matches) {
            self.close_one();
        }
    }

    /// Reports the innermost bracket and puts its closing one before the line breaks at the end.
    fn close_one(&mut self) {
        let Some(open) = self.open.pop() else { return };
        let Some(token) = open.token.closer() else {
            return;
        };
        let end = self
            .out
            .iter()
            .rposition(|lexeme| lexeme.token != Token::Newline)
            .map_or(0, |at| at + 1);
        let span = end
            .checked_sub(1)
            .map_or(Span::at(0), |last| self.out[last].span.after());
        self.out.insert(end, Lexeme { token, span });
        let text = |token: Token| token.text().unwrap_or("");
        self.diags
            .push(errors::unclosed(open.span, text(open.token), text(token)));
    }
}
