//! Where spaces stand between the tokens of a line, for the formatter.
//!
//! Binary operators have spaces around them, but for `**` and, beside sums, for products of names, their elements and
//! numbers; signs, calls, indices, slices and keyword arguments have none. Which bracket and which operator a token
//! belongs to is found in one walk.

use hotloop_source::Source;

use crate::token::{Lexeme, Token};

/// A token with what it is worth to the formatter.
pub(crate) struct Spaced<'a> {
    pub token: Token,
    pub text: &'a str,
    /// Whether a space stands before it, unless it is the first of its line.
    pub space: bool,
}

/// How a token stands to its neighbors.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Role {
    /// A sign before its operand.
    Prefix,
    /// Between two operands, with spaces.
    Infix,
    /// Between two operands, without spaces.
    Tight,
    /// Follows what stands before it without a space, with one behind it.
    Trailing,
    /// Anything else.
    Plain,
}

/// What a bracket is for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Inside {
    Attribute,
    Parentheses,
    Brackets,
    Braces,
}

/// The operators that are waiting for the end of their expression.
struct Group {
    inside: Inside,
    /// The products of the term at hand.
    products: Vec<usize>,
    /// Whether that term has names, their elements and numbers only.
    is_simple: bool,
    /// The products of the terms before it that have.
    simple: Vec<usize>,
    has_sum: bool,
}

impl Group {
    fn new(inside: Inside) -> Group {
        Group { inside, products: Vec::new(), is_simple: true, simple: Vec::new(), has_sum: false }
    }

    fn end_term(&mut self) {
        if std::mem::replace(&mut self.is_simple, true) {
            self.simple.append(&mut self.products);
        }
        self.products.clear();
    }
}

/// The tokens of a text with the spaces between them.
pub(crate) fn spaced<'a>(source: &'a Source, tokens: &[Lexeme]) -> Vec<Spaced<'a>> {
    let roles = Walk::new(tokens).roles();
    let spaced = |(at, lexeme): (usize, &Lexeme)| {
        let before = at.checked_sub(1).map(|before| (tokens[before].token, roles[before]));
        let space = before.is_some_and(|before| is_apart(before, (lexeme.token, roles[at])));
        Spaced { token: lexeme.token, text: source.slice(lexeme.span), space }
    };
    tokens.iter().enumerate().map(spaced).collect()
}

/// Whether a space stands between two tokens.
fn is_apart((before, before_role): (Token, Role), (token, role): (Token, Role)) -> bool {
    let opens = |token| matches!(token, Token::OpenParen | Token::OpenBracket);
    let is_operand_end = matches!(before, Token::Name | Token::CloseParen | Token::CloseBracket);
    match (before, token) {
        (Token::OpenBrace, Token::CloseBrace) => false,
        (Token::OpenBrace, _) | (_, Token::CloseBrace) => true,
        (Token::Number, Token::Dot) => true,
        (Token::Dot, _) | (_, Token::Dot | Token::CloseParen | Token::CloseBracket) => false,
        (Token::Comma | Token::Semicolon, _) => true,
        // Two signs in a row would read as another operator.
        (before, token) if before_role == Role::Prefix => before == token,
        (before, _) if opens(before) => false,
        (_, token) if opens(token) && is_operand_end => false,
        (_, _) if matches!(role, Role::Tight | Role::Trailing) || before_role == Role::Tight => false,
        (_, _) => true,
    }
}

struct Walk<'t> {
    tokens: &'t [Lexeme],
    roles: Vec<Role>,
    groups: Vec<Group>,
}

impl<'t> Walk<'t> {
    fn new(tokens: &'t [Lexeme]) -> Walk<'t> {
        Walk { tokens, roles: Vec::with_capacity(tokens.len()), groups: vec![Group::new(Inside::Braces)] }
    }

    fn roles(mut self) -> Vec<Role> {
        for at in 0..self.tokens.len() {
            let role = self.take(at);
            self.roles.push(role);
        }
        while !self.groups.is_empty() {
            self.end_expression();
            self.groups.pop();
        }
        self.roles
    }

    fn take(&mut self, at: usize) -> Role {
        let token = self.tokens[at].token;
        let inside = self.groups.last().map_or(Inside::Braces, |group| group.inside);
        match token {
            Token::OpenParen | Token::OpenBracket | Token::OpenBrace => {
                self.open(at, token);
                Role::Plain
            }
            Token::CloseParen | Token::CloseBracket | Token::CloseBrace => {
                self.end_expression();
                if self.groups.len() > 1 {
                    self.groups.pop();
                }
                Role::Plain
            }
            Token::Plus | Token::Minus | Token::At if !self.is_after_operand(at) => self.prefix(at),
            Token::Tilde | Token::Bang => self.prefix(at),
            Token::Plus | Token::Minus => self.sum(),
            Token::Star | Token::Slash | Token::FloorDiv | Token::Percent | Token::At => self.product(at),
            Token::Pow => Role::Tight,
            Token::Comma | Token::Semicolon => {
                self.end_expression();
                Role::Trailing
            }
            Token::Colon => {
                self.bound(inside);
                if inside == Inside::Brackets { Role::Tight } else { Role::Trailing }
            }
            Token::Eq => {
                self.end_expression();
                if inside == Inside::Parentheses { Role::Tight } else { Role::Infix }
            }
            Token::Newline => {
                if !matches!(inside, Inside::Parentheses | Inside::Brackets) && !self.continues(at) {
                    self.end_expression();
                }
                Role::Plain
            }
            Token::Dot => {
                if let Some(group) = self.groups.last_mut() {
                    group.is_simple = false;
                }
                Role::Plain
            }
            Token::Name | Token::Number | Token::Text | Token::Ellipsis => Role::Plain,
            // Keywords, comparisons, assignments and bit operators hold together less than sums do.
            _ => {
                self.end_expression();
                Role::Infix
            }
        }
    }

    fn open(&mut self, at: usize, token: Token) {
        let before = |back: usize| at.checked_sub(back).map(|at| (self.tokens[at].token, self.roles[at]));
        let is_attribute = before(2) == Some((Token::At, Role::Prefix))
            && before(1).is_some_and(|(token, _)| token == Token::Name)
            && self.groups.last().is_some_and(|group| group.inside == Inside::Braces);
        let inside = match token {
            Token::OpenParen if is_attribute => Inside::Attribute,
            Token::OpenParen => Inside::Parentheses,
            Token::OpenBracket => Inside::Brackets,
            _ => Inside::Braces,
        };
        let is_index = inside == Inside::Brackets && self.is_after_operand(at);
        if let Some(group) = self.groups.last_mut() {
            group.is_simple &= is_index;
        }
        self.groups.push(Group::new(inside));
    }

    /// A sign behind the sign of a product would read as one operator with it.
    fn prefix(&mut self, at: usize) -> Role {
        if let Some(group) = self.groups.last_mut() {
            group.is_simple &= at.checked_sub(1).is_none_or(|before| group.products.last() != Some(&before));
        }
        Role::Prefix
    }

    /// The colon of a slice holds less together than what stands on its sides, which therefore is written as in a sum.
    fn bound(&mut self, inside: Inside) {
        let is_slice = inside == Inside::Brackets;
        if let Some(group) = self.groups.last_mut() {
            group.has_sum |= is_slice;
        }
        self.end_expression();
        if let Some(group) = self.groups.last_mut() {
            group.has_sum = is_slice;
        }
    }

    fn sum(&mut self) -> Role {
        if let Some(group) = self.groups.last_mut() {
            group.end_term();
            group.has_sum = true;
        }
        Role::Infix
    }

    fn product(&mut self, at: usize) -> Role {
        if let Some(group) = self.groups.last_mut() {
            group.products.push(at);
        }
        Role::Infix
    }

    /// Simple products beside sums lose their spaces.
    fn end_expression(&mut self) {
        let Some(group) = self.groups.last_mut() else { return };
        group.end_term();
        let simple = std::mem::take(&mut group.simple);
        if std::mem::take(&mut group.has_sum) {
            simple.into_iter().for_each(|at| self.roles[at] = Role::Tight);
        }
    }

    /// Whether an operand ends before a token, on its line or, where line breaks do not count, before it.
    fn is_after_operand(&self, at: usize) -> bool {
        let across = self.groups.last().is_some_and(|group| group.inside != Inside::Braces);
        let mut before = self.tokens[..at].iter().rev().map(|lexeme| lexeme.token);
        let last = if across { before.find(|token| *token != Token::Newline) } else { before.next() };
        matches!(
            last,
            Some(
                Token::Name
                    | Token::Number
                    | Token::Text
                    | Token::CloseParen
                    | Token::CloseBracket
                    | Token::CloseBrace
                    | Token::Ellipsis
            )
        )
    }

    fn continues(&self, at: usize) -> bool {
        let last = self.tokens[..at].iter().rev().map(|lexeme| lexeme.token).find(|token| *token != Token::Newline);
        last.is_some_and(Token::continues)
    }
}
