"""A frame shows the line, points at the place, and lets nothing of a stranger's text through."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
import reports
from hypothesis import given
from hypothesis import strategies as st

from kurt_ext.output import Page, width
from kurt_ext.reporting import frames
from kurt_ext.reporting.excerpts import CUT, Excerpts, extent, rows


def shown(folder: Path, *findings: dict[str, Any], color: bool = False, **more: Any) -> str:
    stream = io.StringIO()
    page = Page(stream, color=color)
    report = reports.report(folder, *findings, **more.pop("fields", {}))
    frames.write(page, [report], base=str(folder.parent), **more)
    return stream.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "web-archiver"
    made.mkdir()
    return made


def test_a_finding_is_shown_with_its_line_and_those_around_it(folder: Path) -> None:
    (folder / "skill.py").write_text(
        "import os\n\ndef run(cmd):\n    os.system(cmd)\n    return 1\n"
    )
    told = reports.finding(line=4, column=5, why="A program may do anything.", fix="declare it")
    assert shown(folder, told) == (
        "web-archiver/skill.py:4:5: error: os.system starts a program [a-rule]\n"
        "  3 | def run(cmd):\n"
        "> 4 |     os.system(cmd)\n"
        "    |     ^^^^^^^^^\n"
        "  5 |     return 1\n"
        "  why: A program may do anything.\n"
        "  fix: declare it\n"
        "not valid web-archiver (profile load, score 59 high, 1 error)\n"
    )


@pytest.mark.parametrize(
    ("text", "column", "evidence", "expected"),
    [
        ("os.system(x)", 1, "", "os.system"),
        ("x = eval()", 5, "", "eval()"),
        ("x = 'a b' + y", 5, "", "'a b'"),
        ("x + y", 3, "", "+"),
        ("a b c", 1, "a b", "a b"),
        ("a", 2, "", " "),
        ("", 1, "", " "),
        ("a", 99, "", " "),
    ],
)
def test_what_is_pointed_at(text: str, column: int, evidence: str, expected: str) -> None:
    assert extent(text, column, evidence) == len(expected)


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("\tos.system(x)", 2),
        ("宽 = 1; os.system(x)", 8),
        ("e\u0301 = 1; os.system(x)", 9),
        ("\x1b[31m\u202e os.system(x)", 8),
        ("x" * 500 + "; os.system(x) " + "y" * 500, 503),
        ("宽" * 500 + "; os.system(x) " + "宽" * 500, 503),
        ("\t" * 300 + "os.system(x)", 301),
        ("\x00" * 300 + "os.system(x)", 301),
    ],
)
def test_the_caret_stands_beneath_what_it_means(folder: Path, line: str, column: int) -> None:
    (folder / "skill.py").write_text(line + "\n")
    lines = shown(folder, reports.finding(column=column), columns=80).splitlines()
    text, caret = lines[1], lines[2]
    start = caret.index("^")
    before = text[: text.index("os.system")]
    assert width(before) == start
    assert caret.count("^") == len("os.system")
    assert width(text) <= 80


def test_what_lies_outside_is_not_read(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.py").write_text("password\n")
    (folder / "link.py").symlink_to(tmp_path / "secret.py")
    (folder / "sub").symlink_to(tmp_path)
    for path in ("../secret.py", str(tmp_path / "secret.py"), "link.py", "sub/secret.py"):
        assert Excerpts(str(folder)).lines(path) is None
        assert "password" not in shown(folder, reports.finding(path=path))


def test_a_file_that_is_not_the_one_that_was_judged_is_not_shown(folder: Path) -> None:
    (folder / "skill.py").write_text("other\n")
    fields = {"digests": {"skill.py": "0" * 64}}
    assert "other" not in shown(folder, reports.finding(), fields=fields)


def test_there_are_no_colours_without_a_terminal_and_some_with(folder: Path) -> None:
    (folder / "skill.py").write_text("x\n")
    assert "\x1b" not in shown(folder, reports.finding())
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown(folder, reports.finding(), color=True))
    assert plain == shown(folder, reports.finding())


def test_why_is_said_once_a_rule(folder: Path) -> None:
    many = [reports.finding(line=0, column=0, why="Because."), reports.finding(why="Because.")]
    assert shown(folder, *many).count("Because.") == 1


def test_what_is_accepted_is_shown_and_not_counted(folder: Path) -> None:
    row = {"reason": "our own", "by": "ada", "since": "2026-01-01", "until": "2027-01-01"}
    text = shown(folder, reports.finding(accepted=row), fields={"valid": True})
    assert "accepted error: " in text
    assert "accepted: our own (by ada, 2026-01-01, until 2027-01-01)" in text
    assert "valid web-archiver (profile load, score 59 high, 1 accepted)" in text


in_line = reports.texts.map(lambda text: re.sub(r"[\r\n]", "", text))


@given(st.lists(in_line, max_size=5), st.integers(0, 6), st.integers(0, 300), st.integers(20, 90))
def test_rows_are_never_wider_than_asked(
    lines: list[str], line: int, column: int, columns: int
) -> None:
    for row in rows(lines, line, column, columns=columns):
        assert width(row.text) <= columns
        assert "\n" not in row.text and "\t" not in row.text
        assert (row.marked is not None) == (row.number == line and column > 0)


def test_a_line_of_megabytes_is_cut() -> None:
    (row,) = rows(["x" * 4_000_000 + "eval(y)"], 1, 4_000_001, columns=80)
    assert row.marked == "eval" and row.before.startswith(CUT)


@given(reports.contents, st.lists(reports.findings(), max_size=3))
def test_no_text_of_a_stranger_reaches_the_terminal_raw(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, found: list[dict[str, Any]]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "skill.py").write_bytes(data)
    text = shown(folder, *found)
    assert all(char.isprintable() or char in "\n\u200d" for char in text)
    assert text == shown(folder, *found)
    heads = [line for line in text.splitlines() if re.match(r"\S", line) and line[0] != ">"]
    assert len(heads) <= len(found) + 1
