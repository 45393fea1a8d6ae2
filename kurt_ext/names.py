"""Words: the names of skills, distributions, packages and extensions, and their forms.

A skill is named once, in its manifest: ``web-archiver`` (Agent Skills
specification: 1-64 characters of ``a-z0-9-``) or, in a plugin.json,
``com.example.calculator`` (reverse DNS). Every other form is derived here and
nowhere else.
"""

from __future__ import annotations

from keyword import iskeyword

from .errors import ManifestError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import NewType

    SkillName = NewType("SkillName", str)
    Slug = NewType("Slug", str)
    Namespace = NewType("Namespace", str)
else:
    # typing costs more than a whole warm `kurt list`.
    SkillName = Slug = Namespace = str

__all__ = [
    "DISTRIBUTION_PREFIX",
    "NAMESPACE_PREFIX",
    "PACKAGE",
    "UNREAD",
    "Namespace",
    "SkillName",
    "Slug",
    "distribution_name",
    "normalize",
    "package_name",
    "parse_reference",
    "skill_name",
    "slug",
    "suggest",
]

#: Entry-point groups that kurt_ext reads start with this.
NAMESPACE_PREFIX = "kurt."
#: The namespace package (PEP 420) that every skill's code is imported under.
PACKAGE = "kurt_skills"
#: Folders in a skill that can be imported from by their names and hold what others have
#: written there: nobody looks into them, and nothing is imported from them.
UNREAD = frozenset(("__pycache__", "node_modules"))
#: Shim and wheel distributions carry a prefix: an unprefixed shim called ``six``
#: was replaced by PyPI's ``six`` on upgrade.
DISTRIBUTION_PREFIX = "kurt-skill-"

_MAX_NAME = 64  # Agent Skills specification, `name`
_MAX_ID = 128
_LOWER = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")


def _is_label(text: str, extra: str = "") -> bool:
    return (
        bool(text)
        and text[0] in _LOWER
        and text[-1] in _LOWER
        and all(c in _LOWER or c == "-" or c in extra for c in text)
        and "--" not in text
    )


def skill_name(text: str) -> SkillName:
    """Return ``text`` as a skill's name, or raise :class:`ManifestError` with the rule it breaks.

    Without a dot: 1-64 characters of ``a-z``, ``0-9`` and single inner hyphens
    (Agent Skills specification). With dots: a reverse-DNS id of two or more
    labels, at most 128 characters; its labels may also hold underscores, and
    ASCII capitals are lowered, since ids are compared as names.
    """
    if "." in text:
        lowered = text.lower() if text.isascii() else text
        if len(lowered) <= _MAX_ID and all(_is_label(part, "_") for part in lowered.split(".")):
            return SkillName(lowered)
        raise ManifestError(
            f"{text[:_MAX_ID]!r} is not a plugin id",
            cause="an id is reverse DNS: two or more labels of a-z, 0-9, '-' and '_', "
            f"joined by dots, at most {_MAX_ID} characters",
            hint="write it like com.example.calculator",
        )
    if len(text) <= _MAX_NAME and _is_label(text):
        return SkillName(text)
    raise ManifestError(
        f"{text[:_MAX_NAME]!r} is not a skill name",
        cause=f"a name is 1 to {_MAX_NAME} characters of a-z, 0-9 and single inner hyphens",
        hint="write it like web-archiver",
    )


def slug(name: str) -> Slug:
    """Return the module name of a skill: ``web-archiver`` → ``web_archiver``.

    Two names with the same slug are the same skill to the importer, so that
    discovery reports them as a conflict.
    """
    text = name.replace("-", "_").replace(".", "_")
    return Slug("_" + text if text[0].isdigit() or iskeyword(text) else text)


def package_name(name: str) -> str:
    """Return the package that a skill's code is imported under: ``kurt_skills.web_archiver``."""
    return f"{PACKAGE}.{slug(name)}"


def normalize(name: str) -> str:
    """Return a distribution's name as PEP 503 compares it."""
    for separator in "_.":
        name = name.replace(separator, "-")
    while "--" in name:
        name = name.replace("--", "-")
    return name.lower()


def distribution_name(name: str) -> str:
    """Return the distribution that carries a skill: ``kurt-skill-web-archiver``."""
    return DISTRIBUTION_PREFIX + normalize(name)


def parse_reference(text: str) -> tuple[str | None, str]:
    """Split ``SKILL:EXTENSION`` or a bare name into ``(skill or None, name)``.

    :raises UsageError: when a part is empty or there are more than two.
    """
    skill, colon, extension = text.partition(":")
    if not colon:
        if not skill:
            raise UsageError("an empty name was given", hint="kurt list")
        return None, skill
    if not skill or not extension or ":" in extension:
        raise UsageError(f"{text!r} is not SKILL:EXTENSION", hint="kurt list")
    return skill, extension


def suggest(word: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """Return the known names nearest to ``word``, best first."""
    from difflib import get_close_matches

    return get_close_matches(word, sorted(set(known)), n=limit, cutoff=0.6)
