"""Old code that something still holds is found, and whoever holds it is named."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from trees import grow

from kurt_ext import PluginLoader

PLUGIN = "com.example.held"
CODE = """
import sys

def helper():
    return 1

class Plugin:
    def __init__(self, metadata, config):
        REGISTER
"""


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return a module of the host that keeps what it is given."""
    module: Any = ModuleType("registry_of_the_host")
    module.kept = []
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def held(project: Path, register: str) -> Path:
    manifest = {
        "plugin_id": PLUGIN,
        "name": "Held",
        "version": "1.0.0",
        "plugin_type": "custom",
        "entry_point": "main",
        "permissions": {},
    }
    code = CODE.replace("REGISTER", register)
    tree = {"held": {"plugin.json": json.dumps(manifest), "main.py": code}}
    return grow(project / "plugins", tree)


def told_after_unload(folder: Path, reloads: int = 0) -> list[str]:
    async def work() -> list[str]:
        async with PluginLoader(folder) as loader:
            await loader.load_plugin(PLUGIN, validate=False)
            for _ in range(reloads):
                await loader.reload_plugin(PLUGIN, validate=False)
            await loader.unload_plugin(PLUGIN)
            return [str(leak) for leak in loader.leaks()]

    return asyncio.run(work())


@pytest.mark.parametrize(
    "register",
    [
        "sys.modules['registry_of_the_host'].kept.append(type(self))",
        "sys.modules['registry_of_the_host'].kept.append(helper)",
        "sys.modules['registry_of_the_host'].kept.append({'deep': [self]})",
    ],
)
def test_what_the_host_keeps_of_unloaded_code_is_named_with_its_holder(
    project: Path, registry: ModuleType, register: str
) -> None:
    told = told_after_unload(held(project, register))
    assert told, "nothing was found"
    assert any("held by registry_of_the_host.kept" in line for line in told), told
    assert all("generation 1" in line for line in told)


def test_code_that_nobody_holds_is_dead_after_unload_and_reload(project: Path) -> None:
    assert told_after_unload(held(project, "pass"), reloads=5) == []
