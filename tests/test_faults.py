"""Faults seen in other implementations of the skills document, S3 to S8: none is possible here.

S1, S2 and S9 stand with the tests of tools, S10 with those of the manager.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sites import skill_md, tool_py, trust
from trees import grow, skill

from kurt_engine import BaseFetcher, register_fetcher
from kurt_ext import (
    TOOLS,
    AmbiguousNameError,
    ConflictError,
    NotFoundError,
    PluginRegistry,
    SkillLoadError,
    SkillManager,
)
from kurt_ext.importer import unload

ROOT = Path(__file__).parent.parent
FETCHER = """
import {needed}
from kurt_engine import BaseFetcher, FetchResult

class Fetcher(BaseFetcher):
    def fetch(self, url):
        return FetchResult(url=url, content="fetched")
"""


@pytest.fixture
def skills(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the folder of a trusted project's skills; the default manager is the test's own."""
    trust(monkeypatch, project)
    folder = project / "skills"
    folder.mkdir()
    SkillManager.close_default()
    yield folder
    SkillManager.close_default()
    for name in [name for name in sys.modules if name.startswith("kurt_skills.")]:
        unload(name.split(".")[1])


def fetcher(name: str, needed: str) -> dict[str, str]:
    row = f"implements: [{{type: fetcher, class: Fetcher, name: {name}}}]\n"
    return {"SKILL.md": skill_md(name, more=row), "skill.py": FETCHER.format(needed=needed)}


# -- S3 --------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["import surely_missing", "1 / 0", "raise SystemExit(3)"])
def test_s3_one_bad_module_stops_no_other_and_is_tried_again(skills: Path, code: str) -> None:
    grow(skills, {"bad": skill("bad", code=code), "good": skill("good")})
    with SkillManager() as manager:
        for _ in range(2):
            loaded = {extension.name for extension in manager.load_all("kurt.tool")}
            assert "good" in loaded and "bad" not in loaded
            assert manager.outcomes["bad:bad"].state == "failed"
            assert isinstance(manager.outcomes["bad:bad"].error, SkillLoadError)
        grow(skills, {"bad": skill("bad")})
        manager.refresh()
        assert "bad" in {extension.name for extension in manager.load_all("kurt.tool")}


def test_s3_a_missing_dependency_is_never_called_not_found(skills: Path) -> None:
    grow(skills, {"bad": skill("bad", code="import surely_missing")})
    with pytest.raises(SkillLoadError, match="could not be loaded") as caught:
        SkillManager.get_tool("bad")
    assert "surely_missing" in (caught.value.cause or "")
    assert not isinstance(caught.value, NotFoundError)


# -- S4 --------------------------------------------------------------------------


def test_s4_a_fetcher_without_its_dependency_hides_no_other(skills: Path) -> None:
    grow(skills, {"torn": fetcher("torn", "surely_missing"), "whole": fetcher("whole", "math")})
    with SkillManager() as manager:
        names = manager.lookup.names(manager.kind("kurt.engine"))
        assert {"fetch.file", "fetch.http", "fetch.torn", "fetch.whole"} <= set(names)
        assert "kurt_skills.torn" not in sys.modules
        assert manager.run("fetch.whole", {"url": "x"}).data.content == "fetched"
        with pytest.raises(SkillLoadError, match=r"fetch\.torn"):
            manager.run("fetch.torn", {"url": "x"})


def test_s4_only_the_provider_that_is_asked_for_is_executed(skills: Path) -> None:
    note = "from pathlib import Path; Path('{0}-was-imported').touch()\n"
    for name in ("one", "two"):
        tree = fetcher(name, "math")
        grow(skills, {name: {**tree, "skill.py": note.format(name) + tree["skill.py"]}})
    with SkillManager() as manager:
        manager.list()
        manager.explain("fetch.one")
        assert not list(Path().glob("*-was-imported"))
        manager.run("fetch.one", {"url": "x"})
        assert [path.name for path in Path().glob("*-was-imported")] == ["one-was-imported"]


# -- S5 --------------------------------------------------------------------------


@pytest.mark.slow
def test_s5_nothing_is_chosen_by_a_pattern(skills: Path, project: Path) -> None:
    """URL patterns cannot miss here: a fetcher is chosen by its name or its role, never by a URL.

    Nothing of ours matches with `fnmatch`, whose answer depends on the system. The one place
    that takes a star is ``enabled``, where it stands alone, for everything.
    """
    for path in [*(ROOT / "kurt_ext").rglob("*.py"), *(ROOT / "namespaces").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                names = [alias.name for alias in node.names]
                assert "fnmatch" not in [getattr(node, "module", None), *names], path
    grow(skills, {"talker": skill("talker")})
    for pattern, enabled in (("talk*", False), ("TALKER", False), ("talker", True), ("*", True)):
        (project / "kurt.toml").write_text(f'[tool]\nenabled = ["{pattern}"]\n')
        with SkillManager() as manager:
            assert ("talker" in manager.lookup.names(manager.kind("tool"))) is enabled, pattern


# -- S6 --------------------------------------------------------------------------

_ZEBRA = """
from .animals import Aardvark
{decorator}
class Zebra(Aardvark):
    name = "zebra"
"""


@pytest.mark.parametrize("declared", [True, False])
def test_s6_the_class_that_is_named_is_taken_and_not_the_first_one(
    skills: Path, declared: bool
) -> None:
    offers = {"zebra": "Zebra"} if declared else None
    decorator = "" if declared else "from kurt_ext import register_tool\n@register_tool"
    tree = {
        "SKILL.md": skill_md("zoo", offers),
        "skill.py": _ZEBRA.format(decorator=decorator),
        "animals.py": tool_py("Aardvark"),
    }
    grow(skills, {"zoo": tree})
    assert SkillManager.get_tool("zebra").__name__ == "Zebra"
    assert "zebra" in TOOLS
    assert "aardvark" not in TOOLS


# -- S7 --------------------------------------------------------------------------


def test_s7_a_listing_and_a_question_mean_the_same_copy(skills: Path, own_places: Path) -> None:
    """Of two forms one could be listed and the other got: here a skill is a folder, and only that.

    There are no workflow files to look up; what could differ is a skill's copies.
    """
    flat = {"twice.md": skill_md("twice"), "twice": skill("twice", version="2.0.0")}
    grow(skills, flat)
    grow(own_places / ".kurt" / "skills", {"twice": skill("twice", version="3.0.0")})
    with SkillManager() as manager:
        rows = [row for row in manager.list() if row["name"] == "twice"]
        (winner,) = [row for row in rows if row["state"] != "shadowed"]
        assert {row["version"] for row in rows} == {"2.0.0", "3.0.0"}
        assert manager.info("twice")["location"] == winner["location"] == str(skills / "twice")
        assert manager.resolve("twice")[0].location == winner["location"]
        assert manager.load("twice").root == winner["location"]


def test_s7_two_manifests_of_one_folder_are_one_skill_or_an_error(skills: Path) -> None:
    plugin = {"plugin_id": "both", "name": "Both", "version": "0.1.0", "plugin_type": "tool"}
    for version, state in (("0.1.0", "ready"), ("0.2.0", "broken")):
        manifest = json.dumps({**plugin, "entry_point": "skill", "version": version})
        grow(skills, {"both": {**skill("both"), "plugin.json": manifest}})
        with SkillManager() as manager:
            (row,) = [row for row in manager.list() if row["name"] == "both"]
            assert row["state"] == state
            assert manager.info("both")["state"] == state


def test_s7_an_invalid_file_is_listed_with_its_reason(skills: Path) -> None:
    grow(skills, {"torn": {"SKILL.md": "no fence", "skill.py": ""}})
    with SkillManager() as manager:
        (row,) = [row for row in manager.list() if row["name"] == "torn"]
        assert row["state"] == "broken"
        assert "fence" in row["reason"]


# -- S8 --------------------------------------------------------------------------


@pytest.mark.slow
def test_s8_extensions_have_one_registry_and_importing_the_engines_fills_none() -> None:
    script = (
        "import kurt_engine.registry, kurt_engine.fetching, kurt_engine.mapping\n"
        "import kurt_tool.registry, kurt_tool.read_text\n"
        "from kurt_ext import SkillManager\n"
        "assert not list(SkillManager.default().lookup.registry)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    sources = [*(ROOT / "kurt_ext").rglob("*.py"), *(ROOT / "namespaces").rglob("*.py")]
    named = [
        node.name
        for path in sources
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and node.name.endswith("Registry")
    ]
    # The other one asks marketplaces and a folder: it holds files, and no extension.
    assert sorted(named) == ["PluginRegistry", "Registry"]
    assert not [name for name in vars(PluginRegistry) if name.startswith(("add", "register"))]


def test_s8_two_skills_of_one_name_never_overwrite_each_other(skills: Path) -> None:
    grow(skills, {name: skill(name, extension="same", suffix=name) for name in ("one", "two")})
    with SkillManager() as manager:
        with pytest.raises(AmbiguousNameError):
            manager.run("same")
        for name in ("one", "two"):
            assert manager.run(f"{name}:same", {"text": ""}).data[0].text == name


def test_s8_one_skill_cannot_register_two_things_under_one_name(skills: Path) -> None:
    code = "from kurt_ext import register_tool\n"
    for cls in ("First", "Second"):
        code += tool_py(cls).replace("class " + cls, "@register_tool(name='same')\nclass " + cls)
    grow(skills, {"torn": {"SKILL.md": skill_md("torn"), "skill.py": code}})
    with SkillManager() as manager:
        with pytest.raises(NotFoundError):
            manager.run("same")
        error = manager.outcomes["torn"].error
        assert isinstance(error, ConflictError)
        assert "First" in (error.cause or "") and "Second" in (error.cause or "")


def test_s8_a_second_class_by_hand_is_refused_and_the_same_one_made_anew_is_not(
    skills: Path,
) -> None:
    def made(text: str) -> type[BaseFetcher]:
        class Fetcher(BaseFetcher):
            name = "memory"

            def fetch(self, url: str) -> str:  # type: ignore[override]
                return text

        return Fetcher

    class Other(made("other")):  # type: ignore[misc]
        pass

    register_fetcher(made("first"))
    register_fetcher(made("second"))
    with pytest.raises(ConflictError, match="memory twice"):
        register_fetcher(Other)
    extension = SkillManager.default().load("fetch.memory")
    assert extension.obj.fetch("x") == "second"
