"""What the permissions of a manifest allow: one answer for who judges, who shows and who enforces.

Each list has entries; an entry covers a target, or it does not. Whatever is no valid entry covers
nothing. `grant_hosts`, `grant_paths`, `grant_programs` and `grant_services` hold the rules of one
list each; docs/permissions.md tells them to users.
"""

from __future__ import annotations

import os

from . import grant_hosts, grant_paths, grant_programs, grant_services

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

__all__ = ["LISTS", "NATIVE", "Grants", "narrow", "union", "widening"]

#: The lists of a manifest, in its order, and how an entry of each reads.
LISTS = {
    "filesystem_read": "read {}",
    "filesystem_write": "write and read {}",
    "network_hosts": "talk to {}",
    "external_apis": "use the service {}",
    "environment_variables": "read the environment variable {}",
    "system_resources": "use {}",
    "processes": "start {}",
}
NATIVE = "native_code"
_READ, _WRITE, _HOSTS, _APIS = tuple(LISTS)[:4]
_FILES = (_READ, _WRITE)
_WIDE = {
    "network_hosts": "talk to every host",
    "environment_variables": "read the whole environment",
    "processes": "start every program",
    "system_resources": "use every resource of the system",
    "external_apis": "use every external service",
}
UNKNOWN = "…"


class Grants:
    """What a skill may do, by its permissions.

    :param lists: name of a list → its entries; what is missing is empty.
    :param native: whether native code is allowed.
    :param windows: compare variables without case, as Windows does.
    """

    __slots__ = ("_parsed", "lists", "native", "windows")

    def __init__(
        self,
        lists: Mapping[str, Iterable[str]] | None = None,
        native: bool = False,
        *,
        windows: bool = os.name == "nt",
    ) -> None:
        given = lists or {}
        self.lists = {key: tuple(dict.fromkeys(given.get(key) or ())) for key in LISTS}
        self.native = native
        self.windows = windows
        self._parsed: dict[tuple[str, str | None, str | None], list[Any]] = {}

    @classmethod
    def of(cls, permissions: Mapping[str, Any], *, windows: bool = os.name == "nt") -> Grants:
        """Return what the ``permissions`` of a record allow; what is no list of texts is ignored.

        >>> Grants.of({"network_hosts": ["*.example.com"]}).covers(
        ...     "network_hosts", "https://api.example.com/v1"
        ... )
        True
        """
        lists = {
            key: [entry for entry in value if isinstance(entry, str)]
            for key, value in permissions.items()
            if key in LISTS and isinstance(value, (list, tuple))
        }
        return cls(lists, permissions.get(NATIVE) is True, windows=windows)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Grants):
            return NotImplemented
        return (self.lists, self.native, self.windows) == (
            other.lists,
            other.native,
            other.windows,
        )

    def __hash__(self) -> int:
        return hash((tuple(self.lists.items()), self.native, self.windows))

    def __repr__(self) -> str:
        shown = {key: list(entries) for key, entries in self.lists.items() if entries}
        return f"Grants({shown}, native={self.native})"

    def as_dict(self) -> dict[str, Any]:
        """Return the permissions as a manifest's record has them."""
        return {**{key: list(entries) for key, entries in self.lists.items()}, NATIVE: self.native}

    def entries(self, key: str) -> tuple[str, ...]:
        """Return the entries that count for a list, those of others that imply some included.

        What may be written may be read; a service of the table may be reached at its hosts.
        """
        if key == _READ:
            return tuple(dict.fromkeys((*self.lists[_READ], *self.lists[_WRITE])))
        if key == _HOSTS and self.lists[_APIS]:
            found = list(self.lists[_HOSTS])
            for name in self.lists[_APIS]:
                known = grant_services.service(name)
                if known is not None:
                    found += grant_services.SERVICES[known][1]
            return tuple(dict.fromkeys(found))
        return self.lists.get(key, ())

    def declares(self, key: str) -> bool:
        """Return whether anything at all is allowed by a list, or by ``native_code``."""
        return self.native if key == NATIVE else bool(self.entries(key))

    def covers(
        self, key: str, target: str, *, folder: str | None = None, home: str | None = None
    ) -> bool:
        """Return whether a list allows something.

        A text with ``…`` in it, which stands for a part that nobody knows, is covered where
        something could stand there so that it is; so is "" where the list has an entry.

        :param target: a host or URL, a path, a variable, a program or a command line, a service
            or the dotted name of something in a package that speaks for one.
        :param folder: the skill's own folder, for paths into it that are absolute.
        :param home: the user's home, in the same way.
        :raises KeyError: for a list that there is not.
        """
        if key == NATIVE:
            return self.native
        if key not in LISTS:
            raise KeyError(key)
        if key in _FILES and _needs_none(key, target, folder, home):
            return True
        if not target:
            return self.declares(key)
        entries = self._entries(key, folder, home)
        if key == "processes":
            return _starts(entries, target)
        return any(self._covers(key, entry, target, folder, home) for entry in entries)

    def why_not(
        self, key: str, target: str, *, folder: str | None = None, home: str | None = None
    ) -> str:
        """Return in a sentence why a list does not allow something; "" where it does."""
        if self.covers(key, target, folder=folder, home=home):
            return ""
        if key == NATIVE:
            return "native_code is not true"
        if not self.declares(key):
            return f"{key} is empty"
        near = self.nearest(key, target)
        return f"{key} does not cover {target}" + (f"; the nearest entry is {near}" if near else "")

    def nearest(self, key: str, target: str) -> str | None:
        """Return the entry of a list that looks most like a target; None where none does."""
        from .names import suggest

        if key == _HOSTS:
            host = grant_hosts.parse(target)
            target = str(host) if host is not None else target
        found = suggest(target, self.lists[key])
        return found[0] if found else None

    def in_words(self) -> list[str]:
        """Return a plain sentence for each thing that is allowed, without its full stop."""
        lines = []
        for key, phrase in LISTS.items():
            for entry in self.lists[key]:
                if entry.strip() == "*" and key in _WIDE:
                    lines.append(_WIDE[key])
                else:
                    lines.append(phrase.format(_spoken(key, entry)))
        if self.native:
            lines.append("run native code, which nothing in Python can hold back")
        return lines

    def _entries(self, key: str, folder: str | None, home: str | None) -> list[Any]:
        found = self._parsed.get((key, folder, home))
        if found is None:
            parsed = [_parse(key, entry, folder, home) for entry in self.entries(key)]
            found = self._parsed[key, folder, home] = [one for one in parsed if one is not None]
        return found

    def _covers(
        self, key: str, entry: Any, target: str, folder: str | None, home: str | None
    ) -> bool:
        if key == _HOSTS:
            return grant_hosts.covers(entry, target)
        if key in _FILES:
            path = grant_paths.parse(target, folder=folder, home=home)
            return path is not None and grant_paths.contains(entry, path)
        if key == _APIS:
            return _serves(entry, target)
        if key == "environment_variables":
            return _names(entry, target, self.windows)
        return bool(entry == "*" or entry.casefold() == target.strip().casefold())


def _parse(key: str, entry: str, folder: str | None = None, home: str | None = None) -> Any:
    """Return an entry as the rules of its list have it; None where it is none."""
    if key == _HOSTS:
        return grant_hosts.parse(entry)
    if key in _FILES:
        return grant_paths.parse(entry, folder=folder, home=home)
    return entry.strip() or None


def _needs_none(key: str, target: str, folder: str | None, home: str | None) -> bool:
    """Return whether a path needs no permission: temporary files, and reading the own folder."""
    path = grant_paths.parse(target, folder=folder, home=home)
    if path is None or path.up:
        return False
    if path.root == grant_paths.TEMPORARY:
        return target.lstrip().startswith(grant_paths.TEMPORARY)
    return key == _READ and path.root == grant_paths.OWN


def _starts(entries: list[str], target: str) -> bool:
    """Return whether entries cover a program, or each program of a command line."""
    if any(grant_programs.covers(entry, target) for entry in entries):
        return True
    if len(target.split()) < 2:
        return False
    programs = grant_programs.commands(target)
    return programs is not None and all(
        any(grant_programs.covers(entry, one) for entry in entries) for one in programs
    )


def _serves(entry: str, target: str) -> bool:
    """Return whether an entry names a service, its package, or its host."""
    if entry == "*" or grant_services.key(entry) == grant_services.key(target):
        return True
    known = grant_services.service(entry)
    if known is None:  # a package of that very name speaks for it
        return grant_services.key(target.partition(".")[0]) == grant_services.key(entry)
    if known in (grant_services.service(target), grant_services.of_package(target)):
        return True
    if "." not in target:
        return False
    hosts = [grant_hosts.parse(host) for host in grant_services.SERVICES[known][1]]
    return any(host is not None and grant_hosts.covers(host, target) for host in hosts)


def _names(entry: str, target: str, windows: bool) -> bool:
    """Return whether an entry, exact or ``PREFIX_*``, names a variable."""
    target = target.strip()
    if windows:
        entry, target = entry.upper(), target.upper()
    if entry == target:
        return True
    before, star, after = target.partition(UNKNOWN)
    if entry.endswith("*"):
        prefix = entry[:-1]
        if "*" in prefix:
            return False
        return target.startswith(prefix) or bool(star and prefix.startswith(before))
    after = after.rpartition(UNKNOWN)[2]
    fits = bool(star) and entry.startswith(before) and entry.endswith(after)
    return fits and len(before) + len(after) <= len(entry)


def _spoken(key: str, entry: str) -> str:
    """Return an entry as it is meant, where it is written otherwise."""
    if key == _HOSTS:
        host = grant_hosts.parse(entry)
        if host is None:
            return f"{entry} (no host: it allows nothing)"
        if host.wild:
            port = f" at port {host.port}" if host.port is not None else ""
            return f"every host beneath {host.name}{port}" if host.name else f"every host{port}"
        return str(host)
    if key in _FILES:
        path = grant_paths.parse(entry)
        if path is None:
            return f"{entry} (no path: it allows nothing)"
        if path.root == "/" and not path.parts:
            return "every file"
        if path.root == "." and not path.up:
            rest = "/".join(path.parts)
            return f"{rest} in the skill's own folder" if rest else "the skill's own folder"
        return str(path)
    if key == "environment_variables" and entry.strip().endswith("*"):
        return f"{entry.strip()[:-1]}…"
    return entry.strip()


def _contains(key: str, one: str, two: str, windows: bool) -> bool:
    """Return whether an entry allows all that another does."""
    first, second = _parse(key, one), _parse(key, two)
    if second is None:
        return True  # it allows nothing
    if first is None:
        return False
    if key == _HOSTS:
        return grant_hosts.contains(first, second)
    if key in _FILES:
        return grant_paths.contains(first, second)
    if key == "processes":
        return grant_programs.contains(first, second)
    if first == "*" or second == "*":
        return bool(first == "*")
    if key == _APIS:
        known = grant_services.service(first)
        same = grant_services.key(first) == grant_services.key(second)
        return same or (known is not None and known == grant_services.service(second))
    if key == "environment_variables":
        return _names(first, second, windows)
    return bool(first.casefold() == second.casefold())


def _allowed(grants: Grants, key: str, entry: str) -> bool:
    """Return whether grants allow all that an entry of a list does."""
    return _parse(key, entry) is None or any(
        _contains(key, one, entry, grants.windows) for one in grants.entries(key)
    )


def widening(old: Grants, new: Grants) -> list[tuple[str, str]]:
    """Return what ``new`` allows and ``old`` does not, as (list, entry).

    It is what the entries mean that is compared: ``api.example.com`` in the place of
    ``*.example.com`` widens nothing.
    """
    found = [
        (key, entry) for key in LISTS for entry in new.lists[key] if not _allowed(old, key, entry)
    ]
    if new.native and not old.native:
        found.append((NATIVE, "true"))
    return found


def narrow(one: Grants, two: Grants) -> Grants:
    """Return what both allow: a configuration narrows a manifest, and never widens it.

    Where two patterns overlap and neither lies within the other, nothing of them is left.
    """
    windows = one.windows and two.windows
    lists: dict[str, list[str]] = {}
    for key in LISTS:
        found = [
            entry
            for first in one.entries(key)
            for second in two.entries(key)
            for entry in _meet(key, first, second, windows)
        ]
        lists[key] = _least(key, found, windows)
    for key, other in ((_READ, _WRITE), (_HOSTS, _APIS)):
        implied = Grants({other: lists[other]}, windows=windows)
        lists[key] = [entry for entry in lists[key] if not _allowed(implied, key, entry)]
    return Grants(lists, one.native and two.native, windows=windows)


def _meet(key: str, one: str, two: str, windows: bool) -> Iterator[str]:
    """Yield the entry that two have in common, if any."""
    if key == _HOSTS:
        first, second = grant_hosts.parse(one), grant_hosts.parse(two)
        both = grant_hosts.meet(first, second) if first and second else None
        if both is not None:
            yield str(both)
    elif _parse(key, one) is not None and _contains(key, two, one, windows):
        yield one
    elif _parse(key, two) is not None and _contains(key, one, two, windows):
        yield two


def _least(key: str, entries: Iterable[str], windows: bool) -> list[str]:
    """Return entries without those that others allow already."""
    kept: list[str] = []
    for entry in dict.fromkeys(entries):
        if not any(_contains(key, one, entry, windows) for one in kept):
            kept = [one for one in kept if not _contains(key, entry, one, windows)]
            kept.append(entry)
    return kept


def union(one: Grants, two: Grants) -> Grants:
    """Return what either allows."""
    windows = one.windows or two.windows
    lists = {key: _least(key, (*one.lists[key], *two.lists[key]), windows) for key in LISTS}
    return Grants(lists, one.native or two.native, windows=windows)
