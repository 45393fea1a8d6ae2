"""End a host gracefully: what it loaded is deactivated and cleaned up, in bounded time.

An async host wraps its work, a sync one says it once::

    async def main():
        async with PluginLoader() as loader, graceful(loader):
            await serve()

    loader = PluginLoader()
    install(loader)

A first SIGTERM, SIGINT or SIGHUP asks the host to end: the task inside ``graceful``
is cancelled, sync code gets ``SystemExit`` (``KeyboardInterrupt`` from SIGINT). A
second one ends the process at once. The signals are the host's own again afterwards:
a handler that it had set itself is called then, and a signal that was ignored is left
alone, as SIGHUP is where the host has another use for it.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import inspect
import os
import signal
import sys
import threading
from collections.abc import Callable
from time import monotonic
from types import FrameType, TracebackType
from typing import Any, Protocol, Self

from .partings import part

__all__ = ["GRACE", "LIMIT", "Closeable", "graceful", "install"]

#: Seconds that everything loaded is given to end. A container that is stopped has ten
#: before it is killed.
LIMIT = 10.0
#: Seconds after the limit until what blocks the process is ended by force.
GRACE = 1.0
#: Seconds in which a signal is taken for an echo of the first: a terminal signals the
#: whole group of processes, and a parent that runs us passes its own on.
_ECHO = 0.1

_NAMES = ("SIGTERM", "SIGINT", "SIGHUP")


class Closeable(Protocol):
    """What can be ended: a ``PluginLoader``."""

    async def close(self) -> None:
        """End everything that it has loaded."""


class _Signals:
    """Our handlers of the signals that end a process, while they are installed.

    :param ask: called with the first signal and the frame it came in, in the main thread.
    """

    def __init__(self, ask: Callable[[int, FrameType | None], None]) -> None:
        self._ask = ask
        self._previous: dict[int, Any] = {}
        self._first = 0.0
        #: The signal that asked the process to end; None where none did.
        self.number: int | None = None

    def install(self) -> None:
        """Take the signals over; only the main thread can, another one takes none."""
        if threading.current_thread() is not threading.main_thread():
            return
        for name in _NAMES:
            number = getattr(signal, name, None)
            if number is None:  # Windows has no SIGHUP
                continue
            previous = signal.getsignal(number)
            is_used = name == "SIGHUP" and previous is not signal.SIG_DFL
            if previous is None or previous is signal.SIG_IGN or is_used:
                continue
            self._previous[number] = previous
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.number is None:
            self.number = number
            self._first = monotonic()
            self._ask(number, frame)
        elif monotonic() - self._first > _ECHO:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    def again(self) -> None:
        """Wait for a first signal anew: the host's own handler did not end the process."""
        self.number = None

    def previous(self, number: int) -> Any:
        """Return the handler that a signal had before."""
        return self._previous.get(number, signal.SIG_DFL)

    def restore(self) -> None:
        """Give the signals back, but those that somebody else has taken over since."""
        if threading.current_thread() is threading.main_thread():
            for number, previous in self._previous.items():
                if signal.getsignal(number) == self._on_signal:
                    signal.signal(number, previous)
        self._previous.clear()


class graceful:  # read as a word: `async with graceful(loader):`
    """Close a loader at the end of the block, and end the block where a signal asks for it.

    What is inside is cancelled by the first signal, and may clean up. Then everything
    loaded is ended within the limit; where the event loop itself is blocked, the process
    is ended by force, and the place is named on stderr. A signal leaves the block as
    ``SystemExit`` with the status 128 + its number, SIGINT as ``KeyboardInterrupt``.

    In another thread than the main one it closes the loader and leaves signals alone.

    :param limit: seconds for the plugins to end; what the host itself does before is its own.
    """

    def __init__(self, loader: Closeable, limit: float = LIMIT) -> None:
        self._loader = loader
        self._limit = limit
        self._signals = _Signals(self._ask)
        self._is_closing = False
        self._cancelled = False

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._guard = _Guard()
        self._signals.install()
        return self

    def _ask(self, number: int, frame: FrameType | None) -> None:
        # A loop that is blocked never comes to cancelling anything.
        self._guard.arm(self._limit + GRACE, 128 + number)
        self._loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        if not self._is_closing:
            self._guard.cancel()
            self._cancelled = self._task.cancel()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        self._is_closing = True
        self._guard.cancel()
        number = self._signals.number
        guard = _Guard()
        guard.arm(self._limit + 2 * GRACE, 1 if number is None else 128 + number)
        try:
            await _close(self._loader, self._limit)
        finally:
            guard.cancel()
            if self._cancelled:
                self._task.uncancel()
            number = self._signals.number
            previous = self._signals.previous(number) if number is not None else None
            self._signals.restore()
        if number is not None and (error is None or isinstance(error, asyncio.CancelledError)):
            return _leave(number, previous, error)
        return False


def _leave(number: int, previous: Any, error: BaseException | None) -> bool:
    """End the block after a signal, as the handler before ours would have it."""
    runner = getattr(getattr(previous, "func", None), "__self__", None)
    if callable(previous) and previous is not signal.default_int_handler:
        signal.raise_signal(number)
        if isinstance(runner, asyncio.Runner) and error is not None:
            return False  # it makes a KeyboardInterrupt of the cancellation
    if number == signal.SIGINT:
        raise KeyboardInterrupt from None
    raise SystemExit(128 + number) from None


async def _close(loader: Closeable, limit: float) -> None:
    """Close a loader within ``limit`` seconds; a cancellation of the caller's waits for it."""
    options = {}
    close: Any = loader.close
    if not inspect.iscoroutinefunction(close):  # of a manager, which has an async one beside it
        close = loader.aclose  # type: ignore[attr-defined]
    if "limit" in inspect.signature(close).parameters:
        options["limit"] = limit * 0.9  # it tells by itself what did not end
    task = asyncio.ensure_future(close(**options))
    until = asyncio.get_running_loop().time() + limit
    cancelled: asyncio.CancelledError | None = None
    for reserve in (0.0, GRACE):
        while not task.done():
            left = until + reserve - asyncio.get_running_loop().time()
            if left <= 0:
                break
            try:
                await asyncio.wait({task}, timeout=left)
            except asyncio.CancelledError as error:
                cancelled = error
        if not task.done():
            task.cancel()
    if not task.done():
        _print(f"kurt: plugins did not end within {limit:g} s, and are left behind")
    elif task.cancelled():
        _print(f"kurt: plugins did not end within {limit:g} s")
    else:
        task.result()
    if cancelled is not None:
        raise cancelled


class _Guard:
    """End the process by force when its time is over, and name the place that blocks it.

    Its thread starts before it is needed: where the interpreter exits, Python 3.12
    starts no thread any more.
    """

    def __init__(self) -> None:
        self._blocked = threading.get_ident()
        self._armed = threading.Event()
        self._over = threading.Event()
        self._seconds = 0.0
        self._status = 1
        threading.Thread(target=self._watch, name="kurt_ext-guard", daemon=True).start()

    def arm(self, seconds: float, status: int) -> None:
        """Begin to count; ``status`` is what the process exits with."""
        self._seconds = seconds
        self._status = status
        self._armed.set()

    def cancel(self) -> None:
        """End nothing."""
        self._over.set()
        self._armed.set()

    def _watch(self) -> None:
        self._armed.wait()
        if self._over.wait(self._seconds):
            return
        frame = sys._current_frames().get(self._blocked)
        where = f" at {frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else ""
        _print(f"kurt: the event loop is blocked{where}; the process is ended")
        with contextlib.suppress(RuntimeError):
            # A thread that holds the lock of the stream would keep us from it for ever.
            flush = threading.Thread(target=sys.stdout.flush, daemon=True)
            flush.start()
            flush.join(GRACE / 2)
        os._exit(self._status)


def _print(text: str) -> None:
    # Not through sys.stderr, whose lock the blocked thread may hold.
    with contextlib.suppress(OSError):
        os.write(2, (text + "\n").encode(errors="backslashreplace"))


def install(loader: Closeable, limit: float = LIMIT) -> Callable[[], None]:
    """Close a loader when this process exits, and let signals end it as an exit does.

    For a sync host. What is async runs on the loop of the loader's own manager, where
    that has one, else on a new one. An async host uses :class:`graceful`.

    :param limit: seconds for the plugins to end.
    :returns: takes it back: nothing is closed then, and the signals are the host's again.
    """
    ending = _Exit(loader, limit)
    part()
    atexit.register(ending.close)
    ending.signals.install()
    return ending.uninstall


class _Exit:
    """The exit of a sync host."""

    def __init__(self, loader: Closeable, limit: float) -> None:
        self._loader = loader
        self._limit = limit
        self._is_closing = False
        self._guard = _Guard()
        self.signals = _Signals(self._ask)

    def uninstall(self) -> None:
        """Close nothing at exit, and give the signals back."""
        self._guard.cancel()
        atexit.unregister(self.close)
        self.signals.restore()

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self._is_closing:
            return
        previous = self.signals.previous(number)
        if callable(previous):
            previous(number, frame)  # the default of SIGINT raises KeyboardInterrupt
            self.signals.again()
            return
        raise SystemExit(128 + number)

    def close(self) -> None:
        """Close the loader on the loop of its manager, or on one of this thread."""
        self._is_closing = True
        status = 1 if self.signals.number is None else 128 + self.signals.number
        with contextlib.suppress(AttributeError, OSError, ValueError):  # none, or closed
            sys.stdout.flush()  # ended by force, the process would not
        self._guard.arm(self._limit + 2 * GRACE, status)
        try:
            self._run()
        except Exception as error:
            _print(f"kurt: plugins could not be ended: {type(error).__name__}: {error}")
        finally:
            self._guard.cancel()
            self.signals.restore()

    def _run(self) -> None:
        close: Any = self._loader.close
        if not inspect.iscoroutinefunction(close):
            close()  # a manager's; it knows its own loop
            return
        portal = getattr(getattr(self._loader, "skills", None), "_portal", None)
        if portal is not None and portal.loop is not None:
            from .portal import Blocked

            try:
                portal.run(_close(self._loader, self._limit), self._limit)
            except Blocked:
                _print("kurt: plugins block their event loop, and are left behind")
        else:
            asyncio.run(_close(self._loader, self._limit))
