"""Take turns: one at a time, in the order of asking, across threads and event loops.

A hook that asks for its own plugin's turn, and two hooks that wait for each
other's, would wait for ever: both are told so instead.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from concurrent.futures import Future
from contextvars import ContextVar, Token
from types import TracebackType

from .errors import TransitionError

__all__ = ["Turn"]


class _Holder:
    """One who has a turn; ``waiting`` is the other turn it asks for meanwhile."""

    __slots__ = ("done", "outer", "turn", "waiting")

    def __init__(self, turn: Turn, outer: _Holder | None) -> None:
        self.turn = turn
        self.outer = outer
        self.done = False
        self.waiting: Turn | None = None


#: The innermost turn that this context has; tasks that were started in it inherit
#: it, and see by ``done`` that it is over.
_HOLDING: ContextVar[_Holder | None] = ContextVar("kurt_ext_turn", default=None)


class Turn:
    """A lock that may be waited for in any loop; ``async with turn:``.

    :param name: whose it is, for the error.
    :raises TransitionError: when the one who asks would wait for itself.
    """

    __slots__ = ("_holder", "_lock", "_queue", "_tokens", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = threading.Lock()
        self._queue: deque[Future[None]] = deque()
        self._holder: _Holder | None = None
        self._tokens: Token[_Holder | None] | None = None

    @property
    def is_taken(self) -> bool:
        """Whether somebody has the turn."""
        return self._holder is not None

    @property
    def is_mine(self) -> bool:
        """Whether the one who asks has it, or runs inside of what has it."""
        holder = _living(_HOLDING.get())
        while holder is not None:
            if holder.turn is self:
                return True
            holder = _living(holder.outer)
        return False

    async def __aenter__(self) -> Turn:
        outer = _living(_HOLDING.get())
        mine = _Holder(self, outer)
        with self._lock:
            future: Future[None] | None = None
            if self._holder is None:
                self._holder = mine
            else:
                self._refuse_deadlock(outer)
                future = Future()
                self._queue.append(future)
        if future is not None:
            await self._wait(future, outer)
            self._holder = mine
        self._tokens = _HOLDING.set(mine)
        return self

    async def _wait(self, future: Future[None], outer: _Holder | None) -> None:
        if outer is not None:
            outer.waiting = self
        try:
            await asyncio.wrap_future(future)
        except BaseException:
            with self._lock:
                if future in self._queue:
                    self._queue.remove(future)
                    raise
            if future.cancelled():  # passed over
                raise
            # It became ours in the moment of being cancelled: the next one's.
            self._pass_on()
            raise
        finally:
            if outer is not None:
                outer.waiting = None

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
        with self._lock:
            while self._queue:
                future = self._queue.popleft()
                # The place stays taken while the next one wakes up.
                if future.set_running_or_notify_cancel():
                    self._holder = _Holder(self, None)
                    future.set_result(None)
                    return
            self._holder = None

    def _refuse_deadlock(self, outer: _Holder | None) -> None:
        mine: set[Turn] = set()
        while outer is not None:
            mine.add(outer.turn)
            outer = _living(outer.outer)
        seen: set[Turn] = set()
        turn: Turn | None = self
        while turn is not None and turn not in seen:
            if turn in mine:
                raise TransitionError(
                    f"{self.name} is asked for something by a hook that it waits for itself",
                    cause=f"the hook runs while {turn.name} is being changed",
                    hint="do it after the hook has returned, in a task for example",
                    skill=self.name,
                )
            seen.add(turn)
            holder = turn._holder
            turn = holder.waiting if holder is not None else None


def _living(holder: _Holder | None) -> _Holder | None:
    while holder is not None and holder.done:
        holder = holder.outer
    return holder
