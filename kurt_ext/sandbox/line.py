"""A worker's end of the line on which it asks its host for connections."""

from __future__ import annotations

import _socket
import errno
import os
import sys
import threading
from typing import Any

from .. import grant_hosts
from .passing import (
    DENIED,
    FAILED,
    HEAD,
    PENDING,
    UNRESOLVED,
    Malformed,
    number_of,
    reply_of,
    request,
    rest_of,
    shown,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Line", "NetworkDenied", "outcome", "receive"]

_Plain = _socket.socket


class NetworkDenied(PermissionError):
    """A worker may not do this with the network.

    :ivar skill: whose worker it is.
    :ivar permission: the list of the manifest that would allow it; "" where none can.
    :ivar target: host and port.
    """

    def __init__(self, text: str, *, skill: str = "", target: str = "") -> None:
        super().__init__(errno.EACCES, text)
        self.skill = skill
        self.target = target
        self.permission = "network_hosts" if target else ""


class Line:
    """The stream to the host, one question at a time.

    :param number: its descriptor, of a unix stream socket.
    :param skill: whose worker this is.
    :param hosts: its entries of ``network_hosts``.
    """

    def __init__(self, number: int, skill: str, hosts: Iterable[str]) -> None:
        self.sock: Any = None
        try:
            os.set_inheritable(number, False)
            self.sock = _Plain(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, number)
        except OSError:
            pass  # there is none: whatever is asked for is refused
        self.skill = skill
        found = [grant_hosts.parse(entry) for entry in hosts]
        self.hosts = [entry for entry in found if entry is not None]
        self.lock = threading.Lock()
        self.process = os.getpid()
        self.asked = 0

    def refuse(self, text: str) -> NetworkDenied:
        """Return the error for what no permission allows."""
        return NetworkDenied(f"{self.skill} {text}", skill=self.skill)

    def admit(self, host: str, port: int) -> None:
        """Let the host refuse a name at once that no entry covers.

        Where a name is resolved, clients leave an error as it is; of one while connecting,
        some keep only that there was one.

        :raises OSError: as the host refuses it.
        """
        known = grant_hosts.parse(f"{host}:{port}")
        if known is None or not any(grant_hosts.contains(entry, known) for entry in self.hosts):
            os.close(self.ask(host, port))

    def ask(self, host: str, port: int) -> int:
        """Return the end of a pair at which the outcome of connecting will arrive.

        :raises OSError: as the host refuses it at once.
        """
        if os.getpid() != self.process:
            raise self.refuse("has started this process, which has no network")
        target = shown(host, port)
        if self.sock is None:
            raise OSError(errno.ENETDOWN, f"there is no line to the host: {target}")
        try:
            request(host, port)
        except ValueError:
            raise _socket.gaierror(
                _socket.EAI_NONAME, f"Name or service not known: {host[:80]}"
            ) from None
        with self.lock:
            asked = self.asked = (self.asked + 1) % 65536
            try:
                self.sock.sendall(request(host, port, asked))
                received, number = receive(self.sock)
                while received and number_of(received) != asked:
                    if number >= 0:  # who asked has been interrupted, and waits no more
                        os.close(number)
                    received, number = receive(self.sock)
            except OSError:
                received, number = b"", -1
        if not received:
            raise OSError(errno.ENETDOWN, f"the line to the host has ended: {target}")
        kind, failure = outcome(received, target, self.skill)
        if kind == PENDING and number >= 0:
            return number
        raise failure


def receive(sock: Any) -> tuple[bytes, int]:
    """Return a reply and the descriptor that came with it, -1 without one.

    Less than a reply is returned where the other end has ended.
    """
    flags = getattr(_socket, "MSG_CMSG_CLOEXEC", 0)
    data, extra, _, _ = _Plain.recvmsg(sock, HEAD, _socket.CMSG_SPACE(4), flags)
    number = -1
    for level, kind, content in extra:
        if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS and len(content) == 4:
            number = int.from_bytes(content, sys.byteorder)
            os.set_inheritable(number, False)
    rest = rest_of(data)
    while rest:
        more = _Plain.recv(sock, rest)
        if not more:
            break
        data += more
        rest -= len(more)
    return data, number


def outcome(data: bytes, target: str, skill: str) -> tuple[bytes, OSError]:
    """Return the kind of a reply, and the error that it stands for where it is one."""
    try:
        kind, text, number = reply_of(data)
    except Malformed:
        kind, text, number = FAILED, "the host gave no outcome", errno.ECONNABORTED
    if kind == DENIED:
        return kind, NetworkDenied(text, skill=skill, target=target)
    if kind == UNRESOLVED:
        return kind, _socket.gaierror(_socket.EAI_NONAME, text)
    return kind, OSError(number or errno.ECONNABORTED, text)
