"""An index is believed by the root that somebody has, for as long as that root says."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path

import pytest

from kurt_ext.errors import (
    KurtError,
    MarketError,
    MissingExtraError,
    SignatureError,
    StaleIndexError,
)
from kurt_ext.market import tuf_layer, verifying
from kurt_ext.market.books import Books
from kurt_ext.market.clients import Market
from kurt_ext.market.holding import held
from kurt_ext.market.keys import Keyring
from kurt_ext.market.mirroring import mirror
from kurt_ext.market.publishing import commit
from kurt_ext.market.reading import FolderReader
from kurt_ext.market.roots import make_root, read_root
from kurt_ext.market.signing import PrivateKey
from kurt_ext.market.verifying import verify
from kurt_ext.places import Places

from .conftest import Shop, write_skill

pytest.importorskip("tuf")


class Protected(Shop):
    """A marketplace with a root, the root as it was handed out, and a client's memory."""

    root_key: PrivateKey
    key: PrivateKey
    handed: bytes
    state: str

    def believe(self) -> bytes:
        return tuf_layer.index(self.reader, self.handed, self.state)

    def index_bytes(self) -> bytes:
        return (self.root / "kurt" / "v1" / "index.json").read_bytes()


@pytest.fixture
def protected(shop: Shop, places: Places, tmp_path: Path) -> Protected:
    ring = Keyring(places)
    made = Protected(shop.root, places)
    made.root_key, made.key = ring.new("offline"), ring.new("online")
    number, path = make_root(str(shop.root), made.root_key, made.key)
    assert number == 1
    made.handed = read_root(path)
    made.state = str(tmp_path / "state")
    return made


def test_what_is_believed_is_the_index(protected: Protected) -> None:
    assert protected.believe() == protected.index_bytes()
    write_skill(protected.root / "skills" / "greeter", "1.1.0")
    assert protected.build(key=protected.key).changed
    assert protected.believe() == protected.index_bytes()


def test_only_the_key_of_the_root_signs(protected: Protected, places: Places) -> None:
    write_skill(protected.root / "skills" / "greeter", "1.1.0")
    other = Keyring(places).new("other")
    before = protected.index_bytes()
    with pytest.raises(SignatureError, match="names another key"):
        protected.build(key=other)
    with pytest.raises(SignatureError):
        protected.build(unsigned=True)
    assert protected.index_bytes() == before and protected.believe() == before


def test_an_index_that_is_put_back_is_noticed(protected: Protected, tmp_path: Path) -> None:
    old = tmp_path / "old"
    shutil.copytree(protected.root / "kurt", old)
    write_skill(protected.root / "skills" / "greeter", "1.1.0")
    protected.build(key=protected.key)
    protected.believe()
    shutil.rmtree(protected.root / "kurt")
    shutil.copytree(old, protected.root / "kurt")
    with pytest.raises(StaleIndexError, match="older than one that was seen"):
        protected.believe()


def test_a_stolen_key_is_taken_away_by_a_new_root(protected: Protected, places: Places) -> None:
    protected.believe()
    new = Keyring(places).new("second")
    assert make_root(str(protected.root), protected.root_key, new)[0] == 2
    assert protected.believe() == protected.index_bytes()
    write_skill(protected.root / "skills" / "greeter", "1.1.0")
    with pytest.raises(SignatureError):
        protected.build(key=protected.key)
    assert protected.build(key=new).changed
    assert protected.believe() == protected.index_bytes()


def test_the_root_key_itself_may_be_changed(protected: Protected, places: Places) -> None:
    other = Keyring(places).new("offline-2")
    with pytest.raises(SignatureError, match="does not know this key"):
        make_root(str(protected.root), other, protected.key)
    make_root(str(protected.root), other, protected.key, previous=protected.root_key)
    assert protected.believe() == protected.index_bytes()
    with pytest.raises(SignatureError):
        make_root(str(protected.root), protected.root_key, protected.key)
    make_root(str(protected.root), other, protected.key)
    assert protected.believe() == protected.index_bytes()


def test_a_root_of_somebody_else_believes_nothing(
    protected: Protected, places: Places, tmp_path: Path
) -> None:
    ring = Keyring(places)
    twin = tmp_path / "twin"
    shutil.copytree(protected.root, twin)
    shutil.rmtree(twin / "kurt" / "v1" / "tuf")
    _, path = make_root(str(twin), ring.new("a"), ring.new("b"))
    with pytest.raises(KurtError) as caught:
        tuf_layer.index(FolderReader(str(protected.root)), read_root(path), protected.state)
    assert isinstance(caught.value, SignatureError)


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets", "index"])
def test_a_change_of_any_part_is_found(protected: Protected, role: str) -> None:
    for path in list((protected.root / "kurt/v1/tuf").rglob(f"*{role}.json")):
        data = path.read_bytes()
        path.write_bytes(data.replace(b'"version": 1', b'"version": 2').replace(b"e", b"E", 1))
    with pytest.raises(MarketError):
        protected.believe()


@pytest.mark.parametrize("role", ["timestamp.json", "1.snapshot.json", "1.targets.json"])
def test_a_part_that_is_missing_is_found(protected: Protected, role: str) -> None:
    (protected.root / "kurt/v1/tuf" / role).unlink()
    with pytest.raises(MarketError, match="cannot be had by TUF"):
        protected.believe()


def test_what_has_expired_is_not_believed(protected: Protected) -> None:
    root = str(protected.root)
    with held(root):
        books = Books(root)
        books.commit(key=protected.key, renew=True, now=time.time() - 40 * 86_400)
    with pytest.raises(StaleIndexError, match="expired"):
        protected.believe()
    with held(root):
        commit(Books(root), protected.key, renew=True)
    assert protected.believe() == protected.index_bytes()


def test_noise_in_the_place_of_a_root_is_told(protected: Protected) -> None:
    for data in (b"", b"{}", b"[]", b"\xff", json.dumps({"signed": {}}).encode()):
        with pytest.raises(MarketError):
            tuf_layer.index(protected.reader, data, protected.state)


def test_verify_and_mirror_believe_by_a_root(
    protected: Protected, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "_PAUSES", ())
    believed = {"root": protected.handed, "state": protected.state}
    assert not verify(protected.reader, **believed).findings  # type: ignore[arg-type]
    here = str(tmp_path / "mirror")
    mirror(protected.reader, here, **believed)  # type: ignore[arg-type]
    copy = FolderReader(here)
    assert not verify(copy, root=protected.handed, state=str(tmp_path / "second")).findings
    index = protected.raw
    index["skills"][0]["score"] = 1
    text = json.dumps(index)
    (protected.root / "kurt" / "v1" / "index.json").write_text(text)
    found = verify(protected.reader, **believed).findings  # type: ignore[arg-type]
    assert "market-tuf" in {one.rule for one in found}
    third = tmp_path / "third"
    mirror(protected.reader, str(third), **believed)  # type: ignore[arg-type]
    assert (third / "kurt/v1/index.json").read_bytes() == protected.believe()
    assert not verify(FolderReader(str(third)), **believed).findings  # type: ignore[arg-type]


def test_only_what_two_indexes_need_is_kept_for_long(protected: Protected) -> None:
    folder = protected.root / "kurt/v1/tuf"
    for number in range(2, 6):
        write_skill(protected.root / "skills" / "greeter", f"1.{number}.0")
        for path in folder.rglob("*.json"):
            os.utime(path, (1e9, 1e9))
        protected.build(key=protected.key)
    assert len(list(folder.glob("*.snapshot.json"))) == 2
    assert len(list((folder / "targets").iterdir())) == 2
    assert protected.believe() == protected.index_bytes()


def test_without_the_extra_the_line_that_installs_it_is_told(
    protected: Protected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tuf.api.metadata", None)
    with pytest.raises(MissingExtraError) as caught:
        protected.believe()
    assert caught.value.hint == "pip install 'kurt-ext[tuf]'"


def test_a_client_believes_by_the_root_of_its_settings(
    protected: Protected, places: Places, tmp_path: Path
) -> None:
    root = tmp_path / "root.json"
    root.write_bytes(protected.handed)

    def asked() -> int:
        market = Market(places, "m", str(protected.root), tuf_root=str(root))
        try:
            return market.refresh().snapshot
        finally:
            market.close()

    assert asked() == asked() == protected.index.meta.snapshot
    write_skill(protected.root / "skills" / "greeter", "1.1.0")
    protected.build(key=protected.key)
    assert asked() == protected.index.meta.snapshot
    index = protected.raw
    index["meta"]["snapshot"] += 1
    (protected.root / "kurt" / "v1" / "index.json").write_text(json.dumps(index))
    assert asked() == index["meta"]["snapshot"] - 1  # the one that was signed
    root.unlink()
    with pytest.raises(MarketError, match="cannot be read"):
        asked()
