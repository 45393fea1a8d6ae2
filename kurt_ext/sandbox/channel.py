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
from collections.abc import AsyncIterator, Callable, Mapping
from contextvars import copy_context
from typing import Any

from ..errors import (
    CallTimeoutError,
    InvalidInputError,
    KurtError,
    LimitError,
    WorkerCrashedError,
    WorkerError,
)
from . import frames
from .breaches import Event, reached
from .deliveries import Deliveries
from .frames import Bounds, Frame, Incoming, Malformed
from .keeper import Keeper
from .limits import DEFAULTS, SECONDS
from .outbox import Outbox
from .payloads import (
    Blob,
    Unsendable,
    decode,
    encode,
)
from .questions import Answer, Questions
from .seats import NEVER, Seat
from .streams import Flow, Stream
from .waiters import STARTING, Call

__all__ = ["GRACE", "Channel", "Stream"]

#: Seconds that a call which was given up has to end before its worker is killed.
GRACE = 1.0
_MIB = 1 << 20
_STREAK = 8  # calls in a row that may be answered without a turn of the loop


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
        self.seconds = limits["seconds"]
        self._answer = answer
        self._event = event
        self._lost = lost
        self._grace = grace
        self.lock = threading.RLock()
        self._incoming = Incoming(_bounds(int(limits["reply_mb"] * _MIB)))
        self._outbox = Outbox(sock, self.lock)
        self._calls: dict[int, Call] = {}
        self._questions = Questions(self, answer)
        self._deliveries = Deliveries(self, self._calls, self._questions, event)
        self._last = 0
        self._seats: dict[asyncio.AbstractEventLoop, Seat] = {}
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
            self.give_up(call)
            raise
        # Made here: the call must not hold what tells by its end that nobody reads.
        return Stream(value) if type(value) is Flow else value

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
            self.give_up(call)
            raise

    def _begin(
        self,
        kind: int,
        body: Any,
        timeout: float | None,
        on_progress: Callable[[Any], object] | None,
        settled: Callable[[], object] | None,
    ) -> Call:
        loop = asyncio.get_running_loop()
        call = Call(loop, on_progress, settled)
        try:
            text, blob = encode(body)
        except Unsendable as error:
            call.over()
            raise InvalidInputError("the arguments cannot be sent", cause=str(error)) from None
        if self._answer is not None:
            call.context = copy_context()
        with self.lock:
            if not self._is_open:
                call.over()
                raise WorkerCrashedError(f"the worker of {self.name} has ended", skill=self.name)
            if kind == frames.REQUEST:
                self._last = call.id = self._last % 0xFFFFFFFF + 1
            self._calls[call.id] = call
            seat = self._seats.get(loop) or self._sit(loop)
            self._outbox.send(seat, kind, call.id, text, blob)
        limit = self.seconds if kind == frames.REQUEST else NEVER  # a start is no call of its code
        if timeout is not None and timeout <= limit:
            limit = call.timeout = timeout
        call.due = loop.time() + limit
        if call.due < seat.due:
            seat.wake(call.due, self._look)
        if kind == frames.REQUEST and len(self._calls) == 1:
            self._look_at_once(seat, call)
        return call

    def _look_at_once(self, seat: Seat, call: Call) -> None:
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

    def _sit(self, loop: asyncio.AbstractEventLoop) -> Seat:
        for other, seat in list(self._seats.items()):
            if other.is_closed():
                del self._seats[other]
                seat.leave()
        seat = self._seats[loop] = Seat(loop, self._socket)
        loop.add_reader(seat.socket, self._readable, seat)
        return seat

    def _look(self, seat: Seat) -> None:
        """End the calls of a loop whose time is over."""
        seat.timer, seat.due = None, NEVER
        now = seat.loop.time()
        with self.lock:
            calls = [c for c in self._calls.values() if c.loop is seat.loop]
        due = NEVER
        for call in calls:
            if call.done():
                continue
            if call.due <= now:
                call.refuse(self._too_late(call))
                self.give_up(call)
            else:
                due = min(due, call.due)
        if due < NEVER and self._is_open:
            seat.wake(due, self._look)

    def _too_late(self, call: Call) -> KurtError:
        if call.timeout is None:
            return self.reached(SECONDS, "the call took longer")
        return CallTimeoutError(
            f"{self.name} did not answer within {call.timeout:g} s", skill=self.name
        )

    def give_up(self, call: Call) -> None:
        """Tell the worker to stop; kill it where it does not."""
        with self.lock:
            if call.given_up or self._calls.get(call.id) is not call:
                return
            call.given_up = True
            call.grace = Keeper.shared().later(self._grace, lambda: self._overdue(call))
            seat = self._seats.get(call.loop)
            if seat is not None and self._is_open and call.id != STARTING:
                self._outbox.send(seat, frames.CANCEL, call.id, b"")

    def _overdue(self, call: Call) -> None:
        if self._calls.get(call.id) is call:
            self.break_off("a call did not end when it was told to")

    def reached(self, key: str, said: str) -> LimitError:
        """Return the error for a limit of the policy, and tell of it."""
        return reached(self.name, key, self._limits, said, self._event)

    def call(self, id: int) -> Call | None:
        """Return the call of a number that is under way; with the lock held."""
        return self._calls.get(id)

    def send(self, kind: int, id: int, text: bytes, blob: list[Blob] | None = None) -> None:
        """Write a frame, on the running loop; nothing where the worker has ended."""
        loop = asyncio.get_running_loop()
        with self.lock:
            if self._is_open:
                seat = self._seats.get(loop) or self._sit(loop)
                self._outbox.send(seat, kind, id, text, blob)

    # -- reading ---------------------------------------------------------------------------

    def _readable(self, seat: Seat, within: bool = False) -> None:
        loop = seat.loop
        now: list[tuple[Call | None, Frame]] = []
        try:
            with self.lock:
                if not self._is_open:
                    return
                found = self._incoming.receive(self._socket.recv_into)
                if found is not None:
                    # Nearly all that comes is one answer to a call of this loop.
                    call = self._calls.get(found[0].id) if len(found) == 1 else None
                    if call is not None and self._deliveries.is_plain(found[0], call, loop):
                        del self._calls[call.id]
                        now.append((call, found[0]))
                    else:
                        for frame in found:
                            self._deliveries.sort(frame, loop, now)
            if found is None:
                self._end(None)
            at_once = len(now) == 1 and not within
            for call, frame in now:
                self._deliveries.deliver(call, frame, loop, at_once)
        except BlockingIOError:
            return
        except Malformed as error:
            self._deliveries.take_back(now)
            self.break_off(str(error))
        except OSError:
            self._end(None)

    # -- ending ---------------------------------------------------------------------------------

    def break_off(self, reason: str) -> None:
        """End it because of what the worker did; that one is killed."""
        if self._end(reason) and self._event is not None:
            self._event("broken", {"reason": reason})

    def _end(self, reason: str | None) -> bool:
        with self.lock:
            if not self._is_open:
                return False
            self._is_open = False
            self._outbox.clear()
            seats, self._seats = list(self._seats.values()), {}
        if reason is not None:  # before it is dead: who hears of that first would not say why
            self.fail(lambda: WorkerError(f"the worker of {self.name} was ended", cause=reason))
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
        left: list[tuple[Call | None, Frame]] = []
        try:
            while self._is_open:
                with self.lock:
                    found = (
                        self._incoming.receive(self._socket.recv_into) if self._is_open else None
                    )
                    if found is None:
                        break
                    for frame in found:
                        self._deliveries.sort(frame, None, left)
            for _, frame in left:
                if frame.kind == frames.EVENT:
                    self._deliveries.told(decode(frame.text))
        except (OSError, Malformed):
            return  # a child of it holds the other end, or it lied: it is dead already

    def close(self) -> None:
        """Hang up. Who still waits is told by :meth:`fail`."""
        self._end(None)

    def forget(self) -> None:
        """Close what a fork of this process has of it."""
        self.lock = threading.RLock()
        self._is_open = False
        for seat in self._seats.values():
            seat.socket.close()
        self._socket.close()

    def fail(self, error: Callable[[], BaseException]) -> None:
        """Raise an error to everybody who waits; from any thread."""
        with self.lock:
            calls = list(self._calls.values())
            self._calls.clear()
        for call in calls:
            try:
                call.loop.call_soon_threadsafe(call.fail, error())
            except RuntimeError:
                pass
            call.over()
        self._questions.end()

    def make_room(self, call: Call, count: int) -> None:
        """Tell the worker that there is room for more of a stream."""
        with self.lock:
            seat = self._seats.get(call.loop)
            if seat is not None and self._calls.get(call.id) is call:
                self._outbox.send(seat, frames.MORE, call.id, str(count).encode())
