"""A second opinion is asked for by name, can only warn, and is not talked out of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kurt_ext.adapters import ADAPTERS, adapter_checks, adapter_versions
from kurt_ext.checks import ruff
from kurt_ext.errors import ConfigError
from kurt_ext.findings import Finding
from kurt_ext.report import Report
from kurt_ext.rulebook import rules
from kurt_ext.validator import installed_checks, validate

BAD = "import subprocess\n\nsubprocess.run(x, shell=True)  # noqa: S602\n"
needs_ruff = pytest.mark.skipif(ruff.program() is None, reason="ruff is not installed")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "a"
    made.mkdir()
    (made / "plugin.json").write_text('{"plugin_id": "com.example.a"}')
    return made


def judged(folder: Path) -> list[Finding]:
    report = validate(folder, checks=adapter_checks(["ruff"]))
    return [finding for finding in report.findings if finding.rule in ruff.RULES]


def test_nobody_is_asked_who_was_not_named() -> None:
    assert not {check.name for check in installed_checks()} & set(ADAPTERS)


def test_a_word_for_no_program_is_an_error() -> None:
    with pytest.raises(ConfigError, match="ruf") as raised:
        adapter_checks(["ruf"])
    assert "ruff" in (raised.value.hint or "")


@needs_ruff
def test_it_warns_with_place_and_category(folder: Path) -> None:
    (folder / "main.py").write_text(BAD)
    found = [one for one in judged(folder) if "S602" in one.message]
    assert [(one.path, one.line, one.severity, one.category) for one in found] == [
        ("main.py", 3, "warning", "process")
    ]


@needs_ruff
def test_it_costs_no_points(folder: Path) -> None:
    (folder / "main.py").write_text(BAD)
    without = validate(folder, checks=[])
    report = validate(folder, checks=adapter_checks(["ruff"]))
    assert (report.score, report.valid) == (without.score, without.valid)
    assert Report.from_dict(report.as_dict()).as_dict() == report.as_dict()


@needs_ruff
def test_the_judged_folder_has_no_say(folder: Path) -> None:
    (folder / "ruff.toml").write_text('exclude = ["*"]\n[lint]\nselect = []\n')
    (folder / "pyproject.toml").write_text("[tool.ruff\n")
    (folder / ".gitignore").write_text("*\n")
    for name in ("main.py", "build/main.py", ".venv/main.py", "--config=x.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("# ruff: noqa\n" + BAD)
    found = {one.path for one in judged(folder) if "S602" in one.message}
    assert {"main.py", "build/main.py", "--config=x.py"} <= found


@pytest.mark.skipif(os.name == "nt", reason="scripts as on Unix")
@pytest.mark.parametrize("script", ["exit 3", "echo {", "echo '{}'", "kill -6 $$"])
def test_one_that_fails_is_told(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    (folder / "main.py").write_text(BAD)
    program = tmp_path / "ruff"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(ruff, "program", lambda: str(program))
    (finding,) = judged(folder)
    assert (finding.rule, finding.severity) == ("second-opinion-missing", "warning")


def test_one_that_is_missing_says_how_to_install_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ruff, "program", lambda: None)
    (finding,) = judged(folder)
    assert finding.fix == "pip install ruff"


def test_a_program_in_the_working_directory_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ruff").write_text("#!/bin/sh\n")
    (tmp_path / "ruff").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    monkeypatch.setenv("PATH", os.pathsep.join((".", "", "bin")))
    assert ruff.program() is None


def test_another_program_is_another_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = adapter_versions(["ruff"])
    program = tmp_path / "ruff"
    program.touch()
    monkeypatch.setitem(ADAPTERS, "ruff", (ADAPTERS["ruff"][0], lambda: str(program)))
    assert adapter_versions(["ruff"]) != first


def test_its_rules_are_explained() -> None:
    assert set(ruff.RULES) <= set(rules())
