"""What a host has still to write to a worker, in its order."""

from __future__ import annotations

import socket
from collections import deque
from contextlib import AbstractContextManager
from typing import Any

from .frames import HEADER
from .payloads import Blob
from .seats import Seat

__all__ = ["Outbox"]


class Outbox:
    """Frames to one worker, from whichever loop.

    :param sock: not blocking.
    :param lock: held by whoever writes.
    """

    def __init__(self, sock: socket.socket, lock: AbstractContextManager[Any]) -> None:
        self._socket = sock
        self._lock = lock
        self._outgoing: deque[Any] = deque()

    def send(
        self, seat: Seat, kind: int, id: int, text: bytes, blob: list[Blob] | None = None
    ) -> None:
        """Write a frame, or what fits of it; with the lock held, on the seat's loop."""
        outgoing = self._outgoing
        if not blob:
            data: Any = HEADER.pack(kind, id, len(text), 0) + text
            if not outgoing:
                try:
                    sent = self._socket.send(data)
                except BlockingIOError:
                    sent = 0
                except OSError:
                    return  # the end is read, and told to everybody, where it is read
                if sent == len(data):
                    return
                data = memoryview(data)[sent:]
            outgoing.append(data)
        else:
            outgoing.append(HEADER.pack(kind, id, len(text), sum(map(len, blob))) + text)
            outgoing.extend(memoryview(piece) for piece in blob if len(piece))
        self.flush(seat)

    def flush(self, seat: Seat) -> None:
        """Write what is left, as far as it goes now; the rest when the socket has room."""
        with self._lock:
            outgoing = self._outgoing
            try:
                while outgoing:
                    pieces = [outgoing[n] for n in range(min(len(outgoing), 64))]
                    sent = self._socket.sendmsg(pieces)
                    while outgoing and sent >= len(outgoing[0]):
                        sent -= len(outgoing.popleft())
                    if sent:
                        outgoing[0] = memoryview(outgoing[0])[sent:]
            except BlockingIOError:
                pass
            except OSError:
                outgoing.clear()
            if bool(outgoing) != seat.is_writing and seat.socket.fileno() >= 0:
                seat.is_writing = bool(outgoing)
                if outgoing:
                    seat.loop.add_writer(seat.socket, self.flush, seat)
                else:
                    seat.loop.remove_writer(seat.socket)

    def clear(self) -> None:
        """Forget what is left."""
        self._outgoing.clear()
