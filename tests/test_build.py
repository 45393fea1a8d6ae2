from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from email import message_from_bytes
from pathlib import Path

import pytest
from venvs import CommandError, FreshEnv

from kurt_ext import distinfo
from kurt_ext.manifest import read

pytestmark = [pytest.mark.venv]

PYPROJECT = """\
[build-system]
requires = ["setuptools", "kurt-ext"]
build-backend = "setuptools.build_meta"
"""
SKILL_MD = """\
---
name: web-archiver
version: 1.0.0-beta.2
author: Example <user@example.com>
description: "Archive web pages: ä, \\"quoted\\""
tags: [web, archival]
requires_python: ">=3.10"
implements:
  - type: tool
    class: Archive
    name: archive
  - type: fetcher
    class: Fetch
    name: web
---
# Web archiver

How to use it.
"""
PLUGIN = {
    "plugin_id": "com.example.calculator",
    "name": "Calculator",
    "version": "1.2.3",
    "description": "Adds numbers",
    "author": "Example",
    "plugin_type": "tool",
    "entry_point": "main",
    "capabilities": [
        {"name": "add", "description": "Add", "version": "1.0.0", "parameters": {"type": "object"}}
    ],
    "dependencies": [],
    "permissions": {},
}
SKILL_PY = """\
from importlib.resources import files
from .helper import NAME
from .deep.down import DEPTH
DATA = files(__package__).joinpath("data", "words.txt").read_text()
class Archive: pass
class Fetch: pass
"""
Snapshot = dict[str, bytes]


@pytest.fixture
def skill(tmp_path: Path) -> Path:
    """Return the folder of a skill in a SKILL.md, with modules, nested ones, and data."""
    return write(
        tmp_path / "web-archiver",
        {
            "pyproject.toml": PYPROJECT,
            "SKILL.md": SKILL_MD,
            "__init__.py": "",
            "skill.py": SKILL_PY,
            "main.py": "OWNER = 'web-archiver'\n",
            "helper.py": "NAME = 'helper'\n",
            "deep/down.py": "DEPTH = 1\n",
            "data/words.txt": "words",
            "data/odd [name]*.txt": "odd",
            "README.md": "Read me.\n",
            ".hidden": "no",
            ".venv/lib/secret.py": "no",
            "venv/pyvenv.cfg": "no",
            "venv/lib/big.py": "no",
        },
    )


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """Return the folder of a skill in a plugin.json, without an ``__init__.py``."""
    return write(
        tmp_path / "calculator",
        {
            "pyproject.toml": PYPROJECT,
            "plugin.json": json.dumps(PLUGIN),
            "config.json": json.dumps({"precision": 2}),
            "main.py": "OWNER = 'calculator'\nclass Plugin: pass\n",
        },
    )


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def snapshot(folder: Path) -> Snapshot:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"folder"
        for path in folder.rglob("*")
    }


def contents(wheel: Path) -> Snapshot:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def only(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


def shown(folder: Path) -> dict[str, bytes]:
    """Return what the shim would write into the dist-info of the folder."""
    reading = read(str(folder))
    assert reading.record is not None
    words = {"fetcher": ("kurt.engine", "fetch"), "mapper": ("kurt.engine", "map")}
    offers = distinfo.offers(reading.record, words, reading.code)
    return distinfo.files(reading.record, str(folder), offers)


def pip_wheel(env: FreshEnv, folder: Path, out: Path) -> None:
    env.run("-m", "pip", "wheel", "--no-deps", "--wheel-dir", str(out), ".", cwd=folder)


def build(env: FreshEnv, folder: Path, out: Path) -> None:
    env.run("-m", "build", "--outdir", str(out), ".", cwd=folder)


def build_by_uv(env: FreshEnv, folder: Path, out: Path) -> None:
    env.uv("build", "--quiet", "--out-dir", str(out), ".", cwd=folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "builder"),
    [("skill", pip_wheel), ("skill", build), ("skill", build_by_uv), ("plugin", build)],
)
def test_a_folder_becomes_a_wheel_with_what_the_shim_shows(
    kind: str,
    builder: Callable[[FreshEnv, Path, Path], None],
    request: pytest.FixtureRequest,
    fresh_env: FreshEnv,
    tmp_path: Path,
) -> None:
    folder: Path = request.getfixturevalue(kind)
    before = snapshot(folder)
    fresh_env.install("pip", "build")
    builder(fresh_env, folder, tmp_path / "out")
    assert snapshot(folder) == before
    wheel = only(tmp_path / "out", "*.whl")
    inside = contents(wheel)
    shim = shown(folder)
    directory = next(name for name in inside if name.endswith("/METADATA")).partition("/")[0]
    for name in ("entry_points.txt", "kurt.json"):
        assert inside[f"{directory}/{name}"] == shim[name]
    ours, theirs = (
        message_from_bytes(data) for data in (shim["METADATA"], inside[f"{directory}/METADATA"])
    )
    for field in ("Name", "Version", "Summary", "Author", "Requires-Python"):
        assert theirs[field] == ours[field]
    assert theirs.get_all("Requires-Dist") is None
    slug = "web_archiver" if kind == "skill" else "com_example_calculator"
    packed = {
        n.removeprefix(f"kurt_skills/{slug}/") for n in inside if n.startswith("kurt_skills/")
    }
    if kind == "skill":
        assert packed == {
            "SKILL.md",
            "__init__.py",
            "skill.py",
            "main.py",
            "helper.py",
            "deep/down.py",
            "data/words.txt",
            "data/odd [name]*.txt",
            "README.md",
        }
        assert wheel.name == "kurt_skill_web_archiver-1.0.0b2-py3-none-any.whl"
        assert "How to use it." in str(theirs.get_payload())
        assert "name: web-archiver" not in str(theirs.get_payload())
    else:
        assert packed == {"plugin.json", "config.json", "main.py", "__init__.py"}
        assert json.loads(inside[f"{directory}/kurt.json"])["config"] == {"precision": 2}
    if builder is not pip_wheel:
        # Both make the wheel from the sdist; made from the folder it is the same.
        pip_wheel(fresh_env, folder, tmp_path / "direct")
        direct = contents(only(tmp_path / "direct", "*.whl"))
        assert {k: v for k, v in direct.items() if not k.endswith("/RECORD")} == {
            k: v for k, v in inside.items() if not k.endswith("/RECORD")
        }


IMPORTED = """
import importlib.metadata, json, sys
from importlib.resources import files
import kurt_skills.web_archiver.main as one, kurt_skills.com_example_calculator.main as two
from kurt_skills.web_archiver import skill
assert skill.NAME == "helper" and skill.DEPTH == 1 and skill.DATA == "words"
assert files("kurt_skills.web_archiver").joinpath("data", "words.txt").read_text() == "words"
points = {(e.group, e.name): e.load().__name__ for d in importlib.metadata.distributions()
          for e in d.entry_points if e.value.startswith("kurt_skills.")}
assert points == {
    ("kurt.tool", "archive"): "Archive",
    ("kurt.engine", "fetch.web"): "Fetch",
    ("kurt.tool", "com.example.calculator"): "kurt_skills.com_example_calculator.main",
}, points
print(one.OWNER, two.OWNER, sys.modules["kurt_skills"].__file__ if
      hasattr(sys.modules["kurt_skills"], "__file__") else None)
"""


@pytest.mark.slow
def test_two_wheels_with_modules_of_one_name_live_together(
    skill: Path, plugin: Path, fresh_env: FreshEnv, tmp_path: Path
) -> None:
    fresh_env.install("pip")
    for folder in (skill, plugin):
        pip_wheel(fresh_env, folder, tmp_path / "out")
    fresh_env.install(*map(str, (tmp_path / "out").glob("*.whl")))
    assert fresh_env.run("-c", IMPORTED).split() == ["web-archiver", "calculator", "None"]


@pytest.mark.slow
@pytest.mark.parametrize("program", ["pip", "uv"])
def test_an_editable_install_works_is_frozen_and_installed_again(
    program: str, skill: Path, plugin: Path, fresh_env: FreshEnv, tmp_path: Path
) -> None:
    write(plugin, {"__init__.py": ""})
    before = snapshot(skill), snapshot(plugin)
    fresh_env.install("pip")

    def run(*arguments: str, cwd: Path = tmp_path) -> str:
        if program == "pip":
            return fresh_env.run("-m", "pip", *arguments, cwd=cwd)
        return fresh_env.uv("pip", *arguments, cwd=cwd)

    for folder in (skill, plugin):
        run("install", "-e", ".", cwd=folder)
    assert (snapshot(skill), snapshot(plugin)) == before
    assert fresh_env.run("-c", IMPORTED).split()[:2] == ["web-archiver", "calculator"]
    write(skill, {"main.py": "OWNER = 'edited'\n"})
    assert fresh_env.run("-B", "-c", IMPORTED).split()[:2] == ["edited", "calculator"]
    frozen = [
        line
        for line in run("freeze").splitlines()
        if not line.startswith("#") and not line.startswith("pip==")
    ]
    paths = [f.as_uri() if program == "uv" else str(f) for f in (skill, plugin)]
    assert sorted(frozen) == sorted(f"-e {path}" for path in paths)
    (tmp_path / "frozen.txt").write_text("\n".join(frozen))
    yes = ["-y"] if program == "pip" else []
    run("uninstall", *yes, "kurt-skill-web-archiver", "kurt-skill-com-example-calculator")
    with pytest.raises(CommandError, match="kurt_skills"):
        fresh_env.run("-c", IMPORTED)
    run("install", "-r", str(tmp_path / "frozen.txt"))
    assert fresh_env.run("-c", IMPORTED).split()[:2] == ["edited", "calculator"]


@pytest.mark.slow
def test_uv_sync_installs_a_skill_of_the_project_editable(
    skill: Path, fresh_env: FreshEnv, tmp_path: Path
) -> None:
    host = write(
        tmp_path / "host",
        {
            "pyproject.toml": '[project]\nname = "host"\nversion = "0"\n'
            'requires-python = ">=3.11"\ndependencies = ["kurt-skill-web-archiver"]\n'
            f"[tool.uv.sources]\nkurt-skill-web-archiver = {{path = {json.dumps(str(skill))},"
            " editable = true}\n"
        },
    )
    before = snapshot(skill)
    fresh_env.uv("sync", "--quiet", "--active", cwd=host)
    assert snapshot(skill) == before
    code = "from kurt_skills.web_archiver import skill; print(skill.__file__)"
    assert fresh_env.run("-c", code).strip() == str(skill / "skill.py")


@pytest.mark.slow
def test_a_skill_without_code_becomes_a_wheel_without_entry_points(
    fresh_env: FreshEnv, tmp_path: Path
) -> None:
    words = "---\nname: words\nversion: 1.0.0\ndescription: Words\n---\nRead this.\n"
    folder = write(tmp_path / "words", {"pyproject.toml": PYPROJECT, "SKILL.md": words})
    fresh_env.install("pip")
    pip_wheel(fresh_env, folder, tmp_path / "out")
    inside = contents(only(tmp_path / "out", "*.whl"))
    names = {name.rpartition("/")[2] for name in inside}
    assert "entry_points.txt" not in names
    assert inside["kurt_skill_words-1.0.0.dist-info/kurt.json"] == shown(folder)["kurt.json"]
    assert inside["kurt_skills/words/SKILL.md"] == words.encode()


@pytest.mark.slow
def test_a_file_that_was_removed_is_not_in_the_next_wheel(
    skill: Path, fresh_env: FreshEnv, tmp_path: Path
) -> None:
    fresh_env.install("pip")
    # What an older setuptools or a hand-made build left behind.
    write(
        skill,
        {
            "build/lib/kurt_skills/web_archiver/stale.py": "",
            "kurt_skill_web_archiver.egg-info/SOURCES.txt": "stale.py\n",
            "dist/old.whl": "",
            "__pycache__/stale.cpython-311.pyc": "",
        },
    )
    pip_wheel(fresh_env, skill, tmp_path / "one")
    (skill / "helper.py").unlink()
    (skill / "data" / "words.txt").unlink()
    pip_wheel(fresh_env, skill, tmp_path / "two")
    first, second = (contents(only(tmp_path / name, "*.whl")) for name in ("one", "two"))
    assert not [name for name in first if "stale" in name or "old.whl" in name]
    assert first.keys() - second.keys() == {
        "kurt_skills/web_archiver/helper.py",
        "kurt_skills/web_archiver/data/words.txt",
    }


# Without isolation: in the environment that runs the tests, which has the plugin.

SETUP = [sys.executable, "-W", "ignore", "-c", "from setuptools import setup; setup()"]


def setup(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SETUP, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def refused(folder: Path) -> str:
    done = setup(folder, "egg_info")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr, done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("pyproject.toml", PYPROJECT + '\n[project]\nname = "other"\n', ":5:1: [project]"),
        ("pyproject.toml", PYPROJECT + "[project.urls]\n", ":4:1: [project.urls]"),
        ("pyproject.toml", PYPROJECT + '[tool.setuptools]\npackages = ["data"]\n', ":4:1: "),
        ("pyproject.toml", PYPROJECT + "[ tool.setuptools.packages.find ] # x\n", ":4:1: "),
        ("setup.cfg", "[flake8]\nx = 1\n[metadata]\nlicense = other\n", ":3:1: [metadata]"),
        ("setup.cfg", "[options]\ninstall_requires = evil\n", ":1:1: [options]"),
    ],
)
def test_what_would_override_the_manifest_is_refused_with_its_line(
    name: str, text: str, place: str, skill: Path
) -> None:
    write(skill, {name: text})
    said = refused(skill)
    assert name + place in said
    assert "would override the manifest\nhint: remove it" in said


def test_a_manifest_that_cannot_be_used_is_refused_with_its_findings(skill: Path) -> None:
    write(skill, {"SKILL.md": SKILL_MD.replace("name: web-archiver", "name: [Web, archiver]")})
    text = refused(skill)
    assert "SKILL.md:2" in text
    assert "kurt skill validate" in text


@pytest.mark.parametrize(
    "files",
    [
        {"pyproject.toml": '[build-system]\nrequires = ["setuptools"]\n'},
        {"pyproject.toml": '[build-system]\nrequires = ["setuptools", "kurt-extra"]\n'},
        {"pyproject.toml": "not = [toml"},
        {"pyproject.toml": "build-system = 3\n"},
        {"pyproject.toml": "[build-system]\nrequires = [1, 2]\n"},
        {"SKILL.md": "no manifest", "plugin.json": "\0"},
    ],
)
def test_the_build_of_a_stranger_is_left_alone(files: dict[str, str], tmp_path: Path) -> None:
    folder = write(
        tmp_path / "stranger",
        {"SKILL.md": SKILL_MD, "setup.py": "", "module.py": ""} | files,
    )
    code = (
        "import sys, setuptools.dist, kurt_ext.build as build;"
        "d = setuptools.dist.Distribution.__new__(setuptools.dist.Distribution);"
        "build.finalize_distribution_options(d); assert not vars(d), vars(d);"
        "assert not {'kurt_ext.manifest', 'kurt_ext.distinfo'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=folder, check=True)


def test_the_plugin_imports_only_the_standard_library_the_manifest_and_the_writer(
    skill: Path,
) -> None:
    code = (
        "import sys, setuptools.dist\n"
        "sys.modules.update({n: None for n in"
        " ('pydantic', 'click', 'stevedore', 'packaging.foo', 'rich', 'tomlkit')})\n"
        "before = set(sys.modules)\n"
        "setuptools.dist.Distribution()\n"
        "print(*sorted(n for n in set(sys.modules) - before if n.startswith('kurt')))"
    )
    found = subprocess.check_output(
        [sys.executable, "-W", "ignore", "-c", code], cwd=skill, text=True
    ).split()
    assert "kurt_ext.build" in found
    assert not {"kurt_ext.manager", "kurt_ext.shim", "kurt_ext.discovery"} & set(found)
    assert os.listdir(skill.parent) != []
