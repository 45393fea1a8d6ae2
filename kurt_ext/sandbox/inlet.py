"""How a worker reads from its host: one thread at a time, whichever needs to."""

from __future__ import annotations

import os
import select
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from . import frames
from .frames import Bounds, Frame, Incoming, Malformed

__all__ = ["Inlet"]

_MIB = 1 << 20
#: What a host sends may be this long: it is trusted, and a worker's memory is bounded by itself.
_MOST = 1 << 30
_BOUNDS = Bounds(
    {
        frames.POLICY: (16 * _MIB, 0),
        frames.REQUEST: (_MOST, _MOST),
        frames.CANCEL: (0, 0),
        frames.ANSWER: (_MOST, _MOST),
        frames.REFUSAL: (_MIB, _MIB),
        frames.MORE: (16, 0),
    }
)
_REQUEST = frames.REQUEST


class Inlet:
    """Reads frames; where the host is gone, or speaks nonsense, the process ends.

    :param fd: a stream socket to the host.
    :param sort: told of each frame, with the turn held; it puts what is to be acted on into
        the queue.
    """

    def __init__(self, fd: int, sort: Callable[[Frame], object]) -> None:
        self._fd = fd
        self._sort = sort
        #: Whether a read of the descriptor waits.
        self.blocks = True
        #: Held by whoever looks at what has come.
        self.turn = threading.Lock()
        #: What is to be acted on.
        self.queue: deque[Frame] = deque()
        self._incoming = Incoming(_BOUNDS)
        poller = select.poll()
        poller.register(fd, select.POLLIN)
        self._poll = poller.poll
        self._news = threading.Condition(self.turn)
        self._waiting = 0
        self._reading = False

    def alone(self, wait: bool) -> Frame | None:
        """Read once, if nobody else does; return a lone request, and sort all that is not one."""
        turn = self.turn
        with turn:
            if self._reading or self.queue:
                return None
            self._reading = True
        found: list[Frame] = []
        try:
            found = self._received(wait)
        finally:
            with turn:
                self._reading = False
                alone = len(found) == 1 and found[0].kind == _REQUEST and not self._waiting
                if not alone:
                    self._sort_all(found)
        return found[0] if alone else None

    def pump(self, done: Callable[[], Any]) -> None:
        """Read frames, or let another thread, until something is done."""
        with self.turn:
            while not done():
                if not self._reading:
                    self._read_once(True)
                    continue
                self._waiting += 1
                self._news.wait()
                self._waiting -= 1

    def peek(self) -> None:
        """Take what has already come, if nobody else does."""
        with self.turn:
            if not self._reading:
                self._read_once(False)

    def _read_once(self, wait: bool) -> None:
        """Read and sort what comes; called with the turn held, which is free meanwhile."""
        self._reading = True
        self.turn.release()
        found: list[Frame] = []
        try:
            found = self._received(wait)
        finally:
            self.turn.acquire()
            self._reading = False
            self._sort_all(found)

    def _sort_all(self, found: list[Frame]) -> None:
        for frame in found:
            self._sort(frame)
        if self._waiting:
            self._news.notify_all()

    def _received(self, wait: bool) -> list[Frame]:
        incoming = self._incoming
        while True:
            # Who waits in a read is woken by each answer that the host takes, for nothing.
            if (wait or self.blocks) and not self._poll(None if wait else 0):
                return []
            try:
                found = incoming.receive(self._read)
            except BlockingIOError:
                if not wait and incoming.is_between:
                    return []
                wait = True
                continue
            except (OSError, Malformed):
                os._exit(70)
            if found:
                return found
            if found is None:
                os._exit(0)  # the host is gone
            if not wait and incoming.is_between:
                return found
            wait = True  # the rest of a frame is on its way

    def _read(self, buffer: memoryview) -> int:
        return os.readv(self._fd, (buffer,))
