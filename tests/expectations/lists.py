"""Arrays that are written out element by element: what NumPy makes of the same lists."""

import numpy as np

from table import File

F64 = np.array([1.5, -2.0, 3.25, 0.5, 8.0])
F32 = F64.astype(np.float32)
I8 = np.array([1, -2, 3, 4, 5], np.int8)


def make():
    with File("arrays/lists.hl", "Arrays written out element by element, rows of them, and arrays in lists.") as file:
        literals(file)
        computed(file)
        arrays(file)
        in_code(file)
        faults(file)


def literals(file):
    three = np.array([1, 2, 3])
    file.case("([1, 2, 3], [1, 2.5], [true, false], [-1, +2])", "lists of literals", [],
              [("i64", three), ("f64", np.array([1, 2.5])), ("bool", np.array([True, False])), ("i64", np.array([-1, 2]))])
    file.case("([[1, 2], [3, 4]], [[[1], [2]]], [7], [[7]])", "lists in lists", [],
              [("i64", np.array([[1, 2], [3, 4]])), ("i64", np.array([[[1], [2]]])), ("i64", np.array([7])), ("i64", np.array([[7]]))])
    file.case("([1f32, 2], [1u8, 2i32], [1, 2i8, 0.5], [1, 2j])", "elements meet as operands do", [],
              [("f32", np.array([1, 2], np.float32)), ("i32", np.array([1, 2], np.int32)), ("f64", np.array([1, 2, 0.5])), ("c128", np.array([1, 2j]))])
    file.case("([nan, -inf, -0.0], [0x10, 1_000])", "literals of every form", [],
              [("f64", np.array([np.nan, -np.inf, -0.0])), ("i64", np.array([16, 1000]))])
    weights = [0.25, 0.5, 0.125, 2, -1]
    file.case("x * [0.25, 0.5, 0.125, 2, -1]", "bare numbers take the type of a narrow float", [("x", "f32", F32)], [("f32", F32 * np.array(weights, np.float32))])
    file.case("x + [1, 2, 3, 4, 5]", "bare numbers take the type of a narrow integer", [("x", "i8", I8)], [("i8", I8 + np.array([1, 2, 3, 4, 5], np.int8))])
    file.case("x[:2, newaxis] * [[1, 2, 3], [4, 5, 6]]", "rows of bare numbers are as weak", [("x", "f32", F32)], [("f32", F32[:2, None] * np.array([[1, 2, 3], [4, 5, 6]], np.float32))])
    file.case("where(x > 0, x, [10, 20, 30, 40, 50])", "list in a choice", [("x", "f64", F64)], [("f64", np.where(F64 > 0, F64, [10, 20, 30, 40, 50]))])


def computed(file):
    x = F64
    file.case("[x[0], 2 * x[1], sum(x), 1]", "computed elements", [("x", "f64", x)], [("f64", np.array([x[0], 2 * x[1], x.sum(), 1]))])
    file.case("[[len(x), 1], [2, len(x) - 1]]", "computed elements in rows", [("x", "f64", x)], [("i64", np.array([[5, 1], [2, 4]]))])
    file.case("[min(x), mean(x), max(x)][::-1]", "slice of a list", [("x", "f64", x)], [("f64", np.array([x.max(), x.mean(), x.min()]))])
    file.case("sum([x[0], x[1], 3] * [x[2], x[3], 1])", "products of two lists", [("x", "f64", x)], [("f64", np.float64(x[0] * x[2] + x[1] * x[3] + 3))])
    file.case("[[1, 2], [3, 4]] @ [x[0], x[1]]", "matrix written out", [("x", "f64", x)], [("f64", np.array([[1, 2], [3, 4]]) @ x[:2])])
    file.case("[x[0] > 0, x[1] > 0]", "bools", [("x", "f64", x)], [("bool", np.array([True, False]))])
    file.case("x[[4, 0, 1, 0]]", "list as an index", [("x", "f64", x)], [("f64", x[[4, 0, 1, 0]])])
    file.case("x[[true, false, true, false, true]]", "list as a mask", [("x", "f64", x)], [("f64", x[[0, 2, 4]])])


def arrays(file):
    x, y = F64[:3], np.array([7, 8, 9], np.int32)
    both = [("x", "f64", x), ("y", "i32", y)]
    file.case("[x, y, x + y]", "arrays become rows", both, [("f64", np.array([x, y, x + y]))], ["extend"])
    file.case("[[x, y], [y, x]]", "arrays in lists of lists", both, [("f64", np.array([[x, y], [y, x]]))])
    file.case("[x, [1, 2, 3]]", "an array and a list", both, [("f64", np.array([x, [1, 2, 3]]))])
    file.case("concat(x, [1, 2])", "list to join", both, [("f64", np.concatenate([x, [1, 2]]))])


def in_code(file):
    x = F64
    file.section("list in a variable")
    file.code("kernel k(x) {\n    var a = [1, 2, x[0]]\n    for i in range(3) {\n        a[i] += [10, 20, 30][i]\n    }\n    a\n}")
    file.case(None, "call", [("x", "f64", x)], [("f64", np.array([11, 22, x[0] + 30]))])
    file.section("list of what it replaces")
    file.code("kernel k(x) {\n    var state = [x[0], x[1]]\n    for i in range(4) {\n        state = [state[1], state[0] + state[1]]\n    }\n    state\n}")
    a, b = x[0], x[1]
    for _ in range(4):
        a, b = b, a + b
    file.case(None, "call", [("x", "f64", x)], [("f64", np.array([a, b]))])
    file.section("list as an argument")
    file.code("fn smooth(x, w) = w[0] * x[:-2] + w[1] * x[1:-1] + w[2] * x[2:]\nkernel k(x) = smooth(x, [1, 2, 1]) / 4")
    file.case(None, "call", [("x", "f32", F32)], [("f32", (F32[:-2] + 2 * F32[1:-1] + F32[2:]) / np.float32(4))])
    file.section("list stored in a row")
    file.code("kernel k(x) {\n    var m = zeros(2, 2)\n    m[0] = [x[0], x[1]]\n    m[:, 1] += [1, 2]\n    m\n}")
    file.case(None, "call", [("x", "f64", x)], [("f64", np.array([[x[0], x[1] + 1], [0, 2]]))])


def faults(file):
    x = np.array([4, 5, 6])
    file.case("[1, x[0] // n]", "a division in an element", [("x", "i64", x), ("n", "i64", 0)], [], ['fault "division of 4 by zero"'])
    file.case("[1, 2][n] + x[0]", "an index past the end", [("x", "i64", x), ("n", "i64", 2)], [], ['fault "index 2 is out of range for axis 0, which has 2 elements"'])
    file.case("[x, x[1:]]", "arrays of two lengths", [("x", "i64", x)], [], ['fault "axis 0 of `x` has 3 elements, but 2 were expected"'])
    file.case("[1, 2] + x", "operands of two lengths", [("x", "i64", x)], [], ['fault "axis 0 of `x` has 3 elements, but 2 were expected"'])
