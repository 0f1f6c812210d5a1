//! What can go wrong, in kinds that are handled differently: the text, what a target cannot do, the run, and our own
//! mistakes.
//!
//! Messages name things as the caller wrote them. How a fault record becomes a `Fault` is in `fault`.

use hotloop_ir::{FaultKind, Layout, Type};
use hotloop_source::{Diagnostic, Position, Source, render};
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a text gave no kernel, or a kernel no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text is wrong, or does not fit the types it is called with.
    #[error(transparent)]
    Source(Box<SourceError>),
    /// A file could not be read.
    #[error("cannot read `{}`: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The text is right, but the target cannot run it here; the message says what would work.
    #[error("{0}")]
    Unsupported(String),
    /// The call went wrong; the kernel can be called again.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A mistake in hotloop.
    #[error("internal error in hotloop, please report it: {0}")]
    Bug(String),
}

impl Error {
    /// The diagnostics of a text that is wrong; none for other errors.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        match self {
            Error::Source(error) => &error.diagnostics,
            Error::Io { .. } | Error::Unsupported(_) | Error::Run(_) | Error::Bug(_) => &[],
        }
    }

    /// The fault, if the kernel ran into one.
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Error::Run(RunError::Fault(fault)) => Some(fault),
            Error::Run(_) | Error::Source(_) | Error::Io { .. } | Error::Unsupported(_) | Error::Bug(_) => None,
        }
    }

    /// Whether the call was cancelled.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Error::Run(RunError::Cancelled))
    }

    /// The full text for people, several lines where there is source to show; `color` adds ANSI colors.
    pub fn render(&self, color: bool) -> String {
        match self {
            Error::Source(error) => error.render(color),
            Error::Run(RunError::Fault(fault)) => fault.render(color),
            Error::Run(_) | Error::Io { .. } | Error::Unsupported(_) | Error::Bug(_) => format!("error: {self}\n"),
        }
    }

    pub(crate) fn source(source: &Source, diagnostics: Vec<Diagnostic>) -> Error {
        Error::Source(Box::new(SourceError { source: source.clone(), diagnostics }))
    }
}

impl From<ArgumentError> for Error {
    fn from(error: ArgumentError) -> Error {
        Error::Run(RunError::Argument(error))
    }
}

/// What is wrong with a text.
#[derive(Clone, Debug)]
pub struct SourceError {
    /// The text.
    pub source: Source,
    /// What is wrong, in the order found; warnings too.
    pub diagnostics: Vec<Diagnostic>,
}

impl SourceError {
    /// All diagnostics with the lines they are about.
    pub fn render(&self, color: bool) -> String {
        let all = self.diagnostics.iter().map(|diag| render(diag, &self.source, color));
        all.collect::<Vec<_>>().join("\n")
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(false).trim_end())
    }
}

impl std::error::Error for SourceError {}

/// Why a call gave no result.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A fault of the kernel, such as an index out of range.
    #[error(transparent)]
    Fault(Box<Fault>),
    /// The call was cancelled through its token.
    #[error("cancelled")]
    Cancelled,
    /// The system has no more memory, or the engine's limit is reached.
    #[error("{what} needs {bytes} bytes, {}", reason(*limit))]
    Memory {
        /// What was to be allocated.
        what: String,
        /// How many bytes it takes.
        bytes: u128,
        /// The engine's limit, if that is what stopped it.
        limit: Option<usize>,
    },
    /// The device of target `gpu` failed; the engine can be used on.
    #[error("{0}")]
    Device(String),
    /// The system gives no thread; the text is its reason.
    #[error("no thread can be started: {0}")]
    Thread(String),
    /// The arguments do not fit.
    #[error(transparent)]
    Argument(#[from] ArgumentError),
}

fn reason(limit: Option<usize>) -> String {
    match limit {
        Some(limit) => format!("which is over this engine's limit of {limit} for one call"),
        None => "which the system does not have".to_owned(),
    }
}

/// A run-time fault: the first one in the order of the program, whatever the number of threads.
#[derive(Clone, Debug)]
pub struct Fault {
    /// What kind of fault.
    pub kind: FaultKind,
    /// The kernel.
    pub kernel: String,
    /// What went wrong, in one line, without the place.
    pub message: String,
    /// The place in the source.
    pub position: Position,
    /// The indices of the element that faulted; empty for scalar code, and where the elements are of no array that has a
    /// name.
    pub point: Vec<i64>,
    pub(crate) source: Source,
    pub(crate) diagnostic: Diagnostic,
}

impl Fault {
    /// The fault with the line it is about.
    pub fn render(&self, color: bool) -> String {
        render(&self.diagnostic, &self.source, color)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { line, column } = self.position;
        write!(f, "{} (in `{}`, {}:{line}:{column})", self.message, self.kernel, self.source.name())
    }
}

impl std::error::Error for Fault {}

/// Why arguments, results or the memory given for them do not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum ArgumentError {
    /// A shape with another number of elements than there are.
    #[error("the shape {shape:?} has {expected} elements, but there are {found}")]
    Length { expected: usize, found: usize, shape: Vec<usize> },
    /// More axes than arrays can have.
    #[error("{found} axes are too many: arrays have at most 32")]
    Rank { found: usize },
    /// More elements than can be addressed, or than there is memory for.
    #[error("an array of this shape is too large for memory")]
    TooLarge,
    /// Not one stride per axis.
    #[error("{strides} strides for {axes} axes")]
    StrideCount { axes: usize, strides: usize },
    /// A view that leaves its slice.
    #[error("the view reaches outside of its slice of {len} elements")]
    Outside { len: usize },
    /// A view to be written in which two indices are the same element.
    #[error("the view cannot be written: two of its indices are the same element")]
    Repeated,
    /// An address that is not a multiple of the element size.
    #[error("the address is not aligned for `{ty}`")]
    Misaligned { ty: Type },
    /// Another number of arguments than the kernel has parameters.
    #[error("`{kernel}` takes {expected} arguments, {found} were given")]
    Count { kernel: String, expected: usize, found: usize },
    /// Another number of `out` arrays than the kernel has results.
    #[error("`{kernel}` has {expected} results, {found} `out` arrays were given")]
    OutCount { kernel: String, expected: usize, found: usize },
    /// A name used in the expression that no argument has.
    #[error("no value was given for `{name}`")]
    Missing { name: String },
    /// An argument the expression does not use, or a name given twice.
    #[error("the expression has no use for `{name}`, or it was given twice")]
    Surplus { name: String },
    /// No kernel of that name.
    #[error("no kernel is called `{name}`; there is {}", list(known))]
    NoKernel { name: String, known: Vec<String> },
    /// Another type than the handle was prepared for.
    #[error("argument `{name}` is {found}, but the handle was prepared for {expected}")]
    Prepared { name: String, expected: String, found: String },
    /// A read-only array for a parameter that is written.
    #[error("`{name}` is written by `{kernel}`, but the argument is read-only: pass a `&mut` array")]
    ReadOnly { kernel: String, name: String },
    /// An `out` array of another type than the result.
    #[error("result {index} of `{kernel}` is of type `{expected}`, the `out` array of type `{found}`")]
    OutType { kernel: String, index: usize, expected: Type, found: Type },
    /// An `out` array of another shape than the result.
    #[error("result {index} of `{kernel}` has the shape {expected:?}, the `out` array {found:?}")]
    OutShape { kernel: String, index: usize, expected: Vec<usize>, found: Vec<usize> },
    /// An `out` argument that cannot be written.
    #[error("`out` {index} of `{kernel}` is not an array that can be written")]
    OutKind { kernel: String, index: usize },
    /// Two arrays to be written that share memory.
    #[error("{first} and {second} are both written by `{kernel}` and share memory")]
    Shared { kernel: String, first: String, second: String },
    /// An array on the device, and a target of the processor.
    #[error("`{name}` is on the device: choose target `gpu`, or bring it to the host with `to_host()`")]
    OnDevice { name: String },
    /// A call that asks for the device, and a target of the processor.
    #[error("`{kernel}` was asked for results on the device: choose target `gpu`")]
    NoDevice { kernel: String },
    /// Arrays on the host and on the device in one call.
    #[error(
        "`{device}` is on the device, `{host}` on the host: bring one to the other, with `to_device` or `to_host()`"
    )]
    Mixed { host: String, device: String },
    /// An array of the host that a call on the device would write.
    #[error("`{name}` is written by `{kernel}` and is on the host: bring it to the device with `to_device`")]
    WrittenOnHost { kernel: String, name: String },
    /// An array of another device than the engine's.
    #[error("`{name}` is on another device than this engine uses: bring it to the host with `to_host()` first")]
    OtherDevice { name: String },
    /// An array without axes for the device.
    #[error("an array without axes is a number, which calls on the device take as it is")]
    NumberToDevice,
    /// A result of another kind or type than was asked for.
    #[error("the result is {found}, not {wanted}")]
    Result { wanted: String, found: String },
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { format!("`{}`", names.join("`, `")) }
}

/// A layout in words.
pub(crate) fn layout_words(layout: Layout) -> &'static str {
    match layout {
        Layout::Dense => "dense",
        Layout::UnitInner => "with gaps between rows",
        Layout::Strided => "strided",
    }
}
