"""Ask whether Python sees in a module's bytes what a person sees in its text.

A comment in the first two lines can name an encoding by which other bytes are
code than those that look like it; a carriage return alone ends a line for
Python and for few editors.

Bad::

    # -*- coding: utf-7 -*-
    # +AAo-import os

Good::

    import os
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..analysis.decoding import Decoded, Oddity, decode
from ..findings import Finding
from ..sources import show
from .subject import Subject

__all__ = ["CATEGORY", "RULES", "check"]

CATEGORY = "source_encoding"
RULES = ("encoding-not-utf8", "encoding-odd", "encoding-hides-code", "line-end-hides-code")
_SAVE = "save it as UTF-8 without a line that names an encoding"
_WORDS = {
    "cookie": "it says that it is written in {}, not in UTF-8",
    "unknown-cookie": "it says that it is written in {}, which is no encoding of text",
    "nul": "there is a NUL character; Python refuses it or stops reading there",
    "undecodable": "its bytes are not {}, as Python takes them for",
    "wide": "it is UTF-16, which Python does not read",
    "tame-cookie": "it says that it is written in {}",
    "bom": "it begins with a byte order mark",
    "bom-and-cookie": "it begins with a byte order mark and names {} as well",
}
_FATAL = frozenset(("cookie", "unknown-cookie", "nul", "undecodable", "wide"))


def check(subject: Subject) -> Iterator[Finding]:
    """Yield modules that are not plainly UTF-8."""
    for path in subject.all_modules:
        data = subject.source(path)
        if data is None:
            continue
        odd = b"coding" in data[:1024] or b"\r" in data or b"\0" in data
        if data.isascii() and not odd:
            continue
        decoded = decode(data)
        for oddity in decoded.oddities:
            yield from _finding(subject, path, data, decoded, oddity)


def _finding(
    subject: Subject, path: str, data: bytes, decoded: Decoded, oddity: Oddity
) -> Iterator[Finding]:
    at = (path, oddity.line, oddity.column)
    kind = oddity.kind
    if kind == "lone-cr":
        yield _line_end(subject, at, data, oddity)
        return
    message = _WORDS[kind].format(show(oddity.seen))
    if kind not in _FATAL:
        severity = "warning" if kind == "tame-cookie" else "low"
        yield subject.finding("encoding-odd", severity, message, at, fix=_SAVE)
    elif kind == "cookie" and _differs(subject, path, data):
        message += ", and is other code by that than it looks"
        yield subject.finding("encoding-hides-code", "critical", message, at, fix=_SAVE)
    else:
        yield subject.finding("encoding-not-utf8", "high", message, at, fix=_SAVE)


def _differs(subject: Subject, path: str, data: bytes) -> bool:
    """Return whether a module is other code by its encoding than by UTF-8."""
    seen = subject.tree(path)
    if seen is None or len(data) > 1 << 20:
        return True  # by UTF-8 it may be anything
    lines = data.split(b"\n", 2)
    for number, line in enumerate(lines[:2]):
        if b"coding" in line:
            lines[number] = b"#"
    try:
        shown = ast.parse(b"\n".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True
    return _words(seen) != _words(shown)


def _words(tree: ast.Module) -> list[str]:
    """Return the kinds of nodes and the names in a tree: all but what its texts say."""
    found = []
    for node in ast.walk(tree):
        word = type(node).__name__
        for field in ("id", "attr", "name", "arg", "module"):
            word += f" {getattr(node, field, '')}"
        found.append(word)
    return found


def _line_end(subject: Subject, at: tuple[str, int, int], data: bytes, oddity: Oddity) -> Finding:
    """Return what is to be said of a carriage return alone: grave if it hides code."""
    message = "a carriage return alone ends a line for Python, and for few editors"
    if b"\n" not in data:
        # Everything is in lines that end so, as in the files of old Macintoshes.
        return subject.finding("encoding-odd", "warning", message, at, fix="end lines in \\n")
    return subject.finding(
        *("line-end-hides-code", "high", message, at),
        fix="end lines in \\n",
        evidence=show(oddity.seen, 120),
    )
