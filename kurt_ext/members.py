"""What code adds to the collections of the process: traces of members, to be taken back.

Entries of ``sys.path`` and the like, handlers of loggers, callbacks at exit, threads.
"""

from __future__ import annotations

import atexit
import gc
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any
from weakref import ref

from .origins import label
from .traces import CannotUndo, Trace

__all__ = ["LISTS", "AtExit", "Handler", "Member", "Running", "at_exit", "attached", "loggers"]


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

    def take_over(self, later: Trace) -> bool:
        """Tell of nothing any more, where the later change takes this one back."""
        if not isinstance(later, Member) or later.member is not self.member:
            return False
        return later.added != self.added and later.what == self.what

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

    def take_over(self, later: Trace) -> bool:
        """Tell of its removal too."""
        return isinstance(later, Member) and not later.added and later.member is self.subject

    def undo(self) -> None:
        """Take it from every logger; a handler is closed then."""
        holders = self._holders()
        handler = self.subject
        for _, members in holders:
            members[:] = [each for each in members if each is not handler]
        close = getattr(handler, "close", None)
        if holders and callable(close):
            close()


def attached() -> Iterator[tuple[str, Any]]:
    """Yield each handler and filter that a logger has, and what it is called."""
    for logger in loggers().values():
        for handler in logger.handlers:
            yield "logging handler", handler
            for each in handler.filters:
                yield "logging filter", each
        for each in logger.filters:
            yield "logging filter", each


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
