"""Variables that the code reads are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from readings import asked

from kurt_ext.checks.environment import check

NONE: dict[str, Any] = {}
ROWS: list[tuple[str, dict[str, Any], set[tuple[str, str]]]] = [
    ("import os\ndef f():\n    os.environ['A']", NONE, {("undeclared-environment", "high")}),
    ("import os\ndef f():\n    os.getenv('NO_COLOR')", NONE, {("undeclared-environment", "low")}),
    ("import os\ndef f():\n    os.environ.get('LANG')", NONE, {("undeclared-environment", "low")}),
    ("import os\nos.name, os.sep, os.getpid()", NONE, set()),
    ("environ = {'A': 1}\nenviron['A']", NONE, set()),
]


@pytest.mark.parametrize(("code", "permissions", "expected"), ROWS)
def test_each_row_has_these_findings(
    tmp_path: Path, code: str, permissions: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    found = asked(check, tmp_path / "com.example.judged", code, permissions=permissions)
    assert set(found) == expected
