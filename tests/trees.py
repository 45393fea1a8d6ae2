"""Build a tree of files from a nested dict, and skills and distributions in it."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Union

Tree = Mapping[str, Union[str, bytes, "Tree"]]

SKILL_MD = """---
name: {name}
version: {version}
description: {description}
license: MIT
implements:
  - type: tool
    class: {cls}
    name: {extension}
---

# {name}
"""

SKILL_PY = """\
from kurt_tool import Tool, ToolResult
from pydantic import BaseModel


class Input(BaseModel):
    text: str = "x"


class Output(BaseModel):
    text: str


class {cls}(Tool[Input, Output]):
    name = "{extension}"
    description = "Give the text back"
    InputModel = Input
    OutputModel = Output

    async def run(self, params, context, on_progress):
        return ToolResult(success=True, data=[{{"text": params.text + "{suffix}"}}])
"""


def grow(root: Path, tree: Tree) -> Path:
    """Write the files of a nested dict below ``root``; return ``root``."""
    root.mkdir(parents=True, exist_ok=True)
    for name, content in tree.items():
        path = root / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif isinstance(content, str):
            path.write_text(content, encoding="utf-8")
        else:
            grow(path, content)
    return root


def skill(
    name: str,
    *,
    version: str = "0.1.0",
    extension: str | None = None,
    description: str = "Gives text back. Use when text must come back.",
    code: str | None = None,
    suffix: str = "",
) -> dict[str, str | bytes | Tree]:
    """Return the files of a skill with one callable extension that gives its text back."""
    cls = "Echo"
    extension = extension or name
    return {
        "SKILL.md": SKILL_MD.format(
            name=name, version=version, description=description, cls=cls, extension=extension
        ),
        "skill.py": code
        if code is not None
        else SKILL_PY.format(cls=cls, extension=extension, suffix=suffix),
    }


def distribution(
    name: str,
    entry_points: str,
    *,
    version: str = "1.0",
    summary: str = "A distribution",
    modules: Tree | None = None,
) -> dict[str, str | bytes | Tree]:
    """Return what pip would have laid down for a wheel with these entry points."""
    folder = f"{name.replace('-', '_')}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: {summary}\n"
    return {
        folder: {"METADATA": metadata, "entry_points.txt": entry_points, "INSTALLER": "pip\n"},
        **(modules or {}),
    }


def settle(*roots: Path, seconds: float = 60) -> None:
    """Wait out the time in which a change would not be trusted to be the last one.

    A file's ctime cannot be set, so that only waiting makes it old.
    """
    newest = 0
    for root in roots:
        for folder, _, files in os.walk(root):
            for path in (folder, *(os.path.join(folder, file) for file in files)):
                newest = max(newest, os.lstat(path).st_ctime_ns)
    pause = (newest + 2_150_000_000 - time.time_ns()) / 1e9
    if pause > 0:
        time.sleep(min(pause, seconds))
