"""Histograms, counts by index and updates by index: NumPy's functions on the same data."""

import math

import numpy as np

from table import File

NAN = math.nan


def make():
    histograms()
    updates()
    tables()


def histograms():
    rng = np.random.default_rng(5)
    with File("reduce/histogram.hl", "Histograms with NumPy's edges, and counts by index.") as file:
        def case(values, bins, low, high, name, ty="f64", notes=()):
            counts = np.histogram(np.array(values, dtype=np.float64), bins, (low, high))[0]
            file.case("histogram(x, n, low, high)", name, [("x", ty, values), ("n", "i64", bins), ("low", "f64", low), ("high", "f64", high)], [("i64", counts)], notes)

        case([0.1, 0.25, 0.3, 0.5, 1.0, -0.1, 1.5], 4, 0, 1, "inside and outside", notes=["extend"])
        case([0, 1, 2, 3, 3], 3, 0, 3, "the last bin is closed")
        case([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0], 10, 0, 1, "edges that are not exact")
        case(np.linspace(-3.3, 7.7, 78), 77, -3.3, 7.7, "every edge")
        case(np.nextafter(np.linspace(-3.3, 7.7, 78), -10), 77, -3.3, 7.7, "just below every edge")
        case([5, 5, 5.25, 6], 4, 5, 5, "bounds that are equal")
        case([1, 2, 3], 2, 1, 3, "whole numbers", ty="i32")
        case([1.5, 2.5, 2.75], 2, 1, 3, "f32", ty="f32")
        case(rng.normal(size=300), 17, -2, 2, "normal numbers")
        case([], 3, 0, 1, "nothing")
        case([[1, 2], [3, 4]], 2, 1, 4, "two axes")
        file.case("histogram(x, 3, 0, 3)", "NaN and infinities", [("x", "f64", [NAN, math.inf, -math.inf, 1])], [("i64", [0, 1, 0])])
        file.case("histogram(x, 0, 0, 3)", "no bins", [("x", "f64", [1, 2])], [("i64", [])])
        file.case("histogram(x, 2, 3, 0)", "bounds the wrong way round", [("x", "f64", [1, 2])], [("i64", [0, 0])])
        file.case("histogram(x, n, 0, 3)", "a negative number of bins", [("x", "f64", [1, 2]), ("n", "i64", -1)], [], ['fault "cannot have -1 elements"'])
        file.case("histogram(x, 2, 0, 2, weights=w)", "weights", [("x", "f64", [0.5, 1.5, 0.25, 9]), ("w", "f64", [1, 2, 4, 8])], [("f64", [5, 2])])
        file.case("histogram(x, 2, 0, 2, weights=w)", "whole weights", [("x", "f64", [0.5, 1.5, 0.25]), ("w", "u8", [200, 2, 100])], [("u64", [300, 2])])
        file.case("histogram(x[::-2] * 2, 4, -2, 2)", "of a view", [("x", "f64", "random(1, 5000, -1, 1)")], [])
        many = np.arange(9000.0) * 37 % 1001
        text = "histogram(x * 37 % 1001, 13, 100.5, 900.3{})"
        counts = np.histogram(many, 13, (100.5, 900.3))[0]
        sums = np.histogram(many, 13, (100.5, 900.3), weights=np.arange(9000.0))[0]
        file.case(text.format(""), "several chunks", [("x", "f64", "ramp(9000)")], [("i64", counts)])
        file.case(text.format(", weights=x"), "several chunks of weights", [("x", "f64", "ramp(9000)")], [("f64", sums)])
        file.case("histogram(x + y, 13, 0.1, 1.9)", "chunks of an expression", [("x", "f32", "random(2, 8192, 0, 1)"), ("y", "f64", "random(3, 8192, 0, 1)")], [])
        file.case("cumsum(histogram(x, 4, 0, 4))", "summed up", [("x", "f64", [0.5, 3.5, 1.5, 1.25])], [("i64", [1, 3, 3, 4])])
        for ty in ("i64", "u8", "i16"):
            file.case("bincount(i, 5)", f"counts of {ty}", [("i", ty, [1, 3, 1, 0, 4])], [("i64", [1, 2, 0, 1, 1])], ["extend"])
        file.case("bincount(i, 3, weights=w)", "weights by index", [("i", "i64", [2, 0, 2]), ("w", "f64", [0.5, 1, 0.25])], [("f64", [1, 0, 0.75])])
        tenths = np.bincount([0] * 3000, weights=[0.1] * 3000)
        file.case("bincount(i, 1, weights=w)", "in order of the elements", [("i", "i64", "fill(0, 3000)"), ("w", "f64", "fill(0.1, 3000)")], [("f64", tenths)])
        file.case("bincount(i, 3)", "too large an index", [("i", "i64", [0, 2, 3, 4])], [], ['fault "index 3 is out of range" point 2'])
        file.case("bincount(i, 3)", "a negative index", [("i", "i64", [0, -1])], [], ['fault "index -1 is out of range" point 1'])
        file.case("bincount(i, 2)", "no indices", [("i", "i32", [])], [("i64", [0, 0])])
        file.section("indices of floats")
        file.code('#! error E0121 32 "indices must be whole numbers" hint "i64"\nkernel k(a: f64[:]) = bincount(a, 3)\n#> in a: f64 = [1]')
        file.section("bounds that are arrays")
        file.code('#! error E0111 39 "`histogram` needs one number for each bound"\nkernel k(a: f64[:]) = histogram(a, 3, a, 1)\n#> in a: f64 = [1]')
        file.section("a keyword too many")
        file.code('#! error E0110 45-49 "`histogram` has no keyword argument `range`" hint "weights"\nkernel k(a: f64[:]) = histogram(a, 3, 0, 1, range=1)\n#> in a: f64 = [1]')
        file.section("no bounds")
        file.code('#! error E0110 23-37 "`histogram` takes 4 arguments: an array, the number of bins and two bounds, 2 given"\nkernel k(a: f64[:]) = histogram(a, 3)\n#> in a: f64 = [1]')


def updates():
    with File("reduce/by_index.hl", "Values combined by index, as if one after another.") as file:
        file.code("""
@vectorize
fn latest(old, new) = new
@vectorize
fn decay(old, new) = 0.5 * old + new
@vectorize
fn narrow(old: i32, new: i32) = old - new
@vectorize
fn quotient(old, new) = old // new

kernel sums(i: i64[:], v, n: i64) = reduce_by_index(sum, zeros(n), i, v)
kernel several(i: i64[:], v: f64[:]) = (reduce_by_index(max, full(-inf, 3), i, v), reduce_by_index(min, full(inf, 3), i, v), reduce_by_index(prod, ones(3), i, v), reduce_by_index(decay, zeros(3), i, v))
kernel last(a: f64[:], i: i64[:], v: f64[:]) = reduce_by_index(latest, a, i, v)
kernel grid(a: f64[:, :], i: i64[:], j: i64[:]) = reduce_by_index(sum, a, (i, j), 1)
kernel table(a: f64[:, :], i: i64[:], j: i64[:]) = reduce_by_index(sum, a, (i[:, newaxis], j), 1)
kernel change(a: mut f64[:], i: i64[:], v: f64[:]) { decay.at(a, i, v) }
kernel row(a: mut i32[:, :], i: i64[:]) {
    narrow.at(a, (0, i), 1)
    max.at(a, (1, 0), 50)
}
kernel own(a: mut i64[:], i: i64[:]) { max.at(a, i, a[::-1]) }
kernel local(i: i64[:], v: f64[:]) {
    var a = zeros(4)
    for t in range(2) { decay.at(a, i, v + t) }
    let before = 2 * a
    latest.at(a, i[:1], 9)
    (before, a)
}
kernel quotients(a: mut i64[:], i: i64[:], v: i64[:]) { quotient.at(a, i, v) }
""")
        def case(kernel, name, inputs, outs, notes=(), after=()):
            file.case(None, name, inputs, outs, notes, kernel)
            if after:
                file.lines.pop()
                for item in after:
                    file.after(*item)
                file.lines.append("")

        indices, numbers = [2, 0, 2, -1, 0], [1.5, 2, 4, 8, 16]
        case("sums", "sums", [("i", "i64", indices), ("v", "f64", numbers), ("n", "i64", 3)], [("f64", [18, 0, 13.5])])
        case("sums", "sums of one value", [("i", "i64", indices), ("v", "f64", 2), ("n", "i64", 3)], [("f64", [4, 0, 6])])
        case("sums", "nothing", [("i", "i64", []), ("v", "f64", []), ("n", "i64", 2)], [("f64", [0, 0])])
        case("sums", "out of range", [("i", "i64", [0, 1, 5, 7]), ("v", "f64", [1, 1, 1, 1]), ("n", "i64", 3)], [], ['fault "index 5 is out of range" point 2'])
        case("sums", "out of range below", [("i", "i64", [0, -4]), ("v", "f64", [1, 1]), ("n", "i64", 3)], [], ['fault "index -4 is out of range" point 1'])
        case("sums", "lengths that differ", [("i", "i64", [0, 1]), ("v", "f64", [1, 2, 3]), ("n", "i64", 3)], [], ['fault "axis 0 of `i` has 2 elements, but 3 were expected"'])
        case("sums", "into nothing", [("i", "i64", [0]), ("v", "f64", [1]), ("n", "i64", 0)], [], ['fault "index 0 is out of range"'])
        case("sums", "many", [("i", "i64", [k * k % 7 for k in range(300)]), ("v", "f64", "random(2, 300, 0, 1)"), ("n", "i64", 7)], [])
        decay = [0.0, 0, 0]
        for i, v in zip(indices, numbers):
            decay[i] = 0.5 * decay[i] + v
        case("several", "extremes, products, in order", [("i", "i64", indices), ("v", "f64", numbers)], [("f64", [16, -math.inf, 8]), ("f64", [2, math.inf, 1.5]), ("f64", [32, 1, 48]), ("f64", decay)])
        case("last", "the last one stays", [("a", "f64", [1, 2, 3]), ("i", "i64", [1, 1, 0]), ("v", "f64", [7, 8, 9])], [("f64", [9, 8, 3])])
        case("last", "from a view", [("a", "f64", "ramp(7) view 6 3 -2"), ("i", "i64", "ramp(4) view 2 2 -2"), ("v", "f64", [7, 8])], [("f64", [8, 4, 7])])
        case("grid", "two axes", [("a", "f64", "fill(0, 2x3)"), ("i", "i64", [0, 1, 0, -1]), ("j", "i64", [2, 0, 2, 0])], [("f64", [[0, 0, 2], [2, 0, 0]])])
        case("grid", "the second axis out of range", [("a", "f64", "fill(0, 2x3)"), ("i", "i64", [0, 1]), ("j", "i64", [2, 3])], [], ['fault "index 3 is out of range for axis 1" point 1'])
        case("table", "indices that broadcast", [("a", "f64", "fill(0, 2x3)"), ("i", "i64", [0, 0]), ("j", "i64", [2, 1])], [("f64", [[0, 2, 2], [0, 0, 0]])])
        case("change", "in place", [("a", "mut f64", [8, 4]), ("i", "i64", [0, 0, 1]), ("v", "f64", [1, 2, 3])], [], (), [("a", "f64", [4.5, 5])])
        case("row", "some axes fixed", [("a", "mut i32", [[9, 8], [7, 6]]), ("i", "i64", [1, 1, 0])], [], (), [("a", "i32", [[8, 6], [50, 6]])])
        case("own", "values from the array itself", [("a", "mut i64", [1, 5, 3]), ("i", "i64", [0, 1, 2])], [], (), [("a", "i64", [3, 5, 3])])
        case("local", "a local array", [("i", "i64", [1, 1, 3]), ("v", "f64", [1, 2, 4])], [("f64", [0, 8.5 + 0.75, 0, 14]), ("f64", [0, 9, 0, 7])])
        case("quotients", "a fault in the function", [("a", "mut i64", [8, 9]), ("i", "i64", [0, 1, 1]), ("v", "i64", [2, 0, 3])], [], ['fault "division of 9 by zero" point 1'])

        def wrong(name, text, *inputs):
            file.section(name)
            file.code(text + "".join(f"\n#> in {line}" for line in inputs))

        wrong("as a value", '#! error E0122 31-45 "`max.at` gives no value" hint "a statement of its own"\nkernel k(a: mut f64[:]) { 1 + max.at(a, 0, 1) }', "a: mut f64 = [1]")
        wrong("not mutable", '#! error E0120 30 "`a` cannot be assigned" hint "mut f64[:]"\nkernel k(a: f64[:]) { max.at(a, 0, 1) }', "a: f64 = [1]")
        wrong("an expression", '#! error E0120 34-36 "only a named array can be changed in place"\nkernel k(a: mut f64[:]) { max.at(2*a, 0, 1) }', "a: mut f64 = [1]")
        wrong("another type", '#! error E0121 27-43 "`a` holds `i32`, the new elements are `f64`" hint "i32"\nkernel k(a: mut i32[:]) { max.at(a, 0, 0.5) }', "a: mut i32 = [1]")
        wrong("too few indices", '#! error E0130 40 "1 indices for an array with 2 axes" hint "(i, j)"\nkernel k(a: mut i32[:, :]) { max.at(a, 0, 1) }', "a: mut i32 = [[1]]")
        wrong("a missing value", '#! error E0110 27-38 "`max.at` takes 3 arguments: an array, indices and values, 2 given"\nkernel k(a: mut i32[:]) { max.at(a, 0) }', "a: mut i32 = [1]")


def tables():
    """So many values that blocks of them may have tables of their own."""
    with File("reduce/by_tables.hl", "Values combined by index, so many that threads may share them.") as file:
        file.code("""
kernel scatters(h: mut i64[:], i: i64[:], v: i64[:]) { h[i % 7] += v }
kernel less(h: mut i32[:], i: i64[:]) { h[-1 - i % 7] -= 3 }
kernel times(h: mut i64[:], i: i64[:], v: i64[:]) { h[i % 7] *= v }
kernel least(h: mut f64[:], i: i64[:], v: f64[:]) { scatter_min(h, i % 7, v) }
kernel most(h: mut f32[:], i: i64[:], v: f32[:]) { scatter_max(h, i % 7, v) }
kernel pairs(h: mut u8[:, :], i: i64[:]) { h[i % 3, i % 5] += 1 }
kernel one_row(h: mut i16[:, :], i: i64[:]) { h[1, i % 5] += 1 }
kernel floats(h: mut f64[:], i: i64[:], v: f64[:]) { h[i % 7] += v }
kernel itself(h: mut i64[:], i: i64[:]) { h[i % 7] += h[i % 5] }
kernel latest(h: mut i64[:], i: i64[:], v: i64[:]) { h[i % 7] = v }
kernel late(h: mut i64[:], i: i64[:]) { h[where(i == 33333 or i == 20011, i, i % 7)] += 1 }
kernel whole(i: i64[:], v: i32[:]) = (reduce_by_index(sum, full(2000000000i32, 3), i % 3, v), reduce_by_index(prod, full(3i32, 3), i % 3, v | 1i32), reduce_by_index(max, full(-5i32, 3), i % 3, v), reduce_by_index(min, full(-5i32, 3), i % 3, v))
kernel extremes(i: i64[:], v: f64[:]) = (reduce_by_index(max, full(-inf, 4), i % 3, v), reduce_by_index(min, full(inf, 4), i % 3, v))
kernel grid(i: i64[:], j: i64[:]) = reduce_by_index(sum, full(0i64, 2, 3), (i % 2, j % 3), i)
kernel changed(h: mut i64[:], i: i64[:], v: i64[:]) { max.at(h, i % 7, v) }
""".strip())
        n = 40000
        line = np.arange(n)
        plane = np.arange(200 * 200).reshape(200, 200)

        def counts(text, name, inputs, outs, notes=()):
            file.case(text, name, inputs, outs, notes)

        x = ("x", "i64", f"ramp({n})")
        counts("bincount(x % 7, 7)", "counts", [x], [("i64", np.bincount(line % 7))])
        counts("bincount(x & 15, 16)", "counts of a plane", [("x", "i32", "ramp(200x200)")], [("i64", np.bincount((plane & 15).ravel()))])
        counts("bincount(x[:, ::-2] & 15, 16)", "counts of a view", [("x", "i32", "ramp(200x400)")], [("i64", np.bincount((np.arange(200 * 400).reshape(200, 400)[:, ::-2] & 15).ravel(), minlength=16))])
        counts("bincount(x % 7, 7, weights=x)", "whole weights", [x], [("i64", [int(line[line % 7 == k].sum()) for k in range(7)])])
        tenths = np.bincount(line % 7, weights=line / 10)
        counts("bincount(x % 7, 7, weights=x / 10)", "float weights are added in order", [x], [("f64", tenths)])
        counts("bincount(x, 40000)", "as many cells as values", [x], [("i64", "fill(1, 40000)")])
        counts("bincount(where(x == 33333 or x == 20011, -x, x % 7), 7)", "the lowest fault", [x], [], ['fault "index -20011 is out of range" point 20011'])
        counts("bincount(where(x == 20011, 99, x & 15), 16)", "a fault in a plane", [("x", "i64", "ramp(200x200)")], [], ['fault "index 99 is out of range" point 100, 11'])
        counts("bincount(100 // (x - 20011) & 15, 16)", "a fault in the values", [x], [], ['fault "division of 100 by zero" point 20011'])
        many = np.arange(300000.0) * 37 % 1001
        counts("histogram(x * 37 % 1001, 13, 100.5, 900.3)", "chunks for threads", [("x", "f64", "ramp(300000)")], [("i64", np.histogram(many, 13, (100.5, 900.3))[0])], ["large"])

        def case(kernel, name, inputs, outs, notes=(), after=()):
            file.case(None, name, inputs, outs, notes, kernel)
            if after:
                file.lines.pop()
                for item in after:
                    file.after(*item)
                file.lines.append("")

        i, v = ("i", "i64", f"ramp({n})"), ("v", "i64", f"ramp({n})")
        start = np.arange(7)

        def at(function, values, start=start, index=line % 7):
            result = np.array(start)
            function.at(result, index, values)
            return result

        seen = np.arange(21)
        np.add.at(seen, 20 - 3 * (line % 7), line)
        case("scatters", "sums", [("h", "mut i64", start), i, v], [], (), [("h", "i64", at(np.add, line))])
        case("scatters", "sums into a view", [("h", "mut i64", "ramp(21) view 20 7 -3"), i, v], [], (), [("h", "i64", seen)])
        case("scatters", "no values", [("h", "mut i64", start), ("i", "i64", []), ("v", "i64", [])], [], (), [("h", "i64", start)])
        case("scatters", "few values", [("h", "mut i64", start), ("i", "i64", [3, 3]), ("v", "i64", [5, 6])], [], (), [("h", "i64", [0, 1, 2, 14, 4, 5, 6])])
        case("less", "differences, indices from the end", [("h", "mut i32", start), i], [], (), [("h", "i32", at(np.subtract, 3, start, 6 - line % 7))])
        case("times", "products that wrap", [("h", "mut i64", start + 1), i, ("v", "i64", f"ramp({n})")], [], (), [("h", "i64", at(np.multiply, line, start + 1))])
        case("floats", "float sums, in order", [("h", "mut f64", "fill(0.1, 7)"), i, ("v", "f64", f"fill(0.1, {n})")], [], (), [("h", "f64", at(np.add, 0.1, np.full(7, 0.1)))])
        case("least", "least values", [("h", "mut f64", [9.5, -100, NAN, 50000, 50000, 3, 7]), i, ("v", "f64", f"ramp({n})")], [], (), [("h", "f64", [0, -100, NAN, 3, 4, 3, 6])])
        case("most", "greatest values", [("h", "mut f32", [9.5, -100, NAN, 50000, 50000, 3, 7]), i, ("v", "f32", f"ramp({n})")], [], (), [("h", "f32", [int(line[line % 7 == 0].max()), int(line[line % 7 == 1].max()), NAN, 50000, 50000, int(line[line % 7 == 5].max()), int(line[line % 7 == 6].max())])])
        bytes_ = np.zeros((3, 5), np.uint8)
        np.add.at(bytes_, (line % 3, line % 5), 1)
        case("pairs", "two axes, in bytes", [("h", "mut u8", "fill(0, 3x5)"), i], [], (), [("h", "u8", bytes_)])
        row = np.zeros((2, 5), np.int16)
        np.add.at(row, (1, line % 5), 1)
        case("one_row", "one row", [("h", "mut i16", "fill(0, 2x5)"), i], [], (), [("h", "i16", row)])
        own = start + 1
        np.add.at(own, line % 7, (start + 1)[line % 5])
        case("itself", "values from the array itself", [("h", "mut i64", start + 1), i], [], (), [("h", "i64", own)])
        case("latest", "the last value stays", [("h", "mut i64", start), i, v], [], (), [("h", "i64", [int(line[line % 7 == k].max()) for k in range(7)])])
        case("late", "the lowest fault of a scatter", [("h", "mut i64", start), i], [], ['fault "index 20011 is out of range" point 20011'])
        with np.errstate(over="ignore"):
            wide = line.astype(np.int32)
            parts = [at(function, values, np.full(3, first, np.int32), line % 3) for function, first, values in [(np.add, 2000000000, wide), (np.multiply, 3, wide | np.int32(1)), (np.maximum, -5, wide), (np.minimum, -5, wide)]]
        case("whole", "of 32 bits", [i, ("v", "i32", f"ramp({n})")], [("i32", part) for part in parts])
        case("extremes", "of floats", [i, ("v", "f64", f"ramp({n})")], [("f64", [39999, 39997, 39998, -math.inf]), ("f64", [0, 1, 2, math.inf])])
        table = np.zeros((2, 3), np.int64)
        np.add.at(table, (line % 2, line % 3), line)
        case("grid", "indices of two axes", [i, ("j", "i64", f"ramp({n})")], [("i64", table)])
        case("changed", "by a method", [("h", "mut i64", start + 39995), i, v], [], (), [("h", "i64", at(np.maximum, line, start + 39995))])

