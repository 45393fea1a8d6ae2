"""The examples of the two documents, as they stand, do what the documents say.

Beneath ``documents/`` lie their code blocks; imports, paths, URLs and ellipses are ours,
and what a document leaves undefined comes from ``documents/supplied.py``.
"""

from __future__ import annotations

import asyncio
import json
import runpy
import shutil
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from documents import supplied
from sites import installed, trust
from trees import grow, skill

from kurt_ext import (
    SKILLS,
    TOOLS,
    ConfigError,
    InvalidInputError,
    PluginConfig,
    PluginMetadata,
    PluginState,
    PluginStatus,
    SkillManager,
    SkillManifest,
    SkillNotFoundError,
    Tool,
    ToolNotFoundError,
    discover_skills,
    find_skill_for_tool,
    get_tool,
    validate_skill,
)
from kurt_ext.importer import unload

DOCUMENTS = Path(__file__).parent / "documents"
SKILLS_DOCUMENT = DOCUMENTS / "kurt-skills"
PLUGINS_DOCUMENT = DOCUMENTS / "agentcore-plugins"
EVALUATE = Path(__file__).parent.parent / "sample_pkgs/skills/calculator/evaluate.py"
CALCULATOR = "com.mycompany.calculator"


@pytest.fixture
def skills(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the folder of a trusted project's skills; the default manager is the test's own."""
    trust(monkeypatch, project)
    monkeypatch.setattr(sys, "path", list(sys.path))
    folder = project / "skills"
    folder.mkdir()
    SkillManager.close_default()
    yield folder
    SkillManager.close_default()
    for name in [name for name in sys.modules if name.startswith("kurt_skills.")]:
        unload(name.split(".")[1])
    for name in [name for name in sys.modules if name.partition(".")[0] == "my_skill_package"]:
        del sys.modules[name]


def example(name: str) -> dict[str, Any]:
    """Run a block of the skills document; return the names it defines."""
    return runpy.run_path(str(SKILLS_DOCUMENT / f"{name}.py"))


def archiver(skills: Path) -> Path:
    shutil.copytree(SKILLS_DOCUMENT / "web-archiver", skills / "web-archiver")
    grow(skills.parent, {"kurt.toml": '[skill.web-archiver]\nwayback = "http://archive"\n'})
    return skills / "web-archiver"


def implementing(name: str, cls: str, module: str) -> dict[str, str]:
    """Return a skill whose code is a block of the document."""
    tree = skill(name, code=(SKILLS_DOCUMENT / f"{module}.py").read_text(encoding="utf-8"))
    assert isinstance(tree["SKILL.md"], str)
    return {**tree, "SKILL.md": tree["SKILL.md"].replace("class: Echo", f"class: {cls}")}  # type: ignore[dict-item]


def with_http() -> SkillManager:
    """Return the default manager, with a client of the test's own."""
    manager = SkillManager.default()
    manager.disable("kurt-ext:http")
    manager.register("kurt.integration", "http", supplied.Http)
    return manager


# -- the skills document ---------------------------------------------------------


def test_pattern_1_finds_what_discover_skills_finds(skills: Path, own_places: Path) -> None:
    archiver(skills)
    grow(own_places / ".kurt" / "skills", {"yours": skill("yours"), "no": {"SKILL.md": "text"}})
    paths = [skills, own_places / ".kurt" / "skills", skills / "absent"]
    theirs: list[SkillManifest] = example("pattern_1")["discover_skills"](paths)
    assert theirs == discover_skills(paths)
    assert [manifest.name for manifest in theirs] == ["web-archiver", "yours"]


def test_pattern_2_a_register_function_is_called_when_its_name_is_found_nowhere_else(
    skills: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = SKILLS_DOCUMENT / "pattern_2"
    project = tomllib.loads((folder / "pyproject-part.toml").read_text(encoding="utf-8"))["project"]
    ((group, points),) = project["entry-points"].items()
    text = f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
    block = (folder / "my_skill_package" / "__init__.py").read_text(encoding="utf-8")
    code = {
        "__init__.py": block,
        "tool.py": (SKILLS_DOCUMENT / "anti_pattern_3.py").read_text(encoding="utf-8"),
    }
    installed(monkeypatch, tmp_path / "site", "my-skill", text, {"my_skill_package": code})
    assert "my-skill" in SKILLS
    assert "my_skill_package" not in sys.modules
    cls = get_tool("my-skill")
    assert cls is sys.modules["my_skill_package.tool"].MySkillTool
    assert "my-skill" in TOOLS
    with with_http() as manager:
        assert (
            manager.run("my-skill", {"url": "http://a"}).data[0].content == "the text at http://a"
        )


def test_pattern_4_the_manifest_is_read_without_its_code(skills: Path) -> None:
    folder = archiver(skills)
    assert validate_skill(folder).valid
    grow(folder, {"skill.py": "raise RuntimeError('it was imported')"})
    (manifest,) = discover_skills([skills])
    assert manifest.name == "web-archiver"
    assert (manifest.version, manifest.author) == ("0.1.0", "Example <user@example.com>")
    assert manifest.description == "Archive web pages to Internet Archive"
    assert manifest.tags == ["web", "archival", "automation"]
    assert (manifest.requires_python, manifest.requires_api) == (">=3.10", ["wayback"])
    (row,) = manifest.implements
    assert (row.type, row.class_, row.name) == ("tool", "WebArchiverTool", "archive")
    assert manifest.body.startswith("# Web Archiver Skill\n\nArchives web pages")
    assert manifest.impl_path == skills / "web-archiver" / "skill.py"
    assert SKILLS["web-archiver"].version == "0.1.0"


def test_a_tool_runs_from_the_manifest_to_the_result(skills: Path) -> None:
    archiver(skills)
    assert "kurt_skills.web_archiver.skill" not in sys.modules
    result = SkillManager.default().run("archive", {"url": "x"})
    assert result.success
    assert result.data.url == "http://archive/x"
    assert (result.errors, result.metadata) == ([], {})


def test_a_service_that_the_manifest_requires_must_have_its_key(skills: Path) -> None:
    archiver(skills)
    (skills.parent / "kurt.toml").unlink()
    with pytest.raises(ConfigError, match="wayback"):
        SkillManager.default().run("archive", {"url": "x"})


def test_anti_pattern_1_a_skill_is_loaded_when_its_tool_is_first_asked_for(skills: Path) -> None:
    archiver(skills)
    assert find_skill_for_tool("archive") is not None
    assert "kurt_skills.web_archiver.skill" not in sys.modules
    theirs = example("anti_pattern_1")["get_tool"]
    cls = theirs("archive")
    assert issubclass(cls, Tool)
    assert cls is get_tool("archive") is TOOLS["archive"]
    assert cls is sys.modules["kurt_skills.web_archiver.skill"].WebArchiverTool
    with pytest.raises(KeyError):
        theirs("no-such-name")
    with pytest.raises(ToolNotFoundError):
        get_tool("no-such-name")
    with pytest.raises(SkillNotFoundError):
        SkillManager.load_skill("no-such-name")


def test_anti_pattern_2_data_flows_through_the_context_and_the_result(skills: Path) -> None:
    grow(skills, {"good": implementing("good", "GoodSkillTool", "anti_pattern_2")})
    result = SkillManager.default().run("good")
    assert (result.success, result.data) == (True, [{"key": "value"}])


def test_anti_pattern_3_one_base_class_and_a_fetcher_within(skills: Path) -> None:
    grow(skills, {"my-skill": implementing("my-skill", "MySkillTool", "anti_pattern_3")})
    with with_http() as manager:
        (page,) = manager.run("my-skill", {"url": "http://a"}).data
        assert page == supplied.MyOutput(url="http://a", content="the text at http://a")
    assert Tool in get_tool("my-skill").__bases__


def test_anti_pattern_4_folders_come_first_and_entry_points_are_optional(
    skills: Path, own_places: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archiver(skills)
    grow(own_places / ".kurt" / "skills", {"yours": skill("yours")})
    theirs = example("anti_pattern_4")["discover_all"]
    assert [manifest.name for manifest in theirs()] == ["web-archiver", "yours"]
    code = {"late_skills.py": "raise RuntimeError('it was imported')"}
    text = "[kurt.skills]\nlate = late_skills:register\n"
    installed(monkeypatch, tmp_path / "site", "late-skills", text, code)
    assert "late" in entry_points(group="kurt.skills").names
    assert [manifest.name for manifest in theirs()] == ["web-archiver", "yours", "late-skills"]


# -- the plugin document ---------------------------------------------------------


def load(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((PLUGINS_DOCUMENT / name).read_text(encoding="utf-8"))
    return content


def test_a_manifest_a_configuration_and_a_state_are_the_models() -> None:
    metadata = PluginMetadata(**load("metadata/plugin.json"))
    assert (metadata.plugin_id, metadata.entry_point) == (
        "com.example.calculator",
        "calculator.main",
    )
    assert metadata.permissions.external_apis == ["wolfram_alpha"]
    config = PluginConfig(**load("metadata/config.json"))
    assert (config.config["precision"], config.sandbox_config_override) == (
        15,
        {"max_execution_time_seconds": 10},
    )
    chosen = PluginConfig(
        plugin_id="com.example.calculator", enabled=True, config={"precision": 20}
    )
    state = PluginState(metadata=metadata, config=chosen)
    assert (state.status, state.instance) == (PluginStatus.UNLOADED, None)
    assert PluginConfig(**load("practice/auto_loading.json")).auto_load


@pytest.mark.parametrize("part", ["dependencies", "permissions", "config_schema", "capabilities"])
def test_the_parts_of_a_manifest_that_are_recommended_are_accepted(
    part: str, tmp_path: Path
) -> None:
    advised = load(f"practice/{part}.json")
    manifest = {**load("hello/plugin.json"), **advised}
    assert PluginMetadata(**manifest).to_record()[part]
    main = (PLUGINS_DOCUMENT / "hello" / "main.py").read_text(encoding="utf-8")
    name = manifest["plugin_id"]
    grow(tmp_path / name, {"plugin.json": json.dumps(manifest), "main.py": main})
    findings = validate_skill(tmp_path / name).findings
    assert [finding for finding in findings if finding.rule.startswith("manifest-")] == []


def test_the_minimal_plugin_greets_and_lives_its_life(
    skills: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(PLUGINS_DOCUMENT / "hello", skills / "com.mycompany.hello")
    with SkillManager() as manager:
        plugin = manager.load("com.mycompany.hello").obj
        assert asyncio.run(plugin.greet("Ada")) == "Hello, Ada! (precision: 10)"
    assert capsys.readouterr().out.splitlines() == [
        f"{what} Hello World Plugin"
        for what in ("Initializing", "Activating", "Deactivating", "Cleaning up")
    ]


def test_a_function_makes_the_plugin(skills: Path) -> None:
    name = "com.mycompany.simple"
    shutil.copytree(PLUGINS_DOCUMENT / "function", skills / name)
    manifest = {**load("hello/plugin.json"), "plugin_id": name}
    manifest["capabilities"] = [{"name": "process"}]
    grow(skills / name, {"plugin.json": json.dumps(manifest)})
    with SkillManager() as manager:
        assert manager.run(f"{name}:process", {"data": "abc"}).data == "ABC"


def test_the_calculator_calculates_without_eval(skills: Path) -> None:
    folder = skills / CALCULATOR
    shutil.copytree(PLUGINS_DOCUMENT / "calculator", folder)
    shutil.copyfile(EVALUATE, folder / "evaluate.py")
    library = {**load("hello/plugin.json"), "plugin_id": "com.example.mathlib", "version": "2.1.0"}
    main = (PLUGINS_DOCUMENT / "hello" / "main.py").read_text(encoding="utf-8")
    grow(skills, {"com.example.mathlib": {"plugin.json": json.dumps(library), "main.py": main}})
    with SkillManager() as manager:
        assert manager.run(f"{CALCULATOR}:arithmetic", {"expression": "2 + 2"}).data == 4
        third = {"expression": "1 / 3", "precision": 3}
        assert manager.run(f"{CALCULATOR}:arithmetic", third).data == 0.333
        sine = manager.run(f"{CALCULATOR}:scientific", {"function": "sin", "value": 1})
        assert sine.data == 0.8414709848
        with pytest.raises(InvalidInputError):
            manager.run(f"{CALCULATOR}:scientific", {"function": "cosh", "value": 1})
        assert manager.load(CALCULATOR + ":arithmetic").obj.config == {
            "precision": 10,
            "cache_enabled": True,
        }
