"""The one thread on which the host serves the lines of all its workers."""

from __future__ import annotations

import asyncio
import os
import select
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Exchange", "enter", "leave"]


class Exchange:
    """An event loop in a thread of its own, that lasts as long as somebody uses it.

    :ivar loop: everything of the users happens on it.
    """

    def __init__(self) -> None:
        self.loop = asyncio.SelectorEventLoop()
        self.users = 1
        self._ends: dict[int, Callable[[], object]] = {}
        self._hangups: Any = select.epoll() if hasattr(select, "epoll") else None
        if self._hangups is not None:
            self.loop.add_reader(self._hangups.fileno(), self._hung_up)
        self.thread = threading.Thread(target=self._serve, name="kurt-network", daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
        finally:
            left = asyncio.all_tasks(self.loop)
            for task in left:
                task.cancel()
            self.loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            if self._hangups is not None:
                self.loop.remove_reader(self._hangups.fileno())
                self._hangups.close()
            self.loop.close()

    def join(self) -> None:
        """Wait for the thread, where nobody uses it any more."""
        if not self.users:
            self.thread.join(5)

    def watch(self, number: int, hung_up: Callable[[], object]) -> None:
        """Call when the other end of a pair is closed, on systems that can tell.

        What can be read does not count, as it would for the loop: the pair is filled.
        """
        if self._hangups is not None:
            self._hangups.register(number, 0)
            self._ends[number] = hung_up

    def forget(self, number: int) -> None:
        """Watch a descriptor no more; to be called before it is closed."""
        if self._ends.pop(number, None) is not None:
            self._hangups.unregister(number)

    def _hung_up(self) -> None:
        for number, _ in self._hangups.poll(0):
            found = self._ends.get(number)
            self.forget(number)
            if found is not None:
                found()


_lock = threading.Lock()
_current: Exchange | None = None


def enter() -> Exchange:
    """Return the exchange, which is started for its first user."""
    global _current
    with _lock:
        if _current is None:
            _current = Exchange()
        else:
            _current.users += 1
        return _current


def leave(exchange: Exchange) -> None:
    """Give up an exchange, on its thread; with its last user it ends."""
    global _current
    with _lock:
        exchange.users -= 1
        if exchange.users:
            return
        if _current is exchange:
            _current = None
    exchange.loop.stop()


def _forked() -> None:
    """Forget the parent's thread in a child process, which has not got it."""
    global _current, _lock
    _current, _lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
