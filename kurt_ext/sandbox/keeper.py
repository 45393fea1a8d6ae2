"""One thread beside everything: it hears of ends, keeps what is printed, and watches the clock.

No call goes through it. It is there for what must happen although every event
loop of the host is busy, blocked or closed: a worker that ignores its
cancellation is killed, one that takes too much memory, one that is idle.
"""

from __future__ import annotations

import heapq
import os
import selectors
import threading
from collections import deque
from collections.abc import Callable
from itertools import count
from time import monotonic
from typing import Any, ClassVar

__all__ = ["Keeper", "Timer"]


class Timer:
    """Something that is to be done later."""

    __slots__ = ("action", "due")

    def __init__(self, due: float, action: Callable[[], object]) -> None:
        self.due = due
        self.action: Callable[[], object] | None = action

    def cancel(self) -> None:
        """Do not do it."""
        self.action = None


class Keeper:
    """The thread; a daemon, started when it is first needed, one in each process."""

    _shared: ClassVar[Keeper | None] = None
    _first = threading.Lock()

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._orders: deque[Callable[[], object]] = deque()
        self._woken, self._wake = os.pipe()
        for fd in (self._woken, self._wake):
            os.set_blocking(fd, False)
        self._selector.register(self._woken, selectors.EVENT_READ, self._drain)
        self._timers: list[tuple[float, int, Timer]] = []
        self._number = count()
        threading.Thread(target=self._run, name="kurt_ext-keeper", daemon=True).start()

    @classmethod
    def shared(cls) -> Keeper:
        """Return the one of this process."""
        with cls._first:
            if cls._shared is None:
                cls._shared = cls()
            return cls._shared

    @classmethod
    def forget(cls) -> None:
        """Have none: in a fork, where its thread is not."""
        cls._first = threading.Lock()
        cls._shared = None

    def later(self, seconds: float, action: Callable[[], object]) -> Timer:
        """Do something in a while; from any thread."""
        timer = Timer(monotonic() + seconds, action)
        self._order(lambda: heapq.heappush(self._timers, (timer.due, next(self._number), timer)))
        return timer

    def watch(self, fd: int, action: Callable[[], object]) -> None:
        """Call something whenever a descriptor can be read; from any thread."""
        self._order(lambda: self._selector.register(fd, selectors.EVENT_READ, action))

    def unwatch(self, fd: int) -> None:
        """Stop watching; in the keeper's own thread, before the descriptor is closed."""
        try:
            self._selector.unregister(fd)
        except (KeyError, ValueError):
            return

    def order(self, action: Callable[[], object]) -> None:
        """Do something soon, in the keeper's thread; from any thread."""
        self._order(action)

    def _order(self, action: Callable[[], object]) -> None:
        self._orders.append(action)
        try:
            os.write(self._wake, b"\0")
        except BlockingIOError:
            return  # it is awake already

    def _drain(self) -> None:
        try:
            os.read(self._woken, 4096)
        except BlockingIOError:
            return

    def _run(self) -> None:
        while True:
            timeout = None
            if self._orders:
                timeout = 0.0
            elif self._timers:
                timeout = max(0.0, self._timers[0][0] - monotonic())
            for key, _ in self._selector.select(timeout):
                self._do(key.data)
            while self._orders:
                self._do(self._orders.popleft())
            now = monotonic()
            while self._timers and self._timers[0][0] <= now:
                timer = heapq.heappop(self._timers)[2]
                if timer.action is not None:
                    self._do(timer.action)

    def _do(self, action: Callable[[], Any]) -> None:
        try:
            action()
        except Exception:  # whatever it was, the others need the thread
            from logging import getLogger

            getLogger("kurt_ext.sandbox").exception("what keeps workers in order has failed")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=Keeper.forget)
