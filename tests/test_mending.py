"""What is mended on disk counts when the plugin is tried the next time."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lives import Judge, fresh_journal, manifest, needs, plant, plugin
from sites import trust
from trees import grow

from kurt_ext import (
    ConfigError,
    DependencyError,
    HookTimeoutError,
    IncompatibleError,
    KurtError,
    PluginLoader,
)
from kurt_ext.quarantine import Quarantine

NAME = "com.example.a"
TABLE = f'[skill."{NAME}"]\nstep = {{}}\n'
SCHEMA = {"properties": {"step": {"type": "integer", "default": 1}}}


@pytest.fixture(autouse=True)
def journal(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", list(sys.path))
    trust(monkeypatch, project)  # or its kurt.toml gives no settings
    with fresh_journal():
        yield


def loader() -> PluginLoader:
    return PluginLoader("plugins", Judge(), hook_timeout=0.2)


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        ({"min_runtime_version": "9.0.0"}, IncompatibleError),
        ({"dependencies": needs("com.example.b")}, DependencyError),
        ({"config_schema": {"required": ["key"]}}, ConfigError),
    ],
)
def test_a_manifest_that_was_mended_loads(broken: dict[str, Any], error: type[KurtError]) -> None:
    folder = plant((NAME, plugin(NAME, **broken)))

    async def live() -> None:
        async with loader() as plugins:
            for _ in range(2):
                with pytest.raises(error):
                    await plugins.load_plugin(NAME)
            grow(folder, {NAME: {"plugin.json": manifest(NAME)}})
            assert (await plugins.load_plugin(NAME)).status == "loaded"

    asyncio.run(live())


def test_a_plugin_that_was_missing_and_came_is_found() -> None:
    plant((NAME, plugin(NAME, dependencies=needs("com.example.b"))))

    async def live() -> None:
        async with loader() as plugins:
            with pytest.raises(DependencyError):
                await plugins.load_plugin(NAME)
            plant("com.example.b")
            assert (await plugins.load_plugin(NAME)).status == "loaded"

    asyncio.run(live())


@pytest.mark.parametrize("way", ["reload", "unload and load"])
def test_settings_that_were_changed_count(way: str, project: Path) -> None:
    plant((NAME, plugin(NAME, config_schema=SCHEMA)))

    async def live() -> None:
        async with loader() as plugins:
            state = await plugins.load_plugin(NAME)
            for step in (5, 7):  # the first makes the file, the second changes it
                grow(project, {"kurt.toml": TABLE.format(step)})
                if way == "reload":
                    await plugins.reload_plugin(NAME)
                else:
                    await plugins.unload_plugin(NAME)
                    await plugins.load_plugin(NAME)
                assert state.instance.config == {"step": step}
                assert state.config.config == {"step": step}

    asyncio.run(live())


def test_settings_that_do_not_fit_leave_the_old_ones(project: Path) -> None:
    plant((NAME, plugin(NAME, config_schema=SCHEMA)))

    async def live() -> None:
        async with loader() as plugins:
            state = await plugins.load_plugin(NAME)
            grow(project, {"kurt.toml": TABLE.format('"five"')})
            for _ in range(2):
                with pytest.raises(ConfigError):
                    await plugins.reload_plugin(NAME)
            assert (state.status, state.config.config) == ("loaded", {"step": 1})
            grow(project, {"kurt.toml": TABLE.format(5)})
            assert (await plugins.reload_plugin(NAME)).config.config == {"step": 5}

    asyncio.run(live())


def test_the_hint_after_a_late_hook_helps(project: Path) -> None:
    code = """
        import asyncio

        class Plugin:
            async def initialize(self):
                await asyncio.sleep(0.4)
    """
    plant((NAME, plugin(NAME, code)))

    async def live() -> None:
        async with loader() as plugins:
            with pytest.raises(HookTimeoutError) as caught:
                await plugins.load_plugin(NAME)
            assert caught.value.hint == f"kurt config set 'plugin.\"{NAME}\".timeout_seconds' 60"
            grow(project, {"kurt.toml": f'[plugin."{NAME}"]\ntimeout_seconds = 20\n'})
            assert (await plugins.load_plugin(NAME)).status == "loaded"

    asyncio.run(live())


def test_a_plugin_is_held_back_with_its_reason() -> None:
    code = "class Plugin:\n    def initialize(self):\n        raise OSError('the disk is full')\n"
    plant((NAME, plugin(NAME, code)))

    async def live() -> None:
        async with loader() as plugins:
            for _ in range(3):
                with pytest.raises(KurtError):
                    await plugins.load_plugin(NAME)
            (held,) = Quarantine(plugins.skills.places).all()
            assert held.reason.endswith("failed: OSError: the disk is full")

    asyncio.run(live())
