"""What every form of a report says alike: places, levels, counts, and who accepted what."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..amounts import amount
from ..findings import SEVERITIES

__all__ = [
    "FATAL",
    "LEVELS",
    "accepted_line",
    "all_findings",
    "counted",
    "fatal",
    "flat",
    "place",
    "relative",
    "score",
    "summary",
]

#: Severities that make a skill invalid.
FATAL = frozenset(("error", "high", "critical"))
#: Severity → SARIF's level (§3.27.10), which GitHub's annotations know too, but for ``note``.
LEVELS = {
    "info": "note",
    "low": "note",
    "warning": "warning",
    "medium": "warning",
    "error": "error",
    "high": "error",
    "critical": "error",
}


def flat(text: str) -> str:
    """Return text without line feeds and tabs, so that it cannot look like another line."""
    return text.replace("\n", "\\n").replace("\t", "\\t")


def fatal(finding: Mapping[str, Any]) -> bool:
    """Return whether a finding makes its skill invalid."""
    return finding["severity"] in FATAL


def all_findings(report: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the findings that count and those that were accepted, in the order of the files."""
    return sorted([*report["findings"], *(report.get("accepted") or ())], key=_order)


def _order(finding: Mapping[str, Any]) -> tuple[object, ...]:
    grave = -SEVERITIES.index(finding["severity"])
    place = (finding["path"], finding["line"], finding["column"])
    return (*place, grave, finding["rule"], finding["message"])


def score(report: Mapping[str, Any]) -> float | None:
    """Return the score of a report, if it has one."""
    found: float | None = report.get("security_score")
    return found


def relative(path: str, base: str) -> str:
    """Return a path as it is shown from a folder; whole where it lies outside."""
    shown = os.path.relpath(path, base)
    outside = shown == os.pardir or shown.startswith(os.pardir + os.sep)
    return path if outside else shown


def place(report: Mapping[str, Any], finding: Mapping[str, Any], base: str) -> str:
    """Return ``path:line:column`` of a finding as far as it is known, "" where it has no file."""
    if not finding["path"]:
        return ""
    root = relative(report["path"], base)
    at: str = finding["path"] if root == os.curdir else os.path.join(root, finding["path"])
    if finding["line"]:
        at += f":{finding['line']}"
        if finding["column"]:
            at += f":{finding['column']}"
    return at


def counted(report: Mapping[str, Any]) -> list[str]:
    """Return the numbers of errors, remarks and accepted findings, as far as there are any."""
    errors = sum(map(fatal, report["findings"]))
    remarks = len(report["findings"]) - errors
    said = []
    if errors:
        said.append(amount(errors, "error"))
    if remarks:
        said.append(amount(remarks, "remark"))
    if report.get("accepted"):
        said.append(f"{len(report['accepted'])} accepted")
    return said


def summary(reports: Sequence[Mapping[str, Any]]) -> str:
    """Return in one line what many reports come to."""
    valid = sum(1 for report in reports if report["valid"])
    said = f"{amount(len(reports), 'skill')}: {valid} valid, {len(reports) - valid} not valid"
    scores = [points for report in reports if (points := score(report)) is not None]
    return f"{said}; lowest score {min(scores):g}" if scores else said


def accepted_line(finding: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield label and text of what is to be said of a finding's acceptance."""
    row = finding.get("accepted")
    if row:
        until = f", until {row['until']}" if row.get("until") else ""
        yield "accepted", f"{row['reason']} (by {row['by']}, {row['since']}{until})"
    if finding.get("not_accepted"):
        yield "not accepted", finding["not_accepted"]
