"""Everything in a folder is counted, once, and accounted for."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trees import grow

from kurt_ext.analysis import inventory
from kurt_ext.analysis.inventory import Limits, take


def accounted(folder: Path, limits: Limits = inventory.LIMITS) -> inventory.Inventory:
    found = take(str(folder), limits)
    found.account()
    assert found.files_seen == found.files_accounted_for
    assert not found.digests.keys() & found.unread.keys()
    return found


def test_caches_dotfiles_and_tests_count_too(tmp_path: Path) -> None:
    grow(tmp_path, {"a.py": "1", ".b": "", "__pycache__": {"c.pyc": ""}, "tests": {"d.py": ""}})
    found = accounted(tmp_path)
    assert list(found.digests) == [".b", "__pycache__/c.pyc", "a.py", "tests/d.py"]
    assert found.complete


def test_p37_links_are_not_followed_and_sizes_are_those_of_files(tmp_path: Path) -> None:
    grow(tmp_path, {"in": {"a.txt": "12345", "b.txt": "1"}, "out": {"secret": "x" * 99}})
    os.symlink(tmp_path / "out", tmp_path / "in" / "folder")
    os.symlink(tmp_path / "out" / "secret", tmp_path / "in" / "file.py")
    os.symlink("loop", tmp_path / "in" / "loop")
    found = accounted(tmp_path / "in")
    assert {e.path: e.size for e in found.entries if e.kind == "file"} == {"a.txt": 5, "b.txt": 1}
    assert {e.path for e in found.entries if e.kind == "link"} == {"folder", "file.py", "loop"}
    assert found.read("file.py") is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_holds_nobody_up_even_one_that_was_a_file(tmp_path: Path) -> None:
    grow(tmp_path, {"was.py": "x", "b.py": ""})
    os.mkfifo(tmp_path / "pipe.py")
    found = take(str(tmp_path))
    os.unlink(tmp_path / "was.py")
    os.mkfifo(tmp_path / "was.py")
    found.account()
    assert found.read("was.py") is None and found.read("pipe.py") is None
    assert found.files_seen == found.files_accounted_for == 3


def test_a_file_that_becomes_a_link_or_goes_is_unread(tmp_path: Path) -> None:
    grow(tmp_path, {"a": "1", "b": "2", "c": "3"})
    found = take(str(tmp_path))
    os.unlink(tmp_path / "a")
    os.symlink("c", tmp_path / "a")
    os.unlink(tmp_path / "b")
    found.account()
    assert set(found.unread) == {"a", "b"}
    assert found.files_seen == found.files_accounted_for


def test_what_is_read_is_kept_as_it_was(tmp_path: Path) -> None:
    grow(tmp_path, {"a": "old"})
    found = take(str(tmp_path))
    assert found.read("a") == b"old"
    (tmp_path / "a").write_text("new")
    assert found.read("a") == b"old"


def test_names_that_are_no_text_are_names(tmp_path: Path) -> None:
    try:
        with open(os.fsencode(str(tmp_path)) + b"/\xff\xfe.py", "wb") as stream:
            stream.write(b"1")
    except OSError:
        pytest.skip("this file system has names of text alone")
    assert accounted(tmp_path).files_seen == 1


@pytest.mark.parametrize(("depth", "complete"), [(20, True), (21, False), (200, False)])
def test_folders_in_one_another_have_a_limit(tmp_path: Path, depth: int, complete: bool) -> None:
    (tmp_path.joinpath(*["d"] * depth)).mkdir(parents=True)
    assert accounted(tmp_path).complete is complete


def test_of_too_many_names_those_that_lie_highest_are_looked_at(tmp_path: Path) -> None:
    grow(tmp_path, {"z.py": "", "a": {f"{n}.txt": "" for n in range(50)}})
    found = accounted(tmp_path, Limits(entries=10))
    assert found.beyond > 40 and not found.complete and len(found.entries) == 10
    assert "z.py" in found.by_path


@pytest.mark.parametrize("limits", [Limits(file=4), Limits(kept=4), Limits(digested=4)])
def test_what_is_too_large_is_not_kept(tmp_path: Path, limits: Limits) -> None:
    grow(tmp_path, {"a": "12345", "b": "12345"})
    found = accounted(tmp_path, limits)
    assert len(found.read("a") or b"") in (0, 5)


@pytest.mark.parametrize("folder", ["missing", "a\0b", "file"])
def test_a_folder_that_is_none_raises_nothing(tmp_path: Path, folder: str) -> None:
    grow(tmp_path, {"file": ""})
    assert take(str(tmp_path / folder)).entries == ()


names = st.text("abcé.", min_size=1, max_size=3).filter(lambda text: text.strip("."))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(tree=st.recursive(st.just("x"), lambda below: st.dictionaries(names, below), max_leaves=12))
def test_the_order_of_a_directory_changes_nothing(
    tree: object, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("tree")
    grow(folder, {"top": tree})
    first = accounted(folder)
    scandir = os.scandir

    class Shuffled:
        def __init__(self, path: str) -> None:
            with scandir(path) as scan:
                self.entries = list(scan)
            random.shuffle(self.entries)

        def __enter__(self) -> list[os.DirEntry[str]]:
            return self.entries

        def __exit__(self, *_: object) -> None:
            pass

    with monkeypatch.context() as patch:
        patch.setattr(inventory.os, "scandir", Shuffled)
        second = accounted(folder)
    assert (first.entries, first.digests) == (second.entries, second.digests)
