"""Ask whether this Python is one that a skill's ``requires_python`` allows.

The manifest may be right and the skill may run elsewhere, so that the answer is
a warning; running it here is refused.

Bad::

    requires_python: ">=3.14"      # where Python 3.11 runs

Good::

    requires_python: ">=3.11"
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..findings import Finding
    from .subject import Subject

__all__ = ["RULES", "allows", "check", "running"]

RULES = ("compatibility",)


def running() -> str:
    """Return the version of this Python, as ``3.11.7``."""
    return ".".join(map(str, sys.version_info[:3]))


def allows(wanted: str | None) -> bool:
    """Return whether a specifier allows this Python; one that cannot be read excludes nothing."""
    if not wanted:
        return True
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return SpecifierSet(wanted).contains(running(), prereleases=True)
    except InvalidSpecifier:  # the manifest's reader reports it
        return True


def check(subject: Subject) -> Iterator[Finding]:
    """Yield a warning where this Python is excluded."""
    wanted = subject.record["requires_python"] if subject.record else None
    if not allows(wanted):
        yield subject.finding(
            "compatibility",
            "warning",
            f"the skill needs Python {wanted}; this is {running()}",
            subject.at(("requires_python",), ("metadata", "kurt/requires-python")),
            fix="run kurt in an environment of that version",
        )
