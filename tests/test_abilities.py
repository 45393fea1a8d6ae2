"""What a machine can hold a plugin to is found out by doing, and told as it is."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confined import User, World, needs_kernel, new_world

from kurt_ext.sandbox import abilities as module
from kurt_ext.sandbox import bubblewrap, syscalls, trying
from kurt_ext.sandbox.abilities import Abilities, Trial, abilities
from kurt_ext.sandbox.kernel import MACHINE
from kurt_ext.sandbox.limits import DEFAULTS
from kurt_ext.sandbox.spawning import Spawner

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


#: Takes some system calls away from itself, as an older kernel or an outer sandbox does.
_LESS = """
import json, struct, sys
sys.path.append(sys.argv[1])
from kurt_ext.sandbox import abilities, kernel, seccomp
refused = json.loads(sys.argv[2])
lines = [(0x20, 0, 0, 0)]
for number, code in refused:
    lines += [(0x15, 0, 1, number), (0x06, 0, 0, seccomp.refuse(code))]
lines += [(0x06, 0, 0, seccomp.ALLOW)]
kernel.libc().prctl(38, 1, 0, 0, 0)
seccomp.install(b"".join(struct.pack("=HBBI", *line) for line in lines))
able = abilities.abilities()
print(json.dumps({"tier": able.tier, "landlock": able.landlock, "rows": able.rows()}))
"""
ENOSYS, EPERM = 38, 1
#: What is missing → (system calls that fail, and how; the best tier; words of the reason).
MISSING = {
    "landlock": ([("landlock_create_ruleset", ENOSYS)], "process", "no Landlock"),
    "landlock by a rule": ([("landlock_restrict_self", EPERM)], "process", "Landlock does not"),
    "openat2": ([("openat2", ENOSYS)], "process", "cannot be refused"),
    "seccomp": ([("seccomp", EPERM)], "process", "no filter"),
    "capset": ([("capset", EPERM)], "process", "capabilities"),
    "namespaces": ([("unshare", EPERM), ("clone", EPERM)], "kernel", "namespaces"),
    "mounts": ([("open_tree", EPERM), ("mount", EPERM)], "kernel", "namespaces"),
}


@needs_kernel
@pytest.mark.parametrize("missing", MISSING)
def test_a_machine_that_lacks_something_says_so(missing: str) -> None:
    names, tier, reason = MISSING[missing]
    tables = (syscalls.REFUSED, syscalls.ALLOWED)
    numbers = {
        name: number
        for table in tables
        for name, number in syscalls.numbers(table, MACHINE).items()
    }
    # bubblewrap makes its namespaces by clone, which starting a process takes as well.
    refused = [(numbers[name], code) for name, code in names if name in numbers]
    root = str(Path(module.__file__).parent.parent.parent)
    run = subprocess.run(
        [sys.executable, "-I", "-B", "-c", _LESS, root, json.dumps(refused)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found = json.loads(run.stdout)
    rows = {row["tier"]: row for row in found["rows"]}
    assert rows["process"]["works"]
    if tier == "process":
        assert found["tier"] == "process"
        assert reason in rows["kernel"]["reason"]
        assert rows["strong"]["reason"] == rows["kernel"]["reason"]
        assert "files" in rows["process"]["lacks"]
    else:
        assert rows["kernel"]["works"]
        if not rows["strong"]["works"]:
            assert reason in rows["strong"]["reason"]
        else:
            assert rows["strong"]["by"][-1] == "bubblewrap"
    assert all(row["remedy"] for row in rows.values() if not row["works"])


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


def test_bubblewrap_is_looked_for_where_an_administrator_puts_it(tmp_path: Path) -> None:
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


@needs_kernel
@pytest.mark.parametrize("by", ["kernel", "namespaces", "bubblewrap"])
def test_workers_start_in_every_tier_that_works(tmp_path: Path, by: str) -> None:
    trial = abilities().trial(by)
    if not trial.works:
        pytest.skip(trial.reason)
    scratch = Path(os.path.realpath(tmp_path)) / "scratch"
    canary = Path(os.path.realpath(tmp_path)) / "canary"
    scratch.mkdir()
    canary.write_text("sing")
    told = trying.policy("kernel" if by == "kernel" else "strong", str(scratch), str(canary))
    told |= {"limits": DEFAULTS, "write": [str(scratch)]}

    async def told_by() -> dict[str, Any]:
        spawner = Spawner(packages=["workerside"])
        around = None
        if by == "bubblewrap":
            program = abilities().bubblewrap or ""
            around = bubblewrap.command(program, told, path=spawner.places.values())
        worker = await spawner.spawn(told, handler="workerside.served:Handler", strong=around)
        try:
            assert await worker.channel.request("echo", "hello", timeout=10) == "hello"
            return worker.report
        finally:
            worker.kill("it was tried")
            await worker.ended()

    report = asyncio.run(told_by())
    assert report["enforced"] == trial.report["enforced"]
    assert set(trial.report["namespaces"]) == set(report["namespaces"])
