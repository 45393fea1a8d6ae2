"""Write what a call gave for a reader: text as it is, rows as a table, all else as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .output import Column

if TYPE_CHECKING:
    from .output import Page

__all__ = ["finite", "sentence", "write"]


def finite(value: Any) -> Any:
    """Return JSON values with NaN and the infinities, which JSON does not have, as None."""
    if isinstance(value, float) and value - value != 0:
        return None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [finite(item) for item in value]
    return value


def sentence(error: Any) -> str:
    """Return an error of a result as one sentence."""
    if isinstance(error, dict):
        return str(error.get("message") or error)
    return str(error)


def write(page: Page, data: dict[str, Any], *, terminal: bool) -> None:
    """Write the result of a call, as `Result.as_dict` gives it.

    :param terminal: whether a person reads it; into a file, text goes exactly as it was made.
    """
    value = data["data"]
    if isinstance(value, str):
        if terminal:
            page.line(value)
        else:  # into a file, exactly what was made
            page.verbatim(value if value.endswith("\n") else value + "\n")
    elif isinstance(value, dict) and value and all(_is_plain(item) for item in value.values()):
        page.pairs([(key, _cell(item)) for key, item in value.items()])
    elif _is_table(value):
        titles = list(dict.fromkeys(key for item in value for key in item))
        columns = [Column(title, fold=True) for title in titles]
        page.table(columns, [[_cell(item.get(title)) for title in titles] for item in value])
    elif value is not None:
        page.line(
            value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
        )
    if data["success"]:
        for item in data["errors"]:
            page.parts(("note: ", "warning"), (sentence(item), None))
    if page.verbose:
        for step in data["substeps"]:
            page.parts(("step ", "dim"), (str(step.get("name", "")), "bold"), (_rest(step), "dim"))
        page.pairs([(key, _cell(item)) for key, item in data["metadata"].items()], "  ")


def _rest(step: dict[str, Any]) -> str:
    return "".join(f"  {key}={_cell(value)}" for key, value in step.items() if key != "name")


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float, bool))


def _is_table(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(row, dict) and all(map(_is_plain, row.values())) for row in value)
    )


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)
