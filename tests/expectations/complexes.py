"""Complex numbers: arithmetic from NumPy part by part, functions from mpmath, reductions and programs from NumPy."""

import mpmath
import numpy as np

from table import File

EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, -2.0, np.inf, -np.inf, np.nan]
PARTS = {"c64": "f32", "c128": "f64"}
KINDS = {"c64": np.complex64, "c128": np.complex128}


def made(ty, re, im):
    """A complex number of two parts, without arithmetic that loses signs of zeros or infinities."""
    value = np.empty(np.broadcast(re, im).shape, KINDS[ty])
    value.real, value.imag = re, im
    return value


def some(ty, count, seed):
    random = np.random.default_rng(seed)
    return made(ty, np.round(random.uniform(-8, 8, count), 3), np.round(random.uniform(-8, 8, count), 3))


def product(a, b):
    return made_like(a, a.real * b.real - a.imag * b.imag, a.real * b.imag + a.imag * b.real)


def made_like(like, re, im):
    return made("c64" if like.dtype == np.complex64 else "c128", re, im)


def make():
    mpmath.mp.prec = 300
    with np.errstate(all="ignore"):
        with File("types/complex.hl", "Complex numbers: literals, arithmetic, parts, conversions.") as file:
            for ty in PARTS:
                arithmetic(file, ty)
                parts(file, ty)
            promotion(file)
        with File("math/complex.hl", "Functions of complex numbers, by mpmath; at the edges by Annex G of the C standard.") as file:
            for ty in PARTS:
                functions(file, ty)
            edges(file)
        with File("arrays/complex.hl", "Complex numbers in arrays, loops, reductions and products.") as file:
            for ty in PARTS:
                arrays(file, ty)
            programs(file)


def arithmetic(file, ty):
    a, b = some(ty, 12, 1), some(ty, 12, 2)
    part = PARTS[ty]
    real = np.array([0.5, -2, 3, 0, -0.0, 1, 7, -1, 2, 4, 8, -0.25], a.real.dtype)
    two = [("a", ty, a), ("b", ty, b)]
    file.case("(a + b, a - b, -a)", f"sums of {ty}", two, [(ty, a + b), (ty, a - b), (ty, -a)], ["extend"])
    file.case("a * b", f"product of {ty}, part by part", two, [(ty, product(a, b))], ["extend"])
    exact = [mpmath.mpc(complex(x)) / mpmath.mpc(complex(y)) for x, y in zip(a, b)]
    file.case("a / b", f"quotient of {ty}", two, [(ty, np.array([complex(x) for x in exact]).astype(KINDS[ty]), "ulp 3 each part rounds a few times")], ["extend"])
    mixed = [("a", ty, a), ("r", part, real)]
    file.case("(a + r, a - r, r - a)", f"{ty} and real numbers: sums leave the other part", mixed,
              [(ty, made(ty, a.real + real, a.imag)), (ty, made(ty, a.real - real, a.imag)), (ty, made(ty, real - a.real, -a.imag))], ["extend"])
    file.case("(a * r, r * a, a / r)", f"{ty} and real numbers: products are those of the parts", mixed,
              [(ty, made(ty, a.real * real, a.imag * real)), (ty, made(ty, real * a.real, real * a.imag)), (ty, made(ty, a.real / real, a.imag / real))], ["extend"])
    infinite = made(ty, [np.inf, -np.inf, 1, 0], [2, np.inf, -np.inf, -0.0])
    file.case("2 * z", f"a real factor makes no NaN of an infinite {ty}", [("z", ty, infinite)], [(ty, made(ty, infinite.real * 2, infinite.imag * 2))])
    file.case("(a == b, a != b, a == a, a == r)", f"{ty} is equal in both parts", [("a", ty, a), ("b", ty, np.where(np.arange(12) % 2, a, b)), ("r", part, a.real)],
              [("bool", np.arange(12) % 2 == 1), ("bool", np.arange(12) % 2 == 0), ("bool", [True] * 12), ("bool", [False] * 12)])
    ints = made(ty, [1, 0, -2, 3], [1, 2, 0, -1])
    cube = product(product(ints, ints), ints)
    square = product(ints, ints)
    file.case("(z**2, z**3, z**1, z**0, z**5)", f"small powers of {ty} are multiplied out", [("z", ty, ints)],
              [(ty, square), (ty, cube), (ty, ints), (ty, made(ty, [1] * 4, [0] * 4)), (ty, product(product(square, square), ints))])
    inverse = np.array([complex(1 / mpmath.mpc(complex(x)) ** 2) for x in ints]).astype(KINDS[ty])
    file.case("z**-2", f"negative powers of {ty} divide", [("z", ty, ints)], [(ty, inverse, "ulp 2 a division follows the product")])
    zeros = made(ty, [1, 0, -1, np.nan], [1, 0, 2, 0])
    zero = made(ty, [0.0, 0.0, 0.0, 0.0], [0.0] * 4)
    file.case("z / w", f"{ty} over zero", [("z", ty, zeros), ("w", ty, zero)],
              [(ty, made(ty, [np.inf, np.nan, -np.inf, np.nan], [np.inf, np.nan, np.inf, np.nan]))])
    file.case("z / w", f"finite {ty} over an infinite one", [("z", ty, made(ty, [1, 2], [1, -3])), ("w", ty, made(ty, [np.inf, -np.inf], [1, np.inf]))],
              [(ty, made(ty, [0, -0.0], [0, 0.0]))])
    big = np.finfo(a.real.dtype).max / 4
    file.case("z / w", f"large and small {ty} divide without overflow", [("z", ty, made(ty, [big, 1], [big, 0])), ("w", ty, made(ty, [big, big], [big, 0]))],
              [(ty, made(ty, [1, a.real.dtype.type(1) / a.real.dtype.type(big)], [0, 0]))])


def parts(file, ty):
    z = np.concatenate([some(ty, 6, 3), made(ty, [0.0, -0.0, np.inf, 3], [-0.0, 1, np.nan, -4])])
    part = PARTS[ty]
    file.case("(real(z), imag(z), conj(z))", f"parts of {ty}", [("z", ty, z)], [(part, z.real), (part, z.imag), (ty, made(ty, z.real, -z.imag))], ["extend"])
    file.case("(z.real, z.imag)", f"parts of {ty} as fields", [("z", ty, z)], [(part, z.real), (part, z.imag)])
    file.case("complex(x, y)", f"{ty} from parts", [("x", part, z.real), ("y", part, z.imag)], [(ty, z)], ["extend"])
    lengths = [mpmath.sqrt(mpmath.mpf(float(x.real)) ** 2 + mpmath.mpf(float(x.imag)) ** 2) for x in z[:6]]
    file.case("abs(z)", f"length of {ty}", [("z", ty, z)], [(part, [float(x) for x in lengths] + [0.0, 1.0, np.inf, 5.0], "ulp 1 the bound of hypot")], ["extend"])
    angles = [mpmath.atan2(mpmath.mpf(float(x.imag)), mpmath.mpf(float(x.real))) for x in z[:6]]
    rest = [-0.0, np.pi / 2, np.nan, np.arctan2(-4, 3)]
    file.case("(arg(z), angle(z))", f"angle of {ty}", [("z", ty, z)], [(part, [float(x) for x in angles] + rest, "ulp 1 the bound of atan2")] * 2, ["extend"])
    file.case("z", f"{ty} moved", [("z", ty, z)], [(ty, z)], ["extend"])
    file.case("z[::-1]", f"{ty} backwards", [("z", ty, z)], [(ty, z[::-1])], ["extend"])
    file.case("z + 0", f"{ty} through a window", [("z", ty, "[9, 1+1j, 2j, 3-1j, 4] view 3 3 -1")], [(ty, made(ty, [3, 0, 1], [-1, 2, 1]))])
    file.case("z * 2", f"every other {ty} of a row", [("z", ty, "[1+1j, 0, 2j, 0, 3-1j, 0] view 0 3 2")], [(ty, made(ty, [2, 0, 6], [2, 4, -2]))])
    file.case("z + w", f"rows of {ty} with gaps", [("z", ty, "[1+1j, 2, 9, 3j, 4, 9] view 0 2x2 3x1"), ("w", ty, "[1, 1j]")], [(ty, made(ty, [[2, 2], [1, 4]], [[1, 1], [3, 1]]))])
    file.case("z.T", f"{ty} transposed", [("z", ty, made(ty, [[1, 2, 3], [4, 5, 6]], [[0, 1, 2], [3, 4, 5]]))], [(ty, made(ty, [[1, 4], [2, 5], [3, 6]], [[0, 3], [1, 4], [2, 5]]))])


def promotion(file):
    one = {ty: made(ty, [1.5], [-2]) for ty in PARTS}
    for other in ["i8", "u16", "i64", "u64", "f16", "bf16", "f32", "f64"]:
        for ty in PARTS:
            to = "c128" if other == "f64" or ty == "c128" else "c64"
            file.case("z + x", f"{ty} with {other} is {to}", [("z", ty, one[ty]), ("x", other, "[2]")], [(to, made(to, [3.5], [-2]))])
    file.case("z * w", "c64 with c128 is c128", [("z", "c64", one["c64"]), ("w", "c128", one["c128"])], [("c128", made("c128", [-1.75], [-6]))])
    file.case("z * 2j", "a bare number takes the type it meets", [("z", "c64", one["c64"])], [("c64", made("c64", [4], [3]))])
    file.case("x * 2j", "a bare complex number with f32 is c64", [("x", "f32", [1.5, -0.5])], [("c64", made("c64", [0, -0.0], [3, -1]))])
    file.case("x * 2j", "a bare complex number with i32 is c128", [("x", "i32", [3, -1])], [("c128", made("c128", [0, -0.0], [6, -2]))])
    file.case("z + 0.1", "a bare float with c64", [("z", "c64", one["c64"])], [("c64", made("c64", [np.float32(1.5) + np.float32(0.1)], [-2]))])
    file.case("z + w", "a bare complex argument", [("z", "c64", one["c64"]), ("w", None, "1+1j")], [("c64", made("c64", [2.5], [-1]))])
    file.case("(2j, 1 + 2j, -2j, 1.5e1j, 3)", "literals", [], [("c128", "0+2j"), ("c128", "1+2j"), ("c128", "-0-2j"), ("c128", "0+15j"), ("i64", "3")])
    file.case("c64(z)", "c128 to c64 rounds each part", [("z", "c128", made("c128", [0.1, 1e300], [1e-300, -0.3]))], [("c64", made("c64", np.float32([0.1, np.inf]), np.float32([0, -0.3])))], ["extend"])
    file.case("(c128(x), c64(x), c64(n), c64(b))", "real numbers to complex", [("x", "f64", [0.1, -0.0]), ("n", "i8", [-3, 7]), ("b", "bool", [True, False])],
              [("c128", made("c128", [0.1, -0.0], 0)), ("c64", made("c64", np.float32([0.1, -0.0]), 0)), ("c64", made("c64", [-3, 7], 0)), ("c64", made("c64", [1, 0], 0))])
    file.case("bool(z)", "whether a complex number is not 0", [("z", "c128", made("c128", [0, 0, 1, -0.0, np.nan], [0, 1, 0, -0.0, 0]))], [("bool", [False, True, True, False, True])])
    file.case("(real(n), imag(n), conj(n), imag(x))", "real numbers have parts", [("n", "i32", [3, -4]), ("x", "f32", 2.5)], [("i32", [3, -4]), ("i32", [0, 0]), ("i32", [3, -4]), ("f32", 0.0)])
    file.case("(isnan(z), isinf(z), isfinite(z))", "classes", [("z", "c64", made("c64", [1, np.nan, 0, np.inf], [2, 0, np.inf, np.nan]))],
              [("bool", [False, True, False, True]), ("bool", [False, False, True, True]), ("bool", [True, False, False, False])])
    file.case("where(c, z, x)", "a choice between complex and real", [("c", "bool", [True, False]), ("z", "c64", made("c64", [1, 2], [3, 4])), ("x", "f64", [5, 6])], [("c128", made("c128", [1, 6], [3, 0]))], ["extend"])
    file.case("if x > 0 { 1j } else { x }", "an if between complex and real", [("x", "f64", -2.5)], [("c128", "-2.5+0j")])


FUNCTIONS = {
    "exp": (mpmath.exp, 3), "log": (mpmath.log, 3), "sqrt": (mpmath.sqrt, 3), "sin": (mpmath.sin, 3), "cos": (mpmath.cos, 3),
    "tan": (mpmath.tan, 5), "sinh": (mpmath.sinh, 3), "cosh": (mpmath.cosh, 3), "tanh": (mpmath.tanh, 5), "asin": (mpmath.asin, 5),
    "acos": (mpmath.acos, 4), "atan": (mpmath.atan, 4), "asinh": (mpmath.asinh, 5), "acosh": (mpmath.acosh, 4), "atanh": (mpmath.atanh, 4),
    "log2": (lambda z: mpmath.log(z) / mpmath.log(2), 4), "log10": (lambda z: mpmath.log(z) / mpmath.log(10), 4),
}


CUTS = {"asin": np.arcsin, "acos": np.arccos, "acosh": np.arccosh, "atanh": np.arctanh}


def functions(file, ty):
    random = np.random.default_rng(5)
    z = some(ty, 10, 4)
    unit = np.exp(1j * random.uniform(-3, 3, 4)).astype(KINDS[ty])
    small = made(ty, [1e-5, -3e-9, 2e-3], [2e-7, 1e-9, -1e-3])
    points = np.concatenate([z, unit, small, made(ty, [0, 0, 3], [2, -0.5, 0])])
    for name, (exact, ulps) in FUNCTIONS.items():
        values = [complex(exact(mpmath.mpc(complex(x)))) for x in points]
        # On a branch cut the sign of a zero says which side is meant, and mpmath has none.
        values[-1] = CUTS.get(name, lambda z: values[-1])(complex(points[-1]))
        file.case(f"{name}(z)", f"{name} of {ty}", [("z", ty, points)], [(ty, np.array(values).astype(KINDS[ty]), f"ulp {ulps} of the larger part: roundings of the real functions add up")], ["extend"])
    w = np.resize(made(ty, [0.5, 2, -1.5, 0, 3], [0, 1, -0.5, 1, 0]), len(points))
    values = [complex(mpmath.power(mpmath.mpc(complex(x)), mpmath.mpc(complex(y)))) for x, y in zip(points, w)]
    file.case("z ** w", f"powers of {ty}", [("z", ty, points), ("w", ty, w)], [(ty, np.array(values).astype(KINDS[ty]), "ulp 40 the exponent multiplies the error of the logarithm")], ["extend"])
    roots = [complex(mpmath.sqrt(mpmath.mpc(complex(x)))) for x in points]
    file.case("z ** 0.5", f"{ty} to a half is the root", [("z", ty, points)], [(ty, np.array(roots).astype(KINDS[ty]), "ulp 3 as for the function sqrt")])


def edges(file):
    z = np.array([made("c128", a, b)[()] for a in EDGES for b in EDGES])
    exact = {"exp": np.exp, "sqrt": np.sqrt, "log": np.log, "tanh": np.tanh, "acos": np.arccos, "atan": np.arctan, "acosh": np.arccosh, "atanh": np.arctanh}
    for name, function in exact.items():
        file.case(f"{name}(z)", f"{name} at the edges", [("z", "c128", z)], [("c128", function(z), "ulp 4 at finite points")])
    zero = made("c128", [0.0] * 5, [0.0] * 5)
    w = made("c128", [0, 2, 0.5, -1, 1], [0, 0, 0, 0, 1])
    file.case("z ** w", "powers of zero", [("z", "c128", zero), ("w", "c128", w)], [("c128", made("c128", [1, 0, 0, np.nan, np.nan], [0, 0, 0, np.nan, np.nan]))])


def arrays(file, ty):
    part = PARTS[ty]
    z = some(ty, 20, 7)
    table = some(ty, 12, 8).reshape(3, 4)
    wide = {"c64": np.complex128, "c128": np.clongdouble}[ty]
    tight = "ulp 8 the order of the additions"
    file.case("(sum(z), mean(z))", f"sums of {ty}", [("z", ty, z)], [(ty, KINDS[ty](z.astype(wide).sum()), tight), (ty, KINDS[ty](z.astype(wide).mean()), tight)])
    file.case("(sum(z, axis=0), mean(z, axis=1, keepdims=true))", f"sums of {ty} along axes", [("z", ty, table)],
              [(ty, table.astype(wide).sum(0).astype(KINDS[ty]), tight), (ty, table.astype(wide).mean(1, keepdims=True).astype(KINDS[ty]), tight)])
    file.case("prod(z)", f"product of {ty}", [("z", ty, z[:5])], [(ty, KINDS[ty](z[:5].astype(wide).prod()), "ulp 20 four products")])
    file.case("(prod(z), sum(z))", f"products and sums of no {ty}", [("z", ty, "[]")], [(ty, "1+0j"), (ty, "0+0j")])
    file.case("prod(z)", f"an infinite {ty} alone stays what it is", [("z", ty, "[inf-2j]")], [(ty, "inf-2j")])
    distance = z.astype(wide) - z.astype(wide).mean()
    variance = (distance.real**2 + distance.imag**2).mean()
    file.case("(var(z), std(z), var(z, ddof=1))", f"spread of {ty} is real", [("z", ty, z)],
              [(part, float(variance), tight), (part, float(np.sqrt(variance)), tight), (part, float(variance * 20 / 19), tight)])
    file.case("(norm(z), count_nonzero(z - z[0]))", f"norm of {ty}", [("z", ty, z)], [(part, float(np.sqrt((z.astype(wide).real**2 + z.astype(wide).imag**2).sum())), tight), ("i64", "19")])
    file.case("(sum(z, where=real(z) > 0), mean(z, where=real(z) > 0))", f"{ty} behind a mask", [("z", ty, z)],
              [(ty, KINDS[ty](z[z.real > 0].astype(wide).sum()), tight), (ty, KINDS[ty](z[z.real > 0].astype(wide).mean()), tight)])
    hole = z.copy()
    hole[3] = complex(np.nan, 1)
    file.case("nansum(z)", f"{ty} that are not NaN", [("z", ty, hole)], [(ty, KINDS[ty](np.nansum(hole.astype(wide))), tight)])
    ones = made(ty, [1, 2, 0, -1, 3], [1, 0, 1, -1, 2])
    running = np.cumprod(ones)
    file.case("(cumsum(z), cumprod(z))", f"running sums and products of {ty}", [("z", ty, ones)], [(ty, np.cumsum(ones)), (ty, made(ty, running.real + 0.0, running.imag + 0.0), "within 0 signs of zeros")])
    file.case("cumsum(z, axis=0)", f"running sums of {ty} along an axis", [("z", ty, np.resize(ones, (3, 2)))], [(ty, np.cumsum(np.resize(ones, (3, 2)), 0))])
    file.case("z[i]", f"gathered {ty}", [("z", ty, z), ("i", "i64", [3, -1, 0, 3])], [(ty, z[[3, -1, 0, 3]])], [])
    file.case("z[real(z) > imag(z)]", f"selected {ty}", [("z", ty, z)], [(ty, z[z.real > z.imag])])
    file.case("(concat([z, w]), flip(z), roll(z, 1), reshape(z, 2, 2))", f"{ty} arranged", [("z", ty, z[:4]), ("w", ty, z[4:6])],
              [(ty, z[:6]), (ty, z[:4][::-1]), (ty, np.roll(z[:4], 1)), (ty, z[:4].reshape(2, 2))])
    file.case(f"(zeros(2, dtype={ty}), ones(2, dtype={ty}), full(1j, 2, dtype={ty}), zeros_like(z), eye(2, dtype={ty}))", f"new {ty} arrays", [("z", ty, z[:1])],
              [(ty, "[0, 0]"), (ty, "[1, 1]"), (ty, "[1j, 1j]"), (ty, "[0]"), (ty, "[[1, 0], [0, 1]]")])
    a, b = made(ty, [[1, 2, 0], [-1, 3, 1]], [[0, 1, 2], [1, -1, 0]]), made(ty, [[2, 0], [1, -1], [0, 1]], [[1, 1], [0, 2], [-1, 0]])
    real = np.array([[1, 2], [0, -1], [3, 1]], a.real.dtype)
    file.case("(a @ b, a @ r, r @ a)", f"matrix products of {ty}", [("a", ty, a), ("b", ty, b), ("r", part, real)], [(ty, a @ b), (ty, a @ real), (ty, (real @ a).astype(KINDS[ty]))])
    file.case("(dot(u, v), a @ u, v @ b)", f"products of {ty} with vectors", [("a", ty, a), ("b", ty, b), ("u", ty, a[0]), ("v", ty, b[:, 0])], [(ty, a[0] @ b[:, 0]), (ty, a @ a[0]), (ty, b[:, 0] @ b)])
    file.case("outer(u, v)", f"outer product of {ty}", [("u", ty, a[0]), ("v", ty, b[0])], [(ty, np.outer(a[0], b[0]))])


def programs(file):
    file.section("stores")
    file.code("""
kernel stores(out: mut c128[:], z: c128[:], x: f64[:]) {
    out[0] = 2j
    out[1:4] = z[:3] * x[:3]
    out[4] += z[0]
    out[5:] -= 1
}
""")
    z = some("c128", 6, 11)
    x = np.array([1.5, -2, 0.5, 3, 4, 5])
    out = np.zeros(6, complex)
    out[0], out[1:4] = 2j, made("c128", z[:3].real * x[:3], z[:3].imag * x[:3])
    out[4] += z[0]
    out[5:] -= 1
    file.case(None, "elements and slices are stored", [("out", "mut c128", "fill(0, 6)"), ("z", "c128", z), ("x", "f64", x)], [], [])
    file.lines.pop()
    file.after("out", "c128", made("c128", out.real, [2, *out[1:].imag]))
    file.lines.append("")
    file.section("rounding store")
    file.code("kernel narrows(out: mut c64[:], z: c128[:]) {\n    out[:] = z\n}\n")
    file.case(None, "c128 into c64 rounds each part", [("out", "mut c64", "fill(0, 2)"), ("z", "c128", "[0.1+0.2j, 1e300j]")])
    file.lines.pop()
    file.after("out", "c64", made("c64", np.float32([0.1, 0]), np.float32([0.2, np.inf])))
    file.lines.append("")
    file.section("overlap")
    file.code("kernel shifts(z: mut c64[:]) {\n    z[1:] = z[:-1] * 1j\n}\n")
    file.case(None, "a store that reads what it writes", [("z", "mut c64", "[1, 2j, 3, 4+1j]")])
    file.lines.pop()
    file.after("z", "c64", made("c64", [1, 0, -2, 0], [0, 1, 0, 3]))
    file.lines.append("")
    file.section("scatter")
    file.code("kernel scatters(out: mut c64[:], i: i64[:], z: c64[:]) {\n    out[i] += z\n}\n")
    file.case(None, "duplicates are added in order", [("out", "mut c64", "[1, 1, 1]"), ("i", "i64", [0, 2, 0, -1]), ("z", "c64", "[1j, 2, 3, -1j]")])
    file.lines.pop()
    file.after("out", "c64", made("c64", [4, 1, 3], [1, 0, -1]))
    file.lines.append("")
    file.section("divergent loop")
    file.code("""
@vectorize
kernel escape(c: c128) -> i64 {
    var z = 0j
    var n = 0
    while n < 50 and abs(z) <= 2.0 {
        z = z*z + c
        n += 1
    }
    n
}
""")
    c = made("c128", *np.meshgrid(np.linspace(-2, 0.5, 7), np.linspace(-1.25, 1, 5)))

    def escape(c):
        z, n = 0j, 0
        while n < 50 and abs(z) <= 2:
            z = complex(z.real * z.real - z.imag * z.imag + c.real, 2 * (z.real * z.imag) + c.imag)
            n += 1
        return n

    file.case(None, "mandelbrot with complex numbers", [("c", "c128", c)], [("i64", np.array([[escape(complex(x)) for x in row] for row in c]))])
    file.section("loops")
    file.code("""
kernel horner(p: c128[:], z: c128) -> c128 {
    var value = 0j
    for i in range(len(p)) {
        if real(p[i]) > 100 {
            return z
        }
        value = value*z + p[i]
    }
    value
}
""")
    p = some("c128", 5, 12)
    value = 0j
    at = complex(0.5, -1.5)
    for coefficient in p:
        step = complex(value.real * at.real - value.imag * at.imag, value.real * at.imag + value.imag * at.real)
        value = complex(step.real + coefficient.real, step.imag + coefficient.imag)
    file.case(None, "a scalar that loops change", [("p", "c128", p), ("z", "c128", "0.5-1.5j")], [("c128", made("c128", value.real, value.imag)[()])])
    file.case(None, "an early return", [("p", "c128", "[1, 101+200j]"), ("z", "c128", "0.5-1.5j")], [("c128", "0.5-1.5j")])
    file.section("prange")
    file.code("""
kernel total(out: mut c128[:], z: c128[:]) -> c128 {
    var sum = 1j
    for i in prange(len(z)) {
        out[i] = conj(z[i]) * 2
        sum += z[i]
    }
    sum
}
""")
    whole = made("c128", np.arange(9.0), -np.arange(9.0))
    file.case(None, "stores and a sum on threads", [("out", "mut c128", "fill(0, 9)"), ("z", "c128", whole)], [("c128", "36-35j")])
    file.lines.pop()
    file.after("out", "c128", made("c128", np.arange(9.0) * 2, np.arange(9.0) * 2))
    file.lines.append("")
    file.section("stencil")
    file.code("""
@stencil(border=constant(1j))
fn neighbors(z) = z[@-1] + z[@1] * 1j

kernel around(z: c64[:]) = neighbors(z)
""")
    file.case(None, "neighbors with a complex border", [("z", "c64", "[1, 2+1j, 3]")], [("c64", made("c64", [-1, 1, 1], [3, 3, 1]))])
    file.section("tuples")
    file.code("""
fn both(z) = (z * 1j, abs(z))

kernel gives(z) {
    let (turned, length) = both(z)
    (turned, length, if length > 2.0 { turned } else { z })
}
""")
    file.case(None, "several results", [("z", "c128", "3-4j")], [("c128", "4+3j"), ("f64", "5"), ("c128", "4+3j")])
    file.section("reduction by a function")
    file.code("fn times(a, b) = a * b\n\nkernel folds(z: c128[:]) = (reduce(times, 1 + 0j, z), scan(times, z), times.accumulate(z))\n")
    z = made("c128", [1, 2, 0], [1, -1, 2])
    running = np.array([z[0], product(z[0], z[1]), product(product(z[0], z[1]), z[2])])
    file.case(None, "carried complex numbers", [("z", "c128", z)], [("c128", running[-1]), ("c128", running), ("c128", running)])
    file.section("fault")
    file.code("kernel picks(z: c64[:, :], i: i64) = z[1, i] * 2\n")
    file.case(None, "an index beyond the end", [("z", "c64", "fill(0, 2x3)"), ("i", "i64", 3)], [], ['fault "index 3"'])
