"""Whom a frame of a worker is for, and how it gets there: each on the loop that waits for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ..errors import IsolationError
from . import frames
from .breaches import Event
from .failures import RemoteError, cleaned, failure_from
from .frames import Frame, Malformed, spare
from .payloads import decode
from .questions import Questions
from .streams import Flow
from .waiters import STARTING, Call

if TYPE_CHECKING:
    from .channel import Channel

__all__ = ["Deliveries"]

_MAX_POSTED = 1024  # frames that wait for a loop which does something else
_RESULT = frames.RESULT


class Deliveries:
    """What comes from one worker.

    :param calls: those under way, by their numbers; the channel's own.
    :param event: told of what it says beside its answers.
    """

    def __init__(
        self,
        channel: Channel,
        calls: dict[int, Call],
        questions: Questions,
        event: Event | None,
    ) -> None:
        self._channel = channel
        self._calls = calls
        self._questions = questions
        self._event = event

    @staticmethod
    def is_plain(frame: Frame, call: Call, loop: asyncio.AbstractEventLoop) -> bool:
        """Return whether a frame is the answer to a call of this loop, and nothing besides."""
        if frame.kind != _RESULT or call.loop is not loop:
            return False
        if call.posted or call.stream is not None or not call.id:
            return False
        if call.settled is not None or call.grace is not None:
            call.over()
        return True

    def take_back(self, taken: list[tuple[Call | None, Frame]]) -> None:
        """Take back the calls whose answers were taken and cannot be given, so that they fail."""
        with self._channel.lock:
            for call, _ in taken:
                if call is not None and not call.done():
                    self._calls.setdefault(call.id, call)

    def sort(
        self,
        frame: Frame,
        loop: asyncio.AbstractEventLoop | None,
        now: list[tuple[Call | None, Frame]],
    ) -> None:
        """Find out whom a frame is for. Those for another loop are handed over in their order."""
        kind, id = frame.kind, frame.id
        if kind in (frames.ASK, frames.EVENT):
            now.append((None, frame))
            return
        call = self._calls.get(id)
        if call is None:
            raise Malformed("an answer came to a call that nobody has made")
        if (id == STARTING) != (kind in (frames.READY, frames.UNCONFINED)) and not (
            id == STARTING and kind == frames.ERROR
        ):
            raise Malformed(f"a frame of the kind {kind} came at a time when none may")
        if kind in (frames.STREAMING, frames.ITEM, frames.END):
            self._note_stream(call, frame)
        if kind not in (frames.PROGRESS, frames.STREAMING, frames.ITEM):
            if kind == frames.RESULT and call.stream is not None:
                raise Malformed("a stream came and was answered too")
            del self._calls[id]
            call.over()
        if call.loop is loop and not call.posted:
            now.append((call, frame))
        elif kind != frames.PROGRESS or call.posted < _MAX_POSTED:
            call.posted += 1
            try:
                call.loop.call_soon_threadsafe(self._posted, call, frame)
            except RuntimeError:
                return  # that loop is closed, and nobody waits there any more

    def _note_stream(self, call: Call, frame: Frame) -> None:
        if frame.kind == frames.STREAMING:
            if call.stream is not None:
                raise Malformed("one call was answered by two streams")
            call.stream = Flow(self._channel, call)
        elif call.stream is None:
            raise Malformed("an item came of no stream")
        elif frame.kind == frames.ITEM:
            call.stream.note(len(frame.text) + len(frame.blob))

    def _posted(self, call: Call, frame: Frame) -> None:
        call.posted -= 1
        try:
            self.deliver(call, frame, call.loop)
        except Malformed as error:
            self.take_back([(call, frame)])
            self._channel.break_off(str(error))

    def deliver(
        self,
        call: Call | None,
        frame: Frame,
        loop: asyncio.AbstractEventLoop,
        at_once: bool = False,
    ) -> None:
        """Give a frame to whoever waits for it, on its own loop."""
        kind = frame.kind
        if kind == _RESULT or kind == frames.READY:
            assert call is not None
            value = decode(frame.text, frame.blob)
            spare(frame)
            if kind == frames.READY and not isinstance(value, dict):
                raise Malformed("a worker reports nothing of its confinement")
            if not call.done():
                call.settle(value, at_once=at_once)
        elif kind == frames.ASK:
            self._questions.take(frame, loop)
        elif kind == frames.EVENT:
            self.told(decode(frame.text))
        elif call is None or call.given_up:
            return
        elif kind == frames.PROGRESS:
            self._progressed(call, decode(frame.text, frame.blob))
        elif kind == frames.STREAMING:
            assert call.stream is not None
            if not call.done():
                call.settle(call.stream)
        elif kind == frames.ITEM:
            assert call.stream is not None
            call.stream.put(frame)
        elif kind == frames.END:
            assert call.stream is not None
            call.stream.end(None)
        else:
            call.fail(self._raised(kind, decode(frame.text, frame.blob)))

    def _raised(self, kind: int, value: Any) -> Exception:
        if kind == frames.UNCONFINED:
            said = cleaned(str(value.get("message"))[:1000]) if isinstance(value, dict) else ""
            return IsolationError(
                f"{self._channel.name} cannot be isolated here",
                missing=[said],
                cause=said,
                hint="kurt sandbox status",
                skill=self._channel.name,
            )
        error = failure_from(value)
        if isinstance(error, RemoteError) and error.type == "MemoryError":
            made = self._channel.reached("max_memory_mb", "it raised MemoryError")
            made.__cause__ = error
            return made
        return error

    def _progressed(self, call: Call, value: Any) -> None:
        if call.on_progress is None or call.done():
            return
        try:
            call.on_progress(value)
        except Exception as error:  # it ends the call
            if not call.done():
                call.refuse(error)
            self._channel.give_up(call)

    def told(self, value: Any) -> None:
        """Tell of what the worker says beside its answers."""
        if not (isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)):
            raise Malformed("an event came that says nothing")
        name, detail = value
        if not isinstance(detail, dict):
            raise Malformed("an event came without detail")
        if self._event is not None:
            self._event(name[:100], detail)
