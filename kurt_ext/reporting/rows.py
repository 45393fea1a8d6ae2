"""What every form of a report says alike: places, levels, counts, and who accepted what."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = [
    "FATAL",
    "LEVELS",
    "accepted_line",
    "counted",
    "fatal",
    "flat",
    "place",
    "relative",
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
    """Return whether a finding makes its skill invalid: it is grave, and nobody accepted it."""
    return finding["severity"] in FATAL and not finding.get("accepted")


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


def _plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def counted(report: Mapping[str, Any]) -> list[str]:
    """Return the numbers of errors, remarks and accepted findings, as far as there are any."""
    findings = report["findings"]
    errors = sum(map(fatal, findings))
    accepted = sum(1 for finding in findings if finding.get("accepted"))
    said = []
    if errors:
        said.append(_plural(errors, "error"))
    if len(findings) - errors - accepted:
        said.append(_plural(len(findings) - errors - accepted, "remark"))
    if accepted:
        said.append(f"{accepted} accepted")
    return said


def summary(reports: Sequence[Mapping[str, Any]]) -> str:
    """Return in one line what many reports come to."""
    valid = sum(1 for report in reports if report["valid"])
    said = f"{_plural(len(reports), 'skill')}: {valid} valid, {len(reports) - valid} not valid"
    scores = [report["score"] for report in reports if report.get("score") is not None]
    return f"{said}; lowest score {min(scores):g}" if scores else said


def accepted_line(finding: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield label and text of what is to be said of a finding's acceptance."""
    row = finding.get("accepted")
    if row:
        until = f", until {row['until']}" if row.get("until") else ""
        yield "accepted", f"{row['reason']} (by {row['by']}, {row['since']}{until})"
    if finding.get("not_accepted"):
        yield "not accepted", finding["not_accepted"]
