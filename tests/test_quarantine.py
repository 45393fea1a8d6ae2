"""A plugin that fails again and again is held back, until anything about it changes."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kurt_ext import errors, quarantine
from kurt_ext.places import Places
from kurt_ext.quarantine import LIMIT, Quarantine, fingerprint

ME = ("com.example.a", "1.0.0", "2.0.0", "f1")


@pytest.fixture
def places() -> Places:
    return Places()


def fail(store: Quarantine, times: int, who: tuple[str, str, str, str] = ME) -> None:
    for number in range(times):
        store.failed(*who, f"reason {number}")


def test_the_third_failure_in_a_row_holds_a_plugin_back(places: Places) -> None:
    store = Quarantine(places)
    told = [store.failed(*ME, "it broke\nand more") for _ in range(LIMIT)]
    assert told[:-1] == [None] * (LIMIT - 1)
    held = told[-1]
    assert held is not None and held.failures == LIMIT == 3 and held.reason == "it broke"
    assert store.held(*ME) is not None
    assert [row.plugin_id for row in store.all()] == ["com.example.a"]


def test_another_process_knows_it_too(places: Places) -> None:
    fail(Quarantine(places), 2)
    fail(Quarantine(places), 1)
    assert Quarantine(places).held(*ME) is not None


@pytest.mark.parametrize("field", [1, 2, 3])
def test_any_change_releases_it(places: Places, field: int) -> None:
    store = Quarantine(places)
    fail(store, LIMIT)
    changed = tuple("changed" if number == field else one for number, one in enumerate(ME))
    assert store.held(*changed) is None
    assert store.failed(*changed, "again") is None, "the count begins anew"
    assert store.held(*ME) is None


@pytest.mark.parametrize("what", ["kurt", "python"])
def test_another_kurt_or_python_releases_it(
    places: Places, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    store = Quarantine(places)
    fail(store, LIMIT)
    if what == "kurt":
        monkeypatch.setattr("kurt_ext.__version__", "99.0.0")
    else:
        monkeypatch.setattr(quarantine.sys, "version_info", (3, 99, 0))
    assert store.held(*ME) is None


def test_a_success_begins_the_count_anew(places: Places) -> None:
    store = Quarantine(places)
    fail(store, LIMIT - 1)
    store.succeeded(ME[0])
    fail(store, LIMIT - 1)
    assert store.held(*ME) is None and store.all() == []


def test_it_is_released_by_name_and_says_whether_it_was_known(places: Places) -> None:
    store = Quarantine(places)
    fail(store, LIMIT)
    assert store.release(ME[0]) is True
    assert store.release(ME[0]) is False
    assert Quarantine(places).held(*ME) is None


def test_the_error_names_plugin_reason_and_way_back(places: Places) -> None:
    store = Quarantine(places)
    fail(store, LIMIT)
    held = store.held(*ME)
    assert held is not None
    error = held.error()
    assert isinstance(error, errors.QuarantinedError) and error.skill == ME[0]
    assert "reason 2" in error.render() and "1.0.0 on 2.0.0" in error.render()
    assert "kurt enable com.example.a --force" in error.render()


def test_the_file_is_the_users_alone(places: Places) -> None:
    store = Quarantine(places)
    fail(store, 1)
    assert stat.S_IMODE(os.stat(store.file).st_mode) == 0o600


@given(st.binary(max_size=200))
def test_a_damaged_file_holds_nothing_back_and_is_written_anew(data: bytes) -> None:
    store = Quarantine(Places())
    Path(store.file).parent.mkdir(parents=True, exist_ok=True)
    Path(store.file).write_bytes(data)
    assert Quarantine(Places()).held(*ME) is None
    fail(store, LIMIT)
    assert Quarantine(Places()).held(*ME) is not None


ROW = {
    "plugin_id": "a",
    "version": "1",
    "host": "h",
    "fingerprint": "f",
    "failures": 3,
    "reason": "r",
    "since": 1.5,
}


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        ({"schema": "kurt.quarantine/1", "failures": [ROW]}, 1),
        ({"schema": "kurt.quarantine/2", "failures": [ROW]}, 0),
        ({"schema": "kurt.quarantine/1", "failures": {"a": ROW}}, 0),
        ({"schema": "kurt.quarantine/1", "failures": [1, {}, {**ROW, "failures": True}, ROW]}, 1),
        ({"schema": "kurt.quarantine/1", "failures": [{**ROW, "reason": None}]}, 0),
        ({"schema": "kurt.quarantine/1", "failures": [{**ROW, "since": "x"}]}, 0),
        ([], 0),
    ],
)
def test_only_rows_that_can_be_read_count(places: Places, content: object, kept: int) -> None:
    store = Quarantine(places)
    Path(store.file).parent.mkdir(parents=True)
    Path(store.file).write_text(json.dumps(content))
    assert len(store.all()) == kept


def test_where_nothing_can_be_written_this_process_remembers(places: Places) -> None:
    data = Path(places.data)
    data.parent.mkdir(parents=True, exist_ok=True)
    data.write_text("a file where the folder should be")
    store = Quarantine(places)
    fail(store, LIMIT)
    assert store.held(*ME) is not None
    assert store.release(ME[0]) and store.held(*ME) is None


def test_two_processes_that_fail_at_once_are_both_counted(places: Places) -> None:
    script = (
        "from kurt_ext.places import Places; from kurt_ext.quarantine import Quarantine\n"
        f"for _ in range(10): Quarantine(Places()).failed(*{ME!r}, 'x')"
    )
    both = [subprocess.Popen([sys.executable, "-c", script]) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    held = Quarantine(places).held(*ME)
    assert held is not None and held.failures == 20


def test_the_file_does_not_grow_without_end(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "_MAX_ROWS", 5)
    store = Quarantine(places)
    for number in range(9):
        store.failed(f"p{number}", "1", "1", "f", "x" * 5000)
    rows = json.loads(Path(store.file).read_text())["failures"]
    assert [row["plugin_id"] for row in rows] == ["p4", "p5", "p6", "p7", "p8"]
    assert all(len(row["reason"]) == 500 for row in rows)


class TestFingerprint:
    def test_it_changes_with_every_file_that_somebody_writes(self, tmp_path: Path) -> None:
        folder = tmp_path / "skill"
        (folder / "sub").mkdir(parents=True)
        seen = {fingerprint(str(folder))}
        for name, text in (("a.py", "1"), ("a.py", "22"), ("sub/b.json", "{}"), ("c.html", "")):
            (folder / name).write_text(text)
            seen.add(fingerprint(str(folder)))
        (folder / "a.py").rename(folder / "d.py")
        seen.add(fingerprint(str(folder)))
        assert len(seen) == 6

    def test_it_is_the_same_where_only_a_run_left_files(self, tmp_path: Path) -> None:
        folder = tmp_path / "skill"
        (folder / "__pycache__").mkdir(parents=True)
        (folder / "a.py").write_text("1")
        before = fingerprint(str(folder))
        for name in ("__pycache__/a.pyc", "run.log", "state.sqlite3", ".hidden", "a.py~"):
            (folder / name).write_text("x")
        assert fingerprint(str(folder)) == before

    def test_of_a_distribution_its_record_counts(self, tmp_path: Path) -> None:
        folder = tmp_path / "x-1.dist-info"
        folder.mkdir()
        (folder / "RECORD").write_text("1")
        before = fingerprint(str(folder))
        (folder / "RECORD").write_text("12")
        assert fingerprint(str(folder)) != before

    def test_a_folder_that_is_gone_has_one_too(self, tmp_path: Path) -> None:
        assert fingerprint(str(tmp_path / "gone")) == fingerprint(str(tmp_path / "gone"))
        assert fingerprint(str(tmp_path), "a") != fingerprint(str(tmp_path), "b")
