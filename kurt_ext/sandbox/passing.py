"""What a worker and its host say to each other where connections are handed over.

A request is a kind, a number, a port and a host of at most 255 bytes of ASCII; no more can be
said, so nothing has to be parsed. A reply is a kind, the number of the request, an error number
and a text; with it comes at most one descriptor. A worker asks, and waits for the reply.
"""

from __future__ import annotations

from struct import Struct

__all__ = [
    "CONNECTED",
    "DENIED",
    "FAILED",
    "HEAD",
    "MAX_REPLY",
    "PENDING",
    "REQUEST",
    "UNRESOLVED",
    "Malformed",
    "number_of",
    "reply",
    "reply_of",
    "request",
    "requests_of",
    "rest_of",
    "shown",
]

#: Kind, number, port, length of the host.
REQUEST = Struct(">cHHB")
_CONNECT = b"C"
#: Kind, number of the request, error number, length of the text.
_REPLY = Struct(">cHHH")
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
#: Bytes that a reply begins with, whatever it says.
HEAD = _REPLY.size


class Malformed(ValueError):
    """What arrived is no request, or no reply."""


def shown(host: str, port: int) -> str:
    """Return a host and a port as one text."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def request(host: str, port: int, number: int = 0) -> bytes:
    """Return the bytes that ask for a connection.

    :param number: comes back with the reply, so that one that was not waited for is known.

    :raises UnicodeEncodeError: for a host beyond ASCII.
    :raises Malformed: for a host or port that is too large.
    """
    name = host.encode("ascii")
    if len(name) > 255 or not 0 <= port < 65536:
        raise Malformed(f"{host[:80]!r}:{port} is no address")
    return REQUEST.pack(_CONNECT, number, port, len(name)) + name


def requests_of(data: bytearray) -> list[tuple[str, int, int]]:
    """Take the whole requests from the front of what arrived, as hosts, ports and numbers.

    :raises Malformed: for anything else; nothing that follows can be trusted then.
    """
    found = []
    while len(data) >= REQUEST.size:
        kind, number, port, length = REQUEST.unpack_from(data)
        if kind != _CONNECT or not length:
            raise Malformed(f"a request of the kind {kind!r}")
        end = REQUEST.size + length
        if len(data) < end:
            break
        name = bytes(data[REQUEST.size : end])
        if not name.isascii():
            raise Malformed("a host that is not ASCII")
        found.append((name.decode("ascii"), port, number))
        del data[:end]
    return found


def reply(kind: bytes, text: str = "", code: int = 0, *, number: int = 0) -> bytes:
    """Return the bytes of a reply, its text cut to what fits.

    :param code: an ``errno``.
    :param number: that of the request; 0 for an outcome, which has a way of its own.
    """
    data = text.encode("utf-8", "replace")[: MAX_REPLY - _REPLY.size]
    return _REPLY.pack(kind, number, code, len(data)) + data


def number_of(data: bytes) -> int:
    """Return the number of the request that a reply is for, -1 for what is no reply."""
    return int(_REPLY.unpack_from(data)[1]) if len(data) >= _REPLY.size else -1


def rest_of(head: bytes) -> int:
    """Return how many bytes belong to a reply after its first :data:`HEAD`."""
    return int(_REPLY.unpack_from(head)[3]) if len(head) >= _REPLY.size else 0


def reply_of(data: bytes) -> tuple[bytes, str, int]:
    """Return kind, text and error number of a reply.

    :raises Malformed: for bytes that are none.
    """
    if len(data) < _REPLY.size:
        raise Malformed("a reply that ends early")
    kind, _, code, length = _REPLY.unpack_from(data)
    return kind, data[_REPLY.size : _REPLY.size + length].decode("utf-8", "replace"), code
