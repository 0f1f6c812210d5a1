//! All 65,536 patterns of both half types, out of them and into them, against the crate `half`
//! and against what the neighbors of a number say.

use hotloop::{Array, Call, Element, Engine, TargetChoice, bf16, f16, named};

const TARGETS: [&str; 3] = ["interp", "scalar", "simd"];

fn eval(target: &str, text: &str, x: &Array) -> Array {
    let engine = Engine::new();
    let target: TargetChoice = target.parse().expect("a target");
    let value = engine.eval_with(text, &[("x", x.into())], &Call::new().target(target)).expect("it runs");
    value.into_array().expect("one array")
}

/// The same bits, or both NaN.
fn assert_same<T: Element>(found: &Array, want: &[T], is_nan: impl Fn(T) -> bool) {
    for (at, (found, want)) in found.as_slice::<T>().iter().zip(want).enumerate() {
        let same = found.to_scalar() == want.to_scalar() || (is_nan(*found) && is_nan(*want));
        assert!(same, "element {at}: {found:?} is not {want:?}");
    }
}

#[test]
fn every_pattern_widens_exactly() {
    let halves: Vec<f16> = (0..=u16::MAX).map(f16::from_bits).collect();
    let bfloats: Vec<bf16> = (0..=u16::MAX).map(bf16::from_bits).collect();
    let from_halves: Vec<f32> = halves.iter().map(|x| x.to_f32_const()).collect();
    let from_bfloats: Vec<f32> = bfloats.iter().map(|x| x.to_f32_const()).collect();
    for target in TARGETS {
        assert_same(&eval(target, "f32(x)", &Array::from(halves.clone())), &from_halves, f32::is_nan);
        assert_same(&eval(target, "f32(x)", &Array::from(bfloats.clone())), &from_bfloats, f32::is_nan);
    }
}

/// Every half, each middle between two neighbors, and what lies beside both; with what it must become. `at` gives the
/// number of some bits, ascending for the bits of positive ones.
fn around<T: Copy>(infinity: u16, at: impl Fn(u16) -> (T, f64)) -> (Vec<f64>, Vec<T>) {
    let mut pairs = Vec::new();
    for sign in [0, 0x8000] {
        for bits in 0..infinity - 1 {
            let [(here, x), (next, y)] = [bits, bits + 1].map(|bits| at(sign | bits));
            let middle = (x + y) / 2.0;
            let even = if bits % 2 == 0 { here } else { next };
            pairs.extend([(x, here), (middle, even)]);
            // Away from zero is up for positive numbers only.
            let step = |x: f64, out: bool| if out == (sign == 0) { x.next_up() } else { x.next_down() };
            pairs.extend([(step(x, true), here), (step(y, false), next)]);
            pairs.extend([(step(middle, false), here), (step(middle, true), next)]);
        }
        let [(last, most), (beyond, _)] = [infinity - 1, infinity].map(|bits| at(sign | bits));
        pairs.extend([(most, last), (most * 1.5, beyond), (f64::INFINITY.copysign(most), beyond)]);
    }
    pairs.into_iter().unzip()
}

#[test]
fn every_half_and_every_tie_is_rounded_once() {
    let half = |bits| (f16::from_bits(bits), f16::from_bits(bits).to_f64_const());
    let (wide, want) = around(0x7c00, half);
    for target in TARGETS {
        assert_same(&eval(target, "f16(x)", &Array::from(wide.clone())), &want, f16::is_nan);
    }
    let bfloat = |bits| (bf16::from_bits(bits), bf16::from_bits(bits).to_f64_const());
    let (wide, want) = around(0x7f80, bfloat);
    for target in TARGETS {
        assert_same(&eval(target, "bf16(x)", &Array::from(wide.clone())), &want, bf16::is_nan);
    }
}

#[test]
fn halves_are_elements_and_scalars() {
    let engine = Engine::new();
    let value = engine.eval("f16(x)", &named! { x: 0.1f64 }).expect("it runs").scalar::<f16>();
    assert_eq!(value, Ok(f16::from_f32(0.1)));
    let x = [bf16::from_f32(1.5), bf16::from_f32(-2.0)];
    assert_eq!(engine.eval("sum(x)", &named! { x }).expect("it runs").scalar::<f32>(), Ok(-0.5));
}
