"""A log is what SARIF 2.1.0 asks for, and what code hosts track from run to run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import reports
from hypothesis import given
from hypothesis import strategies as st

from kurt_ext.reporting import sarif


def log(folder: Path, *findings: dict[str, Any], **more: Any) -> dict[str, Any]:
    row = reports.report(folder, *findings, **more)
    text = sarif.render(
        [row], base=str(folder.parent), explain=lambda rule: f"About {rule}.\n\nMore."
    )
    found: dict[str, Any] = json.loads(text)
    return found


def check_structure(found: dict[str, Any]) -> None:
    """Assert what the schema requires, and what GitHub needs besides."""
    assert found["version"] == "2.1.0" and found["$schema"].startswith("https://")
    (run,) = found["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "kurt" and re.fullmatch(r"\d+\.\d+\.\d+.*", driver["semanticVersion"])
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(set(ids)) == len(ids)
    for rule in driver["rules"]:
        assert rule["shortDescription"]["text"] is not None and "text" in rule["help"]
        assert rule["defaultConfiguration"]["level"] in ("none", "note", "warning", "error")
    for result in run["results"]:
        assert ids[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in ("none", "note", "warning", "error")
        assert isinstance(result["message"]["text"], str)
        (location,) = result["locations"]
        place = location["physicalLocation"]
        uri = place["artifactLocation"]["uri"]
        assert re.fullmatch(r"[A-Za-z0-9._~%/:-]*", uri), uri
        region = place.get("region", {"startLine": 1})
        assert region["startLine"] >= 1 and region.get("startColumn", 1) >= 1
        assert result["partialFingerprints"]
        for suppression in result.get("suppressions", ()):
            assert suppression["kind"] in ("inSource", "external")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "web archiver"
    made.mkdir()
    (made / "skill.py").write_text("import os\nos.system(x)\n")
    return made


def test_a_finding_is_a_result_with_its_place(folder: Path) -> None:
    found = log(folder, reports.finding(line=2, column=1, fix="declare it"))
    check_structure(found)
    (result,) = found["runs"][0]["results"]
    assert result["message"]["text"] == "os.system starts a program\nfix: declare it"
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "web%20archiver/skill.py"},
        "region": {"startLine": 2, "startColumn": 1, "snippet": {"text": "os.system(x)"}},
    }


def test_a_rule_says_what_explain_says(folder: Path) -> None:
    found = log(folder, reports.finding(severity="critical"), reports.finding(severity="low"))
    (rule,) = found["runs"][0]["tool"]["driver"]["rules"]
    assert rule["shortDescription"]["text"] == "About a-rule."
    assert rule["help"]["text"] == "About a-rule.\n\nMore."
    assert rule["defaultConfiguration"]["level"] == "error"
    assert rule["properties"]["security-severity"] == "9.5"


@pytest.mark.parametrize(
    ("severity", "level"),
    [
        ("critical", "error"),
        ("high", "error"),
        ("error", "error"),
        ("medium", "warning"),
        ("warning", "warning"),
        ("low", "note"),
        ("info", "note"),
    ],
)
def test_a_severity_is_a_level(folder: Path, severity: str, level: str) -> None:
    (result,) = log(folder, reports.finding(severity=severity))["runs"][0]["results"]
    assert result["level"] == level


def fingerprints(found: dict[str, Any]) -> list[str]:
    return [one["partialFingerprints"]["kurtFinding/v1"] for one in found["runs"][0]["results"]]


def test_a_fingerprint_stays_when_lines_are_added_above(folder: Path) -> None:
    before = fingerprints(log(folder, reports.finding(line=2)))
    (folder / "skill.py").write_text("import os\n\n\n  os.system(x)\n")
    assert fingerprints(log(folder, reports.finding(line=4, column=3))) == before
    (folder / "skill.py").write_text("os.system(y)\n")
    assert fingerprints(log(folder, reports.finding(line=1))) != before


def test_findings_that_are_alike_have_fingerprints_that_are_not(folder: Path) -> None:
    (folder / "skill.py").write_text("os.system(x)\nos.system(x)\n")
    marks = fingerprints(log(folder, reports.finding(line=1), reports.finding(line=2)))
    assert len(set(marks)) == 2


def test_what_is_accepted_is_suppressed_with_its_reason(folder: Path) -> None:
    row = {"reason": "our own", "by": "ada", "since": "2026-01-01", "until": None}
    (result,) = log(folder, reports.finding(accepted=row))["runs"][0]["results"]
    assert result["suppressions"] == [
        {
            "kind": "external",
            "status": "accepted",
            "justification": "our own (by ada, 2026-01-01)",
        }
    ]


def test_nothing_of_this_machine_is_in_the_log(folder: Path) -> None:
    found = log(folder, reports.finding(), reports.finding(path="", line=0, column=0))
    assert str(folder.parent) not in json.dumps(found)


@pytest.mark.slow
@given(reports.contents, st.lists(reports.findings(), max_size=4), reports.texts)
def test_any_text_makes_a_log_of_the_form(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, found: list[dict[str, Any]], name: str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "skill.py").write_bytes(data)
    row = reports.report(folder, *found, name=name)
    text = sarif.render([row], base=str(folder.parent))
    assert text.isascii() and text == sarif.render([row], base=str(folder.parent))
    check_structure(json.loads(text))
    json.loads(text)["runs"][0]["tool"]["driver"]["name"].encode()
    json.dumps(json.loads(text), ensure_ascii=False).encode()  # no unpaired surrogate
