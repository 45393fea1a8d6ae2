"""Which connections are open still, in whatever process: the kernel is asked, not the worker."""

from __future__ import annotations

import os
import socket
from struct import Struct

__all__ = ["Given", "count_open"]

# linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h
_DIAG, _BY_FAMILY, _REQUEST = 4, 20, 1
#: Header of netlink; family, protocol, extensions, states; ports, addresses, interface, cookie.
_ASK = Struct("=IHHIIBBBxI4s16s16sIII")
_ANY = 0xFFFFFFFF
#: Where in an answer its kind and the inode are.
_KIND, _INODE = Struct("=4xH"), Struct("=84xI")


#: Whether the kernel answers; known from the first connection, which is open when it is asked.
_answers: bool | None = None


class Given:
    """A connection that is handed over: by what the kernel finds it, and knows it from others.

    :param sock: it, while it is open here.
    """

    __slots__ = ("inode", "question")

    def __init__(self, sock: socket.socket) -> None:
        global _answers
        self.inode = os.fstat(sock.fileno()).st_ino
        ours, theirs = sock.getsockname(), sock.getpeername()
        ports = int(ours[1]).to_bytes(2, "big") + int(theirs[1]).to_bytes(2, "big")
        here, there = (
            socket.inet_pton(sock.family, str(end[0]).partition("%")[0]).ljust(16, b"\0")
            for end in (ours, theirs)
        )
        scope = int(ours[3]) if len(ours) > 3 else 0
        self.question = _ASK.pack(
            *(_ASK.size, _BY_FAMILY, _REQUEST, 0, 0),
            *(int(sock.family), socket.IPPROTO_TCP, 0, _ANY),
            *(ports, here, there, scope, _ANY, _ANY),
        )
        if _answers is None:
            _answers = _by_asking({self.inode: self}) == {self.inode}


def count_open(given: dict[int, Given]) -> bool:
    """Drop the connections that are closed; return whether the system tells of them.

    :param given: by inode.
    """
    found = _by_asking(given) if _answers else None
    if found is None:
        found = _by_reading()
    if found is None:
        given.clear()
        return False
    for number in given.keys() - found:
        del given[number]
    return True


def _by_asking(given: dict[int, Given]) -> set[int] | None:
    """Return the inodes that the kernel knows, each asked for; None where it cannot be asked."""
    if not hasattr(socket, "AF_NETLINK"):
        return None
    found: set[int] = set()
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _DIAG) as sock:
            sock.settimeout(1)
            for one in given.values():
                sock.send(one.question)
                answer = sock.recv(4096)
                if _KIND.unpack_from(answer)[0] == _BY_FAMILY:
                    found.add(_INODE.unpack_from(answer)[0])
    except OSError:
        return None
    return found


def _by_reading() -> set[int] | None:
    """Return the inodes of all TCP sockets of the system; None where it does not tell."""
    found: set[int] = set()
    seen = False
    for name in ("/proc/self/net/tcp", "/proc/self/net/tcp6"):
        try:
            with open(name, "rb") as file:
                lines = file.read().split(b"\n")[1:]
        except OSError:
            continue
        seen = True
        found.update(int(line.split()[9]) for line in lines if line)
    return found if seen else None
