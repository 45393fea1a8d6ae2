"""Tell the story of a name: each copy, what wins, what is enabled by which key, what failed.

Nothing is imported for it, unless it is asked to try.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .errors import KurtError, NotFoundError
from .listing import row
from .naming import owners

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .candidates import Candidate
    from .discovery import Discovery
    from .findings import Finding
    from .places import Places
    from .quarantine import Held
    from .session import Session

__all__ = ["errors_by_reference", "held_back", "occurrences", "story", "unknown"]


def errors_by_reference() -> dict[str, type[KurtError]]:
    """Return every class of error by its reference."""
    found: dict[str, type[KurtError]] = {}
    for cls in _tree(KurtError):
        found.setdefault(cls.reference, cls)
    return found


def _tree(cls: type[KurtError]) -> Iterator[type[KurtError]]:
    yield cls
    for child in cls.__subclasses__():
        yield from _tree(child)


def held_back(places: Places, candidate: Candidate) -> Held | None:
    """Return why a skill, as it lies there now, is not loaded any more; None where it is."""
    from .quarantine import Quarantine, fingerprint

    store = Quarantine(places)
    if not any(row.plugin_id == candidate.name for row in store.all()):
        return None  # the usual case: no file of the skill is looked at
    from .importer import code_folder

    mark = fingerprint(code_folder(candidate) or candidate.location)
    return store.standing(candidate.name, candidate.version, mark)


def occurrences(discovery: Discovery, rule: str) -> list[tuple[Candidate | None, Finding]]:
    """Return where a rule was broken, as (skill or None, finding)."""
    found: list[tuple[Candidate | None, Finding]] = [
        (candidate, finding)
        for candidate in discovery.candidates
        for finding in candidate.findings
        if finding.rule == rule
    ]
    return found + [(None, finding) for finding in discovery.problems if finding.rule == rule]


def story(session: Session, name: str, *, load: bool = False) -> dict[str, Any] | None:
    """Return what happened to everything that has a name; None where nothing has it.

    :param load: try to load what may be loaded, and time it.
    """
    discovery = session.discovery
    found = owners(discovery, name)
    skill, colon, extension = name.partition(":")
    if not found:  # a folder may have another name than its manifest gives it
        found = [c for c in discovery.candidates if c.is_folder and _folder_name(c) == skill]
        skill = found[0].name if found else skill
    if not found:
        return None
    wanted = extension if colon else "" if found[0].name == skill else name
    outcomes = _loaded(session, found, wanted) if load else {}
    told = []
    for candidate in found:
        one = row(candidate, discovery.config, discovery.opt_in)
        if wanted:
            one["extensions"] = [item for item in one["extensions"] if item["name"] == wanted]
        winner = candidate.shadowed_by is None
        for item in one["extensions"]:
            item["outcome"] = outcomes.get((candidate.location, item["namespace"], item["name"]))
        one["wins"] = winner
        one["requires_api"] = _needs(discovery, candidate) if winner else []
        one["unfit"] = _unfit(candidate)
        held = held_back(session.places, candidate) if winner else None
        one["held_back"] = held.as_dict() if held else None
        told.append(one)
    return {"name": name, "loaded": load, "candidates": told}


def _folder_name(candidate: Candidate) -> str:
    return os.path.basename(candidate.location)


def _unfit(candidate: Candidate) -> str | None:
    """Return which Python a skill needs where this one will not do."""
    from .checks.python_version import allows, running

    try:
        wanted = candidate.record()["requires_python"]
    except (KurtError, OSError, ValueError):
        return None
    if not wanted or allows(wanted):
        return None
    return f"Python {wanted}; this is {running()}"


def _needs(discovery: Discovery, candidate: Candidate) -> list[dict[str, Any]]:
    try:
        apis = candidate.record()["requires_api"]
    except (KurtError, OSError, ValueError):
        return []
    return [need.as_dict() for need in discovery.config.needs(candidate.name, apis)]


def _loaded(
    session: Session, candidates: list[Candidate], wanted: str
) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Load what may be loaded, and return what became of each extension."""
    from time import perf_counter

    from .listing import is_ours

    outcomes: dict[tuple[str, str, str], dict[str, Any]] = {}
    with session.manager() as skills:
        for candidate in candidates:
            for group, name, _ in candidate.offers:
                skip = wanted and name != wanted
                if skip or is_ours(candidate, group) or candidate.shadowed_by is not None:
                    continue
                reference = f"{candidate.name}:{name}"
                started = perf_counter()
                error: KurtError | None = None
                try:
                    skills.load(reference)
                except KurtError as raised:
                    error = raised
                known = skills.outcomes.get(reference)
                ms = known.ms if known is not None else (perf_counter() - started) * 1000
                outcomes[candidate.location, group, name] = {
                    "state": "loaded" if error is None else "failed",
                    "ms": round(ms, 3),
                    "error": None if error is None else error.as_dict(),
                }
    return outcomes


def unknown(discovery: Discovery, word: str) -> NotFoundError:
    """Return the error for a word that is no name, no rule and no reference."""
    from .names import suggest
    from .rulebook import rules

    known = {*errors_by_reference(), *rules(), *(candidate.name for candidate in discovery.winners)}
    for candidate in discovery.candidates:
        known.update(finding.rule for finding in candidate.findings)
        known.update(name for _, name, _ in candidate.offers)
    near = suggest(word, known)
    return NotFoundError(
        f"{word} is no skill, no extension, no rule and no error",
        hint=f"did you mean {near[0]}?" if near else "kurt list",
        candidates=near,
    )
