//! A 128-bit hash that is the same on every machine and in every version: SipHash-2-4 with 128 bits of output, after
//! the description by Aumasson and Bernstein ("SipHash: a fast short-input PRF", 2012, and its reference vectors).
//!
//! It names programs and artifacts. The key is fixed, so it is no defense against someone who wants collisions; whoever
//! needs certainty compares the bytes too.

/// The key: the bytes 0 to 15, as in the reference vectors.
const KEY: [u64; 2] = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];

/// The hash of some bytes.
pub fn hash128(bytes: &[u8]) -> u128 {
    let mut state = State::new();
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        state.absorb(u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    last[7] = bytes.len() as u8;
    state.absorb(u64::from_le_bytes(last));
    state.finish()
}

struct State([u64; 4]);

impl State {
    /// The words spell "somepseudorandomlygeneratedbytes"; 0xee marks the longer output.
    fn new() -> State {
        State([
            KEY[0] ^ 0x736f_6d65_7073_6575,
            KEY[1] ^ 0x646f_7261_6e64_6f6d ^ 0xee,
            KEY[0] ^ 0x6c79_6765_6e65_7261,
            KEY[1] ^ 0x7465_6462_7974_6573,
        ])
    }

    fn round(&mut self) {
        let [mut a, mut b, mut c, mut d] = self.0;
        a = a.wrapping_add(b);
        b = b.rotate_left(13) ^ a;
        a = a.rotate_left(32);
        c = c.wrapping_add(d);
        d = d.rotate_left(16) ^ c;
        a = a.wrapping_add(d);
        d = d.rotate_left(21) ^ a;
        c = c.wrapping_add(b);
        b = b.rotate_left(17) ^ c;
        c = c.rotate_left(32);
        self.0 = [a, b, c, d];
    }

    fn absorb(&mut self, word: u64) {
        self.0[3] ^= word;
        self.round();
        self.round();
        self.0[0] ^= word;
    }

    fn squeeze(&mut self) -> u64 {
        (0..4).for_each(|_| self.round());
        self.0.iter().fold(0, |sum, word| sum ^ word)
    }

    fn finish(mut self) -> u128 {
        self.0[2] ^= 0xee;
        let low = self.squeeze();
        self.0[1] ^= 0xdd;
        let high = self.squeeze();
        u128::from(high) << 64 | u128::from(low)
    }
}

#[cfg(test)]
mod tests {
    use super::hash128;

    /// From `vectors.h` of the reference implementation (CC0), for the inputs 0, 1 and 2 bytes long: 00 01 02 ….
    #[test]
    fn equals_the_reference_vectors() {
        let inputs: Vec<u8> = (0..64).collect();
        let expected: [[u8; 16]; 2] = [
            [0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02, 0x93],
            [0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9b, 0x22, 0xfc, 0x45],
        ];
        for (len, expected) in expected.iter().enumerate() {
            assert_eq!(hash128(&inputs[..len]).to_le_bytes(), *expected, "{len} bytes");
        }
    }

    #[test]
    fn every_length_and_every_byte_counts() {
        let inputs: Vec<u8> = (0..64).collect();
        let mut seen = std::collections::HashSet::new();
        for len in 0..=inputs.len() {
            assert!(seen.insert(hash128(&inputs[..len])));
        }
        for at in 0..inputs.len() {
            let mut changed = inputs.clone();
            changed[at] ^= 0x80;
            assert!(seen.insert(hash128(&changed)));
        }
    }
}
