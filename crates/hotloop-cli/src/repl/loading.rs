//! Files, tables and lists of a session: what stands for them in a text gets its value, and tables get their names.

use super::files::{self, Origin, StandIn};
use super::session::Session;
use crate::literal::{self, Literal};
use crate::print::type_text;
use crate::report::Failure;
use crate::tables::Table;
use crate::value::{Loaded, load_file};
use hotloop::text::{Entry, EntryKind};
use std::path::Path;
use std::sync::Arc;

type Show<'s> = &'s mut dyn FnMut(&str);

impl Session {
    /// A text with names for its files and columns; they are kept for messages, too.
    pub(super) fn replaced(&self, text: &str) -> (String, Vec<StandIn>) {
        let is_taken = |name: &str| self.vars.contains_key(name) || self.definition(name).is_some();
        let (parsed, found) = files::stand_ins(text, |name| self.tables.contains_key(name), is_taken);
        *self.stand_ins.borrow_mut() = found.clone();
        (parsed, found)
    }

    /// The values of names that stand for files and columns.
    pub(super) fn values_of(&self, found: &[StandIn]) -> Result<Vec<(String, Loaded)>, Failure> {
        found.iter().map(|one| Ok((one.name.clone(), self.value_of(one)?))).collect()
    }

    fn value_of(&self, one: &StandIn) -> Result<Loaded, Failure> {
        match &one.origin {
            Origin::List => match literal::parse(&one.typed, None).map_err(Failure::Data)? {
                Literal::Weak(scalar) => Ok(Loaded::Weak(scalar)),
                Literal::Typed(value) => Ok(Loaded::Value(value)),
            },
            Origin::File { path, column } => {
                let place = match column {
                    Some(column) => format!("{path}:{column}"),
                    None => path.clone(),
                };
                load_file(&place).map_err(|failure| match failure {
                    Failure::Data(message) => Failure::Data(
                        message
                            .replace(
                                "write `@FILE:COLUMN`",
                                "write `load(\"FILE\").COLUMN`, or `t = load(\"FILE\")` first",
                            )
                            .replace("FILE.csv:COLUMN", "a .csv file"),
                    ),
                    other => other,
                })
            }
            Origin::Column { table, column } => {
                let found = self.tables.get(table).ok_or_else(|| Failure::Data(format!("`{table}` is not a table")))?;
                let value = found.column(column).map_err(|message| Failure::Data(format!("`{table}`: {message}")))?;
                value.to_owned_value()
            }
        }
    }

    /// Does what an entry asks for if it is about a table as a whole: `t = load("t.csv")`, or the table alone.
    pub(super) fn table_entry(
        &mut self,
        entry: &Entry,
        parsed: &str,
        found: &[StandIn],
        show: Show<'_>,
    ) -> Result<bool, Failure> {
        let EntryKind::Value { names, .. } = &entry.kind else { return Ok(false) };
        let text = parsed[entry.span.range()].trim();
        if let (Some(table), []) = (self.tables.get(text), &names[..]) {
            show(&described(text, table));
            return Ok(true);
        }
        let [StandIn { name, origin: Origin::File { path, column: None }, .. }] = found else { return Ok(false) };
        let before = text.strip_suffix(name.as_str()).map(str::trim_end);
        if !path.ends_with(".csv")
            || names.len() > 1
            || !before.is_some_and(|text| text.is_empty() || text.ends_with('='))
        {
            return Ok(false);
        }
        self.table(names.first(), path, show)
    }

    /// Reads a table and keeps it under a name, or shows what it has; false for one with a single column, which is an
    /// array.
    fn table(&mut self, name: Option<&Arc<str>>, path: &str, show: Show<'_>) -> Result<bool, Failure> {
        let wrong = |message: String| Failure::Data(format!("cannot read `{path}`: {message}"));
        let table = Table::read(Path::new(path)).map_err(wrong)?;
        if table.width() < 2 {
            return Ok(false);
        }
        show(&described(name.map_or("", |name| name), &table));
        if let Some(name) = name {
            self.vars.remove(&**name);
            self.tables.insert(name.to_string(), table);
        }
        Ok(true)
    }

    /// `:load NAME FILE`
    pub(super) fn load_as(&mut self, name: &str, path: &str, show: Show<'_>) -> Result<(), Failure> {
        if path.ends_with(".csv") && self.table(Some(&name.into()), path, show)? {
            return Ok(());
        }
        let value = load_file(path)?;
        show(&format!("{name}: {}", type_text(value.ty(), value.shape())));
        self.keep(name, value);
        Ok(())
    }

    /// Keeps a value under a name, which is no longer that of a table.
    pub(super) fn keep(&mut self, name: &str, value: Loaded) {
        self.tables.remove(name);
        self.vars.insert(name.to_owned(), value);
    }
}

/// A table with its columns in two or more lines.
fn described(name: &str, table: &Table) -> String {
    let of = |column: &str| if name.is_empty() { column.to_owned() } else { Table::written(name, column) };
    let label = if name.is_empty() { String::new() } else { format!("{name}: ") };
    let mut lines = vec![format!("{label}table of {} columns, {} rows", table.width(), table.rows())];
    let width = table.columns().map(|(column, _)| of(column).chars().count()).max().unwrap_or(0);
    for (column, value) in table.columns() {
        lines.push(format!("  {:<width$}  {}", of(column), type_text(value.ty(), value.shape())));
    }
    let others: Vec<&str> = table.others().collect();
    if !others.is_empty() {
        lines.push(format!("  no numbers: {}", others.join(", ")));
    }
    lines.join("\n")
}

/// Whether what an entry does with files and columns has a meaning: they are read, never written.
pub fn assignable(entry: &Entry, found: &[StandIn]) -> Result<(), Failure> {
    let names: Vec<&Arc<str>> = match &entry.kind {
        EntryKind::Define { name, .. } => {
            return match found.first() {
                Some(one) => Err(Failure::Data(format!(
                    "`{}` stands in the definition of `{name}`: give it a parameter, and pass the value",
                    one.typed
                ))),
                None => Ok(()),
            };
        }
        EntryKind::Value { names, .. } => names.iter().collect(),
        EntryKind::Update(name) | EntryKind::Store(name) => vec![name],
        EntryKind::Run { assigned, stored } => assigned.iter().chain(stored).collect(),
    };
    match found.iter().find(|one| names.iter().any(|name| ***name == *one.name)) {
        Some(one) => Err(Failure::Data(format!(
            "`{}` is only read: keep it under a name first, as in `x = {}`, and write into that",
            one.typed, one.typed
        ))),
        None => Ok(()),
    }
}
