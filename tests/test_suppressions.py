"""What is accepted is accepted by the host, for a reason, and for these bytes."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import reports
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kurt_ext.acceptance import Acceptances, Wanted
from kurt_ext.errors import ConfigError, PolicyError, UsageError
from kurt_ext.findings import Finding
from kurt_ext.places import Places
from kurt_ext.report import Report

FILE = {"skill.py": "a" * 64}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "a"
    made.mkdir()
    (made / "skill.py").write_text("x = 1\n")
    return made


def judged(
    folder: Path, *findings: Finding, digests: dict[str, str] | None = None, name: str | None = "a"
) -> dict[str, Any]:
    known = FILE if digests is None else digests
    return Report(str(folder), name, "load", findings, digests=known).as_dict()


def one(rule: str = "some-rule", severity: str = "error", **more: Any) -> Finding:
    fields = {"path": "skill.py", "line": 3, "category": "process", **more}
    return Finding(rule, severity, "something", **fields)


def accept(row: dict[str, Any], text: str, reason: str = "our own", **more: Any) -> Acceptances:
    accepted = Acceptances.load(Places())
    accepted.accept([row], [Wanted.parse(text)], reason, **more)
    return Acceptances.load(Places())


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("rule", Wanted("rule")),
        ("rule@a/b.py", Wanted("rule", "a/b.py")),
        ("rule@a/b.py:12", Wanted("rule", "a/b.py", 12)),
        ("rule@a:b", Wanted("rule", "a:b")),
        ("rule@a@b:1", Wanted("rule", "a@b", 1)),
        ("rule@a:0", Wanted("rule", "a:0")),
    ],
)
def test_what_is_meant_by_a_text(text: str, wanted: Wanted) -> None:
    assert Wanted.parse(text) == wanted


@pytest.mark.parametrize("text", ["", "@", "rule@", "@path"])
def test_a_text_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        Wanted.parse(text)


def test_what_is_accepted_is_shown_and_counts_for_nothing(folder: Path) -> None:
    row = judged(folder, one())
    assert not row["valid"] and row["security_score"] == 59
    made = accept(row, "some-rule").apply(row)
    assert made["valid"] and made["security_score"] == 100 and not made["findings"]
    (kept,) = made["accepted"]
    assert kept["rule"] == "some-rule"
    assert kept["accepted"]["reason"] == "our own" and kept["accepted"]["by"]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("some-rule", []),
        ("some-rule@skill.py", []),
        ("some-rule@skill.py:3", [5]),
    ],
)
def test_a_line_may_be_meant_alone(folder: Path, text: str, left: list[int]) -> None:
    row = judged(folder, one(), one(line=5))
    assert [f["line"] for f in accept(row, text).apply(row)["findings"]] == left


def test_other_bytes_make_it_void_and_the_report_says_so(folder: Path) -> None:
    accepted = accept(judged(folder, one()), "some-rule")
    made = accepted.apply(judged(folder, one(), digests={"skill.py": "b" * 64}))
    assert not made["valid"]
    assert "for other bytes: our own" in made["findings"][0]["not_accepted"]


def test_what_is_about_no_file_is_bound_to_the_whole_folder(folder: Path) -> None:
    row = judged(folder, one(path="", line=0))
    accepted = accept(row, "some-rule")
    assert accepted.apply(row)["valid"]
    (folder / "new.txt").touch()
    assert not accepted.apply(row)["valid"]


def test_another_skill_or_rule_is_not_meant(folder: Path) -> None:
    accepted = accept(judged(folder, one()), "some-rule")
    assert not accepted.apply(judged(folder, one(), name="b"))["valid"]
    assert not accepted.apply(judged(folder, one("other-rule")))["valid"]
    assert not accepted.apply(judged(folder, one(path="other.py")))["valid"]


def test_it_ends_when_it_was_said_to_end(folder: Path) -> None:
    row = judged(folder, one())
    accepted = accept(row, "some-rule", until="2999-12-31")
    assert accepted.apply(row, date(2999, 12, 31))["valid"]
    made = accepted.apply(row, date(3000, 1, 1))
    assert not made["valid"] and "ended on 2999-12-31" in made["findings"][0]["not_accepted"]


def test_a_day_that_is_over_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError):
        accept(judged(folder, one()), "some-rule", until="2001-01-01")


def test_there_is_a_reason_or_no_acceptance(folder: Path) -> None:
    with pytest.raises(UsageError):
        accept(judged(folder, one()), "some-rule", reason=" ")


def test_what_is_critical_takes_a_word_more(folder: Path) -> None:
    row = judged(folder, one(severity="critical"))
    with pytest.raises(PolicyError):
        accept(row, "some-rule")
    assert not (Path(Places().user_config).parent / "accepted.json").exists()
    assert accept(row, "some-rule", critical=True).apply(row)["valid"]


def test_what_became_critical_is_not_accepted_any_more(folder: Path) -> None:
    accepted = accept(judged(folder, one()), "some-rule")
    made = accepted.apply(judged(folder, one(severity="critical")))
    assert "less than critical" in made["findings"][0]["not_accepted"]


def test_what_is_not_there_cannot_be_accepted(folder: Path) -> None:
    with pytest.raises(UsageError, match="no finding some-rul") as raised:
        accept(judged(folder, one()), "some-rul")
    assert "some-rule" in (raised.value.hint or "")
    with pytest.raises(UsageError, match=r"other\.py:4"):
        accept(judged(folder, one()), "some-rule@other.py:4")


def test_what_has_no_name_cannot_be_accepted(folder: Path) -> None:
    with pytest.raises(PolicyError):
        accept(judged(folder, one(), name=None), "some-rule")


def test_it_can_be_withdrawn(folder: Path) -> None:
    row = judged(folder, one(), one("other-rule"))
    accept(row, "some-rule")
    accepted = accept(row, "other-rule")
    assert accepted.apply(row)["valid"]
    assert accepted.withdraw(["b"], [Wanted("some-rule")]) == 0
    assert accepted.withdraw(["a"], [Wanted("some-rule")]) == 1
    left = Acceptances.load(Places()).apply(row)
    assert [f["rule"] for f in left["findings"]] == ["some-rule"]


def test_accepting_twice_keeps_the_later_reason(folder: Path) -> None:
    row = judged(folder, one())
    accept(row, "some-rule", "first")
    accepted = accept(row, "some-rule", "second")
    assert [kept["reason"] for kept in accepted.rows] == ["second"]


def test_nothing_is_read_from_the_folder_that_is_judged(folder: Path) -> None:
    accept(judged(folder, one()), "some-rule")
    file = Path(Places().user_config).parent / "accepted.json"
    file.rename(folder / "accepted.json")
    assert Acceptances.load(Places()).rows == ()


def test_what_is_incomplete_stays_incomplete(folder: Path) -> None:
    row = Report(str(folder), "a", "load", [one()], digests=FILE, complete=False).as_dict()
    assert accept(row, "some-rule").apply(row)["security_score"] == 59


@pytest.mark.skipif(os.name == "nt", reason="no owners and rights as on Unix")
def test_a_file_that_others_may_write_accepts_nothing(folder: Path) -> None:
    row = judged(folder, one())
    file = Path(accept(row, "some-rule").file)
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o666)
    accepted = Acceptances.load(Places())
    assert not accepted.apply(row)["valid"] and accepted.findings
    with pytest.raises(ConfigError):
        accepted.accept([row], [Wanted("some-rule")], "x")


@given(
    data=st.one_of(
        st.binary(max_size=80), reports.texts.map(lambda t: t.encode("utf-8", "replace"))
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_a_damaged_file_accepts_nothing(folder: Path, data: bytes) -> None:
    file = Path(Places().user_config).parent / "accepted.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    file.chmod(0o600)
    accepted = Acceptances.load(Places())
    assert accepted.findings and not accepted.rows


@pytest.mark.parametrize(
    "row",
    [
        {},
        [],
        {"by": "", "critical": False, "digest": "", "line": "0", "path": "", "reason": "",
         "rule": "", "since": "", "skill": "", "until": None},
        {"by": "", "critical": 1, "digest": "", "line": 0, "path": "", "reason": "",
         "rule": "", "since": "", "skill": "", "until": None},
        {"by": "", "critical": True, "digest": "", "line": 0, "path": "", "reason": "",
         "rule": "", "since": "", "skill": "", "until": 3},
    ],
)  # fmt: skip
def test_a_row_of_another_shape_accepts_nothing(row: object) -> None:
    file = Path(Places().user_config).parent / "accepted.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"schema": "kurt.accepted/1", "accepted": [row]}))
    file.chmod(0o600)
    assert Acceptances.load(Places()).findings


@given(
    severities=st.lists(st.sampled_from(["info", "medium", "error", "high"]), max_size=5),
    data=st.data(),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_accepting_never_lowers_a_score(
    folder: Path, severities: list[str], data: st.DataObject
) -> None:
    found = [one(f"rule-{n}", s, category=f"c{n}") for n, s in enumerate(severities)]
    row = judged(folder, *found)
    file = Path(Places().user_config).parent / "accepted.json"
    file.unlink(missing_ok=True)
    chosen = data.draw(st.lists(st.sampled_from([f.rule for f in found]))) if found else []
    accepted = Acceptances.load(Places())
    if chosen:
        accepted.accept([row], [Wanted(rule) for rule in chosen], "x")
    made = accepted.apply(row)
    assert made["security_score"] >= row["security_score"]
    assert made["valid"] >= row["valid"]
    assert len(made["findings"]) + len(made["accepted"]) == len(row["findings"])
