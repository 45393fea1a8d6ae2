"""Advisories that an operator has decided to live with: ``[audit]`` of ``kurt.toml``.

::

    [audit]
    ignore = [
        { id = "KURT-2026-1", reason = "we never call archive()", until = "2027-01-01" },
    ]

Who says so says why, and until when: after that day, in UTC, the advisory counts again. One
about malware (``MAL-…``, as the OpenSSF numbers them, or a name that stands for one) always
counts: no reason makes a thief of passwords fit to be installed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from .config import Config

__all__ = ["Overlooked", "decide", "fault", "is_malware", "overlooked", "plain"]

_FIELDS = ("id", "reason", "until")
_MALWARE = "MAL-"
_LONGEST = 500


class Overlooked(NamedTuple):
    """One decision.

    :param id: the advisory's.
    :param until: the last day, as ``2027-01-01``.
    """

    id: str
    reason: str
    until: str

    @property
    def is_over(self) -> bool:
        """Whether its last day is past."""
        return self.until < time.strftime("%Y-%m-%d", time.gmtime())


def is_malware(names: Iterable[str]) -> bool:
    """Return whether one of an advisory's names says that it is about malware."""
    return any(name.upper().startswith(_MALWARE) for name in names)


def fault(row: Any) -> str | None:
    """Return what is wrong with a table of ``audit.ignore``; None where nothing is."""
    if not isinstance(row, dict):
        return "is no table such as { id = …, reason = …, until = … }"
    strange = [key for key in row if key not in _FIELDS]
    if strange:
        return f"has a key {strange[0]!r}; there are {', '.join(_FIELDS)}"
    for key in _FIELDS:
        if key not in row:
            return f"lacks {key}"
    for key in ("id", "reason"):
        text = row[key]
        if not isinstance(text, str) or not text.strip() or not text.isprintable():
            return f"has no text as its {key}"
        if len(text) > _LONGEST:
            return f"has more than {_LONGEST} characters as its {key}"
    if _day(row["until"]) is None:
        return "has no day such as 2027-01-01 as its until"
    if is_malware([row["id"]]):
        return f"names {row['id']}, which is about malware, and always counts"
    return None


def plain(row: dict[str, Any]) -> dict[str, str]:
    """Return a table that has no fault as texts."""
    return {"id": row["id"], "reason": row["reason"], "until": _day(row["until"]) or ""}


def decide(names: Sequence[str], decisions: Mapping[str, Overlooked]) -> Overlooked | None:
    """Return what an operator has said of an advisory, run out or not; None for nothing.

    :param names: its id, and the others that it goes by. Of malware nothing can be said.
    """
    if is_malware(names):
        return None
    found = [decisions[name] for name in names if name in decisions]
    return max(found, key=lambda one: one.until, default=None)


def overlooked(config: Config) -> dict[str, Overlooked]:
    """Return the decisions that the files hold, by id; the later one where both have one.

    Those of a project that nobody has trusted are not among them.
    """
    found: dict[str, Overlooked] = {}
    for layer in config.counted:
        for row in layer.get("audit", {}).get("ignore", ()):
            one = Overlooked(**row)
            if one.id not in found or found[one.id].until < one.until:
                found[one.id] = one
    return found


def _day(value: Any) -> str | None:
    """Return a day as RFC 3339 writes it; None for what is none."""
    import datetime

    if type(value) is datetime.date:
        return value.isoformat()
    if not isinstance(value, str) or len(value) != 10:
        return None
    try:
        return datetime.date.fromisoformat(value).isoformat()
    except ValueError:
        return None
