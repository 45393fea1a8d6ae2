"""What one generation of a plugin owns in this process, and how it is given back.

Its code is watched while it runs (:meth:`Ledger.watching`); what the host registers
for it is written down (:meth:`Ledger.own`); and where it ends, all of that is undone,
the last first (:meth:`Ledger.dispose`). What cannot be undone is named: Python ends
no thread from outside, and no task that swallows its cancellation.

The ledger holds no strong reference to a module of the plugin, and after ``dispose``
none to anything.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
import threading
from collections.abc import Callable, Iterable
from contextvars import ContextVar, Token
from typing import Any
from weakref import WeakSet

from . import windows
from .background import (
    GRACE,
    end_tasks,
    end_threads,
    handles_of,
    is_marked,
    loops_known,
    tasks_of,
)
from .members import AtExit, Handler, Running, at_exit, attached
from .origins import Origin
from .patches import BASELINE, Patch, patches, relink
from .traces import CannotUndo, Left, Slot, Trace

__all__ = ["Ledger", "Left"]


class _Mark:
    """Put into the context that a plugin's code runs in; its tasks inherit it."""

    __slots__ = ("__weakref__", "owner")

    def __init__(self, owner: str) -> None:
        self.owner = owner


_MARK: ContextVar[_Mark | None] = ContextVar("kurt_ext_owner", default=None)


class _Owned(Trace):
    """Something that the host registered for the plugin."""

    __slots__ = ("dispose",)

    def __init__(self, what: str, name: str, dispose: Callable[[], Any]) -> None:
        super().__init__(what, name)
        self.dispose = dispose

    def is_gone(self) -> bool:
        return False


class _Window:
    __slots__ = ("_ledger", "_token")

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def __enter__(self) -> None:
        self._token: Token[_Mark | None] = _MARK.set(self._ledger._mark)
        self._ledger._note_loop()
        windows.open_(self._ledger)

    def __exit__(self, *error: object) -> None:
        self._ledger._origin.claim()
        windows.close(self._ledger)
        self._ledger._note_patches()
        _MARK.reset(self._token)


class Ledger:
    """What one generation of a plugin owns.

    ::

        ledger = Ledger("web-archiver", "kurt_skills.web_archiver")
        with ledger.watching():
            module = import_module("kurt_skills.web_archiver.skill")
        ledger.own("extension", "archive", lambda: registry.remove("archive"))
        left = await ledger.dispose()

    :param owner: the plugin's id.
    :param package: the name that its code is imported under.
    """

    def __init__(self, owner: str, package: str) -> None:
        self.owner = owner
        self._origin = Origin(package)
        self._mark = _Mark(owner)
        self._traces: list[Trace] = []
        self._loops: WeakSet[asyncio.AbstractEventLoop] = WeakSet()
        self._lock = threading.Lock()
        self._size = -1
        self._suspect = False

    def __repr__(self) -> str:
        return f"<Ledger of {self.owner}: {len(self._traces)} traces>"

    # -- writing down --------------------------------------------------------------

    def watching(self) -> _Window:
        """Return the context in which the plugin's code runs: import, construction, hooks.

        May be entered anywhere and by several at once, also around an ``await``.
        Tasks and threads that are started inside are the plugin's, for as long as
        they live.
        """
        BASELINE.take()
        return _Window(self)

    def own(self, what: str, name: str, dispose: Callable[[], Any]) -> None:
        """Write down what the host registered for the plugin.

        :param dispose: undoes it; may be async.
        """
        self.enter(_Owned(what, name, dispose))

    def enter(self, trace: Trace) -> None:
        """Take a trace into account; what is changed again or taken back has one trace still."""
        with self._lock:
            if not any(known.take_over(trace) for known in self._traces):
                self._traces.append(trace)

    def settle(self) -> None:
        """Drop the traces of which nothing is left."""
        with self._lock:
            gone = [trace for trace in self._traces if trace.is_gone()]
            for trace in gone:
                self._traces.remove(trace)
                trace.forget()

    def made(self, obj: Any) -> bool:
        """Return whether this generation's code made an object."""
        self._origin.claim()
        return self._origin.made(obj)

    def _note_loop(self) -> None:
        loop = asyncio._get_running_loop()
        if loop is not None:
            self._loops.add(loop)

    # -- what runs -----------------------------------------------------------------

    def tasks(self) -> set[asyncio.Task[Any]]:
        """Return the unfinished tasks that are the plugin's own.

        Those started by its code while it was watched, and those that nobody waits
        for and whose code is the plugin's. A call that the host awaits is not.
        """
        self._note_loop()
        return tasks_of(self._loops, self._is_mine)

    def started(self) -> set[asyncio.Task[Any]]:
        """Return the unfinished tasks that its code started while it was watched.

        Any other task that runs its code may be a call that the host has made.
        """
        self._note_loop()
        return tasks_of(self._loops, lambda task: is_marked(task, _MARK, self._mark))

    def threads(self) -> list[threading.Thread]:
        """Return the living threads that are the plugin's own."""
        known = {id(t.thread): t.thread for t in self._traces if isinstance(t, Running)}
        for thread in threading.enumerate():
            if self.made(getattr(thread, "_target", None) or thread):
                known[id(thread)] = thread
        return [thread for thread in known.values() if thread is not None and thread.is_alive()]

    def _is_mine(self, task: asyncio.Task[Any]) -> bool | None:
        """Return whether a task is the plugin's; None if it is where nobody awaits it."""
        if is_marked(task, _MARK, self._mark):
            return True
        return None if self.made(task.get_coro()) else False

    # -- giving back ---------------------------------------------------------------

    async def dispose(
        self, timeout: float = 5.0, *, heir: Ledger | None = None, thorough: bool = True
    ) -> list[Left]:
        """Undo everything, the last first; return what the plugin had left, and what stays.

        What the host wrote down is not named where it could be undone. Called again,
        it has nothing to do.

        :param timeout: seconds for all of it together.
        :param heir: the ledger of the next generation: what nothing ties to this one
            (a variable of the environment, an entry of ``sys.path``) passes to it, since
            code that looks before it sets has not set it again.
        :param thorough: look for patches in every module of the process, which takes
            milliseconds; else in those that the plugin's own modules have a name for.
        """
        clock = asyncio.get_running_loop().time
        until = clock() + timeout
        for trace in self._found(thorough):
            self.enter(trace)
        left = await end_tasks(self.tasks(), timeout)
        with self._lock:
            traces, self._traces = self._traces, []
        threads = [trace for trace in traces if isinstance(trace, Running)]
        for trace in reversed(traces):
            if isinstance(trace, Running):
                continue
            outcome = await self._undo(trace, heir, max(0.0, until - clock()))
            if outcome is not None:
                left.append(outcome)
        if heir is not None:
            self._unchain(heir)
        left += await end_threads(threads, min(GRACE, until - clock()))
        self._origin.release()
        return left

    async def _undo(self, trace: Trace, heir: Ledger | None, limit: float) -> Left | None:
        if isinstance(trace, _Owned):
            return await _disposed(trace, limit)
        trace.shared -= 1
        if trace.shared > 0:  # others may have made it, and still live
            return None
        if not trace.stands():
            trace.forget()
            if heir is not None and not isinstance(trace, Slot):
                heir._forget_opposite(trace)
            return None
        if heir is not None and not self.made(trace.subject) and not heir._has(trace):
            trace.shared += 1
            heir.enter(trace)
            return None
        detail = trace.detail
        try:
            trace.undo()
        except CannotUndo as error:
            return Left(trace.what, trace.name, str(error), undone=False)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            return Left(trace.what, trace.name, reason, undone=False)
        return Left(trace.what, trace.name, detail, undone=not trace.stands())

    def _has(self, trace: Trace) -> bool:
        return any(
            (each.what, each.name) == (trace.what, trace.name) for each in self._traces.copy()
        )

    def _forget_opposite(self, trace: Trace) -> None:
        """Drop the trace of what took another generation's change back: it is to stay so."""
        with self._lock:
            self._traces = [each for each in self._traces if not trace.take_over(each)]

    def _found(self, thorough: bool) -> Iterable[Trace]:
        """Return what its code changed while nobody watched, by what it made."""
        known = {id(trace.subject) for trace in self._traces if not isinstance(trace, _Owned)}
        made = self._origin.made
        for function in at_exit():
            if id(function) not in known and made(function):
                yield AtExit(function)
        for what, member in attached():
            if id(member) not in known and made(member):
                known.add(id(member))
                yield Handler(what, member)
        for thread in self.threads():
            if not any(isinstance(t, Running) and t.thread is thread for t in self._traces):
                yield Running(thread)
        yield from handles_of(loops_known(self._loops), made)
        if thorough or self._may_patch():
            yield from self._patches(thorough)

    def _may_patch(self) -> bool:
        """Return whether its code may have replaced a function of somebody else's."""
        if len(sys.modules) != self._size:
            self._size = len(sys.modules)
            loaders = [getattr(m.__spec__, "loader", None) for m in self._origin.modules()]
            self._suspect = any(getattr(loader, "may_patch", True) for loader in loaders)
        return self._suspect

    def _note_patches(self) -> None:
        """Enter what its code has replaced by now, so that the next one's covers it."""
        if self._may_patch():
            for trace in self._patches(thorough=False):
                if isinstance(trace, Patch):
                    self.enter(trace)

    def _patches(self, thorough: bool) -> Iterable[Trace]:
        known = {trace.place.key: trace for trace in self._traces if isinstance(trace, Slot)}
        for trace in patches(self._origin, thorough=thorough):
            slot = known.get(trace.place.key)
            if slot is None:
                yield trace
            else:  # the same, or what its own code has put there since
                slot.value = trace.subject
                trace.forget()

    def _unchain(self, heir: Ledger) -> None:
        """Let the next generation's replacements call the originals, and not this one's."""
        heir._note_patches()
        slots = [trace for trace in heir._traces.copy() if isinstance(trace, Slot)]
        slots = [slot for slot in slots if callable(slot.previous)]
        for slot in slots:
            alone = len(slots) == 1
            relink(slot.value, self._origin, heir._origin, slot.previous, alone=alone)


async def _disposed(owned: _Owned, limit: float) -> Left | None:
    from .hooks import Late, bounded

    try:
        value = owned.dispose()
        if inspect.isawaitable(value):

            async def finish() -> None:
                await value

            await bounded(finish, limit=limit)
    except Late:
        return Left(owned.what, owned.name, "undoing it did not end in time", undone=False)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        return Left(owned.what, owned.name, reason, undone=False)
    return None
