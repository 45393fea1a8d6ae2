"""Write reports for a reader at a terminal: each finding with the line it is about."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..output import width
from .excerpts import Excerpts, Row, rows
from .rows import accepted_line, all_findings, counted, flat, place, score, summary

if TYPE_CHECKING:
    from ..output import Page

__all__ = ["write"]

_LEAST = 40  # columns of text below which a frame shows nothing


def write(
    page: Page,
    reports: Sequence[Mapping[str, Any]],
    *,
    base: str,
    columns: int = 100,
    context: int = 1,
) -> None:
    """Write the reports, and what they come to where there are several.

    :param base: the folder that places are shown relative to.
    :param columns: how wide the output is.
    :param context: so many lines are shown before and after that of a finding.
    """
    for report in reports:
        excerpts = Excerpts.of(report)
        told: set[str] = set()
        for finding in all_findings(report):
            _finding(page, report, finding, base)
            _frame(page, excerpts, finding, columns, context)
            _rest(page, finding, told)
        _verdict(page, report)
    if len(reports) > 1:
        page.line(summary(reports), "bold")


def _finding(page: Page, report: Mapping[str, Any], finding: Mapping[str, Any], base: str) -> None:
    where = flat(place(report, finding, base))
    severity = finding["severity"]
    style = "error" if severity in ("error", "high", "critical") else "warning"
    if finding.get("accepted") or severity in ("info", "low"):
        style = "dim"
    page.parts(
        (f"{where}: " if where else "", "bold"),
        ("accepted " if finding.get("accepted") else "", "green"),
        (severity, style),
        (f": {flat(finding['message'])} ", None),
        (f"[{flat(finding['rule'])}]", "dim"),
    )


def _frame(
    page: Page, excerpts: Excerpts, finding: Mapping[str, Any], columns: int, context: int
) -> None:
    line, column = finding["line"], finding["column"]
    lines = excerpts.lines(finding["path"]) if line and finding["path"] else None
    if lines is None:
        return
    last = min(len(lines), line + context)
    gutter = len(str(last)) + 2
    found = rows(
        lines,
        line,
        column,
        evidence=finding.get("evidence") or "",
        context=context,
        columns=max(columns - gutter - 4, _LEAST),
    )
    for row in found:
        here = row.number == line
        number = f"{row.number:>{gutter}} | "
        page.parts(
            (f">{number[1:]}" if here else number, "cyan" if here else "dim"),
            (row.before, None),
            (row.marked or "", "bold"),
            (row.after, None),
        )
        if row.marked is not None:
            _caret(page, row, gutter)


def _caret(page: Page, row: Row, gutter: int) -> None:
    marks = "^" * max(1, width(row.marked or ""))
    page.parts((" " * gutter + " | ", "dim"), (" " * width(row.before), None), (marks, "error"))


def _rest(page: Page, finding: Mapping[str, Any], told: set[str]) -> None:
    """Write why it matters, once a rule, what mends it, and who has accepted it."""
    why = finding.get("why")
    if why and finding["rule"] not in told and finding["severity"] != "info":
        page.parts(("  why: ", "dim"), (" ".join(why.split()), None))
    told.add(finding["rule"])
    if finding["fix"]:
        fix = finding["fix"].replace("\t", "    ").replace("\n", "\n    ")
        page.parts(("  fix: ", "hint"), (fix, None))
    for label, text in accepted_line(finding):
        page.parts(
            (f"  {label}: ", "green" if label == "accepted" else "warning"), (flat(text), None)
        )


def _verdict(page: Page, report: Mapping[str, Any]) -> None:
    name = flat(report["name"] or os.path.basename(report["path"]))
    said = [f"profile {report['profile']}"]
    points = score(report)
    if points is not None:
        said.append(f"score {points:g} {report.get('risk_level') or ''}".rstrip())
    if report.get("complete") is False:
        said.append("not all of it could be judged")
    said += counted(report)
    word, style = ("valid ", "green") if report["valid"] else ("not valid ", "error")
    page.parts((word, style), (f"{name} ({', '.join(said)})", None))
