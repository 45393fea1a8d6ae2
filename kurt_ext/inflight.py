"""Tell whether code is running: the tasks and threads that are inside some modules."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Collection, Iterable
from types import AsyncGeneratorType, CodeType, CoroutineType, GeneratorType, ModuleType
from typing import Any

__all__ = ["busy"]

_DEPTH = 1000  # as deep as a chain of awaits can become before Python refuses


def busy(
    modules: Collection[ModuleType],
    loops: Iterable[asyncio.AbstractEventLoop] = (),
    exclude: Collection[asyncio.Task[Any] | threading.Thread] = (),
) -> list[str]:
    """Return the tasks and threads that are inside the code of modules right now, by name.

    Each as ``task NAME in FUNCTION at FILE:LINE``. A function is known by its globals,
    so that two generations of one module are told apart.

    :param loops: whose tasks are looked at; the one that runs here is always.
    :param exclude: tasks and threads that do not count, a plugin's own background
        for instance. The task and the thread that ask never do.
    """
    inside = {id(vars(module)) for module in modules}
    if not inside:
        return []
    running = asyncio._get_running_loop()
    asking = asyncio.current_task() if running is not None else None
    found = []
    every = dict.fromkeys(loop for loop in (*loops, running) if loop is not None)
    for loop in every:
        for task in asyncio.all_tasks(loop):
            if task is not asking and task not in exclude:
                where = _in_chain(task.get_coro(), inside)
                if where:
                    found.append(f"task {task.get_name()} in {where}")
    names = {thread.ident: thread for thread in threading.enumerate()}
    here = threading.get_ident()
    for ident, frame in sys._current_frames().items():
        thread = names.get(ident)
        if ident != here and (thread is None or thread not in exclude):
            where = _in_stack(frame, inside)
            if where:
                found.append(f"thread {thread.name if thread else ident} in {where}")
    return sorted(found)


def _in_chain(awaited: Any, inside: set[int]) -> str | None:
    """Return the innermost place of a chain of awaits that is inside."""
    found = None
    for _ in range(_DEPTH):
        frame, after = _link(awaited)
        if frame is not None and id(frame.f_globals) in inside:
            found = _place(frame.f_code, frame.f_lineno)
        if after is None:
            break
        awaited = after
    return found


def _link(awaited: Any) -> tuple[Any, Any]:
    """Return the frame of a link of the chain, None where it has none, and the next link."""
    if isinstance(awaited, CoroutineType):
        return awaited.cr_frame, awaited.cr_await
    if isinstance(awaited, GeneratorType):
        return awaited.gi_frame, awaited.gi_yieldfrom
    if isinstance(awaited, AsyncGeneratorType):
        return awaited.ag_frame, awaited.ag_await
    # A step of an async generator, or the iterator of a coroutine: they show
    # what they belong to to the garbage collector alone.
    if type(awaited).__module__ == "builtins" and not isinstance(awaited, (list, tuple, dict)):
        links = (CoroutineType, GeneratorType, AsyncGeneratorType)
        after = (each for each in gc.get_referents(awaited) if isinstance(each, links))
        return None, next(after, None)
    return None, None


def _in_stack(frame: Any, inside: set[int]) -> str | None:
    while frame is not None:
        if id(frame.f_globals) in inside:
            return _place(frame.f_code, frame.f_lineno)
        frame = frame.f_back
    return None


def _place(code: CodeType, line: int | None) -> str:
    return f"{code.co_qualname} at {code.co_filename}:{line or code.co_firstlineno}"
