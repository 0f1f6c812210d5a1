"""The programs of `hotloop-bench loops` in Numba, beside hotloop and gcc, as a table in Markdown.

    python3 -m venv /somewhere/peers
    /somewhere/peers/bin/pip install numpy numba
    cargo build --release -p hotloop-bench
    /somewhere/peers/bin/python crates/hotloop-bench/peers/loops.py target/release/hotloop-bench

Numba's loops are those of hotloop's kernels, compiled with `njit` as it comes (no fastmath, no bounds checks), and their
results are compared with C's to the bit. Rounds of both take turns, and the best time of a run counts. Arrays are
filled anew before each run, outside the time. The last programs have a `prange`: Numba's with `parallel=True`.
"""

import ctypes
import os
import subprocess
import sys
import tempfile
import time

import numba
import numpy as np
from numba import njit, prange

HERE = os.path.dirname(os.path.abspath(__file__))
ROUNDS, THREADS, SECONDS = 2, 2, 0.4
UNITS = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0}


@njit
def floyd_warshall(d):
    n = len(d)
    for k in range(n):
        for i in range(n):
            for j in range(n):
                d[i, j] = min(d[i, j], d[i, k] + d[k, j])


@njit
def lu(a):
    n = len(a)
    for k in range(n):
        for i in range(k + 1, n):
            f = a[i, k] / a[k, k]
            a[i, k] = f
            for j in range(k + 1, n):
                a[i, j] -= f * a[k, j]


@njit
def gram_schmidt(a, r):
    m, n = a.shape
    for k in range(n):
        norm2 = 0.0
        for i in range(m):
            norm2 += a[i, k] * a[i, k]
        r[k, k] = np.sqrt(norm2)
        for i in range(m):
            a[i, k] /= r[k, k]
        for j in range(k + 1, n):
            s = 0.0
            for i in range(m):
                s += a[i, k] * a[i, j]
            r[k, j] = s
            for i in range(m):
                a[i, j] -= a[i, k] * s


@njit
def triple(a, b, c):
    n = len(a)
    for i in range(n):
        for j in range(n):
            s = 0.0
            for k in range(n):
                s += a[i, k] * b[k, j]
            c[i, j] = s


@njit
def nussinov(seq, best):
    n = len(seq)
    for i in range(n - 1, -1, -1):
        for j in range(i + 2, n + 1):
            most = best[i + 1, j - 1] + np.int32(np.uint8(seq[i] + seq[j - 1]) == 3)
            for k in range(i + 1, j):
                most = max(most, best[i, k] + best[k, j])
            best[i, j] = most


@njit
def adi(u, v, p, q, steps):
    n = len(u)
    a, b, c = -0.25, 1.5, -0.25
    for t in range(steps):
        for i in range(1, n - 1):
            v[0, i] = 1.0
            p[i, 0] = 0.0
            q[i, 0] = 1.0
            for j in range(1, n - 1):
                p[i, j] = -c / (a * p[i, j - 1] + b)
                q[i, j] = (0.25 * u[j, i - 1] + 0.5 * u[j, i] + 0.25 * u[j, i + 1] - a * q[i, j - 1]) / (a * p[i, j - 1] + b)
            v[n - 1, i] = 1.0
            for j in range(n - 2, 0, -1):
                v[j, i] = p[i, j] * v[j + 1, i] + q[i, j]


@njit
def seidel(a, steps):
    n, m = a.shape
    for t in range(steps):
        for i in range(1, n - 1):
            for j in range(1, m - 1):
                a[i, j] = (a[i - 1, j - 1] + a[i - 1, j] + a[i - 1, j + 1] + a[i, j - 1] + a[i, j] + a[i, j + 1]
                           + a[i + 1, j - 1] + a[i + 1, j] + a[i + 1, j + 1]) / 9.0


@njit
def durbin(r, y, z):
    n = len(r)
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
        for i in range(k):
            y[i] = z[i]
        y[k] = alpha


@njit
def deriche(x, left, right):
    w, h = x.shape
    a1, a2, a3, b1, b2 = 0.375, -0.25, 0.125, 1.25, -0.5
    for i in range(w):
        y1, y2, x1 = 0.0, 0.0, 0.0
        for j in range(h):
            left[i, j] = a1 * x[i, j] + a2 * x1 + b1 * y1 + b2 * y2
            x1 = x[i, j]
            y2 = y1
            y1 = left[i, j]
        z1, z2, w1, w2 = 0.0, 0.0, 0.0, 0.0
        for j in range(h - 1, -1, -1):
            right[i, j] = a3 * w1 + a2 * w2 + b1 * z1 + b2 * z2
            w2 = w1
            w1 = x[i, j]
            z2 = z1
            z1 = right[i, j]
        for j in range(h):
            left[i, j] = left[i, j] + right[i, j]


@njit
def kmeans(points, centers, sums, counts, label):
    n, dims = points.shape
    k = len(centers)
    for c in range(k):
        counts[c] = 0
        for d in range(dims):
            sums[c, d] = 0.0
    for i in range(n):
        best = np.inf
        for c in range(k):
            distance = 0.0
            for d in range(dims):
                t = points[i, d] - centers[c, d]
                distance += t * t
            if distance < best:
                best = distance
                label[i] = c
        mine = label[i]
        counts[mine] += 1
        for d in range(dims):
            sums[mine, d] += points[i, d]


@njit
def monte_carlo(hits, draws):
    state = np.uint64(1)
    by, plus, eleven = np.uint64(6364136223846793005), np.uint64(1442695040888963407), np.uint64(11)
    inside = 0
    for i in range(draws):
        state = state * by + plus
        x = np.float64(np.int64(state >> eleven)) * 2.0**-53
        state = state * by + plus
        y = np.float64(np.int64(state >> eleven)) * 2.0**-53
        if x * x + y * y <= 1.0:
            inside += 1
    hits[0] = inside


@njit
def insertion(a):
    for i in range(1, len(a)):
        x = a[i]
        j = i
        while j > 0 and a[j - 1] > x:
            a[j] = a[j - 1]
            j -= 1
        a[j] = x


@njit
def sift(a, start, end):
    root = start
    while 2 * root + 1 < end:
        child = 2 * root + 1
        if child + 1 < end and a[child] < a[child + 1]:
            child += 1
        if a[root] >= a[child]:
            break
        a[root], a[child] = a[child], a[root]
        root = child


@njit
def heap_sort(a):
    n = len(a)
    for start in range(n // 2 - 1, -1, -1):
        sift(a, start, n)
    for end in range(n - 1, 0, -1):
        a[0], a[end] = a[end], a[0]
        sift(a, 0, end)


@njit
def prefix_sums(a, t):
    n, m = a.shape
    for i in range(n):
        for j in range(m):
            t[i + 1, j + 1] = a[i, j] + t[i, j + 1] + t[i + 1, j] - t[i, j]


@njit
def levenshtein(a, b, row):
    for j in range(len(b) + 1):
        row[j] = j
    for i in range(len(a)):
        diagonal = row[0]
        row[0] = i + 1
        for j in range(len(b)):
            above = row[j + 1]
            changed = diagonal + (0 if a[i] == b[j] else 1)
            row[j + 1] = min(changed, min(above, row[j]) + 1)
            diagonal = above


def triangle(a, out):
    for i in prange(len(a)):
        s = 0.0
        for j in range(i + 1):
            for t in range(8):
                s = 0.5 * s + a[i, j]
        out[i] = s


def escape_rows(out, limit):
    n, m = out.shape
    for i in prange(n):
        for j in range(m):
            cr = -2.0 + 2.5 * j / m
            ci = -1.25 + 1.25 * i / n
            zr, zi, k = 0.0, 0.0, 0
            while k < limit and zr * zr + zi * zi <= 4.0:
                t = zr * zr - zi * zi + cr
                zi = 2.0 * zr * zi + ci
                zr = t
                k += 1
            out[i, j] = k


F, I, B, S = np.float64, np.int64, np.uint8, np.int32
PROGRAMS = [
    (floyd_warshall, [(F, (200, 200))], []),
    (lu, [(F, (200, 200))], []),
    (gram_schmidt, [(F, (120, 120))] * 2, []),
    (triple, [(F, (160, 160))] * 3, []),
    (nussinov, [(B, (220,)), (S, (221, 221))], []),
    (adi, [(F, (200, 200))] * 4, [4]),
    (seidel, [(F, (300, 300))], [4]),
    (durbin, [(F, (1200,))] * 3, []),
    (deriche, [(F, (300, 400))] * 3, []),
    (kmeans, [(F, (2000, 8)), (F, (12, 8)), (F, (12, 8)), (I, (12,)), (I, (2000,))], []),
    (monte_carlo, [(I, (1,))], [200_000]),
    (insertion, [(F, (1000,))], []),
    (heap_sort, [(F, (8000,))], []),
    (prefix_sums, [(I, (400, 500)), (I, (401, 501))], []),
    (levenshtein, [(B, (800,)), (B, (800,)), (I, (801,))], []),
    (triangle, [(F, (700, 700)), (F, (700,))], []),
    (escape_rows, [(I, (160, 200))], [1000]),
]


@njit
def drawn(state, out):
    for i in range(len(out)):
        state = state * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
        out[i] = state >> np.uint64(33)


def filled(kind, shape, seed):
    """The data of `hotloop-bench loops`."""
    numbers = np.zeros(int(np.prod(shape)), dtype=np.uint64)
    drawn(np.uint64((seed * 0x9E3779B97F4A7C15 % (1 << 64)) ^ 0x5851F42D4C957F2D), numbers)
    numbers = numbers.reshape(shape)
    if kind is F:
        heavy = len(shape) == 2 and shape[0] == shape[1]
        return 0.5 + numbers / float(1 << 31) + (np.eye(*shape) * shape[0] if heavy else 0.0)
    if kind is S:
        return np.zeros(shape, S)
    return (numbers % np.uint64(100 if kind is I else 4)).astype(kind)


def compiled(folder):
    """The same programs in C, to compare the results with."""
    path = os.path.join(folder, "loops.so")
    source = os.path.join(HERE, "../c/loops.c")
    subprocess.run(["gcc", "-O2", "-fPIC", "-w", "-ffp-contract=off", "-shared", source, "-o", path, "-lm"], check=True)
    return ctypes.CDLL(path)


def run_c(function, arrays, scalars):
    pointers = (ctypes.c_void_p * len(arrays))(*[array.ctypes.data for array in arrays])
    extents = [extent for array in arrays for extent in array.shape]
    words = lambda values: (ctypes.c_int64 * max(len(values), 1))(*values)
    function(pointers, words(extents), words(scalars))


def seconds(run, arrays, fresh, scalars):
    best, until = 1e9, time.perf_counter() + SECONDS
    while time.perf_counter() < until:
        for array, values in zip(arrays, fresh):
            array[...] = values
        begin = time.perf_counter()
        run(*arrays, *scalars)
        best = min(best, time.perf_counter() - begin)
    return best


def own(program, names):
    """The rows of `hotloop-bench loops`: the title, and the times of hotloop, scalar C, vector C and two threads."""
    done = subprocess.run([program, "loops", *names], check=True, capture_output=True, text=True)
    rows = [line for line in done.stdout.splitlines() if line.startswith("| ") and not line.startswith("| program")]
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows if not row.startswith("| ---")]
    time_of = lambda cell: float(cell.split()[0]) * UNITS[cell.split()[1]]
    times = lambda row: [time_of(row[1]), time_of(row[2]), time_of(row[4])]
    return [(row[0], times(row) + ([time_of(row[1]) / float(row[6].split()[0])] if row[6] else [])) for row in rows]


def text(value):
    return f"{value * 1e6:.1f} µs" if value < 1e-3 else f"{value * 1e3:.2f} ms"


def main():
    names = [run.__name__ for run, _, _ in PROGRAMS]
    prepared = []
    with tempfile.TemporaryDirectory() as folder:
        library = compiled(folder)
        for run, kinds, scalars in PROGRAMS:
            fresh = [filled(kind, shape, seed) for seed, (kind, shape) in enumerate(kinds)]
            has_prange = not hasattr(run, "py_func")
            runs = [njit(run), njit(parallel=True)(run)] if has_prange else [run]
            expected = [array.copy() for array in fresh]
            run_c(getattr(library, run.__name__), expected, scalars)
            for one in runs:
                found = [array.copy() for array in fresh]
                one(*found, *scalars)
                assert all(np.array_equal(a, b) for a, b in zip(found, expected)), run.__name__
            prepared.append((runs, [array.copy() for array in fresh], fresh, scalars))
    titles, best = [], [{} for _ in names]
    note = lambda at, column, value: best[at].update({column: min(value, best[at].get(column, 1e9))})
    for _ in range(ROUNDS):
        rows = own(sys.argv[1], names)
        titles = [title for title, _ in rows]
        for at, (_, times) in enumerate(rows):
            for column, value in zip(("hotloop", "scalar C", "vector C", "hotloop, 2"), times):
                note(at, column, value)
        for at, (runs, arrays, fresh, scalars) in enumerate(prepared):
            note(at, "Numba", seconds(runs[0], arrays, fresh, scalars))
            for threads in (1, THREADS) if len(runs) > 1 else ():
                numba.set_num_threads(threads)
                note(at, f"Numba prange, {threads}", seconds(runs[1], arrays, fresh, scalars))
    columns = ["hotloop", "Numba", "scalar C", "vector C", "hotloop, 2", "Numba prange, 1", f"Numba prange, {THREADS}"]
    print("| program | " + " | ".join(columns) + " | Numba / hotloop |")
    print("| --- |" + " ---: |" * (len(columns) + 1))
    for title, times in zip(titles, best):
        cells = [text(times[column]) if column in times else "" for column in columns]
        print(f"| {title} | " + " | ".join(cells) + f" | {times['Numba'] / times['hotloop']:.2f} |")


main()
