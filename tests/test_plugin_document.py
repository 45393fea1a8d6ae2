"""The examples of the plugin document take plugins through their lives as it says.

Beneath ``documents/agentcore-plugins/`` lie its code blocks; imports, paths and ellipses are
ours, and what the document leaves undefined comes from ``documents/supplied.py``.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import logging
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from documents import supplied
from lives import manifest
from trees import grow

import kurt_ext
from kurt_ext import (
    ConfigError,
    DependencyError,
    PluginLoader,
    PluginMetadata,
    PluginState,
    PluginStatus,
    PluginValidationError,
    PluginValidationResult,
    PluginValidator,
    PluginVersionConflictError,
    PluginVersionManager,
)
from kurt_ext.autoload import AutoLoad
from kurt_ext.importer import unload
from kurt_ext.lifecycle import TRANSITIONS

DOCUMENT = Path(__file__).parent / "documents/agentcore-plugins"
EVALUATE = Path(__file__).parent.parent / "sample_pkgs/skills/calculator/evaluate.py"
HELLO = "com.mycompany.hello"
CALCULATOR = "com.example.calculator"
ITS_OWN = "com.mycompany.calculator"


@pytest.fixture
def plugins(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the empty folder of a host's plugins, ``plugins/`` where it works."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    folder = project / "plugins"
    folder.mkdir()
    yield folder
    for name in [name for name in sys.modules if name.startswith("kurt_skills.")]:
        unload(name.split(".")[1])


_AWAITING = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT


async def play(name: str, names: dict[str, Any] | None = None) -> dict[str, Any]:
    """Run a block that awaits at its top level, with the names that it is given; return all."""
    path = DOCUMENT / f"{name}.py"
    code = compile(path.read_text(encoding="utf-8"), str(path), "exec", _AWAITING)
    names = {"__name__": path.stem, **(names or {})}
    made = eval(code, names)
    if inspect.isawaitable(made):
        await made
    return names


def block(name: str) -> Any:
    """Return a block of JSON."""
    return json.loads((DOCUMENT / name).read_text(encoding="utf-8"))


def text(name: str) -> str:
    """Return a block of Python, to be a file of a plugin."""
    return (DOCUMENT / name).read_text(encoding="utf-8")


def hello(**fields: Any) -> dict[str, str]:
    """Return the minimal plugin of the document, with other fields in its manifest."""
    manifest = {**block("hello/plugin.json"), **fields}
    return {"plugin.json": json.dumps(manifest), "main.py": text("hello/main.py")}


def provide(plugins: Path) -> None:
    """Put in place the calculator whose manifest the document has, and what it needs."""
    mathlib = hello(plugin_id="com.example.mathlib", version="2.1.0")
    code = {
        "__init__.py": "",
        "main.py": supplied.CALCULATOR,
        "evaluate.py": EVALUATE.read_text(encoding="utf-8"),
    }
    manifest = text("metadata/plugin.json")
    grow(plugins, {"calculator": {"plugin.json": manifest, "calculator": code}, "maths": mathlib})


# -- architecture ----------------------------------------------------------------


@pytest.mark.parametrize("block", ["plugin_loader", "plugin_version_manager", "plugin_validator"])
def test_the_key_methods_are_those_of_the_class(block: str) -> None:
    cls = getattr(kurt_ext, block.title().replace("_", ""))
    tree = ast.parse(text(f"architecture/{block}.py"))
    for documented in tree.body:
        assert isinstance(documented, ast.FunctionDef | ast.AsyncFunctionDef)
        method = getattr(cls, documented.name)
        is_async = isinstance(documented, ast.AsyncFunctionDef)
        assert inspect.iscoroutinefunction(method) is is_async, documented.name
        signature = inspect.signature(method)
        words = [argument.arg for argument in documented.args.args]
        if documented.name != "check_runtime_compatibility":  # it has two forms
            assert list(signature.parameters)[1 : len(words) + 1] == words, documented.name
        returns = ast.unparse(documented.returns) if documented.returns else ""
        assert signature.return_annotation in (returns, AutoLoad.__name__), documented.name
    assert AutoLoad.__orig_bases__ == (list[PluginState],)  # type: ignore[attr-defined]


def test_a_validation_result_has_the_documented_fields() -> None:
    (documented,) = ast.parse(text("architecture/plugin_validation_result.py")).body
    assert isinstance(documented, ast.ClassDef)
    found = {
        field.target.id: ast.unparse(field.annotation)
        for field in documented.body
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
    }
    fields = PluginValidationResult.model_fields
    assert list(found) == list(fields)[: len(found)]
    assert found.pop("risk_level") == "str"
    annotations = PluginValidationResult.__annotations__
    assert {name: annotations[name] for name in found} == found


def test_the_states_are_those_of_the_document() -> None:
    documented = "UNLOADED LOADING LOADED ACTIVE INACTIVE FAILED UNLOADING"
    assert [status.name for status in PluginStatus] == documented.split()


@pytest.mark.parametrize(
    "way",
    [
        "unloaded load loading",
        "loading loaded loaded",
        "loaded deactivate inactive",
        "loaded activate active",
        "inactive activate active",
        "inactive unload unloading",
        "unloading unloaded unloaded",
        "active fail failed",
    ],
)
def test_every_arrow_that_is_drawn_is_a_way_of_the_table(way: str) -> None:
    before, label, after = way.split()
    assert TRANSITIONS[PluginStatus(before)][label] == after


# -- plugin lifecycle ------------------------------------------------------------


def test_the_seven_operations_follow_each_other(plugins: Path) -> None:
    provide(plugins)

    async def live() -> None:
        names = await play("lifecycle/1_discovery")
        loader = names["loader"]
        assert sorted(found.plugin_id for found in names["discovered"]) == [
            CALCULATOR,
            "com.example.mathlib",
        ]
        assert all(isinstance(found, PluginMetadata) for found in names["discovered"])
        names = await play("lifecycle/2_loading", names)
        # Loaded by the first of the two calls; the second finds it so.
        assert (names["state"].status, names["state"].config.config["precision"]) == ("loaded", 10)
        await play("lifecycle/3_activation", names)
        assert names["state"].status == "active"
        names = await play("lifecycle/4_usage", names)
        assert names["result"] == 4
        await play("lifecycle/5_deactivation", names)
        assert names["state"].status == "inactive"
        await play("lifecycle/6_unloading", names)
        assert (names["state"].status, names["state"].instance) == ("unloaded", None)
        config = names["config"]
        await loader.load_plugin(CALCULATOR, config=config)
        names = await play("lifecycle/7_reload", names)
        state = names["state"]
        assert (state.status, state.config.config["precision"]) == ("loaded", 20)
        assert state.generation == 3
        await loader.close()

    asyncio.run(live())


# -- plugin development ----------------------------------------------------------


def test_the_minimal_plugin_is_told_of_every_step(
    plugins: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grow(plugins, {"my-plugin": hello()})

    async def live() -> None:
        async with PluginLoader(plugins, supplied.validator) as loader:
            state = await loader.load_plugin(HELLO, {"config": {"precision": 3}})
            assert await state.instance.greet("Ada") == "Hello, Ada! (precision: 3)"
            await loader.activate_plugin(HELLO)
            await loader.deactivate_plugin(HELLO)
            await loader.unload_plugin(HELLO)

    asyncio.run(live())
    assert capsys.readouterr().out.splitlines() == [
        f"{step} Hello World Plugin"
        for step in ("Initializing", "Activating", "Deactivating", "Cleaning up")
    ]


def test_a_function_makes_a_plugin_without_a_hook(plugins: Path) -> None:
    grow(plugins, {"simple": {**hello(), "main.py": text("function/main.py")}})

    async def live() -> None:
        async with PluginLoader(plugins, supplied.validator) as loader:
            state = await loader.load_plugin(HELLO)
            await loader.activate_plugin(HELLO)
            assert await state.instance.process("abc") == "ABC"
            assert state.instance.metadata.plugin_id == HELLO

    asyncio.run(live())


def calculator(plugins: Path, code: str) -> None:
    manifest = text("calculator/plugin.json")
    evaluate = EVALUATE.read_text(encoding="utf-8")
    mathlib = hello(plugin_id="com.example.mathlib", version="2.1.0")
    files = {"plugin.json": manifest, "calculator.py": code, "evaluate.py": evaluate}
    grow(plugins, {"calculator": files, "maths": mathlib})


def test_the_calculator_that_evaluates_safely_loads(plugins: Path) -> None:
    calculator(plugins, text("calculator/calculator.py"))

    async def live() -> None:
        async with PluginLoader(plugins, supplied.validator) as loader:
            state = await loader.load_plugin(ITS_OWN, {"config": {"precision": 2}})
            assert await state.instance.arithmetic("2 / 3") == 0.67
            assert await state.instance.scientific("sin", 1) == 0.84
            assert state.instance.cache == {"2 / 3": 0.67}
            assert loader.get_plugin_state("com.example.mathlib").status == "loaded"

    asyncio.run(live())


def test_the_calculator_that_uses_eval_is_never_imported(plugins: Path) -> None:
    code = text("calculator/calculator.py").replace("= evaluate(", "= eval(")
    calculator(plugins, code.replace("from .evaluate import evaluate\n", "print(1 / 0)\n"))

    async def live() -> None:
        async with PluginLoader(plugins, supplied.validator) as loader:
            with pytest.raises(PluginValidationError) as caught:
                await loader.load_plugin(ITS_OWN)
            result = caught.value.validation_result
            line = 1 + next(n for n, row in enumerate(code.split("\n")) if "= eval(" in row)
            assert any("eval" in told and f"calculator.py:{line}" in told for told in result.errors)
            assert (result.valid, result.risk_level) == (False, "critical")
            assert loader.get_plugin_state(ITS_OWN).status == "failed"

    asyncio.run(live())
    assert not [name for name in sys.modules if name.startswith("kurt_skills.com_mycompany")]


# -- security and validation -----------------------------------------------------


@pytest.mark.parametrize("is_safe", [True, False])
def test_the_validation_process_says_what_it_finds(
    plugins: Path, capsys: pytest.CaptureFixture[str], is_safe: bool
) -> None:
    code = text("calculator/calculator.py")
    calculator(plugins, code if is_safe else code.replace("= evaluate(", "= eval("))
    metadata = PluginMetadata(**block("calculator/plugin.json"))
    names = asyncio.run(play("security/validation_process", {"metadata": metadata}))
    said = capsys.readouterr().out.splitlines()
    assert names["result"].valid is is_safe
    assert said[0].startswith("Plugin is safe!" if is_safe else "Validation failed:")
    assert is_safe or any("eval" in line for line in said[1:])


# -- version management ----------------------------------------------------------


def test_versions_and_dependencies_are_resolved_as_shown() -> None:
    async def live() -> None:
        names = await play("versions/dependency_resolution")
        assert names["is_compatible"] is True
        assert names["resolved"] == ["com.example.mathlib@2.1.0", "com.example.utils@1.0.0"]
        names = await play("versions/runtime_compatibility", names)
        assert names["is_compatible"] is True

    asyncio.run(live())


@pytest.mark.parametrize(
    ("form", "text", "version", "expected"),
    [
        ("Exact Version", "1.2.3", "1.2.3", True),
        ("Exact Version", "1.2.3", "1.2.4", False),
        ("Wildcard", "*", "0.0.1", True),
        ("Range", ">=1.0.0", "1.0.0", True),
        ("Range", ">=1.0.0", "0.9.9", False),
        ("Range", "<2.0.0", "1.9.9", True),
        ("Range", "<2.0.0", "2.0.0", False),
        ("Range", ">=1.0.0,<2.0.0", "1.5.2", True),
        ("Range", ">=1.0.0,<2.0.0", "2.0.0", False),
    ],
)
def test_every_form_of_constraint_means_what_it_is_called(
    form: str, text: str, version: str, expected: bool
) -> None:
    assert text in block("versions/constraints.json")[form]
    assert PluginVersionManager().satisfies_constraint(version, text) is expected


# -- usage -----------------------------------------------------------------------


def test_the_complete_lifecycle_runs(plugins: Path, capsys: pytest.CaptureFixture[str]) -> None:
    provide(plugins)
    manage = runpy.run_path(str(DOCUMENT / "usage/complete_lifecycle.py"))["manage_plugins"]
    asyncio.run(manage())
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "Found 2 plugins:"
    assert set(said[1:3]) == {"  - com.example.calculator v1.2.3", "  - com.example.mathlib v2.1.0"}
    said = [line for line in said[3:] if not line.endswith("Hello World Plugin")]
    # What it needs is activated with it.
    assert said == ["Loaded Calculator Plugin - Status: loaded", "Result: 8", "Active plugins: 2"]


# -- best practices --------------------------------------------------------------


def test_a_plugin_is_loaded_with_and_without_a_judgement(plugins: Path) -> None:
    grow(plugins, {"hello": hello()})

    async def live() -> None:
        async with PluginLoader(plugins, supplied.validator) as loader:
            names = await play("practice/1_validate", {"loader": loader, "plugin_id": HELLO})
            assert names["state"].status == "loaded"

    asyncio.run(live())


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("class Plugin:\n    def __init__(self, metadata, config):\n        pass\n", None),
        (
            "class Plugin:\n    def __init__(self, metadata, config):\n        pass\n\n"
            "    def activate(self):\n        raise OSError('no')\n",
            "Failed to load com.mycompany.hello",
        ),
        (
            "import nothing_of_that_name\n\n\nclass Plugin:\n    pass\n",
            "Failed to load com.mycompany.hello",
        ),
        ("class Plugin:\n    def greet(self, it):\n        return eval(it)\n", "Validation failed"),
    ],
    ids=["none", "hook", "import", "eval"],
)
def test_a_failure_is_handled_gracefully(
    plugins: Path, caplog: pytest.LogCaptureFixture, code: str, said: str | None
) -> None:
    grow(plugins, {"hello": {**hello(), "main.py": code}})

    async def live() -> PluginState:
        async with PluginLoader(plugins, supplied.validator) as loader:
            await play("practice/2_failures", {"loader": loader, "plugin_id": HELLO})
            return loader.get_plugin_state(HELLO).model_copy()

    with caplog.at_level(logging.ERROR, logger="host"):
        state = asyncio.run(live())
    told = [record.getMessage() for record in caplog.records if record.name == "host"]
    if said is None:
        assert (told, state.status) == ([], "active")
    else:
        assert [line.startswith(said) for line in told] == [True]
        assert state.status == "failed"
        assert state.error_message
        assert state.way_back


def test_what_is_to_be_loaded_at_start_is(
    plugins: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    provide(plugins)
    grow(plugins / "calculator", {"config.json": json.dumps(block("practice/auto_loading.json"))})
    grow(plugins, {"hello": hello()})

    async def live() -> None:
        async with PluginLoader(plugins, supplied.validator) as loader:
            names = await play("practice/3_auto_loading", {"loader": loader})
            loaded = {state.metadata.plugin_id for state in names["loaded"]}
            assert loaded == {CALCULATOR, "com.example.mathlib"}  # it, and what it needs
            assert HELLO in names["loaded"].skipped
            assert loader.get_plugin_state(CALCULATOR).config.priority == 100

    asyncio.run(live())
    assert "Auto-loaded 2 plugins" in capsys.readouterr().out


def test_the_four_hooks_open_and_close_what_they_should(plugins: Path) -> None:
    monitor = (
        "\n    async def monitor(self):\n        try:\n            await asyncio.sleep(60)\n"
        "        finally:\n            self.stopped = True\n"
    )
    grow(plugins, {"hello": {**hello(), "main.py": text("practice/4_hooks.py") + monitor}})

    async def live() -> None:
        async with PluginLoader(plugins, supplied.validator) as loader:
            plugin = (await loader.load_plugin(HELLO)).instance
            assert plugin.connection.is_open
            await loader.activate_plugin(HELLO)
            await asyncio.sleep(0)
            assert not plugin.background_task.done()
            await loader.deactivate_plugin(HELLO)
            await asyncio.sleep(0)
            assert plugin.stopped
            await loader.unload_plugin(HELLO)
            assert not plugin.connection.is_open

    asyncio.run(live())


@pytest.mark.parametrize(
    ("there", "version", "loads"),
    [([], "", False), (["core"], "2.9.0", True), (["core"], "3.0.0", False)],
    ids=["none", "2.9.0", "3.0.0"],
)
def test_a_dependency_has_to_be_there_in_its_range_and_an_optional_one_need_not(
    plugins: Path, there: list[str], version: str, loads: bool
) -> None:
    grow(plugins, {"hello": hello(**block("practice/dependencies.json"))})
    for name in there:
        grow(plugins, {name: hello(plugin_id=f"com.example.{name}", version=version)})

    async def live() -> None:
        async with PluginLoader(plugins, supplied.validator) as loader:
            if loads:
                assert (await loader.load_plugin(HELLO)).status == "loaded"
                return
            with pytest.raises((DependencyError, PluginVersionConflictError)) as caught:
                await loader.load_plugin(HELLO)
            assert "com.example.core >=2.0.0,<3.0.0" in str(caught.value)

    asyncio.run(live())


def test_a_configuration_schema_fills_and_checks_the_settings(plugins: Path) -> None:
    grow(plugins, {"hello": hello(**block("practice/config_schema.json"))})

    async def live() -> None:
        async with PluginLoader(plugins, supplied.validator) as loader:
            with pytest.raises(ConfigError) as caught:
                await loader.load_plugin(HELLO)
            assert "api_key" in str(caught.value.cause)
            with pytest.raises(ConfigError) as caught:
                await loader.load_plugin(HELLO, {"config": {"api_key": "k3y", "timeout": 301}})
            assert [place for place, _ in caught.value.problems] == ["/timeout"]
            state = await loader.load_plugin(HELLO, {"config": {"api_key": "k3y"}})
            assert state.config.config == {"api_key": "k3y", "timeout": 30}
            assert "k3y" not in repr(state)

    asyncio.run(live())


def test_permissions_and_capabilities_reach_the_state(plugins: Path) -> None:
    parts = {**block("practice/permissions.json"), **block("practice/capabilities.json")}
    code = "class Plugin:\n    def __init__(self, metadata, config):\n        pass\n\n"
    code += "    async def calculate(self, expression):\n        return expression\n"
    grow(plugins, {"hello": {**hello(**parts), "main.py": code}})

    async def live() -> None:
        async with PluginLoader(plugins, supplied.validator) as loader:
            state = await loader.load_plugin(HELLO)
            assert state.metadata.permissions.network_hosts == ["api.example.com"]
            assert [each.name for each in state.metadata.capabilities] == ["calculate"]
            result = await loader.skills.arun(f"{HELLO}:calculate", {"expression": "2 + 2"})
            assert result.data == "2 + 2"

    asyncio.run(live())


def test_the_four_parts_of_a_validation_say_what_is_wrong_with_each() -> None:
    files = {
        "plugin.json": manifest("com.example.parts", permissions={"filesystem_write": ["/etc"]}),
        "main.py": "import os\n\n\nclass Plugin:\n    run = os.system\n",
        "extra.so": "\x7fELF",
    }
    grow(Path("parts"), files)

    async def main() -> None:
        validator = PluginValidator()
        assert any("extra.so" in line for line in await validator._validate_structure("parts"))
        assert await validator._validate_metadata({"plugin_id": "com.example.parts"})
        found, score = await validator._scan_code("parts")
        assert any("os.system" in line for line in found)
        assert score <= 39
        wide = {"filesystem_write": ["/etc"]}
        assert any("/etc" in line for line in await validator._check_permissions(wide))
        assert await validator._check_permissions({"network_hosts": ["api.example.com"]}) == []

    asyncio.run(main())
