//! `NAME=VALUE`: what is passed for one parameter, as text and loaded.
//!
//! Owns which values come from files. The syntax of numbers and lists is in `literal`, the formats of files in `npy` and
//! `table`.

use crate::literal::{self, Literal, shown};
use crate::mapped::Mapped;
use crate::report::Failure;
use crate::{npy, picture_file, table};
use hotloop::{Arg, KernelInfo, ParamInfo, Scalar, Type, Value};
use std::path::PathBuf;

/// A parameter's name with its value as it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    name: String,
    origin: Origin,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq)]
enum Origin {
    /// It is written out; known to be well-formed.
    Text(String),
    /// `@FILE.npy`.
    Npy(PathBuf),
    /// `@FILE.csv:COLUMN`.
    Csv(PathBuf, Option<String>),
    /// `@FILE.png`.
    Png(PathBuf),
}

impl Pair {
    /// Reads `NAME=VALUE`; files are not opened yet.
    pub fn parse(text: &str) -> Result<Pair, String> {
        let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE, such as a=2.5 or a=@table.csv:column")?;
        let name = name.trim();
        if !is_name(name) {
            return Err(format!("`{}` is not a name", shown(name)));
        }
        let origin = match value.trim().strip_prefix('@') {
            Some(file) => file_origin(file)?,
            None => literal::parse(value, None).map(|_| Origin::Text(value.to_owned()))?,
        };
        Ok(Pair { name: name.to_owned(), origin })
    }

    fn load(&self, param: &ParamInfo) -> Result<Loaded, Failure> {
        let want = param.annotation.filter(|annotation| annotation.rank > 0).map(|annotation| annotation.ty);
        let wrong = |message: String| Failure::Data(format!("`{}`: {message}", self.name));
        match &self.origin {
            Origin::Text(text) => Ok(match literal::parse(text, want).map_err(wrong)? {
                Literal::Weak(scalar) => Loaded::Weak(scalar),
                Literal::Typed(value) => Loaded::Value(value),
            }),
            Origin::Npy(_) | Origin::Csv(..) | Origin::Png(_) => self.origin.read(want),
        }
    }
}

impl Origin {
    /// Reads the file; a column of type `want` if that is given.
    fn read(&self, want: Option<Type>) -> Result<Loaded, Failure> {
        match self {
            Origin::Text(text) => Err(Failure::Data(format!("`{}` is not a file", shown(text)))),
            Origin::Npy(path) => npy::load(path).map_err(|error| cannot_read(path, &error)),
            Origin::Png(path) => picture_file::read(path).map(Loaded::Value).map_err(|error| cannot_read(path, &error)),
            Origin::Csv(path, column) => {
                let array = table::read(path, column.as_deref(), want).map_err(|error| cannot_read(path, &error))?;
                Ok(Loaded::Value(Value::Array(array)))
            }
        }
    }
}

/// The value in a file, in the form that follows `@`: `FILE.npy`, `FILE.csv:COLUMN`, `FILE.png`.
pub fn load_file(text: &str) -> Result<Loaded, Failure> {
    file_origin(text).map_err(Failure::Data)?.read(None)
}

/// Whether a text is a name of the language.
pub fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c == '_' || c.is_alphabetic()) && chars.all(|c| c == '_' || c.is_alphanumeric())
}

fn file_origin(text: &str) -> Result<Origin, String> {
    if text.ends_with(".npy") {
        return Ok(Origin::Npy(text.into()));
    }
    if text.ends_with(".png") {
        return Ok(Origin::Png(text.into()));
    }
    if text.ends_with(".csv") {
        return Ok(Origin::Csv(text.into(), None));
    }
    const SEPARATOR: &str = ".csv:";
    match text.find(SEPARATOR) {
        Some(at) => {
            let (path, column) = text.split_at(at + SEPARATOR.len());
            Ok(Origin::Csv(path[..path.len() - 1].into(), Some(column.trim().to_owned())))
        }
        None => Err(format!("`{}` is neither an .npy or .png file nor FILE.csv:COLUMN", shown(text))),
    }
}

fn cannot_read(path: &std::path::Path, error: &str) -> Failure {
    Failure::Data(format!("cannot read `{}`: {error}", path.display()))
}

/// A value that can be passed.
#[derive(Debug)]
pub enum Loaded {
    /// A number without a type.
    Weak(Scalar),
    /// Any other in memory.
    Value(Value),
    /// An array in a file that is mapped.
    Mapped(Mapped),
}

impl Loaded {
    /// It as an argument; arrays in memory can be written if the parameter asks for it.
    pub fn arg(&mut self, mutable: bool) -> Arg<'_> {
        match (self, mutable) {
            (Loaded::Value(Value::Array(array)), true) => array.into(),
            (other, _) => other.view(),
        }
    }

    /// It as an argument that is only read.
    pub fn view(&self) -> Arg<'_> {
        match self {
            Loaded::Weak(scalar) => Arg::Weak(*scalar),
            Loaded::Value(Value::Scalar(scalar)) => Arg::Scalar(*scalar),
            Loaded::Value(Value::Array(array)) => array.into(),
            Loaded::Value(Value::Device(array)) => array.into(),
            Loaded::Mapped(mapped) => mapped.view().into(),
        }
    }

    /// The element type.
    pub fn ty(&self) -> Type {
        match self {
            Loaded::Weak(scalar) => scalar.ty,
            Loaded::Value(value) => value.ty(),
            Loaded::Mapped(mapped) => mapped.ty(),
        }
    }

    /// The extents; none for a scalar.
    pub fn shape(&self) -> &[usize] {
        match self {
            Loaded::Weak(_) => &[],
            Loaded::Value(value) => value.shape(),
            Loaded::Mapped(mapped) => mapped.shape(),
        }
    }

    /// A copy in memory.
    pub fn to_owned_value(&self) -> Result<Loaded, Failure> {
        match self {
            Loaded::Weak(scalar) => Ok(Loaded::Weak(*scalar)),
            Loaded::Value(value) => Ok(Loaded::Value(value.clone())),
            Loaded::Mapped(mapped) => Ok(Loaded::Value(Value::Array(mapped.to_array().map_err(Failure::Data)?))),
        }
    }

    /// It in memory, where it can be written.
    pub fn into_owned_value(self) -> Result<Loaded, Failure> {
        match self {
            Loaded::Weak(_) | Loaded::Value(_) => Ok(self),
            Loaded::Mapped(_) => self.to_owned_value(),
        }
    }

    /// The array, if it is one in memory.
    pub fn into_array(self) -> Option<Value> {
        match self {
            Loaded::Value(value @ Value::Array(_)) => Some(value),
            Loaded::Value(Value::Scalar(_) | Value::Device(_)) | Loaded::Weak(_) | Loaded::Mapped(_) => None,
        }
    }
}

/// The values of a kernel's parameters, in their order, loaded.
pub fn bind(kernel: &KernelInfo, pairs: &[Pair]) -> Result<Vec<Loaded>, Failure> {
    check_names(kernel, pairs)?;
    let mut values = Vec::with_capacity(kernel.params.len());
    for param in &kernel.params {
        let Some(pair) = pairs.iter().find(|pair| pair.name == param.name) else {
            return Err(Failure::Data(missing(kernel, pairs)));
        };
        let value = pair.load(param)?;
        // What is written must not be written into the file it came from.
        values.push(if param.mutable { value.into_owned_value()? } else { value });
    }
    Ok(values)
}

/// Where the name of a kernel may be left out, the first value may stand in its place.
pub fn name_or_value(kernel: &mut Option<String>, values: &mut Vec<Pair>) -> Result<(), Failure> {
    if let Some(text) = kernel.take_if(|kernel| kernel.contains('=')) {
        let pair = Pair::parse(&text).map_err(|error| Failure::Usage(format!("`{text}`: {error}")))?;
        values.insert(0, pair);
    }
    Ok(())
}

/// The values that are given, by parameter.
pub fn given(kernel: &KernelInfo, pairs: &[Pair]) -> Result<Vec<Option<Loaded>>, Failure> {
    check_names(kernel, pairs)?;
    let load = |param: &ParamInfo| {
        let pair = pairs.iter().find(|pair| pair.name == param.name);
        let value = pair.map(|pair| pair.load(param)).transpose()?;
        value.map(|value| if param.mutable { value.into_owned_value() } else { Ok(value) }).transpose()
    };
    kernel.params.iter().map(load).collect()
}

fn check_names(kernel: &KernelInfo, pairs: &[Pair]) -> Result<(), Failure> {
    for (index, pair) in pairs.iter().enumerate() {
        let name = &pair.name;
        if pairs[..index].iter().any(|earlier| earlier.name == *name) {
            return Err(Failure::Usage(format!("`{name}` is given twice")));
        }
        if !kernel.params.iter().any(|param| param.name == *name) {
            let names = names(kernel.params.iter());
            let known = if names.is_empty() { "there are none".to_owned() } else { format!("there is {names}") };
            return Err(Failure::Data(format!("no parameter is called `{name}`; {known}")));
        }
    }
    Ok(())
}

fn missing(kernel: &KernelInfo, pairs: &[Pair]) -> String {
    let is_missing = |param: &&ParamInfo| !pairs.iter().any(|pair| pair.name == param.name);
    let missing = names(kernel.params.iter().filter(is_missing));
    let first = kernel.params.iter().find(is_missing).map_or("x", |param| &param.name);
    format!("no value for {missing}: add it at the end of the command line, such as {first}=2.5")
}

fn names<'a>(params: impl Iterator<Item = &'a ParamInfo>) -> String {
    params.map(|param| format!("`{}`", param.name)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::{Origin, Pair};

    fn parse(text: &str) -> Result<(String, Origin), String> {
        Pair::parse(text).map(|pair| (pair.name, pair.origin))
    }

    #[test]
    fn values_are_told_apart() {
        assert_eq!(parse("a=3"), Ok(("a".to_owned(), Origin::Text("3".to_owned()))));
        assert_eq!(parse("a=@x.npy"), Ok(("a".to_owned(), Origin::Npy("x.npy".into()))));
        assert_eq!(parse("a=@x.csv"), Ok(("a".to_owned(), Origin::Csv("x.csv".into(), None))));
        let column = Some("b:c d".to_owned());
        assert_eq!(parse("größe=@p=q/x.csv:b:c d"), Ok(("größe".to_owned(), Origin::Csv("p=q/x.csv".into(), column))));
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(parse("a").expect_err("no value").contains("expected NAME=VALUE"));
        assert_eq!(parse("2a=1"), Err("`2a` is not a name".to_owned()));
        assert_eq!(parse("=1"), Err("`` is not a name".to_owned()));
        assert_eq!(parse("a=b"), Err("`b` is not a number".to_owned()));
        assert_eq!(parse("a=@x.txt"), Err("`x.txt` is neither an .npy or .png file nor FILE.csv:COLUMN".to_owned()));
    }
}
