"""What a call waits on: a future that lets its task go on at once, not in the loop's next turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextvars import Context
from typing import Any

__all__ = ["Waiter"]


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
