//! How far the mathematical functions are from the correctly rounded result, against CORE-MATH.
//!
//! `table` lists the functions with their references and bounds, `points` makes arguments, `measure` runs an
//! expression over them on one target and finds the worst one. The program prints a table, the test holds the bounds;
//! both get everything from here.

mod float;
mod measure;
mod points;
mod table;

pub use float::Float;
pub use measure::{Worst, measure};
pub use table::{FUNCTIONS, Function, Reference};
