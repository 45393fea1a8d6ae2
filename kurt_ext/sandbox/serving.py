"""Serve a host from inside a worker: read its frames, run the handler, answer.

One thread reads at a time, whichever needs to: the main one when it has nothing
else to do, any other that waits for an answer while the main one is in a
plugin's code. Sync handlers run in the main thread; async ones on one loop
there, which is made when the first of them comes and stays from then on.
"""

from __future__ import annotations

import os
import select
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextvars import Context, ContextVar, copy_context
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

from . import frames
from .frames import HEADER, Bounds, Frame, Incoming, Malformed, spare
from .payloads import Blob, Unsendable, decode, encode, failure_from, failure_to

if TYPE_CHECKING:
    import asyncio

__all__ = ["CallSide", "Serving"]

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
#: Of what is returned, what is neither awaited nor iterated over.
_DATA = frozenset((type(None), bool, int, float, str, bytes, list, dict))
_CALL: ContextVar[int] = ContextVar("kurt_ext_call", default=0)


class CallSide:
    """What a handler sees of the call that it serves.

    :param id: its number; those of a worker's life differ.
    """

    # Not set in each: most calls need none of them.
    _cancelled = False
    task: asyncio.Task[Any] | None = None
    # Of a stream: what gives its items, and how many bytes of them the host has not yet taken.
    source: Any = None
    unseen = 0
    room: asyncio.Event | None = None

    def __init__(self, serving: Serving, id: int) -> None:
        self.id = id
        self._serving = serving

    @cached_property
    def sizes(self) -> deque[int]:
        """The sizes of the items that the host has not yet taken."""
        return deque()

    @property
    def cancelled(self) -> bool:
        """Whether the host has given the call up."""
        if not self._cancelled:
            self._serving.peek()
        return self._cancelled

    def cancel(self) -> None:
        """Note that the host has given it up."""
        self._cancelled = True

    def progress(self, value: Any) -> None:
        """Tell the host how far it has come; from any thread.

        :raises CallCancelledError: when the host has given the call up.
        :raises Unsendable: when the value cannot be sent.
        """
        if self.cancelled:
            from ..errors import CallCancelledError

            raise CallCancelledError("the host has cancelled the call")
        self._serving.send(frames.PROGRESS, self.id, *encode(value))

    def ask(
        self, name: str, operation: str, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Ask the host for an operation of something that it lends, and wait; in any thread.

        :raises KurtError: as the host raised it.
        :raises RemoteError: when what the host asked raised something else.
        """
        return self._serving.ask(self.id, name, operation, args, kwargs or {})

    async def aask(
        self, name: str, operation: str, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Ask as :meth:`ask` does, without holding the loop up."""
        return await self._serving.aask(self.id, name, operation, args, kwargs or {})


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
        self._incoming = Incoming(_BOUNDS)
        poller = select.poll()
        poller.register(fd, select.POLLIN)
        self._poll = poller.poll
        self._turn = threading.Lock()
        self._news = threading.Condition(self._turn)
        self._waiting = 0
        self._reading = False
        self._draining = False
        self._writing = threading.Lock()
        self._inbox: deque[Frame] = deque()
        self._calls: dict[int, CallSide] = {}
        self._questions: dict[int, _Question] = {}
        self._last = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loops: Any = None  # the module, once there is a loop: to import it takes long
        self._main = threading.get_ident()
        self._handle: Callable[[str, Any, CallSide], Any] = _unready

    def serve(self, handle: Callable[[str, Any, CallSide], Any]) -> NoReturn:
        """Serve until the host goes away, and end the process then."""
        self._handle = handle
        while self._loop is None:
            frame = self._alone(True)
            if frame is not None:
                self._begin(frame)
            else:
                self._pump(self._inbox.__len__)
                self._act(self._inbox.popleft())
        self._serve_in_loop(self._loop)
        os._exit(0)

    def first(self) -> Frame:
        """Return the first frame."""
        self._pump(self._inbox.__len__)
        return self._inbox.popleft()

    # -- reading ------------------------------------------------------------------

    def _alone(self, wait: bool) -> Frame | None:
        """Read once, if nobody else does; return a lone request, and sort all that is not one."""
        turn = self._turn
        with turn:
            if self._reading or self._inbox:
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

    def _pump(self, done: Callable[[], Any]) -> None:
        """Read frames, or let another thread, until something is done."""
        with self._turn:
            while not done():
                if not self._reading:
                    self._read_once(True)
                    continue
                self._waiting += 1
                self._news.wait()
                self._waiting -= 1

    def peek(self) -> None:
        """Take what has already come, if nobody else does."""
        with self._turn:
            if not self._reading:
                self._read_once(False)

    def _read_once(self, wait: bool) -> None:
        """Read and sort what comes; called with the turn held, which is free meanwhile."""
        self._reading = True
        self._turn.release()
        found: list[Frame] = []
        try:
            found = self._received(wait)
        finally:
            self._turn.acquire()
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
            if (wait or self._loop is None) and not self._poll(None if wait else 0):
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

    def _sort(self, frame: Frame) -> None:
        if frame.kind in (frames.ANSWER, frames.REFUSAL):
            question = self._questions.pop(frame.id, None)
            if question is not None:
                question.answer = frame
                if question.loop is not None:
                    question.loop.call_soon_threadsafe(question.settle)
            return
        call = self._calls.get(frame.id)
        if frame.kind == frames.CANCEL and call is not None:
            call.cancel()
        self._inbox.append(frame)
        if self._loop is None or self._draining:
            return
        if threading.get_ident() != self._main:
            self._loop.call_soon_threadsafe(self._drain)
        else:  # it reads in the middle of sync code that asks the host something
            self._loop.call_soon(self._drain)

    def _read(self, buffer: memoryview) -> int:
        return os.readv(self._fd, (buffer,))

    # -- acting -------------------------------------------------------------------

    def _drain(self) -> None:
        inbox = self._inbox
        while inbox:
            self._act(inbox.popleft())

    def _act(self, frame: Frame) -> None:
        kind = frame.kind
        if kind == _REQUEST:
            self._begin(frame)
        elif kind == frames.CANCEL:
            self._cancel(frame.id)
        elif kind == frames.MORE:
            self._go_on(frame)

    def _begin(self, frame: Frame) -> None:
        call = CallSide(self, frame.id)
        self._calls[frame.id] = call
        try:
            verb, body = decode(frame.text, frame.blob)
            if frame.blob:
                spare(frame)
            context = copy_context()
            value = context.run(self._run, call, verb, body)
        except BaseException as error:
            self._failed(call, error)
            return
        if type(value) in _DATA:
            self._send_result(call, value)
        elif hasattr(value, "__await__"):
            self._start(call, self._finish(call, value), context)
        else:
            self._reply(call, value)

    def _run(self, call: CallSide, verb: str, body: Any) -> Any:
        _CALL.set(call.id)
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
            os.set_blocking(self._fd, False)
        if self._loops.running_loop() is loop:
            call.task = self._loops.begun(loop, coroutine, context)
        else:
            call.task = loop.create_task(coroutine, context=context)

    async def _finish(self, call: CallSide, pending: Any) -> None:
        try:
            value = await pending
        except BaseException as error:
            self._failed(call, error)
            return
        self._reply(call, value)

    def _reply(self, call: CallSide, value: Any) -> None:
        if type(value) in _DATA:
            self._send_result(call, value)
        elif hasattr(value, "__anext__"):
            self.send(frames.STREAMING, call.id, b"")
            context = copy_context()
            context.run(_CALL.set, call.id)
            self._start(call, self._stream(call, value), context)
        elif hasattr(value, "__next__"):
            self.send(frames.STREAMING, call.id, b"")
            call.source = value
            self._advance(call)
        else:
            self._send_result(call, value)

    def _send_result(self, call: CallSide, value: Any) -> None:
        try:
            text, blob = encode(value)
            if blob or len(text) > self.reply:
                self._bounded(text, blob)
        except BaseException as error:
            self._failed(call, error)
            return
        self._calls.pop(call.id, None)
        self.send(frames.RESULT, call.id, text, blob)

    def _failed(self, call: CallSide, error: BaseException) -> None:
        from ..errors import CallCancelledError, InvalidOutputError

        # By its name: to import asyncio costs more than starting this process.
        if type(error).__name__ == "CancelledError" and call._cancelled:
            error = CallCancelledError("the call was cancelled")
        elif isinstance(error, Unsendable):
            error = InvalidOutputError("what came back cannot be sent", cause=str(error))
        self._calls.pop(call.id, None)
        self.send(frames.ERROR, call.id, *encode(failure_to(error)))

    def _bounded(self, text: bytes, blob: list[Blob]) -> int:
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
        call = self._calls.get(id)
        if call is None:
            return
        call.cancel()
        if call.task is not None:
            call.task.cancel()
        elif call.source is not None:
            try:
                call.source.close()
            except BaseException as error:
                self._failed(call, error)
            else:
                self._ended(call)

    # -- streams --------------------------------------------------------------------

    def _go_on(self, frame: Frame) -> None:
        call = self._calls.get(frame.id)
        if call is None:
            return
        for _ in range(min(int(bytes(frame.text) or b"0"), len(call.sizes))):
            call.unseen -= call.sizes.popleft()
        if call.source is not None:
            self._advance(call)
        elif call.room is not None:
            call.room.set()

    def _has_room(self, call: CallSide) -> bool:
        return len(call.sizes) < frames.WINDOW_ITEMS and call.unseen < frames.WINDOW_BYTES

    def _advance(self, call: CallSide) -> None:
        """Send the next items of a sync generator, as many as the host has room for."""
        try:
            while self._has_room(call):
                try:
                    item = copy_context().run(self._next_of, call)
                except StopIteration:
                    self._ended(call)
                    return
                self._send_item(call, item)
        except BaseException as error:
            self._failed(call, error)

    def _next_of(self, call: CallSide) -> Any:
        _CALL.set(call.id)
        return next(call.source)

    async def _stream(self, call: CallSide, source: Any) -> None:
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
            self._failed(call, said)
        else:
            self._ended(call)

    def _send_item(self, call: CallSide, item: Any) -> None:
        text, blob = encode(item)
        size = self._bounded(text, blob)
        call.sizes.append(size)
        call.unseen += size
        self.send(frames.ITEM, call.id, text, blob)

    def _ended(self, call: CallSide) -> None:
        self._calls.pop(call.id, None)
        self.send(frames.END, call.id, b"")

    # -- asking the host ----------------------------------------------------------------

    def ask(self, call: int, name: str, operation: str, args: Any, kwargs: Any) -> Any:
        """Ask the host, and wait for its answer."""
        question = self._put(call, name, operation, args, kwargs, None, None)
        self._pump(lambda: question.answer is not None)
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
        self._bounded(text, blob)
        question = _Question(loop, future)
        with self._turn:
            self._last = number = self._last % 0xFFFFFFFF + 1
            self._questions[number] = question
        self.send(frames.ASK, number, text, blob)
        return question

    def _asker(self, call: int) -> int:
        """Return the call that a question belongs to; 0 = none that is still under way."""
        now = _CALL.get()
        if now in self._calls:
            return now
        return call if call in self._calls else 0

    # -- writing ----------------------------------------------------------------------

    def event(self, name: str, detail: Mapping[str, Any]) -> None:
        """Tell the host something that belongs to no call; from any thread."""
        self.send(frames.EVENT, 0, *encode([name, dict(detail)]))

    def send(self, kind: int, id: int, text: bytes, blob: list[Blob] | None = None) -> None:
        """Write one frame, whole; from any thread."""
        data = HEADER.pack(kind, id, len(text), sum(map(len, blob)) if blob else 0) + text
        with self._writing:
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
            frame = self._alone(False)
        finally:
            self._draining = False
        if frame is not None:
            self._begin(frame)
        elif self._inbox:
            self._drain()


def _left(pieces: list[Any], written: int) -> list[Any]:
    """Return what of the pieces is still to be written."""
    for number, piece in enumerate(pieces):
        if written < len(piece):
            return [memoryview(piece)[written:] if written else piece, *pieces[number + 1 :]]
        written -= len(piece)
    return []


def _answered(question: _Question) -> Any:
    frame = question.answer
    assert frame is not None
    value = decode(frame.text, frame.blob)
    if frame.kind == frames.REFUSAL:
        raise failure_from(value)
    return value


def _unready(*_: Any) -> Any:
    raise RuntimeError("the worker serves nobody yet")
