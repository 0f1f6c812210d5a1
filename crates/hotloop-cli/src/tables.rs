//! Whole CSV tables: every column of numbers at once, for sessions.
//!
//! What a column's cells may be is in `table`; here it is which columns a table has, and what is said of the others.

use crate::literal::shown;
use crate::table::{Column, csv_text, place, push};
use csv::{ByteRecord, Position};
use hotloop::{Array, Value};
use std::path::Path;

use crate::value::Loaded;

/// A table in memory.
#[derive(Debug)]
pub struct Table {
    /// The columns, as in the file.
    columns: Vec<(String, Result<Loaded, String>)>,
    rows: usize,
}

impl Table {
    /// Reads the file.
    pub fn read(path: &Path) -> Result<Table, String> {
        let file = std::fs::File::open(path).map_err(crate::report::io_text)?;
        let mut reader = csv::ReaderBuilder::new().from_reader(file);
        let header = match reader.headers() {
            Ok(header) => header.clone(),
            Err(error) => return Err(csv_text(error, &mut reader)),
        };
        let mut columns: Vec<Result<Column, (Option<Position>, String)>> =
            header.iter().map(|_| Ok(Column::Empty)).collect();
        let (mut record, mut rows) = (ByteRecord::new(), 0);
        loop {
            match reader.read_byte_record(&mut record) {
                Ok(true) => rows += 1,
                Ok(false) => break,
                Err(error) => return Err(csv_text(error, &mut reader)),
            }
            for (column, cell) in columns.iter_mut().zip(record.iter()) {
                let Ok(so_far) = column else { continue };
                let so_far = std::mem::replace(so_far, Column::Empty);
                let pushed = push(so_far, String::from_utf8_lossy(cell).trim());
                *column = pushed.map_err(|message| (record.position().cloned(), message));
            }
        }
        let names = header.iter().map(|name| name.trim().to_owned());
        let values = columns.into_iter().map(|column| match column {
            Ok(column) => Ok(Loaded::Value(Value::Array(Array::from(column)))),
            Err((position, message)) => Err(format!("{}{message}", place(position.as_ref(), &mut reader, ": "))),
        });
        Ok(Table { columns: names.zip(values).collect(), rows })
    }

    /// The rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The columns of numbers with their names.
    pub fn columns(&self) -> impl Iterator<Item = (&str, &Loaded)> {
        self.columns.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_ref().ok()?)))
    }

    /// The names of the columns that are no numbers.
    pub fn others(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().filter(|(_, value)| value.is_err()).map(|(name, _)| name.as_str())
    }

    /// How many columns the file has.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// How a column is written, for a table of this name.
    pub fn written(name: &str, column: &str) -> String {
        match crate::value::is_name(column) {
            true => format!("{name}.{column}"),
            false => format!("{name}[\"{column}\"]"),
        }
    }

    /// A column by its name.
    pub fn column(&self, name: &str) -> Result<&Loaded, String> {
        let mut found = self.columns.iter().filter(|(other, _)| other == name);
        match (found.next(), found.next()) {
            (Some((_, Ok(value))), None) => Ok(value),
            (Some((_, Err(message))), None) => Err(format!("column `{}` has no numbers: {message}", shown(name))),
            (Some(_), Some(_)) => Err(format!("two columns are called `{}`", shown(name))),
            (None, _) => {
                let names: Vec<String> =
                    self.columns().take(20).map(|(name, _)| format!("`{}`", shown(name))).collect();
                Err(format!("there is no column `{}`; the table has {}", shown(name), names.join(", ")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Table;
    use hotloop::Type;

    fn table(text: &str) -> Result<Table, String> {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().join("t.csv");
        std::fs::write(&path, text).expect("written");
        Table::read(&path)
    }

    #[test]
    fn all_columns_are_read() {
        let table = table("town, day,temp,ok,day\nUlm,1,2.5,true,3\n\"Bonn\",2,,false,4\n").expect("a table");
        assert_eq!((table.rows(), table.width()), (2, 5));
        let types: Vec<(&str, Type)> = table.columns().map(|(name, value)| (name, value.ty())).collect();
        assert_eq!(types, [("day", Type::I64), ("temp", Type::F64), ("ok", Type::Bool), ("day", Type::I64)]);
        assert_eq!(table.others().collect::<Vec<_>>(), ["town"]);
        assert_eq!(table.column("temp").map(|value| value.shape().to_vec()), Ok(vec![2]));
        let wrong = |name: &str| table.column(name).map(|_| ()).expect_err("no such column");
        assert_eq!(wrong("town"), "column `town` has no numbers: line 2: `Ulm` is not a number");
        assert_eq!(wrong("day"), "two columns are called `day`");
        assert!(wrong("x").starts_with("there is no column `x`; the table has `day`, `temp`"));
    }

    #[test]
    fn narrow_and_broken_tables() {
        assert_eq!(table("a\n1\n").map(|table| table.width()), Ok(1));
        assert!(table("a,b\n").expect("a table").columns().all(|(_, value)| value.shape() == [0]));
        assert_eq!(table("").map(|table| table.width()), Ok(0));
        assert!(table("a,b\n1\n").is_err_and(|message| message.starts_with("line 2: the number of cells")));
    }
}
