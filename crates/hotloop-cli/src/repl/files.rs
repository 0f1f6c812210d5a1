//! `load("FILE")` and `save(VALUE, "FILE")` in what is typed: files are values of the session, not of the language.
//!
//! A call of `load` is read at once, and a name of the same length stands for it in what is parsed, so that places in
//! messages stay right.

use crate::report::Failure;
use crate::value::{Loaded, load_file};
use hotloop::text::{Piece, pieces};
use std::collections::BTreeMap;
use std::ops::Range;

/// A text whose `load`s have been read.
pub struct LoadCalls {
    /// The text with names in their place.
    pub parsed: String,
    /// What the names stand for.
    pub values: Vec<(String, Loaded)>,
}

/// Reads the files of all `load("FILE")` and `load("FILE.csv").column` in a text.
pub fn load_calls(text: &str, vars: &BTreeMap<String, Loaded>) -> Result<LoadCalls, Failure> {
    let mut calls = LoadCalls { parsed: text.to_owned(), values: Vec::new() };
    let all: Vec<(Range<usize>, Piece)> =
        pieces(text).into_iter().filter(|(_, piece)| *piece != Piece::Comment).collect();
    let is = |at: usize, word: &str| all.get(at).is_some_and(|(range, _)| text[range.clone()] == *word);
    for at in 0..all.len() {
        let quoted = all.get(at + 2).filter(|(_, piece)| *piece == Piece::Text);
        let Some((quoted, _)) = quoted.filter(|_| is(at, "load") && is(at + 1, "(") && is(at + 3, ")")) else {
            continue;
        };
        let path = text[quoted.clone()].trim_matches(['"', '\'']);
        let column = match path.ends_with(".csv") && is(at + 4, ".") {
            true => all.get(at + 5).filter(|(_, piece)| matches!(piece, Piece::Name | Piece::Keyword)),
            false => None,
        };
        let end = column.map_or(all[at + 3].0.end, |(range, _)| range.end);
        let path = match column {
            Some((range, _)) => format!("{path}:{}", &text[range.clone()]),
            None => path.to_owned(),
        };
        let range = all[at].0.start..end;
        let name = stand_in(range.len(), |name| vars.contains_key(name) || calls.values.iter().any(|v| v.0 == *name));
        let value = load_file(&path).map_err(|failure| match failure {
            Failure::Data(message) => Failure::Data(message.replace("@FILE:COLUMN", "load(\"FILE\").COLUMN")),
            other => other,
        })?;
        calls.values.push((name.clone(), value));
        calls.parsed.replace_range(range, &name);
    }
    Ok(calls)
}

/// A name of a length that is not taken.
fn stand_in(length: usize, is_taken: impl Fn(&str) -> bool) -> String {
    let name = |number: usize| {
        let mut name = format!("load{number}");
        name.extend(std::iter::repeat_n('_', length.saturating_sub(name.len())));
        name
    };
    (0..).map(name).find(|name| !is_taken(name)).unwrap_or_default()
}

/// The value and the file of `save(VALUE, "FILE")`, if a text is that.
pub fn save_call(text: &str) -> Option<(String, String)> {
    let all: Vec<(Range<usize>, Piece)> =
        pieces(text).into_iter().filter(|(_, piece)| *piece != Piece::Comment).collect();
    let word = |at: usize| all.get(at).map_or("", |(range, _)| &text[range.clone()]);
    let last = all.len().checked_sub(3)?;
    let is_save = word(0) == "save" && word(1) == "(" && word(last) == "," && word(last + 2) == ")";
    let quoted = all.get(last + 1).filter(|(_, piece)| is_save && *piece == Piece::Text)?;
    let value = text.get(all.get(1)?.0.end..all.get(last)?.0.start)?;
    Some((value.trim().to_owned(), text[quoted.0.clone()].trim_matches(['"', '\'']).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{load_calls, save_call};
    use std::collections::BTreeMap;

    #[test]
    fn loads_are_replaced_by_names_of_their_length() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("t.csv");
        std::fs::write(&path, "a,b\n1,2\n3,4\n").expect("written");
        let text = format!("load(\"{0}\").b + 2 * load( \"{0}\" ).a # load(\"x\")", path.display());
        let calls = load_calls(&text, &BTreeMap::new()).expect("both are there");
        assert_eq!((calls.parsed.len(), calls.values.len()), (text.len(), 2));
        assert!(calls.parsed.starts_with(&calls.values[0].0) && calls.parsed.ends_with("# load(\"x\")"));
        assert!(load_calls("load(\"nowhere.npy\")", &BTreeMap::new()).is_err());
        assert_eq!(load_calls("load + 1", &BTreeMap::new()).expect("no call").parsed, "load + 1");
    }

    #[test]
    fn saves_are_taken_apart() {
        assert_eq!(save_call("save(f(x, 2) + 1, \"a.npy\")"), Some(("f(x, 2) + 1".into(), "a.npy".into())));
        assert_eq!(save_call("save(x)"), None);
        assert_eq!(save_call("save"), None);
        assert_eq!(save_call("y = save(x, \"a.npy\")"), None);
    }
}
