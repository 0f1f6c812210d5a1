//! hotloop: array expressions and small kernels, compiled for the types they are called with and run on your arrays.

mod arg;
mod array;
mod cancel;
mod element;
mod error;
mod value;
mod view;

pub use arg::Arg;
pub use array::{ALIGN, Array, MAX_RANK, Shape};
pub use cancel::CancelToken;
pub use element::Element;
pub use error::{ArgumentError, Error, Fault, RunError, SourceError};
pub use hotloop_ir::{FaultKind, Layout, Scalar, Type};
pub use hotloop_source::{Diagnostic, Position, Severity, Source, Span};
pub use value::{Outputs, Value};
pub use view::{Strides, View, ViewMut};
