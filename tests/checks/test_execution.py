"""Text that becomes code is told, whatever permits it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from readings import asked

from kurt_ext.checks.execution import check

NONE: dict[str, Any] = {}
BAD = ("undeclared-execution", "critical")
ROWS: list[tuple[str, dict[str, Any], set[tuple[str, str]]]] = [
    ("def f(x):\n    return eval(x)", NONE, {BAD}),
    ("def f(x):\n    exec(x)", {"native_code": True, "processes": ["sh"]}, {BAD}),
    ("def f(x):\n    exec(compile(x, 'x', 'exec'))", NONE, {BAD}),
    ("import code\ndef f(x):\n    code.InteractiveInterpreter().runsource(x)", NONE, {BAD}),
    (
        "import base64\ndef f():\n    exec(base64.b64decode('eD0x'))",
        NONE,
        {BAD, ("decoded-code", "critical")},
    ),
    (
        "import codecs\ndef f():\n    exec(codecs.decode('k=1', 'rot13'))",
        NONE,
        {BAD, ("decoded-code", "critical")},
    ),
    (
        "import zlib\ndef f(x):\n    exec(zlib.decompress(x))",
        NONE,
        {BAD, ("decoded-code", "critical")},
    ),
    ("import ast\ndef f(x):\n    return ast.literal_eval(x)", NONE, set()),
    ("import re\nP = re.compile('x')", NONE, set()),
    ("def f(df):\n    return df.eval('a')", NONE, set()),
    ("class A:\n    def eval(self): pass\nA().eval()", NONE, set()),
]


@pytest.mark.parametrize(("code", "permissions", "expected"), ROWS)
def test_each_row_has_these_findings(
    tmp_path: Path, code: str, permissions: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    found = asked(check, tmp_path / "com.example.judged", code, permissions=permissions)
    assert set(found) == expected


def test_an_annotation_that_does_something_is_told(tmp_path: Path) -> None:
    code = "def f(x: \"__import__('os').system('id')\"): pass"
    assert ("evaluated-annotation", "critical") in asked(check, tmp_path, code)


@pytest.mark.parametrize("text", ["list[int]", "Callable[[int], str]", "Literal['eval(1)']"])
def test_an_annotation_that_is_a_type_is_fine(tmp_path: Path, text: str) -> None:
    assert asked(check, tmp_path, f"def f(x: {text!r}): pass") == []
