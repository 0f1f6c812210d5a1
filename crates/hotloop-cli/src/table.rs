//! CSV tables: reading one column of numbers by its name, writing arrays of up to two axes.
//!
//! Owns which type a column gets and how its bad cells are reported. The format itself is the `csv` crate's.

use crate::literal::{Number, shown};
use crate::print::scalar_text;
use csv::{ByteRecord, ErrorKind, Position, Reader, StringRecord};
use hotloop::{Array, Scalar, Type, Value};
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::Path;

/// Reads a column as an array of one axis: of type `want` if given; else all integers are `i64`, other numbers `f64`,
/// and `true` and `false` are `bool`.
pub fn read(path: &Path, column: Option<&str>, want: Option<Type>) -> Result<Array, String> {
    let file = std::fs::File::open(path).map_err(crate::report::io_text)?;
    read_from(file, column, want)
}

fn read_from(input: impl Read + Seek, column: Option<&str>, want: Option<Type>) -> Result<Array, String> {
    let mut reader = csv::ReaderBuilder::new().from_reader(input);
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(error) => return Err(csv_text(error, &mut reader)),
    };
    let index = find_column(&header, column)?;
    let name = shown(&header[index]);
    match want {
        Some(ty) => read_typed(&mut reader, index, &name, ty),
        None => read_inferred(&mut reader, index, &name),
    }
}

fn find_column(header: &StringRecord, column: Option<&str>) -> Result<usize, String> {
    let names =
        || header.iter().take(20).map(|name| format!("`{}`", shown(name.trim()))).collect::<Vec<_>>().join(", ");
    let Some(column) = column else {
        return match header.len() {
            0 => Err("the table is empty".to_owned()),
            1 => Ok(0),
            _ => Err(format!("which column? The table has {}: write `@FILE:COLUMN`", names())),
        };
    };
    let mut matching = header.iter().enumerate().filter(|(_, name)| name.trim() == column);
    match (matching.next(), matching.next()) {
        (Some((index, _)), None) => Ok(index),
        (Some(_), Some(_)) => Err(format!("two columns are called `{}`", shown(column))),
        (None, _) => Err(format!("there is no column `{}`; the table has {}", shown(column), names())),
    }
}

fn read_typed<R: Read + Seek>(reader: &mut Reader<R>, index: usize, name: &str, ty: Type) -> Result<Array, String> {
    let mut scalars = Vec::new();
    for_cells(reader, index, name, |cell| {
        scalars.push(match cell {
            "" if ty.is_float() => Number::parse("nan")?.to_scalar(ty)?,
            "" => return Err(format!("the cell is empty, for which `{ty}` has no value")),
            cell => Number::parse(cell)?.to_scalar(ty)?,
        });
        Ok(())
    })?;
    crate::elements::array(ty, &scalars, &[scalars.len()])
}

/// What a column has turned out to be so far.
pub enum Column {
    Empty,
    Bools(Vec<bool>),
    Ints(Vec<i64>),
    Floats(Vec<f64>),
}

fn read_inferred<R: Read + Seek>(reader: &mut Reader<R>, index: usize, name: &str) -> Result<Array, String> {
    let mut column = Column::Empty;
    for_cells(reader, index, name, |cell| {
        let before = std::mem::replace(&mut column, Column::Empty);
        column = push(before, cell)?;
        Ok(())
    })?;
    Ok(column.into())
}

impl From<Column> for Array {
    fn from(column: Column) -> Array {
        match column {
            Column::Empty => Array::from(Vec::<f64>::new()),
            Column::Bools(values) => Array::from(values),
            Column::Ints(values) => Array::from(values),
            Column::Floats(values) => Array::from(values),
        }
    }
}

/// A column with one more cell. An empty cell is a missing number, NaN, and makes floats of integers.
pub fn push(column: Column, cell: &str) -> Result<Column, String> {
    match column {
        Column::Empty if cell.is_empty() => Ok(Column::Floats(vec![f64::NAN])),
        Column::Empty => match cell.parse() {
            Ok(value) => Ok(Column::Bools(vec![value])),
            Err(_) => push(Column::Ints(Vec::new()), cell),
        },
        Column::Bools(_) if cell.is_empty() => Err("the cell is empty".to_owned()),
        Column::Bools(mut values) => {
            values.push(cell.parse().map_err(|_| format!("`{}` is not `true` or `false`", shown(cell)))?);
            Ok(Column::Bools(values))
        }
        Column::Ints(mut values) => match cell.parse() {
            Ok(value) => {
                values.push(value);
                Ok(Column::Ints(values))
            }
            // Rounding the integers read so far gives what reading them as floats would have.
            Err(_) => push(Column::Floats(values.iter().map(|value| *value as f64).collect()), cell),
        },
        Column::Floats(mut values) => {
            values.push(float(cell)?);
            Ok(Column::Floats(values))
        }
    }
}

fn float(cell: &str) -> Result<f64, String> {
    if cell.is_empty() {
        return Ok(f64::NAN);
    }
    cell.parse().map_err(|_| format!("`{}` is not a number", shown(cell)))
}

/// Goes through the cells of a column; errors say where.
fn for_cells<R: Read + Seek>(
    reader: &mut Reader<R>,
    index: usize,
    name: &str,
    mut cell: impl FnMut(&str) -> Result<(), String>,
) -> Result<(), String> {
    let mut record = ByteRecord::new();
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) => return Err(csv_text(error, reader)),
        }
        let text = String::from_utf8_lossy(record.get(index).unwrap_or_default());
        let text = text.trim();
        if let Err(message) = cell(text) {
            return Err(format!("{}column `{name}`: {message}", place(record.position(), reader, ", ")));
        }
    }
}

/// `line 7` and what follows it; nothing where the line is not known.
///
/// The reader's own count of lines is off after empty lines and where lines end in two characters, so the lines up to
/// the record are counted in the file.
pub fn place<R: Read + Seek>(position: Option<&Position>, reader: &mut Reader<R>, after: &str) -> String {
    let line = position.and_then(|position| {
        let input = reader.get_mut();
        input.rewind().ok()?;
        line_at(input, position.byte()).ok()
    });
    line.map_or(String::new(), |line| format!("line {line}{after}"))
}

/// The line of the first text at or after a position.
fn line_at(input: &mut impl Read, position: u64) -> io::Result<u64> {
    let mut line = 1;
    for (at, byte) in (0..).zip(BufReader::new(input).bytes()) {
        match byte? {
            b'\n' => line += 1,
            b'\r' => {}
            _ if at >= position => break,
            _ => {}
        }
    }
    Ok(line)
}

pub fn csv_text<R: Read + Seek>(error: csv::Error, reader: &mut Reader<R>) -> String {
    let place = place(error.position(), reader, ": ");
    match error.into_kind() {
        ErrorKind::Io(error) => crate::report::io_text(error),
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{place}the number of cells is {len}, in the lines before {expected_len}")
        }
        ErrorKind::Utf8 { .. } => format!("{place}the text is not UTF-8"),
        kind => format!("{place}{kind:?}"),
    }
}

/// Writes a value with a header line: one column `value` for scalars and arrays of one axis, numbered columns for two.
pub fn write(value: &Value, out: &mut impl Write) -> io::Result<()> {
    let (rows, columns) = match value.shape() {
        [] => (1, 1),
        [rows] => (*rows, 1),
        [rows, columns] => (*rows, *columns),
        shape => {
            let message = format!("CSV has room for two axes, not {}: write an .npy file", shape.len());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
    };
    let mut writer = csv::Writer::from_writer(out);
    if value.shape().len() < 2 {
        writer.write_record(["value"])?;
    } else if columns > 0 {
        writer.write_record((0..columns).map(|column| column.to_string()))?;
    }
    for row in 0..if columns > 0 { rows } else { 0 } {
        let cells = (0..columns).filter_map(|column| element(value, row * columns + column));
        writer.write_record(cells.map(scalar_text))?;
    }
    writer.flush()
}

fn element(value: &Value, position: usize) -> Option<Scalar> {
    match value {
        Value::Scalar(scalar) => Some(*scalar),
        Value::Array(array) => array.get(position),
        // Commands ask for no results on a device.
        Value::Device(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{read_from, write};
    use hotloop::{Array, Element, Scalar, Type, Value};
    use std::io::Cursor;

    const TABLE: &str = "\u{feff}name, n ,x,ok\n\"a,\nb\",1,0.5,true\nc, 2 ,3,false\n";

    fn read_text(text: &str, name: Option<&str>, want: Option<Type>) -> Result<Array, String> {
        read_from(Cursor::new(text), name, want)
    }

    fn column(name: &str, want: Option<Type>) -> Result<Array, String> {
        read_text(TABLE, Some(name), want)
    }

    #[test]
    fn columns_have_the_type_of_their_cells() {
        assert_eq!(column("n", None), Ok(Array::from(vec![1i64, 2])));
        assert_eq!(column("x", None), Ok(Array::from(vec![0.5, 3.0])));
        assert_eq!(column("ok", None), Ok(Array::from(vec![true, false])));
        assert_eq!(read_text("a\n1\n2\n1e3\nnan\n-inf\n", None, None).map(|array| array.ty()), Ok(Type::F64));
        assert_eq!(read_text("a\n", None, None), Ok(Array::from(Vec::<f64>::new())));
        // Missing numbers are NaN, in columns of integers too.
        let gaps = read_text("a,b\n,0\n1,0\n2.5,0\n,0\n", Some("a"), None).expect("numbers");
        let gaps: Vec<f64> = (0..4).filter_map(|at| gaps.get(at)).map(hotloop::Scalar::as_f64).collect();
        assert!(gaps[0].is_nan() && gaps[1..3] == [1.0, 2.5] && gaps[3].is_nan(), "{gaps:?}");
    }

    #[test]
    fn a_wanted_type_is_obeyed() {
        assert_eq!(column("n", Some(Type::F32)), Ok(Array::from(vec![1.0f32, 2.0])));
        assert_eq!(column("n", Some(Type::U8)), Ok(Array::from(vec![1u8, 2])));
        let gap = |ty| read_text("a,b\n1,0\n,0\n", Some("a"), Some(ty));
        assert!(gap(Type::F32).is_ok_and(|array| array.get(1).is_some_and(Scalar::is_nan)));
        assert!(gap(Type::I32).is_err_and(|error| error.ends_with("the cell is empty, for which `i32` has no value")));
        let error = "line 2, column `x`: `0.5` is not a whole number, which `i64` needs";
        assert_eq!(column("x", Some(Type::I64)), Err(error.to_owned()));
    }

    #[track_caller]
    fn fails(text: &str, name: Option<&str>, message: &str) {
        for line_end in ["\n", "\r\n"] {
            let text = text.replace('\n', line_end);
            let result = read_text(&text, name, None);
            assert_eq!(result, Err(message.replace("\\n", &line_end.escape_debug().to_string())));
        }
    }

    #[test]
    fn bad_cells_are_placed() {
        fails(TABLE, Some("name"), "line 2, column `name`: `a,\\nb` is not a number");
        fails("a,b\n1,2\n\n3,x\n", Some("b"), "line 4, column `b`: `x` is not a number");
        fails("a,b\n1,true\n3,\n", Some("b"), "line 3, column `b`: the cell is empty");
        fails("a\ntrue\n1\n", None, "line 3, column `a`: `1` is not `true` or `false`");
        fails("a,b\n1,2\n3\n", Some("b"), "line 3: the number of cells is 1, in the lines before 2");
    }

    #[test]
    fn wrong_columns_are_named() {
        fails("a,b\n", Some("c"), "there is no column `c`; the table has `a`, `b`");
        fails("a,a\n", Some("a"), "two columns are called `a`");
        fails("a,b\n", None, "which column? The table has `a`, `b`: write `@FILE:COLUMN`");
        fails("", None, "the table is empty");
    }

    fn written(value: &Value) -> String {
        let mut out = Vec::new();
        write(value, &mut out).expect("memory takes all");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn arrays_are_written() {
        assert_eq!(written(&Value::Scalar(0.1f32.to_scalar())), "value\n0.1\n");
        assert_eq!(written(&Value::Array(Array::from(vec![0.1, 1e300]))), "value\n0.1\n1e300\n");
        let square = Array::from_vec(vec![1u8, 2, 3, 4], &[2, 2]).expect("four");
        assert_eq!(written(&Value::Array(square)), "0,1\n1,2\n3,4\n");
        let empty = Array::from_vec(Vec::<u8>::new(), &[2, 0]).expect("none");
        assert_eq!(written(&Value::Array(empty)), "");
        let cube = Value::Array(Array::from_vec(vec![1u8], &[1, 1, 1]).expect("one"));
        assert!(write(&cube, &mut Vec::new()).is_err());
    }

    #[test]
    fn what_is_written_reads_back() {
        let values = vec![0.1, -0.0, 1e-300, f64::INFINITY, f64::MAX, 3.0];
        let text = written(&Value::Array(Array::from(values.clone())));
        assert_eq!(read_text(&text, Some("value"), None), Ok(Array::from(values)));
        let values = vec![i64::MIN, 0, i64::MAX];
        let text = written(&Value::Array(Array::from(values.clone())));
        assert_eq!(read_text(&text, None, None), Ok(Array::from(values)));
    }
}
