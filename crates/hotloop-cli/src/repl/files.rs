//! `load("FILE")`, columns of tables, lists of numbers and `save(VALUE, "FILE")` in what is typed: they are values of the
//! session, not of the language.
//!
//! A name of the same length stands for each in what is parsed, so that places in messages stay right. Owns finding them
//! and the names; reading the files is left to `value` and `table`.

use crate::literal;
use hotloop::text::{Piece, pieces};
use std::ops::Range;

/// What a name stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct StandIn {
    /// The name in what is parsed.
    pub name: String,
    /// What was typed in its place.
    pub typed: String,
    /// Where.
    pub range: Range<usize>,
    /// The value.
    pub origin: Origin,
}

/// Where the value of a stand-in comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// `load("FILE")`, `load("FILE.csv").column`
    File {
        /// The file.
        path: String,
        /// The column that is asked for.
        column: Option<String>,
    },
    /// `table.column`, `table["column"]`
    Column {
        /// The name of the table.
        table: String,
        /// The column.
        column: String,
    },
    /// `[1, 2, 3]`
    List,
}

type Pieces = Vec<(Range<usize>, Piece)>;

fn code_pieces(text: &str) -> Pieces {
    pieces(text).into_iter().filter(|(_, piece)| *piece != Piece::Comment).collect()
}

fn unquoted(text: &str) -> &str {
    text.trim_matches(['"', '\''])
}

/// The text with names in the place of files and columns, and what they stand for, in order. `is_table` says which names
/// are tables; `is_taken` which the session has.
pub fn stand_ins(
    text: &str,
    is_table: impl Fn(&str) -> bool,
    is_taken: impl Fn(&str) -> bool,
) -> (String, Vec<StandIn>) {
    let all = code_pieces(text);
    let mut scan = Scan { text, all: &all, tables: Vec::new() };
    let mut parsed = text.to_owned();
    let mut found: Vec<StandIn> = Vec::new();
    let mut at = 0;
    while at < all.len() {
        let found_here = scan.load(at).or_else(|| scan.column(at, &is_table)).or_else(|| scan.list(at));
        let Some((origin, length)) = found_here else {
            at += 1;
            continue;
        };
        let range = all[at].0.start..all[at + length - 1].0.end;
        let typed = text[range.clone()].to_owned();
        let is_used = |name: &str| {
            is_taken(name)
                || found.iter().any(|other| other.name == name)
                || all.iter().any(|(range, _)| text[range.clone()] == *name)
        };
        let name = name_for(&typed, is_used);
        parsed.replace_range(range.clone(), &name);
        found.push(StandIn { name, typed, range, origin });
        at += length;
    }
    (parsed, found)
}

/// Looks for what has to be replaced.
struct Scan<'t> {
    text: &'t str,
    all: &'t Pieces,
    /// Names that become tables further up in the same text.
    tables: Vec<String>,
}

impl<'t> Scan<'t> {
    fn word(&self, at: usize) -> &'t str {
        self.all.get(at).map_or("", |(range, _)| &self.text[range.clone()])
    }

    fn is(&self, at: usize, kinds: &[Piece]) -> bool {
        self.all.get(at).is_some_and(|(_, piece)| kinds.contains(piece))
    }

    /// A `load` that begins at a piece, and how many pieces it has.
    fn load(&mut self, at: usize) -> Option<(Origin, usize)> {
        let is_call = self.word(at) == "load" && self.word(at + 1) == "(" && self.word(at + 3) == ")";
        if !is_call || !self.is(at + 2, &[Piece::Text]) {
            return None;
        }
        let path = unquoted(self.word(at + 2)).to_owned();
        let is_table = path.ends_with(".csv");
        if let Some((column, length)) = is_table.then(|| self.column_of(at + 4)).flatten() {
            return Some((Origin::File { path, column: Some(column) }, 4 + length));
        }
        if is_table && at >= 2 && self.word(at - 1) == "=" {
            self.tables.push(self.word(at - 2).to_owned());
        }
        Some((Origin::File { path, column: None }, 4))
    }

    /// A column of a known table that begins at a piece.
    fn column(&self, at: usize, is_table: impl Fn(&str) -> bool) -> Option<(Origin, usize)> {
        let table = self.word(at);
        let is_known = is_table(table) || self.tables.iter().any(|name| name == table);
        if !self.is(at, &[Piece::Name]) || !is_known || at > 0 && self.word(at - 1) == "." {
            return None;
        }
        let (column, length) = self.column_of(at + 1)?;
        Some((Origin::Column { table: table.to_owned(), column }, 1 + length))
    }

    /// A list of numbers that is all a statement gives: data, not code. Lists in an expression are the language's.
    fn list(&self, at: usize) -> Option<(Origin, usize)> {
        if self.word(at) != "[" || !self.begins_a_value(at) {
            return None;
        }
        let mut depth = 0;
        let last = (at..self.all.len()).find(|at| {
            match self.word(*at) {
                "[" => depth += 1,
                "]" => depth -= 1,
                _ => {}
            }
            depth == 0
        })?;
        if !self.ends_a_statement(last) {
            return None;
        }
        let text = &self.text[self.all[at].0.start..self.all[last].0.end];
        literal::parse(text, None).ok().map(|_| (Origin::List, last - at + 1))
    }

    /// Whether a piece is the first one of a value that is printed or assigned, outside of definitions.
    fn begins_a_value(&self, at: usize) -> bool {
        let is_definition = matches!(self.word(0), "fn" | "kernel" | "@");
        let is_inside = |at: usize| {
            (0..at).fold(0_i32, |depth, before| match self.word(before) {
                "(" | "[" | "{" => depth + 1,
                ")" | "]" | "}" => depth - 1,
                _ => depth,
            }) > 0
        };
        let follows =
            at.checked_sub(1).is_none_or(|before| matches!(self.word(before), "=" | ";") || self.breaks_after(before));
        !is_definition && follows && !is_inside(at)
    }

    fn ends_a_statement(&self, at: usize) -> bool {
        at + 1 == self.all.len() || self.word(at + 1) == ";" || self.breaks_after(at)
    }

    /// Whether the line ends behind a piece.
    fn breaks_after(&self, at: usize) -> bool {
        self.all.get(at + 1).is_some_and(|next| self.text[self.all[at].0.end..next.0.start].contains('\n'))
    }

    /// `.column` or `["column"]`.
    fn column_of(&self, at: usize) -> Option<(String, usize)> {
        if self.word(at) == "." && self.is(at + 1, &[Piece::Name, Piece::Keyword, Piece::Function]) {
            return Some((self.word(at + 1).to_owned(), 2));
        }
        let is_quoted = self.word(at) == "[" && self.word(at + 2) == "]" && self.is(at + 1, &[Piece::Text]);
        is_quoted.then(|| (unquoted(self.word(at + 1)).to_owned(), 3))
    }
}

/// A name of the length of a text, and as much like it as can be.
fn name_for(typed: &str, is_used: impl Fn(&str) -> bool) -> String {
    let like: Vec<u8> = typed.bytes().map(|byte| if byte.is_ascii_alphanumeric() { byte } else { b'_' }).collect();
    let plain = String::from_utf8_lossy(&like).into_owned();
    let numbered = |number: usize| {
        let digits = number.to_string();
        let kept = plain.len().saturating_sub(digits.len()).max(1).min(plain.len());
        format!("{}{digits}", &plain[..kept])
    };
    let mut names = std::iter::once(plain.clone()).chain((0..).map(numbered));
    names.find(|name| !is_used(name)).unwrap_or_default()
}

/// A text about what was parsed, with what was typed in the place of the names that stand for it.
pub fn as_typed(text: &str, stand_ins: &[StandIn]) -> String {
    let is_part = |c: char| c == '_' || c.is_alphanumeric();
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        out.push_str(stand_ins.iter().find(|one| one.name == word).map_or(word, |one| &one.typed));
        let sign = after.find(is_part).unwrap_or(after.len());
        out.push_str(&after[..sign]);
        rest = &after[sign..];
    }
    out
}

/// The value and the file of `save(VALUE, "FILE")`, if a text is that.
pub fn save_call(text: &str) -> Option<(String, String)> {
    let all = code_pieces(text);
    let word = |at: usize| all.get(at).map_or("", |(range, _)| &text[range.clone()]);
    let last = all.len().checked_sub(3)?;
    let is_save = word(0) == "save" && word(1) == "(" && word(last) == "," && word(last + 2) == ")";
    let quoted = all.get(last + 1).filter(|(_, piece)| is_save && *piece == Piece::Text)?;
    let value = text.get(all.get(1)?.0.end..all.get(last)?.0.start)?;
    Some((value.trim().to_owned(), unquoted(&text[quoted.0.clone()]).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{Origin, as_typed, save_call, stand_ins};

    fn found(text: &str) -> (String, Vec<(String, Origin)>) {
        let (parsed, found) = stand_ins(text, |name| name == "t", |name| name == "t_b");
        assert_eq!(parsed.len(), text.len(), "{parsed}");
        assert_eq!(as_typed(&parsed, &found), text);
        (parsed, found.into_iter().map(|one| (one.typed, one.origin)).collect())
    }

    fn file(path: &str, column: Option<&str>) -> Origin {
        Origin::File { path: path.to_owned(), column: column.map(str::to_owned) }
    }

    fn column(table: &str, column: &str) -> Origin {
        Origin::Column { table: table.to_owned(), column: column.to_owned() }
    }

    #[test]
    fn files_are_replaced_by_names_of_their_length() {
        let (parsed, all) = found("load(\"t.csv\").b + 2 * load( 'x.npy' ).T # load(\"x\")");
        assert_eq!(all[0], ("load(\"t.csv\").b".to_owned(), file("t.csv", Some("b"))));
        assert_eq!(all[1], ("load( 'x.npy' )".to_owned(), file("x.npy", None)));
        assert!(all.len() == 2 && parsed.ends_with(".T # load(\"x\")"), "{parsed}");
        assert!(found("load + load(x) + save").1.is_empty());
        assert_eq!(found("load(\"a.csv\")[\"wind speed\"]").1[0].1, file("a.csv", Some("wind speed")));
    }

    #[test]
    fn columns_are_replaced() {
        let (parsed, all) = found("t.b + t.a + x.t.b + t[\"b\"]+t[0] + t.in");
        let columns: Vec<Origin> = all.into_iter().map(|one| one.1).collect();
        assert_eq!(columns, ["b", "a", "b", "in"].map(|name| column("t", name)));
        assert!(parsed.starts_with("t_0 + t_a + x.t.b + t__b__"), "{parsed}");
        // A table that the same text makes.
        assert_eq!(found("u = load(\"u.csv\"); u.x").1[1].1, column("u", "x"));
        assert!(found("u.x; u = load(\"u.csv\")").1.len() == 1);
    }

    #[test]
    fn lists_that_are_a_whole_value_are_replaced() {
        let lists = |text: &str| -> Vec<String> { found(text).1.into_iter().map(|one| one.0).collect() };
        assert_eq!(lists("x = [1, -2.5, nan]"), ["[1, -2.5, nan]"]);
        assert_eq!(lists("[[1, 2], [3, 4]]"), ["[[1, 2], [3, 4]]"]);
        assert_eq!(lists("a[0] = [1, 2]; b = [1f32]\n[3] # three"), ["[1, 2]", "[1f32]", "[3]"]);
        for text in [
            "a[1]",
            "f(x)[0]",
            "zeros([2, 3])",
            "[x, 1]",
            "fn f(x) = [1]",
            "[1",
            "f64[:]",
            "x = [1] + 2",
            "sum([1])",
            "2 * [1]",
            "for i in x { y = [1] }",
        ] {
            assert_eq!(lists(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn saves_are_taken_apart() {
        assert_eq!(save_call("save(f(x, 2) + 1, \"a.npy\")"), Some(("f(x, 2) + 1".into(), "a.npy".into())));
        assert_eq!(save_call("save(x)"), None);
        assert_eq!(save_call("save"), None);
        assert_eq!(save_call("y = save(x, \"a.npy\")"), None);
    }
}
