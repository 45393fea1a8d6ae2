from __future__ import annotations

import marshal
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kurt_ext import index as store
from kurt_ext.index import Index
from kurt_ext.places import Places

OLD = 10 * store.RACY_NS


def age(path: Path) -> None:
    """Make a file look as if nobody had touched it for a while; its ctime stays young."""
    then = time.time_ns() - OLD
    os.utime(path, ns=(then, then))


def write(places: Places, base: Path, probes: list[str], **given: Any) -> str | None:
    marks = store.sweep(str(base), probes)
    return store.write(
        places,
        started=given.get("started", time.time_ns() + OLD),
        world=([str(base)], [store.fingerprint(str(base))]),
        bases=[(str(base), probes, marks)],
        pages=given.get("pages", ()),
        listing=given.get("listing", b"[]\n"),
        rows=given.get("rows", {}),
        host={},
    )


@pytest.fixture
def base(tmp_path: Path) -> Path:
    folder = tmp_path / "base"
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
        (folder / name / "SKILL.md").write_text(name)
    return folder


PROBES = ["a", "a/SKILL.md", "b", "b/SKILL.md"]


def trusting(path: str | None) -> None:
    """Date the index file into the future, as if its content were long settled."""
    assert path is not None
    later = time.time_ns() + OLD
    os.utime(path, ns=(later, later))


def test_an_index_is_as_it_was_written(base: Path) -> None:
    places = Places()
    pages = [(name, store.make_page(name, [(str(base), ["a"], [])], b"x", {}, [])) for name in "ab"]
    trusting(write(places, base, PROBES, listing=b"listing", rows={"k": [1]}, pages=pages))
    index = Index.open(places)
    assert index is not None
    assert index.section("list") == b"listing"
    assert index.load("rows") == {"k": [1]}
    assert index.unchanged()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda b: (b / "a" / "SKILL.md").write_text("A"), id="same-size-edit"),
        pytest.param(lambda b: (b / "a" / "SKILL.md").write_text("longer"), id="edit"),
        pytest.param(lambda b: (b / "a" / "SKILL.md").unlink(), id="manifest-gone"),
        pytest.param(lambda b: (b / "a" / "skill.py").touch(), id="file-added-to-skill"),
        pytest.param(lambda b: (b / "c").mkdir(), id="skill-added"),
        pytest.param(lambda b: (b / "a").rename(b / "z"), id="skill-renamed"),
    ],
)
def test_a_change_is_seen(base: Path, change: Any) -> None:
    places = Places()
    trusting(write(places, base, PROBES))
    change(base)
    index = Index.open(places)
    assert index is not None
    assert not index.unchanged()


def test_a_swapped_folder_with_equal_times_is_seen(base: Path, tmp_path: Path) -> None:
    places = Places()
    for path in (base / "a", base / "a" / "SKILL.md"):
        age(path)
    trusting(write(places, base, PROBES))
    other = tmp_path / "other"
    other.mkdir()
    (other / "SKILL.md").write_text("a")
    before = (base / "a" / "SKILL.md").stat()
    (base / "a" / "SKILL.md").rename(tmp_path / "kept")
    (other / "SKILL.md").rename(base / "a" / "SKILL.md")
    os.utime(base / "a" / "SKILL.md", ns=(before.st_atime_ns, before.st_mtime_ns))
    index = Index.open(places)
    assert index is not None
    assert not index.unchanged()


def test_what_was_touched_just_before_the_look_is_not_trusted(base: Path) -> None:
    places = Places()
    write(places, base, PROBES, started=time.time_ns())
    index = Index.open(places)
    assert index is not None
    assert not index.unchanged()


def test_times_in_the_future_are_never_trusted(base: Path) -> None:
    now = time.time_ns()
    assert store.is_racy((now + OLD, 0, 1, 1), now)
    assert store.is_racy((now, now, 1, 1), now)
    assert not store.is_racy((now - OLD, now - OLD, 1, 1), now)
    assert not store.is_racy(None, now)


@pytest.mark.parametrize("name", ["a", "b", "ü-x", "long" * 100])
def test_one_skill_is_read_by_its_name_alone(base: Path, name: str) -> None:
    places = Places()
    swept = [(str(base), ["a/SKILL.md"], store.sweep(str(base), ["a/SKILL.md"]))]
    names = ["a", "b", "ü-x", "long" * 100, *(f"skill-{n}" for n in range(50))]
    pages = [(n, store.make_page(n, swept, n.encode(), {}, [])) for n in names]
    trusting(write(places, base, PROBES, pages=pages))
    index = Index.open(places)
    assert index is not None
    page = index.page(name)
    assert page is not None
    assert page["fragment"] == name.encode()
    assert index.page("unknown") is None
    assert set(index.pages()) == {store.name_hash(n) for n in names}


def test_a_page_does_not_outlive_its_manifest(base: Path) -> None:
    places = Places()
    swept = [(str(base), ["a/SKILL.md"], store.sweep(str(base), ["a/SKILL.md"]))]
    trusting(write(places, base, PROBES, pages=[("a", store.make_page("a", swept, b"a", {}, []))]))
    (base / "a" / "SKILL.md").write_text("changed")
    index = Index.open(places)
    assert index is not None
    assert index.page("a") is None


def test_another_search_path_has_another_index(
    base: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    places = Places()
    write(places, base, PROBES)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    assert Index.open(places) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_no_index_and_no_crash(base: Path, data: st.DataObject) -> None:
    places = Places()
    swept = [(str(base), ["a/SKILL.md"], store.sweep(str(base), ["a/SKILL.md"]))]
    pages = [("a", store.make_page("a", swept, b"row", {}, []))]
    path = write(places, base, PROBES, listing=b"listing", pages=pages)
    assert path is not None
    content = bytearray(Path(path).read_bytes())
    how = data.draw(st.sampled_from(["cut", "flip", "grow", "empty"]))
    at = data.draw(st.integers(0, len(content) - 1))
    if how == "cut":
        del content[at:]
    elif how == "flip":
        content[at] ^= data.draw(st.integers(1, 255))
    elif how == "grow":
        content[at:at] = b"\xff" * 8
    else:
        content.clear()
    Path(path).write_bytes(content)
    index = Index.open(places)
    if index is None:
        return
    later = time.time_ns() + OLD
    os.utime(path, ns=(later, later))
    index.unchanged()
    index.page("a")
    try:
        assert index.section("list") == b"listing"
    except ValueError:
        pass


def test_a_foreign_marshal_of_the_right_shape_is_refused(base: Path) -> None:
    places = Places()
    path = write(places, base, PROBES)
    assert path is not None
    Path(path).write_bytes(marshal.dumps({"list": (0, 10, b"")}))
    assert Index.open(places) is None


def test_an_unwritable_cache_costs_the_index_and_nothing_else(
    base: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("KURT_CACHE", str(file / "below"))
    assert write(Places(), base, PROBES) is None


def test_old_index_files_are_removed(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = Places()
    for number in range(70):
        monkeypatch.setattr(sys, "path", [f"/nowhere/{number}"])
        write(places, base, PROBES)
    assert len(os.listdir(places.index)) <= 65


def test_the_file_is_for_its_user_alone(base: Path) -> None:
    path = write(Places(), base, PROBES)
    assert path is not None
    if sys.platform == "win32":
        pytest.skip("Windows has no modes; the profile folder is the user's")
    assert os.stat(path).st_mode & 0o777 == 0o600
