"""Promotion and casts, from the rules and exact values."""

import math
from fractions import Fraction

import numpy as np

from operators import HUGE, TINY, float_values, int_values
from table import FLOATS, INTS, NUMPY, SIGNED, TYPES, File, bits, high, low, wrap


def join(a, b):
    """The element type of a sum; none where the language refuses it."""
    if a == b:
        return a
    if a in FLOATS or b in FLOATS:
        floats = [t for t in (a, b) if t in FLOATS]
        return max(floats, key=bits)
    if (a in SIGNED) == (b in SIGNED):
        return max(a, b, key=bits)
    signed, unsigned = (a, b) if a in SIGNED else (b, a)
    if unsigned == "u64":
        return None
    return signed if bits(signed) > bits(unsigned) else f"i{2 * bits(unsigned)}"


def make():
    promotion()
    casts()
    weak()


def promotion():
    with File("types/promotion.hl", "Which type a sum of two types has: the result depends on the types only.") as file:
        numbers = TYPES[1:]
        for a in numbers:
            fits = [b for b in numbers if join(a, b)]
            text = ", ".join(f"x + {b}_" for b in fits)
            inputs = [("x", a, [1, 2])] + [(f"{b}_", b, [100, 0]) for b in fits]
            file.case(f"({text})", f"{a} with", inputs, [(join(a, b), [101, 2]) for b in fits])
        for a, b in (("i32", "u32"), ("i8", "u16"), ("u8", "i8")):
            ty = join(a, b)
            x, y = [low(a), high(a)], [high(b), low(b)]
            file.case("(x + y, x - y, x * y)", f"{a} and {b} hold both", [("x", a, x), ("y", b, y)], [(ty, [wrap(ty, f(p, q)) for p, q in zip(x, y)]) for f in (lambda p, q: p + q, lambda p, q: p - q, lambda p, q: p * q)])
        for a in SIGNED:
            file.case("x + y", f"{a} with u64 is refused", [("x", a, [1]), ("y", "u64", [1])], [])
            at = file.lines.index(f"#> case {a} with u64 is refused") + 2
            file.lines.insert(at, '#! error E0112 3-3 "no integer type holds both" hint "cast"')
        file.case("x + y", "large i32 in f32", [("x", "i32", [16777217, -16777217]), ("y", "f32", [0, 0])], [("f32", [16777216, -16777216])])
        file.case("x + y", "large i64 in f64", [("x", "i64", [2**53 + 1, 2**63 - 1]), ("y", "f64", [0, 0])], [("f64", [2.0**53, 2.0**63])])


def weak():
    with File("types/weak.hl", "Bare numbers take the type they meet; a fraction makes an integer an f64.") as file:
        for ty in INTS:
            file.case("(x + 1, 2 * x, 100 - x)", ty, [("x", ty, [3, 5])], [(ty, [4, 6]), (ty, [6, 10]), (ty, [97, 95])])
            file.case("x * 0.5", f"{ty} with a fraction", [("x", ty, [3, 5])], [("f64", [1.5, 2.5])])
        for ty in FLOATS:
            tenth = NUMPY[ty]("0.1") if ty == "f32" else 0.1
            x = np.array([3, 5], dtype=NUMPY[ty])
            file.case("(x + 1, x * 0.1, x / 3)", ty, [("x", ty, [3, 5])], [(ty, x + NUMPY[ty](1)), (ty, x * NUMPY[ty](tenth)), (ty, x / NUMPY[ty](3))])
        file.case("2 + 3", "whole", [], [("i64", 5)])
        file.case("2 + 3.0", "fraction", [], [("f64", 5.0)])
        file.case("7 / 2", "division", [], [("f64", 3.5)])
        file.case("x + y", "weak arguments", [("x", None, "2"), ("y", None, "3")], [("i64", 5)])
        file.case("x + y", "a weak argument with f32", [("x", None, "2.5"), ("y", "f32", [1])], [("f32", [3.5])])
        file.case("x + y", "a typed scalar counts", [("x", "f64", 2.5), ("y", "f32", [1])], [("f64", [3.5])])
        file.case("x + 2.5f64", "a suffix counts", [("x", "f32", [1])], [("f64", [3.5])])
        file.case("x + 1i16", "a suffix counts for integers", [("x", "i8", [100])], [("i16", [101])])
        file.case("x * pi", "names of numbers are weak", [("x", "f32", [2])], [("f32", [float(np.float32(2) * np.float32(math.pi))])])
        file.case("where(c, 1, 2)", "both alternatives", [("c", "bool", [1, 0])], [("i64", [1, 2])])
        file.case("where(c, x, 2)", "one alternative", [("c", "bool", [1, 0]), ("x", "u8", [7, 7])], [("u8", [7, 2])])
        file.case("16777217f32", "f32 literals are rounded once", [], [("f32", 16777216.0)])
        file.case("(0.1f32, 0.1, 1e-320, 0x1.8p3)", "literals", [], [("f32", float(np.float32(0.1))), ("f64", 0.1), ("f64", 1e-320), ("f64", 12.0)])
        file.case("(0xFF, 0b101, 0o17, 1_000)", "bases", [], [("i64", 255), ("i64", 5), ("i64", 15), ("i64", 1000)])
        file.case("(pi, e, tau, inf, nan, true, false)", "names", [], [("f64", math.pi), ("f64", math.e), ("f64", math.tau), ("f64", math.inf), ("f64", math.nan), ("bool", 1), ("bool", 0)])


def convert(value, source, to):
    if to == "bool":
        return value != 0
    if to in FLOATS:
        return float(nearest(value, to)) if source in INTS else value
    if source in FLOATS:
        if math.isnan(value):
            return 0
        if math.isinf(value):
            return high(to) if value > 0 else low(to)
        return max(low(to), min(high(to), math.trunc(value)))
    return wrap(to, int(value))


def nearest(value, ty):
    """An integer rounded once to a float."""
    digits = 24 if ty == "f32" else 53
    exponent = max(abs(value).bit_length() - digits, 0)
    return round(Fraction(value, 2**exponent)) * 2**exponent


def casts():
    with File("types/casts.hl", "Casts: float to int truncates and saturates, NaN gives 0; int to int wraps.") as file:
        text = "(" + ", ".join(f"{to}(x)" for to in TYPES) + ")"
        for source in TYPES:
            if source == "bool":
                values = [False, True]
            elif source in FLOATS:
                values = float_values(source) + [0.9, -0.9, 127.5, 128.0, 255.9, 256.0, -128.9, -129.0, 3e9, -3e9, 2.0**63, 2.0**64, -(2.0**63), 9.2e18, 1e20]
                values = [float(NUMPY[source](v)) for v in values]
            else:
                values = int_values(source) + [v for v in (127, 128, 255, 2**24 + 1, 2**31, 2**53 + 1, 2**63) if v <= high(source)]
            outs = []
            for to in TYPES:
                if to in FLOATS and source in FLOATS:
                    outs.append((to, np.array(values, dtype=np.float64).astype(NUMPY[to])))
                else:
                    outs.append((to, [convert(v, source, to) for v in values]))
            file.case(text, source, [("x", source, values)], outs, ["extend"])
        file.case("(bits(x), from_bits(bits(x)))", "bits of f32", [("x", "f32", [1.0, -0.0, math.inf])], [("i32", [0x3F800000, -(2**31), 0x7F800000]), ("f32", [1.0, -0.0, math.inf])])
        file.case("(bits(x), from_bits(bits(x)))", "bits of f64", [("x", "f64", [1.0, -0.0, -math.inf])], [("i64", [0x3FF << 52, -(2**63), -(2**63) + (0x7FF << 52)]), ("f64", [1.0, -0.0, -math.inf])])
        file.case("i32(x)", "f64 to i32 of what machines disagree on", [("x", "f64", [3e9, -3e9, math.nan, math.inf])], [("i32", [2**31 - 1, -(2**31), 0, 2**31 - 1])])
        for ty in FLOATS:
            values = [0.0, -0.0, math.nan, TINY[ty], HUGE[ty]]
            file.case("bool(x)", f"{ty} to bool", [("x", ty, values)], [("bool", [0, 0, 1, 1, 1])])
