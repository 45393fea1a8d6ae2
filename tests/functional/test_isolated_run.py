"""`kurt run` of a plugin that is held to its manifest: what it may, is told, and used."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lives import manifest
from trees import grow

from kurt_ext.sandbox.abilities import abilities

from .conftest import Run

#: Plugins live where they live for everybody.
ISOLATED = True
KEEPER = "com.example.keeper"
CODE = """\
class Plugin:
    def __init__(self, metadata, config):
        pass

    def words(self, path):
        print("counting \\x1b[31m" + path)
        with open(path) as stream:
            return {"words": len(stream.read().split())}
"""


@pytest.fixture
def keeper(project: Path, own_places: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return what writes a trusted plugin that may read ``~/notes``."""
    grow(own_places / "notes", {"a.txt": "one two three"})
    monkeypatch.setenv("KURT_TRUST", str(project))

    def write(**fields: Any) -> None:
        capability = {"name": "words", "description": "Count.", "version": "1.0.0"}
        capability["parameters"] = {  # type: ignore[assignment]
            "type": "object",
            "properties": {"path": {"type": "string"}},
            "required": ["path"],
        }
        given = {"permissions": {"filesystem_read": ["~/notes"]}} | fields
        text = manifest(KEEPER, capabilities=[capability], **given)
        grow(
            project, {"kurt.toml": "", "skills": {"keeper": {"plugin.json": text, "main.py": CODE}}}
        )

    write()
    return write


def count(path: Path, *more: str) -> tuple[str, ...]:
    return ("run", f"{KEEPER}:words", f"path={path}", *more)


def test_it_does_what_it_declares_and_shows_what_it_prints(
    here: Run, keeper: Callable[..., None], own_places: Path
) -> None:
    done = here(*count(own_places / "notes" / "a.txt"))
    assert done.code == 0
    assert done.out.split() == ["words", "3"]
    assert f"counting {own_places}" in done.err
    assert "\x1b" not in done.err


@pytest.mark.skipif(abilities().tier == "process", reason="this kernel holds nothing back")
@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_what_it_does_not_declare_is_refused_with_the_line_to_write(
    here: Run, keeper: Callable[..., None], mode: str
) -> None:
    done = here(*count(Path("/etc/passwd"), "--isolation", mode))
    assert done.code == 1
    assert "filesystem_read does not cover it" in done.err
    assert 'write "/etc/passwd" into filesystem_read' in done.err
    assert "skills/keeper/main.py:7" in done.err
    assert here(*count(Path("/etc/passwd"), "--isolation", "none")).code == 0


def test_what_it_used_is_told_beside_what_it_declares(
    here: Run, keeper: Callable[..., None], own_places: Path
) -> None:
    keeper(permissions={"filesystem_read": ["~/notes", "~/other"]})
    done = here(*count(own_places / "notes" / "a.txt", "--trace-permissions", "--json"))
    trace = json.loads(done.out)["data"]["trace"]
    assert [row["entry"] for row in trace["used"]] == ["~/notes"]
    assert [row["entry"] for row in trace["unused"]] == ["~/other"]
    assert trace["undeclared"] == []
    refused = here(*count(Path("/etc/passwd"), "--trace-permissions"))
    assert refused.code == 1
    assert "asked for, and not declared\n  read /etc/passwd" in refused.out
    assert '"filesystem_read": ["~/notes", "~/other", "/etc/passwd"]' in refused.out


def test_what_runs_in_this_process_cannot_be_traced(
    here: Run, keeper: Callable[..., None], own_places: Path
) -> None:
    done = here(*count(own_places, "--trace-permissions", "--isolation", "none"))
    assert done.code == 2
    assert "it runs in the host's own process, since the caller asks for it" in done.err


def test_strict_is_refused_where_the_kind_lives_in_the_host(
    here: Run, keeper: Callable[..., None], project: Path
) -> None:
    code = "class Plugin:\n    def start(self, settings): return object()\n"
    grow(
        project / "skills",
        {
            "lamp": {
                "plugin.json": manifest("com.example.lamp", plugin_type="integration"),
                "main.py": code,
            }
        },
    )
    done = here("permissions", "show", "com.example.lamp")
    assert "nothing holds it to that: it runs in the host's own process, since the kind" in done.out


def test_what_holds_it_is_told_with_its_limits(here: Run, keeper: Callable[..., None]) -> None:
    done = here("permissions", "show", KEEPER)
    assert done.code == 0
    assert "in a process of its own (auto: it lies in a trusted folder)" in done.out
    assert "2048 MiB of memory" in done.out
    data = json.loads(here("permissions", "show", KEEPER, "--json").out)["data"]
    assert data["held"]["isolation"]["mode"] == "auto"
    assert data["held"]["limits"]["seconds"] == 300
