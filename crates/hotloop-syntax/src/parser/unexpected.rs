//! What to say about a token that does not fit, from what stands around it.
//!
//! One place for the habits of other languages, so that the parse functions only say what they wanted.

use hotloop_source::Span;

use super::{Parser, Stop};
use crate::errors;
use crate::token::Token;

/// Words of other languages and what to write instead.
const FOREIGN: &[(&str, &str)] = &[
    ("elif", "write `else if`"),
    ("elsif", "write `else if`"),
    ("def", "write `fn name(x) { … }`, or `kernel name(x) { … }` for an entry point"),
    ("func", "write `fn name(x) { … }`"),
    ("function", "write `fn name(x) { … }`"),
    ("lambda", "write a function, `fn name(x) = …`, and use its name"),
    ("const", "write `let name = …`"),
    ("pass", "leave the block empty: `{ }`"),
    ("is", "write `==`"),
    ("import", "all functions are known without it"),
    ("from", "all functions are known without it"),
];

/// Whether this is a word of another language.
pub(super) fn is_foreign(word: &str) -> bool {
    FOREIGN.iter().any(|(foreign, _)| *foreign == word)
}

impl Parser<'_> {
    /// Reports that something else was wanted where the next token stands.
    pub(super) fn unexpected(&mut self, what: &str) -> Stop {
        let (span, found) = (self.span(), self.found());
        self.report(errors::expected(span, what, &found))
    }

    /// Reports that something else was wanted where an expression did not end as it should.
    pub(super) fn unexpected_after_expr(&mut self, what: &str) -> Stop {
        if self.peek() == Token::Colon && what.contains('{') {
            return self.report(errors::colon_block(self.span()));
        }
        match self.habit() {
            Some(stop) => stop,
            None => self.unexpected(what),
        }
    }

    /// Reports that an expression was wanted where the next token stands.
    pub(super) fn unexpected_in_expr(&mut self) -> Stop {
        let (token, span, found) = (self.peek(), self.span(), self.found());
        if let Some((sign, span)) = self.doubled_sign() {
            return self.report(errors::increment(span, sign));
        }
        if token == Token::Eq {
            return self.report(errors::assign_in_expr(span));
        }
        let operator = super::binary_op(token).is_some() || super::compare_op(token).is_some();
        if operator {
            return self.report(errors::leading_operator(span, &found));
        }
        self.report(errors::expected_expr(span, &found))
    }

    /// Reports that a statement should have ended before the next token.
    pub(super) fn unexpected_end(&mut self) -> Stop {
        let (span, found) = (self.span(), self.found());
        if let Some(stop) = self.habit() {
            return stop;
        }
        self.report(errors::expected_end(span, &found))
    }

    /// Reports a word of another language, if the next token is one.
    pub(super) fn foreign_word(&mut self) -> Option<Stop> {
        self.foreign(self.lexeme().span, self.peek())
    }

    /// The next token as it is named in messages.
    pub(super) fn found(&self) -> String {
        match self.peek() {
            Token::End => "the end of the text".to_owned(),
            Token::Newline => "the end of the line".to_owned(),
            // A bracket that the layout put in stands for no text.
            _ if self.span().is_empty() => "the end of the line".to_owned(),
            _ => format!("`{}`", self.text(self.span()).chars().take(40).collect::<String>()),
        }
    }

    /// What is written out of habit where the expression before the next token should have ended.
    fn habit(&mut self) -> Option<Stop> {
        let (token, span) = (self.peek(), self.span());
        let before = self.before();
        if let Some(stop) = self.foreign(before, Token::Name).or_else(|| self.foreign(span, token)) {
            return Some(stop);
        }
        match token {
            Token::If | Token::Question => {
                let text = self.text(span);
                Some(self.report(errors::foreign_conditional(span, text)))
            }
            Token::Eq => Some(self.report(errors::assign_in_expr(span))),
            Token::Comma => Some(self.report(errors::bare_tuple(span))),
            Token::Text => Some(self.report(errors::string_outside(span))),
            Token::Name | Token::Number if self.product_before() => {
                let (left, right) = (self.text(before), self.text(span));
                Some(self.report(errors::implicit_product(before.join(span), left, right)))
            }
            _ => None,
        }
    }

    fn foreign(&mut self, span: Span, token: Token) -> Option<Stop> {
        let word = self.text(span);
        let (_, instead) = FOREIGN.iter().find(|(foreign, _)| token == Token::Name && *foreign == word)?;
        Some(self.report(errors::foreign_word(span, word, instead)))
    }

    /// Whether what stands before the next token is a number or a closed parenthesis.
    fn product_before(&self) -> bool {
        let before = self.at.checked_sub(1).map(|at| self.tokens[at].token);
        matches!(before, Some(Token::Number | Token::CloseParen))
    }

    /// The last token taken.
    fn before(&self) -> Span {
        self.at.checked_sub(1).map_or(Span::at(0), |at| self.tokens[at].span)
    }

    /// The sign of a `++` or `--` just before the next token.
    fn doubled_sign(&self) -> Option<(&'static str, Span)> {
        let [first, second] = self.tokens.get(self.at.checked_sub(2)?..self.at)? else {
            return None;
        };
        let sign = matches!(first.token, Token::Plus | Token::Minus);
        let same = first.token == second.token && first.span.end == second.span.start;
        let span = first.span.join(second.span);
        first.token.text().filter(|_| sign && same).map(|text| (text, span))
    }
}
