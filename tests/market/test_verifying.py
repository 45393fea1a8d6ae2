"""Whatever is another byte than was promised is found, in whichever file it lies."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kurt_ext.errors import MarketError
from kurt_ext.market import digests
from kurt_ext.market.keys import Keyring
from kurt_ext.market.publishing import publish
from kurt_ext.market.reading import FolderReader, reader_of
from kurt_ext.market.times import seconds
from kurt_ext.market.verifying import verify
from kurt_ext.places import Places

from .conftest import Shop, write_skill


@pytest.fixture
def signed(project: Path, places: Places) -> Shop:
    """Return a marketplace with a signed index, a signed release, and an advisory."""
    root = project / "market"
    key = Keyring(places).new("acme")
    folder = root / "kurt" / "v1" / "advisories"
    folder.mkdir(parents=True)
    advisory = {"id": "KURT-1", "modified": "2026-11-21T00:00:00Z", "affected": []}
    (folder / "KURT-1.json").write_text(json.dumps(advisory))
    for name in ("greeter", "waver"):
        skill = write_skill(project / name)
        publish(str(skill), str(root), places, publisher="acme", key=key, index_key=key)
    return Shop(root, places)


def keys(shop: Shop) -> list[bytes]:
    return Keyring(shop.places).everyone()


def test_a_whole_marketplace_has_no_faults(signed: Shop) -> None:
    found = verify(signed.reader, trusted=keys(signed), signed=True)
    assert not found.findings
    assert found.skills == found.releases == 2 and found.files >= 8
    assert (found.signed == signed.raw["meta"]["signatures"] and False) or found.signed


def test_a_change_of_any_file_is_found(signed: Shop, tmp_path: Path) -> None:
    ours = {
        path: data for path, data in signed.files().items() if path.startswith(("kurt", "file"))
    }
    named = [path for path in ours if not path.endswith(("KURT-1.json", ".csv"))]
    old = {row["detail"]["url"] for row in signed.raw["skills"]}
    for path in named:
        if "/skills/" in path and path not in old:
            continue
        if "/publishers/" in path and path != signed.raw["publishers"]["acme"]["url"]:
            continue
        if "/signatures/" in path and path != signed.raw["meta"]["signatures"]:
            continue
        whole = (signed.root / path).read_bytes()
        for changed in (whole[:-2] + b"}\n" + whole[-2:], whole[: len(whole) // 2], b""):
            if changed == whole:
                continue
            (signed.root / path).write_bytes(changed)
            try:
                found = verify(signed.reader, trusted=keys(signed), signed=True)
                assert found.findings, path
            except MarketError:
                assert path.endswith("index.json")
        (signed.root / path).unlink()
        try:
            assert verify(signed.reader, trusted=keys(signed), signed=True).findings, path
        except MarketError:
            assert path.endswith("index.json")
        (signed.root / path).write_bytes(whole)
    assert not verify(signed.reader, trusted=keys(signed), signed=True).findings


def rewritten(shop: Shop, name: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a document, and the index with it, as whoever owns the server can."""
    index = shop.raw
    row = next(row for row in index["skills"] if row["id"] == name)
    path = shop.root / row["detail"]["url"]
    document = json.loads(path.read_bytes())
    change(document)
    data = json.dumps(document).encode()
    path.write_bytes(data)
    row["detail"] |= {"digest": digests.of_bytes(data), "size": len(data)}
    (shop.root / "kurt/v1/index.json").write_text(json.dumps(index))


def test_who_owns_the_server_cannot_change_a_signed_release(signed: Shop) -> None:
    def change(document: dict[str, Any]) -> None:
        release = document["releases"][0]
        file = release["source"]["files"][0]
        data = b"evil"
        file |= {"digest": digests.of_bytes(data), "size": len(data)}
        blob = signed.root / "files/sha256" / file["digest"][7:9] / file["digest"][7:]
        blob.parent.mkdir(exist_ok=True)
        blob.write_bytes(data)
        source = release["source"]
        source["size"] = sum(one["size"] for one in source["files"])
        source["digest"] = digests.of_tree([(f["path"], f["digest"]) for f in source["files"]])
        del source["archive"]

    rewritten(signed, "greeter", change)
    found = verify(signed.reader)
    assert [one.rule for one in found.findings] == ["market-signature", "market-attestation"]
    assert "is not over this release" in found.findings[1].message
    rules = {one.rule for one in verify(signed.reader, trusted=keys(signed), signed=True).findings}
    assert rules == {"market-attestation", "market-signature"}


def test_wider_permissions_are_not_what_was_signed(signed: Shop) -> None:
    def change(document: dict[str, Any]) -> None:
        release = document["releases"][0]
        release["permissions"]["network_hosts"] = ["evil.example"]
        release["manifest"]["permissions"] = release["permissions"]
        release["permissions-digest"] = digests.of_permissions(release["permissions"])

    rewritten(signed, "greeter", change)
    messages = [one.message for one in verify(signed.reader).findings]
    assert any("is not over this release" in message for message in messages)


def test_an_archive_with_other_files_is_found(signed: Shop) -> None:
    def change(document: dict[str, Any]) -> None:
        source = document["releases"][0]["source"]
        other = signed.skill("waver").releases[0].source
        assert other.type == "files" and other.archive is not None
        source["archive"] = other.archive.as_dict()

    rewritten(signed, "greeter", change)
    found = verify(signed.reader)
    assert any(one.rule == "market-file" for one in found.findings), found.findings


def test_a_row_that_says_something_else_is_found(shop: Shop) -> None:
    index = shop.raw
    index["skills"][0]["score"] = 3
    (shop.root / "kurt/v1/index.json").write_text(json.dumps(index))
    assert [one.rule for one in verify(shop.reader).findings] == ["market-skill"]


def test_downloads_and_ratings_may_be_added_by_a_server(shop: Shop) -> None:
    index = shop.raw
    index["skills"][0] |= {"downloads": 12, "rating": 4.5}
    (shop.root / "kurt/v1/index.json").write_text(json.dumps(index))
    assert not verify(shop.reader).findings


def test_an_expired_index_is_found(signed: Shop) -> None:
    late = seconds(signed.index.meta.expires)
    assert [one.rule for one in verify(signed.reader, now=late).findings] == ["index-stale"]


def test_signatures_count_where_they_are_asked_for(signed: Shop, places: Places) -> None:
    assert verify(signed.reader).signed is None
    other = Keyring(Places(environ={"KURT_DATA": str(places.data) + "2"})).new("other")
    found = verify(signed.reader, trusted=[other.raw])
    assert "by nobody who is trusted" in found.findings[0].message
    found = verify(signed.reader, signed=True)
    assert found.findings


def test_one_skill_may_be_verified_alone(signed: Shop) -> None:
    source = signed.skill("waver").releases[0].source
    assert source.type == "files" and source.archive is not None
    (signed.root / source.archive.url).unlink()
    assert not verify(signed.reader, only=["greeter"]).findings
    assert not verify(signed.reader, quick=True).findings
    assert verify(signed.reader).findings


def test_nothing_outside_of_the_folder_is_read(signed: Shop, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("{}")
    for reference in ("../secret", "/etc/passwd", "kurt/../../secret", "a\\b", ""):
        with pytest.raises(MarketError):
            signed.reader.read(reference, 100)
    path = signed.root / "kurt" / "link"
    path.symlink_to("/etc/passwd")
    with pytest.raises(MarketError):
        signed.reader.read("kurt/link", 1 << 20)


def test_a_copy_of_the_folder_is_a_marketplace(signed: Shop, tmp_path: Path) -> None:
    shutil.copytree(signed.root, tmp_path / "copy")
    for location in (str(tmp_path / "copy"), (tmp_path / "copy").as_uri()):
        assert not verify(reader_of(location), trusted=keys(signed), signed=True).findings


@pytest.mark.parametrize("location", ["file://elsewhere/x", "http://example.org/", "ftp://x/"])
def test_an_address_that_may_not_be_asked_is_refused(location: str) -> None:
    with pytest.raises(MarketError):
        reader_of(location)


def test_there_must_be_an_index(tmp_path: Path) -> None:
    with pytest.raises(MarketError, match="is no marketplace"):
        verify(FolderReader(str(tmp_path)))
