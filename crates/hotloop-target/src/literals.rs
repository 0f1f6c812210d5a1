//! Literals that stand apart from the code: programs that differ in nothing else have one code.
//!
//! A target whose code reads floats from the artifact's constant table is given a program with a placeholder for each
//! literal, and what it makes is bound to the numbers of one program or another. Owns the placeholders and the binding;
//! which literals may be set apart, a target decides.

use crate::artifact::{Artifact, ENTRY};
use hotloop_ir::{Inst, Program, Scalar, Type};

/// The most literals that are set apart. Below 2^16, no entry of narrower numbers looks like a placeholder.
const MOST: usize = 4096;
/// The upper bits of placeholders: as floats, NaNs that no operation gives.
const F32: u64 = 0x7fe0_0000;
const F64: u64 = 0x7ff8_484c_0000_0000;

/// The literals that were set apart from a program, in the order of their placeholders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Literals(Vec<Scalar>);

impl Literals {
    /// Replaces literals of a program by placeholders; `may` says which of a nest's may be, by their number. The
    /// program stays as it is where one of its own numbers looks like a placeholder.
    pub fn take(program: &mut Program, may: impl Fn(&Program, usize) -> Vec<bool>) -> Literals {
        let mut literals = Literals::default();
        let mut all = program.nests.iter().flat_map(|nest| &nest.lane.values);
        if all.any(|inst| matches!(inst, Inst::Const(scalar) if number(&entry(*scalar)).is_some())) {
            return literals;
        }
        for nest in 0..program.nests.len() {
            let may = may(program, nest);
            for (inst, may) in program.nests[nest].lane.values.iter_mut().zip(may) {
                let Inst::Const(scalar) = inst else { continue };
                // Code makes zeros from nothing, so they need no entry.
                if may && matches!(scalar.ty.bytes(), 4 | 8) && scalar.bits != 0 && literals.0.len() < MOST {
                    let number = literals.0.len();
                    literals.0.push(std::mem::replace(scalar, placeholder(scalar.ty, number)));
                }
            }
        }
        literals
    }

    /// Whether a number stands for a literal that was set apart.
    pub fn stands_for_one(ty: Type, bits: u64) -> bool {
        matches!(ty.bytes(), 4 | 8) && number(&entry(Scalar::new(ty, bits))).is_some()
    }

    /// Whether none was set apart.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts the literals in the place of their placeholders.
    pub fn bind(&self, artifact: &mut Artifact) {
        for bytes in artifact.constants.chunks_exact_mut(ENTRY) {
            if let Some(literal) = number(bytes).and_then(|number| self.0.get(number)) {
                bytes.copy_from_slice(&entry(*literal));
            }
        }
    }
}

fn placeholder(ty: Type, number: usize) -> Scalar {
    let upper = if ty.bytes() == 4 { F32 } else { F64 };
    Scalar::new(ty, upper | number as u64)
}

/// An entry of the constant table full of a number.
fn entry(scalar: Scalar) -> [u8; ENTRY] {
    let mut entry = [0; ENTRY];
    let bytes = scalar.bits.to_le_bytes();
    for lane in entry.chunks_exact_mut(scalar.ty.bytes().min(bytes.len())) {
        lane.copy_from_slice(&bytes[..lane.len()]);
    }
    entry
}

/// The number of the placeholder that an entry is full of.
fn number(bytes: &[u8]) -> Option<usize> {
    let (words, _) = bytes.as_chunks::<4>();
    let words: [u64; ENTRY / 4] =
        std::array::from_fn(|at| words.get(at).map_or(0, |word| u32::from_le_bytes(*word).into()));
    let (low, high) = (words[0], words[1]);
    let number = if low == high { low ^ F32 } else { (high << 32 | low) ^ F64 };
    let is_full = words[2..] == words[..2];
    usize::try_from(number).ok().filter(|&number| is_full && number < MOST)
}

#[cfg(test)]
mod tests {
    use super::{Artifact, Literals, MOST, entry, number, placeholder};
    use hotloop_ir::{Inst, Lane, Nest, Program, Scalar, Schedule, Span, Type};

    fn program(literals: &[Scalar]) -> Program {
        let values = literals.iter().map(|scalar| Inst::Const(*scalar)).collect();
        let types = literals.iter().map(|scalar| scalar.ty).collect();
        let lane = Lane { values, types, ..Lane::default() };
        let (axes, views, folds) = (Vec::new(), Vec::new(), Vec::new());
        let nest = Nest { axes, views, folds, lane, schedule: Schedule::default(), span: Span::DETACHED };
        Program { nests: vec![nest], ..Program::default() }
    }

    fn table(program: &Program) -> Artifact {
        let entries = program.nests[0].lane.values.iter().filter_map(|inst| match inst {
            Inst::Const(scalar) => Some(entry(*scalar)),
            _ => None,
        });
        let constants = entries.flatten().collect();
        Artifact { fingerprint: String::new(), code: Vec::new(), constants, entries: Vec::new() }
    }

    #[test]
    fn literals_come_back_bound() {
        let all = [
            Scalar::f64(2.5),
            Scalar::f32(2.5),
            Scalar::i64(7),
            Scalar::f64(0.0),
            Scalar::f64(f64::NAN),
            Scalar::f32(-0.0),
        ];
        let (mut apart, whole) = (program(&all), table(&program(&all)));
        let literals = Literals::take(&mut apart, |_, _| vec![true; all.len()]);
        let mut artifact = table(&apart);
        assert_ne!(artifact, whole);
        literals.bind(&mut artifact);
        assert_eq!(artifact, whole);
        let mut other = program(&[
            Scalar::f64(-1.0),
            Scalar::f32(3.0),
            Scalar::i64(7),
            Scalar::f64(0.0),
            Scalar::f64(1.0),
            Scalar::f32(9.0),
        ]);
        Literals::take(&mut other, |_, _| vec![true; all.len()]);
        assert_eq!(other, apart, "programs that differ in literals alone");
    }

    #[test]
    fn what_may_not_be_taken_stays() {
        let mut kept = program(&[Scalar::f64(2.0), Scalar::f64(3.0)]);
        Literals::take(&mut kept, |_, _| vec![false, true]);
        assert_eq!(kept.nests[0].lane.values[0], Inst::Const(Scalar::f64(2.0)));
        assert_ne!(kept.nests[0].lane.values[1], Inst::Const(Scalar::f64(3.0)));
    }

    #[test]
    fn numbers_that_look_like_placeholders_keep_all_literals_in_place() {
        let alike = [
            placeholder(Type::F32, 5),
            placeholder(Type::F64, 5),
            Scalar::new(Type::I32, placeholder(Type::F32, 0).bits),
            Scalar::new(Type::U64, placeholder(Type::F64, MOST - 1).bits),
        ];
        for alike in alike {
            let mut program = program(&[Scalar::f64(2.0), alike]);
            let before = program.clone();
            assert!(Literals::take(&mut program, |_, _| vec![true; 2]).is_empty());
            assert_eq!(program, before);
        }
    }

    #[test]
    fn entries_of_narrow_numbers_are_no_placeholders() {
        for bits in 0..=u64::from(u16::MAX) {
            assert_eq!(number(&entry(Scalar::new(Type::U16, bits))), None, "{bits:x}");
            assert_eq!(number(&entry(Scalar::new(Type::U8, bits))), None, "{bits:x}");
        }
    }
}
