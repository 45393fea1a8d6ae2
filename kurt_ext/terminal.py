"""What only a terminal gets: colours by rule, tables laid out by rich, bars of progress.

rich is imported here and nowhere else, and only when one of these is drawn.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import IO

    from .output import Column

__all__ = ["columns_of", "is_terminal", "wants_color", "write_table"]

_LEAST = 12  # columns of text below which a folded column reads worse than none


def is_terminal(stream: IO[str]) -> bool:
    """Return whether a person reads the stream."""
    try:
        return stream.isatty()
    except (ValueError, AttributeError):  # closed, or replaced by something less
        return False


def wants_color(
    stream: IO[str], choice: str = "auto", environ: Mapping[str, str] | None = None
) -> bool:
    """Return whether to colour what goes to the stream.

    ``always`` and ``never`` decide; ``auto`` follows NO_COLOR, then FORCE_COLOR
    (https://no-color.org, https://force-color.org), then whether the stream is
    a terminal that knows colours.
    """
    env = os.environ if environ is None else environ
    if choice != "auto":
        return choice == "always"
    if env.get("NO_COLOR"):
        return False
    if env.get("FORCE_COLOR"):
        return True
    return is_terminal(stream) and env.get("TERM") != "dumb"


def columns_of(stream: IO[str]) -> int:
    """Return the width of the stream's terminal; 80 where it has none."""
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given) > 0:
        return int(given)
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError, AttributeError):
        return 80


def write_table(
    stream: IO[str], columns: Sequence[Column], rows: Sequence[Sequence[str]], color: bool
) -> None:
    """Draw a table that fits the terminal.

    Where it is too narrow, columns are left out in the order of their ``drop``;
    where even that does not help, each row becomes a small block of lines.
    """
    total = columns_of(stream)
    shown = _that_fit(columns, rows, total)
    if shown is None:
        _blocks(stream, columns, rows, color)
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", show_edge=False)
    for index in shown:
        fold = columns[index].fold
        table.add_column(
            Text(columns[index].title),
            overflow="fold",
            no_wrap=not fold,
            ratio=1 if fold else None,
        )
    for row in rows:
        # Text, not str: square brackets in a description are not markup.
        table.add_row(
            *(
                Text(row[index], style=_rich_style(columns[index].style(row[index])))
                for index in shown
            )
        )
    console = Console(
        file=stream, width=total, no_color=not color, force_terminal=True, highlight=False
    )
    console.print(table)


def _rich_style(style: str | None) -> str:
    return {"error": "bold red", "warning": "bold yellow", "hint": "bold green"}.get(
        style or "", style or ""
    )


def _that_fit(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], total: int
) -> list[int] | None:
    """Return the indices of the columns that fit side by side, or None where none do."""
    from .output import width

    shown = list(range(len(columns)))

    def needed() -> int:
        sizes = [
            _LEAST
            if columns[index].fold
            else max([width(columns[index].title), *(width(row[index]) for row in rows)])
            for index in shown
        ]
        return sum(sizes) + 2 * (len(sizes) - 1)

    while needed() > total:
        droppable = [index for index in shown if columns[index].drop]
        if not droppable:
            return None
        shown.remove(max(droppable, key=lambda index: columns[index].drop))
    return shown


def _blocks(
    stream: IO[str], columns: Sequence[Column], rows: Sequence[Sequence[str]], color: bool
) -> None:
    from .output import paint

    for row in rows:
        first, *rest = zip(columns, row, strict=True)
        stream.write(paint(first[1], "bold", color) + "\n")
        for column, cell in rest:
            if cell:
                stream.write(f"  {column.title}: {paint(cell, column.style(cell), color)}\n")
