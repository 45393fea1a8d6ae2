"""What is written for a value that JSON has not."""

from __future__ import annotations

from collections import deque
from collections.abc import ItemsView, KeysView, Mapping, ValuesView
from typing import Any

from ..contract import Progress, Result

__all__ = ["Unsendable", "mark_of", "replaced"]

#: Classes of models' fields, by module and name, whose text says what JSON would.
_WORDED = frozenset(
    [
        *(
            ("ipaddress", f"IPv{version}{what}")
            for version in (4, 6)
            for what in ("Address", "Network", "Interface")
        ),
        *(("pydantic.types", name) for name in ("SecretStr", "SecretBytes", "Secret")),
        *(("pydantic_core._pydantic_core", name) for name in ("Url", "MultiHostUrl")),
        *(
            ("pydantic.networks", name)
            for name in ("AnyUrl", "AnyHttpUrl", "HttpUrl", "FileUrl", "FtpUrl", "WebsocketUrl")
        ),
    ]
)


class Unsendable(TypeError):
    """A value holds what cannot be sent; the message names the place in it."""


def mark_of(value: Any) -> str | None:
    """Return the mark of a class of the contract; None of any other."""
    if isinstance(value, Result):
        return "$result"
    return "$progress" if isinstance(value, Progress) else None


def replaced(value: Any) -> Any:
    """Return what is written for a value that JSON has not.

    :raises Unsendable: when there is nothing.
    """
    mark = mark_of(value)
    if mark == "$result":
        names = ("success", "data", "errors", "metadata", "substeps")
        return {mark: {name: getattr(value, name) for name in names}}
    if mark == "$progress":
        return {mark: {n: getattr(value, n) for n in ("message", "current", "total", "data")}}
    dump = getattr(value, "model_dump", None)
    if dump is not None and not isinstance(value, type):
        return dump()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return list(value)
    return _as_text(value)


def _as_text(value: Any) -> Any:
    from dataclasses import fields, is_dataclass
    from datetime import date, datetime, time, timedelta
    from decimal import Decimal
    from enum import Enum
    from pathlib import PurePath
    from uuid import UUID

    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, (Decimal, PurePath, UUID, timedelta)):
        return str(value)
    kind = type(value)
    if isinstance(value, (deque, range, KeysView, ValuesView, ItemsView)):
        return list(value)
    # As pydantic writes them: addresses of the net, and secrets without what they hide.
    if (kind.__module__, kind.__name__) in _WORDED:
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    index: Any = getattr(type(value), "__index__", None)  # the integers of numpy
    if index is not None:
        return int(index(value))
    raise Unsendable(type(value).__name__)
