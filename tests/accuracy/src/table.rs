//! The table of functions: how to write a call, the references, where to look closely, and the bounds.

use crate::big::{self, Big};
use crate::exact;
use core_math as cm;
use hotloop::Fastmath;

/// From, to.
pub type Range = (f64, f64);

/// Where the arguments lie.
#[derive(Clone, Copy, Debug)]
pub struct Ranges {
    /// Where most of the work of a function is done.
    pub close: Range,
    /// Where the result is neither trivial nor undefined.
    pub whole: Range,
}

/// A correctly rounded function.
#[derive(Clone, Copy, Debug)]
pub enum Operands<T> {
    /// Of one operand.
    One(fn(T) -> T),
    /// Of two operands.
    Two(fn(T, T) -> T),
}

impl<T: Copy> Operands<T> {
    /// The function's value; one of one operand takes the first.
    pub fn call(self, x: T, y: T) -> T {
        match self {
            Operands::One(function) => function(x),
            Operands::Two(function) => function(x, y),
        }
    }
}

/// One function.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// A call on `x`, or on `x` and `y`.
    pub text: &'static str,
    /// The correctly rounded one in f64.
    pub double: Operands<f64>,
    /// The correctly rounded one in f32.
    pub single: Operands<f32>,
    /// To about 200 bits or more, for operands with a finite result.
    pub exact: fn(f64, f64) -> Big,
    /// Where the operands lie.
    pub ranges: (Ranges, Option<Ranges>),
    /// The largest errors in units in the last place of the strict tier: f64 and f32.
    pub strict: [f64; 2],
    /// Those of the relaxed tier.
    pub relaxed: [f64; 2],
}

impl Function {
    /// The largest errors of a tier: f64 and f32.
    pub fn bounds(&self, tier: Fastmath) -> [f64; 2] {
        match tier {
            Fastmath::Strict => self.strict,
            Fastmath::Relaxed => self.relaxed,
        }
    }
}

macro_rules! functions {
    ($($name:ident $text:literal $kind:ident $double:path, $single:path, $exact:expr, $first:expr, $second:expr,
        $strict:expr, $relaxed:expr;)*) => {
        /// Every function.
        pub const FUNCTIONS: &[Function] = &[$(Function {
            name: stringify!($name),
            text: $text,
            double: Operands::$kind($double),
            single: Operands::$kind($single),
            exact: $exact,
            ranges: (Ranges { close: $first.0, whole: $first.1 }, $second),
            strict: $strict,
            relaxed: $relaxed,
        }),*];
    };
}

functions! {
    // name call operands f64 f32, exact,
    //     (close, whole), of the second operand, bounds of the strict and of the relaxed tier
    exp "exp(x)" One cm::exp, cm::expf, |x, _| big::exp(Big::of(x)),
        ((-2.0, 2.0), (-746.0, 710.0)), None, [0.95, 0.9], [1.25, 1.25];
    exp2 "exp2(x)" One cm::exp2, cm::exp2f, |x, _| big::exp2(Big::of(x)),
        ((-2.0, 2.0), (-1076.0, 1025.0)), None, [0.9, 0.9], [1.25, 1.25];
    exp10 "exp10(x)" One cm::exp10, cm::exp10f, |x, _| big::exp10(Big::of(x)),
        ((-1.0, 1.0), (-324.0, 309.0)), None, [1.0, 1.0], [1.5, 1.5];
    expm1 "expm1(x)" One cm::expm1, cm::expm1f, |x, _| big::expm1(Big::of(x)),
        ((-2.0, 3.0), (-40.0, 710.0)), None, [0.95, 0.95], [2.25, 1.75];
    log "log(x)" One cm::log, cm::logf, |x, _| big::log(Big::of(x)),
        ((0.0, 3.0), (0.0, 1.7e308)), None, [0.85, 0.9], [1.0, 1.0];
    log2 "log2(x)" One cm::log2, cm::log2f, |x, _| big::log2(Big::of(x)),
        ((0.0, 3.0), (0.0, 1.7e308)), None, [0.95, 1.0], [2.0, 2.0];
    log10 "log10(x)" One cm::log10, cm::log10f, |x, _| big::log10(Big::of(x)),
        ((0.0, 3.0), (0.0, 1.7e308)), None, [0.95, 1.0], [2.0, 2.5];
    log1p "log1p(x)" One cm::log1p, cm::log1pf, |x, _| big::log1p(Big::of(x)),
        ((-1.0, 3.0), (-1.0, 1e9)), None, [0.7, 0.75], [0.7, 0.75];
    sin "sin(x)" One cm::sin, cm::sinf, |x, _| big::sincos(x).0,
        ((-7.0, 7.0), (-1e6, 1e6)), None, [0.8, 0.8], [1.75, 1.75];
    cos "cos(x)" One cm::cos, cm::cosf, |x, _| big::sincos(x).1,
        ((-7.0, 7.0), (-1e6, 1e6)), None, [0.8, 0.8], [1.75, 1.75];
    tan "tan(x)" One cm::tan, cm::tanf, |x, _| { let (s, c) = big::sincos(x); s / c },
        ((-7.0, 7.0), (-1e6, 1e6)), None, [0.95, 1.0], [3.75, 3.75];
    sinpi "sinpi(x)" One cm::sinpi, cm::sinpif, |x, _| big::sincospi(x).0,
        ((-2.0, 2.0), (-1e4, 1e4)), None, [1.0, 1.0], [2.0, 2.25];
    cospi "cospi(x)" One cm::cospi, cm::cospif, |x, _| big::sincospi(x).1,
        ((-2.0, 2.0), (-1e4, 1e4)), None, [0.95, 0.95], [2.0, 2.25];
    tanpi "tanpi(x)" One cm::tanpi, cm::tanpif, |x, _| { let (s, c) = big::sincospi(x); s / c },
        ((-2.0, 2.0), (-1e4, 1e4)), None, [1.0, 1.0], [1.0, 1.0];
    asin "asin(x)" One cm::asin, cm::asinf, |x, _| big::asin(Big::of(x)),
        ((-1.0, 1.0), (-1.0, 1.0)), None, [0.8, 0.75], [2.5, 2.5];
    acos "acos(x)" One cm::acos, cm::acosf, |x, _| big::acos(Big::of(x)),
        ((-1.0, 1.0), (-1.0, 1.0)), None, [0.85, 0.8], [1.5, 1.5];
    atan "atan(x)" One cm::atan, cm::atanf, |x, _| big::atan2(Big::of(x), Big::ONE),
        ((-3.0, 3.0), (-100.0, 100.0)), None, [0.8, 0.75], [4.0, 4.0];
    sinh "sinh(x)" One cm::sinh, cm::sinhf, |x, _| big::sinh(Big::of(x)),
        ((-3.0, 3.0), (-711.0, 711.0)), None, [0.9, 0.95], [4.0, 4.0];
    cosh "cosh(x)" One cm::cosh, cm::coshf, |x, _| big::cosh(Big::of(x)),
        ((-3.0, 3.0), (-711.0, 711.0)), None, [0.9, 0.95], [4.0, 4.0];
    tanh "tanh(x)" One cm::tanh, cm::tanhf, |x, _| big::tanh(Big::of(x)),
        ((-2.0, 2.0), (-23.0, 23.0)), None, [0.8, 0.8], [4.0, 4.0];
    asinh "asinh(x)" One cm::asinh, cm::asinhf, |x, _| big::asinh(Big::of(x)),
        ((-3.0, 3.0), (-1e5, 1e5)), None, [0.7, 0.75], [0.7, 0.75];
    acosh "acosh(x)" One cm::acosh, cm::acoshf, |x, _| big::acosh(Big::of(x)),
        ((1.0, 4.0), (1.0, 1e6)), None, [0.7, 0.75], [0.7, 0.75];
    atanh "atanh(x)" One cm::atanh, cm::atanhf, |x, _| big::atanh(Big::of(x)),
        ((-1.0, 1.0), (-1.0, 1.0)), None, [0.7, 0.8], [0.7, 0.8];
    sigmoid "sigmoid(x)" One exact::sigmoid, exact::sigmoid, |x, _| big::sigmoid(Big::of(x)),
        ((-5.0, 5.0), (-746.0, 40.0)), None, [1.0, 0.95], [4.0, 4.0];
    cbrt "cbrt(x)" One cm::cbrt, cm::cbrtf, |x, _| big::cbrt(Big::of(x)),
        ((-8.0, 8.0), (-1e30, 1e30)), None, [0.501, 0.501], [0.501, 0.501];
    rsqrt "rsqrt(x)" One cm::rsqrt, cm::rsqrtf, |x, _| big::rsqrt(Big::of(x)),
        ((0.0, 4.0), (0.0, 1e30)), None, [0.5, 0.65], [4.0, 4.0];
    erf "erf(x)" One cm::erf, cm::erff, |x, _| big::erf(Big::of(x)),
        ((-3.0, 3.0), (-6.0, 6.0)), None, [1.0, 1.0], [4.0, 4.0];
    erfc "erfc(x)" One cm::erfc, cm::erfcf, |x, _| big::erfc(Big::of(x)),
        ((-1.0, 5.0), (-6.0, 27.3)), None, [1.0, 0.95], [3.5, 3.5];
    degrees "degrees(x)" One exact::degrees, exact::degrees, |x, _| big::degrees(Big::of(x)),
        ((-10.0, 10.0), (-1e4, 1e4)), None, [0.85, 0.75], [0.85, 0.75];
    radians "radians(x)" One exact::radians, exact::radians, |x, _| big::radians(Big::of(x)),
        ((-10.0, 10.0), (-1e4, 1e4)), None, [0.7, 0.65], [0.7, 0.65];
    cube "x ** 3" One exact::cube, exact::cube, |x, _| Big::of(x) * Big::of(x) * Big::of(x),
        ((-3.0, 3.0), (-1e10, 1e10)), None, [1.0, 1.0], [1.0, 1.0];
    root "x ** 0.5" One exact::half_power, exact::half_power, |x, _| Big::of(x).sqrt(),
        ((0.0, 4.0), (0.0, 1e30)), None, [0.5, 0.5], [0.5, 0.5];
    pow "pow(x, y)" Two cm::pow, cm::powf, |x, y| big::pow(Big::of(x), Big::of(y), x < 0.0 && y % 2.0 != 0.0),
        ((0.0, 4.0), (0.9, 1.1)),
        Some(Ranges { close: (-60.0, 60.0), whole: (-5000.0, 5000.0) }),
        [0.8, 0.8], [0.8, 0.8];
    atan2 "atan2(x, y)" Two cm::atan2, cm::atan2f, |x, y| big::atan2(Big::of(x), Big::of(y)),
        ((-5.0, 5.0), (-1e6, 1e6)),
        Some(Ranges { close: (-5.0, 5.0), whole: (-1e6, 1e6) }),
        [0.85, 0.9], [4.0, 4.0];
    hypot "hypot(x, y)" Two cm::hypot, cm::hypotf, |x, y| big::hypot(Big::of(x), Big::of(y)),
        ((-5.0, 5.0), (-1e6, 1e6)), Some(Ranges { close: (-5.0, 5.0), whole: (-1e6, 1e6) }), [0.95, 0.95], [4.0, 4.0];
    rem "x % y" Two exact::remainder, exact::remainder, |x, y| exact::exact_remainder(x, y),
        ((-5.0, 5.0), (-1e6, 1e6)),
        Some(Ranges { close: (-5.0, 5.0), whole: (-100.0, 100.0) }),
        [0.5, 0.5], [0.5, 0.5];
    floordiv "x // y" Two exact::floor_quotient, exact::floor_quotient, |x, y| exact::whole_quotient(x, y),
        ((-50.0, 50.0), (-1e6, 1e6)),
        Some(Ranges { close: (-5.0, 5.0), whole: (-100.0, 100.0) }),
        [0.5, 0.5], [0.5, 0.5];
}
