"""What a run used against what its manifest declares, and the block that would fit.

A run shows what was done in that run: what it did not use may be needed in another one, so
nothing that is declared is taken out of the block.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from .. import grant_hosts, grant_paths
from ..grants import LISTS, NATIVE, Grants, union
from ..permission_blocks import as_json, as_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..output import Page

__all__ = ["Asked", "Declared", "Trace", "report"]

_FILES = ("filesystem_read", "filesystem_write")
#: What no look at a run tells: nothing in Python asks for the one, and C code not for the other.
_UNSEEN = ("system_resources",)
#: So many files of one folder are asked for by naming the folder.
_MANY = 4
_SHOWN = 5
_PORTS = (None, 80, 443)


class Declared(NamedTuple):
    """An entry of the manifest, and what it was used for.

    :param key: the list.
    :param entry: as the manifest has it.
    :param targets: what was asked for and is covered by it; empty = it was not used.
    """

    key: str
    entry: str
    targets: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"list": self.key, "entry": self.entry, "targets": list(self.targets)}


class Asked(NamedTuple):
    """Something that was asked for and is not declared.

    :param key: the list that would have to say it; "" where none can.
    :param target: what was asked for.
    :param entry: what to write; "" where nothing helps.
    """

    key: str
    target: str
    entry: str

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"list": self.key, "target": self.target, "entry": self.entry}


class Trace(NamedTuple):
    """What a run used against what is declared.

    :param used: entries that were used.
    :param undeclared: what was asked for, and is not declared.
    :param unused: entries that were not used in this run.
    :param permissions: what to write into the manifest, with what it declares already.
    :param is_json: whether the manifest is a plugin.json.
    """

    used: tuple[Declared, ...]
    undeclared: tuple[Asked, ...]
    unused: tuple[Declared, ...]
    permissions: dict[str, Any]
    is_json: bool

    @property
    def block(self) -> str:
        """What to paste into the manifest, in its form."""
        if self.is_json:
            return f'"permissions": {as_json(self.permissions)}'
        return as_yaml(self.permissions).rstrip("\n")

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "used": [one.as_dict() for one in self.used],
            "undeclared": [one.as_dict() for one in self.undeclared],
            "unused": [{"list": one.key, "entry": one.entry} for one in self.unused],
            "permissions": self.permissions,
        }

    def write(self, page: Page) -> None:
        """Write it for a reader."""
        if self.used:
            page.line("used, and declared", "bold")
            for one in self.used:
                page.parts((f"  {_phrase(one.key, one.entry)}", "green"), (_targets(one), "dim"))
        if self.undeclared:
            page.line("asked for, and not declared", "bold")
            for asked in self.undeclared:
                page.parts(
                    (f"  {_phrase(asked.key, asked.target)}", "error"), (_hint(asked), "dim")
                )
        if self.unused:
            page.line("declared, and not used in this run", "bold")
            for one in self.unused:
                page.line(f"  {_phrase(one.key, one.entry)}", "yellow")
        if not (self.used or self.undeclared or self.unused):
            page.line("nothing was used that takes a permission, and nothing is declared")
        if any(asked.entry for asked in self.undeclared):
            page.line()
            page.line("to allow it, in the manifest:", "bold")
            for line in self.block.split("\n"):
                page.line(f"  {line}")


def report(
    grants: Grants,
    uses: Mapping[tuple[str, str], bool] | Iterable[tuple[str, str, bool]],
    folder: str | None,
    *,
    home: str | None = None,
) -> Trace:
    """Compare what was used with what is declared.

    What was allowed and is not declared is what every worker has, and is left out.

    :param grants: what the manifest declares.
    :param uses: (list, target) → whether it was allowed, or the three together.
    :param folder: the skill's own.
    :param home: the user's, for paths in it; looked up if None.
    """
    home = os.path.expanduser("~") if home is None else home
    place = _Place(folder, home)
    met: dict[tuple[str, str], bool] = {}
    for key, target, allowed in _triples(uses):
        met[key, target] = allowed
    used: list[Declared] = []
    unused: list[Declared] = []
    for key, entry in _entries(grants):
        targets = [target for k, target in met if place.covers(key, entry, k, target)]
        if targets or key not in _UNSEEN:
            declared = Declared(key, entry, tuple(sorted(targets)))
            (used if targets else unused).append(declared)
    missing = [
        (key, target)
        for (key, target), allowed in met.items()
        if not allowed and not _is_covered(grants, key, target, place)
    ]
    undeclared = _asked(missing, place)
    wanted = [(one.key, one.entry) for one in undeclared if one.entry]
    return Trace(
        tuple(used),
        tuple(undeclared),
        tuple(unused),
        _permissions(grants, wanted),
        _is_json(folder),
    )


def _triples(
    uses: Mapping[tuple[str, str], bool] | Iterable[tuple[str, str, bool]],
) -> Iterable[tuple[str, str, bool]]:
    if not isinstance(uses, Mapping):
        return uses
    given = cast("Mapping[tuple[str, str], bool]", uses)
    return [(key, target, allowed) for (key, target), allowed in given.items()]


def _is_json(folder: str | None) -> bool:
    """Return whether the one manifest of a folder is a plugin.json."""
    if folder is None or os.path.exists(os.path.join(folder, "SKILL.md")):
        return False
    return os.path.exists(os.path.join(folder, "plugin.json"))


class _Place:
    """Where a skill and its user live, which paths are told by."""

    def __init__(self, folder: str | None, home: str) -> None:
        self.folder = folder
        self.home = home

    def covers(self, key: str, entry: str, of: str, target: str) -> bool:
        """Return whether an entry of one list covers what was asked of another."""
        if key == NATIVE or of == NATIVE:
            return key == of
        if of not in LISTS:
            return False
        if key != of and not (
            (key == "filesystem_write" and of == "filesystem_read")
            or (key == "external_apis" and of == "network_hosts")
        ):
            return False
        one = Grants({key: [entry]})
        return any(
            one.covers(of, path, folder=self.folder, home=self.home)
            for path in ({target, os.path.realpath(target)} if of in _FILES else {target})
        ) and not (of in _FILES and self._is_free(of, target))

    def _is_free(self, key: str, target: str) -> bool:
        return Grants().covers(key, target, folder=self.folder, home=self.home)

    def entry(self, key: str, target: str) -> str:
        """Return the entry that would allow something; "" where none does."""
        if key == NATIVE:
            return "true"
        if key in _FILES:
            path = grant_paths.parse(target, folder=self.folder, home=self.home)
            if path is None:
                return ""
            if path.root == grant_paths.OWN:
                path = grant_paths.Path(".", path.up, path.parts)
            return str(path)
        if key == "network_hosts":
            host = grant_hosts.parse(target)
            if host is None:
                return ""
            return str(grant_hosts.Host(host.name)) if host.port in _PORTS else str(host)
        if key == "processes":
            name = os.path.basename(target)
            return name if Grants({key: [name]}).covers(key, target) else target
        return target if key in LISTS and key not in _UNSEEN else ""


def _entries(grants: Grants) -> Iterable[tuple[str, str]]:
    for key in LISTS:
        yield from ((key, entry) for entry in grants.lists[key])
    if grants.native:
        yield NATIVE, "true"


def _is_covered(grants: Grants, key: str, target: str, place: _Place) -> bool:
    """Return whether the manifest allows what was refused: by a limit, or a narrower setting."""
    if key == NATIVE:
        return grants.native
    if key not in LISTS:
        return False
    return grants.covers(key, target, folder=place.folder, home=place.home)


def _asked(missing: Iterable[tuple[str, str]], place: _Place) -> list[Asked]:
    found = sorted(set(missing))
    folders = Counter((key, os.path.dirname(target)) for key, target in found if key in _FILES)
    asked = []
    for key, target in found:
        above = os.path.dirname(target) if key in _FILES else ""
        # A folder right below the root, or a home, is more than anybody means.
        many = above.count("/") > 1 and above != place.home and folders[key, above] >= _MANY
        asked.append(Asked(key, target, place.entry(key, above if many else target)))
    return asked


def _permissions(grants: Grants, wanted: Iterable[tuple[str, str]]) -> dict[str, Any]:
    lists: dict[str, list[str]] = {}
    native = False
    for key, entry in wanted:
        if key == NATIVE:
            native = True
        else:
            lists.setdefault(key, []).append(entry)
    whole = union(grants, union(Grants(lists, native), Grants()))
    written = Grants({"filesystem_write": whole.lists["filesystem_write"]})
    found: dict[str, Any] = {}
    for key in LISTS:
        entries = [
            entry
            for entry in whole.lists[key]
            if entry in grants.lists[key]
            or key != "filesystem_read"
            or not written.covers(key, entry)  # what may be written may be read
        ]
        if entries:
            found[key] = entries
    if whole.native:
        found[NATIVE] = True
    return found


def _phrase(key: str, target: str) -> str:
    if key == NATIVE:
        return "run native code" if target == "true" else f"run native code: {target}"
    if key in _UNSEEN:
        return target
    return LISTS[key].format(target) if key in LISTS else target


def _targets(one: Declared) -> str:
    """Return what an entry was used for, where that is something else than itself."""
    shown = [target for target in one.targets if target != one.entry]
    if not shown or one.key == NATIVE:
        return ""
    more = len(shown) - _SHOWN
    return f"  {', '.join(shown[:_SHOWN])}" + (f" and {more} more" if more > 0 else "")


def _hint(asked: Asked) -> str:
    if not asked.entry:
        return "  (no permission allows it)"
    return f"  ({asked.key})"
