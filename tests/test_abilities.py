"""What a machine can hold a plugin to is found out by doing, and told as it is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from confined import User, World, needs_kernel, new_world

from kurt_ext.sandbox import abilities as module
from kurt_ext.sandbox import bubblewrap
from kurt_ext.sandbox.abilities import Abilities, Trial, abilities

ALL = ("files", "network", "processes", "signals", "memory", "time", "environment", "metadata")
BY_THE_KERNEL = tuple(name for name in ALL if name != "metadata")
HELD_APART = ("memory", "time", "environment")


def machine(monkeypatch: pytest.MonkeyPatch, **works: bool | str) -> Abilities:
    """Return the abilities of a machine on which some trials work; a text says why one does not."""
    enforced = {
        "process": HELD_APART,
        "kernel": BY_THE_KERNEL,
        "namespaces": ALL,
        "bubblewrap": ALL,
    }

    def tried(name: str, program: str | None) -> Trial:
        told = works.get(name, "it is not there")
        if told is True:
            report: dict[str, Any] = {"enforced": list(enforced[name]), "limits": ["memory"]}
            return Trial(True, "", report | {"seccomp": name != "process"})
        return Trial(False, str(told), {})

    monkeypatch.setattr(module, "_tried", tried)
    program = "/usr/bin/bwrap" if "bubblewrap" in works else None
    return Abilities(7, 7, "x86_64", "Linux 6.18", program)


def test_the_best_tier_that_works_is_the_tier(monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine(monkeypatch, process=True).tier == "process"
    assert machine(monkeypatch, process=True, kernel=True).tier == "kernel"
    able = machine(monkeypatch, process=True, kernel=True, bubblewrap=True)
    assert (able.tier, able.strong_by) == ("strong", "bubblewrap")
    able = machine(monkeypatch, process=True, kernel=True, bubblewrap=True, namespaces=True)
    assert (able.tier, able.strong_by) == ("strong", "namespaces")


def test_what_is_lacking_is_said_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    able = machine(monkeypatch, process=True, kernel="this kernel has no Landlock")
    assert able.enforced() == HELD_APART
    assert not able.enforces(["files"])
    assert able.lacking(["memory", "files"]) == [
        "files are not held back from native code: this kernel has no Landlock"
    ]
    able = machine(monkeypatch, process=True, kernel=True)
    assert able.enforces(BY_THE_KERNEL)
    assert able.lacking(ALL) == ["that files exist, and their sizes and times, can be learnt"]
    able = machine(monkeypatch, process=True, kernel=True, namespaces=True)
    assert able.lacking(ALL) == []
    assert able.lacking(["metadata"], "kernel") != []


def test_rows_tell_the_reason_and_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = machine(monkeypatch, process=True, kernel="no Landlock").rows()
    assert [(row["tier"], row["works"]) for row in rows] == [
        ("process", True),
        ("kernel", False),
        ("strong", False),
    ]
    assert rows[1]["reason"] == rows[2]["reason"] == "no Landlock"
    assert rows[1]["remedy"]
    rows = machine(monkeypatch, process=True, kernel=True, namespaces="EPERM").rows()
    assert rows[2]["reason"] == "EPERM"
    assert "bubblewrap" in rows[2]["remedy"]
    rows = machine(
        monkeypatch, process=True, kernel=True, namespaces="EPERM", bubblewrap="no map"
    ).rows()
    assert rows[2]["reason"] == "EPERM; bubblewrap: no map"


def test_only_what_a_question_takes_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    able = machine(monkeypatch, process=True, kernel=True)
    asked: list[str] = []
    inner = module._tried

    def noting(name: str, program: str | None) -> Trial:
        asked.append(name)
        return inner(name, program)

    monkeypatch.setattr(module, "_tried", noting)
    assert able.reaches("kernel")
    assert able.lacking(BY_THE_KERNEL) == []
    assert asked == ["kernel"]


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_elsewhere_a_process_of_its_own_is_all(
    monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    able = abilities(fresh=True)
    assert (able.tier, able.landlock, able.bubblewrap) == ("process", 0, None)
    assert "Linux" in able.rows()[1]["remedy"]
    monkeypatch.undo()
    abilities(fresh=True)


def test_a_machine_that_starts_nothing_can_do_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError("no processes left")

    monkeypatch.setattr(subprocess, "run", fails)
    able = abilities(fresh=True)
    assert able.tier == "process"
    assert "no processes left" in able.lacking(["files"])[0]
    monkeypatch.undo()
    abilities(fresh=True)


@needs_kernel
def test_this_machine_confines_what_it_says() -> None:
    able = abilities(fresh=True)
    assert able is abilities()
    assert able.reaches("kernel"), able.trial("kernel")
    assert able.seccomp
    assert able.enforces(BY_THE_KERNEL)
    assert able.trial("kernel").report["landlock"] == able.landlock


# -- bubblewrap -----------------------------------------------------------------------


@pytest.fixture
def world() -> Iterator[World]:
    if bubblewrap.find() is None:
        pytest.skip("bubblewrap is not installed")
    trial = abilities().trial("bubblewrap")
    if not trial.works:
        pytest.skip(f"bubblewrap does not work here: {trial.reason}")
    with new_world(User()) as made:
        yield made


def test_bubblewrap_is_looked_for_where_an_administrator_puts_it(tmp_path: Any) -> None:
    assert bubblewrap.find(str(tmp_path)) is None
    (tmp_path / "bwrap").write_text("#!/bin/sh\n")
    assert bubblewrap.find(str(tmp_path)) is None  # it cannot be run
    (tmp_path / "bwrap").chmod(0o755)
    assert bubblewrap.find(f"/nowhere:{tmp_path}") == f"{tmp_path}/bwrap"


def test_bubblewrap_hides_what_is_not_granted(world: World) -> None:
    program = bubblewrap.find() or ""

    def inside(policy: dict[str, Any], words: list[str]) -> list[str]:
        return [*bubblewrap.command(program, policy, path=[str(world.root / "packages")]), *words]

    pieces = {
        "secret": "os.stat(world['secret'])",
        "host": "os.kill(world['host'], 0)",
        "readable": "assert open(world['readable'] + '/text').read() == 'readable'",
        "unwritable": "open(world['readable'] + '/new', 'w')",
        "writable": "open(world['writable'] + '/new', 'w').close()",
        "scratch": "open(world['scratch'] + '/new', 'w').close()",
        "own state": "open('/proc/self/status')",
    }
    found = world.run(pieces, tier="strong", within="bubblewrap", command=inside, parent=0)
    assert found["unconfined"] is None
    assert found["tried"] == {
        "secret": "ENOENT",
        "host": "EPERM",
        "readable": "worked",
        "unwritable": "EROFS",
        "writable": "worked",
        "scratch": "worked",
        "own state": "EACCES",
    }
    assert "metadata" in found["report"]["enforced"]
    assert (world.root / "writable/new").exists()


def test_a_worker_that_is_not_inside_says_so(world: World) -> None:
    found = world.run({}, tier="strong", within="bubblewrap")
    assert found["unconfined"][1] == "metadata"
