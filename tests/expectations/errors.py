"""Diagnostics: texts with the offending part between « and »."""

from table import File


def make():
    pass
