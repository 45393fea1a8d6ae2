"""What a manager can tell of a name, and the switch that its configuration is.

Nothing is imported for any of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .listing import row

if TYPE_CHECKING:
    from .candidates import Candidate
    from .discovery import Discovery
    from .manager import SkillManager

__all__ = ["explain", "info", "listed", "switch"]


def listed(found: Discovery) -> list[dict[str, Any]]:
    """Return a row per copy of a skill."""
    return [row(candidate, found.config, found.opt_in) for candidate in found.candidates]


def info(skills: SkillManager, name: str) -> dict[str, Any]:
    """Return the row of a skill with its ``manifest`` and the ``outcomes`` of this manager.

    :param name: a skill, or an extension of one.
    :raises NotFoundError: when nothing has the name.
    """
    found = skills.discover()
    copies = found.named(name.partition(":")[0])
    candidate = copies[0] if copies else skills.lookup.find(name).candidate
    made = row(candidate, found.config, found.opt_in)
    made["manifest"] = candidate.record()
    made["outcomes"] = _outcomes(skills, candidate)
    return made


def explain(skills: SkillManager, name: str) -> dict[str, Any]:
    """Return every copy of what a name means, the winner first, each with what became of it.

    :raises NotFoundError: when nothing has the name.
    """
    found = skills.discover()
    owner, _, extension = name.partition(":")
    copies = list(found.named(owner))
    if not copies:
        copies = [c for c in found.candidates if any(offer[1] == owner for offer in c.offers)]
    if not copies:
        copies = [skills.lookup.find(name).candidate]
    story = []
    for candidate in copies:
        told = row(candidate, found.config, found.opt_in)
        if extension:
            told["extensions"] = [e for e in told["extensions"] if e["name"] == extension]
        told["outcomes"] = _outcomes(skills, candidate)
        story.append(told)
    return {"name": name, "candidates": story}


def _outcomes(skills: SkillManager, candidate: Candidate) -> list[dict[str, Any]]:
    return [
        outcome.as_dict()
        for reference, outcome in sorted(skills.outcomes.items())
        if reference.partition(":")[0] == candidate.name
    ]


def switch(skills: SkillManager, reference: str, scope: str, *, on: bool) -> None:
    """Write ``kurt.toml`` so that what a reference means is enabled, or disabled.

    :raises NotFoundError: when nothing has the name.
    :raises ConfigError: when the file cannot be read or written.
    """
    from .config_edit import disable, enable
    from .naming import kinds_of

    found = skills.discover()
    edit = enable if on else disable
    for candidate, word, extension in kinds_of(found, reference):
        namespace = skills.kind(word).namespace
        every = [name for group, name, _ in candidate.offers if group == namespace]
        whole = reference == candidate.name
        edit(
            skills.places,
            word,
            candidate.name,
            None if whole else extension,
            scope=scope,
            opt_in=namespace in found.opt_in,
            siblings=[name for name in every if whole or name != extension],
            qualified=":" in reference,
        )
