"""A call outlives a reload, ends within its time, and holds nothing that is gone."""

from __future__ import annotations

import asyncio
import json
import traceback
from pathlib import Path

import pytest
from trees import grow

from kurt_ext import PluginLoader, SkillManager, errors
from kurt_ext.trust import Trust

MAIN = """
import asyncio, time

class Plugin:
    def __init__(self, metadata, config):
        pass

    async def doze(self, seconds=5):
        await asyncio.sleep(seconds)

    def spin(self, seconds=5):
        time.sleep(seconds)
"""


def sleeper(**config: object) -> dict[str, str]:
    capabilities = [
        {"name": name, "parameters": {"properties": {"seconds": {"type": "number"}}}}
        for name in ("doze", "spin")
    ]
    manifest = {
        "plugin_id": "com.example.sleeper",
        "name": "Sleeper",
        "version": "1.0.0",
        "plugin_type": "tool",
        "entry_point": "main",
        "permissions": {},
        "capabilities": capabilities,
    }
    files = {"plugin.json": json.dumps(manifest), "main.py": MAIN}
    if config:
        files["config.json"] = json.dumps({"plugin_id": "com.example.sleeper", **config})
    return files


@pytest.fixture
def skills(project: Path) -> Path:
    folder = project / "skills"
    folder.mkdir()
    with SkillManager() as manager:
        Trust.load(manager.places).add(str(project), force=True)
    return folder


@pytest.mark.parametrize("capability", ["doze", "spin"])
def test_p17_a_call_ends_after_the_plugins_own_execution_time(
    skills: Path, capability: str
) -> None:
    limits = {"max_execution_time_seconds": 0.05}
    grow(skills, {"sleeper": sleeper(sandbox_config_override=limits)})
    with SkillManager() as manager:
        with pytest.raises(errors.CallTimeoutError, match=r"did not end within 0\.05 s") as caught:
            manager.run(f"com.example.sleeper:{capability}")
        assert "max_execution_time_seconds" in (caught.value.cause or "")
        assert manager.run(f"com.example.sleeper:{capability}", {"seconds": 0}).success


def test_the_operators_execution_time_counts_before_the_plugins(
    skills: Path, project: Path
) -> None:
    grow(skills, {"sleeper": sleeper(sandbox_config_override={"max_execution_time_seconds": 60})})
    table = '[plugin."com.example.sleeper".sandbox_config_override]\n'
    grow(project, {"kurt.toml": table + "max_execution_time_seconds = 0.05\n"})
    with SkillManager() as manager, pytest.raises(errors.CallTimeoutError):
        manager.run("com.example.sleeper:doze")


def test_code_edited_at_the_same_version_runs_after_a_refresh_and_in_a_new_manager(
    skills: Path,
) -> None:
    grow(skills, {"sleeper": sleeper()})
    number = skills / "sleeper" / "main.py"
    number.write_text(MAIN.replace("await asyncio.sleep(seconds)", "return 1"), encoding="utf-8")
    with SkillManager() as manager:
        assert manager.run("com.example.sleeper:doze").data == 1
        text = number.read_text(encoding="utf-8")
        number.write_text(text.replace("return 1", "return 2"), encoding="utf-8")
        assert manager.run("com.example.sleeper:doze").data == 1
        manager.refresh()
        assert manager.run("com.example.sleeper:doze").data == 2
    number.write_text(text.replace("return 1", "return 3"), encoding="utf-8")
    with SkillManager() as manager:
        assert manager.run("com.example.sleeper:doze").data == 3


SECRET = "hunter2-hunter2"
TELLS = """
class Plugin:
    def __init__(self, metadata, config):
        self.token = config["token"]

    async def doze(self, seconds=0):
        raise ValueError(f"the token {self.token} is refused")
"""


@pytest.mark.parametrize("by_loader", [False, True])
def test_the_error_of_a_call_shows_no_secret(
    skills: Path, project: Path, by_loader: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLEEPER_TOKEN", SECRET)
    grow(skills, {"sleeper": {**sleeper(), "main.py": TELLS}})
    grow(project, {"kurt.toml": '[skill."com.example.sleeper"]\ntoken = "env:SLEEPER_TOKEN"\n'})

    async def by_name(manager: SkillManager) -> None:
        if by_loader:
            await PluginLoader(skills=manager).load_plugin("com.example.sleeper")
        await manager.arun("com.example.sleeper:doze")

    with SkillManager() as manager, pytest.raises(errors.CallError) as caught:
        asyncio.run(by_name(manager))
    told = "".join(traceback.format_exception(caught.value)) + caught.value.render()
    assert SECRET not in told
    assert "***" in told


STUCK = "import time, pathlib\nwhile not pathlib.Path('go').exists(): time.sleep(0.01)\n"


def test_p17_an_import_that_never_ends_keeps_nobody_else_waiting(
    skills: Path, project: Path
) -> None:
    grow(skills, {"sleeper": {**sleeper(), "main.py": STUCK + MAIN}})

    async def host() -> None:
        async with PluginLoader(hook_timeout=0.1) as loader:
            with pytest.raises(errors.HookTimeoutError):
                await loader.load_plugin("com.example.sleeper", validate=False)
            for again in (
                loader.load_plugin("com.example.sleeper", validate=False),
                loader.skills.arun("com.example.sleeper:doze"),
            ):
                with pytest.raises(errors.PluginLoadError, match="has not ended"):
                    await asyncio.wait_for(again, 5)
            grow(project, {"go": ""})
            for _ in range(500):
                await asyncio.sleep(0.01)
                try:
                    state = await loader.load_plugin("com.example.sleeper", validate=False)
                    break
                except errors.PluginLoadError:
                    continue
            assert state.status == "loaded"

    asyncio.run(host())
