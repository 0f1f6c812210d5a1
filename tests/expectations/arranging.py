"""Arrangements of elements, gathers, masks and scatters: the same text evaluated by NumPy."""

import re

import numpy as np

from arrays import ENV, case, ramp
from table import NAMES, NUMPY, File

SHAPES = {
    "reshape": lambda a, *n: np.reshape(a, n[0] if isinstance(n[0], tuple) else n), "ravel": np.ravel,
    "transpose": lambda a, *n, axes=None: np.transpose(a, axes or n or None), "swapaxes": np.swapaxes, "moveaxis": np.moveaxis,
    "flip": np.flip, "roll": np.roll, "concat": lambda *a, axis=0: np.concatenate(a[0] if isinstance(a[0], tuple) else a, axis=axis),
    "stack": lambda *a, axis=0: np.stack(a[0] if isinstance(a[0], tuple) else a, axis=axis), "outer": np.outer, "squeeze": np.squeeze,
    "expand_dims": np.expand_dims, "repeat": np.repeat, "tile": lambda a, *n: np.tile(a, n[0] if isinstance(n[0], tuple) else n),
    "diag": np.diag, "tril": np.tril, "triu": np.triu, "diff": np.diff, "take": np.take, "nonzero": np.flatnonzero, "argwhere": np.argwhere,
    "broadcast_to": lambda a, *n: np.broadcast_to(a, n[0] if isinstance(n[0], tuple) else n), "eye": lambda *n, **k: np.eye(*n, **k),
    "identity": lambda n, **k: np.identity(n, **k), "full_like": np.full_like, "empty_like": np.zeros_like, "linspace": np.linspace,
    "zeros": lambda *n, dtype=float: np.zeros(n[0] if isinstance(n[0], tuple) else n, dtype=dtype),
    "ones": lambda *n, dtype=float: np.ones(n[0] if isinstance(n[0], tuple) else n, dtype=dtype),
    "empty": lambda *n, dtype=float: np.zeros(n[0] if isinstance(n[0], tuple) else n, dtype=dtype),
    **{name: kind for name, kind in NUMPY.items() if name != "bool"},
}
ENV.update(SHAPES)


def used(file, text, name, **arrays):
    """A case with those of the arrays that the text names."""
    named = {key: value for key, value in arrays.items() if re.search(rf"\b{key}\b", text)}
    case(file, text, f"{name} {text}".replace(":", "_"), **named)


def make():
    constructors()
    arrangements()
    gathers()
    masks()
    stores()
    in_loops()


def constructors():
    with File("arrays/constructors.hl", "Constructors with element types, tuples of extents, diagonals and floats.") as file:
        for text in ("zeros(3, dtype=f32)", "ones((2, 3), dtype=i8)", "empty(2, 2)", "zeros(0, 3, dtype=i16)", "arange(4, dtype=f32)", "arange(0.0, 1.0, 0.25)", "arange(1.0, 3.0)", "arange(2.0, 0.0, -0.75)", "arange(3.0, 1.0)", "linspace(0, 1, 6)", "linspace(0.1, 0.7, 7)", "linspace(5, 5, 3)", "linspace(1, 0, 0)", "eye(3)", "eye(2, 4)", "eye(4, 2, k=-1)", "eye(3, k=1, dtype=i32)", "eye(0)", "identity(2)", "identity(1, dtype=u8)"):
            case(file, text, text.replace(" ", ""))
        case(file, "full_like(a, 7)", a=ramp(2, 2, ty="i16"))
        case(file, "full_like(a, 0.5, dtype=f64)", a=ramp(2, 2, ty="i16"))
        case(file, "empty_like(a)", a=ramp(3, ty="f32"))
        case(file, "zeros_like(a, dtype=i64) + arange(3)", a=ramp(3))


def arrangements():
    line, grid, cube = ramp(6), ramp(3, 4), ramp(2, 3, 4, ty="i32")
    none, flat = ramp(0), ramp(2, 0, 3)
    with File("arrays/arranging.hl", "Elements in another arrangement, and arrays joined.") as file:
        for text in ("reshape(a, 2, 3)", "reshape(a, 3, -1)", "reshape(a, (1, 6, 1))", "reshape(a, -1, 1) * a", "sum(reshape(a, 2, 3), axis=0)", "reshape(reshape(a, 3, 2), 6)", "reshape(a[::-1], 2, 3)", "reshape(a * a, 2, 3) + 1", "ravel(a)", "flip(a)", "roll(a, 2)", "roll(a, -1)", "roll(a, 0)", "roll(a, 100)", "roll(a, 1) + roll(a, -1) - 2 * a", "concat(a, a[:2], a[::-1])", "concat((a, a * 2))", "stack(a, a + 10)", "stack((a, a), axis=1)", "stack(a, a, axis=-1)", "outer(a, a[:3])", "expand_dims(a, 0)", "expand_dims(a, axis=-1)", "repeat(a, 3)", "repeat(a, 0)", "tile(a, 2)", "tile(a, 0)", "diag(a)", "diff(a * a)", "diff(diff(a * a))", "broadcast_to(a, 2, 6)", "broadcast_to(a[:1], (3, 4))", "transpose(a)", "a.T", "take(a, 2)", "take(a, -1)", "a[::-1][1:3]"):
            case(file, text, "line " + text.replace(":", "_"), a=line)
        for text in ("reshape(a, 4, 3)", "reshape(a, 2, 6)", "reshape(a, 12)", "reshape(a, 3, 2, 2)", "reshape(a, -1)", "reshape(a, 3, -1, 1)", "reshape(transpose(a), 3, 4)", "ravel(a)", "ravel(a.T)", "ravel(a[:, ::2])", "ravel(a + 1)", "a.T", "a.T * 2", "transpose(a, 1, 0)", "transpose(a, axes=(1, 0))", "swapaxes(a, 0, -1)", "moveaxis(a, 1, 0)", "flip(a)", "flip(a, axis=1)", "flip(a, axis=(0, 1))", "roll(a, 1, axis=0)", "roll(a, -1, axis=1)", "roll(a, 5)", "roll(roll(a, 1, axis=0), 1, axis=1)", "concat(a, a, axis=1)", "concat(a, a[:1], a[1:, :] * 2)", "stack(a, a, axis=1)", "squeeze(a[:1], axis=0)", "squeeze(a[newaxis, 1:2], axis=(0, 1))", "expand_dims(a, 1)", "repeat(a, 2)", "repeat(a, 2, axis=0)", "repeat(a, 2, axis=1)", "tile(a, 2, 1)", "tile(a, (1, 2))", "diag(a)", "diag(a.T)", "sum(diag(a))", "tril(a)", "triu(a)", "tril(a, k=-1)", "triu(a, k=2)", "diff(a)", "diff(a, axis=0)", "broadcast_to(a, 2, 3, 4)", "sum(broadcast_to(a, 2, 3, 4), axis=(0, 2))", "take(a, 5)", "sum(a.T, axis=0)", "mean(ravel(a))", "max(reshape(a, 2, 6), axis=1)"):
            case(file, text, "grid " + text.replace(":", "_"), a=grid)
        for text in ("transpose(a)", "transpose(a, 1, 2, 0)", "transpose(a, axes=(2, 0, 1))", "moveaxis(a, 0, 2)", "moveaxis(a, -1, 0)", "swapaxes(a, 1, 2)", "reshape(a, 6, 4)", "reshape(a, 2, 12)", "reshape(a, 2, 2, 6)", "reshape(a, 24)", "reshape(reshape(a, 24), 4, 6)", "reshape(swapaxes(a, 0, 1), 3, 8)", "ravel(a[:, 1])", "roll(a, 1, axis=1)", "roll(a, 7)", "flip(a, axis=-2)", "triu(a)", "concat(a, a, axis=-1)", "stack(a, a, axis=3)", "repeat(a, 2, axis=1)", "tile(a, 1, 2, 1)", "diff(a, axis=1)", "a.T[0]"):
            case(file, text, "cube " + text.replace(":", "_"), a=cube)
        for text in ("reshape(a, 0, 3)", "reshape(a, 3, 0)", "reshape(a, 4, -1)", "ravel(a)", "flip(a)", "roll(a, 1)", "concat(a, a)", "concat(a, ones(2))", "stack(a, a)", "outer(a, ones(2))", "repeat(a, 2)", "tile(a, 3)", "diag(a)", "diff(a)", "broadcast_to(a, 2, 0)", "a.T"):
            case(file, text, "none " + text, a=none)
        for text in ("reshape(a, 3, 0)", "reshape(a, 0)", "ravel(a)", "transpose(a)", "roll(a, 2, axis=2)", "roll(a, 2, axis=1)", "concat(a, a, axis=1)", "concat(a, a, axis=0)", "repeat(a, 2, axis=2)", "sum(reshape(a, 0))"):
            case(file, text, "flat " + text, a=flat)
        case(file, "concat(a, b)", "mixed types meet", a=ramp(2, ty="i8"), b=ramp(2, ty="f32"), ty="f32")
        case(file, "reshape(m, 2, 2)", "reshaped bools", m=np.array([True, False, True, True]))
        case(file, "a[::n]", "a step of run time", a=ramp(10), n=np.int64(3))
        case(file, "a[::n]", "a falling step of run time", a=ramp(10), n=np.int64(-3))
        case(file, "a[8:1:n]", "a falling step with bounds", a=ramp(10), n=np.int64(-2))
        case(file, "a[-3:1:n]", "bounds from the end", a=ramp(10), n=np.int64(-2))
        case(file, "a[1:100:n]", "bounds beyond the end", a=ramp(10), n=np.int64(4))
        case(file, "a[::n, ::-n]", "two axes", a=grid, n=np.int64(2))
        case(file, "a[::n]", "a step on nothing", a=none, n=np.int64(-1))


def gathers():
    line, grid, cube = ramp(6) * 10, ramp(3, 4), ramp(2, 3, 4, ty="i32")
    i, j = np.array([2, 0, -1, 2]), np.array([1, -1, 0, 3])
    m = np.array([[0, 1], [2, -3]])
    with File("arrays/gather.hl", "Indexing by arrays of indices, as NumPy does it.") as file:
        for text in ("a[i]", "a[i] * 2", "(a + 1)[i]", "a[i + 1]", "a[m]", "a[::-1][i]", "a[i][1:3]", "sum(a[i])", "take(a, i)", "take(a, m)", "a[m[0]]"):
            used(file, text, "line", a=line, i=i, m=m)
        case(file, "sum(a[m], axis=0)", "line sum of a gather", a=line, m=m)
        for text in ("a[i]", "a[i, :]", "a[:, i - 1]", "a[i, j]", "a[i[:, newaxis], j]", "a[m, 1]", "a[1, m]", "a[..., m]", "a[m]", "a[i, 1:3]", "a[::2, i]", "a[i, newaxis, j]", "a[newaxis, i]", "sum(a[i], axis=1)", "a[i, j] + a[i, 0]", "take(a, i, axis=0)", "take(a, m, axis=1)", "take(a, i)", "a.T[j, i]"):
            used(file, text, "grid", a=grid, i=i, j=j, m=m)
        for text in ("a[:, i, j]", "a[1, i, j]", "a[m, :, 0]", "a[0, :, m]", "a[:, i]", "a[..., j]", "a[m, i[:2], 1:3]", "a[1, ..., j]", "a[newaxis, :, i, newaxis, j]"):
            used(file, text, "cube", a=cube, i=i, j=j, m=np.array([[0, -1], [0, -1]]))
        case(file, "a[i]", "small and unsigned indices", a=line, i=np.array([5, 0], dtype=np.uint8))
        case(file, "a[i]", "no indices", a=line, i=np.zeros(0, dtype=np.int64))
        case(file, "a[i]", "no indices into nothing", a=ramp(0), i=np.zeros(0, dtype=np.int32))
        case(file, "a[i, :]", "rows without elements", a=ramp(3, 0), i=np.array([2, 0]))
        case(file, "a[i, j]", "index arrays broadcast", a=grid, i=np.array([[0], [2]]), j=np.array([3, 1, 0]))


def masks():
    line = np.array([3.0, -1.0, 4.0, -1.5, 5.0, -9.0, 2.0])
    grid = ramp(3, 4)
    with File("arrays/masks.hl", "The elements where a mask is true, in C order.") as file:
        for text in ("a[a > 0]", "a[a > 100]", "a[a < 100]", "sum(a[a > 0])", "mean(a[a > 0])", "a[a > 0] * 2", "(a * a)[a < 0]", "a[::-1][a > 0]", "nonzero(a > 0)", "nonzero(a > 100)", "nonzero(floor(a / 4))", "a[a > 0][1:]", "a[nonzero(a < 0)]", "len(a[a > 0])", "reshape(a[a > 0], 2, -1)"):
            case(file, text, "line " + text.replace(":", "_"), a=line)
        for text in ("a[a > 4]", "a[a % 3 == 0]", "sum(a[a > 4])", "a.T[a.T > 4]", "a[m]", "a[m, 1]", "a[:, k]", "a[m, :][:, k]", "a[m, 1:3]", "sum(a[m], axis=0)"):
            used(file, text, "grid", a=grid, m=np.array([True, False, True]), k=np.array([False, True, True, False]))
        case(file, "a[m]", "nothing to select from", a=ramp(0), m=np.zeros(0, dtype=bool))
        case(file, "a[m]", "a grid without elements", a=ramp(3, 0), m=np.zeros((3, 0), dtype=bool))
        case(file, "a[m]", "one element", a=ramp(1) + 5, m=np.array([True]))
        long = np.arange(20000, dtype=np.int64)
        kept = long[(long * 7919) % 13 < 5]
        file.case("(sum(arange(20000)[arange(20000) * 7919 % 13 < 5]), len(nonzero(arange(20000) * 7919 % 13 < 5)))", "several blocks", [], [("i64", int(kept.sum())), ("i64", len(kept))])
        cube = np.arange(24).reshape(2, 3, 4) * 7 % 11
        for text in ("a[m]", "a[m, :]", "a[m, 0]", "a[m, ::-2]", "a[:, k]", "a[1, k]", "a[::-1, k]", "a[0:0, k]", "sum(a[m])", "(a * a)[:, k]"):
            used(file, text, "some of the axes", a=cube, m=cube[:, :, 1] > 4, k=cube[1] % 3 == 0)
        for text in ("argwhere(a)", "argwhere(a > 4)", "argwhere(a > 100)", "argwhere(a[0, :, 0])", "argwhere(a[:0])"):
            used(file, text, "where", a=cube)
        case(file, "a[m]", "some of the axes of nothing", a=ramp(0, 3, 2), m=np.zeros((0, 3), dtype=bool))
        file.case("arange(20000)[arange(20000) * 7919 % 13 < 5][5000:5004]", "several blocks in order", [], [("i64", kept[5000:5004])])


def store(file, name, statement, *, fault=None, **arrays):
    """A kernel whose last parameter `z` is written by the statement; NumPy runs it too, in a loop where it must."""
    file.section(name)
    params = ", ".join(f"{key}: mut {NAMES[value.dtype]}[{', '.join(':' * value.ndim)}]" if key == "z" else key for key, value in arrays.items())
    file.code(f"kernel k({params}) {{\n" + "\n".join(f"    {line}" for line in statement.split("\n")) + "\n}")
    for key, value in arrays.items():
        kind = NAMES[value.dtype]
        file.input(key, f"mut {kind}" if key == "z" else kind, value)


def after(file, value):
    file.after("z", NAMES[value.dtype], value)
    file.lines.append("")


def scattered(z, index, value, combine):
    """As if done one after the other in the order of the source."""
    z = z.copy()
    shape = np.zeros(z.shape)[index].shape
    places = np.arange(z.size).reshape(z.shape)[index].ravel()
    for place, item in zip(places, np.broadcast_to(value, shape).ravel()):
        z.flat[place] = combine(z.flat[place], item)
    return z


def stores():
    z, w = ramp(6), ramp(6) * 10 + 1
    grid = ramp(3, 4)
    i = np.array([1, 4, 1, -1])
    v = np.array([10.0, 20.0, 30.0, 40.0])
    last = lambda old, new: new
    with File("arrays/scatter.hl", "Stores to places that arrays select; repeated indices as if done one after the other.") as file:
        for name, op, combine in (("set", "=", last), ("add", "+=", lambda a, b: a + b), ("subtract", "-=", lambda a, b: a - b), ("multiply", "*=", lambda a, b: a * b), ("divide", "/=", lambda a, b: a / b)):
            store(file, f"{name} values", f"z[i] {op} v", z=z, i=i, v=v)
            after(file, scattered(z, i, v, combine))
            store(file, f"{name} one value", f"z[i] {op} 0.5", z=z, i=i)
            after(file, scattered(z, i, 0.5, combine))
        store(file, "smallest", "scatter_min(z, i, v - 25)", z=z, i=i, v=v)
        after(file, scattered(z, i, v - 25, min))
        store(file, "largest", "scatter_max(z, i, v)", z=z, i=i, v=v)
        after(file, scattered(z, i, v, max))
        store(file, "what is read is what was there before", "z[i] = z[:4] * 2", z=z, i=i)
        after(file, scattered(z, i, z[:4] * 2, last))
        store(file, "indices come from the array itself", "z[i64(z[:3])] += 1", z=np.array([1.0, 1.0, 0.0]))
        after(file, scattered(np.array([1.0, 1.0, 0.0]), np.array([1, 1, 0]), 1.0, lambda a, b: a + b))
        store(file, "rows", "z[i, :] += v", z=grid, i=np.array([2, 0, 2]), v=np.array([1.0, 2.0, 3.0, 4.0]))
        after(file, scattered(grid, (np.array([2, 0, 2]), slice(None)), np.array([1.0, 2.0, 3.0, 4.0]), lambda a, b: a + b))
        cube, part = ramp(2, 3, 2), np.array([[True, False, True], [False, False, True]])
        store(file, "a mask over some axes", "z[m] *= 10", z=cube, m=part)
        after(file, np.where(part[:, :, np.newaxis], cube * 10, cube))
        store(file, "a mask over the last axes", "z[:, m] = v[:2, newaxis]", z=cube, m=part.T, v=v)
        filled = cube.copy()
        filled[:, part.T] = v[:2, np.newaxis]
        after(file, filled)
        store(file, "columns", "z[1:, i] = 0", z=grid, i=np.array([3, 1]))
        after(file, scattered(grid, (slice(1, None), np.array([3, 1])), 0.0, last))
        store(file, "pairs of indices", "z[i, j] -= 1", z=grid, i=np.array([0, 0, 2]), j=np.array([1, 1, -1]))
        after(file, scattered(grid, (np.array([0, 0, 2]), np.array([1, 1, -1])), 1.0, lambda a, b: a - b))
        store(file, "integers", "z[i] += 1", z=np.zeros(4, dtype=np.int32), i=np.array([3, 1, 3, 3], dtype=np.int16))
        after(file, np.array([0, 1, 0, 3], dtype=np.int32))
        store(file, "no indices at all", "z[i] += 1", z=z, i=np.zeros(0, dtype=np.int64))
        after(file, z)
        store(file, "rows picked by a mask", "z[m, 1:] *= 2", z=grid, m=np.array([True, False, True]))
        after(file, scattered(grid, (np.array([True, False, True]), slice(1, None)), 2.0, lambda a, b: a * b))
    with File("arrays/masked_stores.hl", "Stores where a mask is true.") as file:
        mask = z % 2 == 0
        for name, op, combine in (("set", "=", last), ("add", "+=", lambda a, b: a + b), ("power", "**=", lambda a, b: a**b)):
            store(file, f"{name} one value", f"z[z % 2 == 0] {op} 2", z=z)
            after(file, scattered(z, mask, 2.0, combine))
            store(file, f"{name} values by the same mask", f"z[m] {op} w[m]", z=z, w=w / 4, m=mask)
            after(file, scattered(z, mask, (w / 4)[mask], combine))
            store(file, f"{name} as many values", f"z[m] {op} v", z=z, v=v[:3], m=mask)
            after(file, scattered(z, mask, v[:3], combine))
        store(file, "a function of the selected", "z[m] = sqrt(z[m] + w[m])", z=z, w=w * 0 + 1, m=mask)
        after(file, scattered(z, mask, np.sqrt(z + 1)[mask], last))
        store(file, "in reverse", "z[m] = z[m][::-1]", z=z, m=mask)
        after(file, scattered(z, mask, z[mask][::-1], last))
        store(file, "a grid", "z[m] = v", z=grid, v=v, m=grid % 3 == 1)
        after(file, scattered(grid, grid % 3 == 1, v, last))
        store(file, "a grid by one value", "z[z > 5] = -1", z=grid)
        after(file, scattered(grid, grid > 5, -1.0, last))
        store(file, "nothing selected", "z[z > 100] = v[:0]", z=z, v=v)
        after(file, z)
        store(file, "no elements", "z[m] = 1", z=ramp(0), m=np.zeros(0, dtype=bool))
        after(file, ramp(0))
        store(file, "a division only where it is allowed", "z[d != 0] = z[d != 0] // d[d != 0]", z=np.array([7, 8, 9]), d=np.array([2, 0, -2]))
        after(file, np.array([3, 8, -5]))
        store(file, "slices and elements in a loop", "for n in range(3) {\n    z[n, :] -= z[n, 0]\n    z[:, n] *= 2\n}", z=grid + 1)
        done = grid + 1
        for n in range(3):
            done[n, :] -= done[n, 0]
            done[:, n] *= 2
        after(file, done)
        store(file, "a whole array", "z += 1\nz *= z[::-1]\nz -= v[0]", z=z, v=v)
        after(file, (z + 1) * (z + 1)[::-1] - v[0])
        store(file, "overlapping slices", "z[1:] += z[:-1]\nz[::2] = z[::-2]", z=z)
        done = z.copy()
        done[1:] += z[:-1]
        done[::2] = done[::-2].copy()
        after(file, done)


def in_loops():
    """Arrays whose extents change from turn to turn, and stores inside branches and loops."""
    x = np.array([5.0, 1.0, 4.0, 2.0, 3.0, 9.0])
    with File("arrays/in_loops.hl", "Selections, joins and scatters inside loops, branches and functions.") as file:
        file.section("selections of changing length")
        file.code("kernel k(x: f64[:]) {\n    var total = 0.0\n    for t in range(10) {\n        let kept = x[x > t]\n        total += sum(kept) * len(kept)\n    }\n    total\n}")
        file.case(None, "call", [("x", "f64", x)], [("f64", float(sum(x[x > t].sum() * (x > t).sum() for t in range(10))))])
        file.section("joined again and again")
        file.code("kernel k(x: f64[:], n: i64) {\n    var sum_ = 0.0\n    for t in range(1, n) {\n        let long = concat(x[:t], x, tile(x[t:], t))\n        sum_ += sum(long * arange(len(long)))\n    }\n    sum_\n}")
        total = 0.0
        for t in range(1, 5):
            long = np.concatenate([x[:t], x, np.tile(x[t:], t)])
            total += (long * np.arange(len(long))).sum()
        file.case(None, "call", [("x", "f64", x), ("n", "i64", 5)], [("f64", float(total))])
        file.section("scatter in a branch of a loop")
        file.code("kernel k(z: mut f64[:], i: i64[:], turns: i64) {\n    for t in range(turns) {\n        if t % 2 == 0 { z[i] += t } else { z[z > 3] = 0 }\n    }\n}")
        z, i = np.zeros(4), np.array([1, 1, 3])
        file.input("z", "mut f64", z.copy())
        file.input("i", "i64", i)
        file.input("turns", "i64", 6)
        for t in range(6):
            if t % 2 == 0:
                np.add.at(z, i, t)
            else:
                z[z > 3] = 0
        after(file, z)
        file.section("through functions")
        file.code("fn positive(a) = a[a > 0]\nfn mark(a: mut f64[:], at: i64[:]) { a[at] = -1 }\nkernel k(z: mut f64[:], i: i64[:]) {\n    mark(z, i)\n    sum(positive(z)) + len(positive(roll(z, 1)[1:]))\n}")
        z = x.copy()
        file.input("z", "mut f64", z.copy())
        file.input("i", "i64", np.array([0, 3]))
        z[[0, 3]] = -1
        file.out("f64", float(z[z > 0].sum() + (np.roll(z, 1)[1:] > 0).sum()))
        after(file, z)
        file.section("a name keeps its value")
        file.code("kernel k(z: mut f64[:]) {\n    let rows = reshape(z, 2, -1)\n    let back = z[::-1]\n    let big = z[z > 2.5]\n    let taken = z[i64(z[:2])]\n    z[...] = 0\n    (rows, back, big, taken)\n}")
        z = np.array([1.0, 3.0, 2.0, 4.0])
        file.input("z", "mut f64", z)
        for value in (z.reshape(2, -1), z[::-1], z[z > 2.5], z[[1, 3]]):
            file.out("f64", value)
        after(file, z * 0)
        file.section("overlapping and strided arguments")
        file.code("kernel k(a, i) = (a[i], a[a > 4], ravel(a), reshape(a, -1), concat(a, a[:1]))")
        base = np.arange(12.0)
        view = base.reshape(3, 4).T[::-1, 1:]
        file.input("i", "i64", np.array([3, 0]))
        file.lines.append("#> in a: f64 = ramp(12) view 7 4x2 -1x4")
        for value in (view[[3, 0]], view[view > 4], view.ravel(), view.ravel(), np.concatenate([view, view[:1]])):
            file.out("f64", value)
        file.lines.append("")
