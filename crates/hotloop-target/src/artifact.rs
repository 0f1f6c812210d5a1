//! An artifact: what a target made of a program, as plain bytes that can be stored and loaded by another process.

/// The product of compiling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// The fingerprint of the target that made it.
    pub fingerprint: String,
    /// Machine code or program text; only that target can read it.
    pub code: Vec<u8>,
    /// The constant table, a multiple of 16 bytes.
    pub constants: Vec<u8>,
    /// Entry points as offsets into `code`: the driver first, then one per nest that has a function of its own
    /// (`u32::MAX` for those that have none).
    pub entries: Vec<u32>,
}
