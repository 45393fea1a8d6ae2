"""Names of hosts where none is resolved: each gets an address that stands for it.

In a worker only the host at the other end of the line resolves names. Clients resolve before
they connect, so a name is answered with an address of 198.18.0.0/15, which is set aside for
measuring (RFC 2544) and which no network routes; connecting to it means the name.
"""

from __future__ import annotations

import _socket
import os
import threading
from typing import Any

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FUNCTIONS", "admit", "ascii_name", "is_address", "meant"]

_FIRST, _COUNT = (198 << 24) + (18 << 16) + 1, 2 * 65536 - 2
_MAPPED = "::ffff:"
#: Without /etc/services, which a worker may not read (RFC 6335's registry).
_SERVICES = {
    "ftp": 21,
    "ssh": 22,
    "smtp": 25,
    "http": 80,
    "pop3": 110,
    "imap": 143,
    "ldap": 389,
    "https": 443,
    "submissions": 465,
    "submission": 587,
    "ldaps": 636,
    "imaps": 993,
    "pop3s": 995,
    "postgresql": 5432,
}

_by_name: dict[str, str] = {}
_by_address: dict[str, str] = {}
_lock = threading.Lock()
_given = 0
_admit: Callable[[str, int], object] | None = None
_plain_service = _socket.getservbyname


def admit(check: Callable[[str, int], object]) -> None:
    """Have names checked with the port, when they are asked for one: it may raise an OSError."""
    global _admit
    _admit = check


def is_address(text: str) -> int:
    """Return the family of an IP address as text, 0 where it is none."""
    for family in (_socket.AF_INET, _socket.AF_INET6):
        try:
            _socket.inet_pton(family, text.partition("%")[0])
        except (OSError, ValueError):
            continue
        return int(family)
    return 0


def ascii_name(host: str | bytes | bytearray) -> str:
    """Return a host as name servers know it.

    :raises UnicodeError: for a name that cannot be one.
    """
    if not isinstance(host, str):
        return bytes(host).decode("ascii")
    return host if host.isascii() else host.encode("idna").decode("ascii")


def _stand_in(name: str) -> str:
    """Return the address that stands for a name; the oldest is given up where none is left."""
    global _given
    key = name.lower()
    with _lock:
        found = _by_name.get(key)
        if found is None:
            found = _socket.inet_ntoa((_FIRST + _given % _COUNT).to_bytes(4, "big"))
            _given += 1
            _by_name.pop(_by_address.pop(found, ""), None)
            _by_name[key], _by_address[found] = found, key
    return found


def meant(address: str) -> str:
    """Return the name that an address stands for, or the address itself."""
    return _by_address.get(address.removeprefix(_MAPPED), address)


def _unknown(text: str, code: int | None = None) -> OSError:
    return _socket.gaierror(_socket.EAI_NONAME if code is None else code, text)


def _port(port: Any) -> int:
    if port is None:
        return 0
    if isinstance(port, (bytes, bytearray)):
        port = bytes(port).decode("ascii")
    if isinstance(port, str):
        if port.isascii() and port.isdigit():
            return int(port)
        try:
            return _SERVICES.get(port) or _plain_service(port)
        except OSError:
            raise _unknown(
                f"Servname not supported for ai_socktype: {port}", _socket.EAI_SERVICE
            ) from None
    if not isinstance(port, int):
        raise OSError("Int or String expected")
    return int(port)


def _getaddrinfo(
    host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
) -> list[tuple[int, int, int, str, tuple[Any, ...]]]:
    """Answer as getaddrinfo does, for streams, and without asking anybody."""
    number = _port(port)
    kind = int(type) or int(_socket.SOCK_STREAM)
    protocol = proto or (_socket.IPPROTO_UDP if kind == _socket.SOCK_DGRAM else _socket.IPPROTO_TCP)
    if host is None or host in ("", b""):
        passive = flags & _socket.AI_PASSIVE
        texts = ["0.0.0.0", "::"] if passive else ["127.0.0.1", "::1"]
    else:
        name = ascii_name(host)
        if is_address(name):
            texts = [name]
        elif flags & _socket.AI_NUMERICHOST or len(name) > 253 or not name.isprintable():
            raise _unknown(f"Name or service not known: {name[:80]}")
        else:
            if number and _admit is not None:
                _admit(name, number)
            fake = _stand_in(name)
            texts = [_MAPPED + fake if family == _socket.AF_INET6 else fake]
    canonical = ascii_name(host) if host and flags & _socket.AI_CANONNAME else ""
    found: list[tuple[int, int, int, str, tuple[Any, ...]]] = []
    for text in texts:
        of = is_address(text)
        if family and of != family:
            continue
        six = of == _socket.AF_INET6
        where = (text.partition("%")[0], number, 0, 0) if six else (text, number)
        found.append((of, kind, int(protocol), canonical, where))
    if not found:
        raise _unknown("Address family for hostname not supported", _socket.EAI_FAMILY)
    return found


def _gethostbyname(host: str | bytes | bytearray) -> str:
    """Return the IPv4 address that stands for a name."""
    return str(_getaddrinfo(host, None, _socket.AF_INET)[0][4][0])


def _gethostbyname_ex(host: str | bytes | bytearray) -> tuple[str, list[str], list[str]]:
    """Return the name, no aliases, and the address that stands for it."""
    return ascii_name(host), [], [_gethostbyname(host)]


def _gethostbyaddr(host: str | bytes | bytearray) -> tuple[str, list[str], list[str]]:
    """Return the name that an address stands for; no other is known."""
    text = ascii_name(host)
    name = meant(text)
    if is_address(name) or not is_address(text):
        raise _socket.herror(1, "Unknown host")
    return name, [], [text]


def _getnameinfo(address: tuple[Any, ...], flags: int) -> tuple[str, str]:
    """Return name and port of an address; where no name is known the address."""
    name = str(address[0]) if flags & _socket.NI_NUMERICHOST else meant(str(address[0]))
    if flags & _socket.NI_NAMEREQD and is_address(name):
        raise _unknown(f"Name or service not known: {name[:80]}")
    return name, str(int(address[1]))


def _getservbyname(name: str, protocol: str = "tcp") -> int:
    """Return the port of a service, by the own table first."""
    known = _SERVICES.get(name)
    return known if known is not None else _plain_service(name, protocol)


#: What takes the place of the functions of the same names in ``_socket`` and ``socket``.
FUNCTIONS = {
    "getaddrinfo": _getaddrinfo,
    "gethostbyname": _gethostbyname,
    "gethostbyname_ex": _gethostbyname_ex,
    "gethostbyaddr": _gethostbyaddr,
    "getnameinfo": _getnameinfo,
    "getservbyname": _getservbyname,
}


def _renew() -> None:
    """Give a child process a lock of its own: the parent's may be held for ever."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
