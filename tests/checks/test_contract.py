"""What the manifest promises is defined; names are followed, and nothing is imported."""

from __future__ import annotations

import json

import pytest

from kurt_ext.checks.contract import check

from .conftest import Asked, skill_md

ROW = {"type": "tool", "class": "Archive", "name": "archive"}
MANIFEST = skill_md(implements=[ROW])


@pytest.mark.parametrize(
    "code",
    [
        "class Archive: pass",
        "Archive = object()",
        "class Base: pass\nArchive = Base",
        "from .models import Archive",
        "from .models import Other as Archive",
        "from . import models\nArchive = models.Archive",
        "from .models import *",
        "from somewhere import Archive",
        "from somewhere import *",
        "try:\n    from fast import Archive\nexcept ImportError:\n    class Archive: pass",
        "if True:\n    class Archive: pass",
        "def __getattr__(name): ...",
        "Archive, Other = make()",
    ],
)
def test_every_way_to_define_a_name_counts(ask: Asked, code: str) -> None:
    models = "class Archive: pass\nclass Other: pass"
    assert ask(check, {"SKILL.md": MANIFEST, "skill.py": code, "models.py": models}) == []


@pytest.mark.parametrize(
    "code",
    [
        "class Archiver: pass",
        "from .models import *",
        "from .models import Archive",
        "def f():\n    class Archive: pass",
        "",
    ],
)
def test_a_name_that_is_not_there_is_an_error_in_the_manifest(ask: Asked, code: str) -> None:
    files = {"SKILL.md": MANIFEST, "skill.py": code, "models.py": "class Else: pass"}
    (finding,) = ask(check, files)
    assert (finding.rule, finding.severity) == ("name-not-defined", "error")
    assert (finding.path, finding.line) == ("SKILL.md", 5)
    if "Archiver" in code:
        assert finding.fix == "write Archiver in the manifest"


def test_code_that_is_no_python_has_its_place(ask: Asked) -> None:
    (finding,) = ask(check, {"SKILL.md": MANIFEST, "skill.py": "x = 1\ndef broken(:\n"})
    assert (finding.rule, finding.path, finding.line) == ("syntax-error", "skill.py", 2)


@pytest.mark.parametrize(
    "code",
    [b"\x00", b"\xff\xfe", b"(" * 3000, b"-" * 20000 + b"1", b"x = '\\d'\n", b"#" * (2 << 20)],
)
def test_no_code_makes_it_raise(ask: Asked, code: bytes) -> None:
    findings = ask(check, {"SKILL.md": MANIFEST, "skill.py": code})
    assert all(finding.message for finding in findings)


def test_a_plugin_needs_its_factory(ask: Asked) -> None:
    manifest = {
        "plugin_id": "com.example.calc",
        "name": "Calc",
        "version": "1.0.0",
        "description": "Counts.",
        "plugin_type": "tool",
        "entry_point": "calc.main",
    }
    files = {"plugin.json": json.dumps(manifest), "calc": {"__init__.py": "", "main.py": "x = 1"}}
    (finding,) = ask(check, files)
    assert (finding.rule, finding.path) == ("factory-missing", "calc/main.py")
    for code in (
        "class Plugin: pass",
        "async def create_plugin(m, c): ...",
        "from .impl import Plugin",
    ):
        files["calc"] = {"main.py": code, "impl.py": "class Plugin: ..."}
        assert ask(check, files) == []


def test_an_object_that_the_entry_point_names_must_be_there(ask: Asked) -> None:
    portable = skill_md(
        version=None, metadata={"kurt/type": "tool", "kurt/entry-point": "skill:fetch"}
    )
    (finding,) = ask(check, {"SKILL.md": portable, "skill.py": "def fetched(): ..."})
    assert (finding.rule, finding.fix) == ("name-not-defined", "write fetched in the manifest")


def test_circles_of_imports_come_to_an_end(ask: Asked) -> None:
    files = {
        "SKILL.md": MANIFEST,
        "skill.py": "from .a import Archive",
        "a.py": "from .b import Archive",
        "b.py": "from .a import Archive",
    }
    assert ask(check, files) == []
