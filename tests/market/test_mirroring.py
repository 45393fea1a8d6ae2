"""A mirror is the marketplace, or what it was before."""

from __future__ import annotations

import functools
import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from kurt_ext.errors import IntegrityError, MarketError, SignatureError, StaleIndexError
from kurt_ext.market.keys import Keyring
from kurt_ext.market.mirroring import mirror
from kurt_ext.market.publishing import yank
from kurt_ext.market.reading import FolderReader, reader_of
from kurt_ext.market.verifying import verify

from .conftest import Shop, write_skill


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def served(shop: Shop) -> Iterator[str]:
    """Return the address of a web server that serves the marketplace's folder."""
    handler = functools.partial(Quiet, directory=str(shop.root))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def index_of(folder: Path) -> bytes:
    return (folder / "kurt" / "v1" / "index.json").read_bytes()


def test_a_mirror_of_a_server_is_the_marketplace(shop: Shop, served: str, tmp_path: Path) -> None:
    here = tmp_path / "mirror"
    done = mirror(reader_of(served), str(here))
    assert done.skills == 2 and done.copied > done.kept
    assert index_of(here) == index_of(shop.root)
    assert not verify(FolderReader(str(here))).findings
    assert (here / ".well-known/agent-skills/index.json").exists()
    again = mirror(reader_of(served), str(here))
    assert again.copied == 0 and again.kept == done.copied + done.kept


def test_a_mirror_of_a_mirror_is_one(shop: Shop, tmp_path: Path) -> None:
    mirror(shop.reader, str(tmp_path / "one"))
    mirror(reader_of(str(tmp_path / "one")), str(tmp_path / "two"))
    assert index_of(tmp_path / "two") == index_of(shop.root)


def test_what_is_new_is_copied(shop: Shop, tmp_path: Path) -> None:
    here = str(tmp_path / "mirror")
    mirror(shop.reader, here)
    write_skill(shop.root / "skills" / "greeter", "1.1.0")
    shop.build()
    yank(str(shop.root), "greeter", "1.0.0", "old")
    done = mirror(shop.reader, here)
    assert 0 < done.copied < 12 and done.kept > 0
    assert not verify(FolderReader(here)).findings


def test_a_file_that_was_damaged_is_copied_again(shop: Shop, tmp_path: Path) -> None:
    here = tmp_path / "mirror"
    mirror(shop.reader, str(here))
    victim = next((here / "files" / "archives").rglob("*.zip"))
    victim.write_bytes(b"x")
    assert mirror(shop.reader, str(here)).copied == 1
    assert not verify(FolderReader(str(here))).findings


def test_a_skill_alone_may_be_mirrored(shop: Shop, tmp_path: Path) -> None:
    here = tmp_path / "mirror"
    done = mirror(shop.reader, str(here), only=["greeter"])
    assert done.skills == 1
    assert not verify(FolderReader(str(here)), only=["greeter"]).findings
    with pytest.raises(MarketError, match="there is no nobody"):
        mirror(shop.reader, str(here), only=["nobody"])


def test_a_damaged_marketplace_leaves_the_mirror_as_it_was(shop: Shop, tmp_path: Path) -> None:
    here = tmp_path / "mirror"
    mirror(shop.reader, str(here))
    before = index_of(here)
    write_skill(shop.root / "skills" / "greeter", "1.1.0")
    shop.build()
    release = shop.skill("greeter").releases[-1]
    assert release.source.type == "files" and release.source.archive is not None
    (shop.root / release.source.archive.url).write_bytes(b"evil")
    with pytest.raises(IntegrityError):
        mirror(shop.reader, str(here))
    assert index_of(here) == before
    assert not verify(FolderReader(str(here))).findings


def test_an_older_index_is_no_update(shop: Shop, tmp_path: Path) -> None:
    shutil.copytree(shop.root, tmp_path / "old")
    write_skill(shop.root / "skills" / "greeter", "1.1.0")
    shop.build()
    here = tmp_path / "mirror"
    mirror(shop.reader, str(here))
    with pytest.raises(StaleIndexError, match="older than one that was seen"):
        mirror(reader_of(str(tmp_path / "old")), str(here))


def test_a_mirror_is_of_one_marketplace(shop: Shop, tmp_path: Path) -> None:
    here = tmp_path / "mirror"
    mirror(shop.reader, str(here))
    index = json.loads(index_of(here))
    index["meta"]["name"] = "other"
    (here / "kurt" / "v1" / "index.json").write_text(json.dumps(index))
    with pytest.raises(StaleIndexError, match="a mirror of other"):
        mirror(shop.reader, str(here))


def test_a_signature_may_be_asked_for(shop: Shop, tmp_path: Path) -> None:
    key = Keyring(shop.places).new("market")
    with pytest.raises(SignatureError, match="is not signed"):
        mirror(shop.reader, str(tmp_path / "mirror"), trusted=[key.raw])
    write_skill(shop.root / "skills" / "more")
    shop.build(key=key)
    done = mirror(shop.reader, str(tmp_path / "mirror"), trusted=[key.raw])
    assert done.signed == key.id
    found = verify(FolderReader(str(tmp_path / "mirror")), trusted=[key.raw], signed=True)
    assert not found.findings
