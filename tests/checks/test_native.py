"""Native code is told, and may be declared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from readings import asked

from kurt_ext.checks.native import check

NONE: dict[str, Any] = {}
NATIVE = {"native_code": True}
ROWS: list[tuple[str, dict[str, Any], set[tuple[str, str]]]] = [
    ("import ctypes\ndef f():\n    ctypes.CDLL('x')", NATIVE, {("declared-native", "medium")}),
    ("import cffi\ndef f():\n    cffi.FFI()", NATIVE, {("declared-native", "medium")}),
    ("import struct\nstruct.pack('<I', 1)", NONE, set()),
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
        "import ctypes\ndef f():\n    ctypes.CDLL(None).system(b'id')",
        "from ctypes import cdll\ndef f():\n    cdll.LoadLibrary('x')",
        "import ctypes\ndef f():\n    ctypes.pythonapi",
        "import ctypes\ndef f():\n    ctypes.cast(1, ctypes.py_object)",
        "import cffi\ndef f():\n    cffi.FFI().dlopen('x')",
    ],
)
def test_what_is_not_declared_is_grave(tmp_path: Path, code: str) -> None:
    found = asked(check, tmp_path, code)
    assert {rule for rule, _ in found} == {"undeclared-native"}
    assert {severity for _, severity in found} <= {"high", "critical"}
