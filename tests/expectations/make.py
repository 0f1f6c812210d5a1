"""Writes the case files whose expectations are tables: run it with Python 3, NumPy and mpmath, and commit what changed.

    python tests/expectations/make.py

Everything is computed here, from exact integers and fractions or by NumPy and mpmath, and never by hotloop.
"""

import arrays
import arranging
import by_index
import complexes
import errors
import halves
import lists
import loop_programs
import maths
import operators
import overflow
import programs
import reductions
import types_of
import walks
import windows

for module in (operators, types_of, maths, arrays, arranging, reductions, walks, by_index, programs, loop_programs, overflow, windows, halves, complexes, lists, errors):
    module.make()
