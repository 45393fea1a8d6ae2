"""What a terminal gets, and what a pipe gets instead."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest

from kurt_ext.output import Column, Page, printable, width
from kurt_ext.terminal import wants_color

from .conftest import Run, write_skill

pexpect = pytest.importorskip("pexpect")

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_terminal(*words: str, columns: int = 100, env: dict[str, str] | None = None) -> str:
    """Return everything that a terminal of that width is sent."""
    import os

    given = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    process = pexpect.spawn(
        sys.executable,
        ["-m", "kurt_ext", *words],
        env={**given, "TERM": "xterm-256color", **(env or {})},
        dimensions=(40, columns),
        encoding="utf-8",
        timeout=60,
    )
    process.expect(pexpect.EOF)
    process.close()
    text: str = process.before.replace("\r\n", "\n")
    return text


def test_a_terminal_gets_a_table_with_colours(skill: Path) -> None:
    text = on_terminal("list")
    assert "\x1b[32m" in text
    assert "Extensions" in text
    assert "greet" in text


def test_a_pipe_gets_aligned_text_without_colours_and_without_cuts(
    kurt: Run, project: Path
) -> None:
    folder = write_skill(project / "skills", "talker", code=None)
    long = "word " * 60
    (folder / "SKILL.md").write_text(
        (folder / "SKILL.md").read_text().replace("Greets somebody", f"Greets {long}")
    )
    ran = kurt("list", env={"COLUMNS": "40"})
    assert "\x1b" not in ran.out
    assert long.strip() in ran.out
    head, row = ran.out.splitlines()[:2]
    assert head.index("STATE") == row.index("untrusted")


@pytest.mark.parametrize("columns", [20, 30, 45, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(skill: Path, columns: int) -> None:
    text = ESCAPE.sub("", on_terminal("list", columns=columns))
    assert "greeter" in text
    table = [line for line in text.splitlines() if not line.startswith(("kurt: ", "1 skill"))]
    wide = [line for line in table if len(line.rstrip()) > columns]
    # In blocks of lines, which a very narrow terminal gets, the terminal itself wraps.
    assert not wide or columns < 45


def test_no_color_keeps_the_table_and_drops_the_colours(skill: Path) -> None:
    for text in (
        on_terminal("list", env={"NO_COLOR": "1"}),
        on_terminal("--color", "never", "list"),
        on_terminal("list", "--color", "never"),
    ):
        assert not re.search(r"\x1b\[3\dm", text)
        assert "─" in text


def test_color_always_paints_a_pipe(kurt: Run, skill: Path) -> None:
    assert "\x1b[32m" in kurt("list", "--color", "always").out
    assert "\x1b[32m" in kurt("list", env={"FORCE_COLOR": "1"}).out
    assert "\x1b" not in kurt("list", "--color", "never", env={"FORCE_COLOR": "1"}).out
    assert "\x1b[1;31merror:" in kurt("--color", "always", "info", "nobody").err


@pytest.mark.parametrize(
    ("choice", "environ", "terminal", "wanted"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_who_decides_about_colours(
    choice: str, environ: dict[str, str], terminal: bool, wanted: bool
) -> None:
    class Stream(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    assert wants_color(Stream(), choice, environ) is wanted


def test_json_on_a_terminal_is_laid_out(skill: Path) -> None:
    assert '{\n  "data": {' in on_terminal("--json", "info", "greeter")


def test_progress_is_a_bar_on_a_terminal_and_gone_at_the_end(skill: Path) -> None:
    text = on_terminal("run", "greet", "mode=progress")
    assert "━" in text
    assert "3/5" in text
    assert ESCAPE.sub("", text).rstrip().endswith("Hello World!")


def test_progress_is_plain_lines_elsewhere_and_nothing_when_quiet(kurt: Run, skill: Path) -> None:
    ran = kurt("run", "greet", "mode=progress")
    assert ran.err.splitlines()[0] == "greeter:greet:  20% step 0"
    assert ran.out == "text  Hello World!\n"
    assert kurt("run", "greet", "mode=progress", "-q").err == ""


def test_ctrl_c_on_a_terminal_ends_a_run_with_130(skill: Path) -> None:
    process = pexpect.spawn(
        sys.executable,
        ["-m", "kurt_ext", "run", "greet", "mode=sleep"],
        encoding="utf-8",
        timeout=60,
    )
    process.expect("sleeping")
    process.sendintr()
    process.expect("interrupted")
    process.expect(pexpect.EOF)
    process.close()
    assert process.exitstatus == 130


def test_on_a_terminal_run_asks_for_trust(project: Path) -> None:
    write_skill(project / "skills", "greeter", extension="greet")
    for answer, status, seen in (("n", 5, "not trusted"), ("y", 0, "Hello World!")):
        process = pexpect.spawn(
            sys.executable, ["-m", "kurt_ext", "run", "greet"], encoding="utf-8", timeout=60
        )
        process.expect("Trust it")
        process.sendline(answer)
        process.expect(seen)
        process.expect(pexpect.EOF)
        process.close()
        assert process.exitstatus == status


def test_brackets_in_a_description_are_no_markup(project: Path) -> None:
    folder = write_skill(project / "skills", "marked", code=None)
    (folder / "SKILL.md").write_text(
        (folder / "SKILL.md").read_text().replace("Greets somebody", "Greets [bold]somebody[/bold]")
    )
    assert "[bold]" in on_terminal("list", columns=200)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\u202eb", "a\\u202eb"),
        ("a\udc80b", "a\\udc80b"),
        ("tab\there\nline", "tab\there\nline"),
        ("naïve 漢字", "naïve 漢字"),
    ],
)
def test_text_from_others_is_made_harmless(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_wide_characters_count_double() -> None:
    assert [width(text) for text in ("abc", "漢字", "e\u0301")] == [3, 4, 1]
    stream = io.StringIO()
    Page(stream).table([Column("A"), Column("B")], [("漢", "x"), ("abc", "y")])
    assert stream.getvalue() == "A    B\n漢   x\nabc  y\n"


def test_columns_are_left_out_by_their_rank() -> None:
    columns = [Column("Name"), Column("Less", drop=2), Column("Least", drop=3)]
    rows = [("n" * 10, "l" * 10, "m" * 10)]
    from kurt_ext.terminal import _that_fit

    assert _that_fit(columns, rows, 40) == [0, 1, 2]
    assert _that_fit(columns, rows, 25) == [0, 1]
    assert _that_fit(columns, rows, 12) == [0]
    assert _that_fit(columns, rows, 5) is None


def test_a_repository_is_judged_with_a_bar_and_colours(project: Path) -> None:
    for number in range(3):
        write_skill(project / "repo", f"skill-{number}", code=None)
    seen = on_terminal("validate", "repo")
    assert "\x1b[" in seen and "3/3" in ESCAPE.sub("", seen)
    assert "3 skills: 3 valid, 0 not valid" in ESCAPE.sub("", seen)
    again = on_terminal("validate", "repo")
    assert "3/3" not in ESCAPE.sub("", again)  # it is remembered, and there is nothing to wait for
