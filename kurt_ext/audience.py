"""Who is told of the events of plugins, and what runs beside a loader meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from .lifecycle import PluginEvent

__all__ = ["Audience", "Handler"]

#: Called with every event; may be async.
Handler: TypeAlias = "Callable[[PluginEvent], Any]"

_LOG = logging.getLogger("kurt_ext.plugins")


class Audience:
    """The handlers of one loader's events, and the tasks that it has begun.

    What a handler raises is logged and harms nobody.
    """

    def __init__(self) -> None:
        self._handlers: list[Handler] = []
        self._background: set[asyncio.Task[Any]] = set()
        self._telling: set[asyncio.Task[Any]] = set()
        self._home: asyncio.AbstractEventLoop | None = None

    def subscribe(self, handler: Handler) -> Callable[[], None]:
        """Call ``handler`` with every event; return the function that ends it."""
        self._handlers.append(handler)
        self._home = asyncio._get_running_loop() or self._home

        def unsubscribe() -> None:
            if handler in self._handlers:
                self._handlers.remove(handler)

        return unsubscribe

    def tell(self, event: PluginEvent) -> None:
        """Tell every handler of an event; an async one runs in a task."""
        for handler in tuple(self._handlers):
            try:
                made = handler(event)
            except Exception:
                _LOG.exception("a handler of the event %s failed", event.name)
                continue
            if asyncio.iscoroutine(made):
                self._beside(made)

    def _beside(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run an async handler in the loop of whoever subscribed, while that runs; else in this."""
        here, home = asyncio._get_running_loop(), self._home
        if home is not None and home is not here and home.is_running():
            home.call_soon_threadsafe(self._begin, work)
        elif here is not None:
            self._begin(work)
        else:
            work.close()

    def _begin(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.ensure_future(work)
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run the loader's own work beside; :meth:`settle` waits for it."""
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    async def settle(self, until: float | None, *, telling: float, working: float) -> None:
        """Wait for what runs beside, and cancel what does not end.

        :param until: when, as ``perf_counter`` says it; None = as long as each may take.
        :param telling: seconds for handlers; ``working`` for the loader's own work.
        """
        mine, here = asyncio.current_task(), asyncio.get_running_loop()
        for tasks, limit in (
            (self._telling, telling),
            (self._background, working),
            (self._telling | self._background, telling),  # those that were cancelled
        ):
            running = {task for task in tasks if task is not mine and task.get_loop() is here}
            if running:
                left = limit if until is None else max(0.05, until - perf_counter())
                _, late = await asyncio.wait(running, timeout=left)
                for task in late:
                    task.cancel()
