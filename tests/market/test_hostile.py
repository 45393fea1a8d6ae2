"""A marketplace that means ill is refused, whatever of it is wrong, and writes nowhere."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from kurt_ext.errors import KurtError, MarketError
from kurt_ext.market import digests
from kurt_ext.market.mirroring import mirror
from kurt_ext.market.verifying import verify

from .conftest import Shop

ZEROS = "sha256:" + "0" * 64
OUT = "../../../../escaped"

#: What is wrong with the index: path into it → value; "-" takes it away.
INDEX: list[tuple[str, Any]] = [
    ("meta", "-"),
    ("meta", []),
    ("meta/api-version", "2.0"),
    ("meta/api-version", 1),
    ("meta/name", OUT),
    ("meta/snapshot", -1),
    ("meta/snapshot", 2**60),
    ("meta/snapshot", 1.5),
    ("meta/expires", "2020-01-01T00:00:00Z"),
    ("meta/expires", "never"),
    ("meta/generated", "2999-01-01T00:00:00Z"),
    ("meta/signatures", OUT),
    ("meta/signatures", "/etc/passwd"),
    ("meta/signatures", "kurt/v1/signatures/nowhere.json"),
    ("meta/advisories", {"url": OUT, "digest": ZEROS, "size": 1}),
    ("meta/advisories", {"url": "kurt/v1/none.json", "digest": ZEROS, "size": 1}),
    ("publishers", {}),
    ("publishers", {OUT: {"url": "kurt/x.json", "digest": ZEROS, "size": 1}}),
    ("publishers/market/url", OUT),
    ("publishers/market/url", "file:///etc/passwd"),
    ("publishers/market/digest", ZEROS),
    ("publishers/market/size", 2**40),
    ("skills", "all"),
    ("skills/0", None),
    ("skills/0/id", OUT),
    ("skills/0/id", "waver"),
    ("skills/0/id", "com1"),
    ("skills/0/id", "a\u202eb"),
    ("skills/0/publisher", "mallory"),
    ("skills/0/latest", "latest"),
    ("skills/0/detail", "-"),
    ("skills/0/detail/url", OUT),
    ("skills/0/detail/url", "/" + OUT),
    ("skills/0/detail/url", "kurt/v1/skills/%2e%2e/x.json"),
    ("skills/0/detail/url", "https://evil.example/x.json"),
    ("skills/0/detail/url", "//evil.example/x.json"),
    ("skills/0/detail/url", "kurt\\v1\\x.json"),
    ("skills/0/detail/url", "kurt/v1/skills"),
    ("skills/0/detail/url", "kurt/v1/index.json"),
    ("skills/0/detail/url", "kurt/v1/none.json"),
    ("skills/0/detail/digest", ZEROS),
    ("skills/0/detail/digest", "md5:" + "0" * 32),
    ("skills/0/detail/size", 0),
    ("skills/0/detail/size", 2**40),
]

#: What is wrong with a skill's document, which the index promises as it is.
SKILL: list[tuple[str, Any]] = [
    ("meta/api-version", "3.1"),
    ("id", "waver"),
    ("publisher", "mallory"),
    ("versions", ["9.9.9"]),
    ("releases", []),
    ("releases/0/version", "9.9.9"),
    ("releases/0/manifest/version", "9.9.9"),
    ("releases/0/manifest/id", "waver"),
    ("releases/0/manifest", None),
    ("releases/0/permissions/network_hosts", ["evil.example"]),
    ("releases/0/permissions-digest", ZEROS),
    ("releases/0/source/type", "git"),
    ("releases/0/source/digest", ZEROS),
    ("releases/0/source/size", 3),
    ("releases/0/source/files", []),
    ("releases/0/source/files/0/path", OUT),
    ("releases/0/source/files/0/path", "/etc/passwd"),
    ("releases/0/source/files/0/path", "skill.py"),
    ("releases/0/source/files/0/path", "SKILL.PY"),
    ("releases/0/source/files/0/path", "a\\b"),
    ("releases/0/source/files/0/path", "nul"),
    ("releases/0/source/files/0/digest", ZEROS),
    ("releases/0/source/files/0/size", 2**50),
    ("releases/0/source/archive/url", OUT),
    ("releases/0/source/archive/url", "kurt/v1/index.json"),
    ("releases/0/source/archive/digest", ZEROS),
    ("releases/0/source/archive/size", 2**50),
    ("releases/0/wheels", [{"filename": OUT, "url": "x", "digest": ZEROS, "size": 1}]),
    ("releases/0/wheels", [{"filename": "a.whl", "url": OUT, "digest": ZEROS, "size": 1}]),
    ("releases/0/scan/report/url", OUT),
    ("releases/0/scan/report/digest", ZEROS),
]


def changed(value: dict[str, Any], path: str, new: Any) -> dict[str, Any]:
    result = deepcopy(value)
    inner: Any = result
    *above, last = path.split("/")
    for key in above:
        inner = inner[int(key) if isinstance(inner, list) else key]
    if isinstance(inner, list):
        inner[int(last)] = new
    elif new == "-":
        del inner[last]
    else:
        inner[last] = new
    return result


def held(shop: Shop, tmp_path: Path) -> None:
    """Assert that a marketplace is refused by all who read it, and that nothing is left of it."""
    target = tmp_path / "deep" / "mirror"
    before = {path for path in tmp_path.rglob("*") if shop.root not in path.parents}
    with pytest.raises(KurtError) as caught:
        mirror(shop.reader, str(target))
    assert not (target / "kurt" / "v1" / "index.json").exists(), caught.value
    after = {path for path in tmp_path.rglob("*") if target not in path.parents}
    assert {path for path in after if shop.root not in path.parents} - before <= {
        tmp_path / "deep",
        target,
    }
    try:
        assert verify(shop.reader).findings
    except MarketError:
        pass


@pytest.mark.parametrize(("path", "value"), INDEX, ids=lambda part: str(part)[:50])
def test_a_hostile_index_is_refused(shop: Shop, tmp_path: Path, path: str, value: Any) -> None:
    index = changed(shop.raw, path, value)
    (shop.root / "kurt" / "v1" / "index.json").write_text(json.dumps(index))
    held(shop, tmp_path)


@pytest.mark.parametrize(("path", "value"), SKILL, ids=lambda part: str(part)[:50])
def test_a_hostile_document_is_refused(shop: Shop, tmp_path: Path, path: str, value: Any) -> None:
    index = shop.raw
    row = index["skills"][0]
    file = shop.root / row["detail"]["url"]
    data = json.dumps(changed(json.loads(file.read_bytes()), path, value)).encode()
    file.write_bytes(data)
    row["detail"] |= {"digest": digests.of_bytes(data), "size": len(data)}
    (shop.root / "kurt" / "v1" / "index.json").write_text(json.dumps(index))
    held(shop, tmp_path)


def test_a_signature_by_nobody_is_found(shop: Shop) -> None:
    index = shop.raw
    row = index["skills"][0]
    file = shop.root / row["detail"]["url"]
    forged = [{"type": "ed25519", "key": "0" * 16, "signature": "AAAA"}]
    document = changed(json.loads(file.read_bytes()), "releases/0/attestations", forged)
    data = json.dumps(document).encode()
    file.write_bytes(data)
    row["detail"] |= {"digest": digests.of_bytes(data), "size": len(data)}
    (shop.root / "kurt" / "v1" / "index.json").write_text(json.dumps(index))
    found = verify(shop.reader).findings
    assert ["is by a key that is not theirs" in one.message for one in found] == [True]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"\xff",
        b"{" * 100_000,
        b'{"meta":' + b"[" * 100_000,
        b'{"skills": ' + b"9" * 10_000 + b"}",
        b'{"meta": {"api-version": NaN}}',
    ],
    ids=lambda data: repr(data[:12]),
)
def test_what_is_no_index_is_refused(shop: Shop, tmp_path: Path, data: bytes) -> None:
    (shop.root / "kurt" / "v1" / "index.json").write_bytes(data)
    held(shop, tmp_path)
