"""Integer overflow in checked code, from Python's integers, which have none."""

import math
import operator

import numpy as np

from table import INTS, SIGNED, File, high, low

OPS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "//": operator.floordiv}


def values(ty):
    """Numbers at the ends of a type, around its roots, and small ones."""
    root = int(high(ty) ** 0.5)
    found = {low(ty), low(ty) + 1, low(ty) // 2, -root - 1, -root, -3, -1, 0, 1, 2, root, root + 1, high(ty) // 2, high(ty) // 2 + 1, high(ty) - 1, high(ty)}
    return sorted(value for value in found if low(ty) <= value <= high(ty))


def fits(ty, value):
    return low(ty) <= value <= high(ty)


def make():
    with File("faults/overflow.hl", "@checked: integer overflow is a fault, with the op, the operands and the element.") as file:
        binary(file)
        unary(file)
        powers(file)
        reductions(file)
        programs(file)


def binary(file):
    names = {"+": "plus", "-": "minus", "*": "times", "//": "over"}
    for sign, op in OPS.items():
        file.section(names[sign])
        file.code(f"@checked\nkernel k(a, b) = a {sign} b")
        line = len(file.lines) - 1
        for ty in INTS:
            pairs = [(a, b) for a in values(ty) for b in values(ty) if sign != "//" or b != 0]
            good = [(a, b) for a, b in pairs if fits(ty, op(a, b))]
            bad = [(a, b) for a, b in pairs if not fits(ty, op(a, b))]
            a, b = (np.array([pair[i] for pair in good], dtype=object) for i in (0, 1))
            file.case(None, f"{ty} fits", [("a", ty, list(a)), ("b", ty, list(b))], [(ty, [op(x, y) for x, y in good])])
            for x, y in bad[:: max(1, len(bad) // 2)][:2]:
                message = f'fault "`{sign}` overflows {ty}, with the operands {x} and {y}" at {line}:18 point 20'
                inputs = [("a", ty, [1] * 20 + [x, x]), ("b", ty, [1] * 20 + [y, y])]
                file.case(None, f"{ty} {x} {names[sign]} {y}".replace("-", "minus_"), inputs, [], [message])


def unary(file):
    file.section("negation")
    file.code("@checked\nkernel k(a) = -a")
    for ty in INTS:
        good = [a for a in values(ty) if fits(ty, -a)]
        file.case(None, f"{ty} fits", [("a", ty, good)], [(ty, [-a for a in good])])
        bad = low(ty) if ty in SIGNED else 1
        file.case(None, f"{ty} does not", [("a", ty, good + [bad])], [], [f'fault "`-x` overflows {ty}, where x is {bad}" point {len(good)}'])
    file.section("magnitude")
    file.code("@checked\nkernel k(a) = abs(a)")
    for ty in SIGNED:
        good = [a for a in values(ty) if fits(ty, abs(a))]
        file.case(None, f"{ty} fits", [("a", ty, good)], [(ty, [abs(a) for a in good])])
        file.case(None, f"{ty} does not", [("a", ty, [low(ty)])], [], [f'fault "`abs(x)` overflows {ty}, where x is {low(ty)}"'])


def hops(at):
    count = 0
    while at < 1000000:
        at, count = at * 3 + 1, count + 1
    return count


def powers(file):
    file.section("powers")
    file.code("@checked\nkernel power(a, n) = a ** n\n@checked\nkernel cube(a) = a ** 3")
    line = len(file.lines) - 3
    for ty in ("i8", "i32", "i64", "u16", "u64"):
        pairs = [(a, n) for a in (-3, -2, -1, 0, 1, 2, 3, 10) for n in range(0, 65) if a >= low(ty)]
        good = [(a, n) for a, n in pairs if fits(ty, a**n)]
        inputs = [("a", ty, [a for a, _ in good]), ("n", ty, [n for _, n in good])]
        file.case(None, f"{ty} fits", inputs, [(ty, [a**n for a, n in good])], kernel="power")
        a, n = next((a, n) for a, n in pairs if not fits(ty, a**n))
        file.case(None, f"{ty} does not", [("a", ty, [1, a]), ("n", ty, [n, n])], [], [f'fault "`*` overflows {ty}" at {line}:22 point 1'], kernel="power")
    file.case(None, "a literal exponent", [("a", "i16", [31, -32])], [("i16", [31**3, (-32) ** 3])], kernel="cube")
    file.case(None, "a literal exponent that is too much", [("a", "i16", [31, 32])], [], ['fault "`*` overflows i16, with the operands 1024 and 32" point 1'], kernel="cube")


def reductions(file):
    """Sums are exact: a fault where the total does not fit, whatever their parts do. Of products each partial one counts."""
    file.section("reductions")
    file.code(
        """
@checked
kernel total(x) = sum(x)
@checked
kernel columns(x) = sum(x, axis=0)
@checked
kernel masked(x, keep) = sum(x, where=keep)
@checked
kernel product(x) = prod(x)
@checked
kernel running(x) = cumsum(x)
@checked
kernel before(x) = cumsum(x, exclusive=true)
@checked
kernel factors(x) = cumprod(x)
@checked
kernel inner(x, y) = x @ y
@checked
kernel weighted(i, w) = bincount(i, 3, weights=w)
@checked
kernel folded(x) = (reduce(sum, 0, x), scan(sum, x))
@checked
kernel spread(x) = ptp(x)
@checked
kernel scaled(x, k) = dot(x, k)
"""
    )
    for ty in ("i64", "u64"):
        least, most = low(ty), high(ty)
        fault = [f'fault "the sum does not fit {ty}"']
        cancels = [most, 1, -1] if ty == "i64" else [most, 0]
        file.case(None, f"{ty} at the end of its range", [("x", ty, cancels)], [(ty, sum(cancels))], kernel="total")
        file.case(None, f"{ty} beyond it", [("x", ty, [most, 1])], [], fault, kernel="total")
        file.case(None, f"{ty} far beyond it", [("x", ty, [most] * 5000)], [], fault, kernel="total")
        file.case(None, f"{ty} columns", [("x", ty, [[most, 1], [0, 2]])], [(ty, [most, 3])], kernel="columns")
        file.case(None, f"{ty} columns beyond", [("x", ty, [[1, most], [1, 2]])], [], [fault[0] + " point 1"], kernel="columns")
        file.case(None, f"{ty} masked", [("x", ty, [most, 3, 5]), ("keep", "bool", [True, False, False])], [(ty, most)], kernel="masked")
        file.case(None, f"{ty} running", [("x", ty, [most - 3, 1, 2])], [(ty, [most - 3, most - 2, most])], kernel="running")
        file.case(None, f"{ty} running beyond", [("x", ty, [1] * 1500 + [most, 1])], [], fault, kernel="running")
        file.case(None, f"{ty} before each", [("x", ty, [most, 1])], [(ty, [0, most])], kernel="before")
        root = math.isqrt(most)
        file.case(None, f"{ty} product", [("x", ty, [root, root])], [(ty, root * root)], kernel="product")
        file.case(None, f"{ty} product beyond", [("x", ty, [root + 1, root + 1])], [], [f'fault "`*` overflows {ty}, with the operands {root + 1} and {root + 1}"'], kernel="product")
        file.case(None, f"{ty} factors beyond", [("x", ty, [2] * 70)], [], [f'fault "`*` overflows {ty}"'], kernel="factors")
        file.case(None, f"{ty} vectors", [("x", ty, [root, most - root * root]), ("y", ty, [root, 1])], [(ty, most)], kernel="inner")
        file.case(None, f"{ty} vectors beyond", [("x", ty, [most, 1]), ("y", ty, [1, 1])], [], fault, kernel="inner")
        file.case(None, f"{ty} matrices", [("x", ty, [[most, 1], [1, 2]]), ("y", ty, [[1, 0], [0, 1]])], [(ty, [[most, 1], [1, 2]])], kernel="inner")
        file.case(None, f"{ty} matrices beyond", [("x", ty, [[1, 2], [most, 1]]), ("y", ty, [[1, 0], [1, 1]])], [], fault, kernel="inner")
        file.case(None, f"{ty} a factor too large", [("x", ty, [2**32]), ("y", ty, [2**32])], [], [f'fault "`*` overflows {ty}, with the operands 4294967296 and 4294967296"'], kernel="inner")
        file.case(None, f"{ty} weights", [("i", "i64", [0, 2, 0]), ("w", ty, [most, 1, 1])], [], [f'fault "`+` overflows {ty}, with the operands {most} and 1"'], kernel="weighted")
        file.case(None, f"{ty} spread", [("x", ty, [most, 0])], [(ty, most)], kernel="spread")
        file.case(None, f"{ty} times a number", [("x", ty, [1, most]), ("k", ty, 2)], [], [f'fault "`*` overflows {ty}, with the operands {most} and 2" point 1'], kernel="scaled")
    file.case(None, "a spread too wide", [("x", "i64", [high("i64"), -1])], [], ['fault "`-` overflows i64"'], kernel="spread")
    file.case(None, "the least sum", [("x", "i64", [low("i64") + 1, -1])], [("i64", low("i64"))], kernel="total")
    file.case(None, "below the least sum", [("x", "i64", [low("i64"), -1])], [], ['fault "the sum does not fit i64"'], kernel="total")
    file.case(None, "folded", [("x", "i64", [1, 2, 3])], [("i64", 6), ("i64", [1, 3, 6])], kernel="folded")
    file.case(None, "folded beyond", [("x", "i64", [high("i64"), 2])], [], ['fault "`+` overflows i64"'], kernel="folded")
    file.case(None, "small types have room", [("x", "i32", [high("i32")] * 3)], [("i64", 3 * high("i32"))], kernel="total")
    file.case(None, "sums of nothing", [("x", "i64", [])], [("i64", 0)], kernel="total")
    file.case(None, "products of nothing", [("x", "i64", [])], [("i64", 1)], kernel="product")


def programs(file):
    file.section("programs")
    file.code(
        """
@checked
kernel factorial(n: i64) {
    var product = 1
    for i in range(1, n + 1) { product *= i }
    product
}

@checked
@vectorize
fn twice(x) = x + x

# What is not marked wraps, also where a checked function calls it.
@vectorize
fn mixed(x: i32) = x * 0x10001i32

@checked
kernel calls(x: i32[:]) = twice(x) + mixed(x)

@checked
kernel chosen(a: i32[:]) = where(a < 46341, a * a, -1)

@checked
kernel scattered(a: mut i8[:], at: i64[:]) { a[at] += 100 }

@checked
kernel rows(a: i32[:, :], out: mut i32[:]) {
    for i in prange(len(a)) {
        var s = 0i32
        for j in range(shape(a, 1)) { s += a[i, j] }
        out[i] = s
    }
}

@checked
kernel neighbors(a: i32[:], out: mut i32[:]) {
    for i in prange(1, len(a) - 1) { out[i] = a[i + 1] - a[i - 1] }
}

@checked
kernel counts(bin: i64[:], count: mut u8[:]) {
    for i in prange(len(bin)) { count[bin[i]] += 85 }
}

@checked
@vectorize
fn hops(x: i32) {
    var at = x; var n = 0
    while at < 1000000 { at = at * 3 + 1; n += 1 }
    n
}
kernel mapped(x: i32[:]) = hops(x)
"""
    )
    file.case(None, "factorial", [("n", "i64", "20")], [("i64", 2432902008176640000)], kernel="factorial")
    file.case(None, "a factorial too far", [("n", "i64", "21")], [], ['fault "`*` overflows i64, with the operands 2432902008176640000 and 21"'], kernel="factorial")
    x = [1, -5, 65536, 1 << 29]
    wrapped = [((v * 0x10001 + 2**31) % 2**32 - 2**31) + 2 * v for v in x]
    assert all(fits("i32", v) and fits("i32", 2 * w) for v, w in zip(wrapped, x))
    file.case(None, "calls wrap or not by what the function says", [("x", "i32", x)], [("i32", wrapped)], kernel="calls")
    file.case(None, "a call that does not", [("x", "i32", [0, 1 << 30])], [], ['fault "`+` overflows i32, with the operands 1073741824 and 1073741824" point 1'], kernel="calls")
    file.case(None, "only what is chosen", [("a", "i32", [46340, 46341, 2147483647])], [("i32", [46340**2, -1, -1])], kernel="chosen")
    file.case(None, "scattered", [("a", "mut i8", [0, 27, -100]), ("at", "i64", [0, 2, 1])], [], kernel="scattered")
    file.lines.pop()
    file.after("a", "i8", [100, 127, 0])
    file.lines.append("")
    file.case(None, "scattered twice", [("a", "mut i8", [0, 27]), ("at", "i64", [1, 0, 1])], [], ['fault "`+` overflows i8, with the operands 127 and 100"'], kernel="scattered")
    a = [[1, 2], [2147483647, -1], [2147483646, 1]]
    file.case(None, "rows", [("a", "i32", a), ("out", "mut i32", [0, 0, 0])], [], kernel="rows")
    file.lines.pop()
    file.after("out", "i32", [3, 2147483646, 2147483647])
    file.lines.append("")
    a = [[0, 0]] * 70 + [[2147483647, 1]] + [[-2147483648, -1]] * 200
    file.case(None, "the first row that overflows", [("a", "i32", a), ("out", "mut i32", [0] * len(a))], [], ['fault "`+` overflows i32, with the operands 2147483647 and 1" point 70'], kernel="rows")
    file.case(None, "neighbors", [("a", "i32", [5, 1, -2147483648, -1, -2]), ("out", "mut i32", [9] * 5)], [], ['fault "`-` overflows i32, with the operands -2147483648 and 5" point 0'], kernel="neighbors")
    file.case(None, "counts", [("bin", "i64", [0, 1, 0, 0]), ("count", "mut u8", [0, 1])], [], kernel="counts")
    file.lines.pop()
    file.after("count", "u8", [255, 86])
    file.lines.append("")
    file.case(None, "counts that are too many", [("bin", "i64", [0, 1, 1, 1]), ("count", "mut u8", [0, 1])], [], ['fault "`+` overflows u8, with the operands 171 and 85"'], kernel="counts")
    file.case(None, "mapped", [("x", "i32", [1, 1000000, 5])], [("i64", [hops(1), 0, hops(5)])], kernel="mapped")
    at = -7
    while fits("i32", at * 3):
        at = at * 3 + 1
    file.case(None, "mapped down to the least", [("x", "i32", [1] * 9 + [-7])], [], [f'fault "`*` overflows i32, with the operands {at} and 3" point 9'], kernel="mapped")
