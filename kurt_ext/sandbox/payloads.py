"""Values on their way between host and worker: JSON, with bytes beside it; nothing is pickled.

What JSON has not is written as a mapping of one key that begins with ``$``:
``{"$b": [offset, length]}`` are bytes and ``{"$t": …}`` is a long text, both in
the blob, ``$result`` and ``$progress`` are the two classes of the contract. A
key of the value's own that begins with ``$`` is written with another one before
it. No other class is ever rebuilt; an exception becomes its name, its message
and its traceback as text.
"""

from __future__ import annotations

import re
from _json import make_encoder
from collections import deque
from collections.abc import ItemsView, Iterable, KeysView, Mapping, ValuesView
from json.decoder import JSONDecoder
from json.encoder import encode_basestring
from typing import Any, cast

from ..contract import Progress, Result
from .frames import MAX_DEPTH, MAX_MEMBERS, Malformed, is_deep, members, parse

__all__ = [
    "RemoteError",
    "Unsendable",
    "cleaned",
    "decode",
    "encode",
    "failure_from",
    "failure_to",
]

#: A text longer than this goes into the blob, where no escape is looked for.
_LONG = 1 << 15
_FEW = 16  # members of a list or mapping that is looked through for such
_TRACEBACK = 16_384  # characters of a remote traceback that are kept: its end
_MESSAGE = 4_096  # of a remote message: its beginning

#: CSI, OSC, DCS and the like, and the short ones (ECMA-48 §5; xterm's ctlseqs).
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)

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

Blob = bytes | bytearray | memoryview


class Unsendable(TypeError):
    """A value holds what cannot be sent; the message names the place in it."""


class RemoteError(Exception):
    """What code in a worker has raised, where it is no error of kurt_ext.

    :param type: the name of its class; nothing of that name exists here.
    :param message: what it says.
    :param traceback: the traceback there, as text.
    """

    def __init__(self, type: str, message: str, traceback: str = "") -> None:
        super().__init__(f"{type}: {message}" if message else type)
        self.type = type
        self.message = message
        self.traceback = traceback
        if traceback:
            self.add_note(traceback)


class _Special(Exception):
    pass


def _is_special(_: Any) -> Any:
    raise _Special


#: What `json.dumps` makes anew for every value: (markers, default, strings, indent,
#: separators, sort_keys, skipkeys, allow_nan).
_maker = cast(Any, make_encoder)
_MADE = (encode_basestring, None, ":", ",", False, False, True)
_plain = _maker(None, _is_special, *_MADE)


def encode(value: Any) -> tuple[bytes, list[Blob]]:
    """Return a value as JSON, and the pieces of its blob.

    :raises Unsendable: when it holds something that cannot be sent.
    """
    if value is None:
        return b"null", []
    if _holds_long(value, 3):
        return _encode(value, copied=True)
    try:
        parts = _plain(value, 0)
        text: str = parts[0] if len(parts) == 1 else "".join(parts)
    except (_Special, TypeError, ValueError, RecursionError):
        return _encode(value)
    if '"$' in text or (len(text) > _LONG and _has_long(text)):
        return _encode(value, copied=True)
    if len(text) <= MAX_DEPTH:
        return text.encode("utf-8", "surrogatepass"), []
    if text.count("[") + text.count("{") > MAX_DEPTH and is_deep(value):
        raise _too_deep()
    return _counted(text), []


def _encode(value: Any, copied: bool = False) -> tuple[bytes, list[Blob]]:
    writer = _Writer()
    try:
        text = writer.text(value, copied)
        if is_deep(value):
            raise RecursionError
    except RecursionError:
        raise _too_deep() from None
    return _counted(text), writer.blob


def _counted(text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > MAX_MEMBERS and members(data) > MAX_MEMBERS:
        raise Unsendable(f"the value has more than {MAX_MEMBERS} members")
    return data


def _too_deep() -> Unsendable:
    return Unsendable(f"the value refers to itself, or has more than {MAX_DEPTH} levels")


def _holds_long(value: Any, levels: int) -> bool:
    """Return whether a long text lies near the top, where it is looked for in no time."""
    kind = type(value)
    if kind is dict:
        value = value.values()
    elif kind is Result:
        value = (value.data,)
    elif kind is not list:
        return kind is str and len(value) > _LONG
    for item in value:
        kind = type(item)
        if kind is str:
            if len(item) > _LONG:
                return True
        elif (
            levels
            and (kind is Result or ((kind is dict or kind is list) and len(item) <= _FEW))
            and _holds_long(item, levels - 1)
        ):
            return True
    return False


def _has_long(text: str) -> bool:
    """Return whether JSON has few quotation marks, escaped ones aside, for so many characters."""
    return (text.count('"') - text.count('\\"')) * 512 < len(text)


class _Writer:
    """Writes one value: by the C encoder where that will do, else from a copy."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self.blob: list[Blob] = []
        self._length = 0
        self._marks = 0

    def text(self, value: Any, copied: bool) -> str:
        encoder = _maker(None, self._default, *_MADE)
        try:
            text = "".join(encoder(self._copy(value) if copied else value, 0))
        except Unsendable:
            place, culprit = _find(value, "value", set()) or ("value", value)
            kind = type(culprit)
            raise Unsendable(
                f"{place} is of {kind.__module__}.{kind.__qualname__}, which cannot be sent"
            ) from None
        except (TypeError, ValueError) as error:
            raise Unsendable(str(error)) from None
        if copied:
            return text
        if text.count('"$') != self._marks or (len(text) > _LONG and _has_long(text)):
            self._begin()
            text = "".join(encoder(self._copy(value), 0))
        return text

    def _default(self, value: Any) -> Any:
        if isinstance(value, (bytes, bytearray, memoryview)):
            return self._marked("$b", value)
        if isinstance(value, _Text):
            return self._marked("$t", value.text.encode("utf-8", "surrogatepass"))
        made = _replaced(value)
        if type(made) is dict and len(made) == 1 and next(iter(made)) in ("$result", "$progress"):
            self._marks += 1
        return made

    def _marked(self, mark: str, value: Blob) -> dict[str, list[int]]:
        piece: Blob = value
        if isinstance(value, memoryview):
            piece = value.cast("B") if value.contiguous else value.tobytes()
        start, length = self._length, len(piece)
        self.blob.append(piece)
        self._length += length
        self._marks += 1
        return {mark: [start, length]}

    def _copy(self, value: Any) -> Any:
        """Return the value with long texts marked, and keys that look like a mark escaped."""
        if isinstance(value, str):
            return _Text(value) if len(value) > _LONG else value
        if isinstance(value, dict):
            return {_escaped(key): self._copy(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._copy(item) for item in value]
        if value is None or isinstance(value, (int, float, bytes, bytearray, memoryview)):
            return value
        made = _replaced(value)
        if type(made) is dict and _mark_of(value) is not None:
            return {key: self._copy(item) for key, item in made.items()}
        return self._copy(made)


class _Text:
    """A long text."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def _escaped(key: Any) -> Any:
    return "$" + key if isinstance(key, str) and key.startswith("$") else key


def _mark_of(value: Any) -> str | None:
    if isinstance(value, Result):
        return "$result"
    return "$progress" if isinstance(value, Progress) else None


def _replaced(value: Any) -> Any:
    """Return what is written for a value that JSON has not.

    :raises Unsendable: when there is nothing.
    """
    mark = _mark_of(value)
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


def _find(value: Any, place: str, seen: set[int]) -> tuple[str, Any] | None:
    """Return the place of the first thing in a value that cannot be sent, and the thing."""
    if value is None or isinstance(value, (str, int, float, bytes, bytearray, memoryview)):
        return None
    if id(value) in seen or len(seen) > MAX_MEMBERS:
        return None
    seen.add(id(value))
    if isinstance(value, Mapping):
        inside: Iterable[tuple[str, Any]] = ((f"{place}[{key!r}]", v) for key, v in value.items())
    elif isinstance(value, (list, tuple, set, frozenset)):
        inside = ((f"{place}[{number}]", v) for number, v in enumerate(value))
    else:
        try:
            made = _replaced(value)
        except Unsendable:
            return place, value
        mark = _mark_of(value)
        if mark is not None:
            inside = ((f"{place}.{key}", v) for key, v in made[mark].items())
        else:
            return _find(made, place, seen)
    for name, item in inside:
        found = _find(item, name, seen)
        if found is not None:
            return found
    return None


def decode(text: bytes | memoryview, blob: bytes | memoryview = b"") -> Any:
    """Return the value of a frame; it may be anybody's.

    :raises Malformed: when it is no value, or not one of :func:`encode`.
    """
    if not blob and b'"$' not in (text if type(text) is bytes else bytes(text)):
        return parse(text)
    reader = _Reader(memoryview(blob))
    value = parse(text, cast(Any, JSONDecoder(object_hook=reader.revive)).scan_once)
    if reader.position != len(blob):
        raise Malformed("a frame has bytes that nothing in it refers to")
    return value


class _Reader:
    """Puts back what stands in the blob. The references come in its order, each byte in one."""

    def __init__(self, blob: memoryview) -> None:
        self._blob = blob
        self.position = 0

    def revive(self, value: dict[str, Any]) -> Any:
        marked = [key for key in value if key.startswith("$")]
        if not marked:
            return value
        mark = marked[0]
        if len(value) == 1 and not mark.startswith("$$"):
            return self._made(mark, value[mark])
        if not all(key.startswith("$$") for key in marked):
            raise Malformed(f"a mapping has the key {mark[:20]!r} beside others")
        return {key[1:] if key.startswith("$$") else key: item for key, item in value.items()}

    def _made(self, mark: str, given: Any) -> Any:
        if mark == "$b":
            return bytes(self._piece(given))
        if mark == "$t":
            try:
                return str(self._piece(given), "utf-8", "surrogatepass")
            except UnicodeDecodeError:
                raise Malformed("a text in a frame is no UTF-8") from None
        try:
            if mark == "$result":
                return Result(**given)
            if mark == "$progress":
                return _progress(Progress(**given))
        except (TypeError, ValueError) as error:
            raise Malformed(f"a {mark[1:]} in a frame is none: {str(error)[:200]}") from None
        raise Malformed(f"a frame has the mark {mark[:20]!r}, which is none")

    def _piece(self, given: Any) -> memoryview:
        if type(given) is not list or len(given) != 2:
            raise Malformed("a reference into the bytes of a frame is none")
        start, length = given
        if type(start) is not int or type(length) is not int or length < 0:
            raise Malformed("a reference into the bytes of a frame is none")
        # In order and without overlaps: else a few bytes could be referred to a million times.
        if start != self.position or start + length > len(self._blob):
            raise Malformed("a reference points past the bytes of its frame, or into others")
        self.position = start + length
        return self._blob[start : self.position]


def _progress(made: Any) -> Any:
    for number in (made.current, made.total):
        if number is not None and type(number) not in (int, float):
            raise TypeError("a progress counts in numbers")
    if not isinstance(made.message, str):
        raise TypeError("its message is a text")
    return made


def cleaned(text: str) -> str:
    """Return text without the sequences that move a terminal; what is left of them is escaped."""
    from ..output import printable

    return printable(_ESCAPES.sub("", text) if not text.isprintable() else text)


def failure_to(error: BaseException) -> dict[str, Any]:
    """Return an exception as JSON values, without the object."""
    from ..errors import KurtError

    if isinstance(error, KurtError):
        from ..wire import error_to

        told = error_to(error)
        # No longer than what the host takes: a frame that is longer ends the worker.
        told = {key: value if key == "more" else _calm(value, 2) for key, value in told.items()}
        told["more"] = {key: _calm(value, 4) for key, value in told["more"].items()}
        made = {"kurt": told, "traceback": _traced(error)}
        if type(error).__module__ != KurtError.__module__:
            made["type"] = type(error).__name__
        return made
    return {
        "type": type(error).__name__,
        "message": _said(error)[:_MESSAGE],
        "traceback": _traced(error),
    }


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # its own __str__ is anybody's code
        return ""


def _traced(error: BaseException) -> str:
    from traceback import format_exception

    try:
        return "".join(format_exception(error))[-_TRACEBACK:]
    except Exception:
        return ""


def failure_from(data: Any) -> Exception:
    """Return the exception that :func:`failure_to` has written; the data may be anybody's.

    :returns: an error of :mod:`kurt_ext.errors`, or a :class:`RemoteError`.
    :raises Malformed: when it is not of that form.
    """
    if not isinstance(data, dict):
        raise Malformed("a failure came that says nothing")
    traceback = _text(data.get("traceback"), -_TRACEBACK)
    told = data.get("kurt")
    if isinstance(told, dict):
        return _kurt_error(told, traceback)
    name = _text(data.get("type"), 200) or "Exception"
    return RemoteError(name, _text(data.get("message"), _MESSAGE), traceback)


def _kurt_error(told: dict[str, Any], traceback: str) -> Exception:
    from ..wire import error_from

    said = {
        key: _text(value, _MESSAGE)
        for key in ("code", "message", "cause", "at", "hint", "skill")
        if isinstance(value := told.get(key), str)
    }
    names = told.get("candidates")
    candidates = [_text(n, 200) for n in names[:100]] if isinstance(names, list) else []
    more = told.get("more")
    known = {
        key: _calm(value, 4)
        for key, value in (more if isinstance(more, dict) else {}).items()
        if key not in ("validation_result", "candidates", *said)
    }
    error = error_from({**said, "candidates": candidates, "more": known})
    if traceback:
        error.add_note(traceback)
    return error


def _calm(value: Any, levels: int) -> Any:
    """Return what an error of ours holds beside its message, in the size that such have."""
    if isinstance(value, str):
        return _text(value, _MESSAGE)
    if isinstance(value, (list, tuple)):
        return [_calm(item, levels - 1) for item in value[:100]] if levels else []
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return None


def _text(value: Any, most: int) -> str:
    """Return a text without what moves a terminal; its end where ``most`` is negative."""
    if not isinstance(value, str):
        return ""
    return cleaned(value[most:] if most < 0 else value[:most])
