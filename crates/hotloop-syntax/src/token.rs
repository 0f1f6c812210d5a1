//! The tokens: one row each for keywords and signs, and the few that have many texts.
//!
//! Finding them in a text is the lexer's work.

use hotloop_source::Span;

macro_rules! tokens {
    (keywords { $($keyword:ident $word:literal,)* } signs { $($sign:ident $text:literal,)* }) => {
        /// The kinds of tokens.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Token {
            /// A name that is no keyword.
            Name,
            /// Anything that begins like a number, well formed or not.
            Number,
            /// A string in double quotes.
            Text,
            /// A line break that ends a statement.
            Newline,
            /// The end of the text.
            End,
            $($keyword,)*
            $($sign,)*
        }

        impl Token {
            /// The keyword with this text.
            pub(crate) fn keyword(text: &str) -> Option<Token> {
                match text { $($word => Some(Token::$keyword),)* _ => None }
            }

            /// The longest sign that a text begins with, and its length.
            pub(crate) fn sign(text: &[u8]) -> Option<(Token, usize)> {
                $(if text.starts_with($text.as_bytes()) { return Some((Token::$sign, $text.len())); })*
                None
            }

            /// The text of tokens that have only one.
            pub(crate) const fn text(self) -> Option<&'static str> {
                match self {
                    Token::Name | Token::Number | Token::Text | Token::Newline | Token::End => None,
                    $(Token::$keyword => Some($word),)*
                    $(Token::$sign => Some($text),)*
                }
            }

            #[cfg(test)]
            const SIGNS: &'static [(Token, &'static str)] = &[$((Token::$sign, $text),)*];
        }
    };
}

// Among signs that begin alike the longer one stands first.
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
        matches!(
            self,
            Token::CloseParen | Token::CloseBracket | Token::CloseBrace
        )
    }

    /// Whether a line that ends in this token goes on in the next one.
    pub(crate) const fn continues(self) -> bool {
        crate::parser::binary_op(self).is_some()
            || crate::parser::compare_op(self).is_some()
            || crate::parser::assign_op(self).is_some()
            || matches!(
                self,
                Token::Eq | Token::Comma | Token::Arrow | Token::Not | Token::Bang | Token::Tilde
            )
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
    use super::Token;

    #[test]
    fn every_sign_is_found_before_its_beginnings() {
        for (token, text) in Token::SIGNS {
            assert_eq!(Token::sign(text.as_bytes()), Some((*token, text.len())));
            assert_eq!(token.text(), Some(*text));
        }
    }
}
