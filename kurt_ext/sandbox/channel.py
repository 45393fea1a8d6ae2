"""The host's end of a worker's channel: calls out, answers in, nothing believed.

Whoever calls reads: each event loop that calls has a seat, which is a
descriptor of its own for the one socket, and whichever loop is awake takes
what has come, for itself and for the others. So no loop waits for another one,
be it blocked, stopped or closed, and one alone pays for no thread.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextvars import Context, copy_context
from inspect import isawaitable
from typing import Any, TypeAlias

from ..errors import (
    CallTimeoutError,
    InvalidInputError,
    IsolationError,
    KurtError,
    LimitError,
    WorkerCrashedError,
    WorkerError,
)
from . import frames
from .frames import HEADER, Bounds, Frame, Incoming, Malformed, spare
from .keeper import Keeper, Timer
from .limits import DEFAULTS, LIMITS, SECONDS
from .payloads import (
    Blob,
    RemoteError,
    Unsendable,
    cleaned,
    decode,
    encode,
    failure_from,
    failure_to,
)
from .waiters import Waiter

__all__ = ["GRACE", "Channel", "Stream", "reached"]

#: ``answer(name, operation, args, kwargs)``: a value, or an awaitable of one.
Answer: TypeAlias = Callable[[str, str, list[Any], dict[str, Any]], Any]
#: ``event(name, detail)``: told of what a worker says or does beside its answers.
Event: TypeAlias = Callable[[str, Mapping[str, Any]], object]

#: Seconds that a call which was given up has to end before its worker is killed.
GRACE = 1.0
_MIB = 1 << 20
_MAX_ASKS = 256  # questions of one worker that the host works on
_MAX_POSTED = 1024  # frames that wait for a loop which does something else
_STREAK = 8  # calls in a row that may be answered without a turn of the loop
_NEVER = float("inf")
_RESULT = frames.RESULT
_STARTING = 0  # the id of the call that is the start


def _bounds(reply: int) -> Bounds:
    small = (_MIB // 4, _MIB // 4)
    return Bounds(
        {
            frames.READY: (_MIB // 4, 0),
            frames.UNCONFINED: (1 << 16, 0),
            frames.RESULT: (reply, reply),
            frames.ERROR: (_MIB // 4, 1 << 16),
            frames.PROGRESS: small,
            frames.STREAMING: (0, 0),
            frames.ITEM: (reply, reply),
            frames.END: (0, 0),
            frames.ASK: (reply, reply),
            frames.EVENT: (1 << 16, 0),
        }
    )


def reached(
    name: str, key: str, limits: Mapping[str, float], said: str, event: Event | None
) -> LimitError:
    """Return the error for a limit that somebody came to, and tell of it.

    :param key: the limit's, in ``sandbox_config_override``.
    :param limits: those of the policy.
    :param said: what happened.
    """
    allowed = next(limits[limit.short] for limit in LIMITS if limit.key == key)
    if event is not None:
        event("limit", {"limit": key, "allowed": allowed})
    return LimitError(
        f"{name} came to the end of what it may use",
        cause=f"{said}; its {key} is {allowed:g}",
        hint=f"kurt config set plugin.{name}.sandbox_config_override.{key} NUMBER",
        limit=key,
        allowed=allowed,
        skill=name,
    )


class _Call(Waiter):
    """One call under way, and who waits for it on which loop."""

    # Not set in each: most calls need none of them.
    id = _STARTING
    context: Context | None = None
    timeout: float | None = None
    grace: Timer | None = None
    given_up = False
    posted = 0
    stream: _Flow | None = None
    due = 0.0

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        on_progress: Callable[[Any], object] | None,
        settled: Callable[[], object] | None,
    ) -> None:
        super().__init__(loop)
        self.on_progress = on_progress
        self.settled = settled

    def over(self) -> None:
        """Tell whoever wants to know that nothing of it runs any more."""
        if self.grace is not None:
            self.grace.cancel()
        settled = self.settled
        if settled is not None:
            self.settled = None
            settled()

    def fail(self, error: BaseException) -> None:
        """Raise an error to who waits; on its own loop."""
        if not self.done():
            self.refuse(error)
        elif self.stream is not None:
            self.stream.end(error)


class _Seat:
    """A loop's own descriptor of the socket."""

    __slots__ = ("due", "is_writing", "loop", "socket", "streak", "timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
        self.loop = loop
        self.socket = sock.dup()
        self.is_writing = False
        self.streak = 0  # calls that were answered before anybody else had a turn
        # One timer for all calls of the loop: one for each would cost a tenth of a call.
        self.due = _NEVER
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


class Channel:
    """Calls to one worker, from any thread and any event loop.

    :param sock: a stream socket to it; the channel's from now on.
    :param limits: those of its policy; ``reply_mb`` and ``seconds`` are kept here.
    :param answer: serves its questions.
    :param event: told of what it says beside: ``event(name, detail)``.
    :param lost: called once, from any thread, when the worker is of no use any more: with
        None when it has closed its end, else with the reason for which it must be killed.
    :param name: whose worker it is, for messages.
    """

    def __init__(
        self,
        sock: socket.socket,
        *,
        limits: Mapping[str, float] | None = None,
        answer: Answer | None = None,
        event: Event | None = None,
        lost: Callable[[str | None], object] | None = None,
        name: str = "",
        grace: float = GRACE,
    ) -> None:
        limits = {**DEFAULTS, **(limits or {})}
        self._socket = sock
        sock.setblocking(False)
        self.name = name
        self._limits = limits
        self._seconds = limits["seconds"]
        self._answer = answer
        self._event = event
        self._lost = lost
        self._grace = grace
        self._lock = threading.RLock()
        self._incoming = Incoming(_bounds(int(limits["reply_mb"] * _MIB)))
        self._outgoing: deque[Any] = deque()
        self._calls: dict[int, _Call] = {}
        self._asks: dict[int, asyncio.Task[None] | None] = {}
        self._last = 0
        self._seats: dict[asyncio.AbstractEventLoop, _Seat] = {}
        self._is_open = True

    @property
    def is_open(self) -> bool:
        """Whether it can be asked."""
        return self._is_open

    @property
    def pending(self) -> int:
        """How many calls are under way, those that were given up among them."""
        return len(self._calls)

    # -- calling --------------------------------------------------------------------

    async def request(
        self,
        verb: str,
        body: Any = None,
        *,
        timeout: float | None = None,
        on_progress: Callable[[Any], object] | None = None,
        settled: Callable[[], object] | None = None,
    ) -> Any:
        """Ask the worker for something, and return what it answers.

        :param timeout: seconds; the policy's ``seconds`` hold besides.
        :param settled: called once, from any thread, when nothing of the call runs any more,
            which may be after it was given up.
        :returns: a value, or a :class:`Stream` where the handler gave a generator.
        :raises CallTimeoutError: when it did not answer within the timeout.
        :raises LimitError: when it did not within the policy's time, or answered too long.
        :raises WorkerError: when it ended, or spoke nonsense.
        :raises KurtError: as it was raised there.
        :raises RemoteError: of any other exception there.
        """
        call = self._begin(frames.REQUEST, [verb, body], timeout, on_progress, settled)
        try:
            value = await call
        except asyncio.CancelledError:
            self._give_up(call)
            raise
        # Made here: the call must not hold what tells by its end that nobody reads.
        return Stream(value) if type(value) is _Flow else value

    async def stream(
        self, verb: str, body: Any = None, *, timeout: float | None = None
    ) -> AsyncIterator[Any]:
        """Yield what a generator in the worker yields; what is no generator is one item.

        :raises: as :meth:`request`.
        """
        value = await self.request(verb, body, timeout=timeout)
        if not isinstance(value, Stream):
            yield value
            return
        try:
            async for item in value:
                yield item
        finally:
            await value.aclose()

    async def start(self, told: Mapping[str, Any], timeout: float) -> dict[str, Any]:
        """Tell the worker its policy, and return what it reports once it is confined.

        :raises IsolationError: when it could not be.
        :raises WorkerError: when it did not start.
        """
        call = self._begin(frames.POLICY, told, timeout, None, None)
        try:
            report: dict[str, Any] = await call
            return report
        except asyncio.CancelledError:
            self._give_up(call)
            raise

    def _begin(
        self,
        kind: int,
        body: Any,
        timeout: float | None,
        on_progress: Callable[[Any], object] | None,
        settled: Callable[[], object] | None,
    ) -> _Call:
        loop = asyncio.get_running_loop()
        call = _Call(loop, on_progress, settled)
        try:
            text, blob = encode(body)
        except Unsendable as error:
            call.over()
            raise InvalidInputError("the arguments cannot be sent", cause=str(error)) from None
        if self._answer is not None:
            call.context = copy_context()
        with self._lock:
            if not self._is_open:
                call.over()
                raise WorkerCrashedError(f"the worker of {self.name} has ended", skill=self.name)
            if kind == frames.REQUEST:
                self._last = call.id = self._last % 0xFFFFFFFF + 1
            self._calls[call.id] = call
            seat = self._seats.get(loop) or self._sit(loop)
            self._send(seat, kind, call.id, text, blob)
        limit = self._seconds
        if timeout is not None and timeout <= limit:
            limit = call.timeout = timeout
        call.due = loop.time() + limit
        if call.due < seat.due:
            self._set_timer(seat, call.due)
        if kind == frames.REQUEST and len(self._calls) == 1:
            self._look_at_once(seat, call)
        return call

    def _look_at_once(self, seat: _Seat, call: _Call) -> None:
        """Read what may have come already, as `loop.sock_recv` does; not always, or nobody else
        on the loop would have a turn."""
        seat.streak += 1
        if seat.streak > _STREAK:
            seat.streak = 0
            return
        try:
            self._readable(seat, within=True)
        except Exception as error:  # whoever is told of events has raised it, and not this call
            said = {"message": "what a worker said was not heard", "exception": error}
            seat.loop.call_exception_handler(said)
        if not call.done():
            seat.streak = 0

    def _sit(self, loop: asyncio.AbstractEventLoop) -> _Seat:
        for other, seat in list(self._seats.items()):
            if other.is_closed():
                del self._seats[other]
                seat.leave()
        seat = self._seats[loop] = _Seat(loop, self._socket)
        loop.add_reader(seat.socket, self._readable, seat)
        return seat

    def _set_timer(self, seat: _Seat, due: float) -> None:
        if seat.timer is not None:
            seat.timer.cancel()
        seat.due = due
        seat.timer = seat.loop.call_at(due, self._look, seat)

    def _look(self, seat: _Seat) -> None:
        """End the calls of a loop whose time is over."""
        seat.timer, seat.due = None, _NEVER
        now = seat.loop.time()
        with self._lock:
            calls = [c for c in self._calls.values() if c.loop is seat.loop]
        due = _NEVER
        for call in calls:
            if call.done():
                continue
            if call.due <= now:
                call.refuse(self._too_late(call))
                self._give_up(call)
            else:
                due = min(due, call.due)
        if due < _NEVER and self._is_open:
            self._set_timer(seat, due)

    def _too_late(self, call: _Call) -> KurtError:
        if call.timeout is None:
            return self.reached(SECONDS, "the call took longer")
        return CallTimeoutError(
            f"{self.name} did not answer within {call.timeout:g} s", skill=self.name
        )

    def _give_up(self, call: _Call) -> None:
        """Tell the worker to stop; kill it where it does not."""
        with self._lock:
            if call.given_up or self._calls.get(call.id) is not call:
                return
            call.given_up = True
            call.grace = Keeper.shared().later(self._grace, lambda: self._overdue(call))
            seat = self._seats.get(call.loop)
            if seat is not None and self._is_open and call.id != _STARTING:
                self._send(seat, frames.CANCEL, call.id, b"")

    def _overdue(self, call: _Call) -> None:
        if self._calls.get(call.id) is call:
            self._break("a call did not end when it was told to")

    def reached(self, key: str, said: str) -> LimitError:
        """Return the error for a limit of the policy, and tell of it."""
        return reached(self.name, key, self._limits, said, self._event)

    # -- writing ------------------------------------------------------------------------

    def _send(
        self, seat: _Seat, kind: int, id: int, text: bytes, blob: list[Blob] | None = None
    ) -> None:
        """Write a frame, or what fits of it; with the lock held, on the seat's loop."""
        outgoing = self._outgoing
        if not blob:
            data: Any = HEADER.pack(kind, id, len(text), 0) + text
            if not outgoing:
                try:
                    sent = self._socket.send(data)
                except BlockingIOError:
                    sent = 0
                except OSError:
                    return  # the end is read, and told to everybody, where it is read
                if sent == len(data):
                    return
                data = memoryview(data)[sent:]
            outgoing.append(data)
        else:
            outgoing.append(HEADER.pack(kind, id, len(text), sum(map(len, blob))) + text)
            outgoing.extend(memoryview(piece) for piece in blob if len(piece))
        self._flush(seat)

    def _flush(self, seat: _Seat) -> None:
        with self._lock:
            outgoing = self._outgoing
            try:
                while outgoing:
                    pieces = [outgoing[n] for n in range(min(len(outgoing), 64))]
                    sent = self._socket.sendmsg(pieces)
                    while outgoing and sent >= len(outgoing[0]):
                        sent -= len(outgoing.popleft())
                    if sent:
                        outgoing[0] = memoryview(outgoing[0])[sent:]
            except BlockingIOError:
                pass
            except OSError:
                outgoing.clear()
            if bool(outgoing) != seat.is_writing and seat.socket.fileno() >= 0:
                seat.is_writing = bool(outgoing)
                if outgoing:
                    seat.loop.add_writer(seat.socket, self._flush, seat)
                else:
                    seat.loop.remove_writer(seat.socket)

    # -- reading ---------------------------------------------------------------------------

    def _readable(self, seat: _Seat, within: bool = False) -> None:
        loop = seat.loop
        now: list[tuple[_Call | None, Frame]] = []
        try:
            with self._lock:
                if not self._is_open:
                    return
                found = self._incoming.receive(self._socket.recv_into)
                if found is not None:
                    # Nearly all that comes is one answer to a call of this loop.
                    call = self._calls.get(found[0].id) if len(found) == 1 else None
                    if call is not None and self._is_plain(found[0], call, loop):
                        del self._calls[call.id]
                        now.append((call, found[0]))
                    else:
                        for frame in found:
                            self._sort(frame, loop, now)
            if found is None:
                self._end(None)
            at_once = len(now) == 1 and not within
            for call, frame in now:
                self._deliver(call, frame, loop, at_once)
        except BlockingIOError:
            return
        except Malformed as error:
            self._undelivered(now)
            self._break(str(error))
        except OSError:
            self._end(None)

    @staticmethod
    def _is_plain(frame: Frame, call: _Call, loop: asyncio.AbstractEventLoop) -> bool:
        """Return whether a frame is the answer to a call of this loop, and nothing besides."""
        if frame.kind != _RESULT or call.loop is not loop:
            return False
        if call.posted or call.stream is not None or not call.id:
            return False
        if call.settled is not None or call.grace is not None:
            call.over()
        return True

    def _undelivered(self, taken: list[tuple[_Call | None, Frame]]) -> None:
        """Take back the calls whose answers were taken and cannot be given, so that they fail."""
        with self._lock:
            for call, _ in taken:
                if call is not None and not call.done():
                    self._calls.setdefault(call.id, call)

    def _sort(
        self,
        frame: Frame,
        loop: asyncio.AbstractEventLoop | None,
        now: list[tuple[_Call | None, Frame]],
    ) -> None:
        """Find out whom a frame is for. Those for another loop are handed over in their order."""
        kind, id = frame.kind, frame.id
        if kind in (frames.ASK, frames.EVENT):
            now.append((None, frame))
            return
        call = self._calls.get(id)
        if call is None:
            raise Malformed("an answer came to a call that nobody has made")
        if (id == _STARTING) != (kind in (frames.READY, frames.UNCONFINED)) and not (
            id == _STARTING and kind == frames.ERROR
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

    def _note_stream(self, call: _Call, frame: Frame) -> None:
        if frame.kind == frames.STREAMING:
            if call.stream is not None:
                raise Malformed("one call was answered by two streams")
            call.stream = _Flow(self, call)
        elif call.stream is None:
            raise Malformed("an item came of no stream")
        elif frame.kind == frames.ITEM:
            call.stream.note(len(frame.text) + len(frame.blob))

    def _posted(self, call: _Call, frame: Frame) -> None:
        call.posted -= 1
        try:
            self._deliver(call, frame, call.loop)
        except Malformed as error:
            self._undelivered([(call, frame)])
            self._break(str(error))

    def _deliver(
        self,
        call: _Call | None,
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
            self._asked(frame, loop)
        elif kind == frames.EVENT:
            self._told(decode(frame.text))
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
                f"{self.name} cannot be isolated here",
                missing=[said],
                cause=said,
                hint="kurt sandbox status",
                skill=self.name,
            )
        error = failure_from(value)
        if isinstance(error, RemoteError) and error.type == "MemoryError":
            made = self.reached("max_memory_mb", "it raised MemoryError")
            made.__cause__ = error
            return made
        return error

    def _progressed(self, call: _Call, value: Any) -> None:
        if call.on_progress is None or call.done():
            return
        try:
            call.on_progress(value)
        except Exception as error:  # it ends the call
            if not call.done():
                call.refuse(error)
            self._give_up(call)

    def _told(self, value: Any) -> None:
        if not (isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)):
            raise Malformed("an event came that says nothing")
        name, detail = value
        if not isinstance(detail, dict):
            raise Malformed("an event came without detail")
        if self._event is not None:
            self._event(name[:100], detail)

    # -- questions ---------------------------------------------------------------------------

    def _asked(self, frame: Frame, loop: asyncio.AbstractEventLoop) -> None:
        value = decode(frame.text, frame.blob)
        forms = (str, str, list, dict, int)
        if not isinstance(value, list) or [type(part) for part in value] != list(forms):
            raise Malformed("a question came that asks nothing")
        name, operation, args, kwargs, asker = value
        with self._lock:
            if frame.id in self._asks or len(self._asks) >= _MAX_ASKS:
                raise Malformed("more questions came than one may ask at a time")
            self._asks[frame.id] = None
            call = self._calls.get(asker)
        at = loop if call is None or call.loop.is_closed() else call.loop
        serving = self._serve(frame.id, name, operation, args, kwargs)
        context = call.context if call is not None else None

        def begin() -> None:
            self._asks[frame.id] = at.create_task(serving, context=context)

        if at is loop:
            begin()
        else:
            at.call_soon_threadsafe(begin)

    async def _serve(
        self, id: int, name: str, operation: str, args: list[Any], kwargs: dict[str, Any]
    ) -> None:
        kind = frames.ANSWER
        blob: list[Blob] = []
        try:
            if self._answer is None:
                raise WorkerError(f"{self.name} asks for {name}, and nothing is lent to it")
            value = self._answer(name, operation, args, kwargs)
            if isawaitable(value):
                value = await value
            text, blob = encode(value)
        except Exception as error:
            kind = frames.REFUSAL
            text, blob = encode({**failure_to(error), "traceback": ""})
        finally:
            self._asks.pop(id, None)
        loop = asyncio.get_running_loop()
        with self._lock:
            if self._is_open:
                self._send(self._seats.get(loop) or self._sit(loop), kind, id, text, blob)

    # -- ending ---------------------------------------------------------------------------------

    def _break(self, reason: str) -> None:
        """End it because of what the worker did; that one is killed."""
        if not self._end(reason):
            return
        if self._event is not None:
            self._event("broken", {"reason": reason})
        self.fail(lambda: WorkerError(f"the worker of {self.name} was ended", cause=reason))

    def _end(self, reason: str | None) -> bool:
        with self._lock:
            if not self._is_open:
                return False
            self._is_open = False
            self._outgoing.clear()
            seats, self._seats = list(self._seats.values()), {}
        if self._lost is not None:
            self._lost(reason)  # before the worker sees the end, and ends by itself
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._socket.close()
        for seat in seats:
            seat.leave()
        return True

    def drain(self) -> None:
        """Take what a worker that has ended had still written; from any thread."""
        left: list[tuple[_Call | None, Frame]] = []
        try:
            while self._is_open:
                with self._lock:
                    found = (
                        self._incoming.receive(self._socket.recv_into) if self._is_open else None
                    )
                    if found is None:
                        break
                    for frame in found:
                        self._sort(frame, None, left)
            for _, frame in left:
                if frame.kind == frames.EVENT:
                    self._told(decode(frame.text))
        except (OSError, Malformed):
            return  # a child of it holds the other end, or it lied: it is dead already

    def close(self) -> None:
        """Hang up. Who still waits is told by :meth:`fail`."""
        self._end(None)

    def forget(self) -> None:
        """Close what a fork of this process has of it."""
        self._lock = threading.RLock()
        self._is_open = False
        for seat in self._seats.values():
            seat.socket.close()
        self._socket.close()

    def fail(self, error: Callable[[], BaseException]) -> None:
        """Raise an error to everybody who waits; from any thread."""
        with self._lock:
            calls, self._calls = list(self._calls.values()), {}
            asks, self._asks = [task for task in self._asks.values() if task], {}
        for call in calls:
            try:
                call.loop.call_soon_threadsafe(call.fail, error())
            except RuntimeError:
                pass
            call.over()
        for task in asks:
            try:
                task.get_loop().call_soon_threadsafe(task.cancel)
            except RuntimeError:
                continue

    def _make_room(self, call: _Call, count: int) -> None:
        """Tell the worker that there is room for more of a stream."""
        with self._lock:
            seat = self._seats.get(call.loop)
            if seat is not None and self._calls.get(call.id) is call:
                self._send(seat, frames.MORE, call.id, str(count).encode())


class _Flow:
    """The items of one stream between their arrival and their reader."""

    def __init__(self, channel: Channel, call: _Call) -> None:
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
            self.channel._break(str(error))
            raise WorkerError(
                f"the worker of {self.channel.name} was ended",
                cause=str(error),
                skill=self.channel.name,
            ) from None

    def _make_room(self, size: int) -> None:
        with self.channel._lock:
            self._count -= 1
            self._size -= size
        self._untold += 1
        if not self._items or self._untold >= frames.WINDOW_ITEMS // 2:
            self.channel._make_room(self.call, self._untold)
            self._untold = 0

    async def _wait(self) -> None:
        loop = self.call.loop
        self._waiter = loop.create_future()
        timer = loop.call_later(self.channel._seconds, self._late)
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
        channel._give_up(self.call)

    def stop(self) -> None:
        """Want no more of it."""
        if not self.ended:
            self.channel._give_up(self.call)
            self.end(None)
        self._items.clear()


class Stream:
    """What a generator in a worker yields, as it comes; it goes no further than it is read.

    To be read on the loop that asked for it.
    """

    def __init__(self, flow: _Flow) -> None:
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
                flow.channel._give_up(flow.call)
