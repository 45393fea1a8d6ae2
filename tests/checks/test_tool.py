"""A class of type tool is derived from Tool, runs, and says what it takes."""

from __future__ import annotations

import pytest

from kurt_tool.checks import check

from .conftest import Asked, skill_md

ROW = {"type": "tool", "class": "Archive", "name": "archive"}
OTHER = {"type": "fetcher", "class": "Fetch", "name": "fetch"}
RUN = "    async def run(self, params, context, on_progress): ..."


def rules(ask: Asked, code: str, **files: str) -> list[tuple[str, str]]:
    manifest = skill_md(implements=[ROW, OTHER])
    more = {f"{name}.py": text for name, text in files.items()}
    found = ask(check, {"SKILL.md": manifest, "skill.py": code, **more})
    return [(f.rule, f.severity) for f in found]


@pytest.mark.parametrize(
    "code",
    [
        f"from kurt_tool import Tool\nclass Archive(Tool[In, Out]):\n{RUN}",
        f"import kurt_tool\nclass Archive(kurt_tool.Tool[In, Out]):\n{RUN}",
        f"from kurt_ext import Tool as T\nclass Archive(T):\n    InputModel = In\n{RUN}",
        f"from kurt_tool import Tool\nclass Archive(Tool):\n    InputModel: type = In\n{RUN}",
        f"from .base import Base\nclass Archive(Base):\n{RUN}",
        "from .base import Whole\nclass Archive(Whole): ...",
        "from .base import Whole as Archive",
        f"from kurt_tool import Tool\nfrom mine import Mixin\nclass Archive(Mixin, Tool):\n{RUN}",
    ],
)
def test_a_tool_is_one_however_it_is_derived(ask: Asked, code: str) -> None:
    base = (
        "from kurt_tool import Tool\nclass Base(Tool[In, Out]): ...\n"
        f"class Whole(Tool):\n    InputModel = In\n{RUN}\n"
    )
    assert rules(ask, code, base=base) == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("class Archive: ...", [("not-a-tool", "error")]),
        ("class Archive(dict): ...", [("not-a-tool", "error")]),
        (
            "from pydantic import BaseModel\nclass Archive(BaseModel): ...",
            [("not-a-tool", "warning")],
        ),
        ("class Archive(make_base()): ...", [("not-a-tool", "warning")]),
        ("def Archive(): ...", [("not-a-tool", "error")]),
        (
            "from kurt_tool import Tool\nclass Archive(Tool[In, Out]):\n    def go(self): ...",
            [("tool-without-run", "error")],
        ),
        (
            f"from kurt_tool import Tool\nclass Archive(Tool):\n{RUN}",
            [("tool-without-input", "warning")],
        ),
        (
            f"from kurt_tool import Tool\nclass Archive(Tool[Any, Any]):\n{RUN}",
            [("tool-without-input", "warning")],
        ),
    ],
)
def test_what_a_class_lacks_is_named(
    ask: Asked, code: str, expected: list[tuple[str, str]]
) -> None:
    assert rules(ask, code) == expected


def test_the_place_is_the_class(ask: Asked) -> None:
    manifest = skill_md(implements=[ROW])
    files = {
        "SKILL.md": manifest,
        "skill.py": "from .impl import Archive",
        "impl.py": "\n\nclass Archive: ...",
    }
    (finding,) = ask(check, files)
    assert (finding.path, finding.line) == ("impl.py", 3)
