"""Notice what changes in the process while the code of a plugin runs.

A window is open while such code runs. At both its ends the places that code may
change are looked at, and what differs is entered into the ledgers of the windows
that were open meanwhile: into the one whose code made the object, or else, where
nothing tells (a text, a handler of the standard library), into the one that was
open, or into all of them together. What the host changes at the same time, in such
a way that nothing tells, is taken for the plugin's.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import sys
import threading
from _signal import getsignal  # type: ignore[import-not-found]  # signal's makes an enum of each
from collections.abc import Callable, Iterator
from operator import is_
from typing import Any, Protocol
from weakref import ref

from .members import LISTS, AtExit, Handler, Member, Running, at_exit
from .traces import (
    HOOKS,
    MISSING,
    SIGNALS,
    Place,
    Slot,
    Trace,
    attribute_place,
    environ_place,
    hook_place,
    loop_signal_place,
    signal_place,
)

__all__ = ["Watcher", "close", "open_"]

#: Modules that register one function at exit for all who ever use them, when the first does.
_PROCESS = frozenset({"logging", "multiprocessing.util", "weakref"})


class Watcher(Protocol):
    """One whose code may run: a ledger."""

    def made(self, obj: Any) -> bool:
        """Return whether its code made an object."""
        ...

    def enter(self, trace: Trace) -> None:
        """Take a trace into account."""

    def settle(self) -> None:
        """Drop the traces of which nothing is left."""


class Snapshot:
    """The places, as they were at one moment."""

    __slots__ = (
        "active",
        "at_exit",
        "environ",
        "handlers",
        "hooks",
        "lists",
        "loop",
        "loop_signals",
        "root",
        "signals",
    )

    def __init__(self) -> None:
        self.signals = list(map(getsignal, SIGNALS))
        self.hooks = [getattr(module, name) for module, name in HOOKS]
        self.environ: dict[Any, Any] = os.environ._data.copy()  # type: ignore[attr-defined]
        self.lists = [members().copy() for _, members in LISTS]
        logging = sys.modules.get("logging")
        root = getattr(logging, "root", None)
        self.handlers: list[Any] = logging._handlerList.copy() if logging and root else []
        self.root = (root.handlers.copy(), root.level) if root else ([], MISSING)
        self.at_exit: int = atexit._ncallbacks()
        self.active = list(threading._active.values())  # type: ignore[attr-defined]
        loop = asyncio._get_running_loop()
        handlers = getattr(loop, "_signal_handlers", None)
        self.loop = ref(loop) if handlers else None
        self.loop_signals: dict[int, Any] = handlers.copy() if handlers else {}


def differences(before: Snapshot, now: Snapshot) -> Iterator[Trace]:
    """Yield a trace for each place that differs between two moments."""
    if not _same(before.signals, now.signals):
        for number, old, new in zip(SIGNALS, before.signals, now.signals, strict=True):
            if old is not new and old != new:
                yield Slot(signal_place(number), old, new)
    if now.loop is not None:
        handles = before.loop_signals if before.loop == now.loop else {}
        for signum, handle in now.loop_signals.items():
            former = handles.get(signum, MISSING)
            if handle is not former:
                yield Slot(loop_signal_place(now.loop, signum), former, handle)
    if not _same(before.hooks, now.hooks):
        for index, (old, new) in enumerate(zip(before.hooks, now.hooks, strict=True)):
            if old is not new:
                yield Slot(hook_place(index), old, new)
    if before.environ != now.environ:
        yield from _of_environ(before.environ, now.environ)
    for (what, members), old, new in zip(LISTS, before.lists, now.lists, strict=True):
        if not _same(old, new):
            yield from _of_list(what, members, old, new)
    yield from _of_logging(before, now)
    if now.at_exit > before.at_exit:
        for function in at_exit()[before.at_exit - now.at_exit :]:
            if not _serves_all(function):
                yield AtExit(function)
    if not _same(before.active, now.active):
        known = set(map(id, before.active))
        for thread in now.active:
            if id(thread) not in known and _is_guest(thread):
                yield Running(thread)


def _same(one: list[Any], other: list[Any]) -> bool:
    return len(one) == len(other) and all(map(is_, one, other))


def _of_environ(before: dict[Any, Any], now: dict[Any, Any]) -> Iterator[Trace]:
    decode = os.environ.decodevalue
    for key in {**before, **now}:
        old, new = before.get(key, MISSING), now.get(key, MISSING)
        if old is not new and old != new:
            texts: list[Any] = [v if v is MISSING else decode(v) for v in (old, new)]
            yield Slot(environ_place(key), *texts)


def _of_list(
    what: str, members: Callable[[], list[Any]], before: list[Any], now: list[Any]
) -> Iterator[Trace]:
    known, left = set(map(id, before)), set(map(id, now))
    for index, member in enumerate(now):
        if id(member) not in known and not _is_ours(member):
            yield Member(what, members, member, index, added=True)
    # Undone in reverse order: each finds those before it back in their places.
    for index, member in reversed(list(enumerate(before))):
        if id(member) not in left and not _is_ours(member):
            yield Member(what, members, member, index, added=False)


def _of_logging(before: Snapshot, now: Snapshot) -> Iterator[Trace]:
    if not _same(before.handlers, now.handlers):
        known = set(map(id, before.handlers))
        for kept in now.handlers:
            handler = kept() if id(kept) not in known else None
            if handler is not None:
                yield Handler("logging handler", handler)
    old, level = before.root
    if level is MISSING:
        return
    new, level_now = now.root
    root = sys.modules["logging"].root
    left = set(map(id, new))
    for index, handler in reversed(list(enumerate(old))):
        if id(handler) not in left:
            yield Member("logging handler", lambda: root.handlers, handler, index, added=False)
    if level != level_now:
        where = attribute_place(root, "level", "the root logger", "logging level")
        yield Slot(Place(where.what, where.name, where.read, root.setLevel), level, level_now)


def _is_ours(member: Any) -> bool:
    """Return whether kurt itself put a member there, for the plugin's sake."""
    if isinstance(member, str):
        from .syspath import _HELD

        # A manager that is closed meanwhile holds its shims no longer.
        return member in _HELD or os.path.exists(os.path.join(member, ".state"))
    return type(member).__module__.startswith("kurt_ext.")


def _serves_all(function: Any) -> bool:
    """Return whether a function called at exit is the process's, whoever was its first user."""
    module = getattr(function, "__module__", None) or ""
    return module in _PROCESS or module.startswith("kurt_ext.")


def _is_guest(thread: threading.Thread) -> bool:
    target = getattr(thread, "_target", None)
    ours = getattr(target, "__module__", None) or ""
    # A loop's own pool serves whoever asks for it, and ends with the loop.
    return not (ours.startswith("kurt_ext.") or thread.name.startswith("asyncio_"))


_LOCK = threading.Lock()
_OPEN: list[Watcher] = []
_LAST: list[Snapshot] = []


def open_(watcher: Watcher) -> None:
    """Open a window."""
    with _LOCK:
        if _OPEN:
            _enter()
        else:
            _LAST[:] = [Snapshot()]
        _OPEN.append(watcher)


def close(watcher: Watcher) -> None:
    """Close a window; what changed while it was open has been entered then."""
    with _LOCK:
        _enter()
        _OPEN.remove(watcher)
        if not _OPEN:
            _LAST.clear()


def _enter() -> None:
    """Enter what has changed since the last look."""
    now = Snapshot()
    before, _LAST[0] = _LAST[0], now
    watchers = list(dict.fromkeys(_OPEN))
    changed = False
    for trace in differences(before, now):
        changed = True
        makers = [watcher for watcher in watchers if watcher.made(trace.subject)]
        owners = makers[:1] or watchers
        if len(owners) > 1:
            trace.shared = len(owners)
        for watcher in owners:
            watcher.enter(trace)
    if changed:
        for watcher in watchers:
            watcher.settle()
