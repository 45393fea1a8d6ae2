"""Write reports as one page of HTML that stands alone: no script, nothing fetched.

It may hold a stranger's text: everything is escaped, and a policy in the page
forbids scripts and requests, should an escape ever be forgotten.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from ..findings import SEVERITIES
from ..output import printable
from .excerpts import Excerpts, Row, rows
from .rows import accepted_line, all_findings, counted, place, relative, score, summary
from .style import CSS

__all__ = ["render"]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_COLUMNS = 110
_PARTS = ("exposure", "factors", "ceiling", "clipped_by", "complete", "score")


def render(reports: Sequence[Mapping[str, Any]], *, base: str) -> str:
    """Return the page.

    :param base: the folder that places are shown relative to.
    """
    title = "kurt validate"
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{title}</title>",
        f"<style>{CSS}</style>",
        "</head>",
        "<body>",
        f"<h1>{title}</h1>",
        f"<p>{_text(summary(reports))}</p>",
        *_contents(reports, base),
    ]
    for number, report in enumerate(reports, 1):
        lines += _skill(report, number, base)
    return "\n".join([*lines, "</body>", "</html>", ""])


def _text(value: object) -> str:
    """Return text that no browser takes for markup, control characters made visible."""
    return escape(printable(str(value)), quote=True)


def _verdict(report: Mapping[str, Any]) -> str:
    word, style = ("valid", "good") if report["valid"] else ("not valid", "bad")
    return f'<span class="badge {style}">{word}</span>'


def _name(report: Mapping[str, Any]) -> str:
    path: str = report["path"]
    return report["name"] or os.path.basename(path) or path


def _points(report: Mapping[str, Any]) -> str:
    points = score(report)
    return "" if points is None else f"{points:g}"


def _contents(reports: Sequence[Mapping[str, Any]], base: str) -> Iterator[str]:
    """Yield the table of all skills."""
    yield "<table><thead><tr><th>skill<th>verdict<th>score<th>risk<th>findings<th>folder</thead>"
    yield "<tbody>"
    for number, report in enumerate(reports, 1):
        cells = (
            f'<a href="#skill-{number}">{_text(_name(report))}</a>',
            _verdict(report),
            f'<span class="number">{_points(report)}</span>',
            _text(report.get("risk_level") or ""),
            _text(", ".join(counted(report)) or "none"),
            f"<code>{_text(relative(report['path'], base))}</code>",
        )
        yield "<tr>" + "".join([f"<td>{cell}" for cell in cells])
    yield "</tbody></table>"


def _skill(report: Mapping[str, Any], number: int, base: str) -> Iterator[str]:
    yield f'<section id="skill-{number}">'
    yield f"<h2>{_text(_name(report))} {_verdict(report)}</h2>"
    said = f"folder {relative(report['path'], base)}, profile {report['profile']}"
    yield f"<p>{_text(said)}</p>"
    yield from _score(report)
    yield from _permissions(report)
    excerpts = Excerpts.of(report)
    listed = all_findings(report)
    for severity in reversed(SEVERITIES):
        found = [one for one in listed if one["severity"] == severity]
        if found:
            yield f"<h3>{severity} ({len(found)})</h3>"
        for finding in found:
            yield from _finding(report, finding, excerpts, base)
    if not listed:
        yield "<p>Nothing was found.</p>"
    yield "</section>"


def _score(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield the score as a bar, and what it is made of."""
    points = score(report)
    if points is not None:
        risk = _text(report.get("risk_level") or "")
        yield (
            f'<p class="score"><meter min="0" max="100" low="40" high="80" optimum="100" '
            f'value="{points:g}">{points:g}</meter> <strong>{points:g}</strong> of 100, '
            f"risk {risk}</p>"
        )
    if report.get("complete") is False:
        yield '<p class="bad">Not all of it could be judged.</p>'
    breakdown = report.get("score_breakdown")
    if breakdown:
        yield "<details><summary>how the score is made</summary><table><tbody>"
        for key in sorted(breakdown, key=_rank):
            yield f"<tr><th>{_text(key)}<td>{_value(breakdown[key])}"
        yield "</tbody></table></details>"


def _rank(key: str) -> tuple[int, str]:
    """Return where a part of the breakdown stands: what comes from memory has another order."""
    return (_PARTS.index(key) if key in _PARTS else len(_PARTS), key)


def _value(value: Any) -> str:
    """Return a value of the breakdown or of a permission, lists one a line."""
    if isinstance(value, Mapping):
        return "<br>".join([f"{_text(key)}: {_value(value[key])}" for key in sorted(value)])
    if isinstance(value, (list, tuple)):
        return "<br>".join([_value(one) for one in value])
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else _text(value)


def _permissions(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield the table of what is declared and what the code uses."""
    declared = dict(report.get("declared") or {})
    used: dict[str, list[str]] = {}
    for use in report.get("uses") or ():
        if not isinstance(use, Mapping):
            continue
        permission = use.get("permission") or "none can allow it"
        targets = ", ".join([str(one) for one in use.get("targets") or ()])
        text = f"{use.get('name', '')}{f': {targets}' if targets else ''}"
        if use.get("proven") is False:
            text += " (and what cannot be worked out)"
        if text not in used.setdefault(permission, []):
            used[permission].append(text)
    keys = [key for key in sorted({*declared, *used}) if declared.get(key) or used.get(key)]
    if not keys:
        return
    yield "<table><thead><tr><th>permission<th>declared<th>used by the code</thead><tbody>"
    for key in keys:
        one = f"<td>{_value(declared.get(key))}<td>{_value(used.get(key))}"
        yield f"<tr><th>{_text(key)}{one}"
    yield "</tbody></table>"


def _finding(
    report: Mapping[str, Any], finding: Mapping[str, Any], excerpts: Excerpts, base: str
) -> Iterator[str]:
    style = f"finding {finding['severity']}{' accepted' if finding.get('accepted') else ''}"
    yield f'<article class="{style}">'
    marks = [finding.get("category"), finding.get("confidence")]
    extra = "".join([f" <small>{_text(mark)}</small>" for mark in marks if mark])
    yield f"<h4>{_text(finding['message'])} <code>{_text(finding['rule'])}</code>{extra}</h4>"
    where = place(report, finding, base)
    if where:
        yield f'<p class="place"><code>{_text(where)}</code></p>'
    shown = _frame(finding, excerpts)
    yield from shown
    if not shown and finding.get("evidence"):
        yield f"<pre>{_text(finding['evidence'])}</pre>"
    for key in ("why", "fix"):
        if finding.get(key):
            yield f"<p><b>{key}</b> {_text(finding[key])}</p>"
    for label, text in accepted_line(finding):
        yield f"<p><b>{label}</b> {_text(text)}</p>"
    yield "</article>"


def _frame(finding: Mapping[str, Any], excerpts: Excerpts) -> list[str]:
    lines = excerpts.lines(finding["path"]) if finding["line"] and finding["path"] else None
    if lines is None:
        return []
    found = rows(
        lines,
        finding["line"],
        finding["column"],
        evidence=finding.get("evidence") or "",
        context=2,
        columns=_COLUMNS,
    )
    if not found:
        return []
    wide = len(str(found[-1].number))
    body = "\n".join([_row(row, wide, row.number == finding["line"]) for row in found])
    return [f"<pre>{body}</pre>"]


def _row(row: Row, wide: int, here: bool) -> str:
    text = escape(row.before)
    if row.marked is not None:
        text += f"<mark>{escape(row.marked or ' ')}</mark>{escape(row.after)}"
    number = f"<i>{row.number:>{wide}}</i> "
    return f"<b>{number}</b>{text}" if here else number + text
