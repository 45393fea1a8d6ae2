"""Choose a version of a distribution, and the wheel of it that suits this Python best.

As PyPA's specifications have it: what was yanked only by its exact version (PEP 592), a
pre-release only where it is asked for or nothing else is there (PEP 440), and never one
for another Python. Only wheels: to build what is none runs its code.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import ManifestError, SkillNotFoundError
from .market.simple_pages import File, Page

if TYPE_CHECKING:
    from packaging.version import Version

    from .specs import Spec

__all__ = ["Chosen", "Wheel", "choose", "fitting", "rank", "wheels_of"]


class Wheel(NamedTuple):
    """A wheel of a page that this Python can use.

    :param rank: how well it suits; the lowest is best.
    """

    version: Version
    rank: tuple[int, Any]
    file: File


class Chosen(NamedTuple):
    """The wheel that is to be taken.

    :param version: as the index spells it, normalised.
    """

    version: str
    file: File


@cache
def _order() -> Mapping[Any, int]:
    from packaging.tags import sys_tags

    return {tag: number for number, tag in enumerate(sys_tags())}


def rank(filename: str) -> tuple[int, Any] | None:
    """Return how well a wheel suits this Python and system; None where it does not.

    :raises ValueError: when it is no wheel's name.
    """
    from packaging.utils import parse_wheel_filename

    _, _, build, tags = parse_wheel_filename(filename)
    best = min((_order()[tag] for tag in tags if tag in _order()), default=None)
    # A higher build number goes before a lower one (PEP 427).
    return None if best is None else (best, ((-build[0], build[1]),) if build else ())


def fitting(wheels: Iterable[Any], name: str) -> Any:
    """Return the one of a market's wheels, each with a ``filename``, that suits best.

    :raises ManifestError: when none does.
    """
    listed = list(wheels)
    ranked = [(found, one.filename, one) for one in listed if (found := rank(one.filename))]
    if not ranked:
        raise ManifestError(
            f"no wheel of {name} is for this Python and system",
            cause=", ".join(wheel.filename for wheel in listed)[:500],
            skill=name,
        )
    return min(ranked, key=lambda row: row[:2])[2]


def wheels_of(page: Page) -> tuple[list[Wheel], Counter[str]]:
    """Return the wheels of a page that can be used here, and how many cannot, and why."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.utils import canonicalize_name, parse_wheel_filename

    found: list[Wheel] = []
    left: Counter[str] = Counter()
    python = platform.python_version()
    for file in page.files:
        if not file.filename.endswith(".whl"):
            left["it is no wheel"] += 1
            continue
        try:
            name, version, _, _ = parse_wheel_filename(file.filename)
            suits = rank(file.filename)
            wanted = SpecifierSet(file.requires_python)
        except (ValueError, InvalidSpecifier):
            left["its name cannot be read"] += 1
            continue
        if canonicalize_name(name) != page.name:
            left["it is another distribution's"] += 1
        elif suits is None:
            left["it is for another system"] += 1
        elif not wanted.contains(python, prereleases=True):
            left["it is for another Python"] += 1
        else:
            found.append(Wheel(version, suits, file))
    return found, left


def choose(page: Page, spec: Spec) -> Chosen:
    """Return the wheel that a SPEC asks for.

    :raises SkillNotFoundError: when there is none, with what there is.
    """
    wheels, left = wheels_of(page)
    exact = is_exact(spec)
    asked = [one for one in wheels if allows(spec, one.version)]
    offered = [one for one in asked if exact or one.file.yanked is None]
    if not exact and not asks_for_pre(spec):
        final = [one for one in offered if not one.version.is_prerelease]
        offered = final or offered
    if offered:
        newest = max(one.version for one in offered)
        # Of one version, a wheel that was not yanked goes before one that was.
        best = min(
            [one for one in offered if one.version == newest],
            key=lambda one: (one.file.yanked is not None, one.rank, one.file.filename),
        )
        return Chosen(str(best.version), best.file)
    if asked:
        left["it was yanked"] += len(asked)
    there = sorted({one.version for one in wheels})
    wanted = wanted_words(spec)
    raise SkillNotFoundError(
        f"{page.name} has no wheel{f' {wanted}' if wanted else ''} that can be installed here",
        cause="; ".join(
            [
                "there are " + (", ".join(map(str, there[-10:])) or "none for this Python"),
                *[f"{count} left out: {reason}" for reason, count in left.most_common(4)],
            ]
        ),
        candidates=[str(one) for one in there[-10:]],
        skill=page.name,
    )


def wanted_words(spec: Spec) -> str:
    """Return which versions a SPEC asks for, as it was written; "" for any."""
    return spec.version or spec.specifier or (spec.constraint if spec.constraint != "*" else "")


def is_exact(spec: Spec) -> bool:
    """Return whether a SPEC names one version, so that one that was yanked will do."""
    if spec.version is not None:
        return True
    from packaging.specifiers import SpecifierSet

    listed = list(SpecifierSet(spec.specifier))
    return len(listed) == 1 and (
        listed[0].operator == "===" or (listed[0].operator == "==" and "*" not in listed[0].version)
    )


def asks_for_pre(spec: Spec) -> bool:
    """Return whether a SPEC names a pre-release, so that others will do too."""
    from packaging.specifiers import SpecifierSet

    return bool(SpecifierSet(spec.specifier).prereleases) or "-" in spec.constraint


def allows(spec: Spec, version: Version) -> bool:
    """Return whether a version, as an index has it, is one that a SPEC asks for."""
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version as Made

    from .constraints import parse
    from .versions import from_pep440, to_pep440

    if spec.version is not None:
        return Made(to_pep440(spec.version)) == version
    if spec.specifier and not SpecifierSet(spec.specifier).contains(version, prereleases=True):
        return False
    return spec.constraint == "*" or parse(spec.constraint).allows(from_pep440(str(version)))
