"""A market that lies in any of its documents is refused with a typed error, and writes nothing."""

from __future__ import annotations

import copy
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from crashes import die_at
from goods import hidden

from kurt_ext import KurtError, PluginRegistry
from kurt_ext.market import digests
from kurt_ext.market.store import Store
from kurt_ext.places import Places

from .shops import Shop

ID = "com.example.archiver"
PATHS = (
    *("../evil", "/etc/passwd", "a/../../evil", "..\\evil", "C:/evil", "a//b", "", ".", "a/./b"),
    *("nul", "con.txt", "a\0b", "a\u202eb", "e\u0301", "x" * 300, "a/" * 30 + "b", "a ", "a."),
    *("%2e%2e/evil", "https://evil.example/x", "//evil.example/x", "file:///etc/passwd", "a?b#c"),
)
WRONG = ("", "sha256:00", "md5:" + "0" * 32, "sha256:" + "G" * 64, "sha256:" + "0" * 64)
ODD: tuple[Any, ...] = (None, 3, -1, 10**30, 1.5, True, [], {}, "x" * 100_000, ["x"] * 20_000)


@pytest.fixture(scope="module")
def sold(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    base = tmp_path_factory.mktemp("sold")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(base))
        shop = Shop(base / "market")
        shop.sell(ID, permissions={"network_hosts": ["web.archive.org"]})
        shop.open()
    yield shop.root


@pytest.fixture
def shop(sold: Path, tmp_path: Path) -> Shop:
    root = tmp_path / "shop"
    shutil.copytree(sold, root)
    made = Shop.__new__(Shop)
    made.root = root
    return made


def of_index(*keys: Any) -> Callable[[Shop, Any], None]:
    """Return what replaces a value of the index."""

    def change(shop: Shop, value: Any) -> None:
        index = shop.index
        put(index, keys, value)
        shop.write_index(index)

    return change


def of_document(*keys: Any) -> Callable[[Shop, Any], None]:
    """Return what replaces a value of the plugin's document, the index pointing to it."""

    def change(shop: Shop, value: Any) -> None:
        shop.change(ID, lambda document: put(document, keys, value))

    return change


def put(where: Any, keys: tuple[Any, ...], value: Any) -> None:
    *above, last = keys
    for key in above:
        where = where[key]
    where[last] = value


SOURCE = ("releases", 0, "source")
FILES = (*SOURCE, "files")
CASES: list[tuple[str, Callable[[Shop, Any], None], Any]] = [
    *[("detail-url", of_index("skills", 0, "detail", "url"), path) for path in PATHS],
    *[("detail-digest", of_index("skills", 0, "detail", "digest"), text) for text in WRONG],
    *[("detail-size", of_index("skills", 0, "detail", "size"), size) for size in (-1, 0, 1)],
    *[("id", of_index("skills", 0, "id"), path) for path in PATHS if path != "x" * 300],
    *[("skills", of_index("skills"), value) for value in ODD if value != []],
    *[("meta", of_index("meta"), value) for value in ODD],
    *[("snapshot", of_index("meta", "snapshot"), value) for value in (-1, 1.5, "1", None)],
    *[("version", of_index("meta", "api-version"), value) for value in ("2.0", "", "x", None, 1)],
    *[("file-path", of_document(*FILES, 0, "path"), path) for path in PATHS],
    *[("file-digest", of_document(*FILES, 0, "digest"), text) for text in WRONG],
    *[("file-size", of_document(*FILES, 0, "size"), size) for size in (-1, 0, 10**30)],
    *[("files", of_document(*FILES), value) for value in ODD],
    *[("tree-digest", of_document(*SOURCE, "digest"), text) for text in WRONG],
    *[("type", of_document(*SOURCE, "type"), value) for value in ("git", "", None, "wheels")],
    *[("doc-id", of_document("id"), value) for value in ("com.other.thing", "../x", "", None)],
    *[("doc-version", of_document("releases", 0, "version"), one) for one in ("9.9.9", "1")],
    *[("releases", of_document("releases"), value) for value in ODD],
    *[("manifest", of_document("releases", 0, "manifest"), value) for value in ODD],
    ("permissions", of_document("releases", 0, "permissions"), {}),
    ("permissions", of_document("releases", 0, "permissions", "network_hosts"), []),
    ("permissions-digest", of_document("releases", 0, "permissions-digest"), WRONG[-1]),
    ("publisher", of_document("releases", 0, "publisher"), "../mallory"),
    ("publisher", of_document("publisher"), "mallory"),
]  # fmt: skip


def written(base: Path) -> set[str]:
    """Return what lies there, apart from what kurt keeps for itself."""
    own = str(base / "home") + os.sep
    return {str(path) for path in base.rglob("*") if not str(path).startswith(own)}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("change", "value"),
    [case[1:] for case in CASES],
    ids=[f"{name}-{number}" for number, (name, _, _) in enumerate(CASES)],
)
async def test_a_document_that_lies_is_refused(
    shop: Shop, project: Path, tmp_path: Path, change: Callable[[Shop, Any], None], value: Any
) -> None:
    change(shop, copy.deepcopy(value))
    before = written(tmp_path)
    plugins = project / "plugins"
    async with PluginRegistry(plugins, marketplace_url=str(shop.root)) as registry:
        with pytest.raises(KurtError):
            await registry.install_plugin(ID)
    assert not (plugins / ID).exists() and hidden(plugins) == []
    assert written(tmp_path) == before
    assert Store(registry.places.store).digests() == []


def test_there_are_as_many_lies_as_promised() -> None:
    assert len(CASES) >= 60


@pytest.mark.anyio
@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "\xff", "[" * 100_000, '{"meta": {}}', "{" + '"a":{' * 5000]
)
@pytest.mark.parametrize("which", ["index", "document"])
async def test_what_is_no_document_is_told(
    shop: Shop, project: Path, text: str, which: str
) -> None:
    data = text.encode("latin-1")
    index = shop.index
    if which == "index":
        (shop.root / "kurt/v1/index.json").write_bytes(data)
    else:
        detail = index["skills"][0]["detail"]
        (shop.root / detail["url"]).write_bytes(data)
        detail |= {"digest": digests.of_bytes(data), "size": len(data)}
        shop.write_index(index)
    async with PluginRegistry(project / "plugins", marketplace_url=str(shop.root)) as registry:
        with pytest.raises(KurtError):
            await registry.install_plugin(ID)


@pytest.mark.anyio
async def test_a_link_in_a_market_leads_nowhere(shop: Shop, project: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(json.dumps(shop.index))
    index = shop.root / "kurt/v1/index.json"
    index.unlink()
    index.symlink_to(secret)
    async with PluginRegistry(project / "plugins", marketplace_url=str(shop.root)) as registry:
        with pytest.raises(KurtError):
            await registry.search_marketplace("archiver")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
def test_a_store_that_was_being_written_to_has_whole_trees_alone() -> None:
    store = Store(Places().store)
    content = {f"part-{number}/a.txt": b"x" * number for number in range(5)}
    digest = digests.of_tree({path: digests.of_bytes(data) for path, data in content.items()})
    for number in range(1, 100):
        store.discard(digest)
        died = die_at(lambda: store.put("thing", content) and None, number)
        tree = store.find(digest)
        assert tree is None or store.damaged(tree) == []
        if not died:
            break
    assert number > 5
    again = store.put("thing", content)
    assert store.damaged(again) == []
