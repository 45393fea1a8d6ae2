"""``markdown-table``: rows of data as a Markdown table, an export format for any host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["markdown_table"]


def markdown_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] | None = None) -> str:
    """Return rows as a Markdown table.

    :param rows: one mapping per row; a missing value is an empty cell.
    :param columns: which keys, in which order; all, in order of appearance, if None.
    """
    found = dict.fromkeys(name for row in rows for name in row)
    names = list(found if columns is None else columns)
    if not names:
        return ""
    lines = [names, ["---"] * len(names)]
    lines += [[_cell(row.get(name)) for name in names] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _cell(value: Any) -> str:
    text = "" if value is None else "<br>".join(str(value).splitlines())
    return text.replace("\\", "\\\\").replace("|", "\\|")  # a pipe would end the cell
