"""Where a decorator puts what it decorates: the manager that is loading, and none else.

While a manager imports the code of a skill it holds a :class:`Registrar` in
:data:`LOADING`, a context variable: two managers that load at one time, in two
threads, never see each other's objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from typing import Any, NamedTuple

from .errors import ConflictError, UsageError

__all__ = ["LOADING", "Registered", "Registrar", "Registry"]


class Registered(NamedTuple):
    """One object that a decorator or a register function handed in."""

    namespace: str
    name: str
    skill: str
    obj: Any


class Registry:
    """What was registered with one manager, by namespace and name.

    One thread may look while another registers: what is there is never changed in place.
    """

    __slots__ = ("_lock", "_rows")

    def __init__(self) -> None:
        self._lock = Lock()
        self._rows: dict[tuple[str, str], tuple[Registered, ...]] = {}

    def add(self, row: Registered) -> None:
        """Add a row; a definition that is made anew, as in a notebook, replaces its old self.

        :raises ConflictError: when something else of the same skill has the name.
        """
        for old in self.find(row.name, namespace=row.namespace):
            same = old.obj is row.obj or _definition(old.obj) == _definition(row.obj) != ("", "")
            if old.skill == row.skill and not same:
                raise _conflict(old, row)
        self.replace(row)

    def replace(self, row: Registered) -> None:
        """Add a row, or replace the one of the same skill and name."""
        with self._lock:
            _enter(self._rows, row)

    def find(self, name: str, *, namespace: str | None = None) -> list[Registered]:
        """Return the rows of a name, in any namespace or in one."""
        return [
            row
            for (group, known), rows in self._rows.copy().items()
            if known == name and namespace in (None, group)
            for row in rows
        ]

    def rows_of(self, skill: str) -> list[Registered]:
        """Return everything that a skill registered."""
        return [row for row in self if row.skill == skill]

    def put_back(self, skill: str, rows: Iterable[Registered]) -> None:
        """Let ``rows``, and nothing else, be what a skill registered."""
        with self._lock:
            made = {
                key: tuple([row for row in old if row.skill != skill])
                for key, old in self._rows.items()
            }
            for row in rows:
                _enter(made, row)
            self._rows = made

    def drop(self, skill: str) -> None:
        """Forget everything that a skill registered."""
        self.put_back(skill, ())

    def __iter__(self) -> Iterator[Registered]:
        return iter([row for rows in self._rows.copy().values() for row in rows])


def _enter(rows: dict[tuple[str, str], tuple[Registered, ...]], row: Registered) -> None:
    """Put a row in the place of the one of the same skill and name."""
    key = (row.namespace, row.name)
    rows[key] = (*[old for old in rows.get(key, ()) if old.skill != row.skill], row)


class Registrar:
    """Collects what one skill registers while it is loaded, and hands it over on success only."""

    __slots__ = ("_registry", "_rows", "skill")

    def __init__(self, registry: Registry, skill: str) -> None:
        self._registry = registry
        self._rows: list[Registered] = []
        self.skill = skill

    def add(self, namespace: str, name: str, obj: Any) -> None:
        """Note an object under a name.

        :raises UsageError: when the name is empty or not text.
        :raises ConflictError: when the skill has registered something else under it.
        """
        if not isinstance(name, str) or not name:
            raise UsageError(
                f"{obj!r} cannot be registered without a name",
                hint='set its class attribute `name = "…"`',
                skill=self.skill,
            )
        row = Registered(namespace, name, self.skill, obj)
        for old in self._rows:
            if (old.namespace, old.name) == (namespace, name) and old.obj is not obj:
                raise _conflict(old, row)
        self._rows.append(row)

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Take what is registered in this thread and task meanwhile."""
        token = LOADING.set(self)
        try:
            yield
        finally:
            LOADING.reset(token)
        # Reached only without an exception: half a skill registers nothing.
        for row in self._rows:
            self._registry.replace(row)


def _conflict(old: Registered, new: Registered) -> ConflictError:
    return ConflictError(
        f"{new.skill} registers {new.name} twice",
        cause=f"as {_told(old.obj)} and as {_told(new.obj)}",
        hint="give one of them another name",
        skill=new.skill,
    )


def _definition(obj: Any) -> tuple[str, str]:
    name = getattr(obj, "__qualname__", "")
    return (getattr(obj, "__module__", ""), name) if name else ("", "")


def _told(obj: Any) -> str:
    return ".".join(_definition(obj)).strip(".") or repr(obj)


#: The registrar of the load that is under way here; None outside a load.
LOADING: ContextVar[Registrar | None] = ContextVar("kurt_ext_loading", default=None)
