"""Scans and reductions by functions: NumPy's cumulative functions, and the rule of the blocks written out in Python."""

import math

import numpy as np

from table import File

BLOCK = 1008
NAN = math.nan


def blocked_scan(f, values):
    """Inside a block from its first element on, then with what all earlier blocks give."""
    result, before = [], None
    for start in range(0, len(values), BLOCK):
        inside = None
        for value in values[start : start + BLOCK]:
            inside = value if inside is None else f(inside, value)
            result.append(inside if before is None else f(before, inside))
        before = inside if before is None else f(before, inside)
    return result


def make():
    cumulative()
    functions()
    methods()


def cumulative():
    grid = np.array([[3, 1, 4, 1], [5, 9, 2, 6], [5, 3, 5, 8]], dtype=np.float64)
    cube = np.arange(24).reshape(2, 3, 4) % 7
    nans = np.array([1.0, 5, NAN, 2])
    with File("reduce/cumulative.hl", "Cumulative sums, products and extremes along each axis, whole and in blocks.") as file:
        numpy = {"cumsum": np.cumsum, "cumprod": np.cumprod, "cummin": np.minimum.accumulate, "cummax": np.maximum.accumulate}
        for name, function in numpy.items():
            file.case(f"{name}(a)", f"{name} of a line", [("a", "f64", grid[0])], [("f64", function(grid[0], axis=0))], ["extend"])
            for axis in (0, 1, -1):
                file.case(f"{name}(a, axis={axis})", f"{name} axis {axis}", [("a", "f64", grid)], [("f64", function(grid, axis=axis))])
            for axis in (0, 1, 2):
                out = function(cube, axis=axis)
                file.case(f"{name}(a, axis={axis})", f"{name} of a cube axis {axis}", [("a", "i64", cube)], [("i64", out)])
            file.case(f"{name}(a)", f"{name} with a NaN", [("a", "f32", nans)], [("f32", function(nans, axis=0))])
            file.case(f"{name}(a)", f"{name} of nothing", [("a", "f64", [])], [("f64", [])])
            file.case(f"{name}(a, axis=0)", f"{name} of no rows", [("a", "f64", "fill(0, 0x3)")], [("f64", "fill(0, 0x3)")])
            file.case(f"{name}(a, axis=1)", f"{name} of no columns", [("a", "f64", "fill(0, 3x0)")], [("f64", "fill(0, 3x0)")])
            file.case(f"{name}(a[::-2, 1:], axis=0)", f"{name} of a view", [("a", "f64", grid)], [("f64", function(grid[::-2, 1:], axis=0))])
            file.case(f"{name}(a * a - 1, axis=1)", f"{name} of an expression", [("a", "f64", grid)], [("f64", function(grid * grid - 1, axis=1))])
            for shape, axis in (("10007", 0), ("2531x3", 0), ("3x2531", 1), ("1009x17", 0), ("5x1008", 1), ("2x1011x3", 1)):
                file.case(f"{name}(a, axis={axis})", f"{name} along {shape}", [("a", "f64", f"random(3, {shape}, 0.9, 1.1)")], [])
            file.case(f"{name}(a, axis=0)", f"{name} of f32 in blocks", [("a", "f32", "random(3, 2020x5, 0.9, 1.1)")], [])
        for ty, wide in (("i8", "i64"), ("u16", "u64"), ("bool", "i64")):
            values = [True, False, True, True] if ty == "bool" else [100, 27, 100, 3]
            file.case("cumsum(a)", f"sums of {ty}", [("a", ty, values)], [(wide, np.cumsum(values))])
        file.case("cumprod(a)", "products of i32", [("a", "i32", [100000, 100000, 3])], [("i64", [10**5, 10**10, 3 * 10**10])])
        file.case("cummax(a)", "extremes keep their type", [("a", "i8", [3, -1, 7])], [("i8", [3, 3, 7])])
        file.case("cumsum(a, exclusive=true)", "sums before", [("a", "f64", [3, 1, 4])], [("f64", [0, 3, 4])], ["extend"])
        file.case("cumprod(a, exclusive=true)", "products before", [("a", "i64", [3, 1, 4])], [("i64", [1, 3, 3])])
        file.case("cummax(a, exclusive=true)", "extremes before", [("a", "f64", [3, 1, 4])], [("f64", [-math.inf, 3, 3])])
        file.case("cumsum(a, axis=0, exclusive=true)", "sums before along an axis", [("a", "f64", grid)], [("f64", np.cumsum(grid, axis=0) - grid)])
        file.case("cumsum(a)", "many whole numbers", [("a", "i64", "ramp(3000)")], [("i64", [i * (i + 1) // 2 for i in range(3000)])])
        tenths = [np.float64(0.1)] * 2500
        file.case("cumsum(a)", "the order of the sums", [("a", "f64", "fill(0.1, 2500)")], [("f64", blocked_scan(lambda a, b: a + b, tenths))])
        file.case("cumsum(cumsum(a))", "a scan of a scan", [("a", "i64", [1, 2, 3])], [("i64", [1, 4, 10])])
        file.case("sum(cumsum(a, axis=1), axis=0) + a[0]", "inside an expression", [("a", "f64", grid)], [("f64", np.cumsum(grid, axis=1).sum(axis=0) + grid[0])])
        file.case("cumsum(10 // a)", "a fault names the element", [("a", "i64", [1, 2, 0, 0])], [], ['fault "division of 10 by zero" point 2'])
        file.section("no axis")
        file.code('#! error E0131 26-34 "`cumsum` goes along one axis, and the array has 2" hint "axis=-1"\nkernel k(a: f64[:, :]) = cumsum(a)\n#> in a: f64 = [[1]]')
        file.section("two axes")
        file.code('#! error E0131 26-47 "`cumsum` goes along one axis"\nkernel k(a: f64[:, :]) = cumsum(a, axis=(0, 1))\n#> in a: f64 = [[1]]')
        file.section("of bools")
        file.code('#! error E0111 24-32 "`cummax` needs numbers"\nkernel k(a: bool[:]) = cummax(a)\n#> in a: bool = [true]')
        file.section("of a scalar")
        file.code('#! error E0111 27-27 "`cumsum` needs an array"\nkernel k(a: f64) = cumsum(a)\n#> in a: f64 = 1')


def functions():
    with File("reduce/by_function.hl", "Reductions and scans by functions of the user's, of one value and of several.") as file:
        file.code("""
fn add(a, b) = a + b
fn later(a, b) = b
fn farther(a, b) = if abs(b) > abs(a) then b else a
fn product(ar, ai, br, bi) = (ar * br - ai * bi, ar * bi + ai * br)
fn step(a1, b1, a2, b2) = (a1 * a2, a2 * b1 + b2)
fn best(v1, i1, v2, i2) {
    if v2 > v1 { return (v2, i2) }
    (v1, i1)
}
fn merge(n1, m1, s1, n2, m2, s2) {
    let n = n1 + n2
    if n == 0 { return (n, m1, s1) }
    let d = m2 - m1
    (n, m1 + d * n2 / n, s1 + s2 + d * d * n1 * n2 / n)
}
@vectorize
fn one(x) = (1.0, x, 0.0)
fn gcd(a: i64, b: i64) {
    var x = abs(a); var y = abs(b)
    while y != 0 { let r = x % y; x = y; y = r }
    x
}
fn quotient(a, b) = a // b

kernel total(x) = reduce(add, 0, x)
kernel down(x: f64[:, :]) = reduce(add, 0, x, axis=0)
kernel across(x: f64[:, :]) = reduce(add, 0, x, axis=1, keepdims=true)
kernel both(x: f64[:, :, :]) = (reduce(add, 0, x, axis=(0, 2)), reduce(later, 0, x, axis=(1, 2)), reduce(later, -1, x))
kernel far(x) = (reduce(farther, 0, x), scan(farther, x))
kernel complex(re: f64[:], im: f64[:]) {
    let (r, i) = reduce(product, (1, 0), (re, im))
    (r, i)
}
kernel smoothed(x: f64[:]) {
    let (a, b) = scan(step, (full(0.5, len(x)), 0.5 * x))
    b
}
kernel largest(x: f64[:]) {
    let (value, at) = reduce(best, (-inf, -1), (x, arange(len(x))))
    (value, at)
}
kernel variance(x: f64[:]) {
    let (n, mean, s) = reduce(merge, (0, 0, 0), one(x))
    (n, mean, s)
}
kernel variances(x: f64[:, :]) {
    let (n, mean, s) = reduce(merge, (0, 0, 0), one(x), axis=0)
    s / n
}
kernel divisors(x: i64[:]) = (reduce(gcd, 0, x), scan(gcd, x))
kernel before(x: f64[:]) = (scan(add, x, exclusive=true, identity=0), scan(add, x, identity=100))
kernel quotients(x: i64[:]) = scan(quotient, x)
kernel grid(x: f64[:, :]) = (scan(add, x, axis=0), scan(add, x, axis=1), reduce(hypot, 0, x), reduce(max, -inf, x, axis=0))
""")
        def case(kernel, name, inputs, outs, notes=()):
            file.case(None, name, inputs, outs, notes, kernel)

        case("total", "whole numbers keep their type", [("x", "i32", [1, 2, 3])], [("i32", 6)], ["extend"])
        case("total", "floats", [("x", "f32", [1, 2, 3.5])], [("f32", 6.5)])
        case("total", "nothing", [("x", "f64", [])], [("f64", 0)])
        case("total", "three axes", [("x", "i64", np.arange(24).reshape(2, 3, 4))], [("i64", 276)])
        case("total", "many", [("x", "f64", "random(3, 10007, 0, 1)")], [])
        tenths = [np.float64(0.1)] * BLOCK
        block = blocked_scan(lambda a, b: a + b, tenths)[-1]
        rest = blocked_scan(lambda a, b: a + b, tenths[:100])[-1]
        case("total", "the order of the sum", [("x", "f64", f"fill(0.1, {2 * BLOCK + 100})")], [("f64", 0.0 + block + block + rest)])
        grid = np.array([[3.0, 1, 4], [1, 5, 9]])
        case("down", "down", [("x", "f64", grid)], [("f64", grid.sum(axis=0))])
        case("down", "down no rows", [("x", "f64", "fill(0, 0x2)")], [("f64", [0, 0])])
        case("down", "down no columns", [("x", "f64", "fill(0, 2x0)")], [("f64", [])])
        case("down", "down many", [("x", "f64", "random(4, 3031x5, 0, 1)")], [])
        case("down", "down many narrow", [("x", "f64", "random(4, 1008x1, 0, 1)")], [])
        case("across", "across", [("x", "f64", grid)], [("f64", grid.sum(axis=1, keepdims=True))])
        case("across", "across many", [("x", "f64", "random(4, 3x5031, 0, 1)")], [])
        case("across", "across a view", [("x", "f64", "ramp(12) view 11 3x2 -4x-2")], [("f64", [[20], [12], [4]])])
        cube = np.arange(24.0).reshape(2, 3, 4)
        case("both", "several axes", [("x", "f64", cube)], [("f64", cube.sum(axis=(0, 2))), ("f64", [11, 23]), ("f64", 23)])
        case("far", "not in order of size", [("x", "f64", [1, -3, 2, 3])], [("f64", -3), ("f64", [1, -3, -3, -3])], ["extend"])
        case("far", "of f32", [("x", "f32", [1, -3, 2, 4])], [("f32", 4), ("f32", [1, -3, -3, 4])])
        case("complex", "complex product", [("re", "f64", [1, 0, 2]), ("im", "f64", [1, 1, 0])], [("f64", -2), ("f64", 2)])
        case("complex", "complex product of nothing", [("re", "f64", []), ("im", "f64", [])], [("f64", 1), ("f64", 0)])
        case("complex", "complex product of many", [("re", "f64", "random(1, 5000, -1, 1)"), ("im", "f64", "random(2, 5000, -1, 1)")], [])
        case("complex", "lengths that differ", [("re", "f64", [1, 2]), ("im", "f64", [1, 2, 3])], [], ['fault "axis 0 of `re` has 2 elements, but 3 were expected"'])
        case("smoothed", "exponential smoothing", [("x", "f64", [8, 4, 2, 6])], [("f64", [4, 4, 3, 4.5])])
        case("smoothed", "exponential smoothing of many", [("x", "f64", "random(2, 3500, -1, 1)")], [])
        case("largest", "value and place", [("x", "f64", [3, 9, 9, 1])], [("f64", 9), ("i64", 1)])
        case("largest", "value and place of nothing", [("x", "f64", [])], [("f64", -math.inf), ("i64", -1)])
        case("variance", "one pass", [("x", "f64", [2, 4, 4, 4, 5, 5, 7, 9])], [("f64", 8), ("f64", 5, "within 1e-15 quotients are rounded"), ("f64", 32, "within 1e-13 quotients are rounded")])
        case("variance", "one pass over many", [("x", "f64", "random(9, 4100, -1, 1)")], [])
        case("variances", "one pass down", [("x", "f64", [[1, 5], [3, 9]])], [("f64", [1, 4])])
        case("divisors", "loops inside", [("x", "i64", [12, 18, 27])], [("i64", 3), ("i64", [12, 6, 3])])
        case("before", "with an identity", [("x", "f64", [1, 2, 3])], [("f64", [0, 1, 3]), ("f64", [101, 103, 106])])
        case("before", "with an identity, many", [("x", "f64", "random(9, 4100, -1, 1)")], [])
        case("quotients", "a fault in the function", [("x", "i64", [100, 5, 0, 1])], [], ['fault "division of 20 by zero"'])
        case("grid", "two axes", [("x", "f64", grid)], [("f64", grid.cumsum(axis=0)), ("f64", grid.cumsum(axis=1)), ("f64", math.sqrt(133), "ulp 2 several roundings"), ("f64", [3, 5, 9])])
        errors(file)


def errors(file):
    def wrong(name, text, *inputs):
        file.section(name)
        file.code(text + "".join(f"\n#> in {line}" for line in inputs))

    wrong("not a function", '#! error E0110 30-34 "the first argument must be the name of a function" hint "fn f(a, b)"\nkernel k(a: f64[:]) = reduce(a + 1, 0, a)', "a: f64 = [1]")
    wrong("unknown function", '#! error E0101 30-31 "there is no function `ad`" hint "did you mean `add`"\nkernel k(a: f64[:]) = reduce(ad, 0, a)\nfn add(a, b) = a + b', "a: f64 = [1]")
    wrong("of one value", '#! error E0110 23-37 "`f` takes 1 arguments, 2 given" hint "to combine 1 value"\nkernel k(a: f64[:]) = reduce(f, 0, a)\nfn f(a) = a', "a: f64 = [1]")
    wrong("too many results", '#! error E0121 23-37 "`f` gives 2 values, it must give 1"\nkernel k(a: f64[:]) = reduce(f, 0, a)\nfn f(a, b) = (a, b)', "a: f64 = [1]")
    wrong("of arrays", '#! error E0121 23-37 "works on arrays"\nkernel k(a: f64[:]) = reduce(f, 0, a)\nfn f(a, b) = sum(full(a, 3)) + b', "a: f64 = [1]")
    wrong("identity of the wrong length", '#! error E0121 23-42 "2 identities for 1 values"\nkernel k(a: f64[:]) = reduce(f, (0, 0), a)\nfn f(a, b) = a + b', "a: f64 = [1]")
    wrong("identity of an array", '#! error E0121 33 "an identity is one value"\nkernel k(a: f64[:]) = reduce(f, a, a)\nfn f(a, b) = a + b', "a: f64 = [1]")
    wrong("no identity", '#! error E0110 23-48 "what comes before the first element must be given" hint "identity="\nkernel k(a: f64[:]) = scan(f, a, exclusive=true)\nfn f(a, b) = a + b', "a: f64 = [1]")
    wrong("a scalar", '#! error E0111 33 "`reduce` needs an array"\nkernel k(a: f64) = reduce(f, 0, a)\nfn f(a, b) = a + b', "a: f64 = 1")
    wrong("annotated", '#! error E0121 23-37 "parameter `a` is `i32`, the value is `f64`"\nkernel k(a: f64[:]) = reduce(f, 0, a)\nfn f(a: i32, b: i32) = a + b', "a: f64 = [1]")
    wrong("a kernel", '#! error E0101 23-37 "`f` is a kernel"\nkernel k(a: f64[:]) = reduce(f, 0, a)\nkernel f(a, b) = a + b\n#> kernel k', "a: f64 = [1]")
    wrong("a built-in that is not of two values", '#! error E0110 30-33 "`sqrt` is not a function of two values"\nkernel k(a: f64[:]) = reduce(sqrt, 0, a)', "a: f64 = [1]")
    wrong("pairs by a function of one", '#! error E0121 36-64 "combines single values, and 2 are carried"\nkernel k(a: f64[:]) { let (x, y) = reduce(hypot, (0, 0), (a, a)); x }', "a: f64 = [1]")
    wrong("unknown keyword", '#! error E0110 39-45 "`reduce` has no keyword argument `initial`" hint "axis, keepdims"\nkernel k(a: f64[:]) = reduce(f, 0, a, initial=1)\nfn f(a, b) = a + b', "a: f64 = [1]")


def methods():
    with File("reduce/methods.hl", "What functions of two values have as methods: reduce, accumulate and outer, in order of the elements.") as file:
        file.code("""
@vectorize
fn decay(a, b) = 0.5 * a + b
@vectorize
fn minus(a: i64, b: i64) = a - b
@vectorize
fn quotient(a, b) = a // b

kernel last(x: f64[:]) = decay.reduce(x)
kernel each(x: f64[:]) = decay.accumulate(x)
kernel down(x: f64[:, :]) = (decay.reduce(x, axis=0), decay.reduce(x, axis=-1, keepdims=true), decay.accumulate(x, axis=0), decay.accumulate(x, axis=1))
kernel all_of(x: i64[:, :]) = minus.reduce(x)
kernel table(a: i64[:], b: i64[:, :]) = minus.outer(a, b)
kernel scalar(a: i64[:], b: i64) = (minus.outer(a, b), minus.outer(b, a))
kernel quotients(x: i64[:]) = quotient.accumulate(x)
kernel known(x: f64[:]) = (max.accumulate(x), hypot.reduce(x), fmin.reduce(x), max.outer(x, x))
""")
        def case(kernel, name, inputs, outs, notes=()):
            file.case(None, name, inputs, outs, notes, kernel)

        def decay(values):
            result = [values[0]]
            for value in values[1:]:
                result.append(0.5 * result[-1] + value)
            return np.array(result)

        line = np.array([8.0, 4, 2, 6])
        grid = np.array([[8.0, 4, 2], [1, 3, 5]])
        case("last", "strictly in order", [("x", "f64", line)], [("f64", decay(line)[-1])], ["extend"])
        long = np.arange(2500.0) % 7
        case("last", "strictly in order at any length", [("x", "f64", long)], [("f64", decay(long)[-1])])
        case("last", "one element", [("x", "f64", [3])], [("f64", 3)])
        case("last", "nothing", [("x", "f64", [])], [], ['fault "no elements"'])
        case("each", "each", [("x", "f64", line)], [("f64", decay(line))], ["extend"])
        case("each", "each of many", [("x", "f64", long)], [("f64", decay(long))])
        case("each", "each of nothing", [("x", "f64", [])], [("f64", [])])
        rows = np.array([decay(row) for row in grid])
        columns = np.array([decay(column) for column in grid.T]).T
        case("down", "axes", [("x", "f64", grid)], [("f64", columns[-1]), ("f64", rows[:, -1:]), ("f64", columns), ("f64", rows)])
        case("down", "no rows", [("x", "f64", "fill(0, 0x2)")], [], ['fault "no elements"'])
        case("down", "many", [("x", "f64", "random(3, 70x33, 0, 1)")], [])
        case("all_of", "all axes, the last first", [("x", "i64", [[10, 1], [5, 2]])], [("i64", 6)])
        case("table", "outer", [("a", "i64", [10, 20]), ("b", "i64", [[1, 2, 3]])], [("i64", np.subtract.outer([10, 20], [[1, 2, 3]]))])
        case("table", "outer with nothing", [("a", "i64", [10, 20]), ("b", "i64", "fill(0, 0x2)")], [("i64", "fill(0, 2x0x2)")])
        case("scalar", "outer with a scalar", [("a", "i64", [10, 20]), ("b", "i64", 1)], [("i64", [9, 19]), ("i64", [-9, -19])])
        case("quotients", "a fault in order", [("x", "i64", [100, 5, 0, 1])], [], ['fault "division of 20 by zero"'])
        case("known", "functions that are always there", [("x", "f64", [3, 4])], [("f64", [3, 4]), ("f64", 5), ("f64", 3), ("f64", [[3, 4], [4, 4]])])
        file.section("unknown method")
        file.code('#! error E0101 27-31 "functions have no method `reduc`" hint "did you mean `reduce`"\nkernel k(a: f64[:]) = add.reduc(a)\nfn add(a, b) = a + b\n#> in a: f64 = [1]')
        file.section("no such method")
        file.code('#! error E0101 27-34 "functions have no method `reduceat`" hint "did you mean `reduce`"\nkernel k(a: f64[:]) = add.reduceat(a)\nfn add(a, b) = a + b\n#> in a: f64 = [1]')
        file.section("two arrays")
        file.code('#! error E0110 23-38 "`reduce` takes 1 array, 2 given"\nkernel k(a: f64[:]) = add.reduce(a, a)\nfn add(a, b) = a + b\n#> in a: f64 = [1]')
        file.section("one for outer")
        file.code('#! error E0110 23-34 "`add.outer` takes 2 arguments, 1 given"\nkernel k(a: f64[:]) = add.outer(a)\nfn add(a, b) = a + b\n#> in a: f64 = [1]')
