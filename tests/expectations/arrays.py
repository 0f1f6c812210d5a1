"""Indexing, broadcasting, shapes and reductions: the same text evaluated by NumPy."""

import math

import numpy as np

from table import NAMES, NUMPY, File


def reduction(function, **more):
    def call(x, axis=None, keepdims=False):
        return function(x, axis=axis, keepdims=keepdims, **more)

    return call


ENV = {
    "newaxis": None, "true": True, "false": False, "where": np.where, "sum": reduction(np.sum), "prod": reduction(np.prod),
    "min": reduction(np.min), "max": reduction(np.max), "mean": reduction(np.mean), "any": reduction(np.any),
    "all": reduction(np.all), "len": len, "size": lambda a: a.size, "shape": lambda a, n: a.shape[n], "zeros": lambda *n: np.zeros(n),
    "ones": lambda *n: np.ones(n), "full": lambda v, *n: np.full(n, v), "zeros_like": np.zeros_like, "ones_like": np.ones_like,
    "arange": np.arange, "sqrt": np.sqrt, "abs": np.abs, "floor": np.floor, "clip": np.clip,
}


def case(file, text, name="", notes=(), ty=None, **arrays):
    """A case whose expectation is what NumPy makes of the text."""
    inputs = [(key, NAMES[value.dtype], value) for key, value in arrays.items()]
    result = eval(text, {**ENV, **arrays})
    result = np.asarray(result)
    kind = ty or NAMES[result.dtype]
    file.case(text, name or "", inputs, [(kind, result.astype(NUMPY[kind])[()])], notes)


def make():
    slices()
    broadcasting()
    making()
    reductions()
    views()
    trees()
    short_rows()


def ramp(*shape, ty="f64"):
    return np.arange(math.prod(shape), dtype=NUMPY[ty]).reshape(shape)


def slices():
    line, grid, cube = ramp(10), ramp(5, 6), ramp(2, 3, 4, ty="i32")
    with File("arrays/slices.hl", "Slices clamp, negative indices count from the end, steps may be negative.") as file:
        for text in ("a[2:5]", "a[:3]", "a[7:]", "a[:]", "a[-3:]", "a[:-3]", "a[-5:-2]", "a[::2]", "a[1::3]", "a[::-1]", "a[8:2:-2]", "a[-1:-4:-1]", "a[5:2]", "a[20:]", "a[:20]", "a[-20:3]", "a[2:2]", "a[-1:0:-3]", "a[::20]", "a[100:0:-4]", "a[:-100:-3]"):
            case(file, text, text.replace(":", "_"), a=line)
        for text in ("a[1:-1] - a[:-2]", "a[2:] + a[:-2] - 2*a[1:-1]", "a[::-1] + a", "a[0] + a", "a[-1] - a[::3]", "a[3] * a[-3]"):
            case(file, text, a=line)
        for text in ("a[1]", "a[-1]", "a[:, 2]", "a[1:3, ::2]", "a[::-1, ::-1]", "a[1, 2]", "a[-1, -1]", "a[..., 0]", "a[0, ...]", "a[1:-1, 1:-1]", "a[:, newaxis, 3:]", "a[newaxis, ..., newaxis].size if False else a[newaxis]", "a[1:, :-1] - a[:-1, 1:]"):
            if " if " not in text:
                case(file, text, a=grid)
        for text in ("a[1]", "a[:, 1]", "a[..., -1]", "a[1, ..., 0]", "a[:, ::-1, 1:3]", "a[0, 1, 2]", "a[..., newaxis, ::2]", "a[1][2]", "a[:, 1][0]", "a[1:, 0, :][..., 1:]", "a[::-1][0, 1:][:, -1]"):
            case(file, text, a=cube)


def broadcasting():
    row, column, grid = ramp(4), ramp(3, 1), ramp(3, 4)
    with File("arrays/broadcasting.hl", "Shapes as NumPy broadcasts them, with extents of one and missing axes.") as file:
        case(file, "a + b", "row and column", a=row, b=column)
        case(file, "a * b", "grid and row", a=grid, b=row)
        case(file, "b * a", "row and grid", a=grid, b=row)
        case(file, "a - b", "grid and column", a=grid, b=column)
        case(file, "a[newaxis, :] * b[:, newaxis]", "outer", a=row, b=ramp(3))
        case(file, "a + b + c", "three ranks", a=ramp(2, 1, 4), b=ramp(3, 1), c=ramp(4))
        case(file, "a + b", "one element", a=ramp(1), b=grid)
        case(file, "a + b", "one by one", a=ramp(1, 1), b=row)
        case(file, "a + b", "zero and one", a=ramp(0), b=ramp(1))
        case(file, "a + b", "zero by four and row", a=ramp(0, 4), b=row)
        case(file, "a + b", "three by zero and column", a=ramp(3, 0), b=column)
        case(file, "where(a > 1, b, 0.0)", "condition is a row", a=row, b=grid)
        case(file, "a * b", "u8 column and i16 row", a=ramp(3, 1, ty="u8"), b=ramp(4, ty="i16"), ty="i16")
        mixed = (ramp(3, ty="i32") / 1).astype(np.float32)
        case(file, "a * b + c", "mixed types", a=mixed, b=ramp(2, 3, ty="i8"), c=ramp(2, 1, ty="u16"), ty="f32")


def making():
    with File("arrays/making.hl", "Constructors and measures.") as file:
        for text in ("zeros(4)", "ones(2, 3)", "zeros(0)", "full(2.5, 3)", "full(7, 2, 2)", "full(true, 2)", "zeros_like(a)", "ones_like(a)", "arange(5)", "arange(2, 7)", "arange(1, 10, 3)", "arange(10, 0, -4)", "arange(0)", "arange(5, 2)", "len(a)", "size(a)", "shape(a, 1)", "shape(a, -1)"):
            used = {"a": ramp(2, 3, ty="i16")} if "a)" in text or "(a" in text else {}
            used = {} if text.startswith(("full", "arange")) else used
            case(file, text, text.replace(" ", ""), **used)
        case(file, "arange(3) * 2 + 1", "a ramp in an expression")
        case(file, "a + arange(len(a))", "a ramp as long as an array", a=ramp(4, ty="i64"))
        case(file, "zeros(len(a)) + a", "zeros as long as an array", a=ramp(3))
        case(file, "ones(3)[newaxis, :] * arange(2)[:, newaxis]", "slices of what was made", ty="f64")
        step = (2.0 - 1.0) / 4.0
        file.case("linspace(1, 2, 5)", "linspace", [], [("f64", [1.0 + step * i for i in range(5)])])
        file.case("linspace(0, 1, 2)", "linspace of two", [], [("f64", [0.0, 1.0])])
        file.case("linspace(3, 5, 1)", "linspace of one", [], [("f64", [3.0])])


def reductions():
    grid, cube = ramp(3, 4), ramp(2, 3, 4, ty="i32")
    mask = np.array([[True, False, True], [True, True, True]])
    with File("reduce/axes.hl", "Reductions over all, one, several and negative axes, with and without keepdims.") as file:
        for name in ("sum", "prod", "min", "max", "mean"):
            for axis in ("", ", axis=0", ", axis=1", ", axis=-1", ", axis=(0, 1)", ", axis=0, keepdims=true", ", axis=1, keepdims=true", ", keepdims=true"):
                case(file, f"{name}(a + 1{axis})", f"{name}{axis}".replace(" ", ""), a=grid)
        for name in ("any", "all"):
            for axis in ("", ", axis=0", ", axis=1", ", keepdims=true"):
                case(file, f"{name}(m{axis})", f"{name}{axis}".replace(" ", ""), m=mask)
        case(file, "sum(m)", "count of bools", m=mask)
        case(file, "sum(m, axis=0)", "count of bools along an axis", m=mask)
        case(file, "mean(m)", "mean of bools", m=mask)
        for axis in ("0", "1", "2", "(0, 2)", "(1, 2)", "(0, 1)", "-2", "(-1, 0)"):
            case(file, f"sum(a, axis={axis})", f"cube {axis}".replace(" ", ""), a=cube, ty="i64")
            case(file, f"max(a, axis={axis})", f"cube max {axis}".replace(" ", ""), a=cube)
    inside(grid, cube)
    kinds()


def inside(grid, cube):
    with File("reduce/inside.hl", "Reductions anywhere inside an expression.") as file:
        case(file, "a - sum(a)", a=grid)
        case(file, "a - mean(a, axis=0)", a=grid)
        case(file, "a - mean(a, axis=1, keepdims=true)", a=grid)
        case(file, "(a - min(a)) / (max(a) - min(a))", a=grid)
        case(file, "sum(a * a) - sum(a) * sum(a)", a=grid)
        case(file, "sum(a, axis=0) * 2 + 1", a=grid)
        case(file, "max(sum(a, axis=1))", a=grid)
        case(file, "sum(max(a, axis=1) - min(a, axis=1))", a=grid)
        case(file, "sum(a[1:, ::2], axis=0)", a=grid)
        case(file, "sum(a[:, :, newaxis] * b[newaxis, :, :], axis=1)", "matrix product", a=grid, b=ramp(4, 2))
        case(file, "sum(a * b[newaxis, :], axis=1)", "matrix by vector", a=grid, b=ramp(4))
        case(file, "any(a > 5) and all(a >= 0)", "logic of scalars", a=grid)
        case(file, "sum(where(a > 3, a, 0.0))", "masked sum", a=grid)
        case(file, "sum(a[::-1, :] - a)", "reversed", a=grid)
        case(file, "sum(a[1, 2])", "of a scalar", a=grid)


def kinds():
    with File("reduce/kinds.hl", "What reductions give for each type, for NaNs, for zeros and for no elements.") as file:
        for ty in ("i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"):
            info = np.iinfo(NUMPY[ty])
            values = [int(info.max), int(info.max), int(info.min), 5]
            wide = "i64" if ty[0] == "i" else "u64"
            total = sum(values) % 2**64
            total = total - 2**64 if wide == "i64" and total >= 2**63 else total
            product = math.prod(v if v else 1 for v in values) % 2**64
            product = product - 2**64 if wide == "i64" and product >= 2**63 else product
            file.case("sum(a)", f"sum of {ty}", [("a", ty, values)], [(wide, total)], ["extend"])
            file.case("prod(where(a == 0, 1, a))", f"product of {ty}", [("a", ty, values)], [(wide, product)])
            file.case("(min(a), max(a))", f"extremes of {ty}", [("a", ty, values)], [(ty, int(info.min)), (ty, int(info.max))])
            file.case("mean(a)", f"mean of {ty}", [("a", ty, [1, 2, 3, 5])], [("f64", 2.75)])
        nan, inf = math.nan, math.inf
        for ty in ("f32", "f64"):
            file.case("(sum(a), prod(a), min(a), max(a), mean(a))", f"{ty} with a NaN", [("a", ty, [1, nan, 3])], [(ty, nan)] * 5)
            file.case("(sum(a), min(a), max(a))", f"{ty} with infinities", [("a", ty, [1, inf, 3, -2])], [(ty, inf), (ty, -2), (ty, inf)])
            file.case("(min(a), max(a))", f"{ty} zeros", [("a", ty, [0.0, -0.0, 0.0])], [(ty, -0.0), (ty, 0.0)])
            file.case("(sum(a), sum(b))", f"{ty} sums of zeros", [("a", ty, [-0.0, -0.0]), ("b", ty, [-0.0, 0.0])], [(ty, -0.0), (ty, 0.0)])
            file.case("(sum(a), prod(a))", f"{ty} of nothing", [("a", ty, [])], [(ty, 0.0), (ty, 1.0)])
        file.case("(sum(a), prod(a))", "integers of nothing", [("a", "i32", [])], [("i64", 0), ("i64", 1)])
        file.case("(any(a), all(a), sum(a))", "bools of nothing", [("a", "bool", [])], [("bool", 0), ("bool", 1), ("i64", 0)])
        file.case("sum(a, axis=0)", "no rows", [("a", "f64", "fill(0, 0x3)")], [("f64", [0.0, 0.0, 0.0])])
        file.case("sum(a, axis=1)", "no columns", [("a", "f64", "fill(0, 2x0)")], [("f64", [0.0, 0.0])])
        file.case("sum(a, axis=1)", "neither", [("a", "f64", "fill(0, 0x3)")], [("f64", [])])
        for n in (1, 31, 32, 33, 63, 64, 65, 100, 4095, 4096, 4097, 10000):
            file.case("(sum(a), sum(f32(a)), sum(i32(a)))", f"whole numbers are summed exactly, {n}", [("a", "f64", f"ramp({n})")], sums(n))
        file.case("(max(a), min(a))", "extremes of many", [("a", "i64", "ramp(100000)")], [("i64", 99999), ("i64", 0)])
        file.case("sum(a, axis=0)", "columns of many rows", [("a", "i64", "ramp(5000x3)")], [("i64", [sum(range(k, 15000, 3)) for k in range(3)])])
        file.case("sum(a, axis=1)", "long rows", [("a", "i64", "ramp(3x5000)")], [("i64", [sum(range(5000 * k, 5000 * (k + 1))) for k in range(3)])])


def sums(n):
    total = n * (n - 1) // 2
    # An f32 sum of whole numbers is exact while every partial sum is below 2^24.
    single = total if total < 2**24 else None
    rounded = np.float32(total) if single is None else single
    tolerance = () if single is not None else ("within 16 partial sums beyond 2^24 are rounded",)
    return [("f64", float(total)), ("f32", rounded, *tolerance), ("i64", total)]


def views():
    with File("arrays/views.hl", "Arguments with any strides: transposed, reversed, repeated, with gaps.") as file:
        memory = np.arange(24.0)

        def window(offset, shape, strides):
            return np.lib.stride_tricks.as_strided(memory[offset:], shape, [8 * s for s in strides])

        rows = [("gaps", 1, (5,), (3,)), ("reversed", 23, (24,), (-1,)), ("repeated", 4, (6,), (0,)), ("transposed", 0, (6, 4), (1, 6)), ("rows apart", 2, (3, 4), (8, 1)), ("reversed columns", 5, (4, 6), (6, -1)), ("reversed rows", 18, (4, 6), (-6, 1)), ("one row many times", 3, (4, 5), (0, 1)), ("one column many times", 3, (4, 5), (2, 0)), ("both reversed with gaps", 23, (3, 4), (-8, -2)), ("cube", 0, (2, 3, 2), (12, 1, 4))]
        for name, offset, shape, strides in rows:
            if all(s >= 0 for s in strides):
                view = window(offset, shape, strides)
            else:
                index = offset + sum(np.array(strides[d]) * np.arange(shape[d]).reshape([-1] + [1] * (len(shape) - d - 1)) for d in range(len(shape)))
                view = memory[index]
            spec = f"ramp(24) view {offset} {'x'.join(map(str, shape))} {'x'.join(map(str, strides))}"
            file.case("2*a + 1", name, [("a", "f64", spec)], [("f64", 2 * view + 1)])
            file.case("(sum(a), max(a))", f"{name} reduced", [("a", "f64", spec)], [("f64", float(view.sum())), ("f64", float(view.max()))])
            if len(shape) == 2:
                file.case("sum(a, axis=0)", f"{name} by column", [("a", "f64", spec)], [("f64", view.sum(axis=0))])
                file.case("a[1:, ::-1]", f"{name} sliced", [("a", "f64", spec)], [("f64", view[1:, ::-1])])
        spec = "ramp(24) view 0 4x3 1x8"
        file.case("a + b", "two strides", [("a", "f64", spec), ("b", "f64", "ramp(12) view 11 4x3 -3x-1")], [("f64", window(0, (4, 3), (1, 8)) + np.arange(12.0)[::-1].reshape(4, 3))])


def splitmix(seed, count, low, high):
    """The numbers of the formula `random(seed, count, low, high)` of cases."""
    out, mask = [], 2**64 - 1
    for _ in range(count):
        seed = (seed + 0x9E3779B97F4A7C15) & mask
        z = ((seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        out.append(low + (high - low) * (((z ^ (z >> 31)) >> 11) / 2**53))
    return np.array(out)


def tree_sum(values):
    """The sum in the order the language fixes: blocks of 4096, 256 bytes of partial sums, then halves, then pairs."""
    kind, lanes = values.dtype.type, 256 // values.dtype.itemsize
    results = []
    for start in range(0, len(values), 4096):
        block = values[start : start + 4096]
        parts = np.full(lanes, -0.0, dtype=kind)
        for at in range(0, len(block), lanes):
            group = block[at : at + lanes]
            parts[: len(group)] += group
        while len(parts) > 1:
            half = len(parts) // 2
            parts = parts[:half] + parts[half:]
        results.append(parts[0])
    stride = 1
    while stride < len(results):
        for at in range(0, len(results) - stride, 2 * stride):
            results[at] = results[at] + results[at + stride]
        stride *= 2
    return results[0] if results else kind(0)


def along_rows(values):
    """`tree_sum` along the last axis."""
    return np.apply_along_axis(tree_sum, -1, values)


def short_rows():
    with File("reduce/short_rows.hl", "Reductions along rows of few elements: sums in the fixed order, and all else.") as file:
        for ty in ("f32", "f64"):
            for n in range(1, 10):
                x = splitmix(n, 21 * n, -1.0, 3.0).astype(NUMPY[ty]).reshape(21, n)
                spec = [("x", ty, f"random({n}, 21x{n}, -1, 3)")]
                file.case("sum(x, axis=1)", f"{ty} {n}", spec, [(ty, along_rows(x))])
                file.case("sum(x * x, axis=-1, keepdims=true)", f"{ty} squares of {n}", spec, [(ty, along_rows(x * x)[:, np.newaxis])])
            x = splitmix(3, 15, 0.0, 1.0).astype(NUMPY[ty]).reshape(5, 3)
            for n in (1, 3):
                y = splitmix(4, 4 * n, 0.0, 1.0).astype(NUMPY[ty]).reshape(4, n)
                away = x[:, np.newaxis, :] - y[np.newaxis, :, :]
                given = [("x", ty, "random(3, 5x3, 0, 1)"), ("y", ty, f"random(4, 4x{n}, 0, 1)")]
                file.case("sum((x[:, newaxis, :] - y[newaxis, :, :]) ** 2, axis=2)", f"{ty} distances of 3 and {n}", given, [(ty, along_rows(away * away))])
            file.case("sum(reshape(x, (5, 3)) * arange(3), axis=1)", f"{ty} numbered", [("x", ty, "random(3, 15, 0, 1)")], [(ty, along_rows(x * np.arange(3, dtype=NUMPY[ty])))])
            file.case("sum(x[:, 1:n], axis=1)", f"{ty} from the second on", [("x", ty, "random(3, 5x3, 0, 1)"), ("n", "i64", 3)], [(ty, along_rows(x[:, 1:]))])
            file.case("sum(x[:, ::-1], axis=1)", f"{ty} backwards", [("x", ty, "random(3, 5x3, 0, 1)")], [(ty, along_rows(x[:, ::-1]))])
        text = "(sum(x, axis=1), prod(x, axis=1), min(x, axis=1), max(x, axis=1))"
        for n in (2, 5, 8, 9):
            for ty in ("i64", "f64"):
                x = ramp(7, n, ty=ty) % 5 + 1
                results = [along_rows(x) if ty == "f64" else x.sum(axis=1), x.prod(axis=1), x.min(axis=1), x.max(axis=1)]
                file.case(text, f"{ty} four of {n}", [("x", ty, x)], [(ty, result) for result in results])
            x = np.arange(7 * n).reshape(7, n) % 4 != 1
            file.case("(any(x, axis=1), all(x, axis=1))", f"truth of {n}", [("x", "bool", x)], [("bool", x.any(axis=1)), ("bool", x.all(axis=1))])
            x = np.where(np.arange(7 * n).reshape(7, n) % 6 == 4, np.nan, np.arange(7.0 * n).reshape(7, n))
            file.case("(min(x, axis=1), max(x, axis=1))", f"extremes with nan of {n}", [("x", "f64", x)], [("f64", x.min(axis=1)), ("f64", x.max(axis=1))])
        file.case("sum(x, axis=1)", "no elements", [("x", "f64", "fill(0, 5x0)")], [("f64", np.zeros(5))])
        file.case("sum(x, axis=1)", "no rows", [("x", "f64", "fill(0, 0x3)")], [("f64", np.zeros(0))])
        file.case("sum(x, axis=1)", "zeros below zero", [("x", "f64", "fill(-0.0, 3x2)")], [("f64", np.full(3, -0.0))])


def trees():
    with File("reduce/tree.hl", "Sums of floats in the fixed order, which depends on the number of elements only.") as file:
        for ty in ("f32", "f64"):
            for n in (1, 7, 31, 32, 33, 64, 65, 1000, 4095, 4096, 4097, 8192, 12289, 50000):
                values = splitmix(n, n, -1.0, 3.0).astype(NUMPY[ty])
                file.case("sum(x)", f"{ty} {n}", [("x", ty, f"random({n}, {n}, -1, 3)")], [(ty, tree_sum(values))])
            rows = splitmix(9, 3 * 5000, 0.0, 1.0).astype(NUMPY[ty]).reshape(3, 5000)
            file.case("sum(x, axis=1)", f"{ty} rows", [("x", ty, "random(9, 3x5000, 0, 1)")], [(ty, [tree_sum(row) for row in rows])])
            columns = rows.reshape(5000, 3)
            file.case("sum(x, axis=0)", f"{ty} columns", [("x", ty, "random(9, 5000x3, 0, 1)")], [(ty, [tree_sum(columns[:, k]) for k in range(3)])])
            file.case("mean(x)", f"{ty} mean", [("x", ty, "random(9, 5000x3, 0, 1)")], [(ty, NUMPY[ty](tree_sum(rows.ravel()) / NUMPY[ty](15000)))])
        tenths = np.full(10_000_000, 0.1, dtype=np.float32)
        file.case("sum(s)", "ten million tenths", [("s", "f32", "fill(0.1, 10000000)")], [("f32", tree_sum(tenths))], ["large"])
