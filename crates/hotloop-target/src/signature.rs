//! Signatures: what a compiled kernel is filed under, in memory and on disk.
//!
//! A signature holds everything that can change the code: the text, and a detail of bytes that whoever signs composes
//! from the kernel's name, the argument types, the options and the target's fingerprint. The hash only finds the
//! place; two signatures are the same when all their bytes are. The hash does not depend on process or machine.

use std::sync::Arc;

/// The signature of one compiled kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    text: Arc<str>,
    detail: Box<[u8]>,
    hash: u128,
}

/// A signature that borrows its parts, so that looking one up allocates nothing.
#[derive(Clone, Copy, Debug)]
pub struct Lookup<'a> {
    text: &'a str,
    detail: &'a [u8],
    hash: u128,
}

impl<'a> Lookup<'a> {
    /// Signs a text and a detail.
    pub fn new(text: &'a str, detail: &'a [u8]) -> Lookup<'a> {
        Lookup::with_digest(text, digest(text.as_bytes()), detail)
    }

    /// Signs a text whose [`digest`] is known already.
    pub fn with_digest(text: &'a str, text_digest: u128, detail: &'a [u8]) -> Lookup<'a> {
        let (high, low) = ((text_digest >> 64) as u64, text_digest as u64);
        Lookup { text, detail, hash: digest_from(high, low, detail) }
    }

    /// The 128-bit hash of all parts.
    pub fn hash(&self) -> u128 {
        self.hash
    }

    /// Whether a stored signature is this one, in every byte.
    pub fn is(&self, signature: &Signature) -> bool {
        self.hash == signature.hash && *self.detail == *signature.detail && *self.text == *signature.text
    }

    /// A signature with parts of its own.
    pub fn to_signature(&self) -> Signature {
        Signature { text: self.text.into(), detail: self.detail.into(), hash: self.hash }
    }
}

impl Signature {
    /// The text that was signed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The other bytes that were signed.
    pub fn detail(&self) -> &[u8] {
        &self.detail
    }

    /// The 128-bit hash of all parts.
    pub fn hash(&self) -> u128 {
        self.hash
    }

    /// Bytes this signature takes in memory, roughly.
    pub fn bytes(&self) -> usize {
        size_of::<Signature>() + self.text.len() + self.detail.len()
    }

    /// The signature as a lookup.
    pub fn as_lookup(&self) -> Lookup<'_> {
        Lookup { text: &self.text, detail: &self.detail, hash: self.hash }
    }
}

// Fractional parts of the golden ratio and of the square roots of 2, 3 and 5.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
const ROOT_2: u64 = 0x6a09_e667_f3bc_c909;
const ROOT_3: u64 = 0xbb67_ae85_84ca_a73b;
const ROOT_5: u64 = 0x3c6e_f372_fe94_f82b;

/// A 128-bit hash of some bytes; the same in every process and on every machine. Not meant to resist an attacker:
/// whoever looks up by it compares the bytes too.
pub fn digest(bytes: &[u8]) -> u128 {
    digest_from(GOLDEN, ROOT_2, bytes)
}

fn digest_from(seed_high: u64, seed_low: u64, bytes: &[u8]) -> u128 {
    let mut x = seed_high ^ bytes.len() as u64;
    let mut y = seed_low;
    let mut chunks = bytes.chunks_exact(16);
    for chunk in &mut chunks {
        (x, y) = mix(x, y, chunk);
    }
    let rest = chunks.remainder();
    if !rest.is_empty() {
        // The length is in the seed, so filling up with zeros makes no two inputs the same.
        let mut last = [0; 16];
        last[..rest.len()].copy_from_slice(rest);
        (x, y) = mix(x, y, &last);
    }
    let high = fold(x ^ GOLDEN, y ^ ROOT_3);
    let low = fold(y ^ ROOT_2, x ^ ROOT_5);
    u128::from(high) << 64 | u128::from(low)
}

fn mix(x: u64, y: u64, chunk: &[u8]) -> (u64, u64) {
    let a = word(&chunk[..8]);
    let b = word(&chunk[8..]);
    (fold(x ^ a, ROOT_3 ^ b) ^ y.rotate_left(23), fold(y ^ b, ROOT_5 ^ a.rotate_left(32)) ^ x)
}

fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

/// The two halves of a full product, together.
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::{Lookup, digest};
    use std::collections::HashSet;

    #[test]
    fn every_part_counts() {
        let parts = [("a", "b"), ("ab", ""), ("", "ab"), ("a", "c"), ("b", "b"), ("a", "b\0"), ("a\0", "b")];
        for (i, one) in parts.iter().enumerate() {
            for (j, two) in parts.iter().enumerate() {
                let stored = Lookup::new(two.0, two.1.as_bytes()).to_signature();
                let lookup = Lookup::new(one.0, one.1.as_bytes());
                assert_eq!(lookup.is(&stored), i == j, "{one:?} {two:?}");
                assert_eq!(lookup.hash() == stored.hash(), i == j, "{one:?} {two:?}");
            }
        }
    }

    #[test]
    fn a_signature_finds_itself() {
        let stored = Lookup::new("2*a", b"f64").to_signature();
        assert!(stored.as_lookup().is(&stored));
        assert_eq!((stored.text(), stored.detail()), ("2*a", &b"f64"[..]));
    }

    #[test]
    fn the_digest_is_pinned() {
        // Stored entries of earlier runs are found by this number.
        assert_eq!(digest(b"hotloop signatures"), 0xaad2_a32d_6ed3_c0f7_d0b8_28c6_b058_268c);
        assert_ne!(digest(b""), digest(b"\0"));
    }

    #[test]
    fn small_changes_spread() {
        let mut seen = HashSet::new();
        for len in 0..64 {
            let zeros = vec![0u8; len];
            assert!(seen.insert(digest(&zeros)));
            for bit in 0..len * 8 {
                let mut bytes = zeros.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                assert!(seen.insert(digest(&bytes)));
            }
        }
        let low: HashSet<u16> = seen.iter().map(|hash| *hash as u16).collect();
        let expect = 65536.0 * (1.0 - (-(seen.len() as f64) / 65536.0).exp());
        assert!((low.len() as f64) > expect * 0.97, "{} of {expect}", low.len());
    }
}
