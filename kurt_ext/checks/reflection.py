"""Ask whether the code walks into the interpreter, or fetches by names that it works out.

From any object a few attributes lead to every module and to the host's own variables; a name
that is put together while the code runs hides what is used.

Bad::

    ().__class__.__base__.__subclasses__()
    getattr(os, "sys" + suffix)

Good::

    getattr(self, f"on_{event}")
"""

from __future__ import annotations

from collections.abc import Iterator

from ..findings import Finding
from .declared import events, judged, uses
from .subject import Subject

__all__ = ["CATEGORY", "RULES", "check"]

RULES = (
    "undeclared-reflection",
    "declared-reflection",
    "unproven-reflection",
    "computed-attribute",
    "object-insides",
    "format-reach",
    "module-handed-on",
    "host-module",
)
CATEGORY = "reflection"


def check(subject: Subject) -> Iterator[Finding]:
    """Yield each such walk."""
    for use in uses(subject, "reflection"):
        yield judged(subject, use, "reflection")
    yield from events(subject, *RULES[3:])
