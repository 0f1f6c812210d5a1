"""Programs of nested loops, written as one writes them for Numba, and computed again by the same loops in Python.

Python's floats round as the language's do, one operation at a time and in the order written, so nothing is allowed for.
"""

import math

import numpy as np

from table import File, wrap

RNG = np.random.default_rng(11)


def make():
    floyd_warshall()
    lu()
    triangular()
    gram_schmidt()
    nussinov()
    adi()
    seidel()
    durbin()
    deriche()
    kmeans()
    monte_carlo()
    sorting()
    prefix_sums()
    levenshtein()
    deep()
    edges()
    grouped()
    met()
    short()


def grid(n, m, low=-4, high=4):
    return RNG.integers(low * 8, high * 8, (n, m)) / 8.0


def wide(values):
    """A block of memory that has the values in every second column."""
    rows, columns = values.shape
    memory = np.full((rows, 2 * columns + 1), 99.0)
    memory[:, 1::2] = values
    return memory


def column_view(values):
    """The text of an argument that is a window on such a block."""
    rows, columns = values.shape
    text = "[" + ", ".join("[" + ", ".join(repr(float(x)) for x in row) + "]" for row in wide(values)) + "]"
    return f"{text} view 1 {rows}x{columns} {2 * columns + 1}x2"


def changed(file, name, text_inputs, after, notes=()):
    """A case of a kernel that writes its first argument."""
    file.case(None, name, text_inputs, [], notes)
    file.lines.pop()
    file.after(*after)
    file.lines.append("")


def floyd_warshall():
    text = """
kernel floyd_warshall(d: mut f64[:, :]) {
    let n = len(d)
    for k in range(n) {
        for i in range(n) {
            for j in range(n) {
                if d[i, k] + d[k, j] < d[i, j] { d[i, j] = d[i, k] + d[k, j] }
            }
        }
    }
}
"""

    def run(d):
        d = d.copy()
        n = len(d)
        for k in range(n):
            for i in range(n):
                for j in range(n):
                    if d[i, k] + d[k, j] < d[i, j]:
                        d[i, j] = d[i, k] + d[k, j]
        return d

    with File("loops/floyd_warshall.hl", "All shortest paths, in place, by three loops.") as file:
        file.code(text)
        for n in (1, 2, 7, 19):
            d = RNG.integers(1, 90, (n, n)).astype(float)
            d[RNG.random((n, n)) < 0.4] = np.inf
            np.fill_diagonal(d, 0.0)
            changed(file, f"{n} towns", [("d", "mut f64", d)], ("d", "f64", run(d)))
        d = np.array([[0.0, 3.0, np.nan], [-1.0, -0.0, 2.0], [np.inf, -5.0, 0.0]])
        changed(file, "a negative cycle and a NaN", [("d", "mut f64", d)], ("d", "f64", run(d)))
        d = grid(4, 4, 0, 9)
        changed(file, "every second column", [("d", "mut f64", column_view(d))], ("d", "f64", wide(run(d))))
        file.case(None, "none", [("d", "mut f64", "fill(0, 0x0)")])
        file.case(None, "more towns than columns", [("d", "mut f64", grid(3, 2))], [], ['fault "index 2 is out of range for axis 1 of `d`"'])


def lu():
    text = """
kernel lu(a: mut f64[:, :]) {
    let n = len(a)
    for i in range(n) {
        for j in range(i) {
            for k in range(j) { a[i, j] -= a[i, k] * a[k, j] }
            a[i, j] /= a[j, j]
        }
        for j in range(i, n) {
            for k in range(i) { a[i, j] -= a[i, k] * a[k, j] }
        }
    }
}

kernel determinant(a: mut f64[:, :]) {
    let n = len(a)
    var det = 1.0
    for k in range(n) {
        var best = k
        for i in range(k + 1, n) {
            if abs(a[i, k]) > abs(a[best, k]) { best = i }
        }
        if a[best, k] == 0.0 { return 0.0 }
        if best != k {
            for j in range(k, n) {
                let t = a[k, j]
                a[k, j] = a[best, j]
                a[best, j] = t
            }
            det = -det
        }
        det *= a[k, k]
        for i in range(k + 1, n) {
            let f = a[i, k] / a[k, k]
            for j in range(k + 1, n) { a[i, j] -= f * a[k, j] }
        }
    }
    det
}
"""

    def run(a):
        a = a.copy()
        n = len(a)
        for i in range(n):
            for j in range(i):
                for k in range(j):
                    a[i, j] -= a[i, k] * a[k, j]
                a[i, j] /= a[j, j]
            for j in range(i, n):
                for k in range(i):
                    a[i, j] -= a[i, k] * a[k, j]
        return a

    def determinant(a):
        a = a.copy()
        n = len(a)
        det = 1.0
        for k in range(n):
            best = k
            for i in range(k + 1, n):
                if abs(a[i, k]) > abs(a[best, k]):
                    best = i
            if a[best, k] == 0.0:
                return 0.0
            if best != k:
                a[[k, best], k:] = a[[best, k], k:]
                det = -det
            det *= a[k, k]
            for i in range(k + 1, n):
                f = a[i, k] / a[k, k]
                for j in range(k + 1, n):
                    a[i, j] -= f * a[k, j]
        return det

    with File("loops/lu.hl", "Factors of a matrix in place, with and without exchanged rows.") as file:
        file.code(text)
        for n in (1, 2, 5, 12):
            a = grid(n, n) + 20 * np.eye(n)
            changed(file, f"lu of {n} rows", [("a", "mut f64", a)], ("a", "f64", run(a)))
            lines = file.lines
            lines.insert(max(i for i, line in enumerate(lines) if line.startswith("#> case")) + 1, "#> kernel lu")
        a = grid(3, 3) + 9 * np.eye(3)
        file.case(None, "lu of every second column", [("a", "mut f64", column_view(a))], [], kernel="lu")
        file.lines.pop()
        file.after("a", "f64", wide(run(a)))
        file.lines.append("")
        file.case(None, "lu of nothing", [("a", "mut f64", "fill(0, 0x0)")], [], kernel="lu")
        for n in (1, 3, 8):
            a = grid(n, n)
            file.case(None, f"determinant of {n} rows", [("a", "mut f64", a)], [("f64", determinant(a))], kernel="determinant")
        a = np.ones((4, 4))
        file.case(None, "a determinant of equal rows", [("a", "mut f64", a)], [("f64", determinant(a))], kernel="determinant")
        file.case(None, "a determinant of too few columns", [("a", "mut f64", grid(3, 2))], [], ['fault "index 2 is out of range"'], kernel="determinant")


def triangular():
    text = """
kernel forward(l: f64[:, :], b: f64[:]) {
    let n = len(b)
    var x = zeros(n)
    for i in range(n) {
        var s = b[i]
        for j in range(i) { s -= l[i, j] * x[j] }
        x[i] = s / l[i, i]
    }
    x
}

kernel backward(u: f64[:, :], b: f64[:]) {
    let n = len(b)
    var x = zeros(n)
    for i in range(n - 1, -1, -1) {
        x[i] = b[i]
        for j in range(i + 1, n) { x[i] -= u[i, j] * x[j] }
        x[i] /= u[i, i]
    }
    x
}

kernel by_columns(l: f64[:, :], x: mut f64[:]) {
    for j in range(len(x)) {
        x[j] /= l[j, j]
        for i in range(j + 1, len(x)) { x[i] -= l[i, j] * x[j] }
    }
}
"""

    def forward(l, b):
        x = np.zeros(len(b))
        for i in range(len(b)):
            s = b[i]
            for j in range(i):
                s -= l[i, j] * x[j]
            x[i] = s / l[i, i]
        return x

    def backward(u, b):
        n = len(b)
        x = np.zeros(n)
        for i in range(n - 1, -1, -1):
            x[i] = b[i]
            for j in range(i + 1, n):
                x[i] -= u[i, j] * x[j]
            x[i] /= u[i, i]
        return x

    def by_columns(l, b):
        x = b.copy()
        for j in range(len(x)):
            x[j] /= l[j, j]
            for i in range(j + 1, len(x)):
                x[i] -= l[i, j] * x[j]
        return x

    with File("loops/triangular.hl", "Triangular systems, forward, backward and column by column.") as file:
        file.code(text)
        for n in (0, 1, 3, 21):
            m, b = grid(n, n) + 5 * np.eye(n), grid(1, n)[0]
            file.case(None, f"forward {n}", [("l", "f64", m), ("b", "f64", b)], [("f64", forward(m, b))], kernel="forward")
            file.case(None, f"backward {n}", [("u", "f64", m), ("b", "f64", b)], [("f64", backward(m, b))], kernel="backward")
            file.case(None, f"by columns {n}", [("l", "f64", m), ("x", "mut f64", b)], [], kernel="by_columns")
            file.lines.pop()
            file.after("x", "f64", by_columns(m, b))
            file.lines.append("")
        m, b = grid(4, 4) + 5 * np.eye(4), grid(1, 4)[0]
        file.case(None, "forward of a view", [("l", "f64", column_view(m)), ("b", "f64", b)], [("f64", forward(m, b))], kernel="forward")
        file.case(None, "forward of too small a matrix", [("l", "f64", grid(2, 2)), ("b", "f64", b)], [], ['fault "index 2 is out of range for axis 0 of `l`"'], kernel="forward")


def gram_schmidt():
    text = """
kernel gram_schmidt(a: mut f64[:, :], r: mut f64[:, :]) {
    let m = len(a); let n = shape(a, 1)
    for k in range(n) {
        var norm2 = 0.0
        for i in range(m) { norm2 += a[i, k] * a[i, k] }
        r[k, k] = sqrt(norm2)
        for i in range(m) { a[i, k] /= r[k, k] }
        for j in range(k + 1, n) {
            r[k, j] = 0.0
            for i in range(m) { r[k, j] += a[i, k] * a[i, j] }
            for i in range(m) { a[i, j] -= a[i, k] * r[k, j] }
        }
    }
}
"""

    def run(a):
        a = a.copy()
        m, n = a.shape
        r = np.zeros((n, n))
        for k in range(n):
            norm2 = 0.0
            for i in range(m):
                norm2 += a[i, k] * a[i, k]
            r[k, k] = math.sqrt(norm2)
            for i in range(m):
                a[i, k] /= r[k, k]
            for j in range(k + 1, n):
                r[k, j] = 0.0
                for i in range(m):
                    r[k, j] += a[i, k] * a[i, j]
                for i in range(m):
                    a[i, j] -= a[i, k] * r[k, j]
        return a, r

    with File("loops/gram_schmidt.hl", "Columns made orthonormal, in place, with the factor that brings them back.") as file:
        file.code(text)
        for m, n in ((1, 1), (3, 2), (9, 5), (20, 8)):
            a = grid(m, n)
            q, r = run(a)
            file.case(None, f"{m} by {n}", [("a", "mut f64", a), ("r", "mut f64", np.zeros((n, n)))])
            file.lines.pop()
            file.after("a", "f64", q)
            file.after("r", "f64", r)
            file.lines.append("")
        file.case(None, "no columns", [("a", "mut f64", "fill(0, 3x0)"), ("r", "mut f64", "fill(0, 0x0)")])
        a = grid(4, 3)
        q, r = run(a)
        file.case(None, "every second column", [("a", "mut f64", column_view(a)), ("r", "mut f64", np.zeros((3, 3)))])
        file.lines.pop()
        file.after("a", "f64", wide(q))
        file.after("r", "f64", r)
        file.lines.append("")
        file.case(None, "a small r", [("a", "mut f64", a), ("r", "mut f64", np.zeros((2, 2)))], [], ['fault "index 2 is out of range for axis 1 of `r`"'])


def nussinov():
    text = """
fn pairs(a: i8, b: i8) -> i32 = if a + b == 3 then 1 else 0

kernel nussinov(seq: i8[:]) {
    let n = len(seq)
    var t = zeros(n, n, dtype=i32)
    for i in range(n - 1, -1, -1) {
        for j in range(i + 1, n) {
            if j >= 1 { t[i, j] = max(t[i, j], t[i, j - 1]) }
            if i + 1 < n { t[i, j] = max(t[i, j], t[i + 1, j]) }
            if i < j - 1 {
                t[i, j] = max(t[i, j], t[i + 1, j - 1] + pairs(seq[i], seq[j]))
            } else {
                t[i, j] = max(t[i, j], t[i + 1, j - 1])
            }
            for k in range(i + 1, j) { t[i, j] = max(t[i, j], t[i, k] + t[k + 1, j]) }
        }
    }
    t
}
"""

    def run(seq):
        n = len(seq)
        t = np.zeros((n, n), dtype=np.int32)
        for i in range(n - 1, -1, -1):
            for j in range(i + 1, n):
                t[i, j] = max(t[i, j], t[i, j - 1], t[i + 1, j])
                inner = int(seq[i]) + int(seq[j]) == 3 if i < j - 1 else 0
                t[i, j] = max(t[i, j], t[i + 1, j - 1] + inner)
                for k in range(i + 1, j):
                    t[i, j] = max(t[i, j], t[i, k] + t[k + 1, j])
        return t

    with File("loops/nussinov.hl", "Base pairs of an RNA: a triangle filled from below, with an inner maximum.") as file:
        file.code(text)
        for n in (0, 1, 2, 3, 9, 26):
            seq = RNG.integers(0, 4, n).astype(np.int8)
            file.case(None, f"{n} bases", [("seq", "i8", seq)], [("i32", run(seq))])


def adi():
    text = """
kernel adi(u: mut f64[:, :], steps: i64) {
    let n = len(u)
    var v = zeros(n, n); var p = zeros(n, n); var q = zeros(n, n)
    let a = -0.25; let b = 1.5; let c = -0.25
    for t in range(steps) {
        for i in range(1, n - 1) {
            v[0, i] = 1.0
            p[i, 0] = 0.0
            q[i, 0] = v[0, i]
            for j in range(1, n - 1) {
                p[i, j] = -c / (a * p[i, j - 1] + b)
                q[i, j] = (0.25 * u[j, i - 1] + 0.5 * u[j, i] + 0.25 * u[j, i + 1] - a * q[i, j - 1]) / (a * p[i, j - 1] + b)
            }
            v[n - 1, i] = 1.0
            for j in range(n - 2, 0, -1) { v[j, i] = p[i, j] * v[j + 1, i] + q[i, j] }
        }
        for i in range(1, n - 1) {
            u[i, 0] = 1.0
            p[i, 0] = 0.0
            q[i, 0] = u[i, 0]
            for j in range(1, n - 1) {
                p[i, j] = -c / (a * p[i, j - 1] + b)
                q[i, j] = (0.25 * v[i - 1, j] + 0.5 * v[i, j] + 0.25 * v[i + 1, j] - a * q[i, j - 1]) / (a * p[i, j - 1] + b)
            }
            u[i, n - 1] = 1.0
            for j in range(n - 2, 0, -1) { u[i, j] = p[i, j] * u[i, j + 1] + q[i, j] }
        }
    }
}
"""

    def run(u, steps):
        u = u.copy()
        n = len(u)
        v, p, q = np.zeros((n, n)), np.zeros((n, n)), np.zeros((n, n))
        a, b, c = -0.25, 1.5, -0.25
        for _ in range(steps):
            for i in range(1, n - 1):
                v[0, i], p[i, 0], q[i, 0] = 1.0, 0.0, 1.0
                for j in range(1, n - 1):
                    p[i, j] = -c / (a * p[i, j - 1] + b)
                    q[i, j] = (0.25 * u[j, i - 1] + 0.5 * u[j, i] + 0.25 * u[j, i + 1] - a * q[i, j - 1]) / (a * p[i, j - 1] + b)
                v[n - 1, i] = 1.0
                for j in range(n - 2, 0, -1):
                    v[j, i] = p[i, j] * v[j + 1, i] + q[i, j]
            for i in range(1, n - 1):
                u[i, 0], p[i, 0], q[i, 0] = 1.0, 0.0, 1.0
                for j in range(1, n - 1):
                    p[i, j] = -c / (a * p[i, j - 1] + b)
                    q[i, j] = (0.25 * v[i - 1, j] + 0.5 * v[i, j] + 0.25 * v[i + 1, j] - a * q[i, j - 1]) / (a * p[i, j - 1] + b)
                u[i, n - 1] = 1.0
                for j in range(n - 2, 0, -1):
                    u[i, j] = p[i, j] * u[i, j + 1] + q[i, j]
        return u

    with File("loops/adi.hl", "Alternating directions: tridiagonal sweeps along columns, then along rows.") as file:
        file.code(text)
        for n, steps in ((3, 1), (6, 2), (11, 3)):
            u = grid(n, n)
            changed(file, f"{n} by {n}, {steps} steps", [("u", "mut f64", u), ("steps", "i64", str(steps))], ("u", "f64", run(u, steps)))
        changed(file, "two rows have no inside", [("u", "mut f64", np.zeros((2, 2))), ("steps", "i64", "3")], ("u", "f64", np.zeros((2, 2))))
        file.case(None, "nothing", [("u", "mut f64", "fill(0, 0x0)"), ("steps", "i64", "3")])
        file.case(None, "too few columns", [("u", "mut f64", grid(4, 3)), ("steps", "i64", "1")], [], ['fault "index 3 is out of range for axis 1 of `u`"'])


def seidel():
    text = """
kernel seidel(a: mut f64[:, :], steps: i64) {
    let n = len(a); let m = shape(a, 1)
    for t in range(steps) {
        for i in range(1, n - 1) {
            for j in range(1, m - 1) {
                a[i, j] = (a[i - 1, j - 1] + a[i - 1, j] + a[i - 1, j + 1] + a[i, j - 1] + a[i, j] + a[i, j + 1]
                    + a[i + 1, j - 1] + a[i + 1, j] + a[i + 1, j + 1]) / 9.0
            }
        }
    }
}
"""

    def run(a, steps):
        a = a.copy()
        n, m = a.shape
        for _ in range(steps):
            for i in range(1, n - 1):
                for j in range(1, m - 1):
                    a[i, j] = (a[i - 1, j - 1] + a[i - 1, j] + a[i - 1, j + 1] + a[i, j - 1] + a[i, j] + a[i, j + 1] + a[i + 1, j - 1] + a[i + 1, j] + a[i + 1, j + 1]) / 9.0
        return a

    with File("loops/seidel.hl", "A smoothing whose every point needs the ones before it.") as file:
        file.code(text)
        for n, m, steps in ((3, 3, 1), (2, 5, 4), (5, 9, 3), (8, 8, 0), (1, 1, 2)):
            a = grid(n, m)
            changed(file, f"{n} by {m}, {steps} steps", [("a", "mut f64", a), ("steps", "i64", str(steps))], ("a", "f64", run(a, steps)))
        a = grid(4, 4)
        changed(file, "every second column", [("a", "mut f64", column_view(a)), ("steps", "i64", "2")], ("a", "f64", wide(run(a, 2))))


def durbin():
    text = """
kernel durbin(r: f64[:]) {
    let n = len(r)
    var y = zeros(n); var z = zeros(n)
    if n > 0 {
        y[0] = -r[0]
        var beta = 1.0; var alpha = -r[0]
        for k in range(1, n) {
            beta = (1.0 - alpha * alpha) * beta
            var s = 0.0
            for i in range(k) { s += r[k - i - 1] * y[i] }
            alpha = -(r[k] + s) / beta
            for i in range(k) { z[i] = y[i] + alpha * y[k - i - 1] }
            for i in range(k) { y[i] = z[i] }
            y[k] = alpha
        }
    }
    y
}
"""

    def run(r):
        n = len(r)
        y, z = [0.0] * n, [0.0] * n
        if n:
            r = [float(x) for x in r]
            y[0] = -r[0]
            beta, alpha = 1.0, -r[0]
            for k in range(1, n):
                beta = (1.0 - alpha * alpha) * beta
                s = 0.0
                for i in range(k):
                    s += r[k - i - 1] * y[i]
                alpha = -(r[k] + s) / beta
                for i in range(k):
                    z[i] = y[i] + alpha * y[k - i - 1]
                y[:k] = z[:k]
                y[k] = alpha
        return np.array(y)

    with File("loops/durbin.hl", "Durbin's recursion: indices that run against each other, and growing inner loops.") as file:
        file.code(text)
        for n in (0, 1, 2, 9, 33):
            r = 0.5 ** np.arange(1, n + 1) + 1 / np.arange(4, n + 4) / 64
            file.case(None, f"{n} coefficients", [("r", "f64", r)], [("f64", run(r))])
        r = 0.25 ** np.arange(1, 6)
        file.case(None, "backward", [("r", "f64", "[" + ", ".join(repr(float(x)) for x in r[::-1]) + "] view 4 5 -1")], [("f64", run(r))])


def deriche():
    text = """
kernel deriche(x: f64[:, :], a1: f64, a2: f64, a3: f64, b1: f64, b2: f64) {
    let w = len(x); let h = shape(x, 1)
    var left = zeros(w, h); var right = zeros(w, h)
    for i in range(w) {
        var y1 = 0.0; var y2 = 0.0; var x1 = 0.0
        for j in range(h) {
            left[i, j] = a1 * x[i, j] + a2 * x1 + b1 * y1 + b2 * y2
            x1 = x[i, j]
            y2 = y1
            y1 = left[i, j]
        }
        var z1 = 0.0; var z2 = 0.0; var w1 = 0.0; var w2 = 0.0
        for j in range(h - 1, -1, -1) {
            right[i, j] = a3 * w1 + a2 * w2 + b1 * z1 + b2 * z2
            w2 = w1
            w1 = x[i, j]
            z2 = z1
            z1 = right[i, j]
        }
    }
    for i in range(w) {
        for j in range(h) { left[i, j] = left[i, j] + right[i, j] }
    }
    left
}
"""

    def run(x, a1, a2, a3, b1, b2):
        out = np.zeros(x.shape)
        for i, row in enumerate(x):
            y1 = y2 = x1 = 0.0
            left = []
            for v in row:
                y = a1 * v + a2 * x1 + b1 * y1 + b2 * y2
                x1, y2, y1 = v, y1, y
                left.append(y)
            z1 = z2 = w1 = w2 = 0.0
            for j in range(len(row) - 1, -1, -1):
                z = a3 * w1 + a2 * w2 + b1 * z1 + b2 * z2
                w2, w1, z2, z1 = w1, row[j], z1, z
                out[i, j] = left[j] + z
        return out

    with File("loops/deriche.hl", "A recursive filter, there and back along every row.") as file:
        file.code(text)
        numbers = (0.375, -0.25, 0.125, 1.25, -0.5)
        names = ("a1", "a2", "a3", "b1", "b2")
        for w, h in ((1, 1), (2, 7), (6, 17), (3, 0), (0, 3)):
            x = grid(w, h)
            file.case(None, f"{w} rows of {h}", [("x", "f64", x)] + [(n, "f64", repr(v)) for n, v in zip(names, numbers)], [("f64", run(x, *numbers))])


def kmeans():
    text = """
kernel kmeans(points: f64[:, :], centers: mut f64[:, :], turns: i64) {
    let n = len(points); let dims = shape(points, 1); let k = len(centers)
    var label = zeros(n, dtype=i64)
    var sums = zeros(k, dims); var counts = zeros(k, dtype=i64)
    for turn in range(turns) {
        for c in range(k) {
            counts[c] = 0
            for d in range(dims) { sums[c, d] = 0.0 }
        }
        for i in range(n) {
            var best = inf
            for c in range(k) {
                var distance = 0.0
                for d in range(dims) {
                    let t = points[i, d] - centers[c, d]
                    distance += t * t
                }
                if distance < best { best = distance; label[i] = c }
            }
            let mine = label[i]
            counts[mine] += 1
            for d in range(dims) { sums[mine, d] += points[i, d] }
        }
        for c in range(k) {
            if counts[c] == 0 { continue }
            for d in range(dims) { centers[c, d] = sums[c, d] / counts[c] }
        }
    }
    label
}
"""

    def run(points, centers, turns):
        centers = centers.copy()
        k, dims = centers.shape
        label = [0] * len(points)
        for _ in range(turns):
            sums, counts = np.zeros((k, dims)), [0] * k
            for i, point in enumerate(points):
                best = math.inf
                for c in range(k):
                    distance = 0.0
                    for d in range(dims):
                        t = point[d] - centers[c, d]
                        distance += t * t
                    if distance < best:
                        best, label[i] = distance, c
                counts[label[i]] += 1
                for d in range(dims):
                    sums[label[i], d] += point[d]
            for c in range(k):
                if counts[c]:
                    centers[c] = sums[c] / counts[c]
        return np.array(label, dtype=np.int64), centers

    with File("loops/kmeans.hl", "Lloyd's algorithm by loops: a label kept in an array, sums under a computed index.") as file:
        file.code(text)
        for n, k, dims, turns in ((7, 2, 2, 3), (40, 5, 3, 4), (1, 3, 1, 2), (0, 2, 2, 1), (5, 1, 4, 0)):
            points, centers = grid(n, dims), grid(k, dims)
            label, moved = run(points, centers, turns)
            file.case(None, f"{n} points, {k} groups", [("points", "f64", points), ("centers", "mut f64", centers), ("turns", "i64", str(turns))], [("i64", label)])
            file.lines.pop()
            file.after("centers", "f64", moved)
            file.lines.append("")


def monte_carlo():
    text = """
kernel pi_by_chance(seed: u64, draws: i64) {
    var state = seed
    var inside = 0
    for i in range(draws) {
        state = state * 6364136223846793005u64 + 1442695040888963407u64
        let x = f64(state >> 11) / 9007199254740992.0
        state = state * 6364136223846793005u64 + 1442695040888963407u64
        let y = f64(state >> 11) / 9007199254740992.0
        if x * x + y * y <= 1.0 { inside += 1 }
    }
    4.0 * inside / draws
}

kernel walks(seed: u64, count: i64, most: i64) {
    var turns = zeros(count, dtype=i64)
    for w in prange(count) {
        var state = seed + u64(w) * 2862933555777941757u64
        var at = 0; var n = 0
        while n < most {
            state = state * 6364136223846793005u64 + 1442695040888963407u64
            at += if (state >> 63) == 1 then 1 else -1
            n += 1
            if at == 3 or at == -3 { break }
        }
        turns[w] = n
    }
    turns
}
"""
    a, c = 6364136223846793005, 1442695040888963407

    def draw(state):
        return wrap("u64", state * a + c)

    def pi(seed, draws):
        state, inside = seed, 0
        for _ in range(draws):
            state = draw(state)
            x = (state >> 11) / 2.0**53
            state = draw(state)
            y = (state >> 11) / 2.0**53
            inside += x * x + y * y <= 1.0
        return 4.0 * inside / draws

    def walk(seed, most):
        state, at, n = wrap("u64", seed), 0, 0
        while n < most:
            state = draw(state)
            at += 1 if state >> 63 else -1
            n += 1
            if abs(at) == 3:
                break
        return n

    with File("loops/monte_carlo.hl", "Linear congruential numbers: one long recurrence, and many short ones side by side.") as file:
        file.code(text)
        for seed, draws in ((1, 1), (12345, 1000), (2**64 - 1, 777)):
            file.case(None, f"pi of {draws} draws", [("seed", "u64", str(seed)), ("draws", "i64", str(draws))], [("f64", pi(seed, draws))], kernel="pi_by_chance")
        file.case(None, "pi of no draws", [("seed", "u64", "1"), ("draws", "i64", "0")], [("f64", math.nan)], kernel="pi_by_chance")
        for seed, count, most in ((9, 40, 100), (77, 9, 2), (3, 0, 9), (5, 33, 0)):
            turns = [walk(seed + w * 2862933555777941757, most) for w in range(count)]
            file.case(None, f"{count} walks of at most {most}", [("seed", "u64", str(seed)), ("count", "i64", str(count)), ("most", "i64", str(most))], [("i64", np.array(turns, dtype=np.int64))], kernel="walks")


def sorting():
    text = """
kernel insertion(a: mut f64[:]) {
    for i in range(1, len(a)) {
        let x = a[i]
        var j = i
        while j > 0 and a[j - 1] > x {
            a[j] = a[j - 1]
            j -= 1
        }
        a[j] = x
    }
}

fn sift(a: mut i64[:], start: i64, end: i64) {
    var root = start
    while 2 * root + 1 < end {
        var child = 2 * root + 1
        if child + 1 < end and a[child] < a[child + 1] { child += 1 }
        if a[root] >= a[child] { break }
        let t = a[root]
        a[root] = a[child]
        a[child] = t
        root = child
    }
}

kernel heap(a: mut i64[:]) {
    let n = len(a)
    for start in range(n // 2 - 1, -1, -1) { sift(a, start, n) }
    for end in range(n - 1, 0, -1) {
        let t = a[0]
        a[0] = a[end]
        a[end] = t
        sift(a, 0, end)
    }
}

kernel median_of_rows(x: f64[:, :], out: mut f64[:]) {
    let m = shape(x, 1)
    var work = zeros(m)
    for r in range(len(x)) {
        for i in range(m) { work[i] = x[r, i] }
        for i in range(1, m) {
            let v = work[i]
            var j = i
            while j > 0 and work[j - 1] > v { work[j] = work[j - 1]; j -= 1 }
            work[j] = v
        }
        out[r] = if m % 2 == 1 { work[m // 2] } else { 0.5 * (work[m // 2 - 1] + work[m // 2]) }
    }
}
"""
    with File("loops/sorting.hl", "Sorting in place: loops that stop where the data say.") as file:
        file.code(text)
        for n in (0, 1, 2, 10, 37):
            a = grid(1, n)[0]
            file.case(None, f"insertion {n}", [("a", "mut f64", a)], [], kernel="insertion")
            file.lines.pop()
            file.after("a", "f64", np.sort(a))
            file.lines.append("")
            a = RNG.integers(-50, 50, n)
            file.case(None, f"heap {n}", [("a", "mut i64", a)], [], kernel="heap")
            file.lines.pop()
            file.after("a", "i64", np.sort(a))
            file.lines.append("")
        a = np.arange(12, dtype=float)[::-1]
        file.case(None, "insertion through a stride", [("a", "mut f64", "[" + ", ".join(repr(float(x)) for x in a) + "] view 1 6 2")], [], kernel="insertion")
        file.lines.pop()
        a[1::2] = np.sort(a[1::2])
        file.after("a", "f64", a)
        file.lines.append("")
        for m in (1, 4, 9):
            x = grid(3, m)
            file.case(None, f"medians of rows of {m}", [("x", "f64", x), ("out", "mut f64", np.zeros(3))], [], kernel="median_of_rows")
            file.lines.pop()
            file.after("out", "f64", np.median(x, axis=1))
            file.lines.append("")
        file.case(None, "medians of empty rows", [("x", "f64", "fill(0, 2x0)"), ("out", "mut f64", [0.0, 0.0])], [], ['fault "index -1 is out of range for axis 0 of `work`"'], kernel="median_of_rows")


def prefix_sums():
    text = """
kernel table(a: i64[:, :]) {
    let n = len(a); let m = shape(a, 1)
    var s = zeros(n + 1, m + 1, dtype=i64)
    for i in range(n) {
        for j in range(m) {
            s[i + 1, j + 1] = a[i, j] + s[i, j + 1] + s[i + 1, j] - s[i, j]
        }
    }
    s
}

kernel largest_window(a: i64[:, :], h: i64, w: i64) {
    let n = len(a); let m = shape(a, 1)
    var s = zeros(n + 1, m + 1, dtype=i64)
    for i in range(n) {
        var row = 0
        for j in range(m) {
            row += a[i, j]
            s[i + 1, j + 1] = s[i, j + 1] + row
        }
    }
    var best = -9223372036854775807
    for i in range(n - h + 1) {
        for j in range(m - w + 1) {
            best = max(best, s[i + h, j + w] - s[i, j + w] - s[i + h, j] + s[i, j])
        }
    }
    best
}
"""

    def window(a, h, w):
        sums = [a[i : i + h, j : j + w].sum() for i in range(len(a) - h + 1) for j in range(a.shape[1] - w + 1)]
        return max(sums, default=-(2**63) + 1)

    with File("loops/prefix_sums.hl", "Sums of all rectangles from the corner, and what they are for.") as file:
        file.code(text)
        for n, m in ((0, 0), (1, 1), (3, 5), (9, 17), (2, 0)):
            a = RNG.integers(-9, 9, (n, m))
            s = np.zeros((n + 1, m + 1), dtype=np.int64)
            s[1:, 1:] = a.cumsum(axis=0).cumsum(axis=1)
            file.case(None, f"table {n} by {m}", [("a", "i64", a)], [("i64", s)], kernel="table")
            for h, w in ((1, 1), (2, 3)):
                file.case(None, f"window {h} by {w} of {n} by {m}", [("a", "i64", a), ("h", "i64", str(h)), ("w", "i64", str(w))], [("i64", window(a, h, w))], kernel="largest_window")


def levenshtein():
    text = """
kernel levenshtein(a: u8[:], b: u8[:]) {
    let n = len(a); let m = len(b)
    var row = arange(m + 1)
    for i in range(n) {
        var diagonal = row[0]
        row[0] = i + 1
        for j in range(m) {
            let above = row[j + 1]
            let change = diagonal + (if a[i] == b[j] then 0 else 1)
            row[j + 1] = min(change, min(above, row[j]) + 1)
            diagonal = above
        }
    }
    row[m]
}

kernel common(a: u8[:], b: u8[:]) {
    var t = zeros(len(a) + 1, len(b) + 1, dtype=i32)
    for i in range(len(a)) {
        for j in range(len(b)) {
            t[i + 1, j + 1] = if a[i] == b[j] { t[i, j] + 1 } else { max(t[i, j + 1], t[i + 1, j]) }
        }
    }
    t[len(a), len(b)]
}
"""

    def distance(a, b):
        t = [[i + j if i * j == 0 else 0 for j in range(len(b) + 1)] for i in range(len(a) + 1)]
        for i, x in enumerate(a):
            for j, y in enumerate(b):
                t[i + 1][j + 1] = min(t[i][j] + (x != y), t[i][j + 1] + 1, t[i + 1][j] + 1)
        return t[-1][-1]

    def common(a, b):
        t = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
        for i, x in enumerate(a):
            for j, y in enumerate(b):
                t[i + 1][j + 1] = t[i][j] + 1 if x == y else max(t[i][j + 1], t[i + 1][j])
        return t[-1][-1]

    with File("loops/levenshtein.hl", "Distances of words: a table, and one row of it.") as file:
        file.code(text)
        for a, b in (("kitten", "sitting"), ("", "abc"), ("same", "same"), ("", ""), ("intention of the writer", "execution by the reader")):
            inputs = [(name, "u8", np.frombuffer(word.encode(), dtype=np.uint8)) for name, word in (("a", a), ("b", b))]
            file.case(None, f"{a}, {b}", inputs, [("i64", distance(a, b))], kernel="levenshtein")
            file.case(None, f"common part of {a}, {b}", inputs, [("i32", common(a, b))], kernel="common")


def deep():
    text = """
kernel six(n: i64) {
    var count = 0; var sum_ = 0
    for a in range(n) {
        for b in range(a, n) {
            for c in range(b, n) {
                for d in range(c, n) {
                    for e in range(d, n) {
                        for f in range(e, n) {
                            if (a + b + c + d + e + f) % 3 != 0 { continue }
                            count += 1
                            sum_ += a * f - c
                            if sum_ > 900 { sum_ -= 1000; break }
                        }
                    }
                }
            }
        }
    }
    (count, sum_)
}

kernel lists(first: i64[:], next: i64[:], value: f64[:], out: mut f64[:]) {
    for i in range(len(first)) {
        var at = first[i]
        out[i] = 0.0
        while at >= 0 {
            out[i] += value[at]
            at = next[at]
        }
    }
}

kernel primes(n: i64, out: mut i64[:]) {
    var found = 0
    var number = 2
    while found < n {
        var prime = true
        for i in range(found) {
            if out[i] * out[i] > number { break }
            if number % out[i] == 0 { prime = false; break }
        }
        if prime { out[found] = number; found += 1 }
        number += 1
    }
    found
}
"""

    def six(n):
        count = sum_ = 0
        for a in range(n):
            for b in range(a, n):
                for c in range(b, n):
                    for d in range(c, n):
                        for e in range(d, n):
                            for f in range(e, n):
                                if (a + b + c + d + e + f) % 3 != 0:
                                    continue
                                count += 1
                                sum_ += a * f - c
                                if sum_ > 900:
                                    sum_ -= 1000
                                    break
        return count, sum_

    with File("loops/deep.hl", "Six loops in each other, lists followed to their ends, loops bounded by what they find.") as file:
        file.code(text)
        for n in (0, 1, 4, 7):
            count, sum_ = six(n)
            file.case(None, f"six of {n}", [("n", "i64", str(n))], [("i64", count), ("i64", sum_)], kernel="six")
        value = grid(1, 7)[0]
        inputs = [("first", "i64", [0, 3, -1, 6]), ("next", "i64", [2, -1, 1, 4, 5, -1, -1]), ("value", "f64", value)]
        sums = [0.0 + value[0] + value[2] + value[1], 0.0 + value[3] + value[4] + value[5], 0.0, 0.0 + value[6]]
        file.case(None, "lists", inputs + [("out", "mut f64", [9.0] * 4)], [], kernel="lists")
        file.lines.pop()
        file.after("out", "f64", sums)
        file.lines.append("")
        file.case(None, "a list that leaves the array", [("first", "i64", [0]), ("next", "i64", [1, 7]), ("value", "f64", [1.0, 2.0]), ("out", "mut f64", [0.0])], [], ['fault "index 7 is out of range for axis 0 of `value`"'], kernel="lists")
        primes = [p for p in range(2, 200) if all(p % d for d in range(2, p))][:20]
        file.case(None, "primes", [("n", "i64", "20"), ("out", "mut i64", [0] * 20)], [("i64", 20)], kernel="primes")
        file.lines.pop()
        file.after("out", "i64", primes)
        file.lines.append("")
        file.case(None, "more primes than room", [("n", "i64", "5"), ("out", "mut i64", [0] * 3)], [], ['fault "index 3 is out of range for axis 0 of `out`"'], kernel="primes")


def edges():
    text = """
kernel from_end(a: f64[:], first: i64, last: i64, out: mut f64[:]) {
    for i in range(first, last) { out[i] = 2.0 * a[i] }
}

kernel shifted(a: mut i64[:], first: i64, last: i64, step: i64, by: i64) {
    for i in range(first, last, step) { a[i - by] += i - by + 1 }
}

kernel seldom(a: f64[:], n: i64) {
    var s = 0.0
    for i in range(n) {
        if i % 3 == 1 { s += a[i - 1] * a[len(a) - 1 - i] }
    }
    s
}

kernel again(a: mut f64[:], turns: i64) {
    for t in range(turns) {
        for i in range(1, len(a)) {
            a[i] = a[i] + a[i - 1]
            a[i - 1] = a[i] - 1.0
            a[0] += a[i]
        }
    }
}
"""
    with File("loops/edges.hl", "Indices at the ends of arrays and of numbers, and elements read again after stores.") as file:
        file.code(text)
        a = grid(1, 6)[0]
        for name, first, last in (("all", 0, 6), ("from the end", -6, 0), ("round the end", -2, 3), ("none", 4, 2), ("none far away", 1 << 62, 0)):
            out = np.zeros(6)
            for i in range(first, last):
                out[i] = 2.0 * a[i]
            file.case(None, name, [("a", "f64", a), ("first", "i64", str(first)), ("last", "i64", str(last)), ("out", "mut f64", np.zeros(6))], [], kernel="from_end")
            file.lines.pop()
            file.after("out", "f64", out)
            file.lines.append("")
        for first, last, at in ((0, 7, 6), (-7, 2, -7), (5, 1 << 62, 6), (-(1 << 63), 0, -(1 << 63))):
            inputs = [("a", "f64", a), ("first", "i64", str(first)), ("last", "i64", str(last)), ("out", "mut f64", np.zeros(6))]
            file.case(None, f"from {first} to {last}".replace("-", "minus "), inputs, [], [f'fault "index {at} is out of range for axis 0"'], kernel="from_end")
        far = (1 << 63) - 9
        for name, first, last, step, by in (("far", far, far + 8, 1, far), ("far down", far + 7, far - 1, -1, far), ("by threes", 1, 8, 3, 0), ("down by twos", 7, -1, -2, 0), ("low", -(1 << 63), -(1 << 63) + 8, 1, -(1 << 63))):
            b = np.arange(10, 18)
            for i in range(first, last, step):
                b[i - by] += i - by + 1
            file.case(None, name, [("a", "mut i64", list(range(10, 18)))] + [(n, "i64", str(v)) for n, v in (("first", first), ("last", last), ("step", step), ("by", by))], [], kernel="shifted")
            file.lines.pop()
            file.after("a", "i64", b)
            file.lines.append("")
        inputs = [("a", "mut i64", list(range(8)))] + [(n, "i64", str(v)) for n, v in (("first", far), ("last", far + 8), ("step", 1), ("by", far - 1))]
        file.case(None, "far and one too far", inputs, [], ['fault "index 8 is out of range for axis 0"'], kernel="shifted")
        for n in (0, 1, 6):
            s = 0.0
            for i in range(n):
                if i % 3 == 1:
                    s += a[i - 1] * a[5 - i]
            file.case(None, f"seldom {n}", [("a", "f64", a), ("n", "i64", str(n))], [("f64", s)], kernel="seldom")
        file.case(None, "seldom outside", [("a", "f64", a), ("n", "i64", "20")], [], ['fault "index 6 is out of range for axis 0"'], kernel="seldom")
        for n in (0, 1, 2, 9):
            a = grid(1, n)[0]
            b = [float(x) for x in a]
            for _ in range(3):
                for i in range(1, n):
                    b[i] = b[i] + b[i - 1]
                    b[i - 1] = b[i] - 1.0
                    b[0] += b[i]
            file.case(None, f"again {n}", [("a", "mut f64", a), ("turns", "i64", "3")], [], kernel="again")
            file.lines.pop()
            file.after("a", "f64", b)
            file.lines.append("")


def grouped():
    text = """
kernel minus_row(a: mut f64[:, :], f: f64, k: i64, i: i64) {
    for j in range(k, shape(a, 1)) { a[i, j] -= f * a[k, j] }
}

kernel least_sum(x: i32[:], y: i32[:, :], j: i64, first: i64, least: mut i32[:]) {
    var m = least[0]
    for k in range(first, len(x)) { m = min(m, x[k] + y[k, j]) }
    least[0] = m
}

kernel total(x: i64[:], y: u8[:], out: mut i64[:]) {
    var s = out[0]
    var most = out[1]
    for k in range(0, len(x)) {
        s += x[k] * 3
        most = max(most, x[k] + i64(y[k]))
    }
    out[0] = s
    out[1] = most
}

kernel largest(x: f32[:], start: f32) {
    var m = start
    for k in range(len(x)) { m = max(m, x[k]) }
    m
}

kernel ahead(a: mut i64[:], by: i64) {
    for i in range(len(a) - 9) { a[i] = a[i + 1] + a[i + 9] - i }
}

kernel behind(a: mut i64[:]) {
    for i in range(9, len(a)) { a[i] = a[i - 9] + 1 }
}

kernel just_behind(a: mut i64[:]) {
    for i in range(2, len(a)) { a[i] = a[i - 2] + a[i] }
}

kernel swapped(a: mut i64[:], out: mut i64[:]) {
    for i in range(len(a) - 1) {
        out[i] = a[i + 1]
        a[i] = out[i] - a[i]
        out[i] = a[i + 1] * i
    }
}

kernel reversed(a: i32[:], out: mut i32[:]) {
    for i in range(len(a)) { out[len(a) - 1 - i] = a[i] * a[i] }
}

kernel scattered(x: f64[:, :], out: mut f64[:, :], j: i64) {
    for i in range(len(x)) { out[i, j] = sqrt(x[i, 0]) + x[i, 0] / 3.0 }
}

kernel looked_up(table: i64[:], at: u8[:], out: mut i64[:]) {
    for i in range(len(at)) { out[i] = table[at[i]] + 1 }
}

kernel chosen(x: f32[:], limit: f32, out: mut f32[:]) {
    for i in range(len(x)) { out[i] = if x[i] < limit then x[i] * 2.0 else -x[i] }
}

kernel last_turn(a: mut i64[:]) {
    var at = -1
    for i in range(len(a)) { a[i] += i }
    for i in range(len(a)) { at = i }
    at
}

kernel in_order(x: f32[:], start: f32) {
    var s = start
    for k in range(len(x)) { s += x[k] }
    s
}
"""
    with File("loops/grouped.hl", "Loops whose turns can be computed in groups, and loops whose turns cannot.") as file:
        file.code(text)

        def case(name, kernel, inputs, after):
            file.case(None, name, inputs, [], kernel=kernel)
            file.lines.pop()
            for argument, ty, values in after:
                file.after(argument, ty, values)
            file.lines.append("")

        numbers = np.random.default_rng(23)
        whole = lambda *shape: numbers.integers(-50, 50, shape)
        for n in (0, 1, 3, 4, 5, 8, 23):
            a = numbers.integers(-30, 30, (3, n + 1)) / 8.0
            b = a.copy()
            for j in range(1, n + 1):
                b[0, j] -= 0.1 * b[1, j]
            case(f"minus a row of {n}", "minus_row", [("a", "mut f64", a), ("f", "f64", "0.1"), ("k", "i64", "1"), ("i", "i64", "0")], [("a", "f64", b)])
            b = a.copy()
            for j in range(1, n + 1):
                b[1, j] -= 0.1 * b[1, j]
            case(f"minus itself, {n}", "minus_row", [("a", "mut f64", a), ("f", "f64", "0.1"), ("k", "i64", "1"), ("i", "i64", "1")], [("a", "f64", b)])
            x, y = whole(n), whole(n, 2)
            least = min([77] + [int(x[k] + y[k, 1]) for k in range(min(2, n), n)])
            case(f"least of {n}", "least_sum", [("x", "i32", x), ("y", "i32", y), ("j", "i64", "1"), ("first", "i64", str(min(2, n))), ("least", "mut i32", [77])], [("least", "i32", [least])])
            x, y = whole(n), numbers.integers(0, 256, n)
            case(f"total of {n}", "total", [("x", "i64", x), ("y", "u8", y), ("out", "mut i64", [5, -1000])], [("out", "i64", [5 + 3 * int(x.sum()), max([-1000] + [int(v) for v in x + y])])])
            x = whole(n) / 4.0
            file.case(None, f"largest of {n}", [("x", "f32", x), ("start", "f32", "-100")], [("f32", max([-100.0] + [float(v) for v in x]))], kernel="largest")
            a = [int(v) for v in whole(n + 9)]
            b = a[:]
            for i in range(n):
                b[i] = b[i + 1] + b[i + 9] - i
            case(f"ahead {n}", "ahead", [("a", "mut i64", a), ("by", "i64", "1")], [("a", "i64", b)])
            for kernel, by in (("behind", 9), ("just_behind", 2)):
                b = a[:]
                for i in range(by, len(a)):
                    b[i] = b[i - 9] + 1 if by == 9 else b[i - 2] + b[i]
                case(f"{kernel.replace('_', ' ')} {n}", kernel, [("a", "mut i64", a)], [("a", "i64", b)])
            b, out = a[:], [0] * len(a)
            for i in range(len(a) - 1):
                out[i] = b[i + 1]
                b[i] = out[i] - b[i]
                out[i] = b[i + 1] * i
            case(f"swapped {n}", "swapped", [("a", "mut i64", a), ("out", "mut i64", [0] * len(a))], [("a", "i64", b), ("out", "i64", out)])
            x = whole(n)
            case(f"reversed {n}", "reversed", [("a", "i32", x), ("out", "mut i32", [0] * n)], [("out", "i32", [int(v) * int(v) for v in x[::-1]])])
            x = numbers.integers(0, 60, (n, 2)) / 4.0
            out = np.zeros((n, 3))
            for i in range(n):
                out[i, 1] = math.sqrt(x[i, 0]) + x[i, 0] / 3.0
            case(f"scattered {n}", "scattered", [("x", "f64", x), ("out", "mut f64", np.zeros((n, 3))), ("j", "i64", "1")], [("out", "f64", out)])
            at = numbers.integers(0, 4, n)
            table = [7, -3, 11, 1 << 40]
            case(f"looked up {n}", "looked_up", [("table", "i64", table), ("at", "u8", at), ("out", "mut i64", [0] * n)], [("out", "i64", [table[v] + 1 for v in at])])
            x = whole(n) / 4.0
            case(f"chosen {n}", "chosen", [("x", "f32", x), ("limit", "f32", "1.5"), ("out", "mut f32", np.zeros(n))], [("out", "f32", [v * 2.0 if v < 1.5 else -v for v in x])])
            x = whole(n)
            file.case(None, f"last turn of {n}", [("a", "mut i64", x)], [("i64", n - 1)], kernel="last_turn")
            file.lines.pop()
            file.after("a", "i64", [int(v) + i for i, v in enumerate(x)])
            file.lines.append("")
            x = (numbers.integers(1, 1 << 22, n) / np.float32(1 << 9)).astype(np.float32)
            s = np.float32(0.25)
            for v in x:
                s = np.float32(s + v)
            file.case(None, f"in order {n}", [("x", "f32", x), ("start", "f32", "0.25")], [("f32", float(s))], kernel="in_order")
        nan = ["nan", "-0.0", "0.0", "2.5", "1", "-inf", "0", "0", "0"]
        file.case(None, "largest with a nan", [("x", "f32", "[" + ", ".join(nan) + "]"), ("start", "f32", "-1")], [("f32", math.nan)], kernel="largest")
        zeros = "[" + ", ".join(["-0.0"] * 11 + ["0.0"] + ["-0.0"] * 6) + "]"
        file.case(None, "largest of zeros", [("x", "f32", zeros), ("start", "f32", "-1")], [("f32", 0.0)], kernel="largest")
        at = [0] * 9 + [4] + [9] * 3
        inputs = [("table", "i64", [7, -3, 11, 1]), ("at", "u8", at), ("out", "mut i64", [0] * 13)]
        file.case(None, "looked up outside", inputs, [], ['fault "index 4 is out of range for axis 0 of `table`"'], kernel="looked_up")


def met():
    text = """
kernel minus_rows(a: mut f64[:, :], k: i64) {
    for i in range(len(a)) {
        for j in range(shape(a, 1)) { a[i, j] -= a[i, k] * a[k, j] }
    }
}

kernel nearer(d: mut f32[:, :]) {
    for k in range(len(d)) {
        for i in range(len(d)) {
            for j in range(len(d)) { d[i, j] = min(d[i, j], d[i, k] + d[k, j]) }
        }
    }
}

kernel plus_one_of_all(a: mut i64[:], k: i64, first: i64, last: i64) {
    for j in range(first, last) { a[j] = 3 * a[j] + a[k] }
}

kernel plus_two_of_all(a: mut i64[:], k: i64, other: i64) {
    for j in range(len(a)) { a[j] = a[j] + a[k] - 2 * a[other] }
}

kernel down_a_column(a: mut i32[:, :], k: i64) {
    for i in range(len(a)) { a[i, 1] = a[i, 1] * 5i32 - a[k, 1] }
}

kernel most_and_moved(a: mut i64[:], k: i64) {
    var most = -1000
    for j in range(len(a)) {
        a[j] = a[j] - a[k]
        most = max(most, a[j])
    }
    most
}
"""
    with File("loops/met.hl", "Loops of which one turn stores an element that all turns read.") as file:
        file.code(text)

        def case(name, kernel, inputs, outs, argument, ty, values):
            file.case(None, name, inputs, outs, kernel=kernel)
            file.lines.pop()
            file.after(argument, ty, values)
            file.lines.append("")

        numbers = np.random.default_rng(29)
        for n in (1, 2, 5, 9, 21):
            for k in sorted({0, n // 2, n - 1}):
                a = numbers.integers(-16, 16, (n, n)) / 8.0
                b = a.copy()
                for i in range(n):
                    for j in range(n):
                        b[i, j] -= b[i, k] * b[k, j]
                if np.abs(b).max() < 1e30:
                    case(f"minus rows of {n} by {k}", "minus_rows", [("a", "mut f64", a), ("k", "i64", str(k))], [], "a", "f64", b)
                a = [int(v) for v in numbers.integers(-9, 9, n)]
                for first, last in ((0, n), (k, n), (k + 1, n), (0, k), (n, 0)):
                    b = a[:]
                    for j in range(first, last):
                        b[j] = 3 * b[j] + b[k]
                    inputs = [("a", "mut i64", a), ("k", "i64", str(k)), ("first", "i64", str(first)), ("last", "i64", str(last))]
                    case(f"plus one of {n} at {k}, {first} to {last}", "plus_one_of_all", inputs, [], "a", "i64", b)
                for other in (k, (k + n // 2) % n):
                    b = a[:]
                    for j in range(n):
                        b[j] = b[j] + b[k] - 2 * b[other]
                    inputs = [("a", "mut i64", a), ("k", "i64", str(k)), ("other", "i64", str(other))]
                    case(f"plus two of {n} at {k} and {other}", "plus_two_of_all", inputs, [], "a", "i64", b)
                c = numbers.integers(-9, 9, (n, 3))
                b = c.copy()
                for i in range(n):
                    b[i, 1] = b[i, 1] * 5 - b[k, 1]
                case(f"down a column of {n} at {k}", "down_a_column", [("a", "mut i32", c), ("k", "i64", str(k))], [], "a", "i32", b)
                b = a[:]
                most = -1000
                for j in range(n):
                    b[j] = b[j] - b[k]
                    most = max(most, b[j])
                case(f"most of {n} less {k}", "most_and_moved", [("a", "mut i64", a), ("k", "i64", str(k))], [("i64", most)], "a", "i64", b)
            d = numbers.integers(-3, 60, (n, n)).astype(float)
            b = d.copy()
            for k in range(n):
                for i in range(n):
                    for j in range(n):
                        b[i, j] = min(b[i, j], b[i, k] + b[k, j])
            if np.abs(b).max() < 1 << 20:
                case(f"nearer, {n}", "nearer", [("d", "mut f32", d)], [], "d", "f32", b)
        fault = ['fault "index 5 is out of range for axis 0 of `a`"']
        inputs = lambda first, last: [("a", "mut i64", [1, 2, 3]), ("k", "i64", "5"), ("first", "i64", first), ("last", "i64", last)]
        file.case(None, "of none there", inputs("0", "3"), [], fault, kernel="plus_one_of_all")
        case("of none there, no turns", "plus_one_of_all", inputs("3", "3"), [], "a", "i64", [1, 2, 3])
        last = [("a", "mut i64", [1, 2, 3]), ("k", "i64", "-1"), ("first", "i64", "0"), ("last", "i64", "3")]
        after_last = [1, 2, 3]
        for j in range(3):
            after_last[j] = 3 * after_last[j] + after_last[-1]
        case("of the last", "plus_one_of_all", last, [], "a", "i64", after_last)


def short():
    text = """
kernel in_turn(x: f64[:], y: f64[:]) {
    var s = 0.25
    for i in range(len(x)) { s = s * x[i] + y[i] }
    s
}

kernel backwards(x: f64[:]) {
    var s = 0.25
    for i in range(len(x) - 1, -1, -1) { s = s * 0.5 + x[i] }
    s
}

kernel down_columns(x: f64[:, :], out: mut f64[:]) {
    for j in range(shape(x, 1)) {
        var s = 0.0
        for i in range(len(x)) { s += x[i, j] * x[i, 0] }
        out[j] = s
    }
}

kernel until(x: i64[:], limit: i64) {
    var s = 0; var last = -1
    for i in range(len(x)) {
        if x[i] == 0 { continue }
        s = 3 * s + x[i]
        last = i
        if s > limit { break }
    }
    (s, last)
}

kernel collatz(n: i64) {
    var k = n; var steps = 0
    while k != 1 {
        k = if k % 2 == 0 then k // 2 else 3 * k + 1
        steps += 1
    }
    steps
}

kernel searched(x: i64[:], wanted: i64) {
    var i = 0
    while i < len(x) and x[i] != wanted { i += 1 }
    i
}

kernel skipping(x: i64[:]) {
    var i = 0; var s = 0
    while i < len(x) {
        i += 1
        if x[i - 1] < 0 { continue }
        s = 2 * s + x[i - 1]
        if s > 100000 { break }
    }
    (s, i)
}

kernel nan_ends(x: f64[:], limit: f64) {
    var i = 0
    while i < len(x) and x[i] < limit { i += 1 }
    i
}

kernel gathered(x: f64[:], at: i64[:]) {
    var s = 0.0
    for i in range(len(at)) { s = 0.5 * s + x[at[i]] }
    s
}
"""
    with File("loops/short.hl", "Loops with little in them, of any number of turns.") as file:
        file.code(text)
        numbers = np.random.default_rng(31)
        one = lambda name, kernel, inputs, *outs: file.case(None, name, inputs, list(outs), kernel=kernel)
        for n in (0, 1, 2, 3, 4, 5, 7, 8, 13):
            x, y = numbers.integers(-16, 16, n) / 8.0, numbers.integers(-16, 16, n) / 8.0
            s = 0.25
            for i in range(n):
                s = s * float(x[i]) + float(y[i])
            one(f"in turn {n}", "in_turn", [("x", "f64", x), ("y", "f64", y)], ("f64", s))
            s = 0.25
            for v in x[::-1]:
                s = s * 0.5 + float(v)
            one(f"backwards {n}", "backwards", [("x", "f64", x)], ("f64", s))
            c = numbers.integers(-9, 9, (n, 3)) / 10.0
            out = [0.0, 0.0, 0.0]
            for j in range(3):
                for i in range(n):
                    out[j] += float(c[i, j]) * float(c[i, 0])
            file.case(None, f"down columns of {n}", [("x", "f64", c), ("out", "mut f64", [0.0] * 3)], [], kernel="down_columns")
            file.lines.pop()
            file.after("out", "f64", out)
            file.lines.append("")
            w = [int(v) for v in numbers.integers(0, 4, n)]
            for limit in (0, 20, 1 << 40):
                s, last = 0, -1
                for i, v in enumerate(w):
                    if v == 0:
                        continue
                    s, last = 3 * s + v, i
                    if s > limit:
                        break
                one(f"until {limit} in {n}", "until", [("x", "i64", w), ("limit", "i64", str(limit))], ("i64", s), ("i64", last))
            for wanted in (0, 9):
                found = next((i for i, v in enumerate(w) if v == wanted), n)
                one(f"searched {wanted} in {n}", "searched", [("x", "i64", w), ("wanted", "i64", str(wanted))], ("i64", found))
            v = [int(v) for v in numbers.integers(-20, 40, n)]
            i = s = 0
            while i < n:
                i += 1
                if v[i - 1] < 0:
                    continue
                s = 2 * s + v[i - 1]
                if s > 100000:
                    break
            one(f"skipping {n}", "skipping", [("x", "i64", v)], ("i64", s), ("i64", i))
            f = [float(v) for v in numbers.integers(0, 4, n)]
            if n > 3:
                f[n - 2] = math.nan
            one(f"a nan ends {n}", "nan_ends", [("x", "f64", f), ("limit", "f64", "4")], ("i64", n - 2 if n > 3 else n))
            at = [int(v) for v in numbers.integers(-3, 3, n)]
            s = 0.0
            for k in at:
                s = 0.5 * s + [0.1, 0.2, 0.7][k]
            one(f"gathered {n}", "gathered", [("x", "f64", [0.1, 0.2, 0.7]), ("at", "i64", at)], ("f64", s))
            if n:
                k, steps = n, 0
                while k != 1:
                    k, steps = (k // 2 if k % 2 == 0 else 3 * k + 1), steps + 1
                one(f"collatz {n}", "collatz", [("n", "i64", str(n))], ("i64", steps))
        for bad in range(6):
            at = [1] * 6
            at[bad] = 3
            file.case(None, f"gathered, {bad} is bad", [("x", "f64", [0.1, 0.2, 0.7]), ("at", "i64", at)], [], ['fault "index 3 is out of range for axis 0 of `x`"'], kernel="gathered")
