"""A call outlives a reload, ends within its time, and holds nothing that is gone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from trees import grow

from kurt_ext import SkillManager, errors
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
