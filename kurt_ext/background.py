"""Tasks, timers and threads: whose they are, and how they are ended."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextvars import Context, ContextVar
from typing import Any

from .members import Running
from .origins import label
from .traces import CannotUndo, Left, Trace

__all__ = [
    "GRACE",
    "end_tasks",
    "end_threads",
    "handles_of",
    "is_marked",
    "loops_known",
    "tasks_of",
]

#: Seconds that what was told to end is given, and the pause between two cancellations:
#: the first one is often swallowed by a bare except.
GRACE = 1.0
_PAUSE = 0.05

_HERE = os.path.join(os.path.dirname(__file__), "")

Loop = asyncio.AbstractEventLoop
Task = asyncio.Task[Any]


def loops_known(loops: Iterable[Loop]) -> list[Loop]:
    """Return those loops that are open, and the one that runs here."""
    running = asyncio._get_running_loop()
    found = dict.fromkeys(loop for loop in loops if not loop.is_closed())
    if running is not None:
        found[running] = None
    return list(found)


def context_of(task: Task) -> Context | None:
    """Return the context that a task runs in."""
    get_context = getattr(task, "get_context", None)  # from 3.12 on
    if get_context is not None:
        found: Context = get_context()
        return found
    return next((each for each in gc.get_referents(task) if isinstance(each, Context)), None)


def is_marked(task: Task, variable: ContextVar[Any], mark: object) -> bool:
    """Return whether a task was started where a context variable had this value."""
    context = context_of(task)
    return context is not None and context.get(variable) is mark


def tasks_of(loops: Iterable[Loop], is_mine: Callable[[Task], bool | None]) -> set[Task]:
    """Return the unfinished tasks that are somebody's, without the one that asks.

    :param is_mine: answers None for one that is, unless somebody waits for it.
    """
    asking = asyncio.current_task() if asyncio._get_running_loop() is not None else None
    found = set()
    for loop in loops_known(loops):
        for task in asyncio.all_tasks(loop):
            if task is asking:
                continue
            verdict = is_mine(task)
            if verdict or (verdict is None and not _is_awaited(task)):
                found.add(task)
    return found


def _is_awaited(task: Task) -> bool:
    # A set that keeps the task alive discards it so: that is nobody who waits.
    waiters = getattr(task, "_callbacks", None) or ()
    return any(not isinstance(getattr(callback, "__self__", None), set) for callback, _ in waiters)


async def end_tasks(tasks: Collection[Task], limit: float) -> list[Left]:
    """Cancel tasks, and tell what became of each.

    :param limit: seconds; more than :data:`GRACE` are not spent.
    """
    names = {task: _named(task) for task in tasks}
    still = await _cancel(tasks, min(limit, GRACE)) if tasks else ()
    swallows = "it swallows its cancellation, and is left behind"
    return [
        Left("task", name, f"{where}; {swallows}" if task in still else where, task not in still)
        for task, (name, where) in names.items()
    ]


def _named(task: Task) -> tuple[str, str]:
    coroutine: Any = task.get_coro()
    code = getattr(coroutine, "cr_code", None)
    while code is not None and code.co_filename.startswith(_HERE):
        # A hook runs in a task of the host's: what the plugin wrote is further in.
        inner: Any = getattr(coroutine, "cr_await", None)
        if getattr(inner, "cr_code", None) is None:
            break
        coroutine, code = inner, inner.cr_code
    where = f"{code.co_filename}:{code.co_firstlineno}" if code is not None else ""
    return f"{task.get_name()} {label(coroutine)}", where


async def end_threads(threads: Collection[Running], limit: float) -> list[Left]:
    """Cancel timers, wait for the other threads to end, and tell of those that do not.

    One that a hook has told to stop may need a moment.

    :param limit: seconds.
    """
    clock = asyncio.get_running_loop().time
    until = clock() + limit
    left = []
    for trace in threads:
        if trace.stands() and isinstance(trace.thread, threading.Timer):
            trace.undo()
            left.append(Left("timer", trace.name))
    while any(trace.stands() for trace in threads) and clock() < until:
        await asyncio.sleep(0.005)
    for trace in threads:
        where = trace.detail
        try:
            trace.undo()
        except CannotUndo as error:
            left.append(Left("thread", trace.name, f"{error}; at {where}", undone=False))
    return left


async def _cancel(tasks: Collection[Task], limit: float) -> set[Task]:
    """Cancel tasks of any loop until they have ended; return those that have not.

    :param limit: seconds.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + limit
    pending = set(tasks)
    while pending:
        for task in pending:
            home = task.get_loop()
            if home is loop:
                task.cancel()
            elif not home.is_closed():
                home.call_soon_threadsafe(task.cancel)
        here = {task for task in pending if task.get_loop() is loop}
        if here:
            await asyncio.wait(here, timeout=_PAUSE)
        else:
            await asyncio.sleep(_PAUSE / 10)
        pending = {task for task in pending if not task.done()}
        if loop.time() >= until:
            break
    for task in pending:
        # Or asyncio.run, which cancels what is left and waits for it, never returned.
        asyncio.tasks._unregister_task(task)
        if task.get_loop() is loop:
            task.add_done_callback(_looked_at)
        # Or asyncio complains when the loop goes, of what has been told by name.
        task._log_destroy_pending = False  # type: ignore[attr-defined]
    for task in set(tasks) - pending:
        _looked_at(task)
    return pending


def _looked_at(task: Task) -> None:
    # Or asyncio complains when it is collected.
    if not task.cancelled():
        task.exception()


class _Timer(Trace):
    """A function that a loop is to call: soon, or at a time."""

    __slots__ = ("handle",)

    def __init__(self, handle: asyncio.Handle) -> None:
        super().__init__("timer", label(handle._callback))  # type: ignore[attr-defined]
        self.handle = handle

    @property
    def subject(self) -> Any:
        """The function."""
        return self.handle._callback  # type: ignore[attr-defined]

    def stands(self) -> bool:
        """Return whether it would still be called."""
        return not self.handle.cancelled()

    def undo(self) -> None:
        """Let it not be called."""
        self.handle.cancel()


def handles_of(loops: Iterable[Loop], made: Callable[[Any], bool]) -> Iterator[Trace]:
    """Yield the timers whose function somebody made."""
    for loop in loops:
        # Another loop than asyncio's own may not show them.
        for handle in [*(getattr(loop, "_scheduled", None) or ())]:
            if not handle.cancelled() and made(handle._callback):
                yield _Timer(handle)
