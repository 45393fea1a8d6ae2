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


def test_a_link_that_leads_out_is_critical_and_one_in_a_circle_grave(
    ask: Asked, tmp_path: Path
) -> None:
    ask(check, {**GOOD, "real.txt": ""})
    (tmp_path / "outside.txt").write_text("")
    for name, target in (
        ("absolute.txt", str(tmp_path / "outside.txt")),
        ("climbing", "../../.."),
        ("inside.txt", "real.txt"),
        ("module.py", "real.txt"),
        ("loop", "loop"),
    ):
        os.symlink(target, ask.folder / name)
    found = {f.path: f.severity for f in ask(check)}
    grave = {"absolute.txt": "critical", "climbing": "critical"}
    assert found == {**grave, "module.py": "high", "loop": "high"}


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
    assert (finding.rule, finding.severity) == ("special-file", "high")


def test_a_huge_file_is_reported_by_its_own_size(ask: Asked) -> None:
    ask(check, GOOD)
    with open(ask.folder / "big.bin", "wb") as stream:
        stream.truncate((50 << 20) + 1)
    assert [f.rule for f in ask(check)] == ["large-file"]


@pytest.mark.parametrize("name", ["aux.py", "NUL.txt", "a:b.txt", "what?.md", "end."])
def test_names_that_windows_cannot_have_are_reported(ask: Asked, name: str) -> None:
    assert [rule for rule, _ in rules(ask, {name: ""})] == ["name-not-portable"]


def test_names_that_differ_only_by_case_or_form_collide(ask: Asked) -> None:
    files = {"A.py": "", "a.py": "", "e\u0301.txt": "", "\u00e9.txt": ""}
    if len(set(map(str.casefold, files))) == len(files):
        pytest.skip("this file system cannot hold both")
    assert [rule for rule, _ in rules(ask, files)] == ["names-collide", "names-collide"]


@pytest.mark.parametrize(
    "name", ["tab\t.py", "report\u202egnp.py", "back\\slash.py", "zero\u200bwidth.txt", "\x1b[2J"]
)
def test_a_name_that_is_not_what_it_seems_is_grave(ask: Asked, name: str) -> None:
    found = [(f.rule, f.severity) for f in ask(check, {**GOOD, name: ""})]
    assert ("name-deceives", "high") in found


@pytest.mark.parametrize("name", ["café.txt", "日本語.md", "данные.json", "naïve.py"])
def test_names_in_any_language_are_fine(ask: Asked, name: str) -> None:
    assert ask(check, {**GOOD, name: ""}) == []


def test_what_python_starts_by_itself_is_critical(ask: Asked) -> None:
    files = {"sitecustomize.py": "", "usercustomize.py": "", "x.pth": "import os; os.abort()\n"}
    assert {f.severity for f in ask(check, {**GOOD, **files})} == {"critical"}


@pytest.mark.parametrize(
    ("source", "grave"),
    [
        ("import subprocess\nsubprocess.getoutput('x')\n", True),
        ('"""Fixtures."""\nimport pytest\n\n@pytest.fixture\ndef page():\n    return 1\n', False),
        ("import sys\nsys.path.insert(0, '.')\n", False),
    ],
)
def test_a_conftest_may_define_and_not_do(ask: Asked, source: str, grave: bool) -> None:
    assert bool(rules(ask, {"conftest.py": source})) is grave


def test_a_module_in_place_of_one_of_the_standard_library_is_grave(ask: Asked) -> None:
    assert rules(ask, {"json.py": "", "other.py": "import json\n"}) == [
        ("shadows-standard-library", "json.py")
    ]


def test_a_sibling_that_is_imported_relatively_shadows_nothing(ask: Asked) -> None:
    assert rules(ask, {"types.py": "", "skill.py": "from .types import A\n"}) == []
    assert rules(ask, {"pkg": {"json.py": ""}, "skill.py": "from .types import A\n"}) == []


def test_folders_of_those_who_work_on_a_skill_are_not_looked_into_and_said_to_be_so(
    ask: Asked,
) -> None:
    files = {
        ".git": {"config": "", "hooks": {"update.sample": ""}},
        "node_modules": {"a": {"x.exe": ""}},
        "env": {"pyvenv.cfg": "", "lib": {"x.pth": ""}},
    }
    found = [(f.path, f.rule, f.severity) for f in ask(check, {**GOOD, **files})]
    assert found == [(name, "not-looked-into", "low") for name in (".git", "env", "node_modules")]
    assert {f.severity for f in ask(check, profile="publish")} == {"medium"}


def test_one_of_them_that_the_code_names_is_grave(ask: Asked) -> None:
    files = {"node_modules": {"x.py": ""}, "skill.py": "import sys; sys.path += ['node_modules']"}
    (finding,) = ask(check, {**GOOD, **files})
    assert (finding.rule, finding.severity) == ("not-looked-into", "high")


def test_a_hook_of_git_is_told_of(ask: Asked) -> None:
    assert ("hook-file", ".git/hooks/post-checkout") in rules(
        ask, {".git": {"hooks": {"post-checkout": "#!/bin/sh\n"}}}
    )
