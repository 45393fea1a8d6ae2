"""The marketplace examples of the plugin document do what it says."""

from __future__ import annotations

import ast
import asyncio
import inspect
import runpy
from pathlib import Path
from typing import Any

import pytest
from goods import version_in
from test_plugin_document import CALCULATOR, DOCUMENT, play, plugins, text

from kurt_ext import PluginLoader, PluginRegistry

from .shops import Shop, served

__all__ = ["plugins"]


@pytest.fixture
def shop(project: Path, plugins: Path) -> Shop:
    made = Shop(project / "market")
    made.sell(
        CALCULATOR,
        "2.1.0",
        name="Calculator",
        description="Calculator for math; use to calculate.",
        tags=["math", "calculator", "scientific"],
    )
    made.open()
    return made


def test_the_key_methods_are_those_of_the_class() -> None:
    for documented in ast.parse(text("architecture/plugin_registry.py")).body:
        assert isinstance(documented, ast.FunctionDef | ast.AsyncFunctionDef)
        method = getattr(PluginRegistry, documented.name)
        is_async = isinstance(documented, ast.AsyncFunctionDef)
        assert inspect.iscoroutinefunction(method) is is_async, documented.name
        signature = inspect.signature(method)
        words = [argument.arg for argument in documented.args.args]
        assert list(signature.parameters)[1 : len(words) + 1] == words, documented.name
        returns = ast.unparse(documented.returns) if documented.returns else ""
        # It returns where the plugin lies now; the document returns nothing.
        said = {"install_plugin": "Path"}.get(documented.name, returns)
        assert signature.return_annotation == said, documented.name


def test_the_four_operations_follow_each_other(
    shop: Shop, plugins: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def live() -> None:
        names = await play("marketplace/1_searching")
        registry = names["registry"]
        registry.cooldown_days = 0
        async with PluginLoader(plugins) as loader:
            names = await play("marketplace/2_downloading", {**names, "loader": loader})
            state = loader.get_plugin_state(CALCULATOR)
            assert await state.instance.archive() == "2.1.0"
            shop.sell(CALCULATOR, "2.2.0", name="Calculator", description="Calculates; use it so.")
            shop.open()
            await play("marketplace/3_updates", names)
            assert await loader.get_plugin_state(CALCULATOR).instance.archive() == "2.2.0"
            assert version_in(plugins / CALCULATOR) == "2.2.0"
            await play("marketplace/4_uninstalling", names)
        await registry.close()

    asyncio.run(live())
    assert not (plugins / CALCULATOR).exists()
    assert capsys.readouterr().out.splitlines() == [
        "com.example.calculator v2.1.0",
        "  Calculator for math; use to calculate.",
        "  Downloads: None, Rating: None",
        "com.example.calculator: 2.1.0 → 2.2.0",
    ]


def test_the_complete_workflow_runs(shop: Shop, plugins: Path) -> None:
    path = DOCUMENT / "usage/marketplace_integration.py"
    asyncio.run(runpy.run_path(str(path))["marketplace_workflow"]())
    assert version_in(plugins / CALCULATOR) == "2.1.0"


def test_the_complete_workflow_runs_with_a_server(
    shop: Shop, plugins: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = text("usage/marketplace_integration.py")
    with served(shop.root) as server:
        lines = lines.replace('Path("market").absolute().as_uri()', repr(server.url))
        assert server.url in lines
        for version in ("2.1.0", "2.2.0"):
            names: dict[str, Any] = {}
            exec(compile(lines, "marketplace_integration.py", "exec"), names)
            asyncio.run(names["marketplace_workflow"]())
            assert version_in(plugins / CALCULATOR) == version
            shop.sell(CALCULATOR, "2.2.0", name="Calculator", description="Calculates; use it so.")
            shop.open()
    assert capsys.readouterr().out == ""  # what was just installed is the newest


def test_every_marketplace_example_is_played() -> None:
    played = {"1_searching", "2_downloading", "3_updates", "4_uninstalling"}
    assert {path.stem for path in (DOCUMENT / "marketplace").glob("*.py")} == played
