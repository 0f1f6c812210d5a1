//! `Scan`: the little reader under the annotations of cases. It knows words, quotes and signs, and nothing of cases.

/// What is left of one annotation.
pub struct Scan<'a> {
    rest: &'a str,
}

impl<'a> Scan<'a> {
    /// Begins at the start of a text.
    pub fn new(text: &'a str) -> Scan<'a> {
        Scan { rest: text.trim_start() }
    }

    /// What is not read yet.
    pub fn rest(&self) -> &'a str {
        self.rest
    }

    /// Whether everything is read.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Whether a sign comes next.
    pub fn at(&self, sign: char) -> bool {
        self.rest.starts_with(sign)
    }

    /// Reads a sign if it comes next.
    pub fn take(&mut self, sign: char) -> bool {
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    /// Reads a sign that must come next.
    pub fn expect(&mut self, sign: char) -> Result<(), String> {
        if self.take(sign) { Ok(()) } else { Err(format!("expected `{sign}` at `{}`", self.rest)) }
    }

    /// Reads a word if it comes next.
    pub fn take_word(&mut self, word: &str) -> bool {
        let mut ahead = Scan { rest: self.rest };
        let found = ahead.word() == word;
        if found {
            self.rest = ahead.rest;
        }
        found
    }

    /// Reads up to the next space or sign; a word of nothing if a sign comes next.
    pub fn word(&mut self) -> String {
        let end = self.rest.find(|c: char| c.is_whitespace() || "[](),=:\"".contains(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        word.to_owned()
    }

    /// Reads the name of a formula, that is a word before a parenthesis.
    pub fn formula(&mut self) -> Option<String> {
        let mut ahead = Scan { rest: self.rest };
        let name = ahead.word();
        if name.is_empty() || !ahead.at('(') {
            return None;
        }
        self.rest = ahead.rest;
        Some(name)
    }

    /// Reads a text in double quotes; `\"` stands for a quote in it.
    pub fn quoted(&mut self) -> Result<String, String> {
        let wrong = format!("expected a text in quotes at `{}`", self.rest);
        let inner = self.rest.strip_prefix('"').ok_or(wrong.clone())?;
        let mut text = String::new();
        let mut chars = inner.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = inner[at + 1..].trim_start();
                    return Ok(text);
                }
                '\\' => text.extend(chars.next().map(|(_, c)| c)),
                _ => text.push(c),
            }
        }
        Err(wrong)
    }

    /// Everything that is left.
    pub fn line(&mut self) -> String {
        let line = self.rest.trim_end().to_owned();
        self.rest = "";
        line
    }
}
