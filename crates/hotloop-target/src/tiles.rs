//! How a nest's domain is cut into tiles, the unit that threads steal. One definition for every code generator.
//!
//! A tile is one block of one outer row:
//! - `Map`: the last axis is cut into blocks of [`MAP_BLOCK`] points, or fewer where points differ in their work; tile = row * blocks + block, where the row is the
//!   C-order index over all axes before the last;
//! - `FoldRows`: the last axis is cut into blocks of `semantics::FOLD_BLOCK` points, each giving one partial result;
//!   tile = row * blocks + block;
//! - `FoldColumns`: tile = (row * strips + strip) * blocks + block, where the blocks cut the C-order index over all
//!   `Reduce` axes by `FOLD_BLOCK`, strips cut the last axis by [`COLUMN_STRIP`] points, and the row counts the other
//!   `Parallel` axes;
//! - `FoldPoints`: tile = row * blocks + block, as `FoldColumns` with the row counting all `Parallel` axes;
//! - `Serial`: one tile.
//!
//! A fold over nothing has one block too, which gives its value. A nest with folds whose reduce axes make more than one
//! block writes its tiles' results to the nest's partial results, `fold * tiles + ...` laid out by the code generator
//! that also combines them. A code generator may give a nest another fitting shape than its schedule asks for.

/// Points of the last axis in one tile of a `Map` nest, at most.
pub const MAP_BLOCK: i64 = 4096;

/// The tiles that the last axis of a `Map` nest is cut into, at least, where a point may take long and another one not,
/// because its lane has loops: so many that threads which steal them end at about the same time.
pub const MAP_PIECES: i64 = 64;

/// The fewest points in a tile of such a nest.
pub const LEAST_BLOCK: i64 = 4;

/// The most columns in one tile of a `FoldColumns` nest: with a row of accumulators for each partial result, those of a
/// fold take 128 KiB. A nest with many folds may take fewer.
pub const COLUMN_STRIP: i64 = 512;
