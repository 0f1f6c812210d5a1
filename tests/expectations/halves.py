"""Half floats: NumPy's float16, and bfloat16 rounded here from exact fractions."""

from fractions import Fraction

import numpy as np

from table import File, listed

SOME = [0.0, -0.0, 1.0, -1.5, 0.1, 65504.0, 65519.0, 65520.0, -65536.0, 2.0**-14, 2.0**-24, 2.0**-25, 1.5 * 2.0**-24,
        -(2.0**-26), 1e-300, 1 + 2.0**-11, 1 + 3 * 2.0**-11, 1 + 2.0**-11 + 2.0**-40, 3.3961775e38, 1e39, 9.2e-41,
        np.inf, -np.inf, np.nan]


def rounded(value, fraction, least, most):
    """The nearest number of a format, ties to even, as a float."""
    if not np.isfinite(value) or value == 0:
        return value
    exact = abs(Fraction(value))
    exponent = max(int(np.floor(np.log2(abs(value)))), least)
    while exponent > least and exact < Fraction(2) ** exponent:
        exponent -= 1
    unit = Fraction(2) ** (exponent - fraction)
    nearest = float(round(exact / unit) * unit)  # Python rounds halves to even.
    nearest = nearest if nearest < 2.0 ** (most + 1) else np.inf
    return float(np.copysign(nearest, value))


def f16(value):
    nearest = rounded(value, 10, -14, 15)
    with np.errstate(all="ignore"):
        assert np.isnan(value) or np.float16(value) == nearest, value
    return nearest


def bf16(value):
    return rounded(value, 7, -126, 127)


ROUND = {"f16": f16, "bf16": bf16}


def text(values):
    return listed("f64", list(values)) if not isinstance(values, (int, float)) else listed("f64", values)


def f32(values):
    return [np.float32(value) for value in values]


def make():
    with np.errstate(all="ignore"), File("types/halves.hl", "Half floats: stored in two bytes, computed in f32.") as file:
        for ty, to in ROUND.items():
            cases(file, ty, to)
            programs(file, ty)
        between(file)
        errors(file)


def cases(file, ty, to):
    halves = [to(value) for value in SOME]
    small = [value for value in halves if abs(value) < 1e30]
    single = f32(small)
    file.case(f"{ty}(x)", f"f64 to {ty} rounds once", [("x", "f64", SOME)], [(ty, text(halves))], ["extend"])
    file.case(f"{ty}(x)", f"f32 to {ty}", [("x", "f32", f32(SOME))], [(ty, text([to(float(v)) for v in f32(SOME)]))], ["extend"])
    file.case("(f32(x), f64(x))", f"{ty} to floats is exact", [("x", ty, text(halves))], [("f32", f32(halves)), ("f64", halves)], ["extend"])
    file.case("x", f"{ty} moved", [("x", ty, text(halves))], [(ty, text(halves))], ["extend"])
    file.case("x[::-1]", f"{ty} backwards", [("x", ty, text(halves))], [(ty, text(halves[::-1]))])
    file.case("x[1::2]", f"{ty} through a window", [("x", ty, "[9, 3, 0.5, -2, 4] view 1 4 1")], [(ty, "[0.5, 4]")])
    file.case("(x + x, x * 0.1, -x, abs(x))", f"arithmetic on {ty} is that of f32", [("x", ty, text(small))],
              [("f32", [v + v for v in single]), ("f32", [v * np.float32(0.1) for v in single]), ("f32", [-v for v in single]), ("f32", [abs(v) for v in single])], ["extend"])
    file.case(f"{ty}(f32(x) * f32(x))", f"{ty} rounded once after a product", [("x", ty, text(small))], [(ty, text([to(float(v * v)) for v in single]))], ["extend"])
    ten = [to(v) for v in np.linspace(-2, 2, 10)]
    file.case("(x < y, x == y, x != x)", f"{ty} compared", [("x", ty, text(ten)), ("y", ty, text(ten[::-1]))],
              [("bool", [a < b for a, b in zip(ten, ten[::-1])]), ("bool", [a == b for a, b in zip(ten, ten[::-1])]), ("bool", [False] * 10)])
    file.case("where(x < 0, x, y)", f"{ty} chosen stays {ty}", [("x", ty, text(ten)), ("y", ty, text(ten[::-1]))], [(ty, text([a if a < 0 else b for a, b in zip(ten, ten[::-1])]))], ["extend"])
    file.case("if x[0] < 0 { x[0] } else { x[1] }", f"one {ty}", [("x", ty, text(ten))], [(ty, text(ten[0]))])
    eighths = [k / 8 for k in range(-20, 30)]
    file.case("(sum(x), max(x), min(x), mean(x), argmax(x), count_nonzero(x))", f"reductions of {ty}", [("x", ty, text(eighths))],
              [("f32", sum(eighths)), ("f32", max(eighths)), ("f32", min(eighths)), ("f32", np.float32(sum(eighths) / 50)), ("i64", 49), ("i64", 49)])
    file.case("(sum(x), cumsum(x), any(x != 0))", f"no {ty}", [("x", ty, "fill(0, 0)")], [("f32", 0.0), ("f32", "fill(0, 0)"), ("bool", False)])
    file.case("cumsum(x)", f"sums of {ty} so far", [("x", ty, text(eighths))], [("f32", list(np.cumsum(eighths)))])
    file.case("x @ y", f"products of {ty}", [("x", ty, "[[1, 2], [3, 4]]"), ("y", ty, "[[0.5, 1], [2, 4]]")], [("f32", np.float32([[4.5, 9], [9.5, 19]]))])
    file.case("dot(x, x)", f"a product of {ty} vectors", [("x", ty, "[1, 2, 3]")], [("f32", 14.0)])
    file.case("sqrt(x)", f"a function of {ty}", [("x", ty, "[4, 0.25, 0]")], [("f32", [2.0, 0.5, 0.0])])
    file.case("bits(x)", f"bits of {ty}", [("x", ty, "[1, -2, inf]")], [("i16", [0x3C00, -0x4000, 0x7C00] if ty == "f16" else [0x3F80, -0x4000, 0x7F80])])
    file.case("(i32(x), u8(x), bool(x))", f"{ty} to whole numbers", [("x", ty, "[1.5, -2.5, nan, inf, 0]")],
              [("i32", [1, -2, 0, 2**31 - 1, 0]), ("u8", [1, 0, 0, 255, 0]), ("bool", [True, True, True, True, False])])
    whole = [0, 1, -1, 2047, 2049, 2051, 65519, 65520, -70000, 2**24 + 1, 2**31 - 1]
    file.case(f"{ty}(x)", f"whole numbers to {ty}", [("x", "i32", whole)], [(ty, text([to(float(v)) for v in whole]))], ["extend"])
    file.case(f"{ty}(x)", f"small whole numbers to {ty}", [("x", "i16", [257, 259, -32768, 32767])], [(ty, text([to(float(v)) for v in (257, 259, -32768, 32767)]))])
    file.case(f"{ty}(x)", f"large whole numbers to {ty}", [("x", "i64", [2**62, -(2**63), 3])], [(ty, text([to(float(v)) for v in (2**62, -(2**63), 3)]))])
    file.case("take(x, i)", f"{ty} gathered", [("x", ty, text(ten)), ("i", "i64", [9, 0, -1])], [(ty, text([ten[9], ten[0], ten[-1]]))])
    file.case("concat(x, y)", f"{ty} after {ty}", [("x", ty, "[1, 2]"), ("y", ty, "[3]")], [(ty, "[1, 2, 3]")])
    file.case("x[i]", f"an index outside an array of {ty}", [("x", ty, "[1, 2]"), ("i", "i64", 2)], [], ['fault "index 2"'])
    file.section(f"stores into {ty}")
    file.code(f"kernel store(x: f64[:], out: mut {ty}[:]) {{ out[:] = x }}")
    file.case("", "rounded at the store", [("x", "f64", SOME), ("out", "mut " + ty, f"fill(7, {len(SOME)})")], [], [f"after out: {ty} = {text(halves)}"])
    file.section(f"{ty} in place")
    file.code(f"kernel halve(x: mut {ty}[:]) {{\n    x[1:] = x[:-1] * 0.5\n    for i in range(len(x)) {{ x[i] += 1 }}\n}}")
    file.case("", "in place, overlapping", [("x", "mut " + ty, "[2, 4, 6, 8]")], [], [f"after x: {ty} = [3, 2, 3, 4]"])
    file.section(f"constants of {ty}")
    file.code(f"kernel made(n: i64) = (zeros(n, dtype={ty}), ones(n, dtype={ty}), full({ty}(0.1), n))")
    file.case("", f"arrays of {ty}", [("n", "i64", 2)], [(ty, "[0, 0]"), (ty, "[1, 1]"), (ty, text([to(0.1)] * 2))])


def between(file):
    file.section("between")
    file.case("(x + y, x * z)", "f16 with bf16 and with f64", [("x", "f16", "[1.5, 2]"), ("y", "bf16", "[0.5, -2]"), ("z", "f64", [0.1, 0.1])],
              [("f32", [2.0, 0.0]), ("f64", [1.5 * 0.1, 0.2])])
    file.case("(bf16(x), f16(y))", "from one half to the other", [("x", "f16", "[1.0009765625, 65504, 6e-8]"), ("y", "bf16", "[1.0078125, 3e38, -1e-40]")],
              [("bf16", text([bf16(1.0009765625), 65536.0, bf16(2.0**-24)])), ("f16", text([1.0078125, np.inf, -0.0]))])
    file.case("x * i", "f16 with whole numbers is f32", [("x", "f16", "[1.5, 2]"), ("i", "i64", [3, 2**24])], [("f32", [4.5, 2.0**25])])


def errors(file):
    file.section("errors")
    file.case("x + b", "f16 with bool", [("x", "f16", "[1]"), ("b", "bool", [True])], [])
    at = file.lines.index("#> case f16 with bool") + 2
    file.lines.insert(at, '#! error E0113 3-3 "bool is not a number" hint "cast the bool"')


def programs(file, ty):
    """Kernels whose values are exact in every half."""
    file.section(f"one {ty}")
    file.code(f"kernel scaled(x: {ty}[:], s: {ty}) {{\n    let least: {ty} = -0.5\n    {ty}(max(x * s, least))\n}}")
    file.case("", "a bare number", [("x", ty, "[1, -3]"), ("s", None, "2.5")], [(ty, "[2.5, -0.5]")])
    file.case("", f"a {ty}", [("x", ty, "[1, -3]"), ("s", ty, "0.5")], [(ty, "[0.5, -0.5]")])
    file.section(f"programs over {ty}")
    file.code(f"""
fn larger(a, b) = if a > b {{ a }} else {{ b }}
@vectorize
fn steps(x, limit: i32) {{
    var s = x
    var n = 0i32
    while s < 10 and n < limit {{ s = s * 2 + 1; n += 1 }}
    (s, n)
}}
@stencil(border = constant(0))
fn sides(a) = a[@-1] + a[@1]
kernel walked(x: {ty}[:]) = (reduce(larger, -inf, x), scan(larger, x), cumprod(x), cummax(x))
kernel mapped(x: {ty}[:]) = steps(x, 9)
kernel beside(x: {ty}[:]) = sides(x)
kernel counted(h: mut {ty}[:], at: i64[:], x: {ty}[:]) {{
    h[at] += x
    for i in prange(len(at)) {{ h[at[i]] += 1 }}
}}
kernel picked(x: mut {ty}[:]) {{
    x[x > 2] = 0.5
    var m = x[0]
    for i in prange(len(x)) {{ if x[i] > m {{ m = x[i] }} }}
    m
}}
""")
    given = [("x", ty, "[1, 3, 2, 4]")]
    file.case("", "walks", given, [("f32", 4.0), ("f32", [1.0, 3.0, 3.0, 4.0]), ("f32", [1.0, 3.0, 6.0, 24.0]), ("f32", [1.0, 3.0, 3.0, 4.0])], kernel="walked")
    file.case("", "a function of elements", given, [("f32", [15.0, 15.0, 11.0, 19.0]), ("i32", [3, 2, 2, 2])], kernel="mapped")
    file.case("", "a stencil", given, [("f32", [3.0, 3.0, 7.0, 2.0])], kernel="beside")
    file.case("", "values by index", [("h", "mut " + ty, "[0, 10]"), ("at", "i64", [0, 1, 1, 0]), ("x", ty, "[1, 3, 2, 4]")], [], [f"after h: {ty} = [7, 17]"], kernel="counted")
    file.case("", "masks and extremes", [("x", "mut " + ty, "[1, 3, 2, 4]")], [("f32", 2.0)], [f"after x: {ty} = [1, 0.5, 2, 0.5]"], kernel="picked")
