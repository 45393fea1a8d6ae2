"""Values on their way between host and worker: JSON, with bytes beside it; nothing is pickled.

What JSON has not is written as a mapping of one key that begins with ``$``:
``{"$b": [offset, length]}`` are bytes and ``{"$t": …}`` is a long text, both in
the blob, ``$result`` and ``$progress`` are the two classes of the contract. A
key of the value's own that begins with ``$`` is written with another one before
it. No other class is ever rebuilt; an exception becomes its name, its message
and its traceback as text.
"""

from __future__ import annotations

from _json import make_encoder
from collections.abc import Iterable, Mapping
from json.decoder import JSONDecoder
from json.encoder import encode_basestring
from typing import Any, cast

from ..contract import Progress, Result
from .frames import MAX_DEPTH, MAX_MEMBERS, Malformed, is_deep, members, parse
from .substitutes import Unsendable, mark_of, replaced

__all__ = ["Blob", "Unsendable", "decode", "encode"]

#: A text longer than this goes into the blob, where no escape is looked for.
_LONG = 1 << 15
_FEW = 16  # members of a list or mapping that is looked through for such
Blob = bytes | bytearray | memoryview


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
        made = replaced(value)
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
        made = replaced(value)
        if type(made) is dict and mark_of(value) is not None:
            return {key: self._copy(item) for key, item in made.items()}
        return self._copy(made)


class _Text:
    """A long text."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def _escaped(key: Any) -> Any:
    return "$" + key if isinstance(key, str) and key.startswith("$") else key


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
            made = replaced(value)
        except Unsendable:
            return place, value
        mark = mark_of(value)
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
