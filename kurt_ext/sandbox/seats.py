"""What each event loop that calls a worker has of the one socket to it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

__all__ = ["NEVER", "Seat"]

NEVER = float("inf")


class Seat:
    """A loop's own descriptor of the socket."""

    __slots__ = ("due", "is_writing", "loop", "socket", "streak", "timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
        self.loop = loop
        self.socket = sock.dup()
        self.is_writing = False
        self.streak = 0  # calls that were answered before anybody else had a turn
        # One timer for all calls of the loop: one for each would cost a tenth of a call.
        self.due = NEVER
        self.timer: asyncio.TimerHandle | None = None

    def leave(self) -> None:
        """Let go of the descriptor, on the loop's own thread where it runs."""
        if self.loop.is_closed():
            self.socket.close()
            return
        try:
            if self.loop.is_running() and asyncio._get_running_loop() is not self.loop:
                self.loop.call_soon_threadsafe(self._leave)
                return
        except RuntimeError:  # it was closed just now
            self.socket.close()
            return
        self._leave()

    def _leave(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
        if self.socket.fileno() >= 0 and not self.loop.is_closed():
            self.loop.remove_reader(self.socket)
            self.loop.remove_writer(self.socket)
        self.socket.close()

    def wake(self, due: float, look: Callable[[Seat], object]) -> None:
        """Have the clock looked at when the loop's time is ``due``."""
        if self.timer is not None:
            self.timer.cancel()
        self.due = due
        self.timer = self.loop.call_at(due, look, self)
