"""What code changes in the process around it: one trace each, to be taken back.

A trace is taken back only where it still stands: what somebody else has put there
since stays. Here are the places that hold one value: the handler of a signal, a
variable of the environment, an attribute of a module. Who sets it covers what was set
before; where two have done so and the first one goes, the second gives back what the
first had found.
"""

from __future__ import annotations

import os
import sys
import threading
from _signal import getsignal  # type: ignore[import-not-found]  # signal's makes an enum of each
from collections.abc import Callable
from dataclasses import dataclass
from signal import signal, valid_signals
from typing import Any
from weakref import ref

from .origins import place

__all__ = [
    "HOOKS",
    "MISSING",
    "SIGNALS",
    "CannotUndo",
    "Left",
    "Place",
    "Slot",
    "Trace",
    "attribute_place",
    "covered",
    "environ_place",
    "hook_place",
    "loop_signal_place",
    "signal_place",
]


class _Missing:
    def __repr__(self) -> str:
        return "nothing"


#: The value of a slot that holds none.
MISSING = _Missing()


class CannotUndo(Exception):
    """A trace still stands and cannot be taken back; the text says why."""


@dataclass(frozen=True, slots=True)
class Left:
    """Something that a plugin left behind, or that could not be undone.

    :param what: what kind of thing: ``task``, ``thread``, ``logging handler`` …
    :param name: its name, as a person knows it.
    :param detail: where it is, or why it could not be undone.
    :param undone: whether nothing of it is left now.
    """

    what: str
    name: str
    detail: str = ""
    undone: bool = True

    def __str__(self) -> str:
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.what} {self.name}{detail}"


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

    def take_over(self, later: Trace) -> bool:
        """Return whether a later change by the same maker is told by this trace from now on."""
        return False

    def forget(self) -> None:
        """Keep no count of it any more, whether it stands or not."""

    def undo(self) -> None:
        """Take it back, where it still stands.

        :raises CannotUndo: with the reason.
        """
        raise NotImplementedError


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
    """A value that was put in the place of another."""

    __slots__ = ("place", "previous", "value")

    def __init__(self, where: Place, previous: Any, value: Any) -> None:
        super().__init__(where.what, where.name)
        self.place = where
        self.previous = previous
        self.value = value
        with _LOCK:
            _COVERS.setdefault(where.key, []).append(self)

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

    def take_over(self, later: Trace) -> bool:
        """Be the trace of a later change of the same place too."""
        if not isinstance(later, Slot) or later.place.key != self.place.key:
            return False
        if self.shared > 1 or later.shared > 1:  # each by another maker, perhaps
            return False
        self.value = later.value
        later.forget()
        return True

    def is_gone(self) -> bool:
        """Return whether it was taken back, by whomever."""
        return not self.stands() or _is(self.value, self.previous)

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


def covered(where: Place, original: Any) -> Any:
    """Return the value that was set last in a place and belongs to somebody, or the original."""
    with _LOCK:
        covers = _COVERS.get(where.key)
        return covers[-1].value if covers else original


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
