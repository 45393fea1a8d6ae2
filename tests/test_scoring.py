"""The score is what a skill can do, clipped by the worst that was found in it."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kurt_ext.findings import SEVERITIES, Finding
from kurt_ext.models import PluginValidationResult
from kurt_ext.report import Report
from kurt_ext.scoring import FACTORS, breakdown, risk_level

CATEGORIES = ("process", "network", "obfuscation", "style", "")
FINDINGS = st.builds(
    lambda rule, severity, category: Finding(rule, severity, "m", category=category),
    st.sampled_from(("some-rule", "other-rule", "undeclared-process")),
    st.sampled_from(SEVERITIES),
    st.sampled_from(CATEGORIES),
)
LISTS = st.lists(FINDINGS, max_size=12)
USED = st.sets(st.sampled_from([*FACTORS, "unheard-of"]))


def score(findings: list[Finding], factors: set[str], complete: bool = True) -> int:
    points: int = breakdown(findings, factors, complete=complete)["score"]
    return points


def test_each_factor_costs_its_points_once() -> None:
    for number in range(len(FACTORS) + 1):
        for used in itertools.combinations(FACTORS, number):
            expected = 100 - sum(FACTORS[name] for name in used)
            assert score([], set(used)) == expected
            assert breakdown([], [*used, *used], complete=True)["score"] == expected
    assert list(FACTORS.values()) == [30, 15, 10, 10, 5]


@pytest.mark.parametrize(
    ("severity", "most"),
    [
        ("critical", 39),
        ("high", 59),
        ("error", 59),
        ("medium", 79),
        ("warning", 100),
        ("low", 100),
        ("info", 100),
    ],
)
def test_a_severity_has_a_ceiling_and_each_further_category_lowers_it(
    severity: str, most: int
) -> None:
    for number in range(1, 12):
        findings = [Finding("r", severity, "m", category=f"c{n}") for n in range(number)]
        expected = 100 if most == 100 else max(0, most - 5 * (number - 1))
        assert score(findings, set()) == expected
        assert score(findings * 3, set()) == expected, "how often is not what counts"


@given(LISTS, USED, st.booleans())
def test_the_score_keeps_its_bounds(
    findings: list[Finding], factors: set[str], complete: bool
) -> None:
    whole = breakdown(findings, factors, complete=complete)
    worst = {finding.severity for finding in findings}
    assert 0 <= whole["score"] <= 100
    assert whole["score"] == max(0, min(whole["exposure"], whole["ceiling"]))
    if worst & {"critical"}:
        assert whole["score"] <= 39
    if worst & {"critical", "high", "error"} or not complete:
        assert whole["score"] <= 59
    if worst & {"medium"}:
        assert whole["score"] <= 79
    assert bool(whole["clipped_by"]) is (whole["ceiling"] < 100)
    assert json.loads(json.dumps(whole)) == whole


@given(LISTS, FINDINGS, USED, st.booleans())
def test_a_further_finding_never_raises_the_score(
    findings: list[Finding], more: Finding, factors: set[str], complete: bool
) -> None:
    assert score([*findings, more], factors, complete) <= score(findings, factors, complete)


@given(LISTS, USED, st.sampled_from(list(FACTORS)))
def test_a_further_use_never_raises_the_score(
    findings: list[Finding], factors: set[str], more: str
) -> None:
    assert score(findings, {*factors, more}) <= score(findings, factors)


@given(LISTS, USED)
def test_what_was_not_looked_into_never_raises_the_score(
    findings: list[Finding], factors: set[str]
) -> None:
    assert score(findings, factors, False) <= min(59, score(findings, factors))


@given(st.permutations([*SEVERITIES, *SEVERITIES]), USED)
def test_the_order_of_findings_changes_nothing(order: list[str], factors: set[str]) -> None:
    def made(severities: list[str]) -> list[Finding]:
        return [Finding(f"r-{one}", one, "m", category=one[:2]) for one in severities]

    assert breakdown(made(order), factors, complete=True) == breakdown(
        made(sorted(order)), sorted(factors), complete=True
    )


def test_without_a_manifest_there_are_no_points() -> None:
    assert breakdown([], [], complete=True, known=False)["score"] == 0


@given(st.floats(0, 100) | st.integers(0, 100))
def test_the_level_is_that_of_the_document(points: float) -> None:
    assert risk_level(points) == PluginValidationResult.risk(float(points))


@pytest.mark.parametrize(
    ("points", "level"),
    [(100, "low"), (80, "low"), (79, "medium"), (60, "medium"), (59, "high"), (40, "high"),
     (39, "critical"), (0, "critical")],
)  # fmt: skip
def test_the_levels_begin_where_the_document_says(points: int, level: str) -> None:
    assert risk_level(points) == level


@given(LISTS, USED, st.booleans(), LISTS)
def test_a_report_comes_back_from_its_json(
    findings: list[Finding], factors: set[str], complete: bool, accepted: list[Finding]
) -> None:
    report = Report(
        *("/x", "x", "load", findings),
        uses=[{"name": "os.system", "targets": ["id"]}],
        declared={"processes": ["id"]},
        complete=complete,
        digests={"main.py": "00"},
        factors=factors & FACTORS.keys(),
        accepted=accepted,
    )
    data = json.loads(json.dumps(report.as_dict()))
    again = Report.from_dict(data)
    assert again.as_dict() == report.as_dict() == data
    assert (again.valid, again.score) == (report.valid, report.score)
    assert report.valid or report.score <= 59
    assert report.but(findings=[]).valid
