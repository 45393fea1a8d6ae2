"""Projects and site-packages for tests that load and run, built of dict literals."""

from __future__ import annotations

from pathlib import Path

import pytest
from trees import Tree, distribution, grow

SKILL_MD = """---
name: {name}
version: 0.1.0
description: A skill of a test. Use in tests.
{more}---

# {name}
"""


def skill_md(name: str, offers: dict[str, str] | None = None, more: str = "") -> str:
    """Return a SKILL.md that implements ``{extension name: class}``."""
    if offers:
        more += "implements:\n"
        for extension, cls in offers.items():
            more += f"  - {{type: tool, class: {cls}, name: {extension}}}\n"
    return SKILL_MD.format(name=name, more=more)


def tool_py(cls: str = "Echo", body: str = "return ToolResult(data={'text': params.text})") -> str:
    """Return a module with one class of typed input and output."""
    return f"""\
from pydantic import BaseModel
from kurt_tool import Tool, ToolContext, ToolProgress, ToolResult


class Input(BaseModel):
    text: str = "x"


class Output(BaseModel):
    text: str


class {cls}(Tool[Input, Output]):
    name = "{cls.lower()}"
    uses = ()

    async def run(self, params, context, on_progress=None):
        {body}
"""


def trust(monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
    """Trust everything in the project, as a person in CI would say it."""
    monkeypatch.setenv("KURT_TRUST", str(project))


def installed(
    monkeypatch: pytest.MonkeyPatch, site: Path, name: str, entry_points: str, modules: Tree
) -> Path:
    """Put a distribution on ``sys.path`` as pip would have laid it down."""
    grow(site, distribution(name, entry_points, modules=modules))
    monkeypatch.syspath_prepend(str(site))
    return site
