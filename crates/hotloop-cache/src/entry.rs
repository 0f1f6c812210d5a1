//! The file of one entry: what stands in it, and how wrong ones are told from right ones.
//!
//! | bytes | content |
//! |---|---|
//! | 8 | the magic number |
//! | 4 | the version of this format |
//! | 16 | the build: what made the code |
//! | 8 | the length of the whole file |
//! | 4, 4, 4 | the lengths of the key, the label and the content |
//! | … | the key, the label, the content |
//! | 16 | the digest of everything before it |
//!
//! All numbers are little-endian. The key stands here in full, so that two keys with the same digest are told apart.

use crate::miss::Miss;
use hotloop_target::signature::digest;

const MAGIC: [u8; 8] = *b"hotloop\x01";
/// Changes with every change of the table above.
const FORMAT: u32 = 1;
const HEADER: usize = 8 + 4 + 16 + 8 + 4 * 3;
const CHECKSUM: usize = 16;

/// The parts of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parts<'e> {
    /// What it is filed under.
    pub(crate) key: &'e [u8],
    /// What it is, for people.
    pub(crate) label: &'e str,
    /// What was stored.
    pub(crate) content: &'e [u8],
}

/// The bytes of an entry; none if some part is too long.
pub(crate) fn encode(build: u128, parts: Parts<'_>) -> Option<Vec<u8>> {
    let lengths = [parts.key.len(), parts.label.len(), parts.content.len()];
    let total = HEADER + lengths.iter().sum::<usize>() + CHECKSUM;
    let mut bytes = Vec::with_capacity(total);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    bytes.extend_from_slice(&build.to_le_bytes());
    bytes.extend_from_slice(&(total as u64).to_le_bytes());
    for len in lengths {
        bytes.extend_from_slice(&u32::try_from(len).ok()?.to_le_bytes());
    }
    bytes.extend_from_slice(parts.key);
    bytes.extend_from_slice(parts.label.as_bytes());
    bytes.extend_from_slice(parts.content);
    let sum = digest(&bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    Some(bytes)
}

/// The parts of an entry, or what is wrong with it.
pub(crate) fn decode(build: u128, bytes: &[u8]) -> Result<Parts<'_>, Miss> {
    if bytes.len() < MAGIC.len() {
        return Err(if MAGIC.starts_with(bytes) { Miss::Truncated } else { Miss::Foreign });
    }
    let mut rest = Cursor(bytes);
    if rest.take::<8>() != Some(MAGIC) {
        return Err(Miss::Foreign);
    }
    let format = rest.take().map(u32::from_le_bytes).ok_or(Miss::Truncated)?;
    let made_by = rest.take().map(u128::from_le_bytes).ok_or(Miss::Truncated)?;
    if format != FORMAT || made_by != build {
        return Err(Miss::OtherVersion);
    }
    let total = rest.take().map(u64::from_le_bytes).ok_or(Miss::Truncated)?;
    if (bytes.len() as u64) < total {
        return Err(Miss::Truncated);
    }
    let body = bytes.len().checked_sub(CHECKSUM).ok_or(Miss::Truncated)?;
    if bytes.len() as u64 != total || digest(&bytes[..body]).to_le_bytes() != bytes[body..] {
        return Err(Miss::Damaged);
    }
    // From here on the bytes are those that were written; what does not fit would be a mistake of ours.
    let mut len = || rest.take().map(|len| u32::from_le_bytes(len) as usize).ok_or(Miss::Damaged);
    let lengths = [len()?, len()?, len()?];
    let [key, label, content] = lengths.map(|len| rest.split(len));
    let label = label.and_then(|label| std::str::from_utf8(label).ok()).ok_or(Miss::Damaged)?;
    Ok(Parts { key: key.ok_or(Miss::Damaged)?, label, content: content.ok_or(Miss::Damaged)? })
}

struct Cursor<'b>(&'b [u8]);

impl<'b> Cursor<'b> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.split(N)?.try_into().ok()
    }

    fn split(&mut self, len: usize) -> Option<&'b [u8]> {
        let (first, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::{FORMAT, HEADER, Parts, decode, encode};
    use crate::miss::Miss;

    const BUILD: u128 = 7;
    const PARTS: Parts<'_> = Parts { key: b"the key", label: "axpy(f32)", content: b"machine code" };

    fn entry() -> Vec<u8> {
        encode(BUILD, PARTS).expect("it is short")
    }

    #[test]
    fn an_entry_comes_back() {
        assert_eq!(decode(BUILD, &entry()), Ok(PARTS));
        let empty = Parts { key: b"", label: "", content: b"" };
        assert_eq!(decode(BUILD, &encode(BUILD, empty).expect("it is short")), Ok(empty));
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        let entry = entry();
        for at in 0..entry.len() * 8 {
            let mut bytes = entry.clone();
            bytes[at / 8] ^= 1 << (at % 8);
            let miss = decode(BUILD, &bytes).expect_err("a flipped bit");
            let expected: &[Miss] = match at / 8 {
                0..8 => &[Miss::Foreign],
                8..28 => &[Miss::OtherVersion],
                28..36 => &[Miss::Truncated, Miss::Damaged],
                HEADER.. | 36.. => &[Miss::Damaged],
            };
            assert!(expected.contains(&miss), "bit {at}: {miss:?}");
        }
    }

    #[test]
    fn every_length_but_the_right_one_is_seen() {
        let entry = entry();
        for len in 0..entry.len() {
            assert_eq!(decode(BUILD, &entry[..len]), Err(Miss::Truncated), "{len}");
        }
        let longer = [&entry[..], b"\0"].concat();
        assert_eq!(decode(BUILD, &longer), Err(Miss::Damaged));
    }

    #[test]
    fn other_files_and_versions_are_told_apart() {
        assert_eq!(decode(BUILD, b"#!/bin/sh\nexit\n"), Err(Miss::Foreign));
        assert_eq!(decode(BUILD, b"#!"), Err(Miss::Foreign));
        assert_eq!(decode(BUILD + 1, &entry()), Err(Miss::OtherVersion));
        let mut newer = entry();
        newer[8..12].copy_from_slice(&(FORMAT + 1).to_le_bytes());
        assert_eq!(decode(BUILD, &newer), Err(Miss::OtherVersion));
    }
}
