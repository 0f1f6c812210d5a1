//! hotloop: array expressions and small kernels, compiled for the types they are called with and run on your arrays.
//!
//! ```
//! use hotloop::{Engine, args};
//! let engine = Engine::new();
//! let module = engine.load("kernel axpy(k, x, y) = k * x + y")?;
//! let (x, y) = (vec![1.0f32, 2.0], vec![10.0f32, 20.0]);
//! let sum = module.kernel("axpy")?.call(&args![2.0f32, &x, &y])?.into_array()?;
//! assert_eq!(sum.as_slice::<f32>(), [12.0, 24.0]);
//! # Ok::<(), hotloop::Error>(())
//! ```
//!
//! - [`Engine`] compiles and keeps kernels; [`Engine::eval`] runs an expression, [`Engine::load`] a text with kernels.
//! - [`Arg`] is what is passed: numbers, slices, [`Array`]s, or a [`View`] of memory with any strides, never copied.
//! - [`Kernel::prepare`] gives a handle for given types that is called without looking anything up.
//! - [`Call`] has the choices for one call: threads, target, cancelling, timing.
//! - [`Error`] keeps apart a wrong text, what a target cannot do, a run that failed, and mistakes of ours.

mod arena;
mod call;
mod compile;
mod cost;
#[cfg(feature = "gpu")]
mod device;
#[cfg(not(feature = "gpu"))]
#[path = "device_off.rs"]
mod device;
mod disk;
mod emit;
mod engine;
mod export;
mod fallback;
mod fault;
mod header;
mod host;
mod job;
mod kept;
mod matmul;
mod module;
mod names;
#[cfg(feature = "ndarray")]
mod nd;
mod plan;
mod points;
mod process;
mod progress;
mod prompt;
mod stored;
mod targets;
mod threads;
mod tiers;
mod types;

mod arg;
mod array;
mod cancel;
mod element;
mod error;
mod options;
mod task;
pub mod text;
mod value;
mod view;
mod why;

#[cfg(test)]
mod samples;

pub use arg::Arg;
pub use array::{ALIGN, Array, MAX_RANK, Shape};
pub use cancel::CancelToken;
pub use device::DeviceArray;
#[cfg(feature = "gpu")]
pub use device::Launch;
pub use disk::DiskCache;
pub use element::Element;
pub use emit::Stage;
pub use engine::{Engine, EngineBuilder, Stats};
pub use error::{ArgumentError, Error, Fault, RunError, SourceError};
pub use export::{Exported, ObjectFile, parse_signature};
pub use fallback::{Fallback, Fallbacks};
pub use half::{bf16, f16};
pub use hotloop_cache::{Counters, DiskCounters, DiskLimits, Limits as CacheLimits, Listed, Miss, Verified};
pub use hotloop_clif::object::Cpu;
#[cfg(feature = "gpu")]
pub use hotloop_gpu::{
    Device, DeviceError, DeviceInfo, DeviceKind, DeviceOptions, Event, EventClock, Exactness, PoolCounters, Transfers,
    devices,
};
pub use hotloop_ir::{AxisKind, FaultKind, FoldOp, Layout, NoteKind, Scalar, Shape as LaneShape, Type};
pub use hotloop_sema::{ArgType, Fastmath, KernelInfo, Options, ParamInfo, ParamType, ZeroDivision};
pub use hotloop_source::{Diagnostic, Position, Severity, Source, Span};
pub use hotloop_syntax::Limits as TextLimits;
pub use job::Origin;
pub use kept::KeptMemory;
pub use module::{Kernel, Module, Prepared, ResultType};
pub use num_complex::Complex;
pub use options::{Call, Timing};
pub use progress::Progress;
pub use prompt::Prompt;
pub use targets::TargetChoice;
pub use task::Task;
pub use tiers::Tiers;
pub use types::{arg_type, array_of};
pub use value::{Outputs, Value};
pub use view::{Strides, View, ViewMut};
pub use why::{NestWhy, NoteWhy, ProductWhy, TempWhy, Traffic, Why};
