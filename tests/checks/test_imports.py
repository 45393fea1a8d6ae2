"""A skill's own modules are imported relatively; the fix is the line to write."""

from __future__ import annotations

import pytest

from kurt_ext.checks.imports import check

from .conftest import Asked, skill_md

FOLDER = {
    "SKILL.md": skill_md(requires=["Wanted>=1"]),
    "skill.py": "",
    "helper.py": "",
    "wanted.py": "",
    "json.py": "",
    "pkg": {"__init__.py": "", "mod.py": "", "deep": {"__init__.py": "", "far.py": ""}},
}


@pytest.mark.parametrize(
    ("path", "line", "fix"),
    [
        ("skill.py", "import helper", "from . import helper"),
        ("skill.py", "import helper as h", "from . import helper as h"),
        ("skill.py", "from helper import a, b as c", "from .helper import a, b as c"),
        ("skill.py", "import pkg.mod", "from .pkg import mod"),
        ("skill.py", "from pkg.mod import x", "from .pkg.mod import x"),
        ("skill.py", "def f():\n    import helper", "from . import helper"),
        ("pkg/mod.py", "import helper", "from .. import helper"),
        ("pkg/mod.py", "from pkg.deep.far import y", "from .deep.far import y"),
        ("pkg/deep/far.py", "from pkg import mod", "from .. import mod"),
        ("pkg/deep/far.py", "import pkg.mod", "from .. import mod"),
        ("pkg/mod.py", "import deep", "from . import deep"),
    ],
)
def test_an_absolute_import_is_found_with_the_line_to_write(
    ask: Asked, path: str, line: str, fix: str
) -> None:
    ask(check, FOLDER)
    (ask.folder / path).write_text(line + "\n")
    findings = ask(check)
    assert [(f.path, f.line, f.fix) for f in findings] == [(path, line.count("\n") + 1, fix)]


@pytest.mark.parametrize(
    "text",
    [
        "from . import helper",
        "from .helper import a",
        "import json",
        "import wanted",
        "import os, numpy, helpers",
        "try:\n    from . import helper\nexcept ImportError:\n    pass",
        "try:\n    import helper\nexcept ImportError:\n    from . import helper",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import helper",
        "if __name__ == '__main__':\n    import helper",
        "this is not Python",
    ],
)
def test_what_is_meant_otherwise_is_left_alone(ask: Asked, text: str) -> None:
    assert ask(check, {**FOLDER, "skill.py": text}) == []


def test_tests_may_import_as_they_like(ask: Asked) -> None:
    files = {"tests": {"test_a.py": "import helper"}, "conftest.py": "import helper"}
    assert ask(check, {**FOLDER, **files}) == []
