//! One line of the text form as words, and a cursor that takes what it expects.

use super::ReadError;
use crate::types::{Class, Scalar, Type};
use hotloop_source::Span;

/// A piece of a line.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'a> {
    /// A run of letters, digits and other signs.
    Word(&'a str),
    /// One of `[ ] { } , = + *`.
    Sign(char),
    /// A quoted text, its escapes resolved.
    Text(String),
}

const SIGNS: &str = "[]{},=+*";

/// A line and how far it has been read.
#[derive(Clone, Debug)]
pub(super) struct Line<'a> {
    number: usize,
    tokens: Vec<Token<'a>>,
    next: usize,
}

impl<'a> Line<'a> {
    /// Cuts a line into tokens.
    pub(super) fn new(number: usize, text: &'a str) -> Result<Line<'a>, ReadError> {
        let mut line = Line { number, tokens: Vec::new(), next: 0 };
        let mut rest = text.trim();
        while let Some(first) = rest.chars().next() {
            if first == '"' {
                let (text, after) = quoted(&rest[1..]).ok_or_else(|| line.error("a quoted text does not end"))?;
                line.tokens.push(Token::Text(text));
                rest = after;
            } else if SIGNS.contains(first) {
                line.tokens.push(Token::Sign(first));
                rest = &rest[1..];
            } else {
                let end = rest.find(|c: char| c.is_whitespace() || c == '"' || SIGNS.contains(c)).unwrap_or(rest.len());
                line.tokens.push(Token::Word(&rest[..end]));
                rest = &rest[end..];
            }
            rest = rest.trim_start();
        }
        Ok(line)
    }

    pub(super) fn error(&self, message: impl Into<String>) -> ReadError {
        ReadError { line: self.number, message: message.into() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Whether these are all the tokens of the line.
    pub(super) fn is(&self, tokens: &[Token<'_>]) -> bool {
        self.tokens == tokens
    }

    /// The next word, without taking it.
    pub(super) fn peek(&self) -> Option<&'a str> {
        match self.tokens.get(self.next) {
            Some(Token::Word(word)) => Some(word),
            Some(Token::Sign(_) | Token::Text(_)) | None => None,
        }
    }

    /// Takes a word.
    pub(super) fn word(&mut self) -> Result<&'a str, ReadError> {
        let word = self.peek().ok_or_else(|| self.error("a word is missing"))?;
        self.next += 1;
        Ok(word)
    }

    /// Takes this word if it comes next.
    pub(super) fn accept(&mut self, word: &str) -> bool {
        let found = self.peek() == Some(word);
        self.next += usize::from(found);
        found
    }

    /// Takes this word.
    pub(super) fn expect(&mut self, word: &str) -> Result<(), ReadError> {
        if self.accept(word) { Ok(()) } else { Err(self.error(format!("`{word}` is missing"))) }
    }

    /// Takes this sign if it comes next.
    pub(super) fn accept_sign(&mut self, sign: char) -> bool {
        let found = self.tokens.get(self.next) == Some(&Token::Sign(sign));
        self.next += usize::from(found);
        found
    }

    /// Takes this sign.
    pub(super) fn sign(&mut self, sign: char) -> Result<(), ReadError> {
        if self.accept_sign(sign) { Ok(()) } else { Err(self.error(format!("`{sign}` is missing"))) }
    }

    /// Takes a quoted text; nothing stands for an empty one.
    pub(super) fn text(&mut self) -> String {
        match self.tokens.get(self.next) {
            Some(Token::Text(text)) => {
                self.next += 1;
                text.clone()
            }
            Some(Token::Sign(_) | Token::Word(_)) | None => String::new(),
        }
    }

    /// Nothing may follow.
    pub(super) fn end(&self) -> Result<(), ReadError> {
        if self.next == self.tokens.len() { Ok(()) } else { Err(self.error("something follows the end of the line")) }
    }

    /// Takes a word and makes something of it.
    pub(super) fn parse<T>(&mut self, what: &str, make: impl FnOnce(&str) -> Option<T>) -> Result<T, ReadError> {
        let word = self.word()?;
        make(word).ok_or_else(|| self.error(format!("`{word}` is not {what}")))
    }

    /// Takes a number.
    pub(super) fn number<T: std::str::FromStr>(&mut self) -> Result<T, ReadError> {
        self.parse("a number in range", |word| word.parse().ok())
    }

    /// Takes a handle such as `a3`.
    pub(super) fn handle(&mut self, prefix: char) -> Result<u32, ReadError> {
        self.parse(&format!("a handle `{prefix}…`"), |word| handle(word, prefix))
    }

    /// Takes the handle of the next item of a list that has `len`.
    pub(super) fn next_handle(&mut self, prefix: char, len: usize) -> Result<(), ReadError> {
        let found = self.handle(prefix)?;
        if found as usize == len { Ok(()) } else { Err(self.error(format!("`{prefix}{len}` should come next"))) }
    }

    /// Takes the name of a type.
    pub(super) fn ty(&mut self) -> Result<Type, ReadError> {
        self.parse("a type", Type::from_name)
    }

    /// Takes a list in brackets.
    pub(super) fn bracketed<T>(
        &mut self,
        mut item: impl FnMut(&mut Line<'a>) -> Result<T, ReadError>,
    ) -> Result<Vec<T>, ReadError> {
        self.sign('[')?;
        let mut items = Vec::new();
        if self.accept_sign(']') {
            return Ok(items);
        }
        loop {
            items.push(item(self)?);
            if self.accept_sign(']') {
                return Ok(items);
            }
            self.sign(',')?;
        }
    }

    /// Takes a place in the source; nothing stands for none.
    pub(super) fn span(&mut self) -> Result<Span, ReadError> {
        if !self.peek().is_some_and(|word| word.starts_with('@')) {
            return Ok(Span::DETACHED);
        }
        self.parse("a span", |word| {
            let (start, end) = word.strip_prefix('@')?.split_once("..")?;
            Some(Span::new(start.parse().ok()?, end.parse().ok()?))
        })
    }

    /// Takes a typed constant.
    pub(super) fn scalar(&mut self) -> Result<Scalar, ReadError> {
        self.parse("a constant", scalar)
    }
}

/// The number of a handle.
pub(super) fn handle(word: &str, prefix: char) -> Option<u32> {
    let digits = word.strip_prefix(prefix)?;
    if digits.starts_with('+') { None } else { digits.parse().ok() }
}

/// The text up to the closing quote, and what follows it.
fn quoted(rest: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut chars = rest.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((text, &rest[at + 1..])),
            '\\' => text.push(escape(&mut chars)?),
            _ => text.push(c),
        }
    }
    None
}

/// What follows a backslash, as Rust's debug form writes it.
fn escape(chars: &mut std::str::CharIndices<'_>) -> Option<char> {
    match chars.next()?.1 {
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        '0' => Some('\0'),
        'u' => {
            let digits: String = chars.map(|(_, c)| c).skip_while(|c| *c == '{').take_while(|c| *c != '}').collect();
            char::from_u32(u32::from_str_radix(&digits, 16).ok()?)
        }
        c => Some(c),
    }
}

/// A constant as `Scalar` prints it.
fn scalar(word: &str) -> Option<Scalar> {
    if word == "true" || word == "false" {
        return Some(Scalar::bool(word == "true"));
    }
    let ty = *Type::ALL.iter().find(|ty| word.ends_with(ty.name()))?;
    let digits = word.strip_suffix(ty.name())?;
    if let Some(bits) = digits.strip_prefix("nan:0x") {
        let scalar = Scalar::new(ty, u64::from_str_radix(bits, 16).ok()?);
        return scalar.is_nan().then_some(scalar);
    }
    match ty.class() {
        Class::Float if ty == Type::F32 => digits.parse().ok().filter(|x: &f32| !x.is_nan()).map(Scalar::f32),
        Class::Float => digits.parse().ok().filter(|x: &f64| !x.is_nan()).map(Scalar::f64),
        Class::Signed | Class::Unsigned => {
            let value: i128 = digits.parse().ok()?;
            let scalar = Scalar::int(ty, value);
            (scalar.as_i128() == value).then_some(scalar)
        }
        Class::Half => digits.parse().ok().map(|value: f64| Scalar::half(ty, value)),
        Class::Bool | Class::Complex => None,
    }
}
