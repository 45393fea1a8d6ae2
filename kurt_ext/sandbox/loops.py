"""The one event loop of a worker, on which async handlers run, and how it hears of its host."""

from __future__ import annotations

import asyncio
import select
import selectors
import sys
from asyncio import _get_running_loop as running_loop
from asyncio import _set_running_loop as set_running_loop
from collections.abc import Callable
from contextvars import Context
from math import ceil
from typing import Any

__all__ = ["begun", "listening", "running_loop", "set_running_loop"]

if sys.platform == "linux":

    class _Selector(selectors.EpollSelector):
        """Hears the host beside what the loop waits for.

        What it says is served while the loop waits: a turn of the loop, and the handle of a
        reader, would take as long as all the rest of an empty call.
        """

        def __init__(self, fd: int, serve: Callable[[], object]) -> None:
            super().__init__()
            self.loop: Any = None
            self._fd = fd
            self._serve = serve
            self._epoll: Any = self._selector  # type: ignore[attr-defined]
            self._epoll.register(fd, select.EPOLLIN)  # a file that the class knows nothing of

        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            """Return what is ready; serve the host until something is, or might be."""
            loop, fd, poll = self.loop, self._fd, self._epoll.poll
            ready, scheduled = loop._ready, loop._scheduled
            timers = len(scheduled)
            limit = -1 if timeout is None else ceil(max(timeout, 0.0) * 1e3) * 1e-3
            while True:
                told = poll(limit, 2)
                if len(told) != 1 or told[0][0] != fd:
                    if any(one == fd for one, _ in told):
                        loop.call_soon(self._serve)
                    return super().select(0) if told else []
                try:
                    self._serve()
                except Exception as error:
                    said = {"message": "a call could not be served", "exception": error}
                    loop.call_exception_handler(said)
                if timeout is not None or ready or len(scheduled) != timers or loop._stopping:
                    return []


def listening(fd: int, serve: Callable[[], object]) -> asyncio.AbstractEventLoop:
    """Return a new loop, this thread's own, that calls something when a descriptor can be read."""
    loop: asyncio.AbstractEventLoop
    if sys.platform == "linux":
        selector = _Selector(fd, serve)
        loop = selector.loop = asyncio.SelectorEventLoop(selector)
    else:
        loop = asyncio.new_event_loop()
        loop.add_reader(fd, serve)
    asyncio.set_event_loop(loop)
    return loop


def begun(loop: asyncio.AbstractEventLoop, coroutine: Any, context: Context) -> asyncio.Task[Any]:
    """Return a task whose first step was made at once: most coroutines need no second one."""
    if sys.version_info >= (3, 12):
        return asyncio.Task(coroutine, loop=loop, context=context, eager_start=True)
    first: list[Any] = []
    given: Any = loop
    # Where Python has no eager tasks: take what a new one asks its loop to call soon.
    given.call_soon = lambda step, *_, **__: first.append(step)
    try:
        task = asyncio.Task(coroutine, loop=loop, context=context)
    finally:
        del given.call_soon
    context.run(first[0])
    return task
