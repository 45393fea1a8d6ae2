"""What a worker and its host say to each other where connections are handed over.

A request is a kind, a port and a host of at most 255 bytes of ASCII; no more can be said, so
nothing has to be parsed. A reply is a kind, an error number and a text; with it comes at most
one descriptor. Each side of the stream knows its turn: a worker asks, and waits for the reply.
"""

from __future__ import annotations

from struct import Struct

__all__ = [
    "CONNECTED",
    "DENIED",
    "FAILED",
    "MAX_REPLY",
    "PENDING",
    "REQUEST",
    "UNRESOLVED",
    "Malformed",
    "reply",
    "reply_of",
    "request",
    "requests_of",
    "shown",
]

#: Kind, port, length of the host.
REQUEST = Struct(">cHB")
_CONNECT = b"C"
#: Kind, error number, length of the text.
_REPLY = Struct(">cHH")
#: Under way; the descriptor is one end of a pair at which the outcome will arrive.
PENDING = b"P"
#: The descriptor is the connection.
CONNECTED = b"C"
#: Not allowed; the text says why and what to do.
DENIED = b"D"
#: There is no such host.
UNRESOLVED = b"N"
#: Allowed, and it failed with the error number.
FAILED = b"E"
MAX_REPLY = 1024


class Malformed(ValueError):
    """What arrived is no request, or no reply."""


def shown(host: str, port: int) -> str:
    """Return a host and a port as one text."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def request(host: str, port: int) -> bytes:
    """Return the bytes that ask for a connection.

    :raises UnicodeEncodeError: for a host beyond ASCII.
    :raises Malformed: for a host or port that is too large.
    """
    name = host.encode("ascii")
    if len(name) > 255 or not 0 <= port < 65536:
        raise Malformed(f"{host[:80]!r}:{port} is no address")
    return REQUEST.pack(_CONNECT, port, len(name)) + name


def requests_of(data: bytearray) -> list[tuple[str, int]]:
    """Take the whole requests from the front of what arrived, as hosts and ports.

    :raises Malformed: for anything else; nothing that follows can be trusted then.
    """
    found = []
    while len(data) >= REQUEST.size:
        kind, port, length = REQUEST.unpack_from(data)
        if kind != _CONNECT or not length:
            raise Malformed(f"a request of the kind {kind!r}")
        end = REQUEST.size + length
        if len(data) < end:
            break
        name = bytes(data[REQUEST.size : end])
        if not name.isascii():
            raise Malformed("a host that is not ASCII")
        found.append((name.decode("ascii"), port))
        del data[:end]
    return found


def reply(kind: bytes, text: str = "", number: int = 0) -> bytes:
    """Return the bytes of a reply, its text cut to what fits."""
    data = text.encode("utf-8", "replace")[: MAX_REPLY - _REPLY.size]
    return _REPLY.pack(kind, number, len(data)) + data


def reply_of(data: bytes) -> tuple[bytes, str, int]:
    """Return kind, text and error number of a reply.

    :raises Malformed: for bytes that are none.
    """
    if len(data) < _REPLY.size:
        raise Malformed("a reply that ends early")
    kind, number, length = _REPLY.unpack_from(data)
    return kind, data[_REPLY.size : _REPLY.size + length].decode("utf-8", "replace"), number
