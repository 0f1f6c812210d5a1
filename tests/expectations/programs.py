"""Whole kernels, computed again step by step in Python with the same roundings."""

import math
import zlib

import numpy as np

from table import File


def make():
    mandelbrot()
    softmax()
    stencil()
    checksum()
    cholesky()
    loops()
    parallel()
    black_scholes()


def mandelbrot():
    text = """
@vectorize
fn escape(cr, ci, limit: i32) {
    var zr = 0.0; var zi = 0.0; var n = 0i32
    while n < limit and zr*zr + zi*zi <= 4.0 {
        let t = zr*zr - zi*zi + cr
        zi = 2.0*zr*zi + ci
        zr = t
        n += 1
    }
    n
}

kernel mandelbrot(x: f64[:], y: f64[:], limit: i32) = escape(x[newaxis, :], y[:, newaxis], limit)
"""
    x, y = np.linspace(-2, 0.75, 23), np.linspace(-1.25, 1.25, 17)

    def escape(cr, ci, limit):
        zr = zi = 0.0
        n = 0
        while n < limit and zr * zr + zi * zi <= 4.0:
            zr, zi = zr * zr - zi * zi + cr, 2.0 * zr * zi + ci
            n += 1
        return n

    with File("control/mandelbrot.hl", "A loop in a vectorized function: lanes leave it at different turns.") as file:
        file.code(text)
        for limit in (0, 1, 200):
            counts = [[escape(a, b, limit) for a in x] for b in y]
            inputs = [("x", "f64", x), ("y", "f64", y), ("limit", "i32", str(limit))]
            file.case(None, f"limit {limit}", inputs, [("i32", counts)])


def softmax():
    text = """
kernel softmax(x: f64[:, :]) {
    let shifted = exp(x - max(x, axis=1, keepdims=true))
    shifted / sum(shifted, axis=1, keepdims=true)
}
"""
    x = np.random.default_rng(5).normal(0, 3, (4, 9)).round(3)
    shifted = np.exp(x - x.max(axis=1, keepdims=True))
    out = shifted / shifted.sum(axis=1, keepdims=True)
    with File("reduce/softmax.hl", "Softmax of rows: reductions inside expressions, kept axes.") as file:
        file.code(text)
        file.case(None, "rows", [("x", "f64", x)], [("f64", out, "ulp 8 NumPy's exp and order of summing differ")])
        file.case(None, "large values do not overflow", [("x", "f64", [[1000.0, 1000.0], [-1000.0, 0.0]])], [("f64", [[0.5, 0.5], [0.0, 1.0]])])


def stencil():
    text = """
kernel heat(u: mut f64[:, :], steps: i64) {
    var next = zeros_like(u)
    for t in range(steps) {
        next[1:-1, 1:-1] = 0.25 * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:])
        u[1:-1, 1:-1] = next[1:-1, 1:-1]
    }
}
"""
    u = np.zeros((6, 7))
    u[0] = 100.0
    u[:, 0] = np.arange(6)
    with File("control/stencil.hl", "A five-point stencil by slice assignment in a loop over time.") as file:
        file.code(text)
        for steps in (0, 1, 5, 50):
            now = u.copy()
            for _ in range(steps):
                now[1:-1, 1:-1] = 0.25 * (now[:-2, 1:-1] + now[2:, 1:-1] + now[1:-1, :-2] + now[1:-1, 2:])
            file.case(None, f"{steps} steps", [("u", "mut f64", u), ("steps", "i64", str(steps))])
            file.after("u", "f64", now)
            file.lines.append("")
        file.section("in place")
        file.code("""
kernel smooth(u: mut f64[:]) {
    u[1:-1] = 0.5 * (u[:-2] + u[2:])
}
""")
        line = np.array([1.0, 5.0, 2.0, 8.0, 0.0, 3.0])
        after = line.copy()
        after[1:-1] = 0.5 * (line[:-2] + line[2:])
        file.case(None, "the right side is read before the left is written", [("u", "mut f64", line)])
        file.after("u", "f64", after)
        file.lines.append("")
        file.section("shift")
        file.code("""
kernel shift(u: mut i32[:], back: bool) {
    if back { u[:-1] = u[1:] } else { u[1:] = u[:-1] }
}
""")
        for back in (True, False):
            values = np.arange(9, dtype=np.int32)
            after = values.copy()
            if back:
                after[:-1] = values[1:]
            else:
                after[1:] = values[:-1]
            file.case(None, "towards the front" if back else "towards the end", [("u", "mut i32", values), ("back", "bool", str(back).lower())])
            file.after("u", "i32", after)
            file.lines.append("")


def crc16(data):
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = ((crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def checksum():
    assert crc16(b"123456789") == 0x29B1, "the published check value of CRC-16/CCITT-FALSE"
    text = """
kernel crc16(data: u8[:]) {
    var crc = 0xFFFFu16
    for i in range(len(data)) {
        crc = crc ^ (u16(data[i]) << 8)
        for bit in range(8) {
            if (crc & 0x8000u16) != 0 { crc = (crc << 1) ^ 0x1021u16 } else { crc = crc << 1 }
        }
    }
    crc
}
"""
    text32 = """
kernel crc32(data: u8[:]) {
    var crc = 0xFFFFFFFFu32
    for i in range(len(data)) {
        crc ^= u32(data[i])
        for bit in range(8) {
            let odd = (crc & 1) != 0
            crc >>= 1
            if odd { crc ^= 0xEDB88320u32 }
        }
    }
    ~crc
}
"""
    with File("control/crc.hl", "Checksums: sequential loops over bytes with wrapping and shifting.") as file:
        file.code(text)
        for data in (b"123456789", b"", b"\x00", b"\xff" * 40):
            file.case(None, f"{len(data)} bytes", [("data", "u8", list(data))], [("u16", crc16(data))])
        file.section("crc32")
        file.code(text32)
        for data in (b"123456789", b"", b"The quick brown fox jumps over the lazy dog"):
            file.case(None, f"{len(data)} bytes", [("data", "u8", list(data))], [("u32", zlib.crc32(data))])


def cholesky():
    text = """
kernel cholesky(a: f64[:, :]) {
    let n = len(a)
    var l = zeros(n, n)
    for j in range(n) {
        var d = a[j, j]
        for k in range(j) { d -= l[j, k] * l[j, k] }
        let root = sqrt(d)
        l[j, j] = root
        for i in range(j + 1, n) {
            var s = a[i, j]
            for k in range(j) { s -= l[i, k] * l[j, k] }
            l[i, j] = s / root
        }
    }
    l
}
"""
    random = np.random.default_rng(3).normal(size=(7, 7)).round(2)
    with File("control/cholesky.hl", "Cholesky factors: nested sequential loops over elements of a local array.") as file:
        file.code(text)
        for name, a in (("identity", np.eye(3)), ("of seven", random @ random.T + 7 * np.eye(7)), ("of one", np.array([[4.0]])), ("of none", np.zeros((0, 0)))):
            n = len(a)
            l = np.zeros((n, n))
            for j in range(n):
                d = a[j, j]
                for k in range(j):
                    d -= l[j, k] * l[j, k]
                l[j, j] = math.sqrt(d)
                for i in range(j + 1, n):
                    s = a[i, j]
                    for k in range(j):
                        s -= l[i, k] * l[j, k]
                    l[i, j] = s / l[j, j]
            value = "fill(0, 0x0)" if n == 0 else a
            file.case(None, name, [("a", "f64", value)], [("f64", "fill(0, 0x0)" if n == 0 else l)])


def loops():
    with File("control/loops.hl", "Loops over scalars: ranges, break, continue, while, early return.") as file:
        for name, arguments in (("up", (0, 10, 3)), ("down", (10, 0, -3)), ("none", (5, 5, 1)), ("away", (0, 5, -1)), ("to the end", (0, 9, 3))):
            if name == "up":
                file.section("range")
                file.code("""
kernel count(start: i64, stop: i64, step: i64) {
    var total = 0
    var turns = 0
    for i in range(start, stop, step) {
        total = total * 10 + i
        turns += 1
    }
    (total, turns)
}
""")
            total = turns = 0
            for i in range(*arguments):
                total, turns = total * 10 + i, turns + 1
            inputs = [(n, "i64", str(v)) for n, v in zip(("start", "stop", "step"), arguments)]
            file.case(None, name, inputs, [("i64", total), ("i64", turns)])
        file.section("break")
        file.code("""
kernel first(a: i64[:], least: i64) {
    var found = -1
    for i in range(len(a)) {
        if a[i] % 2 == 0 { continue }
        if a[i] >= least {
            found = i
            break
        }
    }
    found
}
""")
        values = [3, 8, 5, 10, 7, 9]
        for least, found in ((1, 0), (4, 2), (6, 4), (8, 5), (100, -1)):
            file.case(None, f"at least {least}", [("a", "i64", values), ("least", "i64", str(least))], [("i64", found)])
        file.section("while")
        file.code("""
kernel collatz(n: i64) {
    var x = n
    var steps = 0
    while x != 1 {
        x = if x % 2 == 0 { x // 2 } else { 3*x + 1 }
        steps += 1
    }
    steps
}
""")
        for n in (1, 6, 27):
            x, steps = n, 0
            while x != 1:
                x, steps = (x // 2 if x % 2 == 0 else 3 * x + 1), steps + 1
            file.case(None, f"from {n}", [("n", "i64", str(n))], [("i64", steps)])
        file.section("return")
        file.code("""
fn root(x: f64) -> f64 {
    if x < 0.0 { return nan }
    var r = x
    for i in range(100) {
        let next = if r > 0.0 { 0.5 * (r + x / r) } else { 0.0 }
        if next == r { return r }
        r = next
    }
    r
}

kernel one(x: f64) = root(x)
""")
        for x in (4.0, 2.25, 0.0, -1.0):
            file.case(None, f"of {x}", [("x", "f64", str(x))], [("f64", math.sqrt(x) if x >= 0 else math.nan)])
        file.section("lanes")
        file.code("""
@vectorize
kernel steps(n: i64) {
    var x = n
    var count = 0
    while x != 1 {
        if x % 2 == 0 {
            x = x // 2
        } else {
            x = 3*x + 1
            if x > 1000000 { return -1 }
        }
        count += 1
        if count >= 500 { break }
    }
    count
}
""")
        counts = []
        for n in range(1, 41):
            x = n
            steps = 0
            while x != 1:
                x, steps = (x // 2 if x % 2 == 0 else 3 * x + 1), steps + 1
            counts.append(steps)
        file.case(None, "each lane its own turns", [("n", "i64", list(range(1, 41)))], [("i64", counts)], ["extend"])
        file.section("fibonacci")
        file.code("""
kernel fib(n: i64) {
    var a = 0
    var b = 1
    for i in range(n) { (a, b) = (b, a + b) }
    a
}
""")
        for n in (0, 1, 10, 90, 100):
            a, b = 0, 1
            for _ in range(n):
                a, b = b, (a + b) % 2**64
            file.case(None, f"of {n}", [("n", "i64", str(n))], [("i64", a - 2**64 if a >= 2**63 else a)])
        file.section("prefix")
        file.code("""
kernel prefix(a: mut f64[:]) {
    for i in range(1, len(a)) { a[i] += a[i - 1] }
}
""")
        for values in ([1.0, 2.0, 3.5, -1.0], [7.0], []):
            total, out = 0.0, []
            for i, v in enumerate(values):
                total = v if i == 0 else v + total
                out.append(total)
            file.case(None, f"of {len(values)}", [("a", "mut f64", values)])
            file.after("a", "f64", out)
            file.lines.append("")


def parallel():
    with File("control/prange.hl", "Parallel loops: disjoint stores, and reductions over scalars.") as file:
        file.section("stores")
        file.code("""
kernel square(a: f64[:], out: mut f64[:]) {
    for i in prange(len(a)) { out[i] = a[i] * a[i] + f64(i) }
}
""")
        for n in (0, 1, 7, 300):
            values = np.arange(n) * 0.5
            file.case(None, f"{n} elements", [("a", "f64", values), ("out", "mut f64", f"fill(-1, {n})")])
            file.after("out", "f64", values * values + np.arange(n))
            file.lines.append("")
        file.section("rows")
        file.code("""
kernel rows(a: i64[:, :], out: mut i64[:]) {
    for i in prange(len(a)) {
        var total = 0
        for j in range(shape(a, 1)) { total += a[i, j] * (j + 1) }
        out[i] = total
    }
}
""")
        grid = np.arange(60).reshape(12, 5)
        file.case(None, "sequential inside", [("a", "i64", grid), ("out", "mut i64", "fill(0, 12)")])
        file.after("out", "i64", (grid * np.arange(1, 6)).sum(axis=1))
        file.lines.append("")
        file.section("sum")
        file.code("""
kernel total(a: i64[:]) {
    var sum_ = 100
    for i in prange(len(a)) { sum_ += a[i] * a[i] }
    sum_
}
""")
        for n in (0, 1, 5, 10000):
            file.case(None, f"of {n}", [("a", "i64", f"ramp({n})")], [("i64", 100 + sum(i * i for i in range(n)))])
        file.section("largest")
        file.code("""
kernel largest(a: f64[:]) {
    var m = 0.0
    for i in prange(len(a)) { m = max(m, a[i]) }
    m
}
""")
        values = np.random.default_rng(1).uniform(0, 1, 1000).round(6)
        file.case(None, "of many", [("a", "f64", values)], [("f64", float(values.max()))])
        file.case(None, "of none", [("a", "f64", [])], [("f64", 0.0)])


def black_scholes():
    text = """
fn cnd(x) = 0.5 * erfc(-x / sqrt(2.0))

kernel black_scholes(s, k, t, r, sigma) {
    let d1 = (log(s / k) + (r + sigma**2 / 2) * t) / (sigma * sqrt(t))
    let d2 = d1 - sigma * sqrt(t)
    s * cnd(d1) - k * exp(-r * t) * cnd(d2)
}
"""
    random = np.random.default_rng(11)
    s, k = random.uniform(20, 120, 20).round(2), random.uniform(20, 120, 20).round(2)
    t = random.uniform(0.1, 2, 20).round(3)

    def price(s, k, t, r, sigma):
        cnd = lambda x: 0.5 * math.erfc(-x / math.sqrt(2.0))
        d1 = (math.log(s / k) + (r + sigma * sigma / 2) * t) / (sigma * math.sqrt(t))
        d2 = d1 - sigma * math.sqrt(t)
        return s * cnd(d1) - k * math.exp(-r * t) * cnd(d2)

    out = [price(*row, 0.03, 0.25) for row in zip(s, k, t)]
    with File("math/black_scholes.hl", "A formula of several functions over arrays and scalars.") as file:
        file.code(text)
        inputs = [("s", "f64", s), ("k", "f64", k), ("t", "f64", t), ("r", None, "0.03"), ("sigma", None, "0.25")]
        file.case(None, "prices", inputs, [("f64", out, "within 1e-12 errors of the functions cancel in the difference")])
