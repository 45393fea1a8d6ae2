"""Run a plugin's own code within its time: hooks, async factories, imports.

What is async runs in a task of its own on the caller's loop; what is sync runs
in a thread, so that neither blocks the host. Python can end neither by force: a
task that swallows its cancellation, and a function that never returns, are left
behind after their time and named. Only a process of its own ends them for certain.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from .errors import HookError, HookTimeoutError
from .failure import Escaped, place_of, reason_of
from .portal import in_thread

__all__ = ["GRACE", "Escaped", "Late", "bounded", "late_error", "run_hook", "unbroken"]

T = TypeVar("T")

#: Seconds that a late task is given to end after it was cancelled, and the pause
#: between two cancellations: the first one is often swallowed by a bare except.
GRACE = 1.0
_PAUSE = 0.05


class Late(TimeoutError):
    """What ran did not end in time.

    :param left: whether it still runs.
    :param in_thread: whether that is a thread, which nothing can end.
    """

    def __init__(self, left: bool, in_thread: bool = False) -> None:
        super().__init__("it did not end in time")
        self.left = left
        self.in_thread = in_thread


async def bounded(
    function: Callable[..., Any], *args: Any, limit: float | None, threaded: bool = True
) -> Any:
    """Return what ``function(*args)`` gives, awaited where it is awaitable, within ``limit`` s.

    :param limit: seconds; None = as long as it takes.
    :param threaded: run a sync function in a thread; what it returns is awaited here.
    :raises Late: when it does not end in time.
    :raises Escaped: when it raises what is no Exception: SystemExit and
        KeyboardInterrupt would end the loop of the host, and a cancellation of its
        own is none of the one who asks.
    :raises Exception: what it raises.
    """
    threads = [threaded and not _is_async(function)]
    task = asyncio.ensure_future(_guarded(function, args, threads))
    try:
        await asyncio.wait({task}, timeout=limit)
    except asyncio.CancelledError:  # of the one who asked
        await _end(task, threads)
        raise
    if not task.done():
        ended = await _end(task)
        # The task that waits for a thread ends at once; the thread does not.
        raise Late(left=not ended or threads[0], in_thread=threads[0])
    try:
        return task.result()
    except (asyncio.CancelledError, GeneratorExit) as error:
        raise Escaped(error).with_traceback(error.__traceback__) from error


async def _guarded(function: Callable[..., Any], args: tuple[Any, ...], threads: list[bool]) -> Any:
    """Call a function; ``threads[0]`` says whether a thread of it runs."""
    try:
        if threads[0]:
            value = await in_thread(function, *args)
            threads[0] = False
        else:
            value = function(*args)
        return await value if inspect.isawaitable(value) else value
    except (SystemExit, KeyboardInterrupt) as error:
        # A task that raises one of these ends the loop it runs on. Not so a
        # GeneratorExit, which is also how a task that was left behind is closed.
        raise Escaped(error).with_traceback(error.__traceback__) from error


def _is_async(function: Callable[..., Any]) -> bool:
    call = getattr(type(function), "__call__", None)  # noqa: B004  # an object with async __call__
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)


async def _end(task: asyncio.Future[Any], threads: Sequence[bool] = (False,)) -> bool:
    """Cancel a task until it ends or its grace is over; return whether it ended.

    :param threads: as in :func:`_guarded`; the thread is given the grace to return, or
        what comes next, `cleanup` after `deactivate` for one, would run beside it.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + GRACE
    while not task.done() and loop.time() < until:
        if not threads[0]:
            task.cancel()
        await asyncio.wait({task}, timeout=_PAUSE)
    if threads[0]:
        task.cancel()
        await asyncio.wait({task}, timeout=_PAUSE)
    if task.done():
        if not task.cancelled():
            task.exception()  # looked at, or asyncio complains when it is collected
        return True
    task.add_done_callback(_looked_at)
    return False


def _looked_at(task: asyncio.Future[Any]) -> None:
    if not task.cancelled():
        task.exception()


async def unbroken(work: Coroutine[Any, Any, T]) -> T:
    """Return what ``work`` gives; it runs to its end, however often the one who asks is cancelled.

    What looks in a thread is waited for by it: a manager that was closed meanwhile, and that a
    thread asks still, is open again.

    :raises asyncio.CancelledError: after it, where the one who asks was cancelled meanwhile.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return task.result()
    _looked_at(task)
    raise cancelled


async def run_hook(
    hook: Callable[[], Awaitable[Any] | Any],
    name: str,
    plugin_id: str,
    limit: float | None,
    root: str | None = None,
) -> Any:
    """Call a hook of a plugin, sync or async, within its time.

    :param limit: seconds.
    :param root: the plugin's folder, for the place that an error names.
    :raises HookTimeoutError: when it does not end in time.
    :raises HookError: when it raises; the exception is the ``__cause__``.
    """
    try:
        return await bounded(hook, limit=limit)
    except Late as late:
        raise late_error(name, plugin_id, limit or 0.0, late, hook) from late
    except Exception as error:
        raise HookError(
            f"the hook {name} of {plugin_id} failed",
            cause=reason_of(error),
            at=place_of(error, root),
            hint=f"kurt plugin load {plugin_id}",
            skill=plugin_id,
            hook=name,
        ) from error


def late_error(
    name: str,
    plugin_id: str,
    limit: float,
    late: TimeoutError,
    function: Callable[..., Any] | None = None,
) -> HookTimeoutError:
    """Return the error for a hook that did not end in time.

    :param limit: seconds that it had.
    :param late: what :func:`bounded` raised.
    """
    from .settings import dotted

    more = max(60.0, 2 * limit)
    leak = None
    if isinstance(late, Late) and late.left:
        leak = "it swallows its cancellation and still runs in this process"
        if late.in_thread:
            leak = "its thread cannot be stopped and still runs in this process"
    return HookTimeoutError(
        f"the hook {name} of {plugin_id} did not end within {limit:g} s",
        cause=leak,
        at=_place(function),
        hint=f"kurt config set '{dotted(('plugin', plugin_id, 'timeout_seconds'))}' {more:g}",
        skill=plugin_id,
        hook=name,
    )


def _place(hook: Any) -> str | None:
    code = getattr(hook, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code is not None else None
