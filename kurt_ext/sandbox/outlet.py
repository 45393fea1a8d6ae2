"""How a worker writes to its host."""

from __future__ import annotations

import os
import select
import threading
from typing import Any

from .frames import HEADER
from .payloads import Blob

__all__ = ["Outlet"]


class Outlet:
    """Writes frames, each of them whole; where the host is gone, the process ends.

    :param fd: a stream socket to the host.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        #: Held by whoever writes.
        self.writing = threading.Lock()

    def send(self, kind: int, id: int, text: bytes, blob: list[Blob] | None = None) -> None:
        """Write one frame, whole; from any thread."""
        data = HEADER.pack(kind, id, len(text), sum(map(len, blob)) if blob else 0) + text
        with self.writing:
            try:
                sent = 0
                if not blob:
                    try:
                        sent = os.write(self._fd, data)
                    except BlockingIOError:
                        pass
                    if sent == len(data):
                        return
                pieces = _left([data, *(blob or ())], sent)
                while pieces:
                    pieces = _left(pieces, self._written(pieces))
            except OSError:
                os._exit(0)  # the host is gone

    def _written(self, pieces: list[Any]) -> int:
        while True:
            try:
                return os.writev(self._fd, pieces[:64])
            except BlockingIOError:
                poller = select.poll()
                poller.register(self._fd, select.POLLOUT)
                poller.poll()


def _left(pieces: list[Any], written: int) -> list[Any]:
    """Return what of the pieces is still to be written."""
    for number, piece in enumerate(pieces):
        if written < len(piece):
            return [memoryview(piece)[written:] if written else piece, *pieces[number + 1 :]]
        written -= len(piece)
    return []
