"""What must, and what must not, lie in a skill's folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kurt_ext.checks.structure import check

from .conftest import Asked, skill_md

GOOD = {"SKILL.md": skill_md(), "skill.py": ""}


def rules(
    ask: Asked, files: dict[str, object], profile: str | None = None
) -> list[tuple[str, str]]:
    return [(f.rule, f.path) for f in ask(check, {**GOOD, **files}, profile=profile)]


def test_both_files_and_whatever_belongs_to_them_are_fine(ask: Asked) -> None:
    files = {
        "helper.py": "",
        "requirements.txt": "",
        "data": {"words.csv": "", "page.html": "", "café.txt": "", "archive.tar.gz": ""},
        "__pycache__": {"skill.cpython-311.pyc": b"x"},
        ".git": {"hooks": {"pre-commit.sh": ""}},
        "console.py": "",
    }
    assert rules(ask, files) == []


def test_a_manifest_without_code_is_instructions(ask: Asked) -> None:
    (finding,) = ask(check, {"SKILL.md": skill_md()})
    assert (finding.rule, finding.severity, finding.fix) == ("no-code", "info", "write skill.py")


def test_a_folder_without_a_manifest_is_the_manifests_matter(ask: Asked) -> None:
    assert ask(check, {"skill.py": ""}) == []


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("skill.pyc", "compiled-file"),
        ("old.PYO", "compiled-file"),
        ("fast.so", "compiled-file"),
        ("fast.so.1", "compiled-file"),
        ("fast.PYD", "compiled-file"),
        ("lib.dylib", "compiled-file"),
        ("Setup.EXE", "program-file"),
        ("run.ps1", "program-file"),
        ("run.sh", "program-file"),
        ("gui.pyw", "program-file"),
        ("site.pth", "path-file"),
        ("a.com", "program-file"),
    ],
)
def test_what_nobody_can_read_or_needs_is_reported(ask: Asked, name: str, rule: str) -> None:
    assert rules(ask, {"sub": {name: b"x"}}) == [(rule, f"sub/{name}")]


def test_native_code_is_fine_where_it_is_declared(ask: Asked) -> None:
    declared = skill_md(permissions={"native_code": True})
    assert ask(check, {**GOOD, "SKILL.md": declared, "fast.so": b"x"}) == []


def test_a_link_that_leads_out_is_a_warning_here_and_an_error_elsewhere(
    ask: Asked, tmp_path: Path
) -> None:
    ask(check, {**GOOD, "real.txt": ""})
    (tmp_path / "outside.txt").write_text("")
    for name, target in (
        ("absolute.txt", str(tmp_path / "outside.txt")),
        ("climbing", "../../.."),
        ("inside.txt", "real.txt"),
        ("loop", "loop"),
    ):
        os.symlink(target, ask.folder / name)
    found = {f.path: f.severity for f in ask(check)}
    assert found == {"absolute.txt": "warning", "climbing": "warning"}
    assert {f.severity for f in ask(check, profile="publish")} == {"error"}


def test_nothing_behind_a_link_is_looked_at(ask: Asked, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.exe").write_bytes(b"")
    ask(check, GOOD)
    os.symlink(tmp_path / "elsewhere", ask.folder / "linked")
    assert [f.path for f in ask(check)] == ["linked"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_an_error(ask: Asked) -> None:
    ask(check, GOOD)
    os.mkfifo(ask.folder / "pipe")
    (finding,) = ask(check)
    assert (finding.rule, finding.severity) == ("special-file", "error")


def test_a_huge_file_is_reported_by_its_own_size(ask: Asked) -> None:
    ask(check, GOOD)
    with open(ask.folder / "big.bin", "wb") as stream:
        stream.truncate((50 << 20) + 1)
    assert [f.rule for f in ask(check)] == ["large-file"]


@pytest.mark.parametrize("name", ["aux.py", "NUL.txt", "a:b.txt", "what?.md", "end.", "tab\t.py"])
def test_names_that_windows_cannot_have_are_reported(ask: Asked, name: str) -> None:
    assert [rule for rule, _ in rules(ask, {name: ""})] == ["name-not-portable"]


def test_names_that_differ_only_by_case_or_form_collide(ask: Asked) -> None:
    files = {"A.py": "", "a.py": "", "e\u0301.txt": "", "\u00e9.txt": ""}
    if len(set(map(str.casefold, files))) == len(files):
        pytest.skip("this file system cannot hold both")
    assert [rule for rule, _ in rules(ask, files)] == ["names-collide", "names-collide"]
