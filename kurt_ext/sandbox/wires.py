"""The part of the tripwires that sees the network, where no kernel keeps a worker from it.

Names are judged when they are resolved and when they are connected to; an address is judged by
the names that were seen to lead to it. Where connections come from the host, through
:mod:`.dialing`, no socket of the worker's own has to connect anywhere, and none may.
"""

from __future__ import annotations

import socket
import sys

from .. import grant_hosts
from .addresses import is_loopback, is_public, spelled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .sightings import Sightings, Table

__all__ = ["Wires"]

#: Addresses whose names are kept.
_KEPT = 4096


class Wires:
    """What is known of names and addresses.

    :param seen: notes uses, and makes errors.
    :param hosts: entries as in ``network_hosts``.
    """

    def __init__(self, seen: Sightings, hosts: Iterable[str]) -> None:
        self._seen = seen
        found = [grant_hosts.parse(entry) for entry in hosts]
        self._entries = [entry for entry in found if entry is not None]
        self._names: dict[str, set[str]] = {}

    def table(self) -> Table:
        """Return audit event → what is done about it; resolved names are kept from now on."""
        self._listen_to_resolving()
        return {
            "socket.getaddrinfo": self._on_name,
            "socket.gethostbyname": self._on_name,
            "socket.connect": self._on_connect,
            "socket.sendto": self._on_send,
            "socket.sendmsg": self._on_send,
            "socket.bind": self._on_bind,
        }

    def _listen_to_resolving(self) -> None:
        plain = socket.getaddrinfo

        def getaddrinfo(host: Any, port: Any, *args: Any, **more: Any) -> Any:
            found = plain(host, port, *args, **more)
            name = _name(host)
            if name is not None:
                if len(self._names) >= _KEPT:
                    self._names.clear()
                for entry in found:
                    self._names.setdefault(str(entry[4][0]), set()).add(name)
            return found

        if not _is_dialled():
            socket.getaddrinfo = getaddrinfo

    def _covers(self, target: str) -> bool:
        return any(grant_hosts.covers(entry, target) for entry in self._entries)

    def _deny(self, host: str, port: Any) -> Exception:
        shown = f"[{host}]" if ":" in host else host
        target = f"{shown}:{port}" if isinstance(port, int) and port else shown
        return self._seen.deny("network_hosts", target, f"reach {target}", line=shown)

    def _on_name(self, args: tuple[Any, ...]) -> None:
        host = _name(args[0])
        if host is not None and not self._covers(_target(host, None)):
            raise self._deny(host, args[1] if len(args) > 1 else None)

    def _on_connect(self, args: tuple[Any, ...]) -> None:
        address = args[1]
        if not isinstance(address, tuple) or len(address) < 2:
            raise self._seen.deny("", str(address), f"connect to {address!r}")
        host, port = _name(address[0]) or "0.0.0.0", address[1]
        if self._is_pair(address):
            return
        if _is_dialled() or not self._leads(host, port):
            raise self._deny(host, port)
        self._seen.note("network_hosts", _target(host, port), True)

    def _leads(self, host: str, port: Any) -> bool:
        """Return whether a host or an address may be connected to."""
        if self._covers(_target(host, port)):
            return True
        try:
            address = spelled(host.partition("%")[0])
            is_open = is_public(host)
        except ValueError:
            return False
        return any(
            self._covers(_target(name, port))
            and (is_open or (name == "localhost" and is_loopback(address)))
            for name in self._names.get(host, ())
        )

    def _on_send(self, args: tuple[Any, ...]) -> None:
        if len(args) > 1 and args[1] is not None:
            raise self._seen.deny("", str(args[1]), f"send to {args[1]!r}: it may use TCP alone")

    def _on_bind(self, args: tuple[Any, ...]) -> None:
        if not self._is_pair(args[1]):
            raise self._seen.deny("", str(args[1]), "listen: it may only connect to others")

    @staticmethod
    def _is_pair(address: Any) -> bool:
        """Return whether `socket.socketpair` asks, which on Windows connects to itself."""
        if not isinstance(address, tuple) or address[0] not in ("127.0.0.1", "::1"):
            return False
        frame = sys._getframe(1)
        for _ in range(8):
            code = frame.f_code
            if code.co_filename == socket.__file__ and code.co_name.endswith("socketpair"):
                return True
            if frame.f_back is None:
                break
            frame = frame.f_back
        return False


def _is_dialled() -> bool:
    """Return whether the host connects for this process."""
    return hasattr(sys.modules.get(f"{__package__}.dialing"), "_line")


def _name(host: Any) -> str | None:
    if isinstance(host, (bytes, bytearray)):
        return bytes(host).decode("ascii", "replace")
    return host if isinstance(host, str) and host else None


def _target(host: str, port: Any) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{port}" if isinstance(port, int) and port else shown
