"""Array programs of examples/ against NumPy, Numba, JAX and gcc -O3, one and two threads, as a table in Markdown.

    python3 -m venv /somewhere/peers
    /somewhere/peers/bin/pip install numpy numba jax
    cargo build --release
    /somewhere/peers/bin/python crates/hotloop-bench/peers/arrays.py target/release/hotloop

Results are compared with NumPy's first. The candidates take turns in several rounds, and the best time of a call
counts; hotloop's is that of `hotloop bench`, whose calls make their results anew, as those of NumPy do.
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

    return {"sobel": sobel, "softmax": softmax, "jacobi": jacobi, "windows": windows, "equalize": equalize, "spmv": spmv}


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
        return {"windows": lambda: (len(first), args[-1]), "equalize": lambda: (first.size,), "spmv": lambda: (len(first) - 1,)}.get(name, lambda: first.shape)()

    def jacobi(u, steps):
        library.jacobi(at(u), whole(u.shape[0]), whole(u.shape[1]), whole(steps))
        return u

    same = lambda first, *rest: np.empty_like(first)
    return {
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
    ]


def seconds(run, args):
    """The best of several calls."""
    best, until = 1e9, time.perf_counter() + 0.25
    while time.perf_counter() < until:
        begin = time.perf_counter()
        jax.block_until_ready(run(*args))
        best = min(best, time.perf_counter() - begin)
    return best


def hotloop(program, folder, name, file, kernel, args, threads):
    given = []
    for key, value in args.items():
        if isinstance(value, np.ndarray):
            path = os.path.join(folder, f"{name}_{key}.npy")
            if not os.path.exists(path):
                np.save(path, value)
            value = f"@{path}"
        given.append(f"{key}={value}")
    command = [program, "bench", os.path.join(EXAMPLES, file), kernel, *given, "--sizes", "1000", "--threads", str(threads), "--json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)["results"][0]["seconds"]["min"]


def text(value):
    return f"{value * 1e6:.0f} µs" if value < 1e-3 else f"{value * 1e3:.2f} ms"


def main():
    program = sys.argv[1]
    numpy = {"sobel": sobel_of(np), "softmax": softmax_of(np), "jacobi": jacobi_numpy, "windows": windows_of(np), "equalize": equalize_of(np), "spmv": spmv_numpy}
    xla = {"sobel": sobel_of(jnp), "softmax": softmax_of(jnp), "jacobi": jacobi_jax, "windows": windows_of(jnp), "equalize": equalize_of(jnp), "spmv": spmv_jax}
    xla = {name: jax.jit(run, static_argnums=(1,) if name in ("jacobi", "windows") else ()) for name, run in xla.items()}
    numba.set_num_threads(THREADS)
    os.environ["OMP_NUM_THREADS"] = str(THREADS)
    with tempfile.TemporaryDirectory() as folder:
        peers = {"NumPy": numpy, "Numba": loops(False), "JAX": xla, "gcc -O3": compiled(folder, []), "Numba, 2": loops(True), "gcc -O3, 2": compiled(folder, ["-fopenmp"])}
        columns = ["hotloop", "NumPy", "Numba", "JAX", "gcc -O3", "hotloop, 2", "Numba, 2", "gcc -O3, 2"]
        print("| program | " + " | ".join(columns) + " | Numba / hotloop | 2 threads |")
        print("| --- |" + " ---: |" * (len(columns) + 2))
        for name, file, kernel, args in programs():
            values = list(args.values())
            copies = lambda: [value.copy() if isinstance(value, np.ndarray) else value for value in values]
            expected = np.asarray(numpy[name](*copies()), dtype=float)
            best = {column: 1e9 for column in columns}
            for peer, runs in peers.items():
                found = np.asarray(runs[name](*copies()), dtype=float)
                assert np.allclose(found, expected, rtol=1e-6, atol=1.0 if expected.max() > 2 else 1e-6), (name, peer)
            for _ in range(ROUNDS):
                for peer, runs in peers.items():
                    given = [jnp.asarray(value) if peer == "JAX" and isinstance(value, np.ndarray) else value for value in copies()]
                    best[peer] = min(best[peer], seconds(runs[name], given))
                for column, threads in (("hotloop", 1), ("hotloop, 2", THREADS)):
                    best[column] = min(best[column], hotloop(program, folder, name, file, kernel, args, threads))
            ratios = [best["Numba"] / best["hotloop"], best["Numba, 2"] / best["hotloop, 2"]]
            print(f"| {name} | " + " | ".join(text(best[column]) for column in columns) + f" | {ratios[0]:.2f} | {ratios[1]:.2f} |", flush=True)


main()
