"""A call under way, and what it waits on.

That is a future which lets its task go on at once, not in the loop's next turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextvars import Context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .keeper import Timer
    from .streams import Flow

__all__ = ["STARTING", "Call", "Waiter"]

#: The id of the call that is the start of a worker.
STARTING = 0


class Waiter:
    """A future for one task that awaits it, to be settled on its loop.

    It is no `asyncio.Future`: of that one, whoever awaits it is called in a turn of the
    loop of its own, which is a fifth of the time of an empty call.

    :param loop: the running one.
    """

    __slots__ = (
        "_asyncio_future_blocking",
        "_context",
        "_error",
        "_is_done",
        "_value",
        "_wake",
        "loop",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._asyncio_future_blocking = False
        self._is_done = False
        self._value: Any = None
        self._error: BaseException | None = None
        self._wake: Callable[[Any], object] | None = None
        self._context: Context | None = None

    def done(self) -> bool:
        """Return whether it is settled."""
        return self._is_done

    def settle(self, value: Any, *, at_once: bool = False) -> None:
        """Give it its value.

        :param at_once: let the task go on before this returns; only where no task is running
            on the loop, as the last thing that a callback does.
        """
        self._is_done = True
        self._value = value
        wake = self._wake
        if wake is not None:
            self._wake = None
            context = self._context
            assert context is not None
            if at_once:
                context.run(wake, self)
            else:
                self.loop.call_soon(wake, self, context=context)

    def refuse(self, error: BaseException) -> None:
        """Have it raise an error."""
        self._error = error
        self.settle(None)

    # -- what a task asks of what it awaits (asyncio.Future's protocol) -----------------

    def __await__(self) -> Generator[Any, None, Any]:
        if not self._is_done:
            self._asyncio_future_blocking = True
            yield self
        return self.result()

    def result(self) -> Any:
        """Return the value, or raise the error."""
        if self._error is not None:
            raise self._error
        return self._value

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Return its loop."""
        return self.loop

    def add_done_callback(self, function: Callable[[Any], object], *, context: Context) -> None:
        """Have the one task that waits called."""
        self._wake, self._context = function, context

    def cancel(self, msg: object = None) -> bool:
        """Wake the task with a cancellation."""
        if self._is_done:
            return False
        self.refuse(asyncio.CancelledError() if msg is None else asyncio.CancelledError(msg))
        return True


class Call(Waiter):
    """One call under way, and who waits for it on which loop."""

    # Not set in each: most calls need none of them.
    id = STARTING
    context: Context | None = None
    timeout: float | None = None
    grace: Timer | None = None
    given_up = False
    posted = 0
    stream: Flow | None = None
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
