"""Ask whether the code changes the program that it runs in.

What is replaced in a shared module, a class of the host or the import system is replaced for
everybody, and outlives the plugin.

Bad::

    sys.modules["json"] = fake
    builtins.open = watched

Good::

    def open_watched(path): ...
"""

from __future__ import annotations

from collections.abc import Iterator

from ..findings import Finding
from .declared import events, judged, uses
from .subject import Subject

__all__ = ["CATEGORY", "RULES", "check"]

RULES = (
    "undeclared-tamper",
    "declared-tamper",
    "unproven-tamper",
    "foreign-store",
    "class-patch",
    "environment-store",
)
CATEGORY = "host_tamper"


def check(subject: Subject) -> Iterator[Finding]:
    """Yield each change of what others own."""
    for use in uses(subject, "host_tamper"):
        yield judged(subject, use, "tamper")
    yield from events(subject, "foreign-store", "class-patch", "environment-store")
