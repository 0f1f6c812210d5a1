"""The mathematical functions: special values from the C standard, other values from mpmath."""

import math

import mpmath
import numpy as np

from operators import HUGE, TINY, numpy_of
from table import FLOATS, NUMPY, File

mpmath.mp.prec = 400
NAN, INF = math.nan, math.inf

# Name: exact values, bounds of the points tried, the function, and the units in the last place it may be away from the
# rounded true value: the error that is promised for the function, and the half unit of that rounding.
FUNCTIONS = {
    "exp": ([(NAN, NAN), (INF, INF), (-INF, 0.0), (0.0, 1.0), (-0.0, 1.0), (1e5, INF), (-1e5, 0.0)], (-700, 700), mpmath.exp, 1),
    "log": ([(NAN, NAN), (INF, INF), (-INF, NAN), (0.0, -INF), (-0.0, -INF), (1.0, 0.0), (-1.0, NAN)], (1e-300, 1e300), mpmath.log, 1),
    "sin": ([(NAN, NAN), (INF, NAN), (-INF, NAN), (0.0, 0.0), (-0.0, -0.0)], (-1e5, 1e5), mpmath.sin, 1),
    "cos": ([(NAN, NAN), (INF, NAN), (-INF, NAN), (0.0, 1.0), (-0.0, 1.0)], (-1e5, 1e5), mpmath.cos, 1),
    "tanh": ([(NAN, NAN), (INF, 1.0), (-INF, -1.0), (0.0, 0.0), (-0.0, -0.0), (400.0, 1.0), (-400.0, -1.0)], (-20, 20), mpmath.tanh, 1),
    "exp2": ([(NAN, NAN), (INF, INF), (-INF, 0.0), (-0.0, 1.0), (5.0, 32.0), (-3.0, 0.125), (-149.0, 2.0**-149), (1e5, INF)], (-140, 120), lambda x: mpmath.power(2, x), 1),
    "exp10": ([(NAN, NAN), (INF, INF), (-INF, 0.0), (-0.0, 1.0), (1e5, INF), (-1e5, 0.0)], (-300, 300), lambda x: mpmath.power(10, x), 1),
    "expm1": ([(NAN, NAN), (INF, INF), (-INF, -1.0), (0.0, 0.0), (-0.0, -0.0), (1e5, INF), (-1e5, -1.0)], (-50, 700), mpmath.expm1, 1),
    "log2": ([(NAN, NAN), (INF, INF), (-INF, NAN), (0.0, -INF), (-0.0, -INF), (1.0, 0.0), (8.0, 3.0), (0.25, -2.0), (2.0**-140, -140.0)], (1e-300, 1e300), lambda x: mpmath.log(x, 2), 1),
    "log10": ([(NAN, NAN), (INF, INF), (-INF, NAN), (0.0, -INF), (-0.0, -INF), (1.0, 0.0), (1000.0, 3.0), (1e10, 10.0)], (1e-300, 1e300), mpmath.log10, 1),
    "log1p": ([(NAN, NAN), (INF, INF), (-INF, NAN), (0.0, 0.0), (-0.0, -0.0), (-1.0, -INF), (-2.0, NAN)], (1e-300, 1e300), mpmath.log1p, 1),
    "tan": ([(NAN, NAN), (INF, NAN), (-INF, NAN), (0.0, 0.0), (-0.0, -0.0)], (-1e5, 1e5), mpmath.tan, 1),
    "sinh": ([(NAN, NAN), (INF, INF), (-INF, -INF), (0.0, 0.0), (-0.0, -0.0), (1e5, INF)], (-80, 80), mpmath.sinh, 1),
    "cosh": ([(NAN, NAN), (INF, INF), (-INF, INF), (0.0, 1.0), (-0.0, 1.0), (-1e5, INF)], (-80, 80), mpmath.cosh, 1),
    "sigmoid": ([(NAN, NAN), (INF, 1.0), (-INF, 0.0), (0.0, 0.5), (-0.0, 0.5), (200.0, 1.0), (-1e5, 0.0)], (-80, 40), lambda x: 1 / (1 + mpmath.exp(-x)), 1),
    "asin": ([(NAN, NAN), (INF, NAN), (2.0, NAN), (-1.5, NAN), (0.0, 0.0), (-0.0, -0.0)], (-1, 1), mpmath.asin, 1),
    "acos": ([(NAN, NAN), (-INF, NAN), (2.0, NAN), (-1.5, NAN), (1.0, 0.0)], (-1, 1), mpmath.acos, 1),
    "atan": ([(NAN, NAN), (0.0, 0.0), (-0.0, -0.0)], (-100, 100), mpmath.atan, 1),
    "asinh": ([(NAN, NAN), (INF, INF), (-INF, -INF), (0.0, 0.0), (-0.0, -0.0)], (-1000, 1000), mpmath.asinh, 1),
    "acosh": ([(NAN, NAN), (INF, INF), (1.0, 0.0), (0.5, NAN), (-INF, NAN), (-2.0, NAN)], (1, 1e300), mpmath.acosh, 1),
    "atanh": ([(NAN, NAN), (1.0, INF), (-1.0, -INF), (2.0, NAN), (-INF, NAN), (0.0, 0.0), (-0.0, -0.0)], (-1, 1), mpmath.atanh, 1),
    "cbrt": ([(NAN, NAN), (INF, INF), (-INF, -INF), (0.0, 0.0), (-0.0, -0.0), (8.0, 2.0), (-27.0, -3.0), (1e-30, 1e-10)], (-1e30, 1e30), lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)), 1),
    "rsqrt": ([(NAN, NAN), (INF, 0.0), (0.0, INF), (-0.0, -INF), (-1.0, NAN), (4.0, 0.5), (0.25, 2.0)], (1e-300, 1e300), lambda x: 1 / mpmath.sqrt(x), 1),
    "degrees": ([(NAN, NAN), (INF, INF), (-INF, -INF), (0.0, 0.0), (-0.0, -0.0)], (-7, 7), mpmath.degrees, 1),
    "radians": ([(NAN, NAN), (INF, INF), (-INF, -INF), (0.0, 0.0), (-0.0, -0.0)], (-400, 400), mpmath.radians, 1),
    "erf": ([(NAN, NAN), (INF, 1.0), (-INF, -1.0), (0.0, 0.0), (-0.0, -0.0), (30.0, 1.0), (-30.0, -1.0)], (-6, 6), mpmath.erf, 1),
    "erfc": ([(NAN, NAN), (INF, 0.0), (-INF, 2.0), (0.0, 1.0), (-0.0, 1.0), (100.0, 0.0), (-100.0, 2.0)], (-6, 26), mpmath.erfc, 1),
    "sinpi": ([(NAN, NAN), (INF, NAN), (-INF, NAN), (0.0, 0.0), (-0.0, -0.0), (1.0, 0.0), (-1.0, -0.0), (2.0, 0.0), (0.5, 1.0), (1.5, -1.0), (-0.5, -1.0), (1e30, 0.0), (-1e30, -0.0)], (-1e5, 1e5), mpmath.sinpi, 1),
    "cospi": ([(NAN, NAN), (INF, NAN), (-INF, NAN), (0.0, 1.0), (-0.0, 1.0), (1.0, -1.0), (-1.0, -1.0), (0.5, 0.0), (-0.5, 0.0), (1.5, 0.0), (2.0, 1.0), (1e30, 1.0)], (-1e5, 1e5), mpmath.cospi, 1),
    "tanpi": ([(NAN, NAN), (INF, NAN), (-INF, NAN), (0.0, 0.0), (-0.0, -0.0), (1.0, -0.0), (2.0, 0.0), (-1.0, 0.0), (-2.0, -0.0), (0.25, 1.0), (0.5, INF), (1.5, -INF), (-0.5, -INF), (1e30, 0.0)], (-1e5, 1e5), lambda x: tanpi(x), 1),
}


def tanpi(x):
    """With the poles of C23."""
    if mpmath.cospi(x) == 0:
        return mpmath.inf if int(mpmath.floor(x)) % 2 == 0 else -mpmath.inf
    return mpmath.sinpi(x) / mpmath.cospi(x)


def make():
    for name, row in FUNCTIONS.items():
        function(name, *row)
    power()
    two()
    classes()
    random_numbers()
    relaxed()


def rounded(ty, value):
    """An mpmath number rounded once to a float type, subnormals included."""
    value = mpmath.mpf(value)
    if mpmath.isnan(value) or mpmath.isinf(value) or value == 0:
        return float(value)
    digits, least = (24, -149) if ty == "f32" else (53, -1074)
    exponent = max(int(mpmath.floor(mpmath.log(abs(value), 2))) - digits + 1, least)
    whole = int(mpmath.nint(mpmath.ldexp(value, -exponent)))
    result = mpmath.ldexp(whole, exponent)
    if abs(result) > mpmath.mpf(HUGE[ty]):
        return math.copysign(INF, float(mpmath.sign(value)))
    return float(result)


def points(ty, bounds):
    """Points spread over magnitudes and over the range, the same each time."""
    random = np.random.default_rng(20240229)
    low, high = bounds
    if ty == "f32":
        low, high = max(low, -80 if high < 1000 else -3e4), min(high, 80 if high < 1000 else 3e4 if low < 0 else 1e38)
        low = max(low, 1e-38) if low > 0 else low
    if low > 0:
        spread = list(np.exp(random.uniform(math.log(low), math.log(high), 40)))
        spread += [1 + d for d in (1e-7, -1e-7, 1e-3, -1e-3, 0.25, -0.29, 0.41, 0.42)]
    else:
        spread = list(random.uniform(low, high, 30))
        spread += [s * m for s in (1, -1) for m in (1e-30, 1e-10, 1e-5, 1e-3, 0.1, 0.5, 0.94, 0.96, 0.999, 1.001, 2.0, 5.5)]
    # Rounding to f32 must not leave the domain.
    inside = [float(v) for v in numpy_of(ty, spread)]
    return [v for v in inside if bounds[0] <= v <= bounds[1] or (bounds[0] < -1 and low < 0)]


def function(name, special, bounds, exact, ulps):
    with File(f"math/{name}.hl", f"`{name}`: special values exactly, other values against 400 bits.") as file:
        for ty in FLOATS:
            file.case(f"{name}(x)", f"{ty} special", [("x", ty, [x for x, _ in special])], [(ty, [y for _, y in special])], ["extend"])
            spread = points(ty, bounds)
            out = [rounded(ty, exact(mpmath.mpf(v))) for v in spread]
            file.case(f"{name}(x)", f"{ty} values", [("x", ty, spread)], [(ty, out, f"ulp {ulps} the bound of this function against the rounded true value")], ["extend"])
            hard = hard_points(name, ty)
            if hard:
                hard = [float(v) for v in numpy_of(ty, hard)]
                out = [rounded(ty, exact(mpmath.mpf(v))) for v in hard]
                file.case(f"{name}(x)", f"{ty} hard", [("x", ty, hard)], [(ty, out, f"ulp {ulps} the bound of this function against the rounded true value")])
        ints = [0, 1, 2, 3, 10]
        ints = ints[1:] if name.startswith("log") or name in ("acosh", "rsqrt") else ints
        ints = ints[:2] if name in ("asin", "acos") else ints
        ints = [0] if name == "atanh" else ints
        ints = [0, 2, 10] if name == "tanpi" else ints
        out = [rounded("f64", exact(mpmath.mpf(v))) for v in ints]
        file.case(f"{name}(n)", "integers give f64", [("n", "i32", ints)], [("f64", out, f"ulp {ulps} the bound of this function against the rounded true value")])


def hard_points(name, ty):
    tiny, huge = TINY[ty], HUGE[ty]
    least = 2.0**-126 if ty == "f32" else 2.0**-1022
    if name == "exp":
        top = 88.7 if ty == "f32" else 709.78
        return [top, -top, -103.9 if ty == "f32" else -745.1, -87.4 if ty == "f32" else -708.5, tiny, -tiny]
    if name == "log":
        return [tiny, 3 * tiny, least, huge, math.nextafter(1, 2), math.nextafter(1, 0), math.e]
    if name in ("sin", "cos"):
        return [tiny, 22.0, math.pi, math.pi / 2, 1e10, huge, 2.0**100, 355.0, 2.0**35 + 1, 6381956970095103.0 * 2.0**797 if ty == "f64" else 16367173.0 * 2.0**72]
    if name == "tanh":
        return [tiny, -tiny, least, 1e-20, 9.9, 10.1, 21.9, 22.1]
    if name in ("exp2", "exp10"):
        least_ = {"exp2": (-149, -1074), "exp10": (-45, -323.3)}[name][ty == "f64"]
        most = {"exp2": (127.99, 1023.99), "exp10": (38.5, 308.2)}[name][ty == "f64"]
        return [least_ + 0.4, most, tiny, -tiny, 0.3010299956639812, 22.0]
    if name in ("sinpi", "cospi", "tanpi"):
        pole = 2.0**22 + 0.5 if ty == "f32" else 2.0**51 + 0.5
        return [tiny, -3 * tiny, least, 1e-9, 0.25, 0.499, 1.25, 1e15] + ([] if name == "tanpi" else [pole])
    if name in ("expm1", "log1p", "sinh", "asinh", "atan", "asin", "tan", "cbrt", "degrees"):
        more = [-0.99, -0.5] if name in ("expm1", "log1p", "asin") else [1e30, -1e10] if name in ("asinh", "atan", "cbrt") else [0.785, -1.57]
        return [tiny, -tiny, least, 3 * least, 1e-20, 1e-9, *more]
    if name in ("log2", "log10", "rsqrt"):
        return [tiny, 3 * tiny, least, huge, math.nextafter(1, 2), math.nextafter(1, 0)]
    if name in ("acos", "atanh"):
        near = 1 - 2.0**-24 if ty == "f32" else 1 - 2.0**-53
        return [near, -near, 0.5, -0.5, math.nextafter(0.5, 0), tiny, 1e-9]
    if name == "acosh":
        return [1 + (2.0**-23 if ty == "f32" else 2.0**-52), 1.0001, 2.0, huge]
    if name == "cosh":
        return [tiny, 1e-9, 0.5, 89.0 if ty == "f32" else 710.0]
    if name == "erf":
        return [tiny, -tiny, 0.9499999, 0.95, 1 - 2.0**-24, 3.99, 4.01, 5.9, 6.1]
    if name == "erfc":
        return [tiny, 10.0, 9.19, 10.05] if ty == "f32" else [tiny, 26.5, 26.54, 27.2, 27.226]
    return []


POW_SPECIAL = [
    # The rows of C's Annex F, F.10.4.4.
    (0.0, -3.0, INF), (-0.0, -3.0, -INF), (0.0, -2.0, INF), (-0.0, -2.0, INF), (0.0, -2.5, INF), (-0.0, -2.5, INF),
    (0.0, -INF, INF), (-0.0, -INF, INF), (0.0, 3.0, 0.0), (-0.0, 3.0, -0.0), (0.0, 2.5, 0.0), (-0.0, 2.0, 0.0),
    (-1.0, INF, 1.0), (-1.0, -INF, 1.0), (1.0, NAN, 1.0), (1.0, INF, 1.0), (NAN, 0.0, 1.0), (NAN, -0.0, 1.0),
    (INF, 0.0, 1.0), (0.0, 0.0, 1.0), (-2.5, 0.5, NAN), (-1.0, 0.5, NAN), (0.5, -INF, INF), (-0.5, -INF, INF),
    (2.0, -INF, 0.0), (-2.0, -INF, 0.0), (0.5, INF, 0.0), (-0.5, INF, 0.0), (2.0, INF, INF), (-2.0, INF, INF),
    (-INF, -3.0, -0.0), (-INF, -2.0, 0.0), (-INF, -2.5, 0.0), (-INF, 3.0, -INF), (-INF, 2.0, INF), (-INF, 2.5, INF),
    (INF, -1.5, 0.0), (INF, 1.5, INF), (NAN, 1.0, NAN), (2.0, NAN, NAN), (-0.0, 0.5, 0.0), (-INF, 0.5, INF),
    (-2.0, 3.0, -8.0), (-2.0, 4.0, 16.0), (2.0, 0.5, math.sqrt(2)), (4.0, 0.5, 2.0), (2.0, -1.0, 0.5),
]


def power():
    with File("math/pow.hl", "`x ** y` of floats: Annex F, and other values against 400 bits.") as file:
        reason = "ulp 1 the bound of this function against the rounded true value"
        for ty in FLOATS:
            x, y, out = ([row[i] for row in POW_SPECIAL] for i in range(3))
            exact = [float(NUMPY[ty](v)) for v in out]
            file.case("x ** y", f"{ty} special", [("x", ty, x), ("y", ty, y)], [(ty, exact, reason)], ["extend", "same pow(x, y)"])
            random = np.random.default_rng(7)
            reach = 80 if ty == "f32" else 600
            base = numpy_of(ty, np.exp(random.uniform(-3, 3, 40)))
            power_ = numpy_of(ty, random.uniform(-reach / 4, reach / 4, 40))
            x, y = [float(v) for v in base], [float(v) for v in power_]
            x += [1.0 + 2.0**-20, 0.9999, -1.5, -3.0, 10.0, 10.0, 1e-30, 0.1]
            y += [1e6 if ty == "f64" else 1e5, 5000.0, 7.0, 11.0, 20.0, -20.0, 1.2, 0.1]
            x, y = ([float(v) for v in numpy_of(ty, row)] for row in (x, y))
            out = [rounded(ty, mpmath.power(mpmath.mpf(p), mpmath.mpf(q))) for p, q in zip(x, y)]
            file.case("x ** y", f"{ty} values", [("x", ty, x), ("y", ty, y)], [(ty, out, reason)], ["extend"])
            for n in (3, 4, 5, 10, 50, -2, -7):
                values = [float(v) for v in numpy_of(ty, np.linspace(1, 2, 17))]
                values += [-1.7, 0.3] if abs(n) < 20 else [-1.1]
                values = [float(NUMPY[ty](v)) for v in values]
                out = [rounded(ty, mpmath.power(mpmath.mpf(v), n)) for v in values]
                file.case(f"x ** {n}", f"{ty} to {n}", [("x", ty, values)], [(ty, out, "ulp 1 the bound of powers with a small exponent")])
            file.case("x ** 0.5", f"{ty} the half power is no root", [("x", ty, [-0.0, -INF, 4.0])], [(ty, [0.0, INF, 2.0])])
            hard_powers(file, ty)


def hard_powers(file, ty):
    """Roots that are nearly half way between two floats, squares of neighbors, subnormal operands and results."""
    fraction, least = (23, -149) if ty == "f32" else (52, -1074)
    unit = 2.0**-fraction
    roots = [1 + 3 * unit, 1 - unit, 1.5 - unit, 2 - unit, 2 - 2 * unit, 1 + 0.5 * unit, 4 - 4 * unit, 4 + 4 * unit, 3.0, 0.1]
    roots += [2.0**least, 3 * 2.0**least, 2.0 ** (least + fraction) - 2.0**least, 2.0 ** (least + fraction)]
    x = [float(NUMPY[ty](v)) for v in roots]
    out = [rounded(ty, mpmath.sqrt(mpmath.mpf(v))) for v in x]
    file.case("x ** 0.5", f"{ty} hard roots are rounded correctly", [("x", ty, x)], [(ty, out)], ["extend"])
    edge = 2.0 ** ((least + fraction) / 3)
    x = [float(NUMPY[ty](v)) for v in (edge, edge * 0.71, edge * 0.3, -edge * 0.9, edge * 1.1, 1 + unit, 1 - unit, 1.2599210498948732)]
    out = [rounded(ty, mpmath.power(mpmath.mpf(v), 3)) for v in x]
    file.case("x ** 3", f"{ty} cubes that are subnormal or nearly so", [("x", ty, x)], [(ty, out, "ulp 1 the bound of powers with a small exponent")], ["extend"])


def two():
    reason = "the bound of this function against the rounded true value"
    with File("math/hypot.hl", "`hypot`: no square overflows or vanishes; an infinity wins over NaN.") as file:
        for ty in FLOATS:
            big, small = (1e38, 1e-40) if ty == "f32" else (1e308, 1e-310)
            x, y = [3.0, -3.0, INF, NAN, NAN, 0.0, -0.0, -INF], [4.0, 4.0, NAN, -INF, 1.0, -2.0, -0.0, 1.0]
            out = [5.0, 5.0, INF, INF, NAN, 2.0, 0.0, INF]
            file.case("hypot(x, y)", f"{ty} special", [("x", ty, x), ("y", ty, y)], [(ty, out)], ["extend"])
            x, y = [big, big, small, small, 1.0, 1e-30, 1e20, 5.0], [big, 1.0, small, 3 * small, 1e-9, 1e-30, 3e19, 12.0]
            x, y = ([float(v) for v in numpy_of(ty, row)] for row in (x, y))
            out = [rounded(ty, mpmath.hypot(mpmath.mpf(p), mpmath.mpf(q))) for p, q in zip(x, y)]
            file.case("hypot(x, y)", f"{ty} values", [("x", ty, x), ("y", ty, y)], [(ty, out, f"ulp 1 {reason}")], ["extend"])
    with File("math/atan2.hl", "`atan2`: the angle of a point, in all quadrants and on the axes.") as file:
        for ty in FLOATS:
            pi = mpmath.pi
            rows = [(0.0, 1.0, 0.0), (-0.0, 1.0, -0.0), (0.0, -1.0, pi), (-0.0, -1.0, -pi), (0.0, 0.0, 0.0), (-0.0, 0.0, -0.0), (0.0, -0.0, pi), (-0.0, -0.0, -pi)]
            rows += [(1.0, 0.0, pi / 2), (-1.0, -0.0, -pi / 2), (INF, INF, pi / 4), (INF, -INF, 3 * pi / 4), (-INF, INF, -pi / 4), (-INF, -INF, -3 * pi / 4), (INF, 1.0, pi / 2), (-INF, 1.0, -pi / 2)]
            rows += [(1.0, INF, 0.0), (-1.0, INF, -0.0), (1.0, -INF, pi), (-1.0, -INF, -pi), (NAN, 1.0, NAN), (1.0, NAN, NAN)]
            y, x = [row[0] for row in rows], [row[1] for row in rows]
            out = [rounded(ty, row[2]) if row[2] else row[2] for row in rows]
            file.case("atan2(y, x)", f"{ty} special", [("y", ty, y), ("x", ty, x)], [(ty, out, f"ulp 1 {reason}")], ["extend"])
            random = np.random.default_rng(4)
            y, x = ([float(v) for v in numpy_of(ty, random.normal(0, 5, 40))] for _ in range(2))
            y, x = y + [1e-30, 1e30, 3.0], x + [1e5, 1e-5, -1e-30]
            y, x = ([float(v) for v in numpy_of(ty, row)] for row in (y, x))
            out = [rounded(ty, mpmath.atan2(mpmath.mpf(p), mpmath.mpf(q))) for p, q in zip(y, x)]
            file.case("atan2(y, x)", f"{ty} values", [("y", ty, y), ("x", ty, x)], [(ty, out, f"ulp 1 {reason}")], ["extend"])


def classes():
    with File("math/classes.hl", "Classification, sign.") as file:
        for ty in FLOATS:
            values = [NAN, INF, -INF, 0.0, -0.0, 1.0, -1.0, TINY[ty], -TINY[ty], HUGE[ty]]
            nan = [math.isnan(v) for v in values]
            inf = [math.isinf(v) for v in values]
            finite = [math.isfinite(v) for v in values]
            file.case("(isnan(x), isinf(x), isfinite(x))", ty, [("x", ty, values)], [("bool", nan), ("bool", inf), ("bool", finite)], ["extend"])
            sign = [NAN, 1, -1, 0.0, 0.0, 1, -1, 1, -1, 1]
            file.case("sign(x)", f"{ty} sign", [("x", ty, values)], [(ty, sign)], ["extend"])
            # Whether a NaN has its sign bit set is not promised.
            file.case("signbit(x)", f"{ty} signbit", [("x", ty, values[1:])], [("bool", [math.copysign(1, v) < 0 for v in values[1:]])], ["extend"])


def philox(counter, key):
    """Philox4x32-10, after the paper of Salmon, Moraes, Dror and Shaw."""
    a, b, c, d = counter
    k, l = key
    for _ in range(10):
        p, q = a * 0xD2511F53, c * 0xCD9E8D57
        a, b, c, d = (q >> 32) ^ b ^ k, q & 0xFFFFFFFF, (p >> 32) ^ d ^ l, p & 0xFFFFFFFF
        k, l = (k + 0x9E3779B9) & 0xFFFFFFFF, (l + 0xBB67AE85) & 0xFFFFFFFF
    return a, b, c, d


# The known answers of the Random123 library, kat_vectors.
assert philox((0, 0, 0, 0), (0, 0)) == (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)
assert philox((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2) == (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)
assert philox((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0)) == (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)


def halves(seed, index):
    seed, index = seed % 2**64, index % 2**64
    a, b, c, d = philox((index & 0xFFFFFFFF, index >> 32, 0, 0), (seed & 0xFFFFFFFF, seed >> 32))
    return (a | b << 32) >> 11, (c | d << 32) >> 11


def random_numbers():
    indices = [0, 1, 2, 3, 99, -1, 2**31, 2**32, 2**40 + 7, 2**63 - 1, -(2**63)]
    with File("math/random.hl", "`random` and `normal`: Philox4x32-10 of the index, with the seed as its key.") as file:
        for seed in (0, 42, -1, 2**62 + 12345):
            out = [halves(seed, i)[0] / 2**53 for i in indices]
            file.case("random(seed, i)", f"uniform of seed {seed}", [("seed", "i64", seed), ("i", "i64", indices)], [("f64", out)], ["extend"])
            pairs = [halves(seed, i) for i in indices]
            exact = [mpmath.sqrt(-2 * mpmath.log(mpmath.mpf(p + 1) / 2**53)) * mpmath.cospi(mpmath.mpf(q) / 2**52) for p, q in pairs]
            out = [rounded("f64", v) for v in exact]
            file.case("normal(seed, i)", f"normal of seed {seed}", [("seed", "i64", seed), ("i", "i64", indices)], [("f64", out, "ulp 3 a product of three rounded factors against the rounded true value")], ["extend"])
        small = [0, 1, 2, 200]
        out = [halves(7, i)[0] / 2**53 for i in small]
        file.case("random(7, i)", "a literal seed and small indices", [("i", "u8", small)], [("f64", out)], ["same random(7u64, i)"])


# What has a relaxed body of its own, of one argument.
RELAXED = "exp exp2 exp10 expm1 sinh cosh tanh sigmoid log log2 log10 sin cos tan sinpi cospi asin acos atan rsqrt erf erfc".split()


def relaxed():
    """The same values as for the strict functions, four units apart at most; which values are NaN or infinite is exact."""
    reason = "ulp 5 four units for a relaxed function, and the rounding of the true value"
    with File("math/relaxed.hl", "Relaxed functions: special values, other values against 400 bits.") as file:
        for name in RELAXED:
            special, bounds, exact, _ = FUNCTIONS[name]
            file.section(name)
            file.code(f"@fastmath(relaxed)\nkernel k(x) = {name}(x)")
            for ty in FLOATS:
                out = [(ty, [y for _, y in special], reason)]
                file.case(None, f"{name} {ty} special", [("x", ty, [x for x, _ in special])], out, ["extend"])
                spread = [float(v) for v in numpy_of(ty, hard_points(name, ty))] + points(ty, bounds)
                out = [(ty, [rounded(ty, exact(mpmath.mpf(v))) for v in spread], reason)]
                file.case(None, f"{name} {ty} values", [("x", ty, spread)], out, ["extend"])
