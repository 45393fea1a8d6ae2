"""Decide from the bytes of a module whether parsing it in this process is surely harmless.

CPython's own limits end what nests too deeply, but not what is merely much: a
syntax tree takes up to 2 KiB for each sign of punctuation (measured on 3.11 to
3.13 with ``f(a)\\n`` and ``a;`` over and over), and 3.11 needs quadratic time for
the fields of one f-string. Only what is doubtful is looked at more than once.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["MAX_SIGNS", "Shape", "doubt", "shape"]

#: Bytes; a smaller module needs no look at all but for runs of operators.
_SMALL = 32 << 10
#: Signs of punctuation and line ends outside strings and comments, at up to 2 KiB each.
MAX_SIGNS = 60_000
#: The same before strings and comments are left out.
_FEW = 30_000
#: Fields of f-strings.
_MAX_FIELDS = 5_000
#: Operators in front of one operand: ``--x`` is odd, 16 are no program.
_MAX_RUN = 16
_LINE = 64 << 10  # bytes of a line outside strings
_MAX_DEPTH = 100  # brackets; the tokenizer ends at 200

_WORDS = bytes(
    byte for byte in range(256) if byte > 127 or chr(byte).isalnum() or chr(byte) in "_ \t\r\f"
)
_BLANK = b" \t\r\n\f\\()"
_UNARY = bytes.maketrans(b"+~", b"--")
_RUNS = (b"-" * _MAX_RUN, b"not" * _MAX_RUN, b"lambda:" * _MAX_RUN, b"await" * _MAX_RUN)
# Each alternative that has begun matches to its end or the file's, and keeps no way back: the
# time is linear, and the memory that of the text.
_INERT = re.compile(
    rb'#[^\n]*+|"""[^"\\]*+(?:(?:\\.|"(?!""))[^"\\]*+)*+(?:"""|\Z)'
    rb"|'''[^'\\]*+(?:(?:\\.|'(?!''))[^'\\]*+)*+(?:'''|\Z)"
    rb'|"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+(?:"|(?=\n)|\Z)'
    rb"|'[^'\\\n]*+(?:\\.[^'\\\n]*+)*+(?:'|(?=\n)|\Z)",
    re.DOTALL,
)
_FORMATTED = re.compile(rb"(?i)\b(?:f|fr|rf|t|tr|rt)[\"']")
_LINES = re.compile(rb"\n{2,}")
_BRACKETS = bytes(byte for byte in range(256) if byte not in b"()[]{}")


class Shape(NamedTuple):
    """What a module looks like without its strings and comments.

    :param signs: signs of punctuation and line ends.
    :param fields: opening braces, if there are f-strings: what they hold is code.
    :param run: whether operators stand in a row as no person writes them.
    :param longest: bytes of the longest line.
    :param depth: brackets that are open at once.
    """

    signs: int
    fields: int
    run: bool
    longest: int
    depth: int


def _runs(data: bytes) -> bool:
    packed = data.translate(_UNARY, _BLANK)
    return any(run in packed for run in _RUNS)


def _depth(code: bytes) -> int:
    deepest = depth = 0
    for bracket in code.translate(None, _BRACKETS):
        if bracket in b"([{":
            depth += 1
            deepest = max(deepest, depth)
        elif depth:
            depth -= 1
    return deepest


def shape(data: bytes) -> Shape:
    """Return what a module looks like without its strings and comments, in linear time."""
    # A backslash at the end then escapes something, and no alternative fails half-way.
    code = _INERT.sub(b"", data + b"\n")
    signs = _signs(code)
    fields = data.count(b"{") if _FORMATTED.search(data) else 0
    longest = max(map(len, code.split(b"\n")))
    return Shape(signs, fields, _runs(code), longest, _depth(code))


def _signs(code: bytes) -> int:
    """Return the number of signs; empty lines count for nothing."""
    return len(_LINES.sub(b"\n", code.translate(None, _WORDS)))


def doubt(data: bytes) -> tuple[str, int]:
    """Return why a module may be dear to parse, "" where it surely is not, and its signs."""
    signs = _signs(data)
    few = len(data) < _SMALL or (signs < _FEW and data.count(b"{") <= _MAX_FIELDS)
    if few and not _runs(data):
        return "", signs
    found = shape(data)
    return _doubt(found), found.signs


def _doubt(found: Shape) -> str:
    if found.signs > MAX_SIGNS:
        return f"it has {found.signs:,} signs of punctuation"
    if found.fields > _MAX_FIELDS:
        return f"its f-strings have up to {found.fields:,} fields"
    if found.run:
        return f"{_MAX_RUN} operators or more stand in a row"
    if found.longest > _LINE:
        return f"a line has {found.longest:,} bytes"
    if found.depth > _MAX_DEPTH:
        return f"{found.depth} brackets are open at once"
    return ""
