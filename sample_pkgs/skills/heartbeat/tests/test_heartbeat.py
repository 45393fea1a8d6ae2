"""It beats while it is active; the hooks are called by a host's loader."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kurt_ext import PluginLoader, TransitionError
from kurt_ext.testing import KurtEnvironment, Runner, SkillFactory

SKILL = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def heartbeat(kurt_skill: SkillFactory) -> None:
    kurt_skill(SKILL)


def test_one_call_starts_it_and_stops_it(kurt_run: Runner) -> None:
    assert kurt_run("heartbeat", beats=2).data.beats >= 2


def test_a_host_starts_and_stops_it_again_and_again(kurt_environment: KurtEnvironment) -> None:
    async def live() -> None:
        async with PluginLoader() as loader:
            state = await loader.load_plugin("heartbeat")
            for _ in range(2):
                await loader.activate_plugin("heartbeat")
                assert (await loader.skills.arun("heartbeat", {"beats": 1})).success
                await loader.deactivate_plugin("heartbeat")
                beats = state.instance.beats
                with pytest.raises(TransitionError):
                    await loader.skills.arun("heartbeat", {"beats": 1})
            await asyncio.sleep(0.2)
            assert state.instance.beats == beats

    asyncio.run(live())


def test_it_leaves_nothing_behind(kurt_environment: KurtEnvironment) -> None:
    events: list[str] = []

    async def live() -> None:
        async with PluginLoader() as loader:
            loader.subscribe(lambda event: events.append(event.name))
            await loader.load_plugin("heartbeat")
            await loader.activate_plugin("heartbeat")
            await loader.unload_plugin("heartbeat")

    asyncio.run(live())
    assert events[-1] == "unloaded"
    assert "left-behind" not in events
