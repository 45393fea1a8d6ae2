"""Services of others are named once a module."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from readings import asked

from kurt_ext.checks.services import check

NONE: dict[str, Any] = {}
ROWS: list[tuple[str, dict[str, Any], set[tuple[str, str]]]] = [
    (
        "import openai\ndef f():\n    openai.OpenAI()",
        {"external_apis": ["openai"]},
        {("declared-service", "low")},
    ),
    ("import json\njson.loads('{}')", NONE, set()),
    ("from .openai import OpenAI\nOpenAI()", NONE, set()),
]


@pytest.mark.parametrize(("code", "permissions", "expected"), ROWS)
def test_each_row_has_these_findings(
    tmp_path: Path, code: str, permissions: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    found = asked(check, tmp_path / "com.example.judged", code, permissions=permissions)
    assert set(found) == expected


def test_a_service_is_told_once(tmp_path: Path) -> None:
    code = "import openai\ndef f():\n    openai.OpenAI()\n    openai.AsyncOpenAI()\n"
    (found,) = asked(check, tmp_path, code)
    assert found[0] == "undeclared-service"
