"""The frames between a host and a worker: a header, JSON, and bytes; bounded before they are read.

A frame is ``>BIII``: kind, id, length of the JSON, length of the bytes; then
the two. Both lengths are checked before a byte of them is read, and how many
members the JSON has is counted before it is parsed: a text of a few megabytes
can otherwise grow the host by hundreds.
"""

from __future__ import annotations

import struct
from itertools import chain
from json.decoder import JSONDecoder
from typing import TYPE_CHECKING, Any, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    #: Reads a JSON text from a position; returns the value, and where it ends.
    Scan = Callable[[str, int], tuple[Any, int]]

__all__ = [
    "ANSWER",
    "ASK",
    "CANCEL",
    "END",
    "ERROR",
    "EVENT",
    "HEADER",
    "ITEM",
    "MAX_DEPTH",
    "MAX_MEMBERS",
    "MORE",
    "POLICY",
    "PROGRESS",
    "READY",
    "REFUSAL",
    "REQUEST",
    "RESULT",
    "STREAMING",
    "UNCONFINED",
    "WINDOW_BYTES",
    "WINDOW_ITEMS",
    "Bounds",
    "Frame",
    "Incoming",
    "Malformed",
    "is_deep",
    "members",
    "parse",
    "spare",
]

HEADER = struct.Struct(">BIII")
_SIZE = HEADER.size
_unpack = HEADER.unpack_from
_NOTHING = (-1, -1)

# From the host.
POLICY, REQUEST, CANCEL, ANSWER, REFUSAL, MORE = 1, 2, 3, 4, 5, 6
# From the worker.
READY, UNCONFINED, RESULT, ERROR, PROGRESS, STREAMING, ITEM, END, ASK, EVENT = range(16, 26)

#: Levels of lists and mappings in a value.
MAX_DEPTH = 128
#: Members of all lists and mappings of a value together: some 50 MB of small ones in CPython.
MAX_MEMBERS = 500_000
#: Items of a stream that are under way, or not yet taken.
WINDOW_ITEMS = 16
#: Bytes of such items, after which no further one is sent.
WINDOW_BYTES = 1 << 20

_BUFFER = 1 << 16
_LONGEST_SPARE = 1 << 22
#: Buffers of long frames that were read, for the next ones: memory that is fresh from the
#: system costs more than what is done with it. Two for the whole process.
_spares: list[bytearray] = []
_scan: Scan = cast(Any, JSONDecoder()).scan_once


class Malformed(ValueError):
    """What arrived is no frame, or not one that may come now."""


class Frame(NamedTuple):
    """One frame, whole.

    :param text: the JSON, not parsed yet.
    :param blob: the bytes; empty where there are none.
    """

    kind: int
    id: int
    text: bytes | memoryview
    blob: bytes | memoryview


#: A third of the time that the class itself takes.
_frame = tuple.__new__


class Bounds:
    """How long a frame may be, by its kind.

    :param kinds: the kinds that may come, each with the most bytes of JSON, and of blob.
    """

    __slots__ = ("kinds",)

    def __init__(self, kinds: dict[int, tuple[int, int]]) -> None:
        self.kinds = kinds

    def check(self, kind: int, text: int, blob: int) -> None:
        """Refuse a header.

        :raises Malformed: when the kind is not one of these, or a length is more than it may be.
        """
        try:
            most_text, most_blob = self.kinds[kind]
        except KeyError:
            raise Malformed(f"a frame of the kind {kind} came, which is none") from None
        if text > most_text or blob > most_blob:
            raise Malformed(
                f"a frame of {text} + {blob} bytes was announced;"
                f" {most_text} + {most_blob} are allowed"
            )


class Incoming:
    """Put frames together from what a socket, or a file descriptor, gives.

    :param bounds: what may come.
    """

    __slots__ = ("_bounds", "_buffer", "_filled", "_head", "_rest", "_view")

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._buffer: memoryview | None = None
        self._rest = 0  # bytes at the start of the buffer that are no whole frame yet
        # A frame that is longer than the buffer is read into a place of its own.
        self._view: memoryview | None = None
        self._filled = 0
        self._head = (0, 0, 0, 0)

    @property
    def is_between(self) -> bool:
        """Whether nothing of a frame has come yet."""
        return self._view is None and not self._rest

    def receive(self, read: Callable[[memoryview], int]) -> list[Frame] | None:
        """Read once; return the frames that are whole now, or None at the end of the stream.

        :param read: writes into a buffer, and returns how many bytes: ``socket.recv_into``.
        :raises BlockingIOError: when there is nothing to read.
        :raises Malformed: when a header is not allowed.
        """
        buffer = self._buffer
        if self._view is not None or self._rest or buffer is None:
            return self._took(read(self._room()))
        end = read(buffer)
        if end >= _SIZE:
            kind, id, text, blob = _unpack(buffer)
            if end == _SIZE + text and not blob:  # most often: one frame, without bytes
                if text > self._bounds.kinds.get(kind, _NOTHING)[0]:
                    self._bounds.check(kind, text, blob)
                return [_frame(Frame, (kind, id, buffer[_SIZE:end].tobytes(), b""))]
        return self._took(end)

    def _room(self) -> memoryview:
        """Return where the next bytes are to be written."""
        if self._view is not None:
            return self._view[self._filled :]
        if self._buffer is None:
            self._buffer = memoryview(bytearray(_BUFFER))
        return self._buffer[self._rest :]

    def _took(self, count: int) -> list[Frame] | None:
        """Return the frames that are whole, after ``count`` bytes came; None where there are none.

        :raises Malformed: when a header is not allowed.
        """
        if not count:
            return None
        view = self._view
        if view is None:
            return self._split(count + self._rest)
        self._filled += count
        if self._filled < len(view):
            return []
        self._view = None
        kind, id, text, _ = self._head
        return [Frame(kind, id, view[:text], view[text:])]

    def _split(self, end: int) -> list[Frame]:
        buffer = self._buffer
        assert buffer is not None
        start, frames = 0, []
        while end - start >= _SIZE:
            kind, id, text, blob = HEADER.unpack_from(buffer, start)
            self._bounds.check(kind, text, blob)
            middle = start + _SIZE + text
            last = middle + blob
            if last > end:
                if last - start > _BUFFER:
                    self._begin((kind, id, text, blob), buffer[start + _SIZE : end])
                    start = end
                break
            body = buffer[start + _SIZE : middle].tobytes()
            frames.append(Frame(kind, id, body, buffer[middle:last].tobytes() if blob else b""))
            start = last
        self._rest = end - start
        if self._rest and start:
            buffer[: self._rest] = buffer[start:end].tobytes()
        return frames

    def _begin(self, head: tuple[int, int, int, int], have: memoryview) -> None:
        self._head = head
        length = head[2] + head[3]
        try:
            body = _spares.pop()
        except IndexError:
            body = bytearray()
        if len(body) < length:
            body = bytearray(length)
        self._view = memoryview(body)[:length]
        self._filled = len(have)
        self._view[: self._filled] = have


def spare(frame: Frame) -> None:
    """Take the buffer of a frame back, of which nothing but copies is in use any more."""
    if type(frame.blob) is memoryview and len(_spares) < 2:
        body = frame.blob.obj
        if isinstance(body, bytearray) and len(body) <= _LONGEST_SPARE:
            _spares.append(body)


def members(text: bytes | bytearray | memoryview) -> int:
    """Return how many members the lists and mappings of a JSON text have at the most."""
    data = bytes(text) if isinstance(text, memoryview) else text
    return data.count(b",") + data.count(b"[") + data.count(b"{")


def parse(text: bytes | memoryview, scan: Scan | None = None) -> Any:
    """Return the value of a JSON text that may be anybody's.

    :param scan: how to read it; as it is where None.
    :raises Malformed: when it is none, has too many members, or too many levels.
    """
    brackets = 0
    if len(text) > MAX_DEPTH:
        data = text if type(text) is bytes else bytes(text)
        brackets = data.count(b"[") + data.count(b"{")
        if brackets + data.count(b",") > MAX_MEMBERS:
            raise Malformed(f"a value of more than {MAX_MEMBERS} members came")
    try:
        decoded = str(text, "utf-8", "surrogatepass")
        value, end = (scan or _scan)(decoded, 0)
    except StopIteration:
        raise Malformed("what came is no JSON") from None
    except RecursionError:
        raise Malformed("a value came that is nested too deeply") from None
    except ValueError as error:  # also of UTF-8, and of a number with too many digits
        raise error if isinstance(error, Malformed) else Malformed(str(error)[:200]) from None
    if end != len(decoded):
        raise Malformed("something follows the JSON of a frame")
    if brackets > MAX_DEPTH and is_deep(value):
        raise Malformed(f"a value came of more than {MAX_DEPTH} levels")
    return value


def is_deep(value: Any) -> bool:
    """Return whether lists and mappings lie within each other on more than `MAX_DEPTH` levels."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        lists = [item for item in level if isinstance(item, (list, tuple))]
        lists += [item.values() for item in level if isinstance(item, dict)]  # type: ignore[misc]
        if not lists:
            return False
        level = list(chain.from_iterable(lists))
    return True
