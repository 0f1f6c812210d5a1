"""Measures functions of complex numbers against mpmath at 300 bits, over a sample.

    python tests/accuracy/complex.py target/release/hotloop

Needs NumPy and mpmath. Errors are those of the worse part, in units in the last place of the larger part of the exact
result. Points lie at all angles, with magnitudes from 1e-3 to 1e3, and a quarter of them close to the unit circle.
"""

import os
import subprocess
import sys
import tempfile

import mpmath
import numpy as np

FUNCTIONS = {
    "z * w": lambda z, w: z * w, "z / w": lambda z, w: z / w, "exp(z)": lambda z, w: mpmath.exp(z),
    "log(z)": lambda z, w: mpmath.log(z), "log2(z)": lambda z, w: mpmath.log(z) / mpmath.log(2),
    "log10(z)": lambda z, w: mpmath.log(z) / mpmath.log(10), "sqrt(z)": lambda z, w: mpmath.sqrt(z),
    "pow(z, w)": mpmath.power, "sin(z)": lambda z, w: mpmath.sin(z), "cos(z)": lambda z, w: mpmath.cos(z),
    "tan(z)": lambda z, w: mpmath.tan(z), "sinh(z)": lambda z, w: mpmath.sinh(z), "cosh(z)": lambda z, w: mpmath.cosh(z),
    "tanh(z)": lambda z, w: mpmath.tanh(z), "asin(z)": lambda z, w: mpmath.asin(z), "acos(z)": lambda z, w: mpmath.acos(z),
    "atan(z)": lambda z, w: mpmath.atan(z), "asinh(z)": lambda z, w: mpmath.asinh(z), "acosh(z)": lambda z, w: mpmath.acosh(z),
    "atanh(z)": lambda z, w: mpmath.atanh(z),
}


def points(random, count, kind):
    magnitude = 10 ** random.uniform(-3, 3, count)
    magnitude[: count // 4] = 1 + 10 ** random.uniform(-12, -1, count // 4)
    return (magnitude * np.exp(1j * random.uniform(-np.pi, np.pi, count))).astype(kind)


def error(exact, found, part):
    largest = max(abs(exact.real), abs(exact.imag))
    if not float(np.finfo(part).tiny) * 2.0**60 < largest < float(np.finfo(part).max) / 2:
        return 0.0
    unit = mpmath.ldexp(1, int(mpmath.floor(mpmath.log(largest, 2))) - np.finfo(part).nmant)
    apart = max(abs(exact.real - float(found.real)), abs(exact.imag - float(found.imag)))
    return float(apart / unit)


def main(hotloop, count=4000):
    mpmath.mp.prec = 300
    random = np.random.default_rng(1)
    print("| function | c128 | c64 |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as place:
        arrays = {}
        for kind in (np.complex128, np.complex64):
            z, w = points(random, count, kind), points(random, count, kind)
            w = np.where(abs(w) > 20, w / abs(w), w).astype(kind)
            arrays[kind] = (z, w)
            for name, array in (("z", z), ("w", w)):
                np.save(os.path.join(place, f"{name}{kind.__name__}.npy"), array)
        for text, function in FUNCTIONS.items():
            row = []
            for kind, part in ((np.complex128, np.float64), (np.complex64, np.float32)):
                out = os.path.join(place, "out.npy")
                given = [f"{name}=@{place}/{name}{kind.__name__}.npy" for name in "zw" if name in text.split("(")[-1] or "(" not in text]
                subprocess.run([hotloop, "eval", text, *given, "-o", out], check=True)
                pairs = zip(*arrays[kind], np.load(out))
                row.append(max(error(function(mpmath.mpc(complex(z)), mpmath.mpc(complex(w))), f, part) for z, w, f in pairs))
            print(f"| `{text}` | {row[0]:.2f} | {row[1]:.2f} |", flush=True)


main(*sys.argv[1:2])
