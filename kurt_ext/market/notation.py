"""How the documents of a marketplace are written: keys sorted, so that what is alike is equal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["to_json", "to_lines", "to_text"]

#: One encoder for all: to make one takes as long as to write a row.
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def to_json(value: Any) -> bytes:
    """Return JSON as the documents are written: keys sorted, UTF-8, a line break at the end."""
    return _encode(value).encode() + b"\n"


def to_text(value: Any) -> str:
    """Return JSON on one line, keys sorted."""
    return _encode(value)


def to_lines(head: Mapping[str, Any], key: str, rows: Iterable[str]) -> bytes:
    """Return a JSON object with one of a list's rows a line, so that a change of one is small.

    :param head: the other keys of the object.
    :param key: the list's.
    :param rows: as :func:`to_text` returns them.
    """
    parts = "".join([f"{_encode(name)}:{_encode(value)},\n" for name, value in head.items()])
    lines = ",\n".join(rows)
    return f'{{{parts}"{key}":[\n{lines}\n]}}\n'.encode()
