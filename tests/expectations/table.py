"""Writing case files: types, values as text, and one function per kind of case.

Nothing here runs hotloop. What a case expects is computed in `make.py` with Python's integers and fractions, with NumPy
or with mpmath.
"""

import os

import numpy as np

TYPES = ["bool", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f32", "f64"]
INTS = TYPES[1:9]
SIGNED = TYPES[1:5]
FLOATS = ["f32", "f64"]
NUMPY = {
    "bool": np.bool_,
    "i8": np.int8,
    "i16": np.int16,
    "i32": np.int32,
    "i64": np.int64,
    "u8": np.uint8,
    "u16": np.uint16,
    "u32": np.uint32,
    "u64": np.uint64,
    "f32": np.float32,
    "f64": np.float64,
    "c64": np.complex64,
    "c128": np.complex128,
}
NAMES = {np.dtype(kind): name for name, kind in NUMPY.items()}
SUITE = os.path.join(os.path.dirname(__file__), "..", "suite")


def bits(ty):
    return {"b": 8}.get(ty[0], None) or int(ty[1:])


def low(ty):
    return -(1 << (bits(ty) - 1)) if ty[0] == "i" else 0


def high(ty):
    return (1 << (bits(ty) - (ty[0] == "i"))) - 1


def wrap(ty, value):
    """The value modulo the width of an integer type."""
    value &= (1 << bits(ty)) - 1
    return value - (1 << bits(ty)) if ty[0] == "i" and value > high(ty) else value


def element(ty, value):
    if ty == "bool":
        return "true" if value else "false"
    if ty[0] == "c":
        part = {"c64": "f32", "c128": "f64"}[ty]
        real, imag = element(part, value.real), element(part, value.imag)
        return f"{real}{'' if imag[0] == '-' else '+'}{imag}j"
    if ty[0] != "f":
        return str(int(value))
    value = NUMPY[ty](value)
    if np.isnan(value):
        return "nan"
    if np.isinf(value):
        return "inf" if value > 0 else "-inf"
    text = np.format_float_scientific(value, unique=True, trim="-") if value != 0 and not 1e-5 < abs(value) < 1e16 else None
    text = text or np.format_float_positional(value, unique=True, trim="-")
    return text


def listed(ty, value):
    if isinstance(value, np.ndarray) and value.size == 0 and value.ndim > 1:
        return f"fill({'false' if ty == 'bool' else 0}, {'x'.join(map(str, value.shape))})"
    if isinstance(value, np.ndarray):
        value = value.tolist() if ty not in ("f32", "c64") else nested(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(listed(ty, item) for item in value) + "]"
    return element(ty, value)


def nested(array):
    return [nested(row) for row in array] if array.ndim else array[()]


class File:
    """One case file."""

    def __init__(self, path, about):
        self.path = path
        self.lines = [f"# {about}", "# Written by expectations/make.py; change it there.", ""]

    def __enter__(self):
        return self

    def __exit__(self, kind, _value, _trace):
        if kind is None:
            path = os.path.join(SUITE, self.path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file:
                file.write("\n".join(self.lines).rstrip() + "\n")

    def code(self, text):
        self.lines += text.strip("\n").split("\n") + [""]

    def section(self, name):
        self.lines += [f"#= {name}"]

    def case(self, expr, name="", inputs=(), outs=(), notes=(), kernel=None):
        """`inputs`: (name, type, value); `outs`: (type, value) or (type, value, tolerance)."""
        self.lines.append(f"#> case {name}".rstrip())
        if kernel:
            self.lines.append(f"#> kernel {kernel}")
        if expr:
            self.lines.append(f"#> expr {expr}")
        for item in inputs:
            self.input(*item)
        for out in outs:
            self.out(*out)
        self.lines += [f"#> {note}" for note in notes]
        self.lines.append("")

    def given(self, name, ty, value):
        self.annotation("given", f"{name}: {ty}", value)

    def input(self, name, ty, value):
        if ty is None:
            self.lines.append(f"#> in {name} = {value}")
            return
        kind = ty.removeprefix("mut ")
        self.annotation("in", f"{name}: {ty}", value if isinstance(value, str) else listed(kind, value))

    def after(self, name, ty, value):
        self.annotation("after", f"{name}: {ty}", listed(ty, value))

    def out(self, ty, value, tolerance=""):
        text = value if isinstance(value, str) else listed(ty, value)
        self.annotation("out", f": {ty}", text, tolerance)

    def annotation(self, word, head, text, tail=""):
        """Breaks long lists over lines."""
        line = f"#> {word}{'' if head[0] == ':' else ' '}{head} ="
        for part in text.replace("], [", "],\n[").split("\n"):
            for piece in part.split(", "):
                comma = "," if not (part.endswith(piece) and text.endswith(part)) else ""
                comma = "" if piece.endswith(",") else comma
                if len(line) + len(piece) > 116:
                    self.lines.append(line)
                    line = "#>     "
                line += " " + piece + comma
        self.lines.append((line + (" " + tail if tail else "")).rstrip())
