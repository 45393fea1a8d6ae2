"""Ask whether the code makes objects from data that can make any object.

A pickle is a program: whoever writes it decides what runs where it is read.

Bad::

    pickle.loads(response.content)

Good::

    json.loads(response.content)
"""

from __future__ import annotations

from collections.abc import Iterator

from ..findings import Finding
from .declared import judged, uses
from .subject import Subject

__all__ = ["CATEGORY", "RULES", "check"]

RULES = ("undeclared-unpickling", "declared-unpickling", "unproven-unpickling")
CATEGORY = "deserialization"


def check(subject: Subject) -> Iterator[Finding]:
    """Yield each reader of data that can run code."""
    own = _own_cache(subject)
    for use in uses(subject, "deserialization"):
        kept = own and use.called and not use.at_import and "network" not in use.origins
        yield judged(subject, use, "unpickling", severity="medium" if kept else "")


def _own_cache(subject: Subject) -> bool:
    """Return whether the skill reads files that it declares, and does not talk.

    Whoever may write there may run code in the host; a plugin that keeps its own results, or a
    model, in a folder that it names has to be looked at, and need not be a thief.
    """
    permissions = (subject.record or {}).get("permissions") or {}
    return bool(permissions.get("filesystem_read")) and not permissions.get("network_hosts")
