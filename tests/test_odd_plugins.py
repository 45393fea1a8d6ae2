"""Plugins that are broken, gone or odd are told of, and those that live can be let go."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Iterator

import pytest
from lives import Judge, fresh_journal, hooks, manifest, needs, plant, plugin
from trees import grow

from kurt_ext import (
    ContractError,
    ManifestError,
    PluginLoader,
    PluginVersionConflictError,
    SkillNotFoundError,
    TransitionError,
)

A, B = "com.example.a", "com.example.b"


@pytest.fixture(autouse=True)
def journal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", list(sys.path))
    with fresh_journal():
        yield


def loader() -> PluginLoader:
    return PluginLoader("plugins", Judge())


def test_a_plugin_whose_folder_went_away_lives_until_it_is_unloaded() -> None:
    folder = plant(A, B)

    async def live() -> None:
        async with loader() as plugins:
            state = await plugins.load_plugin(A)
            shutil.rmtree(folder / A)
            assert [found.plugin_id for found in await plugins.discover_plugins()] == [B]
            assert plugins.get_plugin_state(A) is state
            assert [each.metadata.plugin_id for each in plugins.list_plugins()] == [B, A]
            await plugins.activate_plugin(A)
            await plugins.deactivate_plugin(A)
            with pytest.raises(SkillNotFoundError):
                await plugins.reload_plugin(A)
            assert state.status == "inactive"
            await plugins.unload_plugin(A)
            assert state.status == "unloaded"
            with pytest.raises(SkillNotFoundError):
                plugins.get_plugin_state(A)
            with pytest.raises(SkillNotFoundError):
                await plugins.load_plugin(A)

    asyncio.run(live())
    assert hooks(A) == ["construct", "initialize", "activate", "deactivate", "cleanup"]


def test_what_a_plugin_that_is_gone_needs_is_still_kept() -> None:
    folder = plant((A, plugin(A, dependencies=needs(B))), B, "com.example.c")

    async def live() -> None:
        async with loader() as plugins:
            await plugins.load_plugin(A)
            await plugins.load_plugin("com.example.c")
            shutil.rmtree(folder / A)
            await plugins.discover_plugins()
            await plugins.unload_plugin("com.example.c")
            with pytest.raises(TransitionError, match=A):
                await plugins.unload_plugin(B)
            await plugins.unload_plugin(A)
            await plugins.unload_plugin(B)

    asyncio.run(live())


def test_what_cannot_be_used_is_among_the_problems_and_no_failure_of_a_start() -> None:
    folder = plant(A, (B, plugin(B, entry_point="nowhere")))
    grow(folder, {"junk": {"plugin.json": "{"}})

    async def live() -> None:
        async with loader() as plugins:
            await plugins.discover_plugins()
            assert sorted(plugins.problems) == [B, "junk"]
            assert "nowhere.py" in plugins.problems[B]
            started = await plugins.auto_load_plugins()
            assert (list(started), started.failed) == ([], {})
            assert sorted(started.skipped) == [A, B, "junk"]

    asyncio.run(live())


def test_a_reload_to_a_version_that_does_not_do_for_a_loaded_plugin_is_rolled_back() -> None:
    folder = plant((A, plugin(A, dependencies=needs(B, constraint="^1.0.0"))), B)

    async def live() -> None:
        async with loader() as plugins:
            await plugins.load_plugin(A)
            state = plugins.get_plugin_state(B)
            grow(folder, {B: {"plugin.json": manifest(B, version="2.0.0")}})
            with pytest.raises(PluginVersionConflictError, match=r"2\.0\.0 .* 1\.0\.0") as caught:
                await plugins.reload_plugin(B)
            assert caught.value.story == (f"{A} needs {B} ^1.0.0",)
            assert (state.status, state.metadata.version, state.generation) == (
                "loaded",
                "1.0.0",
                1,
            )
            needed = needs(B, constraint="^2.0.0")
            grow(folder, {A: {"plugin.json": manifest(A, dependencies=needed)}})
            await plugins.reload_plugin(A)
            await plugins.reload_plugin(B)
            assert (state.metadata.version, state.generation) == ("2.0.0", 2)

    asyncio.run(live())


def test_a_manifest_that_broke_is_what_a_reload_tells_of() -> None:
    folder = plant(("folder", plugin(A)))

    async def live() -> None:
        async with loader() as plugins:
            state = await plugins.load_plugin(A)
            grow(folder, {"folder": {"plugin.json": "{ broken"}})
            for _ in range(2):
                with pytest.raises(ManifestError) as caught:
                    await plugins.reload_plugin(A)
                assert "plugin.json:1:" in str(caught.value.cause)
            assert (state.status, state.generation) == ("loaded", 1)
            grow(folder, {"folder": {"plugin.json": manifest(A)}})
            assert (await plugins.reload_plugin(A)).generation == 2

    asyncio.run(live())


@pytest.mark.parametrize(
    "code",
    [
        "class Plugin:\n    def __init__(self, only):\n        pass\n",
        "def create_plugin():\n    return 1\n",
    ],
    ids=["class", "function"],
)
def test_a_constructor_of_another_form_is_told_with_its_place(code: str) -> None:
    plant((A, plugin(A, "\n" + code)))

    async def live() -> None:
        async with loader() as plugins:
            with pytest.raises(ContractError) as caught:
                await plugins.load_plugin(A)
            assert "main.py:" in str(caught.value.at)
            assert "metadata, config" in str(caught.value.hint)
            assert "argument" in str(caught.value.cause)

    asyncio.run(live())


def test_a_type_error_within_a_constructor_is_its_own() -> None:
    code = "class Plugin:\n    def __init__(self, metadata, config):\n        len(5)\n"
    plant((A, plugin(A, code)))

    async def live() -> None:
        async with loader() as plugins:
            await plugins.load_plugin(A)

    with pytest.raises(Exception, match="could not be loaded") as caught:
        asyncio.run(live())
    assert not isinstance(caught.value, ContractError)
    assert str(caught.value.at).endswith("main.py:3")  # type: ignore[attr-defined]
