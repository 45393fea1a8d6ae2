"""The finder of kurt_skills: the winner's files, from source, and nothing of a failure stays."""

from __future__ import annotations

import importlib
import importlib.resources
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sites import installed, skill_md, tool_py, trust
from trees import grow

from kurt_ext import errors
from kurt_ext.importer import FINDER, unload
from kurt_ext.manager import SkillManager


@pytest.fixture
def skills(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    trust(monkeypatch, project)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (project / "skills").mkdir()
    yield project / "skills"
    for name in [name for name in sys.modules if name.startswith("kurt_skills.")]:
        unload(name.split(".")[1])


def skill(name: str = "one", **files: object) -> dict[str, object]:
    return {"SKILL.md": skill_md(name, {name: "Echo"}), "skill.py": tool_py(), **files}


def test_the_finder_is_there_while_a_manager_is_open_and_finds_nothing_else(skills: Path) -> None:
    grow(skills, {"one": skill()})  # type: ignore[arg-type]
    with SkillManager() as manager:
        manager.discover()
        assert FINDER in sys.meta_path
        assert FINDER.find_spec("json", None) is None
        assert FINDER.find_spec("kurt_skillsx.one", None) is None
        assert FINDER.find_spec("kurt_skills.unknown", None) is None
    assert FINDER not in sys.meta_path


def test_siblings_are_imported_relatively_and_two_skills_do_not_share_them(skills: Path) -> None:
    code = "from .helper import WORD\nfrom .deep.er import MORE\n"
    for name in ("one", "two"):
        files = skill(name, **{"helper.py": f"WORD = {name!r}", "deep": {"er.py": "MORE = 1"}})
        grow(skills, {name: {**files, "skill.py": code}})  # type: ignore[dict-item]
    with SkillManager() as manager:
        manager.discover()
        assert importlib.import_module("kurt_skills.one.skill").WORD == "one"
        assert importlib.import_module("kurt_skills.two.skill").WORD == "two"


@pytest.mark.parametrize("init", [True, False])
def test_resources_of_a_skill_are_read(skills: Path, init: bool) -> None:
    files = skill(**{"data": {"words.txt": "hello"}, "plain.txt": "text"})
    if init:
        files["__init__.py"] = "READY = True"
    grow(skills, {"one": files})  # type: ignore[dict-item]
    with SkillManager() as manager:
        manager.discover()
        package = importlib.import_module("kurt_skills.one")
        assert getattr(package, "READY", False) is init
        assert package.__file__ == str(skills / "one" / "__init__.py")
        root = importlib.resources.files("kurt_skills.one")
        assert (root / "data" / "words.txt").read_text() == "hello"
        import pkgutil

        assert pkgutil.get_data("kurt_skills.one", "plain.txt") == b"text"


def test_no_bytecode_is_written_or_read(skills: Path) -> None:
    grow(skills, {"one": skill(**{"helper.py": "N = 1"})})  # type: ignore[dict-item]
    script = (
        "import sys; sys.dont_write_bytecode = False\n"
        "from kurt_ext.manager import SkillManager\n"
        "with SkillManager() as s: s.load('one'); import kurt_skills.one.helper\n"
    )
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    subprocess.run([sys.executable, "-c", script], check=True, env=environment)
    assert not list(skills.rglob("*.pyc"))


def test_an_edit_of_the_same_size_in_the_same_second_is_never_stale(skills: Path) -> None:
    folder = grow(skills, {"one": skill()})  # type: ignore[dict-item]
    helper = folder / "one" / "helper.py"
    with SkillManager() as manager:
        manager.discover()
        for number in range(10, 60):
            helper.write_text(f"N = {number}\n")
            module = importlib.import_module("kurt_skills.one.helper")
            assert number == module.N
            unload("one")


def test_unload_leaves_neither_module_nor_attribute(skills: Path) -> None:
    grow(skills, {"one": skill(), "one-more": skill("one-more")})  # type: ignore[dict-item]
    with SkillManager() as manager:
        manager.load("one")
        manager.load("one-more")
        assert unload("one") == ["kurt_skills.one", "kurt_skills.one.skill"]
        import kurt_skills  # type: ignore[import-not-found]

        assert not hasattr(kurt_skills, "one")
        assert "kurt_skills.one_more.skill" in sys.modules  # `p.*`, with the dot


def test_a_failed_import_leaves_nothing_behind(skills: Path) -> None:
    grow(skills, {"one": skill(**{"skill.py": "from . import helper\n1 / 0", "helper.py": ""})})  # type: ignore[dict-item]
    with SkillManager() as manager:
        with pytest.raises(errors.SkillLoadError):
            manager.load("one")
        assert not [name for name in sys.modules if name.startswith("kurt_skills.one")]


def test_broken_and_untrusted_skills_are_refused_at_every_door(
    skills: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(skills, {"bad": {"SKILL.md": "---\nname: [\n---\n", "skill.py": "SEEN = 1"}})
    with SkillManager() as manager:
        manager.discover()
        with pytest.raises(errors.ManifestError):
            importlib.import_module("kurt_skills.bad.skill")
    monkeypatch.delenv("KURT_TRUST")
    grow(skills, {"one": skill()})  # type: ignore[dict-item]
    with SkillManager() as manager:
        manager.discover()
        with pytest.raises(errors.UntrustedError):
            importlib.import_module("kurt_skills.one.skill")


def test_an_installed_skill_is_imported_from_its_distribution(
    skills: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = {"kurt_skills": {"wheel": {"skill.py": "WHERE = 'wheel'", "__init__.py": ""}}}
    points = "[kurt.custom]\nwhere = kurt_skills.wheel.skill:WHERE\n"
    installed(monkeypatch, tmp_path / "site", "kurt-skill-wheel", points, code)
    with SkillManager() as manager:
        row = manager.info("where")
        assert row["scope"] == "installed"
        assert manager.load("where").obj == "wheel"


def test_an_intruding_package_does_not_hide_the_skills(
    skills: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sys.modules.pop("kurt_skills", None)
    grow(tmp_path / "intruder", {"kurt_skills": {"__init__.py": "INTRUDER = True"}})
    monkeypatch.syspath_prepend(str(tmp_path / "intruder"))
    grow(skills, {"one": skill()})  # type: ignore[dict-item]
    with SkillManager() as manager:
        assert manager.load("one").name == "one"
    sys.modules.pop("kurt_skills", None)


def test_two_managers_with_skills_of_one_name_load_each_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("KURT_TRUST", str(tmp_path))
    found = []
    for name in ("p", "q"):
        body = f"return ToolResult(data={{'text': {name!r}}})"
        grow(tmp_path / name / "skills", {"one": skill(**{"skill.py": tool_py(body=body)})})  # type: ignore[dict-item]
    with SkillManager(str(tmp_path / "p")) as first, SkillManager(str(tmp_path / "q")) as second:
        found = [manager.run("one").data.text for manager in (first, second, first)]
    unload("one")
    assert found == ["p", "q", "p"]
