"""Walks into the interpreter are told; looking at one's own objects is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from readings import asked

from kurt_ext.checks.reflection import check

NONE: dict[str, Any] = {}
ROWS: list[tuple[str, dict[str, Any], set[tuple[str, str]]]] = [
    ("def f(self, n):\n    return getattr(self, n)", NONE, set()),
    ("class A:\n    def f(self, n):\n        return getattr(self, f'on_{n}')", NONE, set()),
    ("def f(o):\n    return o.__class__.__name__", NONE, set()),
    ("def f(o):\n    return '{0.name}'.format(o)", NONE, set()),
    ("import os\ndef f(n):\n    return getattr(os, n)", NONE, {("computed-attribute", "critical")}),
    ("import math\ndef f(n):\n    return getattr(math, n)", NONE, {("computed-attribute", "low")}),
    ("def f(o):\n    return o.__globals__", NONE, {("object-insides", "critical")}),
    ("import os\ndef f(g):\n    g(os)", NONE, {("module-handed-on", "critical")}),
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
        "().__class__.__base__.__subclasses__()",
        "().__class__.__mro__[1].__subclasses__()",
        "object.__subclasses__()",
        "type(()).__bases__[0].__subclasses__()",
        "def f():\n    pass\nf.__globals__['__builtins__']",
        "import sys\nsys._getframe(1).f_globals",
        "try:\n    1/0\nexcept E as e:\n    e.__traceback__.tb_frame.f_globals",
        "def g():\n    yield\ng().gi_frame.f_builtins",
        "getattr(f, '__glo' + 'bals__')",
        "import operator\noperator.attrgetter('__globals__')(f)",
        "'{0.__class__.__init__.__globals__}'.format(x)",
        "import sys\nsys.modules['kurt_ext.trust']",
        "import gc\ngc.get_objects()",
        "import inspect\ninspect.stack()[1].frame.f_locals",
    ],
)
def test_every_way_out_is_fatal(tmp_path: Path, code: str) -> None:
    found = asked(check, tmp_path, code)
    assert {severity for _, severity in found} & {"high", "critical"}, found
