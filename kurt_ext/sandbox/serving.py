"""Serve a host from inside a worker: read its frames, run the handler, answer.

One thread reads at a time, whichever needs to: the main one when it has nothing
else to do, any other that waits for an answer while the main one is in a
plugin's code. Sync handlers run in the main thread; async ones on one loop
there, which is made when the first of them comes and stays from then on.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any, NoReturn

from . import frames
from .callside import CALL, CallSide
from .failures import failure_from, failure_to
from .frames import Frame, spare
from .inlet import Inlet
from .outlet import Outlet
from .payloads import Blob, Unsendable, decode, encode
from .yields import Yields

if TYPE_CHECKING:
    import asyncio

__all__ = ["Serving"]

_MIB = 1 << 20
_REQUEST = frames.REQUEST
#: Of what is returned, what is neither awaited nor iterated over.
_DATA = frozenset((type(None), bool, int, float, str, bytes, list, dict))


class _Question:
    __slots__ = ("answer", "future", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop | None, future: Any) -> None:
        self.answer: Frame | None = None
        self.loop = loop
        self.future = future

    def settle(self) -> None:
        if self.future is not None and not self.future.done():
            self.future.set_result(None)


class Serving:
    """The worker's end of the channel.

    :param fd: a stream socket to the host.
    :param reply: bytes that an answer may have.
    """

    def __init__(self, fd: int, reply: int = 16 * _MIB) -> None:
        self._fd = fd
        self.reply = reply
        self._inlet = Inlet(fd, self._sort)
        #: Takes what has already come, if nobody else does.
        self.peek = self._inlet.peek
        self._draining = False
        outlet = Outlet(fd)
        #: Writes one frame; from any thread.
        self.send = outlet.send
        self._writing = outlet.writing
        #: Those under way, by their numbers.
        self.calls: dict[int, CallSide] = {}
        self._yields = Yields(self)
        self._questions: dict[int, _Question] = {}
        self._last = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loops: Any = None  # the module, once there is a loop: to import it takes long
        self._main = threading.get_ident()
        self._handle: Callable[[str, Any, CallSide], Any] = _unready

    @property
    def is_writing(self) -> bool:
        """Whether somebody writes to the host at this moment."""
        return self._writing.locked()

    def serve(self, handle: Callable[[str, Any, CallSide], Any]) -> NoReturn:
        """Serve until the host goes away, and end the process then."""
        self._handle = handle
        while self._loop is None:
            frame = self._inlet.alone(True)
            if frame is not None:
                self._begin(frame)
            else:
                self._inlet.pump(self._inlet.queue.__len__)
                self._act(self._inlet.queue.popleft())
        self._serve_in_loop(self._loop)
        os._exit(0)

    def first(self) -> Frame:
        """Return the first frame."""
        self._inlet.pump(self._inlet.queue.__len__)
        return self._inlet.queue.popleft()

    # -- hearing ------------------------------------------------------------------

    def _sort(self, frame: Frame) -> None:
        if frame.kind in (frames.ANSWER, frames.REFUSAL):
            question = self._questions.pop(frame.id, None)
            if question is not None:
                question.answer = frame
                if question.loop is not None:
                    question.loop.call_soon_threadsafe(question.settle)
            return
        call = self.calls.get(frame.id)
        if frame.kind == frames.CANCEL and call is not None:
            call.cancel()
        self._inlet.queue.append(frame)
        if self._loop is None or self._draining:
            return
        if threading.get_ident() != self._main:
            self._loop.call_soon_threadsafe(self._drain)
        else:  # it reads in the middle of sync code that asks the host something
            self._loop.call_soon(self._drain)

    # -- acting -------------------------------------------------------------------

    def _drain(self) -> None:
        inbox = self._inlet.queue
        while inbox:
            self._act(inbox.popleft())

    def _act(self, frame: Frame) -> None:
        kind = frame.kind
        if kind == _REQUEST:
            self._begin(frame)
        elif kind == frames.CANCEL:
            self._cancel(frame.id)
        elif kind == frames.MORE:
            self._yields.go_on(frame)

    def _begin(self, frame: Frame) -> None:
        call = CallSide(self, frame.id)
        self.calls[frame.id] = call
        try:
            verb, body = decode(frame.text, frame.blob)
            if frame.blob:
                spare(frame)
            context = copy_context()
            value = context.run(self._run, call, verb, body)
        except BaseException as error:
            self.failed(call, error)
            return
        if type(value) in _DATA:
            self._send_result(call, value)
        elif hasattr(value, "__await__"):
            self._start(call, self._finish(call, value), context)
        else:
            self._reply(call, value)

    def _run(self, call: CallSide, verb: str, body: Any) -> Any:
        CALL.set(call.id)
        loops = self._loops
        if loops is None:
            return self._handle(verb, body, call)
        # To sync code no loop is running, so that it may run one of its own.
        running = loops.running_loop()
        loops.set_running_loop(None)
        try:
            return self._handle(verb, body, call)
        finally:
            loops.set_running_loop(running)

    def _start(self, call: CallSide, coroutine: Any, context: Context) -> None:
        loop = self._loop
        if loop is None:
            from . import loops

            self._loops = loops
            loop = self._loop = loops.listening(self._fd, self._readable)
            self._inlet.blocks = False
            os.set_blocking(self._fd, False)
        if self._loops.running_loop() is loop:
            call.task = self._loops.begun(loop, coroutine, context)
        else:
            call.task = loop.create_task(coroutine, context=context)

    async def _finish(self, call: CallSide, pending: Any) -> None:
        try:
            value = await pending
        except BaseException as error:
            self.failed(call, error)
            return
        self._reply(call, value)

    def _reply(self, call: CallSide, value: Any) -> None:
        if type(value) in _DATA:
            self._send_result(call, value)
        elif hasattr(value, "__anext__"):
            self.send(frames.STREAMING, call.id, b"")
            context = copy_context()
            context.run(CALL.set, call.id)
            self._start(call, self._yields.stream(call, value), context)
        elif hasattr(value, "__next__"):
            self.send(frames.STREAMING, call.id, b"")
            call.source = value
            self._yields.advance(call)
        else:
            self._send_result(call, value)

    def _send_result(self, call: CallSide, value: Any) -> None:
        try:
            text, blob = encode(value)
            if blob or len(text) > self.reply:
                self.bounded(text, blob)
        except BaseException as error:
            self.failed(call, error)
            return
        self.calls.pop(call.id, None)
        self.send(frames.RESULT, call.id, text, blob)

    def failed(self, call: CallSide, error: BaseException) -> None:
        """Answer a call with an error."""
        from ..errors import CallCancelledError, InvalidOutputError

        # By its name: to import asyncio costs more than starting this process.
        if type(error).__name__ == "CancelledError" and call._cancelled:
            error = CallCancelledError("the call was cancelled")
        elif isinstance(error, Unsendable):
            error = InvalidOutputError("what came back cannot be sent", cause=str(error))
        self.calls.pop(call.id, None)
        self.send(frames.ERROR, call.id, *encode(failure_to(error)))

    def bounded(self, text: bytes, blob: list[Blob]) -> int:
        """Return how long an answer is.

        :raises LimitError: when it is longer than it may be.
        """
        size = len(text) + sum(map(len, blob)) if blob else len(text)
        if size > self.reply:
            from ..errors import LimitError

            raise LimitError(
                f"an answer of {size / _MIB:.1f} MiB is too long",
                limit="max_reply_mb",
                allowed=self.reply / _MIB,
            )
        return size

    def _cancel(self, id: int) -> None:
        call = self.calls.get(id)
        if call is None:
            return
        call.cancel()
        if call.task is not None:
            call.task.cancel()
        elif call.source is not None:
            try:
                call.source.close()
            except BaseException as error:
                self.failed(call, error)
            else:
                self._yields.ended(call)

    # -- asking the host ----------------------------------------------------------------

    def ask(self, call: int, name: str, operation: str, args: Any, kwargs: Any) -> Any:
        """Ask the host, and wait for its answer."""
        question = self._put(call, name, operation, args, kwargs, None, None)
        self._inlet.pump(lambda: question.answer is not None)
        return _answered(question)

    async def aask(self, call: int, name: str, operation: str, args: Any, kwargs: Any) -> Any:
        """Ask the host, and await its answer."""
        import asyncio

        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # one of the plugin's own, beside which nobody may be reading
            return await asyncio.to_thread(self.ask, call, name, operation, args, kwargs)
        future = loop.create_future()
        question = self._put(call, name, operation, args, kwargs, loop, future)
        await future
        return _answered(question)

    def _put(
        self, call: int, name: str, operation: str, args: Any, kwargs: Any, loop: Any, future: Any
    ) -> _Question:
        text, blob = encode([name, operation, list(args), dict(kwargs), self._asker(call)])
        self.bounded(text, blob)
        question = _Question(loop, future)
        with self._inlet.turn:
            self._last = number = self._last % 0xFFFFFFFF + 1
            self._questions[number] = question
        self.send(frames.ASK, number, text, blob)
        return question

    def _asker(self, call: int) -> int:
        """Return the call that a question belongs to; 0 = none that is still under way."""
        now = CALL.get()
        if now in self.calls:
            return now
        return call if call in self.calls else 0

    def event(self, name: str, detail: Mapping[str, Any]) -> None:
        """Tell the host something that belongs to no call; from any thread."""
        self.send(frames.EVENT, 0, *encode([name, dict(detail)]))

    # -- the loop ----------------------------------------------------------------------

    def _serve_in_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_soon(self._drain)
        while True:
            try:
                loop.run_forever()
            except BaseException as error:  # SystemExit out of a task ends a loop, not a worker
                self.event("loop", {"error": type(error).__name__})

    def _readable(self) -> None:
        self._draining = True
        try:
            frame = self._inlet.alone(False)
        finally:
            self._draining = False
        if frame is not None:
            self._begin(frame)
        elif self._inlet.queue:
            self._drain()


def _answered(question: _Question) -> Any:
    frame = question.answer
    assert frame is not None
    value = decode(frame.text, frame.blob)
    if frame.kind == frames.REFUSAL:
        raise failure_from(value)
    return value


def _unready(*_: Any) -> Any:
    raise RuntimeError("the worker serves nobody yet")
