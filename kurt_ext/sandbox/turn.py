"""One at a time, whoever asks and from whichever event loop."""

from __future__ import annotations

import asyncio
import threading
from collections import deque

__all__ = ["Turn"]


class Turn:
    """A lock for whoever asks, from any loop; none waits for a loop that stands still."""

    __slots__ = ("_held", "_lock", "_waiting")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held = False
        self._waiting: deque[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = deque()

    async def take(self, timeout: float | None) -> None:
        """Wait for one's turn.

        :raises TimeoutError: when it did not come in time.
        """
        loop = asyncio.get_running_loop()
        if self._took(loop):
            return
        async with asyncio.timeout(timeout):
            while True:
                future: asyncio.Future[None] = loop.create_future()
                row = (loop, future)
                with self._lock:
                    if not self._held:
                        self._held = True
                        return
                    self._waiting.append(row)
                try:
                    await future
                except BaseException:
                    with self._lock:
                        if row in self._waiting:
                            self._waiting.remove(row)
                    self._wake()  # it may have been this one's turn
                    raise

    def _took(self, loop: asyncio.AbstractEventLoop) -> bool:
        with self._lock:
            if self._held or any(other is loop for other, _ in self._waiting):
                return False
            self._held = True
            return True

    def release(self) -> None:
        """End one's turn; from any thread."""
        with self._lock:
            self._held = False
        self._wake()

    def _wake(self) -> None:
        """Wake the first of each loop; who is awake first takes it."""
        with self._lock:
            if self._held:
                return
            first: dict[asyncio.AbstractEventLoop, asyncio.Future[None]] = {}
            for row in list(self._waiting):
                if row[0].is_closed():
                    self._waiting.remove(row)
                elif row[0] not in first:
                    first[row[0]] = row[1]
                    self._waiting.remove(row)
        for loop, future in first.items():
            try:
                loop.call_soon_threadsafe(_settle, future)
            except RuntimeError:
                continue


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
