//! What is true of every correct program. Targets, passes and the interpreter rely on these rules and on nothing else.
//!
//! Everywhere
//! - Every handle is in the range of the vector it indexes.
//! - Lists of steps and regions of statements are nested at most [`MAX_DEPTH`] deep.
//! - `Break` and `Continue` reach a loop or block that encloses them; `Continue` reaches no block; both stand last in
//!   their list.
//!
//! Program
//! - An array has 1 to [`MAX_RANK`] axes; one of pairs has 2 at least, and floats.
//! - Nothing has a complex type.
//! - Every array of role `Input` or `Mut` is exactly one parameter, and no other array is one. No slot is two
//!   parameters.
//! - An array result has role `Output` and is a result once.
//! - A note is about a nest that is there, or about none.
//!
//! Steps
//! - Each nest is run by exactly one step.
//! - Each matrix product is run by exactly one step. `Free` names an array of role `Temp`.
//! - `Alloc` names an array of role `Output` or `Temp` and one `i64` slot per axis.
//! - The condition of an `If` is a `bool` slot; the slots of a `For` are `i64`, and nothing in its body writes its
//!   index.
//!
//! Nests
//! - A constant extent is not negative; slots that hold extents, starts and steps are `i64`.
//! - A view has one dimension per axis of its array, and each follows an axis of the nest or none. A dimension that is
//!   `full` follows an axis from 0 by 1.
//! - Folds stand only in nests with a `Reduce` axis. The fold accepts its type, and its slot or the array of its view
//!   has that type. The view uses no `Reduce` axis, and its array may be written. No slot takes two folds.
//! - The lanes of a schedule are at most [`MAX_LANES`] (0 counts as 1). The shape is `Serial` with one lane,
//!   `FoldPoints` with one lane where there is a `Reduce` and no `Ordered` axis, or what `Shape::of` the axes is. A
//!   nest with a `Parallel` axis and a fold to a slot is `Serial`.
//! - Each loop whose turns a schedule groups is one loop of a nest with one lane, by its counter. Groups are powers of two
//!   from 2 to [`MAX_LANES`]. The loop has only values, stores by computed indices, and in it each variable that collects
//!   is set once, to the op of what it was and something else, while no other variable is set.
//!
//! Matrix products
//! - There are at least three axes. All three arrays have one float type. The result may be written and is neither
//!   operand; its view uses no summed axis, that of the left operand no columns, that of the right one no rows.
//!
//! Lanes
//! - Each value has one type, is computed by at most one `Let`, and is used only after it, in the same region or one
//!   inside.
//! - An op has operands of one type that it takes (the first of `select` is `bool`), its result has the op's type, and
//!   operands beyond its arity repeat the first.
//! - A conversion changes the type and gives no `bool`; a bit cast changes the type, not the size, and knows no `bool`.
//! - Constants, slots, locals, elements, coordinates and extents have the type of what they are read from; axes exist.
//! - Computed indices are `i64`, one per axis.
//! - What is set, stored or folded has the type of its destination. No array of role `Input` is stored to.
//! - Slots are set only in nests without axes. A slot is read with the type it has.
//! - Each fold of the nest is given a value by exactly one statement, in the outermost region.
//! - Conditions are `bool`; what a check shows are integers; the bounds of a `For` are `i64`, its index is an `i64`
//!   local, and nothing in its body sets it.
//!
//! Not checked, but promised by whoever makes a program: views and computed indices are in bounds, extents and
//! allocations are not negative, steps of counted loops are not 0, arrays are allocated before they are used, points of
//! `Parallel` and `Reduce` axes do not depend on one another but for folds, and no point reads what a fold of its nest
//! writes.

mod lane;
mod nest;
mod steps;
mod turns;

use crate::program::{NestId, Param, Program, ResultRef, Role, SlotId, Value};
use crate::types::Type;
use std::collections::HashSet;
use std::fmt;

/// How deep steps and regions may be nested.
pub const MAX_DEPTH: u32 = 256;
/// The most axes an array can have.
pub const MAX_RANK: u32 = 64;
/// The most lanes a schedule can ask for.
pub const MAX_LANES: u32 = 256;

/// The rule a program breaks, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyError {
    /// What is wrong.
    pub what: String,
    /// The nest in which it is, if it is in one.
    pub nest: Option<NestId>,
    /// The value that is wrong, if it is one.
    pub value: Option<Value>,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if let Some(nest) = self.nest {
            write!(f, ", in nest {nest}")?;
        }
        if let Some(value) = self.value {
            write!(f, ", at value {value}")?;
        }
        Ok(())
    }
}

impl std::error::Error for VerifyError {}

type Check = Result<(), VerifyError>;

/// Checks every rule above and reports the first that is broken.
pub fn verify(program: &Program) -> Result<(), VerifyError> {
    arrays(program)?;
    params(program)?;
    results(program)?;
    let mut written = Vec::new();
    for (index, nest) in program.nests.iter().enumerate() {
        let in_nest = |error: VerifyError| VerifyError { nest: Some(NestId(index as u32)), ..error };
        written.push(nest::check(program, nest).map_err(in_nest)?);
    }
    program.products.iter().try_for_each(|product| nest::product(program, product))?;
    for nest in program.notes.iter().filter_map(|note| note.nest) {
        in_range(nest.index(), program.nests.len(), || format!("nest {nest} of a note"))?;
    }
    steps::check(program, &written)
}

fn arrays(program: &Program) -> Check {
    for array in &program.arrays {
        let least = 1 + u32::from(array.pairs);
        ensure((least..=MAX_RANK).contains(&array.rank), || format!("array `{}` has {} axes", array.name, array.rank))?;
        ensure(!array.pairs || array.ty.is_float(), || format!("array `{}` has pairs of `{}`", array.name, array.ty))?;
        ensure(!array.ty.is_complex(), || format!("array `{}` has elements of `{}`", array.name, array.ty))?;
    }
    let complex = program.slots.iter().find(|slot| slot.ty.is_complex());
    ensure(complex.is_none(), || format!("slot `{}` is complex", complex.map_or("", |slot| &slot.name)))
}

fn params(program: &Program) -> Check {
    let (mut arrays, mut slots) = (HashSet::new(), HashSet::new());
    for param in &program.params {
        match param {
            Param::Scalar(slot) => {
                slot_type(program, *slot)?;
                ensure(slots.insert(*slot), || format!("slot {slot} is two parameters"))?;
            }
            Param::Pair(pair) => {
                parts(program, *pair)?;
                for slot in pair {
                    ensure(slots.insert(*slot), || format!("slot {slot} is two parameters"))?;
                }
            }
            Param::Array(array) => {
                in_range(array.index(), program.arrays.len(), || format!("array {array}"))?;
                ensure(is_param(program.array(*array).role), || format!("array {array} cannot be a parameter"))?;
                ensure(arrays.insert(array.index()), || format!("array {array} is two parameters"))?;
            }
        }
    }
    let missing = (0..program.arrays.len()).find(|i| is_param(program.arrays[*i].role) && !arrays.contains(i));
    ensure(missing.is_none(), || format!("array a{} should be a parameter", missing.unwrap_or_default()))
}

fn is_param(role: Role) -> bool {
    match role {
        Role::Input | Role::Mut => true,
        Role::Output | Role::Temp => false,
    }
}

fn results(program: &Program) -> Check {
    let mut seen = HashSet::new();
    for result in &program.results {
        match result {
            ResultRef::Scalar(slot) => slot_type(program, *slot).map(|_| ())?,
            ResultRef::Pair(pair) => parts(program, *pair)?,
            ResultRef::Array(array) => {
                in_range(array.index(), program.arrays.len(), || format!("array {array}"))?;
                ensure(program.array(*array).role == Role::Output, || format!("array {array} is no output"))?;
                ensure(seen.insert(*array), || format!("array {array} is two results"))?;
            }
        }
    }
    Ok(())
}

/// The slots of the two parts of a complex number.
fn parts(program: &Program, [real, imag]: [SlotId; 2]) -> Check {
    let ty = slot_type(program, real)?;
    ensure(ty.is_float(), || format!("slot {real} is `{ty}`, which is no part of a complex number"))?;
    same_type(slot_type(program, imag)?, ty, || format!("slot {imag}"))
}

fn error(what: String) -> VerifyError {
    VerifyError { what, nest: None, value: None }
}

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Check {
    if holds { Ok(()) } else { Err(error(what())) }
}

fn in_range(index: usize, len: usize, what: impl FnOnce() -> String) -> Check {
    ensure(index < len, || format!("{} does not exist", what()))
}

fn slot_type(program: &Program, slot: SlotId) -> Result<Type, VerifyError> {
    in_range(slot.index(), program.slots.len(), || format!("slot {slot}"))?;
    Ok(program.slot(slot).ty)
}

fn same_type(found: Type, expected: Type, what: impl FnOnce() -> String) -> Check {
    ensure(found == expected, || format!("{} is `{found}`, not `{expected}`", what()))
}

/// The loops and blocks around a statement or step, innermost last, and how deep the nesting is.
#[derive(Default)]
struct Around {
    /// Whether each can be continued.
    loops: Vec<bool>,
    depth: u32,
}

impl Around {
    fn enter(&mut self) -> Check {
        self.depth += 1;
        ensure(self.depth <= MAX_DEPTH, || format!("more than {MAX_DEPTH} levels of nesting"))
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    fn target(&self, depth: u32) -> Option<bool> {
        let index = self.loops.len().checked_sub(depth as usize + 1)?;
        self.loops.get(index).copied()
    }

    fn break_out(&self, depth: u32, is_last: bool) -> Check {
        ensure(self.target(depth).is_some(), || format!("`break {depth}` leaves no loop or block"))?;
        ensure(is_last, || format!("something follows `break {depth}`"))
    }

    fn continue_with(&self, depth: u32, is_last: bool) -> Check {
        ensure(self.target(depth) == Some(true), || format!("`continue {depth}` reaches no loop"))?;
        ensure(is_last, || format!("something follows `continue {depth}`"))
    }
}

#[cfg(test)]
mod tests;
