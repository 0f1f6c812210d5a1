"""Statistics, positions and masked reductions: the same text evaluated by NumPy.

The data are whole numbers in groups of two and four, so that means and variances are exact and their order is open.
"""

import math

import numpy as np

from arrays import ENV, ramp, reduction
from table import NAMES, NUMPY, File

NAN = math.nan


def norm(x, axis=None, keepdims=False):
    return np.sqrt(np.sum(np.square(x), axis=axis, keepdims=keepdims))


MORE = {
    **ENV,
    **{name: getattr(np, name) for name in ("sum", "prod", "min", "max", "mean", "any", "all", "var", "std", "ptp", "argmin", "argmax")},
    **{name: getattr(np, name) for name in ("count_nonzero", "nansum", "nanprod", "nanmin", "nanmax", "nanmean", "nanvar", "nanstd", "nanargmin", "nanargmax")},
    "norm": norm,
}


def case(file, text, name="", notes=(), ty=None, **arrays):
    inputs = [(key, NAMES[value.dtype], value) for key, value in arrays.items()]
    result = np.asarray(eval(text, {**MORE, **arrays}))
    kind = ty or NAMES[result.dtype]
    file.case(text, name or text.replace(" ", "").replace(":", "_"), inputs, [(kind, result.astype(NUMPY[kind])[()])], notes)


def make():
    statistics()
    positions()
    masks()


def statistics():
    grid = np.array([[3.0, 1, 2, 6], [5, 9, 7, 7], [0, 0, 8, 4], [2, 2, 2, 2]])
    cube = np.array([4, 1, 3, 8, 9, 2, 7, 6], dtype=np.int32).reshape(2, 2, 2)
    line = np.array([2, 4, 4, 4, 5, 5, 7, 9], dtype=np.float32)
    with File("reduce/statistics.hl", "Variances, norms and counts over all, one and several axes.") as file:
        for name in ("var", "std", "norm", "ptp", "count_nonzero"):
            for axis in ("", ", axis=0", ", axis=-1", ", axis=(0, 1)", ", axis=0, keepdims=true", ", keepdims=true"):
                if (name, axis) != ("ptp", ", axis=(0, 1)") and not (name == "count_nonzero" and axis == ", keepdims=true"):
                    case(file, f"{name}(a{axis})", a=grid)
            case(file, f"{name}(a)", f"{name} of i32", a=cube)
            case(file, f"{name}(a, axis=1)", f"{name} of i32 along an axis", a=cube)
            file.lines.pop()
            file.lines += ["#> extend", ""]
        for text in ("var(a)", "std(a)", "norm(a)"):
            case(file, text, f"{text} of f32", a=line)
        case(file, "var(a, ddof=1)", "f64 with ddof", a=np.array([1.0, 3.0]))
        case(file, "var(a, axis=0, ddof=1)", "ddof along an axis", a=grid[:2])
        case(file, "std(a, axis=1, ddof=2)", "two degrees of freedom", a=grid)
        case(file, "var(a, ddof=0.5)", "a fraction of a degree", a=np.array([1.0, 3.0]))
        file.case("var(a, ddof=n)", "as many degrees as elements", [("a", "f64", [1, 3]), ("n", "i64", 2)], [("f64", math.inf)])
        file.case("var(a, ddof=1)", "one element has no spread to divide", [("a", "f64", [5])], [("f64", NAN)])
        file.case("(var(a), std(a), norm(a))", "one element", [("a", "f32", [-5])], [("f32", 0), ("f32", 0), ("f32", 5)])
        case(file, "count_nonzero(a > 2)", "of bools", a=grid)
        case(file, "count_nonzero(a > 2, axis=0)", "of bools along an axis", a=grid)
        case(file, "count_nonzero(a)", "NaN is not 0", a=np.array([0.0, -0.0, NAN, 1]))
        case(file, "(a - mean(a, axis=0)) / std(a, axis=0)", "standardized", a=grid[:2] * [1, 1, 1, 2])
        case(file, "var(a[:, ::2], axis=1)", "every other column", a=grid)
        case(file, "var(a[::-1, 1], ddof=1) + 0 * a[0]", "a column from below", a=grid[1:3])
        for name in ("var", "std", "ptp"):
            file.case(f"{name}(a)", f"{name} of nothing", [("a", "f64", [])], [], ['fault "no elements"'])
        file.case("(norm(a), count_nonzero(a))", "norm of nothing", [("a", "f64", [])], [("f64", 0), ("i64", 0)])
        file.case("(var(a, axis=0), count_nonzero(a, axis=1))", "no columns", [("a", "f64", "fill(0, 3x0)")], [("f64", []), ("i64", [0, 0, 0])])
        for text in ("var(a)", "std(a, axis=0)", "var(a, axis=-1, ddof=1)", "norm(a, axis=0)", "ptp(a, axis=0)"):
            for ty in ("f32", "f64"):
                file.case(text, f"{text} of {ty} numbers".replace(" ", ""), [("a", ty, "random(7, 37x19, -3, 5)")], [])
        file.case("var(a)", "several blocks", [("a", "f64", "random(3, 9001, 0, 1)")], [])


def positions():
    grid = np.array([[3.0, 1, 7], [7, 1, 2]])
    nans = np.array([[1.0, NAN, 3, NAN], [4, 2, 9, 0]])
    with File("reduce/positions.hl", "Where the extreme value stands: the first one, or the first NaN.") as file:
        for name in ("argmin", "argmax"):
            for axis in ("", ", axis=0", ", axis=1", ", axis=-2", ", axis=1, keepdims=true", ", keepdims=true"):
                case(file, f"{name}(a{axis})", a=grid)
                case(file, f"{name}(a{axis})", f"{name} NaN {axis}".replace(", ", " "), a=nans)
            for ty in ("i8", "u16", "i64", "u64", "f32"):
                case(file, f"{name}(a)", f"{name} of {ty}", ["extend"], a=np.array([3, 1, 2, 7, 1, 7], dtype=NUMPY[ty]))
            case(file, f"{name}(a)", f"{name} of bools", a=np.array([False, True, False, True]))
            file.case(f"{name}(a)", f"{name} of nothing", [("a", "f64", [])], [], ['fault "no elements"'])
            file.case(f"{name}(a, axis=0)", f"{name} of no rows", [("a", "f64", "fill(0, 0x2)")], [], ['fault "no elements"'])
            file.case(f"{name}(a, axis=0)", f"{name} of no columns", [("a", "f64", "fill(0, 2x0)")], [("i64", [])])
            file.case(f"{name}(a)", f"{name} of one", [("a", "f32", [2])], [("i64", 0)])
            case(file, f"{name}(a[::-1, ::2])", f"{name} of a view", a=nans)
            case(file, f"{name}(a * a - b)", f"{name} of an expression", a=grid, b=ramp(3))
            for n in (1, 2, 8, 32, 33):
                lines = (np.arange(21 * n) * 7 % 11).reshape(21, n)
                for ty in ("f64", "i32", "u8"):
                    case(file, f"{name}(a, axis=1)", f"{name} of lines of {n} {ty}", a=lines.astype(NUMPY[ty]))
                case(file, f"{name}(a, axis=1)", f"{name} of lines of {n} with NaN", a=np.where(lines % 5 == 3, NAN, lines))
            case(file, f"{name}(a, axis=1)", f"{name} of infinite lines", a=np.full((9, 4), np.inf if name == "argmin" else -np.inf))
            case(file, f"{name}(a, axis=2)", f"{name} of lines of planes", a=(np.arange(120.0) * 7 % 11).reshape(4, 6, 5))
            file.case(f"{name}(a)", f"{name} of many", [("a", "f32", "random(11, 10007, -1, 1)")], [])
            file.case(f"{name}(a, axis=0)", f"{name} down many", [("a", "f64", "random(11, 203x31, -1, 1)")], [])
        file.case("(argmin(a), argmax(a))", "zeros are equal", [("a", "f64", [0.0, -0.0, 0.0])], [("i64", 0), ("i64", 0)])
        file.case("(argmax(a), argmin(a))", "all infinite", [("a", "f64", [math.inf, math.inf])], [("i64", 0), ("i64", 0)])
        cube = np.array([5, 1, 4, 4, 0, 9, 2, 9, 3, 8, 7, 6]).reshape(2, 3, 2)
        pairs = cube.transpose(1, 0, 2).reshape(3, 4)
        file.case("argmax(a, axis=(0, 2))", "over two axes", [("a", "i64", cube)], [("i64", pairs.argmax(axis=1))])
        file.case("argmin(a, axis=(0, 2), keepdims=true)", "over two axes, kept", [("a", "i64", cube)], [("i64", pairs.argmin(axis=1).reshape(1, 3, 1))])
        file.case("argmax(a, axis=(2, 1))", "over the last two axes", [("a", "i64", cube)], [("i64", cube.reshape(2, 6).argmax(axis=1))])
        file.case("a[argmax(a)]", "as an index", [("a", "f64", [1, 5, 3])], [("f64", 5)])


def masks():
    grid = np.array([[3.0, 1, 2, 6], [5, 9, 7, 7], [0, 0, 8, 4], [2, 2, 2, 2]])
    mask = np.array([[1, 0, 1, 0], [1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]], dtype=bool)
    nans = np.array([[1.0, NAN, 3, NAN], [4, 2, NAN, 0]])
    with File("reduce/masks.hl", "Reductions of the elements for which a mask holds, and of those that are not NaN.") as file:
        for name in ("sum", "prod", "mean", "var", "std"):
            for more in ("where=m", "axis=0, where=m", "axis=1, where=m, keepdims=true"):
                case(file, f"{name}(a, {more})", a=grid, m=mask)
        for name in ("min", "max"):
            for axis in (None, 0, 1):
                start = math.inf if name == "min" else -math.inf
                value = getattr(np, name)(grid, axis=axis, where=mask, initial=start)
                more = "" if axis is None else f", axis={axis}"
                file.case(f"{name}(a, where=m{more})", f"{name}{more}".replace(" ", ""), [("a", "f64", grid), ("m", "bool", mask)], [("f64", value)])
        for name, best in (("argmin", np.nanargmin), ("argmax", np.nanargmax)):
            for axis in (None, 0, 1):
                more = "" if axis is None else f", axis={axis}"
                value = best(np.where(mask, grid, NAN), axis=axis)
                file.case(f"{name}(a, where=m{more})", f"{name}{more}".replace(" ", ""), [("a", "f64", grid), ("m", "bool", mask)], [("i64", value)])
        case(file, "sum(a, where=a > 2)", "a condition", a=grid)
        case(file, "sum(a, where=m[0])", "a row as mask", a=grid, m=mask)
        case(file, "mean(a, where=m[:, 1:2])", "a column as mask", a=grid, m=mask)
        case(file, "var(a, where=m, ddof=1)", "ddof from the count that takes part", a=grid[:, :2], m=mask[:, :2])
        case(file, "any(m, where=a > 5, axis=0)", "any", a=grid, m=mask)
        case(file, "all(m, where=a > 5, axis=0)", "all", a=grid, m=mask)
        file.case("sum(a, where=true)", "a scalar mask", [("a", "i8", [100, 100])], [("i64", 200)])
        file.case("count_nonzero(a, where=a > 0)", "count", [("a", "i32", [1, 0, -1, 2])], [("i64", 2)])
        file.case("ptp(a, where=a > 0)", "spread", [("a", "i32", [1, 0, -1, 7])], [("i32", 6)])
        file.case("norm(a, where=a > 0)", "norm", [("a", "f64", [3, -100, 4])], [("f64", 5)])
        file.case("(sum(a, where=a > 9), prod(a, where=a > 9))", "none takes part", [("a", "f64", [1, 2])], [("f64", 0), ("f64", 1)])
        file.case("sum(7 // a, where=a != 0)", "what does not take part cannot fault", [("a", "i64", [0, 2, 0])], [("i64", 3)])
        for text in ("min(a, where=a > 9)", "max(a, axis=0, where=m)", "mean(a, where=a > 9)", "argmax(a, where=a > 9)", "var(a, axis=1, where=m)", "nanmin(a * nan)", "nanmean(a * nan)", "ptp(a, where=a > 9)"):
            file.case(text, f"none for {text}".replace(" ", "").replace(":", "_"), [("a", "f64", [[1, 2], [3, 4]]), ("m", "bool", [[True, False], [False, False]])][: 2 if "=m" in text else 1], [], ['fault "no elements"'])
        file.case("max(a, axis=0, where=a > 9)", "no results, no fault", [("a", "f64", "fill(0, 2x0)")], [("f64", [])])
        for name in ("nansum", "nanprod", "nanmin", "nanmax", "nanmean", "nanvar", "nanstd", "nanargmin", "nanargmax"):
            for axis in ("", ", axis=1"):
                case(file, f"{name}(a{axis})", a=nans[:, [0, 1, 3] if "var" in name or "std" in name or "mean" in name else slice(None)])
        file.case("(nansum(a), nanmax(a))", "integers have no NaN", [("a", "i16", [3, -4])], [("i64", -1), ("i16", 3)])
        file.case("nanmean(a, where=a > 1)", "a mask and NaNs", [("a", "f64", [NAN, 1, 2, 4])], [("f64", 3)])
        for text in ("sum(a, where=a > 0)", "max(a, where=a > 0, axis=0)", "nanvar(a)", "mean(a, where=a > 0, axis=1)"):
            file.case(text, f"{text} of many".replace(" ", ""), [("a", "f32", "random(5, 33x129, -1, 1)")], [])
        file.section("not a mask")
        file.code('#! error E0113 36 "a condition must be a bool"\nkernel k(a: f64[:]) = sum(a, where=a)\n#> in a: f64 = [1]')
        file.section("too many axes")
        file.code('#! error E0121 51 "the mask has 2 axes, the array 1" hint "at most the axes"\nkernel k(a: f64[:], m: bool[:, :]) = sum(a, where=m)\n#> in a: f64 = [1]\n#> in m: bool = [[true]]')
        file.section("ddof of a sum")
        file.code('#! error E0110 30-33 "`sum` has no keyword argument `ddof`" hint "axis, keepdims, where"\nkernel k(a: f64[:]) = sum(a, ddof=1)\n#> in a: f64 = [1]')
        file.section("position of a scalar")
        file.code('#! error E0111 20-28 "`argmax` needs an array"\nkernel k(a: f64) = argmax(a)\n#> in a: f64 = 1')
