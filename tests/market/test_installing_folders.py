"""Whoever is killed while a skill is installed leaves the old one or the new one, whole."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from crashes import die_at
from goods import hidden, receipt_of, stored, version_in, write_plugin

from kurt_ext import installing_folders
from kurt_ext.errors import ConflictError, IntegrityError, LockedError, StorageError
from kurt_ext.installing_folders import held, place, recover, take_away, unfinished
from kurt_ext.lock import lock_path, read
from kurt_ext.market.store import Tree
from kurt_ext.places import Places
from kurt_ext.receipts import Receipts
from kurt_ext.trust import Trust

ID = "com.example.archiver"
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")


@pytest.fixture
def places() -> Places:
    return Places()


@pytest.fixture
def receipts(places: Places) -> Receipts:
    return Receipts(places)


@pytest.fixture
def trees(places: Places, tmp_path: Path) -> dict[str, Tree]:
    """Return two versions of a plugin, kept in the store."""
    made = {}
    for number, version in enumerate(("1.0.0", "2.0.0")):
        folder = write_plugin(
            tmp_path / version, version=version, files={f"part{number}/a.txt": "a"}
        )
        made[version] = stored(places, folder)
    return made


@pytest.fixture
def install(receipts: Receipts, trees: dict[str, Tree]) -> Callable[[str], None]:
    def run(version: str) -> None:
        with held(receipts):
            place(receipts, trees[version], receipt_of(receipts.places, trees[version], version))

    return run


def state(receipts: Receipts) -> tuple[str | None, str | None, str | None]:
    """Return the version that lies in the folder, of the receipt, and of the lock: alike."""
    folder = Path(receipts.root, ID)
    receipt = receipts.find(ID)
    row = read(lock_path(receipts.places)).get("com_example_archiver")
    if receipt is not None:
        assert receipts.changed(receipt) == []
    return (
        version_in(folder),
        receipt.version if receipt else None,
        row.version if row else None,
    )


def settled(receipts: Receipts, *allowed: str | None) -> str | None:
    """Return the version that is there after recovery, whole and agreed upon by all."""
    recover(receipts)
    versions = set(state(receipts))
    assert len(versions) == 1, versions
    (version,) = versions
    assert version in allowed
    assert hidden(Path(receipts.root)) == []
    assert unfinished(receipts) == []
    covered = Trust.load(receipts.places).covers(os.path.join(receipts.root, ID))
    assert covered == (version is not None)
    return version


def test_a_folder_is_placed_noted_locked_and_trusted(
    receipts: Receipts, install: Callable[[str], None]
) -> None:
    install("1.0.0")
    assert settled(receipts, "1.0.0")
    install("2.0.0")
    assert settled(receipts, "2.0.0")
    found = receipts.find(ID)
    assert found is not None
    assert [past.version for past in found.history] == ["1.0.0"]
    assert not Path(receipts.root, ID, "part0").exists()
    with held(receipts):
        take_away(receipts, found)
    assert settled(receipts, None) is None


@needs_fork
@pytest.mark.slow
@pytest.mark.parametrize("exchanging", [True, False], ids=["exchange", "two-renames"])
@pytest.mark.parametrize("verb", ["install", "update", "uninstall"])
def test_killed_at_any_step_the_old_or_the_new_is_whole(
    receipts: Receipts,
    install: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    verb: str,
    exchanging: bool,
) -> None:
    if not exchanging:
        monkeypatch.setattr(installing_folders, "_renameat2", lambda: None)

    def uninstall() -> None:
        with held(receipts):
            found = receipts.find(ID)
            assert found is not None
            take_away(receipts, found)

    def start() -> None:
        if verb == "install":
            if receipts.find(ID) is not None:
                uninstall()
        else:
            install("1.0.0")

    work = {
        "install": lambda: install("1.0.0"),
        "update": lambda: install("2.0.0"),
        "uninstall": uninstall,
    }[verb]
    old, new = {"install": (None, "1.0.0"), "update": ("1.0.0", "2.0.0")}.get(verb, ("1.0.0", None))
    seen = set()
    for number in range(1, 200):
        start()
        if not die_at(work, number):
            break
        there = version_in(Path(receipts.root, ID))
        if exchanging or verb != "update":
            assert there in (old, new)  # even before anybody has recovered anything
        seen.add(settled(receipts, old, new))
    assert number > 10
    assert seen == {old, new}


@pytest.mark.slow
@needs_fork
def test_recovery_that_is_killed_is_finished_by_the_next(
    receipts: Receipts, install: Callable[[str], None], tmp_path: Path
) -> None:
    killed = 0
    for number in range(1, 200, 3):
        install("1.0.0")
        if not die_at(lambda: install("2.0.0"), number):
            break
        for again in range(1, 12, 2):
            if unfinished(receipts):
                killed += die_at(lambda: recover(receipts) and None, again)
        settled(receipts, "1.0.0", "2.0.0")
    assert killed


@needs_fork
def test_two_processes_that_install_at_once_take_turns(
    receipts: Receipts, install: Callable[[str], None]
) -> None:
    children = []
    for number in range(6):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                for turn in range(4):
                    install(("1.0.0", "2.0.0")[(number + turn) % 2])
                code = 0
            finally:
                os._exit(code)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 6
    settled(receipts, "1.0.0", "2.0.0")


def test_a_scope_that_is_held_is_not_recovered(receipts: Receipts, monkeypatch: Any) -> None:
    monkeypatch.setattr(installing_folders, "_WAIT", 0.05)
    with held(receipts), pytest.raises(LockedError), held(receipts):
        pass


@pytest.mark.parametrize("call", ["write", "rename", "mkdir", "replace", "open"])
@pytest.mark.parametrize("before", [None, "1.0.0"])
def test_a_full_disk_leaves_what_was_there(
    receipts: Receipts,
    trees: dict[str, Tree],
    install: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    before: str | None,
) -> None:
    if before:
        install(before)
    real = getattr(os, call)
    count = 0
    for failing in range(60):
        count = 0

        def full(*given: Any, failing: int = failing, **more: Any) -> Any:
            nonlocal count
            if call == "open" and not (given[1] & os.O_CREAT and "lock" not in str(given[0])):
                return real(*given, **more)
            count += 1
            if count > failing:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*given, **more)

        with monkeypatch.context() as patch:
            patch.setattr(os, call, full)
            try:
                install("2.0.0")
            except StorageError:
                failed = True
            except Exception as error:
                failed = True
                assert "space" in str(getattr(error, "cause", error)), error
            else:
                failed = False
        assert version_in(Path(receipts.root, ID)) in (before, "2.0.0")
        version = settled(receipts, before, "2.0.0")
        if not failed:
            assert version == "2.0.0"
            return
        if version == "2.0.0":  # its room ran out when only notes were left to write
            with held(receipts):
                found = receipts.find(ID)
                assert found is not None
                take_away(receipts, found)
            if before:
                install(before)
    raise AssertionError("it never came to an end")


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file system in memory")
def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    import subprocess

    mounted = tmp_path / "small"
    mounted.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(mounted)], capture_output=True
    )
    if made.returncode:
        pytest.skip("no file system can be mounted here: " + made.stderr.decode().strip())
    try:
        (mounted / "skills").mkdir()
        places = Places(skills=str(mounted / "skills"))
        receipts = Receipts(places)
        big = write_plugin(tmp_path / "big", version="2.0.0", files={"a.txt": "x" * 200_000})
        small = write_plugin(tmp_path / "small-one", version="1.0.0", files={"a.txt": "x" * 90_000})
        one, two = stored(places, small), stored(places, big)
        with held(receipts):
            place(receipts, one, receipt_of(places, one, "1.0.0"))
        with held(receipts), pytest.raises(StorageError, match="nothing was changed") as caught:
            place(receipts, two, receipt_of(places, two, "2.0.0"))
        assert "space" in str(caught.value.cause)
        assert version_in(mounted / "skills" / ID) == "1.0.0"
        assert hidden(mounted / "skills") == []
    finally:
        subprocess.run(["umount", str(mounted)], check=True)


def test_a_file_in_the_way_is_left_alone(
    receipts: Receipts, install: Callable[[str], None]
) -> None:
    os.makedirs(receipts.root)
    Path(receipts.root, ID).write_text("mine")
    with pytest.raises(ConflictError, match="no folder"):
        install("1.0.0")
    assert Path(receipts.root, ID).read_text() == "mine"


def test_a_folder_that_was_somebodys_is_kept(
    receipts: Receipts, trees: dict[str, Tree], install: Callable[[str], None]
) -> None:
    own = Path(receipts.root, ID)
    own.mkdir(parents=True)
    (own / "notes.txt").write_text("mine")
    with held(receipts):
        tree = trees["1.0.0"]
        place(receipts, tree, receipt_of(receipts.places, tree, "1.0.0"), keep=True)
    (kept,) = Path(receipts.folder, "kept").iterdir()
    assert (kept / "notes.txt").read_text() == "mine"
    assert settled(receipts, "1.0.0")


def test_a_journal_that_is_forged_deletes_nothing(
    receipts: Receipts, install: Callable[[str], None], tmp_path: Path
) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    folder = Path(receipts.folder, "journal")
    folder.mkdir(parents=True)
    row = (
        '{"schema": "kurt.journal/1", "verb": "place", "name": "x", "new": null, "receipt": null,'
        f' "keep": false, "target": "{tmp_path}/x", "stage": "{precious}"}}\n'
    )
    (folder / "0123.json").write_text(row)
    (folder / "torn.json").write_text("{")
    install("1.0.0")
    assert precious.is_dir()


def test_a_lock_that_cannot_be_read_is_told_before_anything_is_changed(
    receipts: Receipts, install: Callable[[str], None], project: Path
) -> None:
    (project / "kurt.lock").write_text("<<<<<<< HEAD\n")
    with pytest.raises(Exception, match=r"kurt\.lock cannot be used"):
        install("1.0.0")
    (project / "kurt.lock").unlink()
    settled(receipts, None)


def test_a_receipt_of_somebody_else_is_not_believed(
    receipts: Receipts, install: Callable[[str], None]
) -> None:
    install("1.0.0")
    os.chmod(receipts.path_of(ID), 0o666)
    with pytest.raises(IntegrityError, match="cannot be read"):
        receipts.find(ID)


def test_a_project_that_is_gone_leaves_no_trace_that_hurts(
    receipts: Receipts, install: Callable[[str], None]
) -> None:
    install("1.0.0")
    shutil.rmtree(receipts.root)
    found = receipts.find(ID)
    assert found is not None
    with held(receipts):
        take_away(receipts, found)
    assert settled(receipts, None) is None
