"""What ``kurt new`` writes runs at once, passes the profile for publishing, and builds."""

from __future__ import annotations

import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from .conftest import ROOT, Run

#: Template → the words that run what it makes, and what is then printed; None = nothing runs.
TEMPLATES = {
    "tool": (["run", "fresh", "name=Ada"], "Hello, Ada!"),
    "plugin": (["run", "fresh:greet", "name=Ada"], "Hello, Ada!"),
    "engine": (["run", "map.fresh", "source=[a](https://b.example)"], "https://b.example"),
    "middleware": (["explain", "fresh", "--load"], "loaded in"),
    "integration": (["explain", "fresh", "--load"], "loaded in"),
    "custom": (["run", "fresh", "text=one two"], "2"),
    "instructions": (None, ""),
}


def test_every_template_has_a_case() -> None:
    folders = [*ROOT.glob("namespaces/*/templates/*/"), *ROOT.glob("kurt_ext/templates/*/")]
    assert {folder.name for folder in folders if folder.is_dir()} - {"common"} == set(TEMPLATES)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["--portable", "--native"])
@pytest.mark.parametrize("template", TEMPLATES)
def test_it_runs_at_once(kurt: Run, template: str, form: str) -> None:
    made = kurt("new", "fresh", "--kind", template, form)
    assert made.code == 0, made
    if template == "middleware":
        assert kurt("enable", "fresh").code == 0
        assert kurt("skill", "trust").code == 0
    words, printed = TEMPLATES[template]
    assert kurt("info", "fresh").code == 0
    assert kurt("validate", "fresh").code == 0
    if words is not None:
        ran = kurt(*words)
        assert ran.code == 0, ran
        assert printed in ran.out


@pytest.mark.parametrize("template", TEMPLATES)
def test_it_passes_the_profile_for_publishing(here: Run, template: str) -> None:
    assert (
        here("new", "fresh", "--kind", template, "--author", 'Ann "O\'Hara" <a@b.example>').code
        == 0
    )
    ran = here("validate", "skills/fresh", "--profile", "publish")
    assert ran.code == 0, ran
    if template != "plugin":
        assert here("validate", "fresh", "--profile", "agentskills").code == 0


@pytest.mark.venv
@pytest.mark.parametrize("template", TEMPLATES)
def test_it_builds_and_its_own_test_passes(here: Run, project: Path, template: str) -> None:
    assert here("new", "fresh", "--kind", template).code == 0
    ran = here("skill", "build", "fresh", "--no-isolation", "--json")
    (wheel,) = ran.data["wheels"]
    assert Path(wheel).parent == project / "dist"
    names = zipfile.ZipFile(wheel).namelist()
    assert "kurt_skills/fresh/__init__.py" in names
    assert any(name.endswith(".dist-info/kurt.json") for name in names)
    folder = project / "skills" / "fresh"
    assert not any((folder / name).exists() for name in ("build", "dist", "fresh.egg-info"))
    if template == "instructions":
        return
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)],
        capture_output=True,
        text=True,
        cwd=folder,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_template_without_a_name_is_one_that_runs(here: Run) -> None:
    made = here("new", "fresh", "--json").data
    assert made["kind"] == "tool"
    assert {Path(file).name for file in made["files"]} == {
        "README.md",
        "SKILL.md",
        "__init__.py",
        "pyproject.toml",
        "skill.py",
        "test_skill.py",
    }
    assert here("run", "fresh").code == 0


def test_nothing_is_overwritten(here: Run, project: Path) -> None:
    folder = project / "skills" / "fresh"
    folder.mkdir(parents=True)
    (folder / "mine.txt").write_text("mine")
    ran = here("new", "fresh")
    assert ran.code == 6
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]
    assert [path.name for path in folder.parent.iterdir()] == ["fresh"]


def test_only_what_is_new_is_trusted(here: Run, project: Path) -> None:
    here("new", "fresh")
    assert here("skill", "trust", "--list", "--json").data["trusted"] == [
        str((project / "skills" / "fresh").resolve())
    ]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("My_Skill",), 2, "is not a skill name"),
        (("fresh", "--kind", "tol"), 2, "did you mean tool?"),
        (("../fresh",), 2, "is not a plugin id"),
    ],
)
def test_what_cannot_be_made_is_said(
    here: Run, project: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    ran = here("new", *words)
    assert ran.code == code
    assert said in ran.err
    assert not (project / "skills").exists()


def test_it_can_be_written_elsewhere(here: Run, tmp_path: Path) -> None:
    ran = here("new", "fresh", "--in", str(tmp_path / "deep" / "er"))
    assert (tmp_path / "deep" / "er" / "fresh" / "SKILL.md").is_file()
    assert "kurt config set skill_paths" in ran.out
    assert here("new", "mine", "--user").code == 0
    assert here("info", "mine", "--json").data["skill"]["scope"] == "user"


def test_building_without_a_front_end_names_the_extra(
    here: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    here("new", "fresh")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: None)
    ran = here("skill", "build", "fresh")
    assert ran.code == 1
    assert "hint: pip install 'kurt-ext[build]'" in ran.err


def test_a_folder_without_pyproject_is_told_the_three_lines(here: Run, project: Path) -> None:
    here("new", "fresh")
    (project / "skills" / "fresh" / "pyproject.toml").unlink()
    ran = here("skill", "build", "fresh")
    assert ran.code == 1
    assert 'requires = ["setuptools", "kurt-ext"]' in ran.err


def test_the_line_that_trusts_the_whole_project_can_be_pasted(
    kurt: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = project / "with a space"
    place.mkdir()
    monkeypatch.chdir(place)
    assert kurt("new", "fresh").code == 0
    done = kurt("config", "set", "skill.fresh.token", "env:FRESH_TOKEN", "--json").envelope
    line = done["warnings"][0]["fix"]
    assert kurt("run", "fresh").code == 0  # the setting does not count yet, nor is it missed
    program, *words = shlex.split(line)
    assert program == "kurt"
    assert kurt(*words).code == 0
    assert kurt("run", "fresh").code == 1
    assert kurt("run", "fresh", env={"FRESH_TOKEN": "secret"}).code == 0
