"""Checks of the skills that ``kurt doctor`` makes: what is found, trusted, and lacking."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from shlex import quote
from typing import TYPE_CHECKING

from .diagnosis import Check
from .errors import KurtError

if TYPE_CHECKING:
    from .findings import Finding
    from .session import Session

__all__ = ["SKILL_CHECKS"]

#: Problems of discovery that have a check of their own here.
_ELSEWHERE = frozenset(
    {"malformed-distribution", "name-conflict", "trust-file", "trust-everything"}
)


def _row(finding: Finding, root: str = "") -> Check:
    place = os.path.join(root, finding.at) if finding.at else ""
    message = f"{finding.message} ({place})" if place else finding.message
    return Check(finding.rule, "fail" if finding.fatal else "warn", message, finding.fix)


def _distributions(session: Session) -> Iterator[Check]:
    """Name every damaged distribution of the search path."""
    rows = [
        _row(problem)
        for problem in session.discovery.problems
        if problem.rule == "malformed-distribution"
    ]
    for folder in dict.fromkeys(sys.path):
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            path = os.path.join(folder, name)
            if name.endswith(".dist-info") and not os.path.isfile(os.path.join(path, "METADATA")):
                stem = name.removesuffix(".dist-info")
                rows.append(
                    Check(
                        "malformed-distribution",
                        "warn",
                        f"{stem} has no METADATA ({path})",
                        f"pip install --force-reinstall {stem.partition('-')[0]}",
                    )
                )
    yield from rows or [Check("malformed-distribution", "ok", "every distribution can be read")]


def _config(session: Session) -> Iterator[Check]:
    found = session.discovery
    kinds = [name for _, name, _ in found.offers("kurt.kind")]
    skills = [candidate.name for candidate in found.candidates]
    findings = [*found.config.findings, *found.config.check(kinds, skills)]
    rows = [_row(finding) for finding in dict.fromkeys(findings) if finding.severity != "info"]
    files = ", ".join(found.config.files) or "no kurt.toml, which is fine"
    yield from rows or [Check("config", "ok", files)]


def _kinds(session: Session) -> Iterator[Check]:
    from .kinds import GROUP, load_kinds

    kinds = load_kinds(session.discovery.entry_points(GROUP))
    for problem in kinds.problems:
        yield _row(problem)
    if not kinds.problems:
        yield Check("kinds", "ok", ", ".join(sorted(kinds)))


def _commands(session: Session) -> Iterator[Check]:
    from .cli import COMMANDS, GROUP

    seen: dict[str, str] = dict.fromkeys(COMMANDS, "kurt-ext")
    rows = []
    for candidate, name, _ in session.discovery.offers(GROUP):
        first = seen.setdefault(name, candidate.distribution)
        if first != candidate.distribution:
            message = f"the command {name} of {candidate.distribution} is hidden by that of {first}"
            rows.append(
                Check(
                    "command-conflict", "warn", message, f"pip uninstall {candidate.distribution}"
                )
            )
    yield from rows or [Check("command-conflict", "ok", "no two commands of one name")]


def _trust(session: Session) -> Iterator[Check]:
    from .trust import Trust

    for finding in Trust.load(session.places).findings:
        yield _row(finding)
    untrusted = [c for c in session.discovery.winners if c.state == "untrusted"]
    if untrusted:
        names = ", ".join(candidate.name for candidate in untrusted)
        place = quote(session.places.project)
        yield Check("trust", "warn", f"not trusted: {names}", f"kurt skill trust {place}")
    else:
        yield Check("trust", "ok", "everything found is trusted")


def _broken(session: Session) -> Iterator[Check]:
    rows = [
        _row(finding, candidate.location)
        for candidate in session.discovery.candidates
        for finding in candidate.findings
        if finding.severity != "info"
    ]
    others = [p for p in session.discovery.problems if p.rule not in _ELSEWHERE]
    own = set(session.discovery.config.findings)
    rows += [_row(problem) for problem in others if problem not in own]
    yield from rows or [Check("manifests", "ok", "every manifest can be read")]


def _names(session: Session) -> Iterator[Check]:
    found = session.discovery
    rows = [_row(problem) for problem in found.problems if problem.rule == "name-conflict"]
    for candidate in found.candidates:
        if candidate.shadowed_by is not None:
            message = (
                f"{candidate.name} in {candidate.location} is hidden by {candidate.shadowed_by}"
            )
            rows.append(Check("shadowed", "warn", message, f"kurt explain {candidate.name}"))
    yield from rows or [Check("names", "ok", "no name is claimed twice")]


def _needs(session: Session) -> Iterator[Check]:
    found = session.discovery
    missing = []
    for candidate in found.winners:
        if not candidate.is_folder and candidate.source == "entry_points.txt":
            continue
        try:
            apis = candidate.record()["requires_api"]
        except (KurtError, OSError, ValueError):
            continue  # reported with the manifests
        for need in found.config.needs(candidate.name, apis):
            if not need.met:
                message = f"{candidate.name} needs {need.api}: {need.cause}"
                missing.append(Check("requires-api", "warn", message, need.hint))
    yield from missing or [Check("requires-api", "ok", "no skill lacks a key of a service")]


def _quarantine(session: Session) -> Iterator[Check]:
    from .explaining import held_back
    from .quarantine import Quarantine

    known = {candidate.name: candidate for candidate in session.discovery.winners}
    rows = []
    for row in Quarantine(session.places).all():
        candidate = known.get(row.plugin_id)
        # A program may have plugins of its own, which only it can look at.
        held = row if candidate is None else held_back(session.places, candidate)
        if held is not None:
            rows.append(_row(held.finding()))
    yield from rows or [Check("quarantine", "ok", "no plugin is held back after failures")]


SKILL_CHECKS: tuple[Callable[[Session], Iterable[Check]], ...] = (
    _distributions,
    _config,
    _kinds,
    _commands,
    _trust,
    _broken,
    _names,
    _needs,
    _quarantine,
)
