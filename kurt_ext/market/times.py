"""Times of documents, ``2026-11-21T13:40:00Z``, and whether an index is still to be believed."""

from __future__ import annotations

import time
from calendar import timegm
from typing import TYPE_CHECKING

from ..amounts import amount
from ..errors import MarketError, StaleIndexError

if TYPE_CHECKING:
    from .documents.index import Index

__all__ = ["age_in_words", "check_fresh", "seconds", "stamp"]

_FORM = "%Y-%m-%dT%H:%M:%SZ"
#: Seconds by which two clocks may differ.
_SKEW = 300
_UNITS = ((86_400, "day"), (3600, "hour"), (60, "minute"))


def stamp(moment: float | None = None) -> str:
    """Return a time as documents write it, in UTC.

    :param moment: seconds since 1970; now if None.
    """
    return time.strftime(_FORM, time.gmtime(moment))


def seconds(text: str) -> float:
    """Return a document's time in seconds since 1970.

    :raises MarketError: when there is no such time.
    """
    try:
        return float(timegm(time.strptime(text, _FORM)))
    except (ValueError, OverflowError):
        hint = "write it like 2026-11-21T13:40:00Z"
        raise MarketError(f"{text[:40]!r} is no time", hint=hint) from None


def age_in_words(span: float) -> str:
    """Return a number of seconds in words: ``3 days``, ``1 hour``, ``less than a minute``."""
    for size, word in _UNITS:
        count = int(span // size)
        if count >= 1:
            return amount(count, word)
    return "less than a minute"


def check_fresh(
    index: Index, *, seen: int | None = None, now: float | None = None, allow_stale: bool = False
) -> float:
    """Return the age of an index in seconds, if it is to be believed.

    :param seen: the highest snapshot that was seen of this marketplace before.
    :param now: seconds since 1970; the clock if None.
    :param allow_stale: take one that has expired, which the caller says aloud; one that is
        older than one seen before is refused all the same.
    :raises StaleIndexError: when it has expired (a freeze), or was replaced by one that was
        seen already (a rollback), or comes from the future.
    """
    meta = index.meta
    moment = time.time() if now is None else now
    if seen is not None and meta.snapshot < seen:
        raise StaleIndexError(
            f"the index of {meta.name} is older than one that was seen before",
            cause=f"it is snapshot {meta.snapshot}, and snapshot {seen} was seen",
        )
    age = moment - seconds(meta.generated)
    if age < -_SKEW:
        raise StaleIndexError(
            f"the index of {meta.name} comes from the future",
            cause=f"it was generated at {meta.generated}, and here it is {stamp(moment)}",
            hint="set the clock of this machine",
        )
    late = moment - seconds(meta.expires)
    if late >= 0 and not allow_stale:
        raise StaleIndexError(
            f"the index of {meta.name} has expired",
            cause=f"it was good until {meta.expires}, {age_in_words(late)} ago",
            hint="ask whoever runs the marketplace to build it again",
        )
    return max(age, 0.0)
