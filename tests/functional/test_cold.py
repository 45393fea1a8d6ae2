"""What only looks imports no skill, and what only helps imports next to nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Run, write_skill

LOUD = """\
import os
open(os.environ["HOME"] + "/imported-" + __name__.replace(".", "-"), "w").close()
raise SystemExit(3)
"""
LOOKING = [
    "list",
    "list --all --text greet",
    "list --json",
    "info loud",
    "info loud --json",
    "info shout",
    "explain loud",
    "explain loud:shout",
    "explain untrusted",
    "doctor",
    "doctor --fix",
    "disable loud",
    "enable shout",
    "config list",
    "config explain tool.enabled",
    "validate loud",
    "validate loud --profile publish",
    "skill trust",
    "shim status",
    "shim repair",
    "shim path",
    "--help",
    "tool list",
    "new quiet",
]


@pytest.mark.parametrize("words", LOOKING)
def test_looking_imports_no_skill(
    kurt: Run, project: Path, own_places: Path, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KURT_TRUST", str(project))
    folder = write_skill(project / "skills", "loud", extension="shout", code=LOUD)
    (folder / "__init__.py").write_text(LOUD)
    ran = kurt(*words.split())
    assert ran.code in (0, 5), ran
    assert "Traceback" not in ran.err
    assert list(own_places.glob("imported-*")) == []


def test_running_imports_it_which_shows_that_the_file_would_be_seen(
    kurt: Run, project: Path, own_places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KURT_TRUST", str(project))
    write_skill(project / "skills", "loud", extension="shout", code=LOUD)
    ran = kurt("run", "shout")
    assert ran.code == 1
    assert "sys.exit(3)" in ran.err
    assert list(own_places.glob("imported-*"))


#: Each of these costs more than the whole of a help page may.
DEAR = {
    "asyncio",
    "importlib.metadata",
    "json",
    "jsonschema_rs",
    "kurt_tool.command",
    "packaging",
    "pydantic",
    "rich",
    "stevedore",
    "tomlkit",
    "yaml",
}


@pytest.mark.parametrize(
    "words",
    ["--help", "list", "list --help", "info greeter", "run --help", "skill --help", "nobody"],
)
def test_what_helps_imports_nothing_dear(skill: Path, words: str) -> None:
    code = (
        "import sys; from kurt_ext.cli import run; run(sys.argv[1:]); "
        "sys.stderr.write('\\n' + ' '.join(sys.modules))"
    )
    line = [sys.executable, "-c", code, *words.split()]
    # Twice: the first run reads what has changed, the second is what users wait for.
    subprocess.run(line, capture_output=True, check=True)
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    loaded = set(done.stderr.rpartition("\n")[2].split())
    assert loaded & DEAR == set()


def test_help_imports_no_command(skill: Path) -> None:
    code = "import sys; from kurt_ext.cli import run; run(['--help']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.rpartition("\n\n")[2].split()
    assert [name for name in loaded if name.startswith("kurt_ext.commands")] == []
