"""Stencils against arrays that NumPy has padded, and functions over core axes against loops over their places."""

import numpy as np

from table import NUMPY, File

PADS = {"constant": "constant", "edge": "edge", "reflect": "symmetric", "mirror": "reflect", "wrap": "wrap"}
BORDERS = ["constant(0)", "constant(7)", "edge", "reflect", "mirror", "wrap", "skip", "fill(9)"]


def taps_of(array, border, offsets):
    """For each offset the array of elements that far away, and where all offsets stay inside."""
    reach = max(max(abs(k) for k in offset) for offset in offsets)
    inside = np.ones(array.shape, bool)
    for offset in offsets:
        for axis, k in enumerate(offset):
            at = np.arange(array.shape[axis]) + k
            shape = [-1 if i == axis else 1 for i in range(array.ndim)]
            inside &= ((at >= 0) & (at < array.shape[axis])).reshape(shape)
    if array.size == 0:
        return [array for _ in offsets], inside
    rule = border.split("(")[0]
    value = {"constant_values": int(border[9:-1])} if rule == "constant" else {}
    padded = np.pad(array, reach, mode=PADS.get(rule, "edge"), **value)
    window = lambda offset: tuple(slice(reach + k, reach + k + n) for k, n in zip(offset, array.shape))
    return [padded[window(offset)] for offset in offsets], inside


def apply(border, arrays, function):
    """`arrays`: pairs of an array and its offsets."""
    values, everywhere = [], np.ones(arrays[0][0].shape, bool)
    for array, offsets in arrays:
        taps, inside = taps_of(array, border, offsets)
        values += taps
        everywhere &= inside
    with np.errstate(all="ignore"):
        result = np.asarray(function(*values))
    rule = border.split("(")[0]
    if rule == "skip":
        result = np.where(everywhere, result, arrays[0][0].astype(result.dtype))
    if rule == "fill":
        result = np.where(everywhere, result, result.dtype.type(int(border[5:-1])))
    return result


def numbers(shape, ty, seed):
    generator = np.random.default_rng(seed)
    values = generator.integers(0 if ty[0] == "u" else -50, 50, size=shape)
    return (values / 4 if ty[0] == "f" else values).astype(NUMPY[ty])


def one_axis():
    with File("stencil/one_axis.hl", "Every border along one axis, for arrays from none to more elements than offsets.") as file:
        for border in BORDERS:
            file.section(border)
            file.code(f"""
@stencil(border = {border})
fn near(a) = 2 * a[@-3] + 3 * a[@-1] - a[@0] + 5 * a[@2]
kernel k(a) = near(a)""")
            offsets = [(-3,), (-1,), (0,), (2,)]
            for n in [0, 1, 2, 3, 4, 5, 6, 7, 19]:
                for ty in ["i64"] if n not in (5, 19) else ["i64", "f32", "f64"]:
                    a = numbers((n,), ty, n)
                    scale = NUMPY[ty]
                    out = apply(border, [(a, offsets)], lambda p, q, r, s: scale(2) * p + scale(3) * q - r + scale(5) * s)
                    file.case("", f"{n} of {ty}", [("a", ty, a)], [(ty, out)])
            file.case("", "every other element, backwards", [("a", "i64", "ramp(9) view 8 5 -2")], [("i64", apply(
                border, [(np.arange(9)[::-2], offsets)], lambda p, q, r, s: 2 * p + 3 * q - r + 5 * s))])


def two_axes():
    with File("stencil/two_axes.hl", "Every border along two axes, with offsets that differ on the four sides.") as file:
        offsets = [(-1, 0), (2, 1), (0, -2), (1, -1)]
        for border in BORDERS:
            file.section(border)
            file.code(f"""
@stencil(border = {border})
fn near(a) = a[@-1, @0] + 2 * a[@2, @1] - 3 * a[@0, @-2] + 4 * a[@1, @-1]
kernel k(a) = near(a)""")
            for shape in [(0, 3), (3, 0), (1, 1), (1, 4), (5, 1), (2, 2), (3, 3), (4, 5), (6, 11)]:
                a = numbers(shape, "i32", sum(shape))
                out = apply(border, [(a, offsets)], lambda p, q, r, s: p + 2 * q - 3 * r + 4 * s)
                file.case("", f"{shape[0]} by {shape[1]}", [("a", "i32", a)], [("i32", out.astype(np.int32))])
            a = numbers((7, 9), "f64", 5)
            out = apply(border, [(a, offsets)], lambda p, q, r, s: p + 2 * q - 3 * r + 4 * s)
            file.case("", "floats", [("a", "f64", a)], [("f64", out)])
            wide = np.arange(60).reshape(6, 10)
            out = apply(border, [(wide.T[::-1], offsets)], lambda p, q, r, s: p + 2 * q - 3 * r + 4 * s)
            file.case("", "turned and upside down", [("a", "i64", "ramp(6x10) view 9 10x6 -1x10")], [("i64", out)])


def three_axes():
    with File("stencil/three_axes.hl", "Every border along three axes.") as file:
        offsets = [(-1, 0, 0), (1, 1, 0), (0, -1, 1), (0, 0, -2)]
        for border in BORDERS:
            file.section(border)
            file.code(f"""
@stencil(border = {border})
fn near(a) = a[@-1, @0, @0] - a[@1, @1, @0] + 2 * a[@0, @-1, @1] + 3 * a[@0, @0, @-2]
kernel k(a) = near(a)""")
            for shape in [(2, 0, 3), (1, 1, 1), (2, 3, 4), (3, 3, 7)]:
                a = numbers(shape, "i64", sum(shape))
                out = apply(border, [(a, offsets)], lambda p, q, r, s: p - q + 2 * r + 3 * s)
                file.case("", "x".join(map(str, shape)), [("a", "i64", a)], [("i64", out)])


def core_axes():
    with File("stencil/core_axes.hl", "Functions over core axes: every place of the axes before them, which broadcast.") as file:
        def case(name, kernel, inputs, outs):
            file.case("", name, inputs, outs, kernel=kernel)

        file.code("""
@guvectorize("(m,n),(n)->(m)")
fn matvec(a, x) {
    var out = zeros(shape(a, 0))
    for i in range(shape(a, 0)) {
        for j in range(shape(a, 1)) { out[i] += a[i, j] * x[j] }
    }
    out
}
kernel products(a: f64[:, :, :], x: f64[:, :]) = matvec(a, x)
kernel one(a: f64[:, :], x: f64[:]) = matvec(a, x)
kernel many(a: f64[:, :], x: f64[:, :, :]) = matvec(a, x)""")
        for p, m, n in [(1, 1, 1), (3, 2, 4), (2, 0, 3), (2, 3, 0), (0, 2, 2)]:
            a, x = numbers((p, m, n), "f64", 1), numbers((p, n), "f64", 2)
            case(f"{p} of {m} by {n}", "products", [("a", "f64", a), ("x", "f64", x)], [("f64", np.einsum("pmn,pn->pm", a, x))])
        a, x = numbers((3, 2, 4), "f64", 3), numbers((1, 4), "f64", 4)
        case("one vector for all", "products", [("a", "f64", a), ("x", "f64", x)], [("f64", np.einsum("pmn,n->pm", a, x[0]))])
        case("no axes before", "one", [("a", "f64", a[0]), ("x", "f64", x[0])], [("f64", a[0] @ x[0])])
        x = numbers((2, 3, 4), "f64", 5)
        case("one matrix for all", "many", [("a", "f64", a[0]), ("x", "f64", x)], [("f64", np.einsum("mn,pqn->pqm", a[0], x))])

        file.section("several results")
        file.code("""
@guvectorize("(n),()->(),(n),()")
fn about(x, shift) {
    let low = min(x)
    (low, x - low + shift, len(x))
}
kernel k(x, shift) = about(x, shift)""")
        x, shift = numbers((2, 3, 5), "i64", 6), np.array([10, 20, 30])
        low = x.min(axis=2)
        outs = [("i64", low), ("i64", x - low[..., None] + shift[:, None]), ("i64", np.full((2, 3), 5))]
        case("a number for each place", None, [("x", "i64", x), ("shift", "i64", shift)], outs)
        low = x[0, 0].min()
        outs = [("i64", low), ("i64", x[0, 0] - low + 1), ("i64", 5)]
        case("all of one place", None, [("x", "i64", x[0, 0]), ("shift", "i64", 1)], outs)

        file.section("sorted")
        file.code("""
@guvectorize("(n)->(n)")
fn ordered(x) {
    var y = x + 0
    for i in range(1, len(y)) {
        let moved = y[i]
        var j = i
        while j > 0 and y[max(j - 1, 0)] > moved {
            y[j] = y[j - 1]
            j -= 1
        }
        y[j] = moved
    }
    y
}
kernel k(x) = ordered(x)""")
        x = numbers((4, 7), "i32", 8)
        case("rows", None, [("x", "i32", x)], [("i32", np.sort(x, axis=1))])
        case("no rows", None, [("x", "i32", x[:0])], [("i32", x[:0])])
        case("rows backwards in memory", None, [("x", "i64", "ramp(12) view 11 3x4 -4x-1")], [("i64", np.arange(12).reshape(3, 4)[::-1])])

        file.section("kernel")
        file.code("""
@guvectorize("(m,n),(n,p)->(m,p)", target = parallel)
kernel matmul(a: i64[:, :], b: i64[:, :]) {
    var out = zeros(shape(a, 0), shape(b, 1)) > 0
    var sums = i64(out)
    for i in range(shape(a, 0)) {
        for j in range(shape(b, 1)) { sums[i, j] = sum(a[i, :] * b[:, j]) }
    }
    sums
}""")
        a, b = numbers((3, 2, 4), "i64", 9), numbers((4, 5), "i64", 10)
        case("products of matrices", None, [("a", "i64", a), ("b", "i64", b)], [("i64", a @ b)])


def make():
    one_axis()
    two_axes()
    three_axes()
    core_axes()
