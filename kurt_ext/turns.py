"""Take turns: one at a time, in the order of asking, across threads and event loops.

A hook that asks for its own plugin's turn, and two hooks that wait for each
other's, would wait for ever: both are told so instead.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextvars import ContextVar, Token
from types import TracebackType
from typing import TypeVar

from .errors import TransitionError
from .portal import waits_for_us

__all__ = ["Turn"]

T = TypeVar("T")


#: Of all turns: whether somebody would wait for itself is a question about several.
_LOCK = threading.Lock()


class _Holder:
    """One who has a turn; ``waiting`` are the turns that it, and what runs inside, asks for."""

    __slots__ = ("done", "loop", "outer", "turn", "waiting")

    def __init__(self, turn: Turn, outer: _Holder | None) -> None:
        self.turn = turn
        self.loop = asyncio._get_running_loop()
        self.outer = outer
        self.done = False
        self.waiting: list[Turn] = []


class _Asking(Future[None]):
    """One who waits in a queue, and the loop that it waits in."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio._get_running_loop()


#: The innermost turn that this context has; tasks that were started in it inherit
#: it, and see by ``done`` that it is over.
_HOLDING: ContextVar[_Holder | None] = ContextVar("kurt_ext_turn", default=None)


class Turn:
    """A lock that may be waited for in any loop; ``async with turn:``.

    :param name: whose it is, for the error.
    :raises TransitionError: when the one who asks would wait for itself.
    """

    __slots__ = ("_holder", "_queue", "_tokens", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self._queue: deque[_Asking] = deque()
        self._holder: _Holder | None = None
        self._tokens: Token[_Holder | None] | None = None

    @property
    def is_taken(self) -> bool:
        """Whether somebody has the turn."""
        return self._holder is not None

    async def join(self, work: asyncio.Future[T]) -> T:
        """Return what somebody else's work under this turn gives.

        A waiter that is cancelled does not cancel the work.

        :raises TransitionError: when the work waits for the one who asks.
        """
        outer = _living(_HOLDING.get())
        with _LOCK:
            self._mark(outer)
        try:
            return await asyncio.shield(work)
        finally:
            self._unmark(outer)

    async def __aenter__(self) -> Turn:
        outer = _living(_HOLDING.get())
        mine = _Holder(self, outer)
        future: _Asking | None = None
        with _LOCK:
            if self._holder is None:
                self._holder = mine
            else:
                self._mark(outer)
                future = _Asking()
                self._queue.append(future)
        if future is not None:
            await self._wait(future, outer)
            self._holder = mine
        self._tokens = _HOLDING.set(mine)
        return self

    async def _wait(self, future: _Asking, outer: _Holder | None) -> None:
        try:
            await asyncio.wrap_future(future)
        except BaseException:
            with _LOCK:
                if future in self._queue:
                    self._queue.remove(future)
                    raise
            if future.cancelled():  # passed over
                raise
            # It became ours in the moment of being cancelled: the next one's.
            self._pass_on()
            raise
        finally:
            self._unmark(outer)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        holder, token, self._tokens = self._holder, self._tokens, None
        if holder is not None:
            holder.done = True
        if token is not None:
            _HOLDING.reset(token)
        self._pass_on()

    def _pass_on(self) -> None:
        with _LOCK:
            while self._queue:
                future = self._queue.popleft()
                # The place stays taken while the next one wakes up.
                if future.set_running_or_notify_cancel():
                    self._holder = _Holder(self, None)
                    self._holder.loop = future.loop
                    future.set_result(None)
                    return
            self._holder = None

    def _mark(self, outer: _Holder | None) -> None:
        """Note that ``outer``, and whatever it runs inside of, waits for this turn."""
        mine = {holder.turn: holder for holder in _chain(outer)}
        seen, queue = set[Turn](), [self]
        for turn in queue:  # grows while it is read
            if turn in mine:
                raise TransitionError(
                    f"{self.name} is asked for something by a hook that it waits for itself",
                    cause=f"the hook runs while {turn.name} is being changed",
                    hint="do it after the hook has returned, in a task for example",
                    skill=self.name,
                )
            before_us = [asking.loop for asking in turn._queue.copy()]
            before_us += [turn._holder.loop] if turn._holder is not None else []
            if any(map(waits_for_us, before_us)):
                raise TransitionError(
                    f"{turn.name} is being changed on the event loop that waits for this call",
                    cause="the loop goes on when the call has ended, and the call when it goes on",
                    hint="use the async face there: await skills.arun(…)",
                    skill=turn.name,
                )
            if turn not in seen and turn._holder is not None:
                queue += turn._holder.waiting
            seen.add(turn)
        for holder in mine.values():
            holder.waiting.append(self)

    def _unmark(self, outer: _Holder | None) -> None:
        with _LOCK:
            while outer is not None:
                if self in outer.waiting:
                    outer.waiting.remove(self)
                outer = outer.outer


def _chain(holder: _Holder | None) -> Iterator[_Holder]:
    holder = _living(holder)
    while holder is not None:
        yield holder
        holder = _living(holder.outer)


def _living(holder: _Holder | None) -> _Holder | None:
    while holder is not None and holder.done:
        holder = holder.outer
    return holder
