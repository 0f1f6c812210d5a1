//! From characters to tokens, in one loop without recursion.
//!
//! Spaces and comments end here. Which line breaks count, and whether brackets match, is decided in `layout`; what a
//! number is worth in `number`.

use std::sync::Arc;

use hotloop_source::Span;

use crate::errors::{self, Sink};
use crate::limits::Limits;
use crate::number;
use crate::token::{Lexeme, Token};

/// The tokens of a text, ended by `End`. Stops early where a limit is exceeded.
pub(crate) fn lex(text: &str, limits: &Limits, diags: &mut Sink) -> Vec<Lexeme> {
    let allowed = limits.text_bytes.min(u32::MAX as usize / 2);
    if text.len() > allowed {
        diags.push(errors::text_too_long(text.len(), allowed));
        return vec![Lexeme {
            token: Token::End,
            span: Span::at(0),
        }];
    }
    let mut lexer = Lexer {
        text,
        at: 0,
        limits,
        diags,
    };
    lexer.run()
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    limits: &'a Limits,
    diags: &'a mut Sink,
}

impl Lexer<'_> {
    fn run(&mut self) -> Vec<Lexeme> {
        let mut out = Vec::new();
        self.skip_blank();
        while self.at < self.text.len() {
            let from = self.at;
            if let Some(token) = self.token() {
                out.push(Lexeme {
                    token,
                    span: Span::from_range(from..self.at),
                });
            }
            if out.len() >= self.limits.tokens {
                self.diags
                    .push(errors::too_many_tokens(self.span(from), self.limits.tokens));
                break;
            }
            if self.diags.is_full() {
                break;
            }
            self.skip_blank();
        }
        out.push(Lexeme {
            token: Token::End,
            span: Span::from_range(self.at..self.at),
        });
        out
    }

    /// Takes the next token; none where there was only something to complain about.
    fn token(&mut self) -> Option<Token> {
        let rest = &self.text[self.at..];
        let first = rest.chars().next()?;
        if first == '\n' {
            self.at += 1;
            return Some(Token::Newline);
        }
        if is_name_start(first) {
            self.at += name_length(rest);
            return Some(Token::keyword(&rest[..name_length(rest)]).unwrap_or(Token::Name));
        }
        let length = number::length(rest);
        if length > 0 {
            self.at += length;
            return Some(Token::Number);
        }
        if let Some((token, length)) = Token::sign(rest.as_bytes()) {
            self.at += length;
            return Some(token);
        }
        if first == '"' || first == '\'' {
            return Some(self.quoted(first));
        }
        self.unknown(first);
        None
    }

    /// A string; one that does not end or has single quotes is still taken as one.
    fn quoted(&mut self, quote: char) -> Token {
        let from = self.at;
        let inside = self.text[from + 1..]
            .split(['\n', quote])
            .next()
            .unwrap_or("");
        self.at += 1 + inside.len();
        if self.text[self.at..].starts_with(quote) {
            self.at += 1;
        } else {
            self.diags.push(errors::unended_string(self.span(from)));
        }
        if quote == '\'' {
            self.diags
                .push(errors::single_quotes(self.span(from), inside));
        }
        Token::Text
    }

    /// A run of the same character that means nothing.
    fn unknown(&mut self, first: char) {
        let from = self.at;
        let rest = &self.text[from..];
        self.at += rest.len() - rest.trim_start_matches(first).len();
        self.diags
            .push(errors::unknown_character(self.span(from), first));
    }

    /// Passes spaces and comments, not line breaks.
    fn skip_blank(&mut self) {
        if self.at == 0 && self.text.starts_with('\u{FEFF}') {
            self.at = '\u{FEFF}'.len_utf8();
        }
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            match byte {
                b' ' | b'\t' | b'\r' | 0x0C => self.at += 1,
                b'#' => {
                    let line = bytes[self.at..].iter().position(|byte| *byte == b'\n');
                    self.at = line.map_or(bytes.len(), |length| self.at + length);
                }
                _ => break,
            }
        }
    }

    fn span(&self, from: usize) -> Span {
        Span::from_range(from..self.at)
    }
}

/// Whether a name can begin with this character.
pub(crate) fn is_name_start(c: char) -> bool {
    c == '_' || c.is_ascii_alphabetic() || (!c.is_ascii() && c.is_alphabetic())
}

/// Whether a name can go on with this character.
pub(crate) fn is_name_part(c: char) -> bool {
    c == '_' || c.is_ascii_alphanumeric() || (!c.is_ascii() && c.is_alphanumeric())
}

/// The bytes of the characters at the beginning of a text that can be part of a name.
pub(crate) fn name_length(text: &str) -> usize {
    text.find(|c| !is_name_part(c)).unwrap_or(text.len())
}

/// The text between the quotes of a string token.
pub(crate) fn unquoted(text: &str) -> Arc<str> {
    text.trim_matches(['"', '\'']).into()
}

#[cfg(test)]
mod tests {
    use super::lex;
    use crate::errors::Sink;
    use crate::limits::Limits;

    fn check(text: &str, expect: &str) {
        let mut diags = Sink::new(100);
        let tokens = lex(text, &Limits::DEFAULT, &mut diags);
        let shown: Vec<_> = tokens
            .iter()
            .map(|lexeme| &text[lexeme.span.range()])
            .collect();
        let codes: Vec<_> = diags.into_vec().iter().map(|diag| diag.code).collect();
        let mut all = shown[..shown.len() - 1].to_vec();
        all.extend(codes);
        assert_eq!(all.join(" "), expect, "{text:?}");
    }

    #[test]
    fn tokens_are_the_longest() {
        check("a**b**=c*=d", "a ** b **= c *= d");
        check("a<<=b<=c<d", "a <<= b <= c < d");
        check("x->y-=-1", "x -> y -= - 1");
        check("a...b.c", "a ... b . c");
    }

    #[test]
    fn numbers_end_where_they_should() {
        check(
            "1.5 .5 1. 1e-9 4.0e-9 2j 0x1.8p3f32",
            "1.5 .5 1. 1e-9 4.0e-9 2j 0x1.8p3f32",
        );
        check("a[0]...", "a [ 0 ] ...");
        check("1...2", "1 ... 2");
        check(
            "0xFFu8 0b1_0i32 1_000 3f32 2x",
            "0xFFu8 0b1_0i32 1_000 3f32 2x",
        );
        check("1e+x", "1e + x");
        check("0x1p-3+1", "0x1p-3 + 1");
    }

    #[test]
    fn names_may_use_any_letters() {
        check("σ1 _x été", "σ1 _x été");
    }

    #[test]
    fn comments_and_spaces_vanish() {
        check("\u{FEFF}a # b\r\n\tc#", "a \n c");
    }

    #[test]
    fn complaints() {
        check("a $$ b", "a b E0010");
        check("\"abc\nx", "\"abc \n x E0011");
        check("'abc'", "'abc' E0012");
        check("a \u{2212} b", "a b E0010");
    }
}
