"""Write JSON without importing `json`.

Importing `json` nearly doubles the start-up of a process (1.86 times
``python -c pass``), and the code that writes a changed skill's shim and the
listing runs at every start. The output is byte for byte that of `json.dumps`
with ``sort_keys=True``, which a property test holds it to; the escaping is
`json`'s own C function.
"""

from __future__ import annotations

from _json import encode_basestring_ascii as quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["dumps", "quote"]


def dumps(value: Any, indent: int | None = None) -> str:
    """Return ``value`` as JSON text, keys sorted, all characters ASCII.

    :param value: None, bool, int, finite float, str, or list, tuple and
        ``dict[str, …]`` of these.
    :param indent: spaces per level; None puts everything on one line.
    :raises TypeError: for any other type, and for a key that is not a str.
    :raises ValueError: for NaN and the infinities, which JSON does not have.
    """
    if indent is None:
        return _flat(value)
    return _indented(value, "\n", " " * indent)


def _scalar(value: Any) -> str | None:
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise ValueError(f"{value!r} is not a JSON value")
        return float.__repr__(value)
    return None


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a key must be a str, not {type(key).__name__}")
    return quote(key)


def _flat(value: Any) -> str:
    text = _scalar(value)
    if text is not None:
        return text
    if isinstance(value, dict):
        return "{" + ", ".join([f"{_key(k)}: {_flat(value[k])}" for k in sorted(value)]) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join([_flat(item) for item in value]) + "]"
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def _indented(value: Any, newline: str, step: str) -> str:
    text = _scalar(value)
    if text is not None:
        return text
    inner = newline + step
    if isinstance(value, dict):
        if not value:
            return "{}"
        body = [f"{_key(k)}: {_indented(value[k], inner, step)}" for k in sorted(value)]
        return "{" + inner + ("," + inner).join(body) + newline + "}"
    if isinstance(value, (list, tuple)):
        if not value:
            return "[]"
        body = [_indented(item, inner, step) for item in value]
        return "[" + inner + ("," + inner).join(body) + newline + "]"
    raise TypeError(f"{type(value).__name__} is not a JSON value")
