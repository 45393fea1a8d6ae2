"""Imports that nobody can read before are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from readings import asked

from kurt_ext.checks.loading import check

NONE: dict[str, Any] = {}
ROWS: list[tuple[str, dict[str, Any], set[tuple[str, str]]]] = [
    (
        "import importlib\ndef f(n):\n    importlib.import_module(n)",
        NONE,
        {("undeclared-import", "critical")},
    ),
    ("def f(n):\n    __import__(n)", NONE, {("undeclared-import", "critical")}),
    ("import importlib\ndef f():\n    importlib.import_module('json')", NONE, set()),
    ("def f():\n    __import__('json')", NONE, set()),
    ("import importlib\nN = 'js' + 'on'\nimportlib.import_module(N)", NONE, set()),
    ("from . import main", NONE, set()),
    ("import json, importlib.metadata", NONE, set()),
]


@pytest.mark.parametrize(("code", "permissions", "expected"), ROWS)
def test_each_row_has_these_findings(
    tmp_path: Path, code: str, permissions: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    found = asked(check, tmp_path / "com.example.judged", code, permissions=permissions)
    assert set(found) == expected


@pytest.mark.parametrize(
    "code",
    [
        "from importlib.machinery import SourceFileLoader as L\nL('x', 'x.txt').load_module()",
        "import importlib.util\nimportlib.util.spec_from_file_location('x', '/tmp/x.py')",
        "import runpy\nrunpy.run_path('/tmp/x.py')",
        "import zipimport\nzipimport.zipimporter('/tmp/x.zip')",
        "import sys\nsys.path.insert(0, '/tmp')",
        "import site\nsite.addsitedir('/tmp')",
    ],
)
def test_files_that_are_loaded_as_code_are_told_by_some_check(tmp_path: Path, code: str) -> None:
    from readings import judged

    assert not judged(tmp_path / "com.example.judged", code).valid
