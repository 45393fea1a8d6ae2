"""What a resolution works on: releases of plugins, and what each of them needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

__all__ = ["Asked", "Available", "Need", "Offered", "Release", "Wanted", "line", "release"]


class Asked(Protocol):
    """What :class:`PluginDependency` and :class:`Need` have in common."""

    @property
    def plugin_id(self) -> str:
        """Its id."""
        ...

    @property
    def version_constraint(self) -> str:
        """The versions that will do."""
        ...

    @property
    def optional(self) -> bool:
        """Whether it may be absent."""
        ...


class Offered(Protocol):
    """What :class:`PluginMetadata` and :class:`Release` have in common."""

    @property
    def plugin_id(self) -> str:
        """Its id."""
        ...

    @property
    def version(self) -> str:
        """SemVer."""
        ...

    @property
    def dependencies(self) -> Sequence[Asked]:
        """What it needs."""
        ...


#: One version of a plugin; a pair (id, version) needs nothing.
Available = Offered | tuple[str, str]
#: A need, a pair (id, constraint), or one version of a plugin, which is then given.
Wanted = Asked | Offered | tuple[str, str]


class Need(NamedTuple):
    """Another plugin that a release needs."""

    plugin_id: str
    version_constraint: str = "*"
    optional: bool = False


class Release:
    """One version of a plugin, as light as it can be, so that thousands cost little.

    :param plugin_id: its id.
    :param version: SemVer; looked at when a resolution comes to it.
    :param dependencies: what it needs.
    :ivar line: all of that as one line; equal lines are equal releases.
    """

    __slots__ = ("dependencies", "line", "plugin_id", "version")

    def __init__(self, plugin_id: str, version: str, dependencies: Iterable[Asked] = ()) -> None:
        self.plugin_id = plugin_id
        self.version = version
        rows = [(one.plugin_id, one.version_constraint, one.optional) for one in dependencies]
        rows.sort()
        self.dependencies = tuple([Need(*row) for row in rows])
        self.line = line(plugin_id, version, rows)

    def __repr__(self) -> str:
        return f"Release({self.plugin_id!r}, {self.version!r}, {self.dependencies!r})"

    def __str__(self) -> str:
        return f"{self.plugin_id} {self.version}"


def line(plugin_id: str, version: str, rows: Iterable[tuple[str, str, bool]]) -> str:
    """Return a release in one line, by tabs, the optional needs marked with ``?``.

    A tab or a line end within a text would make two releases alike: then it is a ``repr``,
    which has neither.
    """
    fields = [plugin_id, version]
    for name, constraint, optional in rows:
        fields += ("?" + name if optional else "!" + name, constraint)
    text = "\t".join(fields)
    if text.count("\t") == len(fields) - 1 and "\n" not in text:
        return text
    return repr(fields)


def release(item: Available) -> Release:
    """Return one version of a plugin, in whatever form it comes, as a :class:`Release`."""
    if isinstance(item, Release):
        return item
    if isinstance(item, tuple):
        return Release(*item)
    return Release(item.plugin_id, item.version, item.dependencies)
