//! From characters to tokens: drives the machine of `token` over a text, under limits, and complains.
//!
//! Which line breaks count, and whether brackets match, is decided in `layout`; what a number is worth in `number`.

use std::sync::Arc;

use hotloop_source::Span;
use logos::{Lexer, Logos};

use crate::errors::{self, Sink};
use crate::limits::Limits;
use crate::token::{Lexeme, Token};

/// The tokens of a text, ended by `End`. Stops early where a limit is exceeded.
pub(crate) fn lex(text: &str, limits: &Limits, diags: &mut Sink) -> Vec<Lexeme> {
    let allowed = limits.text_bytes.min(u32::MAX as usize / 2);
    if text.len() > allowed {
        diags.push(errors::text_too_long(text.len(), allowed));
        return vec![Lexeme { token: Token::End, span: Span::at(0) }];
    }
    let mut lexer = Token::lexer(text);
    if text.starts_with(BYTE_ORDER_MARK) {
        lexer.bump(BYTE_ORDER_MARK.len_utf8());
    }
    let mut out = take_all(&mut lexer, limits, diags);
    name_variances(&mut out);
    out.push(Lexeme { token: Token::End, span: Span::at(lexer.span().end as u32) });
    out
}

/// The variance bears the name of a keyword: `var(` is a call, since no declaration has a bracket there.
fn name_variances(tokens: &mut [Lexeme]) {
    for at in 1..tokens.len() {
        if tokens[at].token == Token::OpenParen && tokens[at - 1].token == Token::Var {
            tokens[at - 1].token = Token::Name;
        }
    }
}

/// Some editors begin a text with this; only there it is nothing.
const BYTE_ORDER_MARK: char = '\u{FEFF}';

/// The tokens before the end, as far as the limits let it come.
fn take_all(lexer: &mut Lexer<Token>, limits: &Limits, diags: &mut Sink) -> Vec<Lexeme> {
    let mut out = Vec::new();
    while let Some(found) = lexer.next() {
        match found {
            Ok(token) => {
                if token == Token::Text {
                    check_quotes(lexer, diags);
                }
                out.push(Lexeme { token, span: span(lexer) });
            }
            Err(()) => unknown(lexer, diags),
        }
        if out.len() >= limits.tokens {
            diags.push(errors::too_many_tokens(span(lexer), limits.tokens));
            break;
        }
        if diags.is_full() {
            break;
        }
    }
    out
}

/// Complains about a string that does not end or has single quotes.
fn check_quotes(lexer: &Lexer<Token>, diags: &mut Sink) {
    let quote = if lexer.slice().starts_with('\'') { '\'' } else { '"' };
    let inside = &lexer.slice()[1..];
    if !inside.ends_with(quote) {
        diags.push(errors::unended_string(span(lexer)));
    }
    if quote == '\'' {
        let inside = inside.trim_end_matches(quote);
        diags.push(errors::single_quotes(span(lexer), inside));
    }
}

/// Complains about a character that means nothing, once for a run of it.
fn unknown(lexer: &mut Lexer<Token>, diags: &mut Sink) {
    if let Some(first) = lexer.slice().chars().next() {
        let rest = lexer.remainder();
        lexer.bump(rest.len() - rest.trim_start_matches(first).len());
        diags.push(errors::unknown_character(span(lexer), first));
    }
}

fn span(lexer: &Lexer<Token>) -> Span {
    Span::from_range(lexer.span())
}

/// The text between the quotes of a string token.
pub(crate) fn unquoted(text: &str) -> Arc<str> {
    text.trim_matches(['"', '\'']).into()
}

#[cfg(test)]
mod tests {
    use hotloop_source::Span;

    use super::{BYTE_ORDER_MARK, lex};
    use crate::errors::Sink;
    use crate::limits::Limits;

    fn check(text: &str, expect: &str) {
        let mut diags = Sink::new(100);
        let tokens = lex(text, &Limits::DEFAULT, &mut diags);
        let shown: Vec<_> = tokens.iter().map(|lexeme| &text[lexeme.span.range()]).collect();
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
        check("1.5 .5 1. 1e-9 4.0e-9 2j 0x1.8p3f32", "1.5 .5 1. 1e-9 4.0e-9 2j 0x1.8p3f32");
        check("a[0]...", "a [ 0 ] ...");
        check("1...2", "1 ... 2");
        check("0xFFu8 0b1_0i32 1_000 3f32 2x", "0xFFu8 0b1_0i32 1_000 3f32 2x");
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
    fn runs_beyond_ascii_are_one_name_or_one_complaint() {
        for c in ('\u{80}'..=char::MAX).filter(|c| *c != BYTE_ORDER_MARK) {
            let text = format!("{c}{c}");
            let mut diags = Sink::new(100);
            let tokens = lex(&text, &Limits::DEFAULT, &mut diags);
            let diags = diags.into_vec();
            let all = Span::from_range(0..text.len());
            match &diags[..] {
                [] => assert!(tokens.len() == 2 && tokens[0].span == all, "{c:?}"),
                [diag] => assert!(tokens.len() == 1 && diag.span == all, "{c:?}"),
                more => panic!("{c:?}: {more:?}"),
            }
        }
    }

    #[test]
    fn long_runs_take_no_stack() {
        let run = || {
            for unit in ["a", "\u{E9}", "1", "1_", " ", "\t\r", "#", "# \u{E9}", "\"", "\"a", "'b", "$", "\u{2212}"] {
                let text = unit.repeat((1 << 20) / unit.len());
                let tokens = lex(&text, &Limits::DEFAULT, &mut Sink::new(100));
                let end = tokens[tokens.len() - 1].span.end as usize;
                assert!(end == text.len() || unit.starts_with(['"', '\'']), "{unit}");
            }
        };
        let thread = std::thread::Builder::new().stack_size(1 << 18).spawn(run);
        thread.expect("a thread").join().expect("no panic");
    }

    #[test]
    fn complaints() {
        check("a $$ b", "a b E0010");
        check("\"abc\nx", "\"abc \n x E0011");
        check("'abc'", "'abc' E0012");
        check("a \u{2212} b", "a b E0010");
    }
}
