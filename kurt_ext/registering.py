"""Where a decorator puts what it decorates: the manager that is loading, and none else.

While a manager imports the code of a skill it holds a :class:`Registrar` in
:data:`LOADING`, a context variable: two managers that load at one time, in two
threads, never see each other's objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
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
    """What was registered with one manager, by namespace and name."""

    __slots__ = ("_rows",)

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], list[Registered]] = {}

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
        rows = self._rows.setdefault((row.namespace, row.name), [])
        rows[:] = [old for old in rows if old.skill != row.skill]
        rows.append(row)

    def find(self, name: str, *, namespace: str | None = None) -> list[Registered]:
        """Return the rows of a name, in any namespace or in one."""
        return [
            row
            for (group, known), rows in self._rows.items()
            if known == name and namespace in (None, group)
            for row in rows
        ]

    def rows_of(self, skill: str) -> list[Registered]:
        """Return everything that a skill registered."""
        return [row for row in self if row.skill == skill]

    def put_back(self, skill: str, rows: Iterable[Registered]) -> None:
        """Let ``rows``, and nothing else, be what a skill registered."""
        self.drop(skill)
        for row in rows:
            self.replace(row)

    def drop(self, skill: str) -> None:
        """Forget everything that a skill registered."""
        for rows in self._rows.values():
            rows[:] = [row for row in rows if row.skill != skill]

    def __iter__(self) -> Iterator[Registered]:
        return iter([row for rows in self._rows.values() for row in rows])


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
