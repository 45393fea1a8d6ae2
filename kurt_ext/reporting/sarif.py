"""Write findings as SARIF 2.1.0, which code hosts and editors read.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html; the numbers in
parentheses are its sections.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from .. import __version__, jsontext
from ..findings import SEVERITIES
from ..output import printable
from .excerpts import Excerpts
from .rows import LEVELS, accepted_line, all_findings, relative

__all__ = ["SCHEMA", "fingerprint", "render"]

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
#: What GitHub sorts alerts by: above 9.0 is critical, 7.0 high, 4.0 medium, 0.1 low.
_SECURITY = {
    "critical": "9.5",
    "high": "8.0",
    "error": "8.0",
    "medium": "5.5",
    "warning": "3.0",
    "low": "2.0",
    "info": "1.0",
}
_MAX_SNIPPET = 400


def render(
    reports: Sequence[Mapping[str, Any]],
    *,
    base: str,
    explain: Callable[[str], str | None] = lambda rule: None,
) -> str:
    """Return the log of one run.

    :param base: the folder that artifact locations are relative to.
    :param explain: returns what a rule asks for and why, or None.
    """
    found = [(report, finding) for report in reports for finding in all_findings(report)]
    worst: dict[str, Mapping[str, Any]] = {}
    for _, finding in found:
        known = worst.get(finding["rule"])
        if known is None or _rank(finding) > _rank(known):
            worst[finding["rule"]] = finding
    order = {rule: number for number, rule in enumerate(sorted(worst))}
    results = []
    for report in reports:
        excerpts = Excerpts.of(report)
        seen: Counter[str] = Counter()
        for finding in all_findings(report):
            results.append(_result(report, finding, excerpts, seen, order, base))
    run = {
        "tool": {
            "driver": {
                "name": "kurt",
                "semanticVersion": __version__,
                "rules": [_rule(rule, worst[rule], explain(rule)) for rule in order],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": {"skills": [_skill(report, base) for report in reports]},
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return jsontext.dumps(log, 2) + "\n"


def _rank(finding: Mapping[str, Any]) -> int:
    return SEVERITIES.index(finding["severity"])


def _text(text: str) -> dict[str, str]:
    return {"text": printable(text)}


def _rule(rule: str, finding: Mapping[str, Any], told: str | None) -> dict[str, Any]:
    """Return a reportingDescriptor (3.49); its level is that of its gravest finding."""
    text = told or finding.get("why") or finding["message"]
    first = " ".join(text.partition("\n\n")[0].split())
    category = printable(finding.get("category") or "style")
    security = category != "style"
    properties: dict[str, Any] = {
        "category": category,
        "tags": ["security", category] if security else [category],
    }
    if security:
        properties["security-severity"] = _SECURITY[finding["severity"]]
    return {
        "id": printable(rule),
        "shortDescription": _text(first),
        "fullDescription": _text(text),
        "help": _text(text),
        "defaultConfiguration": {"level": LEVELS[finding["severity"]]},
        "properties": properties,
    }


def _uri(report: Mapping[str, Any], path: str, base: str) -> str:
    """Return a URI reference (3.4.3): relative to the checkout, or a whole ``file:`` URI."""
    whole = os.path.join(report["path"], path) if path else report["path"]
    shown = relative(whole, base).replace(os.sep, "/")
    try:
        named = shown.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # no file has such a name
        named = printable(shown).encode()
    escaped = quote(named, safe="/")
    if os.path.isabs(shown):
        return "file://" + escaped if escaped.startswith("/") else "file:///" + escaped
    return escaped


def _result(
    report: Mapping[str, Any],
    finding: Mapping[str, Any],
    excerpts: Excerpts,
    seen: Counter[str],
    order: Mapping[str, int],
    base: str,
) -> dict[str, Any]:
    """Return a result (3.27)."""
    text = excerpts.line(finding["path"], finding["line"])
    mark = fingerprint(report, finding, text)
    seen[mark] += 1
    place: dict[str, Any] = {
        "artifactLocation": {"uri": _uri(report, finding["path"], base)},
    }
    region = _region(finding, text)
    if region:
        place["region"] = region
    message = finding["message"]
    if finding["fix"]:
        message += f"\nfix: {finding['fix']}"
    properties = {
        key: printable(finding[key])
        for key in ("category", "confidence", "evidence", "severity")
        if finding.get(key)
    }
    result: dict[str, Any] = {
        "ruleId": printable(finding["rule"]),
        "ruleIndex": order[finding["rule"]],
        "level": LEVELS[finding["severity"]],
        "message": _text(message),
        "locations": [{"physicalLocation": place}],
        # The number tells apart what is alike in every other way.
        "partialFingerprints": {"kurtFinding/v1": f"{mark}:{seen[mark]}"},
        "properties": properties,
    }
    accepted = finding.get("accepted")
    if accepted:
        said = "; ".join([text for _, text in accepted_line(finding)])
        result["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": printable(said)}
        ]
    return result


def _region(finding: Mapping[str, Any], text: str | None) -> dict[str, Any]:
    """Return a region (3.30); GitHub shows nothing that has none."""
    line, column = finding["line"], finding["column"]
    if not line:
        return {"startLine": 1} if finding["path"] else {}
    region: dict[str, Any] = {"startLine": line}
    if column:
        region["startColumn"] = column
    if text is not None:
        region["snippet"] = _text(text[:_MAX_SNIPPET])
    return region


def fingerprint(report: Mapping[str, Any], finding: Mapping[str, Any], text: str | None) -> str:
    """Return what a finding keeps when lines are added above it (3.27.17), 32 hex digits.

    :param text: the line it is about.
    """
    here = finding["message"] if text is None else " ".join(text.split())
    parts = (report["name"] or "", finding["rule"], finding["path"], here)
    return sha256("\0".join(parts).encode("utf-8", "backslashreplace")).hexdigest()[:32]


def _skill(report: Mapping[str, Any], base: str) -> dict[str, Any]:
    made = {
        "uri": _uri(report, "", base),
        "name": printable(report["name"] or ""),
        "profile": report["profile"],
        "valid": report["valid"],
    }
    for key in ("security_score", "risk_level", "complete"):
        if report.get(key) is not None:
            made[key] = report[key]
    return made
