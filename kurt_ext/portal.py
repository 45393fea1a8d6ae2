"""The way from sync code into async code: one event loop in a thread of its own.

The rule for sync callers: a call runs on the portal's loop while the caller's
thread waits, with or without a running loop of the caller's. All calls of one
manager share that loop, so that a client that was opened on it still works for
the next. Only the portal's own thread may not call back: it would wait for itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from contextvars import ContextVar
from queue import Empty, SimpleQueue
from typing import Any, ClassVar, TypeVar
from weakref import WeakSet

from .errors import UsageError

__all__ = ["Blocked", "Once", "Portal", "in_thread", "waits_for_us"]

T = TypeVar("T")

_WAIT_FOR_CANCELLED = 5.0  # seconds that a cancelled call is given to clean up
_WAIT_FOR_LOOP = 2.0  # seconds that a function may block the loop after it should have ended


class _Waiting:
    """A sync caller that waits, and the loop that does nothing meanwhile; None once it is over."""

    __slots__ = ("loop", "outer")

    def __init__(self, loop: asyncio.AbstractEventLoop | None) -> None:
        self.loop = loop
        self.outer = _WAITING.get()


_WAITING: ContextVar[_Waiting | None] = ContextVar("kurt_ext_waiting", default=None)


def waits_for_us(loop: asyncio.AbstractEventLoop | None) -> bool:
    """Return whether a loop stands still until what runs here has ended.

    Whoever waits here for something that is done there waits for ever.
    """
    waiting = _WAITING.get() if loop is not None else None
    while waiting is not None and waiting.loop is not loop:
        waiting = waiting.outer
    return waiting is not None


class Portal:
    """An event loop in a daemon thread, started when it is first needed."""

    _all: ClassVar[WeakSet[Portal]] = WeakSet()

    def __init__(self) -> None:
        self._begin()
        Portal._all.add(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop, where it was started."""
        return self._loop

    def run(self, coroutine: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        """Run ``coroutine`` on the portal's loop and return its result.

        An interrupt of the waiting thread cancels it and passes on. A loop that
        something blocks then, or past the timeout, is left behind with its thread.

        :param timeout: seconds in which the coroutine ends by itself, if it can.
        :raises UsageError: when called from the portal's own thread.
        :raises concurrent.futures.CancelledError: when it was cancelled.
        :raises Blocked: when the loop was blocked past the timeout.
        """
        if threading.current_thread() is self._thread:
            coroutine.close()
            raise UsageError(
                "a sync call from inside an extension would wait for itself",
                hint="use the async face there: await skills.arun(…)",
            )
        loop = self._started()
        waiting = _Waiting(asyncio._get_running_loop())
        token = _WAITING.set(waiting)
        try:
            future = asyncio.run_coroutine_threadsafe(coroutine, loop)
        finally:
            _WAITING.reset(token)
        try:
            return self._result(future, loop, timeout)
        finally:
            waiting.loop = None

    def _result(
        self, future: Future[T], loop: asyncio.AbstractEventLoop, timeout: float | None
    ) -> T:
        limit = None if timeout is None else timeout + _WAIT_FOR_LOOP
        while True:
            try:
                return future.result(limit)
            except CancelledError:
                raise
            except BaseException as error:
                if future.done():  # the work failed, not the waiting
                    raise
                if not isinstance(error, TimeoutError):
                    future.cancel()
                    self._leave_if_blocked(loop)
                    raise
                if self._leave_if_blocked(loop):
                    raise Blocked from None
                limit = None  # it is cleaning up, or runs what no timeout can end

    def _leave_if_blocked(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Leave a loop alone that does nothing any more; its thread is a daemon."""
        try:
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(_WAIT_FOR_LOOP)
        except (TimeoutError, KeyboardInterrupt):
            with self._lock:
                if self._loop is loop:
                    self._loop = self._thread = None
            return True
        return False

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=_serve, args=(self._loop,), name="kurt_ext-portal", daemon=True
                )
                self._thread.start()
            return self._loop

    def close(self) -> None:
        """Cancel what still runs, and end the thread. A later call starts a new loop."""
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is None or thread is None:
            return
        if threading.current_thread() is thread:  # what runs here ends first, then the loop
            loop.create_task(_outlived(asyncio.all_tasks(loop)))
            return
        with contextlib.suppress(Exception):
            asyncio.run_coroutine_threadsafe(_wind_down(), loop).result(_WAIT_FOR_CANCELLED)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_WAIT_FOR_CANCELLED)
        if not thread.is_alive():
            loop.close()


class Blocked(Exception):
    """Something blocks the loop, so that neither a timeout nor a cancellation reaches it."""


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    """Run the loop until it is stopped.

    A task that raises one of these two ends its loop; whoever waits for that
    task, or any other, would wait for ever.
    """
    while True:
        try:
            loop.run_forever()
            return
        except (SystemExit, KeyboardInterrupt):
            continue


async def _outlived(tasks: set[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)
    asyncio.get_running_loop().stop()


async def _wind_down() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()


async def in_thread(function: Callable[..., T], *args: Any) -> T:
    """Call a sync function in a daemon thread, with the caller's context variables.

    Unlike the pool of ``asyncio.to_thread``, a function that never returns does
    not keep the process from ending, and takes no place that another one needs.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    context = contextvars.copy_context()

    def settle(setter: Callable[[Any], None], value: Any) -> None:
        if not future.done():
            setter(value)

    def work() -> None:
        try:
            value = context.run(function, *args)
        except BaseException as error:
            if isinstance(error, StopIteration):  # a future cannot hold one
                made = RuntimeError("the function raised StopIteration")
                made.__cause__ = error
                error = made.with_traceback(error.__traceback__)
            outcome: tuple[Callable[[Any], None], Any] = (future.set_exception, error)
        else:
            outcome = (future.set_result, value)
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(settle, *outcome)

    _Worker.give(work)
    return await future


class _Worker:
    """A daemon thread that does one thing after the other, and ends when it is idle for long.

    Starting a thread costs more than most functions that are called in one.
    """

    _idle: ClassVar[list[_Worker]] = []
    _IDLE = 10.0  # seconds

    def __init__(self) -> None:
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()
        threading.Thread(target=self._serve, name="kurt_ext-call", daemon=True).start()

    @classmethod
    def give(cls, work: Callable[[], None]) -> None:
        """Let a thread that is idle do it, a new one where there is none."""
        try:
            worker = cls._idle.pop()  # atomic, also against one that is about to end
        except IndexError:
            try:
                worker = cls()
            except RuntimeError:  # the interpreter ends: Python 3.12 starts no thread then
                work()
                return
        worker._work.put(work)

    def _serve(self) -> None:
        while True:
            try:
                work = self._work.get(timeout=self._IDLE)
            except Empty:
                try:
                    self._idle.remove(self)
                except ValueError:  # somebody has just taken it to give it work
                    work = self._work.get()
                else:
                    return
            work()
            del work  # it may hold the code of a plugin
            self._idle.append(self)


def _forget_threads() -> None:
    # A fork has the lists, and not the threads.
    _Worker._idle.clear()
    for portal in list(Portal._all):
        portal._begin()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)


class _Abandoned(Exception):
    """The one who was doing it was cancelled; the next in line does it."""


class Once:
    """Does a thing once for everybody, in whatever thread or loop they ask.

    A failure is raised to all who wait, and may be retried after.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._future: Future[Any] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def done(self) -> bool:
        """Whether it has been done."""
        future = self._future
        return future is not None and future.done() and future.exception() is None

    async def run(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return what ``make()`` gives, awaited by the first who asks."""
        while True:
            with self._lock:
                mine = self._future is None
                if self._future is None:
                    self._future = Future()
                    self._loop = asyncio.get_running_loop()
                elif not self._future.done() and waits_for_us(self._loop):
                    raise UsageError(
                        "a sync call waits for what the event loop that it blocks has begun",
                        hint="use the async face there: await skills.arun(…)",
                    )
                future: Future[T] = self._future
            if mine:
                return await self._do(future, make)
            try:
                # Shielded: a waiter that is cancelled must not cancel the work.
                return await asyncio.shield(asyncio.wrap_future(future))
            except _Abandoned:
                continue

    async def _do(self, future: Future[T], make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        try:
            value = await make()
        except BaseException as error:
            with self._lock:
                self._future = None
            gone = isinstance(error, (asyncio.CancelledError, KeyboardInterrupt))
            future.set_exception(_Abandoned() if gone else error)
            raise
        future.set_result(value)
        return value
