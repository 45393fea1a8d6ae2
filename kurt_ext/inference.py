"""The permissions that a skill needs, from what its code uses.

As narrow as the code tells: a URL becomes its host, a path stays that file, a path of which the
end is not known becomes the folder before it. What the code does not tell is listed as not
proven, with its place: a person, or a run, must say it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from . import grant_hosts, grant_paths, grant_programs, grant_services
from .checks.subject import is_test
from .grants import LISTS, NATIVE, Grants

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .analysis.uses import Use

__all__ = ["Inferred", "Unproven", "infer", "merged"]

_UNKNOWN = "…"
_FILES = ("filesystem_read", "filesystem_write")


class Unproven(NamedTuple):
    """A use that may need more than was inferred.

    :param key: the list that would have to say it.
    :param at: ``path:line``.
    :param said: what happens there, as ``requests.get talks to the network: ….example.com``.
    """

    key: str
    at: str
    said: str

    def as_dict(self) -> dict[str, str]:
        """Return it as JSON values."""
        return {"list": self.key, "at": self.at, "what": self.said}


class Inferred(NamedTuple):
    """What a skill needs.

    :param permissions: as in a manifest; lists that stay empty are left out.
    :param unproven: what was not told by the code.
    :param reasons: (list, entry) → the places that need it, as ``path:line``.
    """

    permissions: dict[str, Any]
    unproven: tuple[Unproven, ...]
    reasons: dict[tuple[str, str], tuple[str, ...]]


def infer(uses: Iterable[Use]) -> Inferred:
    """Return the narrowest permissions that cover what is used, and what could not be told.

    Tests that nothing of the skill imports need none.
    """
    reasons: dict[tuple[str, str], list[str]] = {}
    unproven: dict[Unproven, None] = {}
    vague: dict[Unproven, None] = {}
    for use in uses:
        key = use.meaning.permission
        if not key or (not use.reachable and is_test(use.path)):
            continue
        at = f"{use.path}:{use.line}"
        entries, told = _needed(key, use)
        for entry in entries:
            reasons.setdefault((key, entry), []).append(at)
        if not told:
            said = f"{use.name} {use.meaning.does}"
            parts = [one for one in use.targets if _UNKNOWN in one]
            said += f": {', '.join(parts[:3])}" if parts else ""
            note = Unproven(key, at, said)
            # Of `requests.Session` nothing can be told, and of what it is asked for, all.
            (unproven if use.meaning.subject or not _is_vague(key) else vague)[note] = None
    lists = {key for key, _ in reasons}
    told_of = lists | {note.key for note in unproven}
    if any(grant_services.service(entry) for key, entry in reasons if key == "external_apis"):
        told_of.add("network_hosts")
    unproven.update({note: None for note in vague if note.key not in told_of})
    return _reduced(reasons, tuple(sorted(unproven, key=_order)))


def _is_vague(key: str) -> bool:
    return key in ("network_hosts", "processes", *_FILES)


def _order(note: Unproven) -> tuple[str, int, str]:
    path, _, line = note.at.rpartition(":")
    return path, int(line), note.said


def _reduced(
    reasons: Mapping[tuple[str, str], list[str]], unproven: tuple[Unproven, ...]
) -> Inferred:
    """Return what remains where an entry that another covers is left to that one."""
    from .grants import union

    wanted: dict[str, list[str]] = {}
    for key, entry in reasons:
        if key in LISTS:
            wanted.setdefault(key, []).append(entry)
    given = Grants(wanted, windows=False)
    least = union(given, Grants(windows=False)).lists
    written = Grants({"filesystem_write": least["filesystem_write"]}, windows=False)
    kept: dict[str, list[str]] = {key: sorted(least[key]) for key in LISTS if least[key]}
    reads = [
        entry
        for entry in kept.get("filesystem_read", ())
        if not written.covers("filesystem_read", entry)
    ]
    kept.pop("filesystem_read", None)
    lists = {
        key: reads if key == "filesystem_read" else kept[key]
        for key in LISTS
        if key in kept or (key == "filesystem_read" and reads)
    }
    permissions: dict[str, Any] = dict(lists)
    found: dict[tuple[str, str], set[str]] = {}
    for (key, entry), places in reasons.items():
        if key == NATIVE:
            permissions[NATIVE] = True
            found.setdefault((NATIVE, "true"), set()).update(places)
            continue
        for home in (key, "filesystem_write") if key == "filesystem_read" else (key,):
            for one in lists.get(home, ()):
                if entry == one or Grants({home: [one]}, windows=False).covers(key, entry):
                    found.setdefault((home, one), set()).update(places)
    ordered = {pair: tuple(sorted(found[pair], key=_place)) for pair in sorted(found)}
    return Inferred(permissions, unproven, ordered)


def _place(at: str) -> tuple[str, int]:
    path, _, line = at.rpartition(":")
    return path, int(line)


def _needed(key: str, use: Use) -> tuple[list[str], bool]:
    """Return the entries of a list that a use needs, and whether these are surely all."""
    if key == NATIVE:
        return ["true"], True
    if key == "external_apis":
        name = use.name.partition("(")[0]
        return [grant_services.of_package(name) or name.partition(".")[0]], True
    if not use.meaning.subject:
        return [], False
    entries: list[str] = []
    told = use.proven
    for target in use.targets:
        found = list(_entries(key, target))
        entries += found
        told = told and bool(found or _is_free(key, target))
    return entries, told


def _is_free(key: str, target: str) -> bool:
    """Return whether a target needs no permission."""
    if key in _FILES:
        return Grants(windows=False).covers(key, _known(target))
    return key == "network_hosts" and target.partition(":")[0].lower() in ("file", "data")


def _entries(key: str, target: str) -> Iterator[str]:
    """Yield the entries that a target needs, as far as it is known."""
    if key == "network_hosts":
        yield from _host(target)
    elif key in _FILES:
        yield from _path(key, target)
    elif key == "environment_variables":
        before, unknown, _ = target.partition(_UNKNOWN)
        if not unknown:
            yield target
        elif before.rstrip("_") and before.endswith("_"):
            yield f"{before}*"
    elif key == "processes":
        yield from _programs(target)
    elif _UNKNOWN not in target:
        yield target


def _host(target: str) -> Iterator[str]:
    if target.partition(":")[0].lower() in ("file", "data"):
        return
    if _UNKNOWN not in target:
        host = grant_hosts.parse(target)
        if host is not None:
            yield str(host)
        return
    scheme, found, rest = target.partition("://")
    authority = rest if found else scheme
    for end in "/?#":
        authority = authority.partition(end)[0]
    authority = authority.rpartition("@")[2]
    if _UNKNOWN not in authority:
        yield from _host(authority)
        return
    before, _, _ = authority.partition(_UNKNOWN)
    after = authority.rpartition(_UNKNOWN)[2]
    if after.startswith(".") and after.strip(".").count(".") >= 1:
        host = grant_hosts.parse("*" + after)
    elif not after and before.count(".") >= 1 and before[-1] not in ".-":
        host = grant_hosts.parse(before.rstrip(":"))
    else:
        return
    if host is not None:
        yield str(host)


def _known(target: str) -> str:
    """Return the folder of a path up to which it is known; the path where it is all known."""
    before, unknown, _ = target.partition(_UNKNOWN)
    if not unknown:
        return target
    before = before.replace("\\", "/") if "/" not in before else before
    folder, slash, _ = before.rpartition("/")
    return folder + slash


def _path(key: str, target: str) -> Iterator[str]:
    text = _known(target)
    path = grant_paths.parse(text)
    if path is None or _is_free(key, target):
        return
    if path.root == grant_paths.OWN:
        path = grant_paths.Path(".", path.up, path.parts)
    if path.root.startswith("<") or (_UNKNOWN in target and (path.up or not path.parts)):
        return  # "somewhere in the home folder" is no permission to ask for
    yield str(path)


def _programs(target: str) -> Iterator[str]:
    """Yield the programs of a target, which may be a line for the shell."""
    found = grant_programs.commands(target) if len(target.split()) > 1 else (target,)
    for program in found or ():
        if program.startswith(f"{grant_paths.PYTHON}/"):
            yield program.rpartition("/")[2]
        elif _UNKNOWN not in program:
            yield program


def merged(declared: Grants, inferred: Inferred) -> dict[str, Any]:
    """Return the block to write into a manifest that declares something already.

    A list is what was inferred. What is declared stays besides where it may be needed: where
    the code does not tell all of the list, and for what no code tells: resources, and services
    that are talked to at one of their hosts.
    """
    unsure = {note.key for note in inferred.unproven} | {"system_resources"}
    hosts = inferred.permissions.get("network_hosts", [])
    block: dict[str, Any] = {}
    for key in LISTS:
        needed = list(inferred.permissions.get(key, ()))
        for entry in declared.lists[key]:
            talked_to = key == "external_apis" and any(
                Grants({key: [entry]}).covers(key, host) for host in hosts
            )
            if entry not in needed and (key in unsure or talked_to):
                needed.append(entry)
        if needed:
            block[key] = needed
    if inferred.permissions.get(NATIVE):
        block[NATIVE] = True
    return block
