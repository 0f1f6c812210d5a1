//! The table of mathematical functions that are compared with C's: how each is written in both languages, and on which
//! range. Each row is a workload; the C source of all of them is made from it.

use crate::dtype::Dtype;
use crate::workload::{USUAL, Workload, X, Y};

/// One function.
#[derive(Debug)]
pub struct Function {
    /// As a workload, whose kernel is the function applied to arrays.
    pub workload: Workload,
    /// The same in C; `M(name)` is the function of that name for `REAL`.
    pub c: &'static str,
}

/// Rows: symbol, call, the same in C, ranges of the operands.
macro_rules! functions {
    ($($name:ident $call:literal $c:literal [$($range:expr),+];)*) => {
        /// Every function.
        pub const FUNCTIONS: &[Function] = &[$(Function {
            workload: Workload {
                name: concat!("maths_", stringify!($name)),
                kernel: Some("apply"),
                title: concat!("`", $call, "`"),
                text: concat!("kernel apply(", functions!(@parameters $($range),+), ") = ", $call, "\n"),
                args: functions!(@arguments $($range),+),
                ranges: &[$($range),+],
                traffic: None,
                fast_math: true,
                tolerance: (1e-5, 1e-13),
                ..USUAL
            },
            c: $c,
        }),*];
    };
    (@parameters $first:expr) => { "x" };
    (@parameters $first:expr, $second:expr) => { "x, y" };
    (@arguments $first:expr) => { &[X] };
    (@arguments $first:expr, $second:expr) => { &[X, Y] };
}

functions! {
    exp "exp(x)" "M(exp)(x)" [(-10.0, 10.0)];
    exp2 "exp2(x)" "M(exp2)(x)" [(-10.0, 10.0)];
    exp10 "exp10(x)" "M(exp10)(x)" [(-5.0, 5.0)];
    expm1 "expm1(x)" "M(expm1)(x)" [(-3.0, 3.0)];
    log "log(x)" "M(log)(x)" [(0.01, 100.0)];
    log2 "log2(x)" "M(log2)(x)" [(0.01, 100.0)];
    log10 "log10(x)" "M(log10)(x)" [(0.01, 100.0)];
    log1p "log1p(x)" "M(log1p)(x)" [(-0.9, 10.0)];
    sin "sin(x)" "M(sin)(x)" [(-10.0, 10.0)];
    cos "cos(x)" "M(cos)(x)" [(-10.0, 10.0)];
    tan "tan(x)" "M(tan)(x)" [(-10.0, 10.0)];
    sinpi "sinpi(x)" "M(sin)((REAL)3.141592653589793 * x)" [(-3.0, 3.0)];
    cospi "cospi(x)" "M(cos)((REAL)3.141592653589793 * x)" [(-3.0, 3.0)];
    asin "asin(x)" "M(asin)(x)" [(-1.0, 1.0)];
    acos "acos(x)" "M(acos)(x)" [(-1.0, 1.0)];
    atan "atan(x)" "M(atan)(x)" [(-5.0, 5.0)];
    atan2 "atan2(x, y)" "M(atan2)(x, y)" [(-5.0, 5.0), (-5.0, 5.0)];
    sinh "sinh(x)" "M(sinh)(x)" [(-5.0, 5.0)];
    cosh "cosh(x)" "M(cosh)(x)" [(-5.0, 5.0)];
    tanh "tanh(x)" "M(tanh)(x)" [(-5.0, 5.0)];
    asinh "asinh(x)" "M(asinh)(x)" [(-10.0, 10.0)];
    acosh "acosh(x)" "M(acosh)(x)" [(1.0, 10.0)];
    atanh "atanh(x)" "M(atanh)(x)" [(-0.99, 0.99)];
    cbrt "cbrt(x)" "M(cbrt)(x)" [(-100.0, 100.0)];
    hypot "hypot(x, y)" "M(hypot)(x, y)" [(-10.0, 10.0), (-10.0, 10.0)];
    rsqrt "rsqrt(x)" "1 / M(sqrt)(x)" [(0.01, 100.0)];
    pow "pow(x, y)" "M(pow)(x, y)" [(0.1, 10.0), (-5.0, 5.0)];
    erf "erf(x)" "M(erf)(x)" [(-3.0, 3.0)];
    erfc "erfc(x)" "M(erfc)(x)" [(-3.0, 6.0)];
    sigmoid "sigmoid(x)" "1 / (1 + M(exp)(-x))" [(-10.0, 10.0)];
}

impl Function {
    /// The function of this name.
    pub fn of_name(name: &str) -> Option<&'static Function> {
        FUNCTIONS.iter().find(|function| function.workload.name.strip_prefix("maths_") == Some(name))
    }

    /// The function of libm that the C version calls.
    fn called(&self) -> &'static str {
        self.c.split_once("M(").and_then(|(_, rest)| rest.split_once(')')).map_or("", |(name, _)| name)
    }

    /// Whether a shared object calls it one element at a time: it is no instruction, and the object's symbols have
    /// no version for vectors of 128 bits.
    pub fn is_scalar(&self, dtype: Dtype, object: &[u8]) -> bool {
        let (lanes, suffix) = if dtype == Dtype::F32 { (4, "f") } else { (2, "") };
        let operands = "v".repeat(self.workload.args.len());
        let symbol = format!("_ZGVbN{lanes}{operands}_{}{suffix}\0", self.called());
        self.called() != "sqrt" && !object.windows(symbol.len()).any(|bytes| bytes == symbol.as_bytes())
    }
}

/// The C source of all functions, in the types they come in.
pub fn c_source() -> String {
    let mut source = String::from(
        "#define _GNU_SOURCE\n#include <math.h>\n#include <stdint.h>\n\
         typedef struct { int64_t n, m; int32_t threads, flags; const void *in[6]; void *out[4]; double s[8]; } arguments;\n",
    );
    for (dtype, real, called) in [(Dtype::F32, "float", "name##f"), (Dtype::F64, "double", "name")] {
        source += &format!("#undef REAL\n#undef M\n#define REAL {real}\n#define M(name) {called}\n");
        for function in FUNCTIONS {
            let name = format!("{}_{}", function.workload.name, dtype.name());
            source += &format!(
                "int {name}(arguments *a) {{\n    const REAL *restrict px = a->in[0], *restrict py = a->in[1];\n    \
                 REAL *restrict to = a->out[0];\n    for (int64_t i = 0; i < a->n; i++) {{\n        \
                 const REAL x = px[i]{};\n        to[i] = {};\n    }}\n    return 0;\n}}\n",
                if function.workload.args.len() > 1 { ", y = py[i]" } else { "" },
                function.c
            );
        }
    }
    source
}
