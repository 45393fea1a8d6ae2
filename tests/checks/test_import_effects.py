"""What an import does by itself is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from readings import asked

from kurt_ext.checks.import_effects import check

NONE: dict[str, Any] = {}
TOLD = {("import-side-effect", "medium")}
ROWS: list[tuple[str, dict[str, Any], set[tuple[str, str]]]] = [
    ("import os\nos.system('id')", NONE, TOLD),
    ("import os\nos.system('id')", {"processes": ["id"]}, TOLD),
    ("import httpx\nhttpx.get('https://a.example')", {"network_hosts": ["a.example"]}, TOLD),
    ("open('/data/x', 'w')", {"filesystem_write": ["/data"]}, TOLD),
    ("class A:\n    open('/data/x', 'w')", NONE, TOLD),
    ("def f():\n    open('/data/x', 'w')\nf()", NONE, TOLD),
    ("import ctypes\nctypes.CDLL('x')", {"native_code": True}, TOLD),
    ("def f():\n    open('/data/x', 'w')", NONE, set()),
    ("import httpx\nclient = httpx.Client()", NONE, set()),
    ("import os\nx = os.system", NONE, set()),
    ("import os\nos.environ.get('X')", NONE, set()),
    ("if __name__ == '__main__':\n    open('/data/x', 'w')", NONE, set()),
    ("import logging\nlogging.getLogger(__name__)", NONE, set()),
]


@pytest.mark.parametrize(("code", "permissions", "expected"), ROWS)
def test_each_row_has_these_findings(
    tmp_path: Path, code: str, permissions: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    found = asked(check, tmp_path / "com.example.judged", code, permissions=permissions)
    assert set(found) == expected
