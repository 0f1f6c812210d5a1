//! How far the mathematical functions are from the exact results, in units in the last place.
//!
//! `table` lists the functions with their references and bounds, `points` makes arguments, `measure` runs a function
//! over them and finds the worst result; `big` is the exact reference, and CORE-MATH, which rounds correctly, the quick
//! one. `machines` says what runs the functions. The program prints a table, the test holds the bounds; both get
//! everything from here.

mod big;
mod exact;
mod float;
mod machines;
mod measure;
mod points;
mod table;

pub use big::Big;
pub use float::Float;
pub use machines::Machine;
pub use measure::{Points, Worst, fingerprint, measure, measure_chunks};
pub use table::{FUNCTIONS, Function, Operands, Range, Ranges};
