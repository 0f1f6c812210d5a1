//! Arguments: hard ones and edges first, then a fixed random sequence of six kinds, or every value there is.
//!
//! Sequences are cut into chunks that can be made in any order, so that they need no memory to speak of.

use crate::float::Float;
use crate::table::Ranges;
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_2, LN_2, SQRT_2};

/// The points of one chunk.
pub const CHUNK: usize = 1 << 18;

/// Values where some function changes its course or ends.
const EDGES: &[f64] = &[
    0.0,
    5e-324,
    1e-310,
    2.2250738585072014e-308,
    1e-45,
    1.17549435e-38,
    1e-20,
    1e-8,
    0.1464466094067262,
    0.25,
    0.41421356237309503,
    0.5,
    FRAC_1_SQRT_2,
    0.84375,
    0.95,
    1.0,
    1.25,
    SQRT_2,
    1.5,
    2.0,
    2.414213562373095,
    2.857142857142857,
    3.0,
    4.0,
    6.0,
    9.0,
    10.0,
    22.0,
    27.22601711110837,
    28.0,
    38.53184,
    45.0,
    87.3,
    88.72,
    88.73,
    103.9,
    104.0,
    128.0,
    149.0,
    308.25,
    308.25471555991674,
    323.6,
    700.0,
    708.4,
    709.782712893384,
    710.4758600739439,
    745.1332191019411,
    746.0,
    1022.0,
    1024.0,
    1074.0,
    65536.0,
    105414350.0,
    34359738368.0,
    1e17,
    1e22,
    3.4028234663852886e38,
    1e100,
    6.703903964971299e153,
    1.3407807929942596e154,
    1.7976931348623157e308,
    f64::INFINITY,
    f64::NAN,
];

/// Published hard arguments, as bits: the closest f64 and f32 to a multiple of pi/2 (Muller, Elementary Functions,
/// table 11.1: 6381956970095103 2^797 and 16367173 2^72), the hardest cases of exp (Lefèvre and Muller, 2001), and the
/// tricky arguments of LLVM libc's tests of `sin` (Apache-2.0 with LLVM exceptions).
const HARD: &[u64] = &[
    0x7506_ac5b_262c_a1ff,
    0x45ef_37b8_a000_0000,
    0x3e09_e9cb_e6dc_fb52,
    0x3f89_40c8_77fb_7dac,
    0x417f_ffff_ffff_db60,
    0x41cf_d4da_4ef3_7075,
    0x41eb_951f_1572_eba5,
    0x41e5_5202_aefd_e314,
    0x4648_5fc0_f04c_0128,
    0x4647_776c_2343_ba4e,
    0x46d6_7830_9fa5_0d58,
    0x4c6f_ffff_ffff_ef4e,
    0x406a_b514_bfc6_1c76,
    0x401f_7898_d5a7_56dd,
    0x3f9f_42fb_19b5_b9b2,
    0x4025_f09c_ad75_0ab1,
    0x4061_4823_2297_99c2,
    0x3fa0_2850_70f9_f1bc,
    0x3ff2_3f40_dccd_ef72,
    0x3ff4_3cf1_6358_c9d7,
    0x3ffa_ddf3_b972_2265,
    0x4074_8ff1_782c_a91d,
    0x403a_2118_77de_55db,
    0x407d_cbfd_a0c7_559e,
    0x4041_ffb5_09f3_db15,
    0x4042_345d_1e09_0529,
    0x409a_e945_0549_39c2,
    0x4082_e566_149b_f5fd,
    0x405b_e886_d9c2_324d,
    0x4091_1947_1e92_16cd,
    0x402a_af85_537e_a4c7,
    0x408c_b996_c60f_437e,
    0x404c_96e2_8eb6_79f8,
    0x403a_5eec_e87e_8606,
    0x401e_31b5_5306_f22c,
    0x54a3_eec5_912e_a7cd,
    0x7760_8087_e9aa_d90b,
    0x7862_b5fe_88a9_d8d5,
    0x7fea_8804_17b7_b119,
    0x4cc6_deb3_7da8_1129,
    0x74c8_bb58_47d4_9973,
    0x779f_08b1_4e1c_4d0f,
    0x3ebe_0000_0000_01c2,
];

/// Edges and hard values with both signs.
fn fixed<T: Float>() -> Vec<T> {
    let hard = HARD.iter().map(|&bits| f64::from_bits(bits));
    EDGES.iter().copied().chain(hard).flat_map(|value| [T::of_f64(value), T::of_f64(-value)]).collect()
}

/// Chunk `chunk` of the arguments of a function of one operand.
pub fn single<T: Float>(ranges: Ranges, chunk: usize, count: usize) -> Vec<T> {
    let fixed = if chunk == 0 { fixed() } else { Vec::new() };
    let mut random = Random::of(chunk, 1);
    let edges = fixed.clone();
    edges.into_iter().chain((0..).map(|i| random.value(i, ranges))).take(count).collect()
}

/// Chunk `chunk` of the pairs of arguments of a function of two operands: all pairs of edges, then random ones, some
/// of similar size.
pub fn pairs<T: Float>(ranges: [Ranges; 2], chunk: usize, count: usize) -> (Vec<T>, Vec<T>) {
    let fixed: Vec<T> = if chunk == 0 { fixed() } else { Vec::new() };
    let edges = fixed.iter().flat_map(|&x| fixed.iter().map(move |&y| (x, y)));
    let mut random = Random::of(chunk, 2);
    let rest = (0..).map(|i| {
        let x: T = random.value(i, ranges[0]);
        let y: T = random.value(i / 6, ranges[1]);
        if i % 7 == 6 { (x, T::of_f64(x.wide() * (0.25 + 4.0 * random.unit()))) } else { (x, y) }
    });
    edges.chain(rest).take(count).unzip()
}

/// Chunk `chunk` of all values of a type of 32 bits.
pub fn all<T: Float>(chunk: usize, count: usize) -> Vec<T> {
    (0..count).map(|i| quiet(T::of_bits((chunk * CHUNK + i) as u64))).collect()
}

/// The same value, but one NaN for all: a signaling one may be answered differently.
fn quiet<T: Float>(value: T) -> T {
    if value.wide().is_nan() { T::of_f64(f64::NAN) } else { value }
}

/// The generator `splitmix64` of Sebastiano Vigna (public domain).
struct Random(u64);

impl Random {
    fn of(chunk: usize, seed: u64) -> Random {
        Random((chunk as u64) << 32 | seed)
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In [0, 1).
    fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn within(&mut self, (low, high): (f64, f64)) -> f64 {
        low + (high - low) * self.unit()
    }

    fn value<T: Float>(&mut self, index: usize, ranges: Ranges) -> T {
        match index % 6 {
            0 => T::of_f64(self.within(ranges.close)),
            1 => T::of_f64(self.within(ranges.whole)),
            2 => {
                let magnitude = 10f64.powf(40.0 * self.unit() - 20.0);
                T::of_f64(if self.bits() & 1 == 0 { magnitude } else { -magnitude })
            }
            3 => quiet(T::of_bits(self.bits())),
            4 => {
                let edge: T = T::of_f64(EDGES[self.bits() as usize % EDGES.len()]);
                self.beside(edge, 30)
            }
            _ => {
                let quarter = (2f64.powf(30.0 * self.unit())).floor() * FRAC_PI_2;
                let half = (self.within((-1075.0, 1025.0)).floor() + 0.5) * LN_2;
                let near = T::of_f64(if self.bits() & 1 == 0 { quarter } else { half });
                self.beside(near, 8)
            }
        }
    }

    /// A value some steps away, by up to `2^reach` of them, either sign.
    fn beside<T: Float>(&mut self, value: T, reach: u64) -> T {
        let steps = self.bits() >> (64 - 1 - self.bits() % reach);
        let bits =
            if self.bits() & 1 == 0 { value.bits().wrapping_add(steps) } else { value.bits().wrapping_sub(steps) };
        let near = quiet(T::of_bits(bits));
        if self.bits() & 1 == 0 { near } else { T::of_f64(-near.wide()) }
    }
}
