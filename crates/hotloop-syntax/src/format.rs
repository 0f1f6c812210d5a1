//! The one layout of a text: the same tokens and comments, with canonical indentation and spaces.
//!
//! Line breaks are the author's, as are comments; indentation, the spaces between tokens, empty lines and semicolons at
//! the ends of lines are not. Works on tokens, so that what a text says cannot change; `print` is the form made of trees.

use hotloop_source::{Diagnostic, Source};

use crate::errors::Sink;
use crate::lexer;
use crate::limits::Limits;
use crate::parser::parse_file;
use crate::print::print_file;
use crate::spacing::{Spaced, spaced};
use crate::token::{Lexeme, Token};

/// Why a text was not formatted.
#[derive(Clone, Debug)]
pub enum FormatError {
    /// It is wrong: its layout is not known before its structure is.
    Wrong(Vec<Diagnostic>),
    /// Formatting would have changed what it says, which is a mistake of ours.
    Changed,
}

/// The text in its one layout. Formatting that again changes nothing.
pub fn format(source: &Source, limits: &Limits) -> Result<String, FormatError> {
    let (before, diags) = parse_file(source, limits);
    if diags.iter().any(Diagnostic::is_error) {
        return Err(FormatError::Wrong(diags));
    }
    let tokens = lexer::lex(source.text(), limits, &mut Sink::new(limits.errors));
    let text = Writer::default().text(&lines(source, &tokens));
    let (after, _) = parse_file(&Source::new(source.name(), text.as_str()), limits);
    if print_file(&before) == print_file(&after) { Ok(text) } else { Err(FormatError::Changed) }
}

/// A line of the text: its tokens, and the comment behind them.
#[derive(Default)]
struct Line<'a> {
    tokens: Vec<Spaced<'a>>,
    /// Without the `#`.
    comment: Option<&'a str>,
    /// How many spaces stand before it; more than two line it up with others.
    gap: usize,
}

/// Takes a text apart into lines. Comments are what stands between tokens and is no space.
fn lines<'a>(source: &'a Source, tokens: &[Lexeme]) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    let mut line = Line::default();
    let mut end = 0;
    for (lexeme, spaced) in tokens.iter().zip(spaced(source, tokens)) {
        let between = &source.text()[end..lexeme.span.start as usize];
        if let Some((before, comment)) = between.split_once('#') {
            line.comment = Some(comment.trim_end());
            line.gap = if before.bytes().all(|byte| byte == b' ') { before.len().max(2) } else { 2 };
        }
        end = lexeme.span.end as usize;
        if matches!(lexeme.token, Token::Newline | Token::End) {
            drop_semicolons(&mut line.tokens);
            lines.push(std::mem::take(&mut line));
        } else {
            line.tokens.push(spaced);
        }
    }
    lines
}

/// Semicolons that separate nothing: at the end of a line or a block, or before another.
fn drop_semicolons(tokens: &mut Vec<Spaced<'_>>) {
    let is_end =
        |next: Option<&Spaced<'_>>| next.is_none_or(|next| matches!(next.token, Token::Semicolon | Token::CloseBrace));
    let useless: Vec<bool> =
        (0..tokens.len()).map(|at| tokens[at].token == Token::Semicolon && is_end(tokens.get(at + 1))).collect();
    let mut at = 0;
    tokens.retain(|_| {
        at += 1;
        !useless[at - 1]
    });
}

/// A bracket that is open, with what it adds to the indentation of the lines inside.
struct Open {
    is_brace: bool,
    adds: usize,
}

#[derive(Default)]
struct Writer {
    out: String,
    open: Vec<Open>,
    /// The last token of the line before.
    last: Option<Token>,
    /// Empty lines that are not written yet.
    empty: usize,
}

impl Writer {
    fn text(mut self, lines: &[Line<'_>]) -> String {
        for line in lines {
            if line.tokens.is_empty() && line.comment.is_none() {
                self.empty += 1;
            } else {
                self.line(line);
            }
        }
        self.out
    }

    fn line(&mut self, line: &Line<'_>) {
        let closers = line.tokens.iter().take_while(|spaced| spaced.token.is_closer()).count();
        self.empty_lines(closers > 0);
        let goes_on = usize::from(self.goes_on(line));
        self.open.truncate(self.open.len().saturating_sub(closers));
        let indent = self.open.iter().map(|open| open.adds).sum::<usize>() + goes_on;
        self.out.extend(std::iter::repeat_n(' ', 4 * indent));
        for (at, spaced) in line.tokens.iter().enumerate() {
            if at > 0 && spaced.space {
                self.out.push(' ');
            }
            self.out.push_str(spaced.text);
        }
        if let Some(comment) = line.comment {
            let gap = if line.tokens.is_empty() { 0 } else { line.gap };
            self.out.extend(std::iter::repeat_n(' ', gap));
            self.out.push('#');
            self.out.push_str(comment);
        }
        self.out.push('\n');
        self.brackets(&line.tokens[closers..]);
        self.last = line.tokens.last().map(|spaced| spaced.token).or(self.last);
    }

    /// At most two between items and one inside of them; none at the edges of a block or of the text.
    fn empty_lines(&mut self, closes: bool) {
        let most = if self.open.is_empty() { 2 } else { 1 };
        let edge = closes || self.out.is_empty() || self.last == Some(Token::OpenBrace) && self.out.ends_with("{\n");
        let count = if edge { 0 } else { self.empty.min(most) };
        self.out.extend(std::iter::repeat_n('\n', count));
        self.empty = 0;
    }

    /// Whether a line continues the statement of the line before, outside of parentheses.
    fn goes_on(&self, line: &Line<'_>) -> bool {
        let inside = self.open.last().is_some_and(|open| !open.is_brace);
        let first = line.tokens.first().map(|spaced| spaced.token);
        let otherwise = first == Some(Token::Else) && self.last != Some(Token::CloseBrace);
        let after = self.last.is_some_and(Token::continues);
        !inside && (after || otherwise || first == Some(Token::Then))
    }

    /// Follows the brackets of a line. Those that stay open indent what follows once per line.
    fn brackets(&mut self, tokens: &[Spaced<'_>]) {
        let before = self.open.len();
        let mut fresh = before;
        for spaced in tokens {
            if spaced.token.closer().is_some() {
                let adds = usize::from(self.open.len() == fresh);
                self.open.push(Open { is_brace: spaced.token == Token::OpenBrace, adds });
            } else if spaced.token.is_closer() {
                self.open.pop();
                fresh = fresh.min(self.open.len());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FormatError, format};
    use crate::limits::Limits;
    use hotloop_source::Source;

    fn formatted(text: &str) -> String {
        format(&Source::new("test", text), &Limits::DEFAULT).expect("a correct text")
    }

    #[track_caller]
    fn check(text: &str, expect: &str) {
        assert_eq!(formatted(text), expect);
        assert_eq!(formatted(expect), expect);
    }

    #[test]
    fn spaces_follow_the_structure() {
        check("fn f( a,b )=a*b+ - c **2\n", "fn f(a, b) = a*b + -c**2\n");
        check("fn f(a)=2  *a/( 1+a )", "fn f(a) = 2 * a / (1 + a)\n");
        check("fn f(a)=sum (a [1 : -1, : :2],axis = 0)", "fn f(a) = sum(a[1:-1, ::2], axis=0)\n");
        check("@vectorize( target=simd )\nfn f(x:f64)->f64=x", "@vectorize(target = simd)\nfn f(x: f64) -> f64 = x\n");
        check("fn f(a)=not(a>0)and -a<=~a", "fn f(a) = not (a > 0) and -a <= ~a\n");
        check("fn f(a)=if a>0 then a else{- a}", "fn f(a) = if a > 0 then a else { -a }\n");
        check("kernel k(u:mut f64[ :,: ]){u[ ...,0 ]+=1}", "kernel k(u: mut f64[:, :]) { u[..., 0] += 1 }\n");
        check("fn f(a,b)=2*a+f( a )*b-a*b*2", "fn f(a, b) = 2*a + f(a) * b - a*b*2\n");
        check("fn f(a)=4 * a[ @-1 ]-a[i+1]*a[ 2*i ]", "fn f(a) = 4*a[@-1] - a[i + 1]*a[2 * i]\n");
        check("fn f(a,b)=a* -b+b*a", "fn f(a, b) = a * -b + b*a\n");
        check("fn f(a,i)=a[2 * i:2*i+2 , 3*i]", "fn f(a, i) = a[2*i:2*i + 2, 3 * i]\n");
        check("fn f(a)=- -a", "fn f(a) = - -a\n");
        check("fn f(a)=(a,)", "fn f(a) = (a,)\n");
    }

    #[test]
    fn lines_are_indented_by_structure() {
        let text = "kernel k(a){\n# why\n  let b=(a\n+1)\n\n\n\nlet c = b+\nb;\n if c>0 {\nreturn c;; }\n else { return b}\n\n}\n";
        let expect = "kernel k(a) {\n    # why\n    let b = (a\n        + 1)\n\n    let c = b +\n        b\n    if c > 0 {\n        \
                      return c }\n    else { return b }\n}\n";
        check(text, expect);
        check("fn f(a) = g([\na,\n b\n])\nfn g(a)=a", "fn f(a) = g([\n    a,\n    b\n])\nfn g(a) = a\n");
    }

    #[test]
    fn comments_stay() {
        check("fn f(a) = a     # b\nfn g(a) = a+ a # b\n", "fn f(a) = a     # b\nfn g(a) = a + a  # b\n");
        check("#a\n\n\n\nfn f(a)=a#b  \n#> c\n", "#a\n\n\nfn f(a) = a  #b\n#> c\n");
        check("\u{FEFF}fn f(a) = a +\r\n # here\r\n 1\r\n", "fn f(a) = a +\n    # here\n    1\n");
    }

    #[test]
    fn wrong_texts_are_left_alone() {
        let result = format(&Source::new("test", "fn f( = 1"), &Limits::DEFAULT);
        assert!(matches!(result, Err(FormatError::Wrong(diags)) if !diags.is_empty()));
    }
}
