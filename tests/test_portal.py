"""Guests that block or end the loop they run on: nobody may wait for them for ever."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sites import skill_md, tool_py, trust
from trees import grow

from kurt_ext import errors
from kurt_ext.importer import unload
from kurt_ext.manager import SkillManager


@pytest.fixture
def skills(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the folder of a trusted project's skills."""
    trust(monkeypatch, project)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield project / "skills"
    for name in [name for name in sys.modules if name.startswith("kurt_skills.")]:
        unload(name.split(".")[1])


def echo(name: str = "echo", skill: str = "talker", code: str = "") -> dict[str, str]:
    return {"SKILL.md": skill_md(skill, {name: "Echo"}), "skill.py": code or tool_py()}


def test_an_async_function_that_blocks_its_loop_is_a_timeout_too(skills: Path) -> None:
    grow(skills, {"talker": echo(code=tool_py(body="import time; time.sleep(20)"))})
    with SkillManager() as manager, pytest.raises(errors.CallTimeoutError, match=r"0\.05 s"):
        manager.run("echo", timeout=0.05)


@pytest.mark.parametrize("keyword", ["async def run", "def run"])
def test_a_call_that_exits_fails_and_ends_nobody_else(skills: Path, keyword: str) -> None:
    code = tool_py(body="raise SystemExit(9)").replace("async def run", keyword)
    grow(skills, {"talker": echo(code=code), "other": echo("other", "other")})
    with SkillManager() as manager:
        with pytest.raises(errors.CallError) as caught:
            manager.run("echo")
        assert caught.value.cause == "its code called sys.exit(9)"
        assert caught.value.at == f"{skills / 'talker' / 'skill.py'}:18"
        assert manager.run("other").success


def test_a_task_of_a_skill_that_exits_leaves_nobody_waiting(skills: Path) -> None:
    body = """import asyncio
        async def leave():
            raise SystemExit(9)
        asyncio.create_task(leave())
        await asyncio.sleep(0.05)
        return ToolResult(data={'text': params.text})"""
    grow(skills, {"talker": echo(code=tool_py(body=body))})
    with SkillManager() as manager:
        assert manager.run("echo").success
    # asyncio tells of the task when it is collected, with a traceback, for which
    # Python 3.11 parses source: inside another test's ast.parse that ends it.
    gc.collect()
