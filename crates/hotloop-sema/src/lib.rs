//! From the tree to the Program: names, types, and what each construct means.
//!
//! `check` types a kernel and the functions it calls for the argument types of one call; `lower` turns the result into
//! steps and nests. Mathematical functions come from `std/`, written in the language itself.

mod attributes;
pub mod builtins;
mod check;
mod doc;
pub mod errors;
mod fastmath;
mod hir;
mod lower;
mod module;
mod promote;

pub use doc::{Doc, doc};
pub use fastmath::Fastmath;
pub use lower::{ArgType, Options, ZeroDivision, lower};
pub use module::{EXPRESSION, KernelInfo, Module, PROMPT, ParamInfo, ParamType, free_names};
