//! Benchmarks of hotloop: the same workloads as hotloop kernels and as plain C, timed against each other.
//!
//! The library part is also built as a shared object that offers the kernels to any program that can call C, see
//! `ffi`. The program `hotloop-bench` writes `docs/performance.md` and `docs/gpu-performance.md`; nothing here is used by hotloop itself.

pub mod data;
pub mod dtype;
pub mod ffi;
pub mod gpu;
pub mod kargs;
pub mod maths;
pub mod measure;
pub mod peers;
pub mod programs;
pub mod report;
pub mod workload;

pub use data::Data;
pub use dtype::Dtype;
pub use kargs::Kargs;
pub use workload::{WORKLOADS, Workload};
