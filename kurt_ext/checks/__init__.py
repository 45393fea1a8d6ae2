"""Checks: one question about a skill, one file each.

A check is a function that is given a :class:`Subject` and yields findings,
named in the entry-point group ``kurt.check`` of an installed distribution. It
reads; it imports and runs nothing of the skill. The first sentence of its
module's docstring says what it asks, the next why, and examples follow under
``Bad:`` and ``Good:``: ``kurt explain RULE`` reads them aloud for each rule in
the module's ``RULES``.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..findings import Finding as Finding
    from .subject import Subject as Subject

__all__ = ["Finding", "Subject"]


def __getattr__(name: str) -> object:
    # A single check is imported before a run, which has no use for syntax trees.
    if name == "Subject":
        from .subject import Subject

        return Subject
    if name == "Finding":
        from ..findings import Finding

        return Finding
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
