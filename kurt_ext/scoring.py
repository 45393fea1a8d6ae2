"""Make one number of a verdict: what a skill can do, clipped by the worst that was found in it.

``exposure`` begins at 100 and loses the plugin document's points for each factor that the code
really uses, once ("Security Score & Risk Level"). ``ceiling`` is 39 where a finding is critical,
59 where one is high or an error, 79 where one is medium, less 5 for each further category that
is as grave. What could not be looked into caps it at 59. The score is the lower of the two.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .findings import Finding

__all__ = ["FACTORS", "breakdown", "risk_level"]

#: Factor → points, of the plugin document.
FACTORS = {"dangerous": 30, "write": 15, "network": 10, "service": 10, "environment": 5}
_CEILINGS = (("critical", 39), ("high", 59), ("medium", 79))
_INCOMPLETE = 59
#: The lowest score of each level, of the plugin document.
_BANDS = ((80, "low"), (60, "medium"), (40, "high"))


def breakdown(
    findings: Iterable[Finding], factors: Iterable[str], *, complete: bool, known: bool = True
) -> dict[str, Any]:
    """Return the score and what it is made of.

    :param factors: keys of :data:`FACTORS` that the code uses.
    :param complete: whether everything was looked into.
    :param known: whether there is a manifest at all; without one the score is 0.
    :returns: ``exposure``, ``factors`` (name → points lost), ``ceiling``, ``clipped_by`` (the
        severity and categories that set it), ``complete``, ``score``.
    """
    lost = {name: points for name, points in FACTORS.items() if name in set(factors)}
    exposure = 100 - sum(lost.values())
    by_severity: dict[str, set[str]] = {}
    for finding in findings:
        severity = "high" if finding.severity == "error" else finding.severity
        by_severity.setdefault(severity, set()).add(finding.category or finding.rule)
    ceiling, clipped_by = 100, {}
    for severity, most in _CEILINGS:
        categories = by_severity.get(severity)
        if not categories:
            continue
        # The lowest of all severities counts, so that one finding more never raises the score.
        limit = max(0, most - 5 * (len(categories) - 1))
        if limit < ceiling:
            ceiling, clipped_by = limit, {severity: sorted(categories)}
    if not complete and ceiling > _INCOMPLETE:
        ceiling, clipped_by = _INCOMPLETE, {"incomplete": []}
    score = max(0, min(exposure, ceiling)) if known else 0
    return {
        "exposure": exposure,
        "factors": lost,
        "ceiling": ceiling,
        "clipped_by": clipped_by,
        "complete": complete,
        "score": score,
    }


def risk_level(score: float) -> str:
    """Return the plugin document's word for a score: 80 low, 60 medium, 40 high, less critical."""
    for least, level in _BANDS:
        if score >= least:
            return level
    return "critical"
