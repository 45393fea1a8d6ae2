"""Skills that can be published, and marketplaces made of them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kurt_ext.cli import run as run_here
from kurt_ext.market import reading
from kurt_ext.market.building import Built, build
from kurt_ext.market.documents.index import Index
from kurt_ext.market.documents.skill import SkillDocument
from kurt_ext.places import Places

from .shops import Kurt, Ran

SKILL = """\
---
name: {name}
description: Greets somebody by name. Use it when somebody wants a greeting.
license: MIT
metadata:
  version: "{version}"
  author: "Ada <ada@example.org>"
  kurt/requires-python: ">=3.11"
  kurt/tags: "greeting demo"
  kurt/implements: "tool:{name}=skill:Greet"
  kurt/permissions.native-code: "false"
{more}---

# {name}

Greets somebody.
"""

CODE = '''\
"""Greet somebody."""

from pydantic import BaseModel

from kurt_tool import Tool, ToolResult


class Greet(Tool[BaseModel, None]):
    """Greet somebody."""

    async def run(self, params, context, on_progress=None):
        """Return the greeting."""
        return ToolResult(data={"text": "Hello"})
'''

Write = Callable[..., Path]


def write_skill(
    folder: Path, version: str = "1.0.0", *, code: str = CODE, more: str = "", **files: str
) -> Path:
    """Write a skill that may be published; further files by path, ``__`` for ``/``."""
    folder.mkdir(parents=True, exist_ok=True)
    text = SKILL.format(name=folder.name, version=version, more=more)
    (folder / "SKILL.md").write_text(text)
    (folder / "__init__.py").write_text("")
    (folder / "skill.py").write_text(code)
    for name, content in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(content)
    return folder


@pytest.fixture
def places(project: Path) -> Places:
    """Return the places of the test's own home."""
    return Places(str(project))


@pytest.fixture
def kurt(project: Path, capfd: pytest.CaptureFixture[str]) -> Kurt:
    """Return a function that runs a command with ``--json``, and returns its envelope."""

    def run(*words: str) -> Ran:
        capfd.readouterr()
        code = run_here([*words, "--json"])
        out, err = capfd.readouterr()
        found = Ran(json.loads(out))
        found.code, found.err = code, err
        return found

    return run


@pytest.fixture
def said(project: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Return a function that runs a command, and returns all that a person reads of it."""

    def run(*words: str) -> str:
        capfd.readouterr()
        run_here([*words])
        out, err = capfd.readouterr()
        return out + err

    return run


@pytest.fixture
def market(project: Path) -> Path:
    """Return a folder with two skills that is no marketplace yet."""
    root = project / "market"
    write_skill(root / "skills" / "greeter")
    write_skill(root / "skills" / "waver")
    return root


class Shop:
    """A marketplace that a test builds and looks at."""

    def __init__(self, root: Path, places: Places) -> None:
        self.root = root
        self.places = places
        self.reader = reading.FolderReader(str(root))

    def build(self, **options: Any) -> Built:
        return build(str(self.root), self.places, **options)

    @property
    def index(self) -> Index:
        return reading.index(self.reader)[0]

    @property
    def raw(self) -> dict[str, Any]:
        return json.loads((self.root / "kurt" / "v1" / "index.json").read_text())

    def skill(self, name: str) -> SkillDocument:
        row = next(row for row in self.index.skills if row.id == name)
        return reading.skill(self.reader, row)

    def files(self) -> dict[str, bytes]:
        """Return path → bytes of all that was built."""
        found = {}
        for base in ("kurt", "files", "simple", ".well-known", ".claude-plugin"):
            for folder, _, names in os.walk(self.root / base):
                for name in names:
                    path = Path(folder, name)
                    found[path.relative_to(self.root).as_posix()] = path.read_bytes()
        return found


@pytest.fixture
def shop(market: Path, places: Places) -> Shop:
    """Return the two skills' marketplace, built."""
    made = Shop(market, places)
    built = made.build()
    assert not built.refused and len(built.added) == 2
    return made
