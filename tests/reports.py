"""Reports for the tests of what shows them: of any text, about any bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from kurt_ext.findings import SEVERITIES

#: Any text at all, with what is special somewhere more often than chance would have it.
NASTY = (
    *("\x1b[31m", "\x1b]8;;http://x\x07", "<script>", "</pre>", '"', "'", "&", "%0A", "::error::"),
    *("\n", "\r", "\t", "\0", "\u202e", "\u2028", "\ud800", "\U000e0041", "宽", "e\u0301", "👩‍💻"),
)
texts = st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=8)), max_size=6).map("".join)
contents = st.one_of(
    st.binary(max_size=200),
    st.lists(texts, max_size=6).map(
        lambda parts: "\n".join(parts).encode("utf-8", "surrogatepass")
    ),
)


def finding(rule: str = "a-rule", severity: str = "error", **fields: Any) -> dict[str, Any]:
    """Return the row of a finding."""
    row = {
        "rule": rule,
        "severity": severity,
        "category": "process",
        "confidence": "certain",
        "message": "os.system starts a program",
        "path": "skill.py",
        "line": 1,
        "column": 1,
        "evidence": "",
        "why": "",
        "fix": "",
    }
    return row | fields


def report(folder: Path | str, *findings: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return the row of a report."""
    left = [one for one in findings if "accepted" not in one]
    row: dict[str, Any] = {
        "path": str(folder),
        "name": "web-archiver",
        "profile": "load",
        "valid": not any(one["severity"] in ("error", "high", "critical") for one in left),
        "findings": left,
        "accepted": [one for one in findings if "accepted" in one],
        "security_score": 59,
        "risk_level": "high",
        "complete": True,
        "score_breakdown": {"exposure": 70, "ceiling": 59, "factors": {"dangerous": 30}},
        "uses": [{"name": "os.system", "permission": "processes", "targets": ["ls"]}],
        "declared": {"processes": ["git"], "native_code": False},
        "digests": {},
    }
    return row | fields


@st.composite
def findings(draw: st.DrawFn) -> dict[str, Any]:
    """Return a finding of any text, somewhere or nowhere in a file that may exist."""
    made = finding(
        draw(texts),
        draw(st.sampled_from(SEVERITIES)),
        path=draw(st.one_of(st.sampled_from(["skill.py", "", "gone.py", "../up.py"]), texts)),
        line=draw(st.integers(0, 9)),
        column=draw(st.one_of(st.integers(0, 9), st.just(10**9))),
    )
    for key in ("category", "confidence", "message", "evidence", "why", "fix"):
        made[key] = draw(texts)
    if draw(st.booleans()):
        made["accepted"] = {
            "reason": draw(texts),
            "by": draw(texts),
            "since": "2026-01-01",
            "until": draw(st.sampled_from([None, "2027-01-01"])),
        }
    if draw(st.booleans()):
        made["not_accepted"] = draw(texts)
    return made
