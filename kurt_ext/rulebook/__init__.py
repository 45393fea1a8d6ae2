"""What each rule of kurt's own asks, and why: what ``kurt explain RULE`` reads aloud.

The rules of a check stand in the check's docstring instead, beside its code.
"""

from __future__ import annotations

from . import archives, fields, files, markets, surroundings, uses
from .entry import Entry

__all__ = ["Entry", "entry", "explain", "rules"]

_ENTRIES: dict[str, Entry] = {
    **files.ENTRIES,
    **fields.ENTRIES,
    **surroundings.ENTRIES,
    **uses.ENTRIES,
    **archives.ENTRIES,
    **markets.ENTRIES,
}


#: The reader names a rule after the field whose form is broken.
_FORM = "invalid-"


def rules() -> list[str]:
    """Return the rules that have an entry of their own."""
    return sorted(_ENTRIES)


def entry(rule: str) -> Entry | None:
    """Return the entry of a rule; None for one that is not here."""
    return _ENTRIES.get("invalid-name" if rule.startswith(_FORM) else rule)


def explain(rule: str) -> str | None:
    """Return what a rule asks and why, on lines of their own; None for one that is not here."""
    found = entry(rule)
    return found and found.text()
