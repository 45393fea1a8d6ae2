"""Say where the code of a plugin runs, and what holds it there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .errors import KurtError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .candidates import Candidate
    from .isolation import Decision, Isolation
    from .life import Life

__all__ = ["expected", "present", "words"]

_BY = {
    "strong": "by the kernel and namespaces",
    "kernel": "by the kernel",
    "process": "by checks in Python alone",
}


def present(
    isolation: Isolation | None, life: Life | None, candidate: Candidate, record: Mapping[str, Any]
) -> dict[str, Any]:
    """Return where the code of a plugin of this process runs, as JSON values.

    :param life: None for one that was never loaded here.
    :returns: the fields of a `Decision`, ``isolated``; ``pid``, the process that has the code,
        None where it was not imported; ``workers``, how many there were.
    """
    generation = life.generation if life is not None else None
    housing = ... if generation is None else generation.housing
    if housing is None:
        row = expected(isolation, candidate, record, life.isolation if life else None)
        return {**row, "pid": os.getpid()}
    if housing is ...:
        return expected(isolation, candidate, record)
    return {**_row(housing.decision), "pid": housing.pid, "workers": housing.born}


def expected(
    isolation: Isolation | None,
    candidate: Candidate,
    record: Mapping[str, Any],
    asked: str | None = None,
) -> dict[str, Any]:
    """Return where the code of a plugin would run; the same fields.

    ``tier`` is None where it would not be let in, and ``reason`` says why.

    :param asked: a mode that its host names.
    """
    if isolation is None:
        row = {"mode": "none", "source": "the host", "tier": "none", "isolated": False}
        return {**row, "reason": "since the host isolates nothing", "pid": None, "workers": 0}
    try:
        return _row(isolation.decide(candidate, record, asked))
    except KurtError as error:
        row = dict.fromkeys(("mode", "source", "tier", "isolated", "pid"))
        return {**row, "reason": str(error), "workers": 0}


def words(row: Mapping[str, Any]) -> str:
    """Return such a row for people."""
    if row["tier"] is None:
        return f"cannot be had: {row['reason']}"
    if not row["isolated"]:
        return f"none: in the host's own process, {row['reason']}"
    more = f"; {row['reason']}" if row["reason"] else ""
    said = f"{row['mode']}: {row['source']}{more}"
    return f"{_BY[row['tier']]}, in a process of its own ({said})"


def _row(decision: Decision) -> dict[str, Any]:
    return {**decision.as_dict(), "pid": None, "workers": 0}
