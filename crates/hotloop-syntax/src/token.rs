//! The tokens: one row each for keywords and signs, and the few that have many texts.
//!
//! `logos` makes of this table the machine that finds the longest token, spaces and comments passed over; walking a
//! text with it, and what is wrong there, is the lexer's work.

use hotloop_source::Span;
use logos::{Lexer, Logos};

use crate::number;

macro_rules! tokens {
    (keywords { $($keyword:ident $word:literal,)* } signs { $($sign:ident $text:literal,)* }) => {
        /// The kinds of tokens.
        #[derive(Clone, Copy, Debug, Logos, PartialEq, Eq)]
        #[logos(skip r"[ \t\r\f]+")]
        // A comment may well be the whole rest of a text; it is read once.
        #[logos(skip(r"#[^\n]*", allow_greedy = true))]
        pub(crate) enum Token {
            /// A name that is no keyword.
            #[regex(r"[_\p{Alphabetic}][_\p{Alphabetic}\p{Number}]*")]
            Name,
            /// Anything that begins like a number, well formed or not.
            #[regex(r"\.?[0-9]", whole_number)]
            Number,
            /// A string; one in single quotes or without its end is taken as well, for the lexer to complain about.
            #[regex(r#""[^"\n]*"?"#)]
            #[regex(r"'[^'\n]*'?")]
            Text,
            /// A line break that ends a statement.
            #[token("\n")]
            Newline,
            /// The end of the text, which has no characters.
            End,
            $(#[token($word)] $keyword,)*
            $(#[token($text)] $sign,)*
        }

        impl Token {
            /// The text of tokens that have only one.
            pub(crate) const fn text(self) -> Option<&'static str> {
                match self {
                    Token::Name | Token::Number | Token::Text | Token::Newline | Token::End => None,
                    $(Token::$keyword => Some($word),)*
                    $(Token::$sign => Some($text),)*
                }
            }

            /// The words of the language.
            pub(crate) const KEYWORDS: &'static [&'static str] = &[$($word),*];

            #[cfg(test)]
            const FIXED: &'static [(Token, &'static str)] =
                &[$((Token::$keyword, $word),)* $((Token::$sign, $text),)*];
        }
    };
}

tokens! {
    keywords {
        Fn "fn", Kernel "kernel", Let "let", Var "var", If "if", Then "then", Else "else", While "while", For "for",
        In "in", Break "break", Continue "continue", Return "return", Or "or", And "and", Not "not", Mut "mut",
    }
    signs {
        Ellipsis "...", Dot ".",
        PowEq "**=", Pow "**", StarEq "*=", Star "*",
        FloorDivEq "//=", FloorDiv "//", SlashEq "/=", Slash "/",
        ShlEq "<<=", Shl "<<", Le "<=", Lt "<",
        ShrEq ">>=", Shr ">>", Ge ">=", Gt ">",
        PlusEq "+=", Plus "+", Arrow "->", MinusEq "-=", Minus "-",
        PercentEq "%=", Percent "%",
        OrSign "||", BarEq "|=", Bar "|", AndSign "&&", AmpEq "&=", Amp "&", CaretEq "^=", Caret "^",
        EqEq "==", Eq "=", Ne "!=", Bang "!",
        Tilde "~", At "@", Comma ",", Colon ":", Semicolon ";", Question "?",
        OpenParen "(", CloseParen ")", OpenBracket "[", CloseBracket "]", OpenBrace "{", CloseBrace "}",
    }
}

/// Goes on from the first digit to the end of the number.
fn whole_number(lexer: &mut Lexer<Token>) {
    let length = number::length(&lexer.source()[lexer.span().start..]);
    lexer.bump(length - lexer.slice().len());
}

/// A token and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lexeme {
    pub token: Token,
    pub span: Span,
}

impl Token {
    /// The closing bracket that belongs to an opening one.
    pub(crate) const fn closer(self) -> Option<Token> {
        match self {
            Token::OpenParen => Some(Token::CloseParen),
            Token::OpenBracket => Some(Token::CloseBracket),
            Token::OpenBrace => Some(Token::CloseBrace),
            _ => None,
        }
    }

    /// Whether this is a closing bracket.
    pub(crate) const fn is_closer(self) -> bool {
        matches!(self, Token::CloseParen | Token::CloseBracket | Token::CloseBrace)
    }

    /// Whether a line that ends in this token goes on in the next one.
    pub(crate) const fn continues(self) -> bool {
        crate::parser::binary_op(self).is_some()
            || crate::parser::compare_op(self).is_some()
            || crate::parser::assign_op(self).is_some()
            || matches!(self, Token::Eq | Token::Comma | Token::Arrow | Token::Not | Token::Bang | Token::Tilde)
    }

    /// Whether only a statement can begin with this token.
    pub(crate) const fn begins_statement(self) -> bool {
        matches!(
            self,
            Token::Fn
                | Token::Kernel
                | Token::Let
                | Token::Var
                | Token::While
                | Token::For
                | Token::Break
                | Token::Continue
                | Token::Return
        )
    }
}

#[cfg(test)]
mod tests {
    use logos::Logos;

    use super::Token;

    #[test]
    fn every_fixed_text_is_found_before_its_beginnings() {
        for (token, text) in Token::FIXED {
            let mut lexer = Token::lexer(text);
            assert_eq!(lexer.next(), Some(Ok(*token)));
            assert_eq!(lexer.slice(), *text);
            assert_eq!(token.text(), Some(*text));
        }
    }

    #[test]
    fn keywords_end_where_names_do() {
        for text in ["fnx", "fn1", "fn_", "fn\u{E9}", "\u{E9}fn", "Fn"] {
            let mut lexer = Token::lexer(text);
            assert_eq!(lexer.next(), Some(Ok(Token::Name)), "{text}");
            assert_eq!(lexer.slice(), text);
        }
    }
}
