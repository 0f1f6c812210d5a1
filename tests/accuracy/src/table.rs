//! The table of functions: how to write a call, the references, where to look closely, and the bounds.
//!
//! Functions without a correctly rounded reference (`sigmoid`, `degrees`, `radians`) are left to the suite.

use core_math as exact;

/// Where a function is looked at closely: from, to.
pub type Range = (f64, f64);

/// Correctly rounded functions of one type.
#[derive(Clone, Copy, Debug)]
pub enum Reference<T> {
    /// Of one operand.
    One(fn(T) -> T, Range),
    /// Of two operands.
    Two(fn(T, T) -> T, [Range; 2]),
}

/// One function.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// A call on `x`, or on `x` and `y`.
    pub text: &'static str,
    /// The reference in f64.
    pub double: Reference<f64>,
    /// The reference in f32.
    pub single: Reference<f32>,
    /// The largest distances from the correctly rounded result, f64 and f32.
    pub bounds: [u64; 2],
}

macro_rules! functions {
    ($($name:ident $text:literal $kind:ident $double:ident $single:ident $range:expr, $bound64:literal $bound32:literal;)*) => {
        /// Every function that has a reference.
        pub const FUNCTIONS: &[Function] = &[$(Function {
            name: stringify!($name),
            text: $text,
            double: Reference::$kind(exact::$double, $range),
            single: Reference::$kind(exact::$single, $range),
            bounds: [$bound64, $bound32],
        }),*];
    };
}

functions! {
    // name call operands f64 f32 range, bounds
    exp "exp(x)" One exp expf (-90.0, 90.0), 1 1;
    exp2 "exp2(x)" One exp2 exp2f (-130.0, 130.0), 1 1;
    exp10 "exp10(x)" One exp10 exp10f (-40.0, 40.0), 1 1;
    expm1 "expm1(x)" One expm1 expm1f (-2.0, 3.0), 1 1;
    log "log(x)" One log logf (0.0, 3.0), 1 1;
    log2 "log2(x)" One log2 log2f (0.0, 3.0), 1 1;
    log10 "log10(x)" One log10 log10f (0.0, 3.0), 1 1;
    log1p "log1p(x)" One log1p log1pf (-1.0, 3.0), 1 1;
    sin "sin(x)" One sin sinf (-10.0, 10.0), 2 2;
    cos "cos(x)" One cos cosf (-10.0, 10.0), 2 2;
    tan "tan(x)" One tan tanf (-10.0, 10.0), 3 3;
    asin "asin(x)" One asin asinf (-1.0, 1.0), 2 2;
    acos "acos(x)" One acos acosf (-1.0, 1.0), 1 1;
    atan "atan(x)" One atan atanf (-5.0, 5.0), 2 2;
    sinh "sinh(x)" One sinh sinhf (-3.0, 3.0), 3 3;
    cosh "cosh(x)" One cosh coshf (-3.0, 3.0), 2 2;
    tanh "tanh(x)" One tanh tanhf (-3.0, 3.0), 2 2;
    asinh "asinh(x)" One asinh asinhf (-3.0, 3.0), 2 2;
    acosh "acosh(x)" One acosh acoshf (1.0, 4.0), 2 2;
    atanh "atanh(x)" One atanh atanhf (-1.0, 1.0), 2 2;
    cbrt "cbrt(x)" One cbrt cbrtf (-8.0, 8.0), 1 1;
    rsqrt "rsqrt(x)" One rsqrt rsqrtf (0.0, 4.0), 1 1;
    erf "erf(x)" One erf erff (-4.0, 4.0), 2 1;
    erfc "erfc(x)" One erfc erfcf (-4.0, 10.0), 3 3;
    pow "pow(x, y)" Two pow powf [(0.0, 4.0), (-60.0, 60.0)], 2 1;
    power "x ** y" Two pow powf [(0.5, 1.5), (-200.0, 200.0)], 2 1;
    atan2 "atan2(x, y)" Two atan2 atan2f [(-5.0, 5.0), (-5.0, 5.0)], 2 2;
    hypot "hypot(x, y)" Two hypot hypotf [(-5.0, 5.0), (-5.0, 5.0)], 1 1;
}
