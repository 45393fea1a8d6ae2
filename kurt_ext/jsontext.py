"""Write JSON without importing `json`.

Importing `json` nearly doubles the start-up of a process (1.86 times
``python -c pass``), and the code that writes a changed skill's shim and the
listing runs at every start. The output is byte for byte that of `json.dumps`
with ``sort_keys=True``, which a property test holds it to; the escaping is
`json`'s own C function.
"""

from __future__ import annotations

from _json import encode_basestring_ascii as quote
from _json import make_encoder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

__all__ = ["dumps", "quote"]


def _refuse(value: Any) -> NoReturn:
    raise TypeError(f"{type(value).__name__} is not a JSON value")


#: The encoder that `json` itself drives: (markers, default, strings, indent,
#: separators, sort_keys, skipkeys, allow_nan).
_encode = make_encoder(None, _refuse, quote, None, ": ", ", ", True, False, False)


def dumps(value: Any, indent: int | None = None) -> str:
    """Return ``value`` as JSON text, keys sorted, all characters ASCII.

    :param value: None, bool, int, finite float, str, or list, tuple and
        ``dict[str, …]`` of these.
    :param indent: spaces per level; None puts everything on one line.
    :raises TypeError: for any other type.
    :raises ValueError: for NaN and the infinities, which JSON does not have.
    """
    if indent is None:
        return "".join(_encode(value, 0))
    return _indented(value, "\n", " " * indent)


def _indented(value: Any, newline: str, step: str) -> str:
    inner = newline + step
    if isinstance(value, dict):
        if not value:
            return "{}"
        body = [f"{quote(k)}: {_indented(value[k], inner, step)}" for k in sorted(value)]
        return "{" + inner + ("," + inner).join(body) + newline + "}"
    if isinstance(value, (list, tuple)):
        if not value:
            return "[]"
        body = [_indented(item, inner, step) for item in value]
        return "[" + inner + ("," + inner).join(body) + newline + "]"
    return "".join(_encode(value, 0))
