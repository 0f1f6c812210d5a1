//! Arguments: values where something changes, then a fixed random sequence of three kinds.
//!
//! A third lies evenly in the function's own range, a third is spread over all magnitudes, a third has random bits.

use crate::float::Float;
use crate::table::Range;

/// Values where some function changes its course.
const EDGES: &[f64] = &[
    0.0,
    5e-324,
    1e-310,
    2.2250738585072014e-308,
    1e-45,
    1.17549435e-38,
    1e-20,
    1e-8,
    0.25,
    0.5,
    0.95,
    1.0,
    1.5,
    2.0,
    3.0,
    4.0,
    6.0,
    9.0,
    10.0,
    22.0,
    27.0,
    28.0,
    38.5,
    45.0,
    87.3,
    88.72,
    88.73,
    103.9,
    104.0,
    128.0,
    149.0,
    308.25,
    323.6,
    700.0,
    708.4,
    709.78,
    709.79,
    710.4,
    745.1,
    746.0,
    1024.0,
    1074.0,
    65536.0,
    1e10,
    34359738368.0,
    1e17,
    1e22,
    3.4028234663852886e38,
    1e100,
    1.7976931348623157e308,
    f64::INFINITY,
    f64::NAN,
];

/// The first `count` arguments of a function of one operand.
pub fn single<T: Float>(range: Range, count: usize) -> Vec<T> {
    let edges = EDGES.iter().flat_map(|&edge| [T::of_f64(edge), T::of_f64(-edge)]);
    let mut random = Random(1);
    let rest = (0..).map(|i| random.value(i, range));
    edges.chain(rest).take(count).collect()
}

/// The first `count` pairs of arguments of a function of two operands: all pairs of edges, then random ones.
pub fn pairs<T: Float>(ranges: [Range; 2], count: usize) -> (Vec<T>, Vec<T>) {
    let signed: Vec<T> = EDGES.iter().flat_map(|&edge| [T::of_f64(edge), T::of_f64(-edge)]).collect();
    let edges = signed.iter().flat_map(|&x| signed.iter().map(move |&y| (x, y)));
    let mut random = Random(2);
    let rest = (0..).map(|i| {
        let x = random.value(i, ranges[0]);
        (x, random.value(i / 3, ranges[1]))
    });
    edges.chain(rest).take(count).unzip()
}

/// The generator `splitmix64` of Sebastiano Vigna (public domain).
struct Random(u64);

impl Random {
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

    fn value<T: Float>(&mut self, index: usize, range: Range) -> T {
        match index % 3 {
            0 => T::of_f64(range.0 + (range.1 - range.0) * self.unit()),
            1 => {
                let magnitude = 10f64.powf((2.0 * self.unit() - 1.0) * T::DECADES.min(20.0));
                T::of_f64(if self.bits() & 1 == 0 { magnitude } else { -magnitude })
            }
            _ => T::of_bits(self.bits()),
        }
    }
}
