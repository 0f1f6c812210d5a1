"""Operators on every type: integers by Python's exact ones, floats by NumPy and by fractions."""

import math
from fractions import Fraction
from itertools import product

import numpy as np

from table import FLOATS, INTS, NUMPY, File, bits, high, low, wrap


def int_values(ty):
    return sorted({low(ty), wrap(ty, low(ty) + 1), wrap(ty, -3), 0, 1, 2, 7, high(ty) - 1, high(ty)})


TINY = {"f32": float(np.finfo(np.float32).smallest_subnormal), "f64": 5e-324}
HUGE = {"f32": float(np.finfo(np.float32).max), "f64": float(np.finfo(np.float64).max)}


def float_values(ty):
    return [math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -2.5, 0.1, 3.0, TINY[ty], -HUGE[ty]]


def pairs(ty):
    values = float_values(ty) if ty in FLOATS else int_values(ty)
    crossed = list(product(values, values))
    return [a for a, _ in crossed], [b for _, b in crossed]


def numpy_of(ty, values):
    return np.array(values, dtype=NUMPY[ty])


def both(ty):
    a, b = pairs(ty)
    return a, b, [("a", ty, a), ("b", ty, b)]


def ints(function, ty, a, b):
    return [wrap(ty, function(x, y)) for x, y in zip(a, b)]


def make():
    np.seterr(all="ignore")
    arithmetic()
    division()
    floor()
    compare()
    bitwise()
    shifts()
    extremes()
    powers()
    unary()
    fused()
    scaling()
    logic()


def arithmetic():
    with File("ops/arithmetic.hl", "Sum, difference, product: integers wrap, floats are rounded once.") as file:
        for ty in INTS:
            a, b, inputs = both(ty)
            outs = [(ty, ints(f, ty, a, b)) for f in (lambda x, y: x + y, lambda x, y: x - y, lambda x, y: x * y)]
            file.case("(a + b, a - b, a * b)", ty, inputs, outs, ["extend"])
        for ty in FLOATS:
            a, b, inputs = both(ty)
            x, y = numpy_of(ty, a), numpy_of(ty, b)
            file.case("(a + b, a - b, a * b)", ty, inputs, [(ty, x + y), (ty, x - y), (ty, x * y)], ["extend"])


def division():
    with File("ops/true_division.hl", "`/` is true division: integers are converted to f64 first.") as file:
        for ty in INTS:
            a, b, inputs = both(ty)
            x, y = np.array([float(v) for v in a]), np.array([float(v) for v in b])
            file.case("a / b", ty, inputs, [("f64", x / y)], ["extend"])
        for ty in FLOATS:
            a, b, inputs = both(ty)
            file.case("a / b", ty, inputs, [(ty, numpy_of(ty, a) / numpy_of(ty, b))], ["extend"])


def floor():
    with File("ops/floor_division.hl", "`//` and `%` floor; the smallest integer by -1 wraps, and its remainder is 0.") as file:
        for ty in INTS:
            a, b = pairs(ty)
            kept = [(x, y) for x, y in zip(a, b) if y != 0]
            a, b = [x for x, _ in kept], [y for _, y in kept]
            outs = [(ty, ints(lambda x, y: x // y, ty, a, b)), (ty, ints(lambda x, y: x % y, ty, a, b))]
            file.case("(a // b, a % b)", ty, [("a", ty, a), ("b", ty, b)], outs, ["extend"])
            again = "(a // b) * b + a % b"
            file.case(again, f"{ty} invariant", [("a", ty, a), ("b", ty, b)], [(ty, a)])
            for divisor in (1, 3, 7, 10, 64):
                if divisor <= high(ty):
                    values = int_values(ty)
                    outs = [(ty, [v // divisor for v in values]), (ty, [v % divisor for v in values])]
                    file.case(f"(a // {divisor}, a % {divisor})", f"{ty} by {divisor}", [("a", ty, values)], outs)
        for ty in FLOATS:
            a, b, inputs = both(ty)
            # The sign of a zero quotient and what infinities give are NumPy's.
            x, y = numpy_of(ty, a), numpy_of(ty, b)
            file.case("a % b", f"{ty} remainder", inputs, [(ty, np.remainder(x, y))], ["extend"])
            file.case("a // b", f"{ty} quotient", inputs, [(ty, np.floor_divide(x, y))], ["extend"])
        exact_remainders(file)
        near_the_room_of_floats(file)


def near_the_room_of_floats(file):
    """Numbers about 2^51, beside a multiple of the divisor: the first ones have room in an f64, then some have not."""
    room = 2**51
    for ty in ("i64", "u64"):
        pairs = []
        for b in (1, 2, 3, 7, 10, 641, 65537, 2**26 - 1, 2**26 + 1, 2**50 - 1, 2**50, room - 2, room - 1):
            multiple = (room - 2) // b * b
            pairs += [(a, b) for a in (abs(multiple - 1), multiple, multiple + 1, b - 1, 0)]
        if ty == "i64":
            pairs = [(sign * a, other * b) for a, b in pairs for sign in (1, -1) for other in (1, -1)] + [(-room, -1), (-room, 1)]
        pairs += [(room + off, b) for off in (-1, 0, 1) for b in (1, 3, room - 1, room, room + 1)]
        a, b = [x for x, _ in pairs], [y for _, y in pairs]
        outs = [(ty, [x // y for x, y in pairs]), (ty, [x % y for x, y in pairs])]
        file.case("(a // b, a % b)", f"{ty} near the room of floats", [("a", ty, a), ("b", ty, b)], outs)
        for divisor in (3, room - 1, room + 1):
            outs = [(ty, [x // divisor for x in a]), (ty, [x % divisor for x in a])]
            file.case("(a // n, a % n)", f"{ty} near the room of floats by {divisor}", [("a", ty, a), ("n", ty, divisor)], outs)


def exact_remainders(file):
    a = [1e17, 1.0, -1.0, 1e300, -1e300, 5.5, -5.5, 5.5, 1e-300, 2.0**1000, 0.3, 1e16 + 2]
    b = [0.3, 0.1, 0.1, 3.7, 1e-7, 2.0, 2.0, -2.0, 7e-301, 3.0, 0.1, -3.0]
    exact = [Fraction(x) - Fraction(y) * (Fraction(x) // Fraction(y)) for x, y in zip(a, b)]
    file.case("a % b", "remainders of large quotients are exact", [("a", "f64", a), ("b", "f64", b)], [("f64", [float(r) if r else math.copysign(0.0, y) for r, y in zip(exact, b)])])
    a, b = [7.5, -7.5, 5.5, -5.5, 1.0, 3.0], [2.0, 2.0, -2.0, -2.0, 0.1, 0.3]
    whole = [float(Fraction(x) // Fraction(y)) for x, y in zip(a, b)]
    file.case("a // b", "quotients of remainders", [("a", "f64", a), ("b", "f64", b)], [("f64", whole)])
    for ty in FLOATS:
        near_whole(file, ty)


def near_whole(file, ty):
    """Quotients a hair beside a whole number, small ones and large ones, of all signs."""
    random = np.random.default_rng(11)
    one = NUMPY[ty]
    a, b = [], []
    for size in (1, 10, 1000, 2**20, 2**24, 2**52):
        for sign in (1, -1):
            divisor = one(sign * random.uniform(0.01, 100))
            product_ = one(Fraction(float(divisor)) * int(random.integers(1, 9) * size))
            for dividend in (product_, np.nextafter(product_, one(0)), np.nextafter(product_, one(np.inf))):
                for value in (dividend, -dividend):
                    a.append(float(value))
                    b.append(float(divisor))
    pairs_ = [(Fraction(x), Fraction(y)) for x, y in zip(a, b)]
    inputs = [("a", ty, a), ("b", ty, b)]
    rest = [rounded(ty, x - y * (x // y), y) for x, y in pairs_]
    file.case("a % b", f"{ty} remainders beside a whole quotient", inputs, [(ty, rest)], ["extend"])
    limit = 2 ** (24 if ty == "f32" else 53)
    for title, kept, tier in (
        ("beside a whole number", [pair for pair in pairs_ if abs(pair[0] / pair[1]) < limit], ()),
        ("that are too large for a fraction", [pair for pair in pairs_ if abs(pair[0] / pair[1]) >= limit], ("ulp 1 all floats are whole there, and the quotient is rounded instead of its floor",)),
    ):
        inputs = [("a", ty, [float(x) for x, _ in kept]), ("b", ty, [float(y) for _, y in kept])]
        whole = [rounded(ty, Fraction(x // y), 1.0) for x, y in kept]
        file.case("a // b", f"{ty} quotients {title}", inputs, [(ty, whole, *tier)], ["extend"])


def compare():
    text = "(a < b, a <= b, a > b, a >= b, a == b, a != b)"
    with File("ops/compare.hl", "Comparisons: false with a NaN, except `!=`; both zeros are equal.") as file:
        for ty in INTS + FLOATS:
            a, b, inputs = both(ty)
            x, y = numpy_of(ty, a), numpy_of(ty, b)
            outs = [("bool", value) for value in (x < y, x <= y, x > y, x >= y, x == y, x != y)]
            file.case(text, ty, inputs, outs, ["extend"])
        a, b = [False, False, True, True], [False, True, False, True]
        outs = [("bool", [x == y for x, y in zip(a, b)]), ("bool", [x != y for x, y in zip(a, b)])]
        file.case("(a == b, a != b)", "bool", [("a", "bool", a), ("b", "bool", b)], outs, ["extend"])
        mixed_compare(file, text)
        file.case("1 < x < 5", "chain", [("x", "i64", [0, 1, 2, 4, 5, 6])], [("bool", [0, 0, 1, 1, 0, 0])], ["same 1 < x and x < 5"])
        file.case("a < b > c == d", "long chain", [("a", "i64", [1, 1, 5]), ("b", "i64", [3, 3, 3]), ("c", "i64", [2, 2, 2]), ("d", "i64", [2, 9, 2])], [("bool", [1, 0, 0])])


def mixed_compare(file, text):
    for other in ("i8", "i32", "i64"):
        values = list(product(int_values(other), int_values("u64")))
        a, b = [x for x, _ in values], [y for _, y in values]
        inputs = [("a", other, a), ("b", "u64", b)]
        answers = [[x < y for x, y in values], [x <= y for x, y in values], [x > y for x, y in values], [x >= y for x, y in values], [x == y for x, y in values], [x != y for x, y in values]]
        file.case(text, f"{other} with u64", inputs, [("bool", row) for row in answers])
        swapped = [answers[i] for i in (2, 3, 0, 1, 4, 5)]
        file.case(text, f"u64 with {other}", [("a", "u64", b), ("b", other, a)], [("bool", row) for row in swapped])


def bitwise():
    with File("ops/bitwise.hl", "`& | ^ ~` on integers and bools.") as file:
        for ty in INTS:
            a, b, inputs = both(ty)
            functions = (lambda x, y: x & y, lambda x, y: x | y, lambda x, y: x ^ y, lambda x, _: ~x)
            outs = [(ty, ints(f, ty, a, b)) for f in functions]
            file.case("(a & b, a | b, a ^ b, ~a)", ty, inputs, outs, ["extend"])
        a, b = [0, 0, 1, 1], [0, 1, 0, 1]
        outs = [("bool", row) for row in ([0, 0, 0, 1], [0, 1, 1, 1], [0, 1, 1, 0], [1, 1, 0, 0])]
        file.case("(a & b, a | b, a ^ b, ~a)", "bool", [("a", "bool", a), ("b", "bool", b)], outs, ["extend"])


def shifted(ty, value, count):
    inside = 0 <= count < bits(ty)
    left = wrap(ty, value << count) if inside else 0
    right = value >> count if inside else (-1 if value < 0 else 0)
    return left, right


def shifts():
    with File("ops/shift.hl", "Shifts by the width or more, or by a negative count, give 0 or all sign.") as file:
        for ty in INTS:
            values = [low(ty), wrap(ty, -3), 1, 5, high(ty)]
            counts = sorted({0, 1, bits(ty) - 1, bits(ty), bits(ty) + 1, high(ty), wrap(ty, -1) if ty[0] == "i" else 2})
            crossed = list(product(values, counts))
            a, n = [x for x, _ in crossed], [y for _, y in crossed]
            results = [shifted(ty, x, y) for x, y in crossed]
            outs = [(ty, [left for left, _ in results]), (ty, [right for _, right in results])]
            file.case("(a << n, a >> n)", ty, [("a", ty, a), ("n", ty, n)], outs, ["extend"])
            for count in (0, 3, bits(ty), 200):
                pairs_ = [shifted(ty, v, count) for v in values]
                outs = [(ty, [left for left, _ in pairs_]), (ty, [right for _, right in pairs_])]
                file.case(f"(a << {count}, a >> {count})", f"{ty} by {count}", [("a", ty, values)], outs)
        counts = [-1, 0, 3, 8, 256, 264, 1 << 40]
        for ty in ("i8", "u8", "i32"):
            results = [shifted(ty, high(ty), n) for n in counts]
            outs = [(ty, [left for left, _ in results]), (ty, [right for _, right in results])]
            file.case("(a << n, a >> n)", f"{ty} by i64", [("a", ty, [high(ty)] * len(counts)), ("n", "i64", counts)], outs)


def total_min(x, y):
    if math.isnan(x) or math.isnan(y):
        return math.nan
    if x == y:
        return x if math.copysign(1, x) < 0 else y
    return min(x, y)


def total_max(x, y):
    return -total_min(-x, -y)


def ignoring(function):
    return lambda x, y: y if math.isnan(x) else x if math.isnan(y) else function(x, y)


def extremes():
    with File("ops/min_max.hl", "`min` and `max` take a NaN over and put -0 below +0; `fmin` and `fmax` leave NaN out.") as file:
        for ty in INTS:
            a, b, inputs = both(ty)
            file.case("(min(a, b), max(a, b))", ty, inputs, [(ty, ints(min, ty, a, b)), (ty, ints(max, ty, a, b))], ["extend"])
        for ty in FLOATS:
            a, b, inputs = both(ty)
            for text, low_, high_ in (("(min(a, b), max(a, b))", total_min, total_max), ("(fmin(a, b), fmax(a, b))", ignoring(total_min), ignoring(total_max))):
                outs = [(ty, [f(x, y) for x, y in zip(a, b)]) for f in (low_, high_)]
                file.case(text, f"{ty} {text[1:4]}", inputs, outs, ["extend"])
        file.case("clip(x, -1, 2)", "clip f32", [("x", "f32", [-5, -1, -0.5, 2, 7, math.nan])], [("f32", [-1, -1, -0.5, 2, 2, math.nan])], ["extend"])
        file.case("clip(x, 10, 20)", "clip u8", [("x", "u8", [0, 10, 15, 20, 255])], [("u8", [10, 10, 15, 20, 20])], ["extend"])
        file.case("max(a, 0)", "with a literal", [("a", "f32", [-1, 2, math.nan])], [("f32", [0, 2, math.nan])])
        file.case("min(a, b, c, 3)", "of four", [("a", "i32", [9, 1]), ("b", "i32", [5, 7]), ("c", "i16", [4, 8])], [("i32", [3, 1])])


def powers():
    with File("ops/power.hl", "Integer powers wrap; the exponent is a literal or an array.") as file:
        for ty in INTS:
            base = [low(ty), wrap(ty, -3), 0, 1, 2, 7, high(ty)]
            for n in (0, 1, 2, 3, 5, 10, 63):
                file.case(f"a ** {n}", f"{ty} to {n}", [("a", ty, base)], [(ty, [wrap(ty, v**n) for v in base])])
            crossed = list(product(base, [0, 1, 2, 3, 8, 31, 100]))
            a, n = [x for x, _ in crossed], [y for _, y in crossed]
            file.case("a ** n", f"{ty} to an array", [("a", ty, a), ("n", ty, n)], [(ty, [wrap(ty, x**y) for x, y in crossed])], ["extend"])
        for ty in FLOATS:
            values = float_values(ty)
            x = numpy_of(ty, values)
            one = NUMPY[ty](1)
            for n, result in ((0, x * 0 + 1), (1, x), (2, x * x), (-1, one / x)):
                result = np.ones_like(x) if n == 0 else result
                file.case(f"x ** {n}", f"{ty} to {n}", [("x", ty, values)], [(ty, result)], ["extend"])


def unary():
    with File("ops/unary.hl", "Sign, magnitude, rounding and square root.") as file:
        for ty in INTS:
            values = int_values(ty)
            outs = [(ty, [wrap(ty, -v) for v in values]), (ty, values), (ty, [wrap(ty, abs(v)) for v in values])]
            file.case("(-a, +a, abs(a))", ty, [("a", ty, values)], outs, ["extend"])
            outs = [(ty, values)] * 4
            file.case("(floor(a), ceil(a), trunc(a), round(a))", f"{ty} rounding", [("a", ty, values)], outs)
            roots = [math.sqrt(float(v)) if v >= 0 else math.nan for v in values]
            file.case("sqrt(a)", f"{ty} root", [("a", ty, values)], [("f64", roots)])
        for ty in FLOATS:
            big = 2.0 ** (23 if ty == "f32" else 52)
            values = float_values(ty) + [0.5, 1.5, 2.5, -0.5, -1.5, -0.4, 0.49999997, big + 1, big / 2 + 0.5, 1e10, 4.0, 2.0]
            x = numpy_of(ty, values)
            outs = [(ty, v) for v in (-x, x, np.abs(x))]
            file.case("(-a, +a, abs(a))", ty, [("a", ty, values)], outs, ["extend"])
            outs = [(ty, v) for v in (np.floor(x), np.ceil(x), np.trunc(x), np.rint(x), np.sqrt(x))]
            file.case("(floor(a), ceil(a), trunc(a), round(a), sqrt(a))", f"{ty} rounding", [("a", ty, values)], outs, ["extend"])
            a, b, inputs = both(ty)
            # The sign of a NaN is not promised, so copysign's second operand is a number.
            kept = [(p, q) for p, q in zip(a, b) if not math.isnan(q)]
            a, b = [p for p, _ in kept], [q for _, q in kept]
            out = np.copysign(numpy_of(ty, a), numpy_of(ty, b))
            file.case("copysign(a, b)", f"{ty} copysign", [("a", ty, a), ("b", ty, b)], [(ty, out)], ["extend"])


def rounded(ty, exact, like):
    """An exact fraction rounded once; a zero takes the sign of `like`."""
    if exact == 0:
        return math.copysign(0.0, like)
    if ty == "f64":
        try:
            return float(exact)
        except OverflowError:
            return math.inf if exact > 0 else -math.inf
    # To 24 bits by scaling so that rounding to an integer is the rounding wanted.
    exponent = max(exact_log2(abs(exact)) - 23, -149)
    scaled = exact / Fraction(2) ** exponent
    whole = round(scaled)
    if exponent > 200:
        return math.inf if exact > 0 else -math.inf
    if whole == 0:
        return math.copysign(0.0, exact)
    value = float(Fraction(whole) * Fraction(2) ** exponent)
    return value if abs(value) <= HUGE["f32"] else math.copysign(math.inf, value)


def exact_log2(value):
    exponent = value.numerator.bit_length() - value.denominator.bit_length()
    return exponent if Fraction(2) ** exponent <= value else exponent - 1


def fused():
    with File("ops/fma.hl", "`fma` is rounded once.") as file:
        for ty in FLOATS:
            eps = 2.0**-23 if ty == "f32" else 2.0**-52
            a = [1 + eps, 1 - eps, 0.1, 3.0, HUGE[ty], HUGE[ty], TINY[ty], 1.5, -2.0, 1 + 3 * eps]
            b = [1 + eps, 1 + eps, 10.0, 1 / 3, 2.0, 2.0, 0.5, -2.0, 0.5, 1 - 5 * eps]
            c = [-1.0, -1.0, -1.0, -1.0, -HUGE[ty], 1.0, TINY[ty], 3.0, 1.0, -1.0]
            a, b, c = ([float(v) for v in numpy_of(ty, row)] for row in (a, b, c))
            exact = [Fraction(x) * Fraction(y) + Fraction(z) for x, y, z in zip(a, b, c)]
            out = [rounded(ty, value, 1.0) for value in exact]
            file.case("fma(a, b, c)", ty, [("a", ty, a), ("b", ty, b), ("c", ty, c)], [(ty, out)], ["extend"])
        a, b, c = [math.inf, math.inf, 0.0, math.nan, 1.0, -0.0], [0.0, 1.0, math.inf, 1.0, math.inf, 0.0], [1.0, -math.inf, 1.0, 1.0, 1.0, -0.0]
        file.case("fma(a, b, c)", "special", [("a", "f64", a), ("b", "f64", b), ("c", "f64", c)], [("f64", [math.nan, math.nan, math.nan, math.nan, math.inf, -0.0])])
        file.case("a * b + c", "a sum of a product is not contracted", [("a", "f64", [1 + 2.0**-52]), ("b", "f64", [1 + 2.0**-52]), ("c", "f64", [-1.0])], [("f64", [(1 + 2.0**-52) * (1 + 2.0**-52) - 1.0])])


def scaling():
    with File("ops/scaling.hl", "`ldexp`, `getexp`, `getmant`: exact, with subnormals, as AVX-512 defines them.") as file:
        for ty in FLOATS:
            bias = 127 if ty == "f32" else 1023
            crossed = list(product([1.0, -1.5, TINY[ty], 0.1, 0.0, -0.0], [0.0, 1.0, 2.7, -1.5, -30.0, float(bias), -2.0 * bias, 4000.0, -4000.0]))
            x, n = [float(NUMPY[ty](v)) for v, _ in crossed], [m for _, m in crossed]
            out = [rounded(ty, Fraction(v) * Fraction(2) ** max(min(math.floor(m), 5000), -5000), v) for v, m in zip(x, n)]
            file.case("ldexp(x, n)", ty, [("x", ty, x), ("n", ty, n)], [(ty, out)], ["extend"])
            special = [math.nan, math.inf, -math.inf, 0.0, -0.0]
            values = special + [1.0, -2.5, 0.1, TINY[ty], -3 * TINY[ty], HUGE[ty], 1e-40]
            values = [float(NUMPY[ty](v)) for v in values]
            exponent = [math.nan, math.inf, math.inf, -math.inf, -math.inf]
            exponent += [float(exact_log2(abs(Fraction(v)))) for v in values[5:]]
            mantissa = [math.nan, 1.0, -1.0, 1.0, -1.0]
            mantissa += [float(Fraction(v) / Fraction(2) ** exact_log2(abs(Fraction(v)))) for v in values[5:]]
            file.case("(getexp(x), getmant(x))", f"{ty} parts", [("x", ty, values)], [(ty, exponent), (ty, mantissa)], ["extend"])
            x, n = [1.0, 0.0, math.inf, math.inf, math.nan, 1.0, -1.0, 5.0], [math.inf, math.inf, -math.inf, 1.0, 1.0, math.nan, math.inf, -math.inf]
            out = [math.inf, math.nan, math.nan, math.inf, math.nan, math.nan, -math.inf, 0.0]
            file.case("ldexp(x, n)", f"{ty} special", [("x", ty, x), ("n", ty, n)], [(ty, out)])


def logic():
    with File("ops/logic.hl", "`and`, `or`, `not`, `where` and `if` per element.") as file:
        a, b = [0, 0, 1, 1], [0, 1, 0, 1]
        inputs = [("a", "bool", a), ("b", "bool", b)]
        outs = [("bool", row) for row in ([0, 0, 0, 1], [0, 1, 1, 1], [1, 1, 0, 0])]
        file.case("(a and b, a or b, not a)", "words", inputs, outs, ["extend"])
        file.case("(a && b, a || b, !a)", "signs", inputs, outs)
        for ty in INTS + FLOATS:
            x, y = [1, 2, 3, 4], [5, 6, 7, 8]
            inputs = [("c", "bool", [1, 0, 0, 1]), ("x", ty, x), ("y", ty, y)]
            file.case("where(c, x, y)", f"where {ty}", inputs, [(ty, [1, 6, 7, 4])], ["extend", "same if c then x else y"])
        file.case("where(c, a, b)", "where bool", [("c", "bool", [1, 0, 1, 0]), ("a", "bool", [1, 1, 0, 0]), ("b", "bool", [0, 0, 1, 1])], [("bool", [1, 0, 0, 1])], ["extend"])
        file.case("where(c, a, b)", "scalars and arrays", [("c", "bool", [1, 0, 1]), ("a", "f64", 2.5), ("b", "f64", [1, 2, 3])], [("f64", [2.5, 2, 2.5])])
        file.case("if x > 0 then x else if x < -2 then 0 else -x", "nested if", [("x", "f64", [1.5, -1, -3, math.nan])], [("f64", [1.5, 1, 0, math.nan])])
