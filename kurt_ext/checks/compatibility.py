"""Ask whether this host and this environment are those that the skill needs.

A skill for another host fails somewhere in its middle; a distribution that is
missing is an ImportError at the first call.

Bad::

    min_runtime_version: 2.0.0     # where the host is 1.0.0
    requires: [httpx>=0.28]        # where no httpx is installed

    requirements.txt: -r ../all.txt, or ./httpx.whl

Good::

    min_runtime_version: 1.0.0

    requirements.txt: httpx>=0.28

Of a requirements.txt the requirements count, and files of the same folder that ``-r``
includes. Options of pip are for whoever installs.
"""

from __future__ import annotations

from collections.abc import Iterator

from .. import semver
from ..findings import Finding
from ..requirements import FILE, Requirements, install_line, look
from ..versions import is_semver
from .subject import Subject

__all__ = ["CATEGORY", "RULES", "check"]

RULES = (
    "host-too-old",
    "host-too-new",
    "requirement-missing",
    "requirement-unfit",
    "requirement-option",
    "requirement-outside",
    "requirement-unreadable",
)
CATEGORY = {
    **dict.fromkeys(RULES, "style"),
    "host-too-old": "manifest_integrity",
    "host-too-new": "manifest_integrity",
}


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what is not as the manifest asks."""
    record = subject.record
    if record is None:
        return
    yield from _host(subject, record["min_runtime_version"], record["max_runtime_version"])
    for number, text in enumerate(record["requires"]):
        at = subject.at(("requires", number), ("metadata", "kurt/requires"))
        yield from _requirement(subject, at, text)
    if FILE in subject.paths:
        beside = Requirements(subject.folder)
        yield from beside.findings
        for text, place in beside.lines:
            path, _, line = place.rpartition(":")
            yield from _requirement(subject, (path, int(line), 0), text)


def _severity(subject: Subject) -> str:
    # Elsewhere there are other hosts.
    return "warning" if subject.publishing else "error"


def _host(subject: Subject, least: str | None, most: str) -> Iterator[Finding]:
    running = subject.runtime_version
    if least and is_semver(least) and semver.key(running) < semver.key(least):
        at = subject.at(("min_runtime_version",), ("metadata", "kurt/min-runtime-version"))
        message = f"it needs a host of version {least} or later, and this is {running}"
        fix = "update the host"
        yield subject.finding("host-too-old", _severity(subject), message, at, fix=fix)
    if most != "*" and is_semver(most) and semver.key(running) > semver.key(most):
        at = subject.at(("max_runtime_version",), ("metadata", "kurt/max-runtime-version"))
        message = f"it is for hosts up to version {most}, and this is {running}"
        fix = "look for a later version of the skill"
        yield subject.finding("host-too-new", _severity(subject), message, at, fix=fix)


def _requirement(subject: Subject, at: tuple[str, int, int], text: str) -> Iterator[Finding]:
    for lacking in look(text):
        fix = install_line([lacking.requirement])
        whose = f", for {lacking.whose}" if lacking.whose else ""
        if lacking.found is None:
            message = f"{lacking.requirement} is not installed here{whose}"
            yield subject.finding("requirement-missing", "warning", message, at, fix=fix)
        else:
            message = (
                f"it needs {lacking.requirement}{whose}, and {lacking.found} is installed here"
            )
            yield subject.finding("requirement-unfit", "warning", message, at, fix=fix)
