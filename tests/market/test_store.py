"""What is kept by its digest comes back as it was, or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from goods import stored, write_plugin
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kurt_ext.errors import IntegrityError, MarketError, StorageError
from kurt_ext.market import digests
from kurt_ext.market.store import Store, read_folder
from kurt_ext.places import Places

NAME = st.text("abcdefgh", min_size=1, max_size=6)
TREES = st.dictionaries(
    st.lists(NAME, min_size=1, max_size=3).map("/".join),
    st.binary(max_size=64),
    min_size=1,
    max_size=8,
).filter(lambda tree: not any(f"{path}/" in f"{other}/"[:-1] for path in tree for other in tree))


@pytest.fixture
def store() -> Store:
    return Store(Places().store)


@given(content=TREES)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_is_kept_is_laid_out_as_it_was(
    store: Store, tmp_path: Path, content: dict[str, bytes]
) -> None:
    tree = store.put("thing", content)
    target = tmp_path / f"out-{os.urandom(4).hex()}"
    found = store.find(tree.digest)
    assert found == tree
    store.lay(tree, str(target))
    laid = {
        str(path.relative_to(target)): path.read_bytes()
        for path in target.rglob("*")
        if path.is_file()
    }
    assert laid == content


def test_one_tree_is_kept_once_and_cannot_be_written(tmp_path: Path) -> None:
    places = Places()
    folder = write_plugin(tmp_path)
    tree = stored(places, folder)
    assert stored(places, folder) == tree
    assert Store(places.store).digests() == [tree.digest]
    assert not os.stat(os.path.join(tree.folder, "main.py")).st_mode & 0o222
    assert [name for name in os.listdir(places.store) if name.startswith("tmp-")] == []


def test_a_tree_that_is_not_what_was_promised_is_not_kept(store: Store) -> None:
    with pytest.raises(IntegrityError, match="not those that were promised"):
        store.put("thing", {"a": b"x"}, digests.of_bytes(b"other"))
    assert store.digests() == []


@pytest.mark.parametrize("harm", ["change", "remove", "link"])
def test_a_damaged_copy_is_never_laid_out(store: Store, tmp_path: Path, harm: str) -> None:
    tree = store.put("thing", {"a.py": b"one", "b.py": b"two"})
    path = Path(tree.folder, "b.py")
    path.unlink()
    if harm == "change":
        path.write_bytes(b"TWO")
    elif harm == "link":
        path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(IntegrityError, match="damaged"):
        store.lay(tree, str(tmp_path / "out"))
    assert store.find(tree.digest) is None
    again = store.put("thing", {"a.py": b"one", "b.py": b"two"})
    store.lay(again, str(tmp_path / "again"))


@pytest.mark.parametrize("at_hand", [True, False])
def test_where_there_are_no_links_files_are_copied(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_hand: bool
) -> None:
    def no_link(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    content = {"a.py": b"one", "b/c.py": b"two"}
    tree = store.put("thing", content)
    monkeypatch.setattr(os, "link", no_link)
    store.lay(tree, str(tmp_path / "out"), content if at_hand else None)
    assert (tmp_path / "out" / "b" / "c.py").read_bytes() == b"two"
    assert (tmp_path / "out" / "a.py").stat().st_nlink == 1


def test_what_is_written_through_a_link_is_not_laid_out_again(store: Store, tmp_path: Path) -> None:
    tree = store.put("thing", {"a.py": b"one"})
    store.lay(tree, str(tmp_path / "out"))
    path = tmp_path / "out" / "a.py"
    path.chmod(0o600)
    path.write_bytes(b"two")
    with pytest.raises(IntegrityError):
        store.lay(tree, str(tmp_path / "again"))
    assert not (tmp_path / "again").exists()


def test_a_forged_listing_is_as_good_as_none(store: Store) -> None:
    tree = store.put("thing", {"a.py": b"one"})
    listing = Path(store.path_of(tree.digest), "tree.json")
    forged = listing.read_text().replace(digests.of_bytes(b"one"), digests.of_bytes(b"two"))
    listing.chmod(0o600)
    listing.write_text(forged)
    assert store.find(tree.digest) is None


def test_pruning_keeps_what_is_named(store: Store) -> None:
    kept = store.put("one", {"a": b"1"})
    gone = store.put("two", {"a": b"2"})
    removed, freed = store.prune([kept.digest])
    assert removed == [gone.digest]
    assert freed > 0
    assert store.digests() == [kept.digest]


def test_a_wheel_is_kept_by_its_digest(store: Store) -> None:
    path = store.keep_wheel("thing-1.0-py3-none-any.whl", b"wheel")
    assert store.wheel(digests.of_bytes(b"wheel")) == path
    os.chmod(path, 0o600)
    Path(path).write_bytes(b"another")
    assert store.wheel(digests.of_bytes(b"wheel")) is None
    assert store.keep_wheel("thing-1.0-py3-none-any.whl", b"wheel") == path
    assert store.wheel(digests.of_bytes(b"wheel")) == path


def test_a_link_is_not_read(tmp_path: Path) -> None:
    folder = write_plugin(tmp_path)
    (folder / "secret").symlink_to("/etc/passwd")
    with pytest.raises(MarketError, match="link"):
        read_folder(str(folder))


@pytest.mark.parametrize(
    ("limits", "part"), [({"max_files": 1}, "files"), ({"max_bytes": 50}, "too large")]
)
def test_too_much_is_refused(tmp_path: Path, limits: dict[str, int], part: str) -> None:
    with pytest.raises(MarketError, match=part):
        read_folder(str(write_plugin(tmp_path)), **limits)


def test_names_that_one_file_system_takes_for_one_are_refused(tmp_path: Path) -> None:
    folder = write_plugin(tmp_path, files={"Read.md": "", "read.md": ""})
    if len(list(folder.iterdir())) == 3:
        pytest.skip("this file system folds case")
    with pytest.raises(MarketError, match="case-collision"):
        read_folder(str(folder))


def test_hidden_files_and_bytecode_are_left_out(tmp_path: Path) -> None:
    folder = write_plugin(tmp_path, files={".env": "SECRET=1", "__pycache__/main.pyc": ""})
    assert set(read_folder(str(folder))) == {"plugin.json", "main.py"}


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        Store(str(tmp_path / "file")).put("thing", {"a": b""})
