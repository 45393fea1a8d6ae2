"""More of the faults P19 to P29 that registries have had, each by its name."""

from __future__ import annotations

import asyncio
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from crashes import die_at
from goods import hidden, version_in, write_plugin

from kurt_ext import (
    IntegrityError,
    KurtError,
    MarketError,
    PluginMetadata,
    PluginRegistry,
    SkillNotFoundError,
)
from kurt_ext.errors import ArchiveError
from kurt_ext.market.digests import of_bytes

from .shops import Shop, served
from .test_registry import ID, LIB, anyio_backend, opened, plugins, store, zipped

__all__ = ["anyio_backend", "plugins", "store"]


def moved(server_url: str, path: str) -> Any:
    """Return what sends everything on to another place."""

    def answer(handler: Any, data: bytes) -> bool:
        if not handler.path.startswith(path):
            return False
        handler.send_response(302)
        handler.send_header("Location", server_url + handler.path.removeprefix(path))
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return True

    return answer


@pytest.mark.parametrize("crafted", ["../../x.y", "..", "", "a/b", "com.example/../x", "a\\b.c"])
def test_p19_a_manifest_has_no_such_id(crafted: str) -> None:
    with pytest.raises(ValueError, match="plugin_id"):
        PluginMetadata(plugin_id=crafted, name="X", version="1.0.0")


@pytest.mark.anyio
@pytest.mark.parametrize("status", [400, 401, 403, 404, 418, 500, 503])
async def test_p20_every_answer_that_is_none_is_an_error_with_its_reason(
    store: Shop, plugins: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    from kurt_ext.market import fetching

    monkeypatch.setattr(fetching, "_PAUSE", 0.001)

    def refuse(handler: Any, data: bytes) -> bool:
        handler.send_response(status)
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return True

    with served(store.root, refuse) as server:
        async with opened(plugins, server.url) as registry:
            with pytest.raises(KurtError, match=r".") as caught:
                await registry.search_marketplace("x")
    assert str(status) in str(caught.value.cause)


@pytest.mark.anyio
@pytest.mark.parametrize("trade", ["name", "boundary"])
async def test_p22_a_release_whose_files_trade_names_or_bytes_is_refused(
    store: Shop, plugins: Path, trade: str
) -> None:
    def blob(data: bytes) -> dict[str, Any]:
        name = of_bytes(data)[7:]
        path = store.root / "files/sha256" / name[:2] / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(data)
        return {"digest": of_bytes(data), "size": len(data)}

    def edit(document: dict[str, Any]) -> None:
        source = document["releases"][0]["source"]
        source["archive"] = None
        rows = {row["path"]: row for row in source["files"]}
        if trade == "name":
            rows["main.py"]["path"] = "main.pth"
            return
        main = (store.root / "skills" / ID / "main.py").read_bytes()
        manifest = (store.root / "skills" / ID / "plugin.json").read_bytes()
        rows["main.py"] |= blob(main[:-3])
        rows["plugin.json"] |= blob(main[-3:] + manifest)  # the same bytes, one after the other

    store.change(ID, edit)
    async with opened(plugins, store) as registry:
        with pytest.raises((IntegrityError, MarketError)):
            await registry.install_plugin(ID)
    assert list(plugins.iterdir()) == []


@pytest.mark.anyio
async def test_p24_a_member_that_has_the_archives_name_does_not_touch_it(
    store: Shop, plugins: Path, tmp_path: Path
) -> None:
    folder = write_plugin(tmp_path / "made", "com.example.zipped")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    archive = zipped(tmp_path / "package.zip", {**files, "package.zip": b"not a zip"})
    whole = archive.read_bytes()
    async with opened(plugins, store) as registry:
        installed = await registry.install_plugin("com.example.zipped", archive)
    assert archive.read_bytes() == whole
    assert (installed / "package.zip").read_bytes() == b"not a zip"


@pytest.mark.anyio
async def test_p24_too_many_files_and_too_many_bytes_are_refused(
    store: Shop, plugins: Path, tmp_path: Path
) -> None:
    many = zipped(tmp_path / "many.zip", {f"f{number}.txt": b"" for number in range(513)})
    large = tmp_path / "large.zip"
    with zipfile.ZipFile(large, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("plugin.json", "{}")
        for number in range(17):
            archive.writestr(f"{number}.bin", bytes([number]) * (1 << 20))
    async with opened(plugins, store) as registry:
        for path in (many, large):
            with pytest.raises(ArchiveError):
                await registry.install_plugin("com.example.many", path)
    assert list(plugins.iterdir()) == []


@pytest.mark.anyio
async def test_p25_a_marketplace_that_has_only_older_ones_offers_no_update(
    store: Shop, plugins: Path, tmp_path: Path
) -> None:
    store.sell(ID, "2.0.0")
    store.open()
    async with opened(plugins, store) as registry:
        await registry.install_plugin(ID)

        def take_away(document: dict[str, Any]) -> None:
            document["releases"] = [r for r in document["releases"] if r["version"] != "2.0.0"]
            document["versions"] = ["1.0.0"]

        store.change(ID, take_away)
        assert await registry.check_updates() == []
        with pytest.raises(SkillNotFoundError):
            await registry.download_plugin(ID, version="2.0.0")
    assert version_in(plugins / ID) == "2.0.0"


@pytest.mark.slow
def test_p26_a_replacement_that_is_killed_leaves_the_old_one_or_the_new_one(
    store: Shop, plugins: Path
) -> None:
    store.sell(ID, "2.0.0", permissions={"network_hosts": ["web.archive.org"]})
    store.open()

    def install(version: str) -> None:
        async def work() -> None:
            async with opened(plugins, store) as registry:
                await registry.install_plugin(ID, version=version)

        asyncio.run(work())

    install("2.0.0")
    seen = set()
    for number in range(1, 400):
        install("1.0.0")
        if not die_at(lambda: install("2.0.0"), number):
            break
        seen.add(version_in(plugins / ID))
    assert seen == {"1.0.0", "2.0.0"}
    install("1.0.0")
    assert hidden(plugins) == []


@pytest.mark.anyio
async def test_p27_a_download_from_another_host_is_taken_where_that_is_meant(
    store: Shop, plugins: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(store.root) as other:
        elsewhere = other.url.replace("127.0.0.1", "localhost")
        with served(store.root, moved(f"{elsewhere}files/", "/files/")) as server:
            async with opened(plugins, server.url) as registry:
                with pytest.raises(MarketError, match="another host, localhost"):
                    await registry.install_plugin(LIB)
            assert other.asked == []
            async with opened(plugins, server.url, hosts=["localhost"]) as registry:
                await registry.install_plugin(LIB)
            assert other.asked
    assert version_in(plugins / LIB) == "2.0.0"


@pytest.mark.anyio
async def test_p27_a_redirect_within_the_host_is_followed(store: Shop, plugins: Path) -> None:
    with served(store.root.parent) as server:
        server.mischief = moved(f"{server.url}market/", "/old/")
        async with opened(plugins, f"{server.url}old/") as registry:
            await registry.install_plugin(LIB)
    assert version_in(plugins / LIB) == "2.0.0"


@pytest.mark.anyio
async def test_p28_a_marketplace_may_lie_below_a_path_and_no_id_leaves_it(
    store: Shop, plugins: Path
) -> None:
    with served(store.root.parent) as server:
        async with opened(plugins, f"{server.url}market") as registry:
            await registry.install_plugin(LIB)
            asked = len(server.asked)
            for crafted in ("../esc.aped", "..%2fesc", "esc?x=1", "esc#x", "//example.org/x"):
                with pytest.raises(KurtError):
                    await registry.download_plugin(crafted)
        assert all(path.startswith("/market/") for path in server.asked)
        assert not any("esc" in path or "example.org" in path for path in server.asked[asked:])


@pytest.mark.anyio
@pytest.mark.parametrize("lie", ["none", "empty", "of another kind", "of nothing"])
@pytest.mark.parametrize("where", ["source", "file", "detail"])
async def test_p29_a_digest_is_never_left_out(
    store: Shop, plugins: Path, lie: str, where: str
) -> None:
    def spoil(row: dict[str, Any]) -> None:
        value = {"empty": "", "of another kind": "md5:" + "0" * 32, "of nothing": of_bytes(b"")}
        if lie == "none":
            del row["digest"]
        else:
            row["digest"] = value[lie]

    def edit(document: dict[str, Any]) -> None:
        source = document["releases"][0]["source"]
        spoil(source if where == "source" else source["files"][0])

    if where == "detail":
        index = store.index
        spoil(next(row for row in index["skills"] if row["id"] == LIB)["detail"])
        store.write_index(index)
    else:
        store.change(LIB, edit)
    async with PluginRegistry(plugins, marketplace_url=store.root.as_uri()) as registry:
        with pytest.raises((MarketError, IntegrityError)):
            await registry.install_plugin(LIB)
    assert list(plugins.iterdir()) == []
    assert json.loads((store.root / "kurt/v1/index.json").read_text())["skills"]
