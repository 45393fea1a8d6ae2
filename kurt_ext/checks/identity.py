"""Ask whether a skill passes for another, or for a part of the host.

People choose by a name, and read it in a hurry. A name that differs from a known one
by a slip of the finger, or by a letter of another alphabet, is there to be mistaken.
Which names are known, the host says: its index, its ``kurt.toml``, or a file.

Bad::

    plugin_id: com.example.calcualtor      # where com.example.calculator is known
    plugin_id: com.ex\\u0430mple.calculator # a Cyrillic letter
    plugin_id: kurt.core                   # a prefix that is the host's

Good::

    plugin_id: org.mine.tape-calculator
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from ..findings import Finding
from ..hostfacts import HostFacts
from ..sources import show
from .likeness import distance, lookalikes, plain, skeleton
from .stated import values
from .subject import Subject

__all__ = ["CATEGORY", "RULES", "check"]

RULES = (
    "lookalike-letters",
    "lookalike-id",
    "lookalike-title",
    "reserved-id",
    "host-impersonated",
    "claims-authority",
    "lookalike-dependency",
)
CATEGORY = {
    **dict.fromkeys(RULES, "identity"),
    "lookalike-letters": "unicode_deception",
    "lookalike-dependency": "supply_chain",
    "claims-authority": "style",
}
_AUTHORITY = frozenset(("official", "verified", "certified", "trusted", "genuine"))


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what a skill's names could be mistaken for."""
    facts = subject.facts
    own = _own(subject)
    for key, name in own:
        at = subject.at((key,))
        yield from _letters(subject, key, name, at)
        if key != "name" or "plugin.json" not in subject.files:
            yield from _id(subject, name, at, facts)
    for name in _titles(subject):
        yield from _title(subject, name, {one for _, one in own}, facts)
    yield from _author(subject, facts)
    yield from _modules(subject, facts)
    yield from _dependencies(subject, facts)


def _own(subject: Subject) -> list[tuple[str, str]]:
    """Return (key, name) of the names that the manifests give the skill, as they stand there."""
    found = [
        (key, value)
        for _, key, value in values(subject, "plugin_id", "name")
        if isinstance(value, str) and value
    ]
    return list(dict.fromkeys(found))


def _titles(subject: Subject) -> Iterator[str]:
    for file, _, value in values(subject, "name"):
        if file == "plugin.json" and isinstance(value, str):
            yield value


def _letters(subject: Subject, key: str, name: str, at: tuple[str, int, int]) -> Iterator[Finding]:
    odd = next(lookalikes(name, whole=key == "plugin_id"), None)
    if odd is not None:
        called = unicodedata.name(odd, f"U+{ord(odd):04X}")
        message = f"{key} {show(name)} holds {called}, which looks like a Latin letter"
        evidence = ascii(name)[1:-1][:200]
        fix = "spell it in one alphabet"
        yield subject.finding(
            "lookalike-letters", "critical", message, at, fix=fix, evidence=evidence
        )


def _id(
    subject: Subject, name: str, at: tuple[str, int, int], facts: HostFacts
) -> Iterator[Finding]:
    lowered = unicodedata.normalize("NFKC", name).casefold()
    for prefix in facts.reserved_prefixes:
        start = prefix.casefold()
        if lowered.startswith(start) or lowered == start.rstrip("."):
            message = f"ids that begin with {prefix} are the host's own"
            fix = "begin the id with a domain of yours"
            yield subject.finding("reserved-id", "high", message, at, fix=fix, evidence=name[:200])
            return
    host = plain(facts.host_package)
    if host and any(plain(label) == host for label in lowered.split(".")):
        message = f"{show(name)} passes for a part of {facts.host_package}"
        fix = "choose a name of your own"
        yield subject.finding("host-impersonated", "high", message, at, fix=fix)
        return
    other = resembled(name, facts.known_ids)
    if other is not None:
        severity = "high" if "." in other else "medium"
        message = f"{show(name)} is easily taken for {other}"
        fix = "choose a name that nobody mixes up with it"
        yield subject.finding("lookalike-id", severity, message, at, fix=fix, evidence=name[:200])


def resembled(name: str, known: frozenset[str]) -> str | None:
    """Return the known id that an id could be mistaken for; None for one that is known."""
    folded = name.casefold()
    if not known or folded in known:
        return None
    looks, flat = skeleton(name), plain(name)
    for other in sorted(known):
        if flat == plain(other) or (looks == skeleton(other) and len(looks) > 3):
            return other
    for other in sorted(known):
        if _near(folded, other.casefold()):
            return other
    return None


def _near(one: str, other: str) -> bool:
    """Return whether slips turn one id into the other, label by label."""
    mine, theirs = one.split("."), other.split(".")
    if len(mine) != len(theirs):
        return len(mine) > 1 < len(theirs) and distance(one, other, 1) == 1
    if len(mine) > 2 and mine[1:] == theirs[1:]:
        return True  # com.example.x and org.example.x
    slips = 0
    for a, b in zip(mine, theirs, strict=True):
        if a == b:
            continue
        if a.rstrip("0123456789") == b.rstrip("0123456789"):
            return False  # calculator2 says that it is another
        # A short word is one slip from many honest ones.
        allowed = 2 if min(len(a), len(b)) >= 8 and len(mine) > 1 else 1
        found = distance(a, b, 2)
        if min(len(a), len(b)) < 4 or found > allowed:
            return False
        if len(mine) == 1 and (len(a) < 8 or a.rstrip("s") == b.rstrip("s")):
            return False
        slips += found
    return 0 < slips <= 2


def _title(subject: Subject, title: str, own: set[str], facts: HostFacts) -> Iterator[Finding]:
    at = subject.at(("name",))
    flat, looks = plain(title), skeleton(title)
    for known, owner in sorted(facts.known_names.items()):
        if owner in own or not flat:
            continue
        other = plain(known)
        same = flat == other or (len(looks) > 5 and looks == skeleton(known))
        if same or (len(other) >= 8 and distance(flat, other, 1) == 1):
            message = f"{show(title)} is what {owner} is called"
            fix = "call it by another name"
            yield subject.finding("lookalike-title", "medium", message, at, fix=fix)
            return
    host = plain(facts.host_package)
    if len(host) > 4 and host in flat and "_" in facts.host_package and flat.startswith(host):
        message = f"{show(title)} passes for a part of {facts.host_package}"
        yield subject.finding("host-impersonated", "medium", message, at, fix="call it otherwise")
    claimed = _AUTHORITY.intersection(title.casefold().replace("-", " ").split())
    if claimed:
        message = f"its title says that it is {min(claimed)}; nobody has checked that"
        yield subject.finding("claims-authority", "low", message, at, fix="leave the word out")


#: Words with which a group, and no person, is named.
_GROUP = frozenset(
    ("team", "core", "project", "maintainer", "maintainers", "developers", "security", "authors")
)


def _author(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Yield a finding where the author is said to be the host's."""
    package = facts.host_package.casefold()
    names = {package, package.replace("_", "-"), package.partition("_")[0]}
    for _, key, value in values(subject, "author"):
        if isinstance(value, str):
            words = {word.strip("()<>[],.:;") for word in value.casefold().split()}
            if words & names and words & (_GROUP | _AUTHORITY):
                message = f"the author {show(value)} passes for whoever makes {facts.host_package}"
                at = subject.at((key,))
                fix = "name yourself"
                yield subject.finding("host-impersonated", "medium", message, at, fix=fix)


def _modules(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Yield a finding where a module of the skill could be imported in place of the host."""
    package = facts.host_package
    for path in (f"{package}.py", f"{package}/__init__.py"):
        if package and path in subject.paths:
            message = f"it has the name of the host's own package {package}"
            yield subject.finding("host-impersonated", "high", message, path, fix="rename it")


def _dependencies(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    for number, row in enumerate((subject.record or {}).get("dependencies", ())):
        other = resembled(row["plugin_id"], facts.known_ids)
        if other is not None:
            at = subject.at(("dependencies", number), ("metadata", "kurt/dependencies"))
            message = f"the dependency {show(row['plugin_id'])} is easily taken for {other}"
            fix = f"write {other}, if that is meant"
            yield subject.finding("lookalike-dependency", "medium", message, at, fix=fix)
