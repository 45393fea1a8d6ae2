"""What a generator in a worker yields, on its way to its reader in the host."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

from ..errors import WorkerError
from . import frames
from .frames import Frame, Malformed
from .limits import SECONDS
from .payloads import decode

if TYPE_CHECKING:
    from .channel import Channel
    from .waiters import Call

__all__ = ["Flow", "Stream"]


class Flow:
    """The items of one stream between their arrival and their reader."""

    def __init__(self, channel: Channel, call: Call) -> None:
        self.channel = channel
        self.call = call
        self.ended = False
        self._items: deque[Frame] = deque()
        self._count = 0  # of what has come and was not taken, in frames and bytes
        self._size = 0
        self._untold = 0
        self._error: BaseException | None = None
        self._waiter: asyncio.Future[None] | None = None

    def note(self, size: int) -> None:
        """Count an item that came.

        :raises Malformed: when it comes although there is no room.
        """
        if self._count >= frames.WINDOW_ITEMS or self._size >= frames.WINDOW_BYTES:
            raise Malformed("more items of a stream came than there is room for")
        self._count += 1
        self._size += size

    def put(self, frame: Frame) -> None:
        """Keep an item for the reader."""
        self._items.append(frame)
        self._wake()

    def end(self, error: BaseException | None) -> None:
        """Note that nothing comes any more."""
        if not self.ended:
            self.ended, self._error = True, error
            self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def next(self) -> Any:
        """Return the next item."""
        while not self._items:
            if self.ended:
                error, self._error = self._error, None
                if error is not None:
                    raise error
                raise StopAsyncIteration
            await self._wait()
        frame = self._items.popleft()
        self._make_room(len(frame.text) + len(frame.blob))
        try:
            return decode(frame.text, frame.blob)
        except Malformed as error:
            self.channel.break_off(str(error))
            raise WorkerError(
                f"the worker of {self.channel.name} was ended",
                cause=str(error),
                skill=self.channel.name,
            ) from None

    def _make_room(self, size: int) -> None:
        with self.channel.lock:
            self._count -= 1
            self._size -= size
        self._untold += 1
        if not self._items or self._untold >= frames.WINDOW_ITEMS // 2:
            self.channel.make_room(self.call, self._untold)
            self._untold = 0

    async def _wait(self) -> None:
        loop = self.call.loop
        self._waiter = loop.create_future()
        timer = loop.call_later(self.channel.seconds, self._late)
        try:
            await self._waiter
        except asyncio.CancelledError:
            self.stop()
            raise
        finally:
            timer.cancel()

    def _late(self) -> None:
        channel = self.channel
        self.end(channel.reached(SECONDS, "its next item took longer"))
        channel.give_up(self.call)

    def stop(self) -> None:
        """Want no more of it."""
        if not self.ended:
            self.channel.give_up(self.call)
            self.end(None)
        self._items.clear()


class Stream:
    """What a generator in a worker yields, as it comes; it goes no further than it is read.

    To be read on the loop that asked for it.
    """

    def __init__(self, flow: Flow) -> None:
        self._flow = flow

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> Any:
        return await self._flow.next()

    async def aclose(self) -> None:
        """Stop it, where it has not ended."""
        self._flow.stop()

    def __del__(self) -> None:
        flow = self._flow
        if not flow.ended:
            try:
                flow.call.loop.call_soon_threadsafe(flow.stop)
            except RuntimeError:  # that loop is closed: nobody can send the cancellation
                flow.channel.give_up(flow.call)
