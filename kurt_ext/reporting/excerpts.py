"""Take the line that a finding is about from its file, fit to be shown.

The judged files are a stranger's: nothing outside the folder is read, links are
not followed, and control and bidirectional characters are escaped. A file that is
no longer the one that was judged is not shown.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..output import printable, width
from ..plainfiles import READING

__all__ = ["CUT", "Excerpts", "Row", "extent", "rows"]

#: Stands where a long line was cut.
CUT = "..."
_MAX_FILE = 2 << 20
_TAB = 4
_LONGEST_MARK = 80
# As Python counts lines: a form feed or U+2028 ends none.
_LINE_END = re.compile(r"\r\n|\r|\n")
_WORD = re.compile(r"[^\W\d][\w.]*(?:\(\))?|\d[\w.]*")
_TEXT = re.compile(r"""(?i:[rbuf]{0,2})(?:"[^"\\]*(?:\\.[^"\\]*)*"|'[^'\\]*(?:\\.[^'\\]*)*')""")


class Row(NamedTuple):
    """One line of a frame, made harmless, in three pieces.

    :param number: the line's number in the file, from 1.
    :param before: what stands before the mark; the whole text where ``marked`` is None.
    :param marked: what the finding points at; "" for the place behind the last character.
    :param after: the rest.
    """

    number: int
    before: str
    marked: str | None = None
    after: str = ""

    @property
    def text(self) -> str:
        """The line as it is shown."""
        return self.before + (self.marked or "") + self.after


class Excerpts:
    """The lines of one judged folder; each file is read once, when it is asked for.

    :param folder: the folder that the findings' paths are relative to.
    :param digests: SHA-256 in hex of the files as they were judged, by path.
    """

    def __init__(self, folder: str, digests: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._digests = digests or {}
        self._lines: dict[str, list[str] | None] = {}

    @classmethod
    def of(cls, report: Mapping[str, Any]) -> Excerpts:
        """Return the excerpts of a report's folder."""
        digests = report.get("digests")
        return cls(report["path"], digests if isinstance(digests, Mapping) else None)

    def lines(self, path: str) -> list[str] | None:
        """Return the lines of a file; None where it cannot be shown."""
        if path not in self._lines:
            data = self._read(path)
            text = None if data is None else data.decode("utf-8", "backslashreplace")
            self._lines[path] = None if text is None else _LINE_END.split(text)
        return self._lines[path]

    def line(self, path: str, number: int) -> str | None:
        """Return one line, counted from 1, as it is in the file."""
        lines = self.lines(path) if path and number > 0 else None
        return lines[number - 1] if lines is not None and number <= len(lines) else None

    def _read(self, path: str) -> bytes | None:
        if os.path.isabs(path) or ".." in path.split("/"):
            return None
        whole = os.path.join(self._folder, path)
        try:
            real = os.path.realpath(self._folder)
            if os.path.realpath(os.path.dirname(whole)) != os.path.normpath(
                os.path.join(real, os.path.dirname(path))
            ):
                return None  # a link on the way leads elsewhere
            descriptor = os.open(whole, READING)
        except (OSError, ValueError):
            return None
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_FILE:
                return None
            try:
                data = file.read(_MAX_FILE + 1)
            except OSError:
                return None
        if path in self._digests:
            from hashlib import sha256

            if sha256(data).hexdigest() != self._digests[path]:
                return None
        return data


def extent(text: str, column: int, evidence: str = "") -> int:
    """Return how many characters of a line a finding points at, at least 1.

    :param column: 1-based.
    :param evidence: what was seen there, where that is known.
    """
    start = column - 1
    if evidence and text.startswith(evidence, start):
        return min(len(evidence), _LONGEST_MARK)
    # A slice, so that a line of megabytes costs no more than another.
    near = text[start : start + _LONGEST_MARK]
    found = _TEXT.match(near) or _WORD.match(near)
    return max(1, len(found.group())) if found else 1


def rows(
    lines: Sequence[str],
    line: int,
    column: int = 0,
    *,
    evidence: str = "",
    context: int = 1,
    columns: int = 96,
) -> tuple[Row, ...]:
    """Return a line with those around it, cut around the column where they are long.

    :param line: 1-based.
    :param column: 1-based; 0 marks no place in the line.
    :param context: so many lines before and after.
    :param columns: what a row may fill.
    """
    if not 0 < line <= len(lines):
        return ()
    first, last = max(1, line - context), min(len(lines), line + context)
    while first < line and not lines[first - 1].strip():
        first += 1
    while last > line and not lines[last - 1].strip():
        last -= 1
    text = lines[line - 1]
    start = min(max(column - 1, 0), len(text))
    left = _left(lines[first - 1 : last], line - first, start, columns)
    made = []
    for number in range(first, last + 1):
        mark = None
        if number == line and column:
            mark = (start, start + extent(text, column, evidence))
        made.append(_row(number, lines[number - 1], left, mark, columns))
    return tuple(made)


def _left(shown: Sequence[str], at: int, start: int, columns: int) -> int:
    """Return how many characters are cut on the left, for all rows alike."""
    if all(len(text) <= columns and width(_shown(text)) <= columns for text in shown):
        return 0
    text, used, left = shown[at], 0, start
    while left and used < columns // 3:
        left -= 1
        used += width(_shown(text[left]))
    return left


def _shown(text: str) -> str:
    return printable(text).replace("\t", " " * _TAB)


def _row(number: int, text: str, left: int, mark: tuple[int, int] | None, columns: int) -> Row:
    """Return the row of a line, from the character ``left`` on, cut at ``columns``."""
    pieces = [CUT if left and text else "", "", ""]
    used = len(pieces[0])
    begin, end = mark or (len(text), len(text))
    at = left
    while at < len(text):
        char = text[at]
        cell = " " * (_TAB - used % _TAB) if char == "\t" else printable(char)
        wide = width(cell)
        rest = len(text) - at - 1
        if used + wide + (len(CUT) if rest else 0) > columns:
            pieces[2 if at >= begin else 0] += CUT
            break
        pieces[0 if at < begin else 1 if at < end else 2] += cell
        used += wide
        at += 1
    if mark is None:
        return Row(number, "".join(pieces))
    return Row(number, *pieces)
