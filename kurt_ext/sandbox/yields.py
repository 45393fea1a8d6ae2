"""What generators of a worker yield, on its way to the host: as much as that has room for."""

from __future__ import annotations

from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from . import frames
from .callside import CALL, CallSide
from .frames import Frame
from .payloads import encode

if TYPE_CHECKING:
    from .serving import Serving

__all__ = ["Yields"]


class Yields:
    """The streams of one worker."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving

    def go_on(self, frame: Frame) -> None:
        """Send more, now that the host has told that it has room."""
        call = self._serving.calls.get(frame.id)
        if call is None:
            return
        for _ in range(min(int(bytes(frame.text) or b"0"), len(call.sizes))):
            call.unseen -= call.sizes.popleft()
        if call.source is not None:
            self.advance(call)
        elif call.room is not None:
            call.room.set()

    def _has_room(self, call: CallSide) -> bool:
        return len(call.sizes) < frames.WINDOW_ITEMS and call.unseen < frames.WINDOW_BYTES

    def advance(self, call: CallSide) -> None:
        """Send the next items of a sync generator, as many as the host has room for."""
        try:
            while self._has_room(call):
                try:
                    item = copy_context().run(self._next_of, call)
                except StopIteration:
                    self.ended(call)
                    return
                self._send_item(call, item)
        except BaseException as error:
            self._serving.failed(call, error)

    def _next_of(self, call: CallSide) -> Any:
        CALL.set(call.id)
        return next(call.source)

    async def stream(self, call: CallSide, source: Any) -> None:
        """Send what an async generator yields, no faster than the host takes it."""
        from asyncio import Event

        call.room = Event()
        try:
            async for item in source:
                self._send_item(call, item)
                while not self._has_room(call):
                    call.room.clear()
                    await call.room.wait()
        except BaseException as error:
            said = error
            close = getattr(source, "aclose", None)
            if close is not None:
                try:
                    await close()
                except BaseException as second:
                    said = second
            self._serving.failed(call, said)
        else:
            self.ended(call)

    def _send_item(self, call: CallSide, item: Any) -> None:
        text, blob = encode(item)
        size = self._serving.bounded(text, blob)
        call.sizes.append(size)
        call.unseen += size
        self._serving.send(frames.ITEM, call.id, text, blob)

    def ended(self, call: CallSide) -> None:
        """Tell the host that nothing comes any more."""
        self._serving.calls.pop(call.id, None)
        self._serving.send(frames.END, call.id, b"")
