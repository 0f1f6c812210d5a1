//! Cases: calls with their inputs and what they must give, written in the comments of a kernel file.
//!
//! Owns the format, reading it, running a case and comparing. Which targets and lengths a case is tried with is up to
//! whoever runs it: the suite, or `hotloop test`. `tests/README.md` describes the format.

pub mod case;
pub mod check;
pub mod compare;
pub mod data;
pub mod run;
pub mod scan;
