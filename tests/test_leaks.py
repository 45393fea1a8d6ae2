"""Old code that something still holds is found, and whoever holds it is named."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from weakref import ref

import pytest
from trees import grow

from kurt_ext import PluginLoader
from kurt_ext.leaks import Leak

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
    return [str(leak) for leak in leaks_after_unload(folder, reloads)]


def leaks_after_unload(folder: Path, reloads: int = 0) -> list[Leak]:
    async def work() -> list[Leak]:
        async with PluginLoader(folder) as loader:
            await loader.load_plugin(PLUGIN, validate=False)
            for _ in range(reloads):
                await loader.reload_plugin(PLUGIN, validate=False)
            await loader.unload_plugin(PLUGIN)
            return loader.leaks()

    return asyncio.run(work())


@pytest.mark.slow
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


@pytest.mark.slow
def test_each_that_is_held_is_told_with_its_own_holders(
    project: Path, registry: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    other: Any = ModuleType("another_of_the_host")
    other.named = {}
    monkeypatch.setitem(sys.modules, other.__name__, other)
    register = (
        "host, other = (sys.modules[n] for n in ('registry_of_the_host', 'another_of_the_host'));"
        " host.kept.append(type(self)); host.mine = [[type(self)]];"
        " other.named['it'] = {'deep': (helper,)}; host.also = other.named"
    )
    leaks = leaks_after_unload(held(project, register))
    assert {leak.name.rpartition(".")[2]: leak.held_by for leak in leaks} == {
        "Plugin": ("registry_of_the_host.kept", "registry_of_the_host.mine"),
        "helper": ("another_of_the_host.named", "registry_of_the_host.also"),
    }


@pytest.mark.slow
def test_what_is_too_far_from_any_name_is_told_without_a_holder_if_it_is_told(
    project: Path, registry: ModuleType
) -> None:
    register = "sys.modules['registry_of_the_host'].kept.append([[[[[[type(self)]]]]]])"
    assert [leak for leak in leaks_after_unload(held(project, register)) if leak.held_by] == []


def test_what_typing_remembers_of_a_plugin_is_given_up_when_leaks_are_asked_for(
    project: Path,
) -> None:
    folder = held(project, "pass")
    generic = "import typing\nT = typing.TypeVar('T')\nclass Box(typing.Generic[T]): pass\n"
    main = folder / "held/main.py"
    main.write_text(generic + main.read_text() + "\nclass Of(Box[Plugin]): pass\n")

    async def work() -> None:
        async with PluginLoader(folder) as loader:
            state = await loader.load_plugin(PLUGIN, validate=False)
            module = sys.modules[type(state.instance).__module__]
            kept = [ref(vars(module)[name]) for name in ("Plugin", "Box", "Of")]
            del module
            await loader.unload_plugin(PLUGIN)
            assert loader.leaks() == []
            assert [each() for each in kept] == [None, None, None]

    asyncio.run(work())
