//! `-o FILE`: results in files, all or none.
//!
//! Owns that nothing half-written is ever seen under a given name: each file is written under a temporary name beside
//! it, and all are renamed when all are complete. The formats are in `npy`, `table` and `picture_file`.

use crate::report::{Failure, io_text};
use crate::{npy, picture_file, table};
use hotloop::{CancelToken, Value};
use std::ffi::OsStr;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A file to be written, in the format its ending says.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    path: PathBuf,
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Format {
    Npy,
    Csv,
    Png,
}

impl Output {
    /// Reads the argument of `-o`.
    pub fn parse(text: &str) -> Result<Output, String> {
        let path = PathBuf::from(text);
        let format = match path.extension().and_then(OsStr::to_str) {
            Some("npy") => Format::Npy,
            Some("csv") => Format::Csv,
            Some("png") => Format::Png,
            Some(_) | None => return Err("the name must end in .npy, .csv or .png".to_owned()),
        };
        Ok(Output { path, format })
    }
}

/// Refuses to write two results to one file.
pub fn check_distinct(outputs: &[Output]) -> Result<(), Failure> {
    for (index, output) in outputs.iter().enumerate() {
        if outputs[..index].contains(output) {
            return Err(Failure::Usage(format!("`-o {}` is given twice", output.path.display())));
        }
    }
    Ok(())
}

/// Writes one value to each file; on any failure, or when cancelled before the end, none of them changes.
pub fn write_all(outputs: &[Output], values: &[&Value], cancel: &CancelToken) -> Result<(), Failure> {
    let mut written = Vec::with_capacity(outputs.len());
    for (output, value) in outputs.iter().zip(values) {
        let target = real_path(&output.path);
        let file = write_beside(&target, output.format, value).map_err(|error| cannot_write(output, error))?;
        written.push((file, target, output));
    }
    if cancel.is_cancelled() {
        return Err(Failure::Interrupted);
    }
    for (file, target, output) in written {
        file.persist(&target).map_err(|error| cannot_write(output, error.error))?;
    }
    Ok(())
}

/// Replaces a file by these bytes, at once.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = real_path(path);
    let mut file = new_file(&target)?;
    file.write_all(bytes)?;
    if let Ok(data) = target.metadata() {
        file.as_file().set_permissions(data.permissions())?;
    }
    file.persist(&target).map(drop).map_err(|error| error.error)
}

/// The file a link stands for: the rename must replace that one, not the link.
fn real_path(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn write_beside(target: &Path, format: Format, value: &Value) -> io::Result<NamedTempFile> {
    let mut out = BufWriter::new(new_file(target)?);
    match format {
        Format::Npy => npy::write(value, &mut out)?,
        Format::Csv => table::write(value, &mut out)?,
        Format::Png => picture_file::write(value, &mut out)?,
    }
    out.flush()?;
    out.into_inner().map_err(io::IntoInnerError::into_error)
}

/// A temporary file beside a file.
fn new_file(target: &Path) -> io::Result<NamedTempFile> {
    if target.metadata().is_ok_and(|data| !data.is_file()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let directory = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".hotloop-");
    with_usual_permissions(&mut builder);
    builder.tempfile_in(directory)
}

/// Temporary files are private by default; results are as open as any new file of this user.
#[cfg(unix)]
fn with_usual_permissions(builder: &mut tempfile::Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(std::fs::Permissions::from_mode(0o666));
}

#[cfg(not(unix))]
fn with_usual_permissions(_builder: &mut tempfile::Builder<'_, '_>) {}

fn cannot_write(output: &Output, error: io::Error) -> Failure {
    let text = io_text(error);
    // The temporary name is of no interest.
    let reason = text.split(" at path ").next().unwrap_or(&text);
    Failure::Data(format!("cannot write `{}`: {reason}", output.path.display()))
}

#[cfg(test)]
mod tests {
    use super::{Output, write_all};
    use hotloop::{Array, CancelToken, Value};
    use std::fs;

    fn outputs(directory: &tempfile::TempDir, names: &[&str]) -> Vec<Output> {
        let full = |name: &&str| Output::parse(directory.path().join(name).to_str().expect("text")).expect("an ending");
        names.iter().map(full).collect()
    }

    #[test]
    fn endings_decide() {
        assert!(Output::parse("a.npy").is_ok() && Output::parse("a.csv").is_ok());
        assert!(Output::parse("a.txt").is_err() && Output::parse("npy").is_err());
    }

    #[test]
    fn all_or_none() {
        let directory = tempfile::tempdir().expect("a directory");
        let flat = Value::Array(Array::from(vec![1i64, 2]));
        let cube = Value::Array(Array::from_vec(vec![1i64, 2], &[1, 1, 2]).expect("two"));
        let outputs = outputs(&directory, &["a.csv", "b.csv"]);
        fs::write(directory.path().join("a.csv"), "before").expect("written");
        // A table cannot hold three axes, so the first file is not changed either.
        assert!(write_all(&outputs, &[&flat, &cube], &CancelToken::new()).is_err());
        let cancelled = CancelToken::new();
        cancelled.cancel();
        assert!(write_all(&outputs, &[&flat, &flat], &cancelled).is_err());
        assert_eq!(fs::read_to_string(directory.path().join("a.csv")).expect("read"), "before");
        assert_eq!(fs::read_dir(directory.path()).expect("read").count(), 1);
        assert!(write_all(&outputs, &[&flat, &flat], &CancelToken::new()).is_ok());
        assert_eq!(fs::read_to_string(directory.path().join("a.csv")).expect("read"), "value\n1\n2\n");
        assert_eq!(fs::read_dir(directory.path()).expect("read").count(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_modes_are_usual() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().expect("a directory");
        let value = Value::Array(Array::from(vec![1i64]));
        fs::write(directory.path().join("real.csv"), "").expect("written");
        std::os::unix::fs::symlink("real.csv", directory.path().join("link.csv")).expect("a link");
        write_all(&outputs(&directory, &["link.csv"]), &[&value], &CancelToken::new()).expect("written");
        let link = directory.path().join("link.csv");
        assert!(fs::symlink_metadata(&link).expect("a link").is_symlink());
        assert_eq!(fs::read_to_string(&link).expect("read"), "value\n1\n");
        let (plain, new) = (directory.path().join("plain"), directory.path().join("new.csv"));
        fs::write(&plain, "").expect("written");
        write_all(&outputs(&directory, &["new.csv"]), &[&value], &CancelToken::new()).expect("written");
        let mode = |path| fs::metadata(path).expect("a file").permissions().mode();
        assert_eq!(mode(&plain), mode(&new));
    }
}
