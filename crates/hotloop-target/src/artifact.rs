//! An artifact: what a target made of a program, as plain bytes that can be stored and loaded by another process.

use crate::bytes::{Reader, Writer};

/// Bytes of an entry of the constant table: a vector register.
pub const ENTRY: usize = 16;

/// The product of compiling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// The fingerprint of the target that made it.
    pub fingerprint: String,
    /// Machine code or program text; only that target can read it.
    pub code: Vec<u8>,
    /// The constant table: whole entries, each as often the same number as it holds, but for addresses and the like.
    pub constants: Vec<u8>,
    /// Entry points as offsets into `code`: the driver first, then one per nest that has a function of its own
    /// (`u32::MAX` for those that have none).
    pub entries: Vec<u32>,
}

impl Artifact {
    /// Adds all of it to bytes that are stored.
    pub fn write(&self, to: &mut Writer) {
        to.bytes(self.fingerprint.as_bytes());
        to.bytes(&self.code);
        to.bytes(&self.constants);
        to.number(self.entries.len() as u64);
        self.entries.iter().for_each(|entry| to.number((*entry).into()));
    }

    /// Reads what [`Artifact::write`] has written.
    pub fn read(from: &mut Reader<'_>) -> Option<Artifact> {
        let fingerprint = from.text()?.to_owned();
        let (code, constants) = (from.bytes()?.to_vec(), from.bytes()?.to_vec());
        let entries = from.list(|from| u32::try_from(from.number()?).ok())?;
        Some(Artifact { fingerprint, code, constants, entries })
    }
}

#[cfg(test)]
mod tests {
    use super::{Artifact, Reader, Writer};

    #[test]
    fn an_artifact_comes_back_whole_or_not_at_all() {
        let artifact = Artifact {
            fingerprint: "simd 1".to_owned(),
            code: vec![0xc3; 300],
            constants: vec![7; 32],
            entries: vec![0, u32::MAX, 64],
        };
        let mut writer = Writer::new();
        artifact.write(&mut writer);
        let bytes = writer.finish();
        assert_eq!(Artifact::read(&mut Reader::new(&bytes)), Some(artifact));
        for len in 0..bytes.len() {
            assert_eq!(Artifact::read(&mut Reader::new(&bytes[..len])), None, "{len}");
        }
    }
}
