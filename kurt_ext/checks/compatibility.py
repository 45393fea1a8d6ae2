"""Ask whether this host and this environment are those that the skill needs.

A skill for another host fails somewhere in its middle; a distribution that is
missing is an ImportError at the first call.

Bad::

    min_runtime_version: 2.0.0     # where the host is 1.0.0
    requires: [httpx>=0.28]        # where no httpx is installed

Good::

    min_runtime_version: 1.0.0
"""

from __future__ import annotations

from collections.abc import Iterator

from ..findings import Finding
from ..versions import is_semver
from .subject import Subject

__all__ = ["RULES", "check"]

RULES = ("host-too-old", "host-too-new", "requirement-missing", "requirement-unfit")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what is not as the manifest asks."""
    record = subject.record
    if record is None:
        return
    yield from _host(subject, record["min_runtime_version"], record["max_runtime_version"])
    for number, text in enumerate(record["requires"]):
        yield from _requirement(subject, number, text)


def _severity(subject: Subject) -> str:
    # Elsewhere there are other hosts.
    return "warning" if subject.publishing else "error"


def _host(subject: Subject, least: str | None, most: str) -> Iterator[Finding]:
    running = subject.runtime_version
    if least and is_semver(least) and _precedence(running) < _precedence(least):
        at = subject.at(("min_runtime_version",), ("metadata", "kurt/min-runtime-version"))
        message = f"it needs a host of version {least} or later, and this is {running}"
        fix = "update the host"
        yield subject.finding("host-too-old", _severity(subject), message, at, fix=fix)
    if most != "*" and is_semver(most) and _precedence(running) > _precedence(most):
        at = subject.at(("max_runtime_version",), ("metadata", "kurt/max-runtime-version"))
        message = f"it is for hosts up to version {most}, and this is {running}"
        fix = "look for a later version of the skill"
        yield subject.finding("host-too-new", _severity(subject), message, at, fix=fix)


def _precedence(version: str) -> tuple[object, ...]:
    """Return what orders SemVer versions (2.0, section 11); the build is not compared."""
    release, dash, pre = version.partition("+")[0].partition("-")
    numbers = tuple([int(number) for number in release.split(".")])
    parts = [
        (0, int(part), "") if part.isdecimal() else (1, 0, part) for part in pre.split(".") if dash
    ]
    return (*numbers, not dash, *parts)


def _requirement(subject: Subject, number: int, text: str) -> Iterator[Finding]:
    from importlib.metadata import PackageNotFoundError, version

    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.version import InvalidVersion

    try:
        wanted = Requirement(text)
        if wanted.marker is not None and not wanted.marker.evaluate():
            return
    except (InvalidRequirement, ValueError, RecursionError):
        return  # the reader has said so
    at = subject.at(("requires", number), ("metadata", "kurt/requires"))
    fix = f"pip install '{wanted.name}{wanted.specifier}'"
    try:
        found = version(wanted.name)
        fits = wanted.specifier.contains(found, prereleases=True)
    except PackageNotFoundError:
        message = f"{wanted.name} is not installed here"
        yield subject.finding("requirement-missing", "warning", message, at, fix=fix)
    except (InvalidVersion, TypeError):
        return  # a damaged installation of it, which `pip check` names
    else:
        if not fits:
            message = f"it needs {text}, and {wanted.name} {found} is installed here"
            yield subject.finding("requirement-unfit", "warning", message, at, fix=fix)
