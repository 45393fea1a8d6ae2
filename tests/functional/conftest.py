"""Run the command as its users do: as a process of its own, or within this one for breadth."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]

SKILL = """\
---
name: {name}
version: 0.1.0
description: Greets somebody; use it for a greeting.
tags: [demo]
requires_api: [{apis}]
implements:
  - type: tool
    class: Greet
    name: {extension}
---

# {name}

Says hello.
"""

CODE = """\
import asyncio, os, sys, time
from pydantic import BaseModel, Field
from kurt_ext.contract import Progress
from kurt_tool import Tool, ToolResult

class In(BaseModel):
    name: str = Field(default="World", description="who is greeted")
    times: int = Field(default=1, ge=1)
    tags: list[str] = []
    mode: str = "say"

class Greet(Tool[In, None]):
    \"\"\"Greet somebody.\"\"\"

    async def run(self, params, context, on_progress=None):
        if params.mode == "print":
            print("printed")
            os.write(1, b"written\\n")
            os.system("echo from a child")
        if params.mode == "fail":
            return ToolResult(success=False, errors=["no greeting today"])
        if params.mode == "raise":
            raise ValueError("boom")
        if params.mode == "sleep":
            print("sleeping", flush=True)
            await asyncio.sleep(60)
        if params.mode == "block":
            print("blocking", flush=True)
            time.sleep(300)
        if params.mode == "progress" and on_progress:
            for number in range(5):
                on_progress(Progress(f"step {number}", number + 1, 5))
                await asyncio.sleep(0.15)
        if params.mode == "nan":
            return ToolResult(data={"value": float("nan")})
        return ToolResult(data={"text": " ".join([f"Hello {params.name}!"] * params.times)})
"""


class Ran(NamedTuple):
    """What a run of the command left."""

    code: int
    out: str
    err: str

    @property
    def envelope(self) -> dict[str, Any]:
        """The one JSON object on stdout."""
        return json.loads(self.out)

    @property
    def data(self) -> Any:
        """The data of a success."""
        assert self.envelope["ok"], self.out
        return self.envelope["data"]


Run = Callable[..., Ran]


@pytest.fixture
def kurt(project: Path) -> Run:
    """Return a function that runs ``kurt`` in a process of its own."""

    def run(*words: str, env: dict[str, str] | None = None, input: str = "") -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "kurt_ext", *words],
            input=input,
            capture_output=True,
            text=True,
            cwd=os.getcwd(),
            env={**os.environ, **(env or {})},
            timeout=120,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def here(project: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs the command line within this process."""
    from kurt_ext.cli import run as run_here

    def run(*words: str) -> Ran:
        capfd.readouterr()
        code = run_here(words)
        out, err = capfd.readouterr()
        return Ran(code, out, err)

    return run


def write_skill(
    root: Path, name: str, *, extension: str = "", code: str | None = CODE, apis: str = ""
) -> Path:
    """Write a skill folder and return it; without code it has instructions alone."""
    folder = root / name
    folder.mkdir(parents=True)
    text = SKILL.format(name=name, extension=extension or name, apis=apis)
    if code is None:
        head, _, rest = text.partition("implements:")
        text = head + "---" + rest.partition("---")[2]
    else:
        (folder / "__init__.py").write_text("")
        (folder / "skill.py").write_text(code)
    (folder / "SKILL.md").write_text(text)
    return folder


@pytest.fixture
def skill(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the skill ``greeter`` in the project, which is trusted."""
    monkeypatch.setenv("KURT_TRUST", str(project))
    return write_skill(project / "skills", "greeter", extension="greet")


def distribution(
    base: Path, name: str, entry_points: str, *, modules: dict[str, str] | None = None
) -> Path:
    """Write an installed distribution into a folder, and return its dist-info."""
    info = base / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nSummary: The summary of {name}.\n"
    )
    (info / "entry_points.txt").write_text(entry_points)
    for module, text in (modules or {}).items():
        (base / f"{module}.py").write_text(text)
    return info
