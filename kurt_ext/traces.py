"""What code changes in the process around it: noticed, and taken back.

Two kinds of places. A *slot* holds one value (the handler of a signal, a variable
of the environment, an attribute of a module); who sets it covers what another had
set before. A *collection* holds members (handlers of loggers, entries of
``sys.path``, callbacks at exit). A trace is one such change. It is taken back only
where it still stands: what somebody else has put there since stays.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
import threading
import warnings
from _signal import getsignal  # type: ignore[import-not-found]  # signal's makes an enum of each
from collections.abc import Callable
from signal import signal, valid_signals
from typing import Any
from weakref import ref

from .origins import label, place

__all__ = [
    "HOOKS",
    "LISTS",
    "MISSING",
    "SIGNALS",
    "AtExit",
    "CannotUndo",
    "Handler",
    "Member",
    "Place",
    "Running",
    "Slot",
    "Trace",
    "at_exit",
    "attribute_place",
    "loggers",
    "slot",
]


class _Missing:
    def __repr__(self) -> str:
        return "nothing"


#: The value of a slot that holds none.
MISSING = _Missing()


class CannotUndo(Exception):
    """A trace still stands and cannot be taken back; the text says why."""


class Trace:
    """One change; ``what`` kind it is, and its ``name``."""

    __slots__ = ("name", "shared", "what")

    def __init__(self, what: str, name: str) -> None:
        self.what = what
        self.name = name
        #: How many may have made the change; the last of them takes it back.
        self.shared = 1

    @property
    def subject(self) -> Any:
        """The object that tells whose change it is."""
        raise NotImplementedError

    @property
    def detail(self) -> str:
        """Say more of it: where its code was written, for instance."""
        return place(self.subject) or ""

    def stands(self) -> bool:
        """Return whether the change is still there."""
        raise NotImplementedError

    def is_gone(self) -> bool:
        """Return whether there is nothing left of it that could come back."""
        return not self.stands()

    def forget(self) -> None:
        """Keep no count of it any more, whether it stands or not."""

    def undo(self) -> None:
        """Take it back, where it still stands.

        :raises CannotUndo: with the reason.
        """
        raise NotImplementedError


# -- slots ---------------------------------------------------------------------


class Place:
    """A place that holds one value; ``key`` is what tells it from others."""

    __slots__ = ("key", "name", "read", "what", "write")

    def __init__(
        self,
        what: str,
        name: str,
        read: Callable[[], Any],
        write: Callable[[Any], None],
        key: Any = None,
    ) -> None:
        self.what = what
        self.name = name
        self.read = read
        self.write = write
        self.key = (what, name) if key is None else key


#: Place → the values that were set there and still belong to somebody, oldest first.
_COVERS: dict[Any, list[Slot]] = {}
_LOCK = threading.RLock()


class Slot(Trace):
    """A value that was put in the place of another; made by :func:`slot`."""

    __slots__ = ("place", "previous", "value")

    def __init__(self, where: Place, previous: Any, value: Any) -> None:
        super().__init__(where.what, where.name)
        self.place = where
        self.previous = previous
        self.value = value

    @property
    def subject(self) -> Any:
        """The value; of a handle of an event loop, its callback."""
        return getattr(self.value, "_callback", self.value)

    def stands(self) -> bool:
        """Return whether the value is there, or covered by another that will give it back."""
        return _is(self.place.read(), self.value) or self._above() is not None

    def _above(self) -> Slot | None:
        covers = _COVERS.get(self.place.key, ())
        return next((each for each in covers if _is(each.previous, self.value)), None)

    def undo(self) -> None:
        """Put the value back that was there before; a later one will give that back then."""
        with _LOCK:
            above = self._above()
            try:
                if above is not None:
                    above.previous = self.previous
                elif _is(self.place.read(), self.value):
                    self.place.write(self.previous)
            finally:
                self.forget()

    def forget(self) -> None:
        """Keep no count of it any more, whether it stands or not."""
        with _LOCK:
            covers = _COVERS.get(self.place.key, [])
            if self in covers:
                covers.remove(self)
            if not covers:
                _COVERS.pop(self.place.key, None)


def slot(where: Place, previous: Any, value: Any) -> Slot:
    """Return the trace of a value that was put in the place of ``previous``."""
    trace = Slot(where, previous, value)
    with _LOCK:
        _COVERS.setdefault(where.key, []).append(trace)
    return trace


def _is(one: Any, other: Any) -> bool:
    # Text of the environment is a new object each time.
    return one is other or (isinstance(one, (str, bytes, int)) and one == other)


def signal_place(number: int) -> Place:
    """Return the place of a signal's handler."""

    def write(handler: Any) -> None:
        if handler is None:
            raise CannotUndo("the handler before it was not set by Python")
        if threading.current_thread() is not threading.main_thread():
            raise CannotUndo("only the main thread can set a handler")
        signal(number, handler)

    return Place("signal handler", _signal_name(number), lambda: getsignal(number), write, number)


def _signal_name(number: int) -> str:
    from signal import Signals

    try:
        return Signals(number).name
    except ValueError:
        return f"signal {number}"


def loop_signal_place(loop: ref[Any], number: int) -> Place:
    """Return the place of a signal's handler on an event loop.

    Taking the last one away leaves the process's own handler as it is: that is
    a place by itself.
    """

    def handlers() -> dict[int, Any]:
        return getattr(loop(), "_signal_handlers", None) or {}

    def write(handle: Any) -> None:
        held = loop()
        if handle is not MISSING:
            handlers()[number] = handle
        elif held is not None and not held.is_closed():
            process = getsignal(number)
            held.remove_signal_handler(number)
            signal(number, process)

    name = _signal_name(number)
    return Place(
        "signal handler of the event loop",
        name,
        lambda: handlers().get(number, MISSING),
        write,
        (id(loop), number),
    )


def environ_place(key: Any) -> Place:
    """Return the place of a variable of the environment, by its key in ``os.environ._data``."""
    name: str = os.environ.decodekey(key)

    def read() -> Any:
        return os.environ.get(name, MISSING)

    def write(value: Any) -> None:
        if value is MISSING:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value

    return Place("environment variable", name, read, write)


def attribute_place(holder: Any, attribute: str, name: str, what: str = "attribute") -> Place:
    """Return the place of an attribute in the namespace of a module or a class."""

    def read() -> Any:
        return vars(holder).get(attribute, MISSING)

    def write(value: Any) -> None:
        try:
            if value is MISSING:
                delattr(holder, attribute)
            else:
                setattr(holder, attribute, value)
        except (AttributeError, TypeError) as error:
            raise CannotUndo(str(error)) from error

    return Place(what, name, read, write, (id(holder), attribute))


#: The hooks of the interpreter, by module and attribute.
HOOKS = (
    (sys, "excepthook"),
    (sys, "unraisablehook"),
    (sys, "displayhook"),
    (threading, "excepthook"),
)
SIGNALS = tuple(sorted(valid_signals()))


def hook_place(number: int) -> Place:
    """Return the place of one of :data:`HOOKS`."""
    module, attribute = HOOKS[number]
    return attribute_place(module, attribute, f"{module.__name__}.{attribute}", "hook")


# -- collections ------------------------------------------------------------------


class Member(Trace):
    """A member that was added to a list of the interpreter, or taken from it.

    :param index: where it is or was.
    """

    __slots__ = ("added", "index", "member", "members")

    def __init__(
        self, what: str, members: Callable[[], list[Any]], member: Any, index: int, added: bool
    ) -> None:
        text = member if isinstance(member, str) else _described(member)
        super().__init__(what, text if added else f"{text} (taken away)")
        self.members = members
        self.member = member
        self.index = index
        self.added = added

    @property
    def subject(self) -> Any:
        """The member; of a filter of warnings, its category."""
        return self.member[2] if isinstance(self.member, tuple) else self.member

    def stands(self) -> bool:
        """Return whether it is still there, or still missing."""
        return any(each is self.member for each in self.members()) == self.added

    def undo(self) -> None:
        """Take the member away, that very object and no equal one, or put it back."""
        if not self.stands():
            return
        members = self.members()
        if self.added:
            at = next(i for i, each in enumerate(members) if each is self.member)
            del members[at]
        else:
            members.insert(self.index, self.member)
        if members is warnings.filters:
            warnings._filters_mutated()  # type: ignore[attr-defined]


def _described(member: Any) -> str:
    if isinstance(member, tuple):  # a filter of warnings
        action, text, category, *_ = member
        pattern = f" {text.pattern!r}" if hasattr(text, "pattern") else ""
        return f"{action} {getattr(category, '__name__', category)}{pattern}"
    return label(member)


#: The lists of the interpreter that code adds to: what a member is called, and the list.
LISTS: tuple[tuple[str, Callable[[], Any]], ...] = (
    ("sys.path entry", lambda: sys.path),
    ("sys.meta_path finder", lambda: sys.meta_path),
    ("sys.path_hooks entry", lambda: sys.path_hooks),
    ("warnings filter", lambda: warnings.filters),
    ("gc callback", lambda: gc.callbacks),
)


def loggers() -> dict[str, Any]:
    """Return the loggers of the process by name, ``root`` among them."""
    logging = sys.modules.get("logging")
    if logging is None:
        return {}
    found = {
        name: logger
        for name, logger in logging.root.manager.loggerDict.copy().items()
        if isinstance(logger, logging.Logger)
    }
    return {**found, "root": logging.root}


class Handler(Trace):
    """A handler or a filter that was attached to a logger, or a filter to a handler."""

    __slots__ = ("_kept",)

    def __init__(self, what: str, handler: Any, name: str = "") -> None:
        super().__init__(what, name or label(handler))
        self._kept = ref(handler)

    @property
    def subject(self) -> Any:
        """The handler or filter; None when nobody holds it any more."""
        return self._kept()

    def _holders(self) -> list[tuple[str, list[Any]]]:
        handler = self.subject
        if handler is None:
            return []
        return [
            (name, members)
            for name, logger in loggers().items()
            for members in (logger.handlers, logger.filters, *(h.filters for h in logger.handlers))
            if any(each is handler for each in members)
        ]

    @property
    def detail(self) -> str:
        """Which loggers have it."""
        return ", ".join(f"on {name}" for name, _ in self._holders())

    def stands(self) -> bool:
        """Return whether a logger has it."""
        return bool(self._holders())

    def is_gone(self) -> bool:
        """Return whether nobody holds it: what is held may be attached again."""
        return self.subject is None

    def undo(self) -> None:
        """Take it from every logger; a handler is closed then."""
        holders = self._holders()
        handler = self.subject
        for _, members in holders:
            members[:] = [each for each in members if each is not handler]
        close = getattr(handler, "close", None)
        if holders and callable(close):
            close()


class AtExit(Trace):
    """A function that is to be called when the interpreter exits."""

    __slots__ = ("function",)

    def __init__(self, function: Any) -> None:
        super().__init__("atexit callback", label(function))
        self.function = function

    @property
    def subject(self) -> Any:
        """The function."""
        return self.function

    def stands(self) -> bool:
        """Return whether it would still be called."""
        return any(each is self.function or each == self.function for each in at_exit())

    def undo(self) -> None:
        """Call it no longer; it is not called now either."""
        atexit.unregister(self.function)


class _Probe:
    """Equal to nothing, and remembers what it was compared with."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def __eq__(self, other: object) -> bool:
        self.seen.append(other)
        return False


class Running(Trace):
    """A thread that was started."""

    __slots__ = ("_kept",)

    def __init__(self, thread: threading.Thread) -> None:
        super().__init__("thread", thread.name)
        self._kept = ref(thread)

    @property
    def thread(self) -> threading.Thread | None:
        """The thread; None when it is over and nobody holds it."""
        return self._kept()

    @property
    def subject(self) -> Any:
        """What it runs: its function, or itself where its class does."""
        return getattr(self.thread, "_target", None) or self.thread

    @property
    def detail(self) -> str:
        """Where it is at the moment."""
        thread = self.thread
        frame = sys._current_frames().get(thread.ident or 0) if thread is not None else None
        return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else ""

    def stands(self) -> bool:
        """Return whether it runs."""
        return self.thread is not None and self.thread.is_alive()

    def undo(self) -> None:
        """Cancel a timer; no other thread can be ended from outside.

        :raises CannotUndo: when it runs.
        """
        thread = self.thread
        if isinstance(thread, threading.Timer):
            thread.cancel()
        elif thread is not None and thread.is_alive():
            end = "ends with the process" if thread.daemon else "keeps the process from ending"
            raise CannotUndo(f"a thread cannot be stopped from outside; it {end}")


def at_exit() -> list[Any]:
    """Return the functions that are to be called at exit, in the order of registration.

    ``atexit`` shows them to nobody but to the ``__eq__`` of what it is to unregister.
    """
    probe = _Probe()
    atexit.unregister(probe)  # type: ignore[arg-type]
    return probe.seen
