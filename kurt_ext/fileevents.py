"""What happens to files below some folders, as the operating system tells it, or by looking.

The folders may come and go meanwhile. watchfiles tells of changes within
milliseconds; where the system has no watch left to give, or on request, the
folders are looked through again and again instead.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, TypeAlias

from .errors import MissingExtraError
from .portal import in_thread
from .saves import is_noise

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Batch", "events"]

#: What happened to which path: ``added``, ``modified`` or ``deleted``.
Batch: TypeAlias = set[tuple[str, str]]
_Mark: TypeAlias = tuple[object, ...]
_Sweep: TypeAlias = dict[str, tuple[int, int, int, int]]

#: Milliseconds between two looks at whether a folder came or went.
_TICK = 500
#: Milliseconds without a change that end a burst of several files.
_PAUSE = 20
#: Seconds between two looks at everything, and between two that must be equal.
_POLL = 0.2
_QUIET = 0.01


async def events(
    roots: Sequence[str],
    *,
    debounce_ms: int,
    step_ms: int,
    poll: bool = False,
    note: Callable[[str], object] | None = None,
) -> AsyncGenerator[Batch, None]:
    """Yield what happens below the roots, a batch for each burst.

    :param roots: folders; one that is not there is waited for.
    :param debounce_ms: the longest time that a burst may take.
    :param step_ms: a burst ends when nothing happens for this time.
    :param poll: look again and again, instead of asking the operating system.
    :param note: told why it looks, where it has to.
    :raises MissingExtraError: when watchfiles is not installed.
    """
    if not poll:
        watched = _watched(roots, debounce_ms, step_ms)
        try:
            async with aclosing(watched) as batches:
                async for batch in batches:
                    yield batch
        except _Exhausted as error:
            if note is not None:
                note(f"the system cannot watch more files, so they are polled: {error}")
    looked = _polled(roots)
    async with aclosing(looked) as batches:
        async for batch in batches:
            yield batch


class _Exhausted(Exception):
    """The operating system has no watch left to give."""


async def _watched(roots: Sequence[str], debounce: int, step: int) -> AsyncGenerator[Batch, None]:
    before: _Mark | None = None
    while True:
        mark = _mark(roots)
        batch = _appeared(roots, before, mark)
        before = mark
        present = [root for root in roots if os.path.isdir(root)]
        if not present:
            await asyncio.sleep(_TICK / 1000)
            continue
        try:
            watch = _Watch(present, debounce, step)
        except FileNotFoundError:
            continue  # a root went away between the look and the watch
        try:
            while True:
                if batch:
                    yield batch
                found = await watch.next()
                batch = found or set()
                if (found is None or _is_high(found, roots)) and _mark(roots) != mark:
                    break  # a watch follows no folder that came later by a link
            if batch:
                yield batch
        finally:
            watch.close()


class _Watch:
    """A watch of watchfiles, in a thread of its own, which hands over each burst at once.

    It is set up when it has been made.
    """

    def __init__(self, roots: Sequence[str], debounce: int, step: int) -> None:
        try:
            from watchfiles import Change
            from watchfiles._rust_notify import RustNotify
        except ImportError as error:
            raise MissingExtraError(
                "watching files needs the watch extra",
                cause="the package 'watchfiles' is not installed",
                hint="pip install 'kurt-ext[watch]', or: kurt watch --poll",
            ) from error
        self._words = {int(change): change.raw_str() for change in Change}
        try:
            # debug, polling and its pause; recursive; folders that may not be read.
            self._notify = RustNotify(list(roots), False, False, 0, True, True)
        except FileNotFoundError:
            raise
        except (OSError, RuntimeError) as error:  # the latter is watchfiles' own
            raise _Exhausted(str(error)) from error
        self._limits = (debounce, step, _TICK)
        self._over = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[Batch | Exception | None] = asyncio.Queue()
        threading.Thread(target=self._follow, name="kurt_ext-watch", daemon=True).start()

    def _follow(self) -> None:
        """Hand over a batch for each burst, and None for each time without one."""
        while not self._over.is_set():
            found: Batch | Exception | None = None
            try:
                told = self._notify.watch(*self._limits, self._over)
                if isinstance(told, set):
                    told |= self._rest(told)
                    found = {(self._words[what], path) for what, path in told}
            except RuntimeError as error:
                found = error
            try:
                self._loop.call_soon_threadsafe(self._queue.put_nowait, found)
            except RuntimeError:  # the loop was closed meanwhile
                return
            if isinstance(found, Exception):
                return

    def _rest(self, told: set[tuple[int, str]]) -> set[tuple[int, str]]:
        """Return what follows where several files changed: a checkout has longer pauses."""
        debounce, step, _ = self._limits
        until = time.monotonic() + debounce / 1000
        rest: set[tuple[int, str]] = set()
        names = {path for _, path in told if not is_noise(os.path.basename(path))}
        while len(names) > 1 and time.monotonic() < until:
            more = self._notify.watch(debounce, step, _PAUSE, self._over)
            if not isinstance(more, set):
                break
            rest |= more
        return rest

    async def next(self) -> Batch | None:
        """Return what happened in the next burst, None where there was none for a while."""
        found = await self._queue.get()
        if isinstance(found, Exception):
            raise _Exhausted(str(found)) from found
        return found

    def close(self) -> None:
        """End the thread within a step."""
        self._over.set()


def _mark(roots: Sequence[str]) -> _Mark:
    """Return which folder each root is now, and which of its entries are links."""
    found: list[object] = []
    for root in roots:
        try:
            is_now = os.stat(root)
            with os.scandir(root) as entries:
                links = sorted(entry.name for entry in entries if entry.is_symlink())
        except OSError:
            found.append(None)
        else:
            found.append((is_now.st_dev, is_now.st_ino, links))
    return tuple(found)


def _appeared(roots: Sequence[str], before: _Mark | None, now: _Mark) -> Batch:
    """Return an event for each root that was another folder before, or none."""
    if before is None:
        return set()
    rows = zip(roots, before, now, strict=True)
    return {("added", root) for root, old, new in rows if _which(old) != _which(new) and new}


def _which(mark: object) -> object:
    """Return which folder a root is, whatever links are in it."""
    return mark[:2] if isinstance(mark, tuple) else None


def _is_high(batch: Batch, roots: Sequence[str]) -> bool:
    """Return whether a batch concerns a root or an entry of one."""
    return any(path in roots or os.path.dirname(path) in roots for _, path in batch)


async def _polled(roots: Sequence[str]) -> AsyncGenerator[Batch, None]:
    before = await in_thread(_sweep, roots)
    while True:
        await asyncio.sleep(_POLL)
        now = await in_thread(_sweep, roots)
        while now != before:
            await asyncio.sleep(_QUIET)
            again = await in_thread(_sweep, roots)
            if again == now:
                break
            now = again
        batch = _difference(before, now)
        before = now
        if batch:
            yield batch


def _sweep(roots: Sequence[str]) -> _Sweep:
    """Return what tells each file below the roots from what it was."""
    found: _Sweep = {}
    for root in roots:
        for folder, names, files in os.walk(root, followlinks=True):
            below, _, inside = folder[len(root) + 1 :].partition(os.sep)
            if not below:
                names[:] = [name for name in names if not name.startswith((".", "__"))]
            else:
                names[:] = [name for name in names if not is_noise(name)]
            if inside.count(os.sep) > _DEPTH:
                names.clear()
            for path in (folder, *(os.path.join(folder, name) for name in files)):
                try:
                    seen = os.stat(path)
                except OSError:
                    continue
                if path == folder:  # its own times change with the noise in it
                    found[path] = (0, 0, 0, seen.st_ino)
                else:
                    found[path] = (seen.st_mtime_ns, seen.st_ctime_ns, seen.st_size, seen.st_ino)
    return found


#: Folders below each other; a link may lead in a circle.
_DEPTH = 12


def _difference(before: _Sweep, now: _Sweep) -> Batch:
    found = {("deleted", path) for path in before.keys() - now.keys()}
    found |= {("added", path) for path in now.keys() - before.keys()}
    found |= {
        ("modified", path) for path in before.keys() & now.keys() if before[path] != now[path]
    }
    return found
