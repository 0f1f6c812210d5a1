"""Array programs of examples/ against NumPy, Numba, JAX and gcc -O3, one and two threads, as a table in Markdown.

    python3 -m venv /somewhere/peers
    /somewhere/peers/bin/pip install numpy numba jax
    cargo build --release
    /somewhere/peers/bin/python crates/hotloop-bench/peers/arrays.py target/release/hotloop [PROGRAM…]

Results, hotloop's too, are compared with NumPy's first. The candidates take turns in several rounds, and the best time of a call
counts; hotloop's time is that of `hotloop bench`, whose calls make their results anew, as those of NumPy do.
"""

import ctypes
import json
import os
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
import jax
import jax.numpy as jnp
import numba
import numpy as np

jax.config.update("jax_enable_x64", True)
HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLES = os.path.join(HERE, "../../../examples")
ROUNDS, THREADS = 3, 2
BYTES = ("sobel", "equalize", "unsharp")


def pad(a, xp):
    return xp.pad(a, 1, mode="edge")


def sobel_of(xp):
    def run(image):
        p = pad(image.astype(xp.float32), xp)
        column = lambda q: q[:-2] + 2 * q[1:-1] + q[2:]
        across = column(p[:, 2:]) - column(p[:, :-2])
        row = lambda q: q[:, :-2] + 2 * q[:, 1:-1] + q[:, 2:]
        down = row(p[2:]) - row(p[:-2])
        return xp.minimum(xp.sqrt(across * across + down * down), 255).astype(xp.uint8)
    return run


def softmax_of(xp):
    def run(x):
        e = xp.exp(x - xp.max(x, axis=1, keepdims=True))
        return e / xp.sum(e, axis=1, keepdims=True)
    return run


def jacobi_numpy(u, steps):
    for _ in range(steps):
        u[1:-1, 1:-1] = 0.25 * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:])
    return u


def jacobi_jax(u, steps):
    inner = lambda u: 0.25 * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:])
    return jax.lax.fori_loop(0, steps, lambda _, u: u.at[1:-1, 1:-1].set(inner(u)), u)


def windows_of(xp):
    def run(x, w):
        upto = xp.concatenate([xp.zeros(1), xp.cumsum(x)])
        return (upto[w:] - upto[:-w]) / w
    return run


def equalize_of(xp):
    def run(image):
        upto = xp.cumsum(xp.bincount(image.ravel(), minlength=256, **({"length": 256} if xp is jnp else {})))
        first = upto[xp.min(image)]
        scale = xp.maximum(image.size - first, 1)
        table = xp.clip(xp.round((upto - first) / scale * 255), 0, 255).astype(xp.uint8)
        return table[image]
    return run


def spmv_numpy(start, column, value, x):
    return np.add.reduceat(value * x[column], start[:-1])


def spmv_jax(start, column, value, x):
    rows = jnp.repeat(jnp.arange(len(start) - 1), jnp.diff(start), total_repeat_length=len(value))
    return jax.ops.segment_sum(value * x[column], rows, num_segments=len(start) - 1)


def life_of(xp):
    def turn(cells):
        rows = xp.roll(cells, 1, axis=0) + cells + xp.roll(cells, -1, axis=0)
        around = xp.roll(rows, 1, axis=1) + rows + xp.roll(rows, -1, axis=1) - cells
        return ((around == 3) | ((cells == 1) & (around == 2))).astype(xp.uint8)

    def run(cells, turns):
        if xp is jnp:
            return jax.lax.fori_loop(0, turns, lambda _, cells: turn(cells), cells)
        for _ in range(turns):
            cells = turn(cells)
        return cells
    return run


def warmed(t):
    around = t[:-2, 1:-1, 1:-1] + t[2:, 1:-1, 1:-1] + t[1:-1, :-2, 1:-1] + t[1:-1, 2:, 1:-1] + t[1:-1, 1:-1, :-2] + t[1:-1, 1:-1, 2:]
    here = t[1:-1, 1:-1, 1:-1]
    return here + 0.125 * (around - 6 * here)


def heat_numpy(t, steps):
    for _ in range(steps):
        t[1:-1, 1:-1, 1:-1] = warmed(t)
    return t


def heat_jax(t, steps):
    return jax.lax.fori_loop(0, steps, lambda _, t: t.at[1:-1, 1:-1, 1:-1].set(warmed(t)), t)


def nearest_of(xp):
    def run(points, centers):
        away = points[:, None, :] - centers[None, :, :]
        return xp.argmin(xp.sum(away * away, axis=2), axis=1)
    return run


def kmeans_numpy(points, centers, turns):
    centers = centers.copy()
    for _ in range(turns):
        cluster = nearest_of(np)(points, centers)
        counts = np.bincount(cluster, minlength=len(centers))
        sums = np.stack([np.bincount(cluster, points[:, k], len(centers)) for k in range(2)], axis=1)
        centers = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], centers)
    return nearest_of(np)(points, centers)


def kmeans_jax(points, centers, turns):
    def turn(_, centers):
        cluster = nearest_of(jnp)(points, centers)
        counts = jnp.zeros(len(centers)).at[cluster].add(1)
        sums = jnp.zeros_like(centers).at[cluster].add(points)
        return jnp.where(counts[:, None] > 0, sums / jnp.maximum(counts, 1)[:, None], centers)
    return nearest_of(jnp)(points, jax.lax.fori_loop(0, turns, turn, centers))


def correlation_of(xp):
    def run(x):
        d = x - xp.mean(x, axis=0)
        unit = d / xp.sqrt(xp.sum(d * d, axis=0))
        return unit.T @ unit
    return run


def unsharp_of(xp):
    five = lambda p, n, axis: [p[i:n + i] if axis == 0 else p[:, i:n + i] for i in range(5)]

    def blurred(p, axis):
        around = xp.pad(p, [(2, 2), (0, 0)] if axis == 0 else [(0, 0), (2, 2)], mode="symmetric")
        a, b, c, d, e = five(around, p.shape[axis], axis)
        return (a + 4 * b + 6 * c + 4 * d + e) / 16

    def run(image, amount):
        picture = image.astype(xp.float32)
        sharp = picture + xp.float32(amount) * (picture - blurred(blurred(picture, 0), 1))
        return xp.clip(xp.round(sharp), 0, 255).astype(xp.uint8)
    return run


def react_of(xp):
    def turn(u, v, feed, kill):
        p, q = (xp.pad(a, 1, mode="edge") for a in (u, v))
        spread = lambda p, a: p[:-2, 1:-1] + p[2:, 1:-1] + p[1:-1, :-2] + p[1:-1, 2:] - 4 * a
        reacted = u * v * v
        return u + (0.16 * spread(p, u) - reacted + feed * (1 - u)), v + (0.08 * spread(q, v) + reacted - (feed + kill) * v)

    def run(u, v, feed, kill, steps):
        if xp is jnp:
            return jax.lax.fori_loop(0, steps, lambda _, uv: turn(*uv, feed, kill), (u, v))
        for _ in range(steps):
            u, v = turn(u, v, feed, kill)
        return u, v
    return run


def means_of(xp):
    return lambda x: xp.cumsum(x) / (xp.arange(len(x)) + 1)


def charge_numpy(place, cells):
    left = np.floor(place).astype(np.int64) % cells
    near = place - np.floor(place)
    return np.bincount(left, 1 - near, cells) + np.bincount((left + 1) % cells, near, cells)


def charge_jax(place, cells):
    left = jnp.floor(place).astype(jnp.int64) % cells
    near = place - jnp.floor(place)
    return jnp.zeros(cells).at[left].add(1 - near).at[(left + 1) % cells].add(near)


def loops(parallel):
    """The programs as one writes them for Numba."""
    jit = numba.njit(parallel=parallel)
    each = numba.prange if parallel else range

    @jit
    def sobel(p):
        rows, cols = p.shape
        out = np.empty((rows, cols), np.uint8)
        for i in each(rows):
            a, c = max(i - 1, 0), min(i + 1, rows - 1)
            for j in range(cols):
                l, r = max(j - 1, 0), min(j + 1, cols - 1)
                f = np.float32
                across = (f(p[a, r]) + 2 * f(p[i, r]) + f(p[c, r])) - (f(p[a, l]) + 2 * f(p[i, l]) + f(p[c, l]))
                down = (f(p[c, l]) + 2 * f(p[c, j]) + f(p[c, r])) - (f(p[a, l]) + 2 * f(p[a, j]) + f(p[a, r]))
                out[i, j] = np.uint8(min(np.sqrt(f(across * across + down * down)), f(255)))
        return out

    @jit
    def softmax(x):
        out = np.empty_like(x)
        for i in each(x.shape[0]):
            most, total = x[i, 0], 0.0
            for j in range(1, x.shape[1]):
                most = max(most, x[i, j])
            for j in range(x.shape[1]):
                out[i, j] = np.exp(x[i, j] - most)
                total += out[i, j]
            for j in range(x.shape[1]):
                out[i, j] /= total
        return out

    @jit
    def jacobi(u, steps):
        new = np.zeros_like(u)
        for _ in range(steps):
            for i in each(1, u.shape[0] - 1):
                for j in range(1, u.shape[1] - 1):
                    new[i, j] = 0.25 * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1])
            for i in each(1, u.shape[0] - 1):
                for j in range(1, u.shape[1] - 1):
                    u[i, j] = new[i, j]
        return u

    @jit
    def windows(x, w):
        upto = np.zeros(len(x) + 1)
        for i in range(len(x)):
            upto[i + 1] = upto[i] + x[i]
        out = np.empty(len(x) - w + 1)
        for i in each(len(out)):
            out[i] = (upto[i + w] - upto[i]) / w
        return out

    @jit
    def equalize(p):
        count = np.zeros(256, np.int64)
        for i in range(p.shape[0]):
            for j in range(p.shape[1]):
                count[p[i, j]] += 1
        upto = np.cumsum(count)
        first = upto[p.min()]
        scale = max(p.size - first, 1)
        table = np.empty(256, np.uint8)
        for v in range(256):
            table[v] = np.uint8(max(np.round((upto[v] - first) / scale * 255), 0.0))
        out = np.empty_like(p)
        for i in each(p.shape[0]):
            for j in range(p.shape[1]):
                out[i, j] = table[p[i, j]]
        return out

    @jit
    def spmv(start, column, value, x):
        y = np.empty(len(start) - 1)
        for i in each(len(y)):
            total = 0.0
            for k in range(start[i], start[i + 1]):
                total += value[k] * x[column[k]]
            y[i] = total
        return y

    @jit
    def life(cells, turns):
        rows, cols = cells.shape
        now, new = cells.copy(), np.empty_like(cells)
        for _ in range(turns):
            for i in each(rows):
                a, c = (i - 1) % rows, (i + 1) % rows
                for j in range(cols):
                    l, r = j - 1 if j > 0 else cols - 1, j + 1 if j < cols - 1 else 0
                    around = now[a, l] + now[a, j] + now[a, r] + now[i, l] + now[i, r] + now[c, l] + now[c, j] + now[c, r]
                    new[i, j] = np.uint8(around == 3 or (now[i, j] == 1 and around == 2))
            now, new = new, now
        return now

    @jit
    def heat(t, steps):
        new = t.copy()
        for _ in range(steps):
            for i in each(1, t.shape[0] - 1):
                for j in range(1, t.shape[1] - 1):
                    for k in range(1, t.shape[2] - 1):
                        around = t[i - 1, j, k] + t[i + 1, j, k] + t[i, j - 1, k] + t[i, j + 1, k] + t[i, j, k - 1] + t[i, j, k + 1]
                        new[i, j, k] = t[i, j, k] + 0.125 * (around - 6 * t[i, j, k])
            for i in each(1, t.shape[0] - 1):
                for j in range(1, t.shape[1] - 1):
                    for k in range(1, t.shape[2] - 1):
                        t[i, j, k] = new[i, j, k]
        return t

    @jit
    def nearest(points, centers, cluster):
        for i in each(len(points)):
            best, where = np.inf, 0
            for k in range(len(centers)):
                x, y = points[i, 0] - centers[k, 0], points[i, 1] - centers[k, 1]
                if x * x + y * y < best:
                    best, where = x * x + y * y, k
            cluster[i] = where

    @jit
    def kmeans(points, centers, turns):
        centers = centers.copy()
        cluster = np.empty(len(points), np.int64)
        for _ in range(turns):
            nearest(points, centers, cluster)
            sums, counts = np.zeros_like(centers), np.zeros(len(centers))
            for i in range(len(points)):
                sums[cluster[i], 0] += points[i, 0]
                sums[cluster[i], 1] += points[i, 1]
                counts[cluster[i]] += 1
            for k in range(len(centers)):
                if counts[k] > 0:
                    centers[k, 0] = sums[k, 0] / counts[k]
                    centers[k, 1] = sums[k, 1] / counts[k]
        nearest(points, centers, cluster)
        return cluster

    @jit
    def correlation(x):
        rows, cols = x.shape
        d, out = np.empty_like(x), np.zeros((cols, cols))
        mean, length = np.zeros(cols), np.zeros(cols)
        for i in range(rows):
            for j in range(cols):
                mean[j] += x[i, j]
        for i in range(rows):
            for j in range(cols):
                d[i, j] = x[i, j] - mean[j] / rows
                length[j] += d[i, j] * d[i, j]
        for j in each(cols):
            for i in range(rows):
                for k in range(cols):
                    out[j, k] += d[i, j] * d[i, k]
            for k in range(cols):
                out[j, k] /= np.sqrt(length[j]) * np.sqrt(length[k])
        return out

    @jit
    def unsharp(image, amount):
        rows, cols = image.shape
        f = np.float32
        half, out = np.empty((rows, cols), np.float32), np.empty((rows, cols), np.uint8)
        mirror = lambda i, n: -1 - i if i < 0 else 2 * n - 1 - i if i >= n else i
        for i in each(rows):
            a, b, d, e = mirror(i - 2, rows), mirror(i - 1, rows), mirror(i + 1, rows), mirror(i + 2, rows)
            for j in range(cols):
                half[i, j] = (f(image[a, j]) + f(4) * f(image[b, j]) + f(6) * f(image[i, j]) + f(4) * f(image[d, j]) + f(image[e, j])) / f(16)
        for i in each(rows):
            for j in range(cols):
                a, b, d, e = mirror(j - 2, cols), mirror(j - 1, cols), mirror(j + 1, cols), mirror(j + 2, cols)
                soft = (half[i, a] + f(4) * half[i, b] + f(6) * half[i, j] + f(4) * half[i, d] + half[i, e]) / f(16)
                here = f(image[i, j])
                out[i, j] = np.uint8(min(max(np.round(here + f(amount) * (here - soft)), f(0)), f(255)))
        return out

    @jit
    def react(u, v, feed, kill, steps):
        rows, cols = u.shape
        u, v, nu, nv = u.copy(), v.copy(), np.empty_like(u), np.empty_like(v)
        for _ in range(steps):
            for i in each(rows):
                a, c = max(i - 1, 0), min(i + 1, rows - 1)
                for j in range(cols):
                    l, r = max(j - 1, 0), min(j + 1, cols - 1)
                    here, there = u[i, j], v[i, j]
                    su = u[a, j] + u[c, j] + u[i, l] + u[i, r] - 4 * here
                    sv = v[a, j] + v[c, j] + v[i, l] + v[i, r] - 4 * there
                    reacted = here * there * there
                    nu[i, j] = here + (0.16 * su - reacted + feed * (1 - here))
                    nv[i, j] = there + (0.08 * sv + reacted - (feed + kill) * there)
            u, nu = nu, u
            v, nv = nv, v
        return u, v

    @jit
    def means(x):
        out, total = np.empty_like(x), 0.0
        for i in range(len(x)):
            total += x[i]
            out[i] = total / (i + 1)
        return out

    @jit
    def charge(place, cells):
        out = np.zeros(cells)
        for i in range(len(place)):
            floor = np.floor(place[i])
            left, near = np.int64(floor) % cells, place[i] - floor
            out[left] += 1 - near
            out[(left + 1) % cells] += near
        return out

    named = [sobel, softmax, jacobi, windows, equalize, spmv, life, heat, kmeans, correlation, unsharp, react, means, charge]
    return {function.py_func.__name__: function for function in named}


def compiled(folder, flags):
    """The programs in C, called with the addresses and extents of arrays."""
    path = os.path.join(folder, f"arrays{len(flags)}.so")
    command = ["gcc", "-O3", "-march=native", "-shared", "-fPIC", "-w", *flags, os.path.join(HERE, "arrays.c"), "-o", path, "-lm"]
    subprocess.run(command, check=True)
    library = ctypes.CDLL(path)
    at = lambda array: ctypes.c_void_p(array.ctypes.data)
    whole = ctypes.c_long

    def mapped(name, out_of, *extents):
        def run(*args):
            out = out_of(*args)
            arrays = [at(arg) for arg in args if isinstance(arg, np.ndarray)]
            getattr(library, name)(*arrays, at(out), *[whole(extent) for extent in extents_of(name, args)])
            return out
        return run

    def extents_of(name, args):
        first = args[0]
        known = {
            "windows": lambda: (len(first), args[-1]), "equalize": lambda: (first.size,), "spmv": lambda: (len(first) - 1,),
            "life": lambda: (*first.shape, args[-1]), "kmeans": lambda: (len(first), len(args[1]), args[-1]), "charge": lambda: (len(first), args[-1]),
        }
        return known.get(name, lambda: first.shape)()

    def jacobi(u, steps):
        library.jacobi(at(u), whole(u.shape[0]), whole(u.shape[1]), whole(steps))
        return u

    def heat(t, steps):
        library.heat(at(t), *[whole(extent) for extent in t.shape], whole(steps))
        return t

    def unsharp(image, amount):
        out = np.empty_like(image)
        library.unsharp(at(image), at(out), *[whole(extent) for extent in image.shape], ctypes.c_float(amount))
        return out

    def react(u, v, feed, kill, steps):
        u, v = u.copy(), v.copy()
        library.react(at(u), at(v), *[whole(extent) for extent in u.shape], ctypes.c_double(feed), ctypes.c_double(kill), whole(steps))
        return u, v

    same = lambda first, *rest: np.empty_like(first)
    return {
        "life": mapped("life", same), "heat": heat, "kmeans": mapped("kmeans", lambda points, *rest: np.empty(len(points), np.int64)),
        "correlation": mapped("correlation", lambda x: np.empty((x.shape[1], x.shape[1]))), "unsharp": unsharp, "react": react,
        "means": mapped("means", same), "charge": mapped("charge", lambda place, cells: np.empty(cells)),
        "sobel": mapped("sobel", same), "softmax": mapped("softmax", same), "jacobi": jacobi,
        "windows": mapped("windows", lambda x, w: np.empty(len(x) - w + 1)), "equalize": mapped("equalize", same),
        "spmv": mapped("spmv", lambda start, *rest: np.empty(len(start) - 1)),
    }


def programs():
    """Name, file, kernel and named arguments."""
    rng = np.random.default_rng(1)
    picture = (rng.random((1024, 1024)) ** 2 * 256).astype(np.uint8)
    rows = 100_000
    start = np.arange(rows + 1, dtype=np.int64) * 8
    column = rng.integers(0, rows, rows * 8)
    return [
        ("sobel", "sobel.hl", "sobel", {"image": picture}),
        ("softmax", "softmax.hl", "softmax", {"x": rng.random((1000, 1000))}),
        ("jacobi", "jacobi.hl", "jacobi", {"u": rng.random((512, 512)), "steps": 10}),
        ("windows", "running_mean.hl", "windows", {"x": rng.random(1_000_000), "w": 50}),
        ("equalize", "equalize.hl", "equalize", {"image": picture}),
        ("spmv", "spmv.hl", "by_rows", {"start": start, "column": column, "value": rng.random(rows * 8), "x": rng.random(rows)}),
        ("life", "life.hl", "life", {"cells": (picture > 128).astype(np.uint8), "turns": 10}),
        ("heat", "heat3d.hl", "heat", {"t": rng.random((100, 100, 100)), "steps": 5}),
        ("kmeans", "kmeans.hl", "kmeans", {"points": rng.random((100_000, 2)), "centers": rng.random((8, 2)), "turns": 5}),
        ("correlation", "correlation.hl", "correlation", {"x": rng.random((10_000, 16))}),
        ("unsharp", "unsharp.hl", "unsharp", {"image": picture, "amount": 1.5}),
        ("react", "reaction_diffusion.hl", "react", {"u": rng.random((256, 256)), "v": rng.random((256, 256)), "feed": 0.035, "kill": 0.06, "steps": 20}),
        ("means", "running_mean.hl", "means", {"x": rng.random(1_000_000)}),
        ("charge", "particles.hl", "charge", {"place": rng.random(1_000_000) * 4096, "cells": 4096}),
    ]


def seconds(run, args):
    """The best of several calls."""
    best, until = 1e9, time.perf_counter() + 0.25
    while time.perf_counter() < until:
        begin = time.perf_counter()
        jax.block_until_ready(run(*args))
        best = min(best, time.perf_counter() - begin)
    return best


def numbers(value):
    """All numbers of a result or of several in one line."""
    return np.concatenate([np.asarray(part, dtype=float).ravel() for part in (value if isinstance(value, tuple) else (value,))])


def picture_of(values):
    return any(isinstance(value, np.ndarray) and value.dtype == np.uint8 for value in values)


def arguments(folder, name, args):
    given = []
    for key, value in args.items():
        if isinstance(value, np.ndarray):
            path = os.path.join(folder, f"{name}_{key}.npy")
            if not os.path.exists(path):
                np.save(path, value)
            value = f"@{path}"
        given.append(f"{key}={value}")
    return given


def result(program, folder, name, file, kernel, args):
    """What hotloop makes, arrays that are written included."""
    paths = [os.path.join(folder, f"{name}_result{k}.npy") for k in range({"react": 2, "kmeans": 2}.get(name, 1))]
    outs = [part for path in paths for part in ("-o", path)]
    command = [program, "run", os.path.join(EXAMPLES, file), kernel, *arguments(folder, name, args), *outs]
    subprocess.run(command, check=True, capture_output=True)
    found = tuple(np.load(path) for path in paths)
    return found[:1] if name == "kmeans" else found


def hotloop(program, folder, name, file, kernel, args, threads):
    given = arguments(folder, name, args)
    command = [program, "bench", os.path.join(EXAMPLES, file), kernel, *given, "--sizes", "1000", "--threads", str(threads), "--json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)["results"][0]["seconds"]["min"]


def text(value):
    return f"{value * 1e6:.0f} µs" if value < 1e-3 else f"{value * 1e3:.2f} ms"


def main():
    program, *wanted = sys.argv[1:]
    of = {
        "sobel": sobel_of, "softmax": softmax_of, "windows": windows_of, "equalize": equalize_of, "life": life_of,
        "correlation": correlation_of, "unsharp": unsharp_of, "react": react_of, "means": means_of,
    }
    numpy = {name: make(np) for name, make in of.items()}
    numpy |= {"jacobi": jacobi_numpy, "spmv": spmv_numpy, "heat": heat_numpy, "kmeans": kmeans_numpy, "charge": charge_numpy}
    xla = {name: make(jnp) for name, make in of.items()}
    xla |= {"jacobi": jacobi_jax, "spmv": spmv_jax, "heat": heat_jax, "kmeans": kmeans_jax, "charge": charge_jax}
    known = {"jacobi": (1,), "windows": (1,), "charge": (1,)}
    xla = {name: jax.jit(run, static_argnums=known.get(name, ())) for name, run in xla.items()}
    numba.set_num_threads(THREADS)
    os.environ["OMP_NUM_THREADS"] = str(THREADS)
    with tempfile.TemporaryDirectory() as folder:
        peers = {"NumPy": numpy, "Numba": loops(False), "JAX": xla, "gcc -O3": compiled(folder, []), "Numba, 2": loops(True), "gcc -O3, 2": compiled(folder, ["-fopenmp"])}
        columns = ["hotloop", "NumPy", "Numba", "JAX", "gcc -O3", "hotloop, 2", "Numba, 2", "gcc -O3, 2"]
        print("| program | " + " | ".join(columns) + " | Numba / hotloop | 2 threads |")
        print("| --- |" + " ---: |" * (len(columns) + 2))
        for name, file, kernel, args in programs():
            if wanted and name not in wanted:
                continue
            values = list(args.values())
            copies = lambda: [value.copy() if isinstance(value, np.ndarray) else value for value in values]
            expected = numbers(numpy[name](*copies()))
            best = {column: 1e9 for column in columns}
            # Bytes that were rounded may be off by one.
            off = 1.0 if picture_of(values) else 1e-6
            found = {peer: runs[name](*copies()) for peer, runs in peers.items()}
            found["hotloop"] = result(program, folder, name, file, kernel, args)
            for peer, value in found.items():
                assert np.allclose(numbers(value), expected, rtol=1e-6, atol=off), (name, peer)
            for _ in range(ROUNDS):
                for peer, runs in peers.items():
                    given = [jnp.asarray(value) if peer == "JAX" and isinstance(value, np.ndarray) else value for value in copies()]
                    best[peer] = min(best[peer], seconds(runs[name], given))
                for column, threads in (("hotloop", 1), ("hotloop, 2", THREADS)):
                    best[column] = min(best[column], hotloop(program, folder, name, file, kernel, args, threads))
            ratios = [best["Numba"] / best["hotloop"], best["Numba, 2"] / best["hotloop, 2"]]
            print(f"| {name} | " + " | ".join(text(best[column]) for column in columns) + f" | {ratios[0]:.2f} | {ratios[1]:.2f} |", flush=True)


main()
