"""A workflow command ends where it ends, whatever the judged files hold."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import reports
from hypothesis import given
from hypothesis import strategies as st

from kurt_ext.reporting import github

BASE = Path("/repo")


def lines(*findings: dict[str, Any]) -> list[str]:
    return github.render(
        [reports.report(BASE / "skills/a", *findings)], base=str(BASE)
    ).splitlines()


def test_a_finding_is_one_command_with_its_place() -> None:
    assert lines(reports.finding(line=3, column=5, fix="declare it"))[0] == (
        "::error file=skills/a/skill.py,line=3,col=5,title=error%3A a-rule"
        "::os.system starts a program%0Afix: declare it"
    )


def test_the_gravest_comes_first() -> None:
    found = lines(
        reports.finding(severity="info"),
        reports.finding(severity="medium"),
        reports.finding(severity="critical"),
    )
    assert [line.partition(" ")[0] for line in found[:3]] == ["::error", "::warning", "::notice"]


def test_what_is_accepted_is_a_notice() -> None:
    row = {"reason": "our own", "by": "ada", "since": "2026-01-01", "until": None}
    found = lines(reports.finding(accepted=row))[0]
    assert found.startswith("::notice ")
    assert found.endswith("accepted: our own (by ada, 2026-01-01)")


def test_a_name_of_a_file_cannot_add_properties_or_commands() -> None:
    (found, _) = lines(reports.finding(path="a,line=1::b\n::error::c%", message="x\r\n::stop"))
    assert found == (
        "::error file=skills/a/a%2Cline=1%3A%3Ab%0A%3A%3Aerror%3A%3Ac%25,line=1,col=1,"
        "title=error%3A a-rule::x\\r%0A::stop"
    )


@given(st.lists(reports.findings(), max_size=4), reports.texts)
def test_there_are_as_many_commands_as_findings(found: list[dict[str, Any]], name: str) -> None:
    row = reports.report(BASE / "skills" / name.replace("\0", ""), *found, name=name)
    text = github.render([row], base=str(BASE))
    written = text.split("\n")
    assert len(written) == len(found) + 2
    for line in written[: len(found)]:
        assert re.match(r"::(error|warning|notice) file=[^,:]*(,[a-z]+=[^,:]*)*::", line)
    assert not written[len(found)].startswith("::") and written[-1] == ""
    assert all(char.isprintable() or char in "\n\t\u200d" for char in text)
