"""Which skills a word of the command line means, without importing or judging any."""

from __future__ import annotations

from .errors import AmbiguousNameError, ExtensionNotFoundError, SkillNotFoundError
from .listing import is_ours
from .names import NAMESPACE_PREFIX, suggest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .candidates import Candidate
    from .discovery import Discovery

__all__ = ["copies", "held_back", "kinds_of", "owners", "the_skill"]

_KINDS = "kurt.kind"
#: Group of skills that say what they offer only when their code is run.
_REGISTERING = "kurt.skills"


def owners(discovery: Discovery, name: str) -> list[Candidate]:
    """Return every copy of every skill that a name may mean; [] where there is none.

    :param name: ``SKILL``, ``SKILL:EXTENSION`` or an extension's name.
    """
    skill, colon, extension = name.partition(":")
    found = discovery.named(skill)
    if colon:
        return [c for c in found if _offers(c, extension)] or found
    return found or [c for c in discovery.candidates if _offers(c, name)]


def _offers(candidate: Candidate, extension: str) -> bool:
    return any(
        name == extension and not is_ours(candidate, group) for group, name, _ in candidate.offers
    )


def copies(discovery: Discovery, name: str) -> list[Candidate]:
    """Return :func:`owners`, at least one.

    :raises SkillNotFoundError: when nothing has the name, with the nearest names.
    """
    found = owners(discovery, name)
    if found:
        return found
    near = suggest(name, _names(discovery))
    raise SkillNotFoundError(
        f"nothing is called {name}",
        hint=f"did you mean {near[0]}?" if near else "kurt list",
        candidates=near,
    )


def the_skill(discovery: Discovery, name: str) -> Candidate:
    """Return the winning copy of the one skill that a name means.

    :raises SkillNotFoundError: when nothing has the name.
    :raises AmbiguousNameError: when several skills offer an extension of the name.
    """
    found = copies(discovery, name)
    winners = [c for c in found if c.shadowed_by is None] or found[:1]
    if len(winners) > 1:
        references = [f"{c.name}:{name}" for c in winners]
        raise AmbiguousNameError(
            f"{name} could mean {len(winners)} things",
            cause=", ".join(references),
            hint=f"name one in full, for example {references[0]}",
            candidates=references,
        )
    return winners[0]


def kinds_of(discovery: Discovery, reference: str) -> list[tuple[Candidate, str, str]]:
    """Return (skill, kind, extension) of everything that a reference names, for ``kurt.toml``.

    :param reference: an extension, ``SKILL:EXTENSION``, or a skill (all of it).
    :raises SkillNotFoundError: when nothing has the name.
    :raises ExtensionNotFoundError: when the skill has no extension, or none of that name.
    """
    skill, colon, extension = reference.partition(":")
    rows: list[tuple[Candidate, str, str]] = []
    for candidate in copies(discovery, reference):
        if candidate.shadowed_by is not None:
            continue
        for group, name, _ in candidate.offers:
            whole = not colon and candidate.name == skill
            if not is_ours(candidate, group) and (whole or name == (extension or reference)):
                rows.append((candidate, group.removeprefix(NAMESPACE_PREFIX), name))
    if not rows:
        raise ExtensionNotFoundError(
            f"{reference} has no extension that could be enabled or disabled",
            hint=f"kurt info {skill}",
            skill=skill,
        )
    return rows


def held_back(discovery: Discovery, reference: str) -> list[tuple[Candidate, str, str]]:
    """Return (skill, kind, extension) for each kind that keeps out what a skill registers.

    Of a skill in ``kurt.skills`` nobody knows the kinds before its code runs: those
    count whose table in ``kurt.toml`` does not let it in. Kinds that are opt-in do not.

    :param reference: a skill (all of it), or ``SKILL:EXTENSION``.
    """
    skill, _, extension = reference.partition(":")
    rows: list[tuple[Candidate, str, str]] = []
    for candidate in discovery.named(skill):
        entries = [name for group, name, _ in candidate.offers if group == _REGISTERING]
        if candidate.shadowed_by is not None or not entries:
            continue
        name = extension or entries[0]
        for _, kind, _ in discovery.offers(_KINDS):
            if NAMESPACE_PREFIX + kind in discovery.opt_in:
                continue
            if not discovery.config.enabled(kind, candidate.name, name).enabled:
                rows.append((candidate, kind, name))
    return rows


def _names(discovery: Discovery) -> set[str]:
    words = {candidate.name for candidate in discovery.winners}
    for candidate in discovery.winners:
        for group, name, _ in candidate.offers:
            if not is_ours(candidate, group):
                words |= {name, f"{candidate.name}:{name}"}
    return words
