"""What could not be looked into is said, and what never ends is not begun."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from checks.conftest import skill_md
from hypothesis import given
from hypothesis import strategies as st
from trees import grow

from kurt_ext.analysis.magnitude import bombs
from kurt_ext.checks import Finding, Subject
from kurt_ext.checks.exhaustion import check
from kurt_ext.manifest import read


def ask(folder: Path, source: bytes | str, **files: object) -> list[Finding]:
    grow(folder, {"SKILL.md": skill_md(), "skill.py": source, **files})
    return list(check(Subject(read(str(folder)))))


@pytest.mark.parametrize(
    "source",
    [
        "x = 9**9**9",
        "x = 2 ** (10 ** 9)",
        "def f():\n    return 1 << 10_000_000_000",
        "x = 'a' * 10**12",
        "x = [0] * 0xFFFFFFFFFF",
        "x = (1 << 150_000) * (1 << 150_000)",
        "x = 1 << (1 << 62)",
        "lambda: -9 ** 99999999",
    ],
)
def test_a_constant_that_cannot_be_worked_out_is_grave(tmp_path: Path, source: str) -> None:
    (finding,) = ask(tmp_path / "s", source)
    assert (finding.rule, finding.severity) == ("constant-bomb", "high")


@pytest.mark.parametrize(
    "source",
    [
        "x = 10**9 + 2**64 - (1 << 128)",
        "x = '-' * 80",
        "x = y ** 9 ** 2",
        "x = 2**-1000000",
        "x = 1**999999999999",
        "x = 0 << 99999999999",
        "x = 50 * 1024 * 1024",
        "x = 1.5**1000000",
    ],
)
def test_constants_as_people_write_them_are_fine(tmp_path: Path, source: str) -> None:
    assert ask(tmp_path / "s", source) == []


@given(
    st.recursive(
        st.integers(0, 12).map(str),
        lambda e: st.tuples(e, st.sampled_from(["+", "-", "*", "**", "<<"]), e).map(
            lambda t: f"({t[0]} {t[1]} {t[2]})"
        ),
        max_leaves=6,
    )
)
def test_what_is_no_bomb_can_be_worked_out(text: str) -> None:
    if not list(bombs(ast.parse(text))):
        try:
            eval(text)
        except (ValueError, ZeroDivisionError, TypeError, OverflowError):
            pass


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        (b"x = " + b"-" * 60_000 + b"1", "module-not-parsed"),
        (b"x = " + b"(" * 3_000 + b")" * 3_000, "module-not-parsed"),
        (b"def", "module-not-parsed"),
        (b"x = 1\n" * 1_600_000, "module-unread"),
        (b"x = " + b"+".join([b"'a'"] * 600), "nested-too-deeply"),
        (b"x = a" + b".b" * 900, "nested-too-deeply"),
        (b"x = '" + b"a" * (4 << 20) + b"'", "large-literal"),
    ],
    ids=["unary", "brackets", "syntax", "size", "concatenation", "attributes", "literal"],
)
def test_a_module_that_is_too_much_is_told(tmp_path: Path, source: bytes, rule: str) -> None:
    assert [f.rule for f in ask(tmp_path / "s", source)] == [rule]


@pytest.mark.parametrize(
    "source",
    [
        b"\n" * 100_000 + b"x = 1",
        b"T = {\n" + b"    'word': (1, 2),\n" * 3_000 + b"}\n",
        b"x = (" + b"\n + ".join([b"'a line of text'"] * 100) + b")",
        b"if a: pass\n" + b"elif b: pass\n" * 400,
    ],
    ids=["newlines", "table", "text", "branches"],
)
def test_what_is_merely_long_is_fine(tmp_path: Path, source: bytes) -> None:
    assert ask(tmp_path / "s", source) == []


def test_too_many_files_and_folders_too_deep_are_told(tmp_path: Path) -> None:
    deep: dict[str, object] = {"a.txt": ""}
    for _ in range(30):
        deep = {"d": deep}
    found = ask(tmp_path / "s", "", many={f"{n}.txt": "" for n in range(2_100)}, deep=deep)
    assert {f.rule for f in found} >= {"many-files"}
    found = ask(tmp_path / "t", "", deep=deep)
    assert [(f.rule, f.severity) for f in found] == [("folders-too-deep", "high")]
