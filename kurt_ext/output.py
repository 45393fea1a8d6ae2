"""What a command answers with, and how the answer is written: one JSON envelope, or text.

Data goes to stdout and talk to stderr. Text that came from a manifest is made
harmless first: a description may hold escape sequences that repaint a terminal.
"""

from __future__ import annotations

import os
import sys

from . import jsontext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import IO, Any

    from .errors import KurtError
    from .findings import Finding

__all__ = [
    "SGR",
    "Answer",
    "Column",
    "KeptStdout",
    "Page",
    "envelope",
    "paint",
    "printable",
    "width",
]

#: Styles by name, as the numbers of the SGR sequence (ECMA-48 §8.3.117).
SGR = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "cyan": "36",
    "error": "1;31",
    "warning": "1;33",
    "hint": "1;32",
}
_ZERO_WIDTH_JOINER = "\u200d"  # holds emoji together; not printable, and harmless


class Answer:
    """What a command found or did, once for the machine and once for the reader.

    :param data: JSON values; the ``data`` member of the envelope.
    :param text: writes the same for a reader onto the :class:`Page` it is given.
    :param warnings: what the user should know besides.
    :param error: set where the answer is a failure that has data, such as findings.
    :param talk: the text only says what was done, so that ``-q`` leaves it out.
    """

    __slots__ = ("data", "error", "talk", "text", "warnings")

    def __init__(
        self,
        data: Any,
        text: Callable[[Page], None],
        *,
        warnings: Iterable[Finding] = (),
        error: KurtError | None = None,
        talk: bool = False,
    ) -> None:
        self.data = data
        self.text = text
        self.warnings = tuple(warnings)
        self.error = error
        self.talk = talk


def envelope(
    schema: str,
    *,
    data: Any = None,
    error: KurtError | None = None,
    warnings: Iterable[Finding] = (),
    indent: int | None = None,
) -> str:
    """Return the one JSON object that a command writes with ``--json``, with its newline.

    A success has ``data``; a failure has ``error``, and ``data`` too where the
    command found something before it failed.
    """
    body: dict[str, Any] = {
        "schema": schema,
        "ok": error is None,
        "warnings": [finding.as_dict() for finding in warnings],
    }
    if error is None or data is not None:
        body["data"] = data
    if error is not None:
        body["error"] = error.as_dict()
    return jsontext.dumps(body, indent) + "\n"


def printable(text: str) -> str:
    """Return ``text`` with control, bidirectional and unpaired characters escaped."""
    if text.isprintable():
        return text
    return "".join(
        c
        if c.isprintable() or c in "\n\t" or c == _ZERO_WIDTH_JOINER
        else c.encode("unicode_escape").decode("ascii")
        for c in text
    )


def width(text: str) -> int:
    """Return how many columns of a terminal ``text`` fills."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(
        0 if combining(c) or c == _ZERO_WIDTH_JOINER else 2 if east_asian_width(c) in "WF" else 1
        for c in text
    )


def paint(text: str, style: str | None, color: bool) -> str:
    """Return ``text`` in the style, or as it is where there are no colours."""
    return f"\x1b[{SGR[style]}m{text}\x1b[0m" if style and color and text else text


class Column:
    """One column of a table.

    :param title: its heading.
    :param styles: the style of a cell by the cell's text; key ``""`` is for any other.
    :param drop: columns with the highest number are left out first where a
        terminal is too narrow; 0 stays.
    :param fold: the text of the column may be broken over lines.
    """

    __slots__ = ("drop", "fold", "styles", "title")

    def __init__(
        self,
        title: str,
        *,
        styles: Mapping[str, str] | None = None,
        drop: int = 0,
        fold: bool = False,
    ) -> None:
        self.title = title
        self.styles = styles or {}
        self.drop = drop
        self.fold = fold

    def style(self, cell: str) -> str | None:
        """Return the style of a cell."""
        return self.styles.get(cell) or self.styles.get("")


class Page:
    """Where the text of an answer is written.

    :param stream: a text stream.
    :param color: write colours.
    :param rich: lay tables out for the terminal; else aligned text, which is
        never cut, for a pipe.
    :param verbose: how often ``-v`` was given.
    """

    def __init__(
        self, stream: IO[str], *, color: bool = False, rich: bool = False, verbose: int = 0
    ) -> None:
        self.stream = stream
        self.color = color
        self.rich = rich
        self.verbose = verbose

    def line(self, text: str = "", style: str | None = None) -> None:
        """Write one line."""
        self.stream.write(paint(printable(text), style, self.color) + "\n")

    def verbatim(self, text: str) -> None:
        """Write text of our own as it is."""
        self.stream.write(text)

    def parts(self, *parts: tuple[str, str | None]) -> None:
        """Write one line of ``(text, style)`` pieces."""
        painted = [paint(printable(text), style, self.color) for text, style in parts]
        self.stream.write("".join(painted).rstrip(" ") + "\n")

    def pairs(self, pairs: Iterable[tuple[str, str]], indent: str = "") -> None:
        """Write ``label  value`` lines, values aligned, empty values left out."""
        rows = [(label, value) for label, value in pairs if value]
        if not rows:
            return
        wide = max(width(label) for label, _ in rows)
        for label, value in rows:
            gap = " " * (wide - width(label) + 2)
            hanging = "\n" + " " * (len(indent) + wide + 2)
            self.parts(
                (indent, None), (label, "dim"), (gap, None), (value.replace("\n", hanging), None)
            )

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
        """Write a table; nothing where there are no rows."""
        if not rows:
            return
        cells = [[printable(cell).replace("\n", " ") for cell in row] for row in rows]
        if self.rich:
            from .terminal import write_table

            write_table(self.stream, columns, cells, self.color)
        else:
            self._aligned(columns, cells)

    def findings(self, findings: Iterable[Finding], root: str = "") -> None:
        """Write findings, one a line with its fix beneath.

        :param root: the folder that their paths are relative to, for clickable places.
        """
        for finding in findings:
            style = "error" if finding.fatal else "warning"
            style = "dim" if finding.severity == "info" else style
            place = os.path.join(root, finding.at) if finding.at else ""
            self.parts(
                (f"{place}: " if place else "", "bold"),
                (finding.severity, style),
                (f": {finding.message} ", None),
                (f"[{finding.rule}]", "dim"),
            )
            if finding.fix:
                self.parts(("  fix: ", "hint"), (finding.fix, None))

    def _aligned(self, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
        titles = [column.title.upper() for column in columns]
        wide = [max(map(width, column)) for column in zip(titles, *rows, strict=True)]
        for number, row in enumerate((titles, *rows)):
            line = ""
            for column, cell, size in zip(columns, row, wide, strict=True):
                style = "bold" if number == 0 else column.style(cell)
                line += paint(cell, style, self.color) + " " * (size - width(cell) + 2)
            self.stream.write(line.rstrip(" ") + "\n")


class KeptStdout:
    """Keep stdout for the envelope: until the block ends, whatever is printed goes to stderr.

    File descriptor 1 itself is redirected, so that what a C library or a child
    process prints goes to stderr too.
    """

    def __init__(self) -> None:
        self._saved: int | None = None
        self._stdout: Any = None

    def __enter__(self) -> None:
        self._stdout = sys.stdout
        self._stdout.flush()
        try:
            self._saved = os.dup(1)
        except OSError:  # the process was started without one
            self._saved = None
        else:
            os.dup2(2, 1)
        sys.stdout = sys.stderr

    def __exit__(self, *exception: object) -> None:
        sys.stderr.flush()
        sys.stdout = self._stdout
        if self._saved is not None:
            # What was buffered by somebody who holds the stream itself is talk too.
            self._stdout.flush()
            os.dup2(self._saved, 1)
            os.close(self._saved)
            self._saved = None
