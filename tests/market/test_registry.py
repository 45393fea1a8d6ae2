"""The marketplace as the plugin document has it, and the faults that others have had there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from kurt_ext import (
    IntegrityError,
    KurtError,
    MarketError,
    NetworkError,
    PluginLoader,
    PluginMetadata,
    PluginRegistry,
    PluginStatus,
    PluginType,
    PluginValidationError,
    PolicyError,
    PublisherError,
    SignatureError,
    SkillNotFoundError,
    StaleIndexError,
    TransitionError,
)
from kurt_ext.errors import ArchiveError, PermissionsWiderError
from kurt_ext.market import digests, fetching
from kurt_ext.market.fetching import HttpReader

from .shops import Shop, served

from goods import version_in, write_plugin  # isort: skip

ID = "com.example.archiver"
CALC = "com.example.calculator"
LIB = "com.example.mathlib"
HOSTS = {"network_hosts": ["web.archive.org"]}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def store(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path / "market")
    shop.sell(ID, permissions=HOSTS, tags=["web", "archive"])
    shop.sell(LIB, "2.0.0", name="Mathlib", description="Sums and products; use for maths.")
    shop.sell(
        CALC,
        name="Calculator",
        description="Calculates with numbers; use to calculate.",
        tags=["math"],
        dependencies=[{"plugin_id": LIB, "version_constraint": ">=2.0.0", "optional": False}],
    )
    shop.open()
    return shop


@pytest.fixture
def plugins(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(sys, "path", list(sys.path))
    folder = project / "plugins"
    folder.mkdir()
    yield folder
    for name in [name for name in sys.modules if name.startswith("kurt_skills")]:
        del sys.modules[name]


@asynccontextmanager
async def opened(plugins: Path, shop: Shop | str, **more: Any) -> AsyncIterator[PluginRegistry]:
    url = shop if isinstance(shop, str) else shop.root.as_uri()
    options = {"cooldown_days": 0, **more}
    async with PluginRegistry(plugins, marketplace_url=url, **options) as registry:
        yield registry


# -- the document --------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_search_is_ranked_and_filtered(store: Shop, plugins: Path) -> None:
    async with opened(plugins, store) as registry:
        found = await registry.search_marketplace(query="calculator")
        assert [info.plugin_id for info in found] == [CALC]
        (info,) = found
        assert (info.version, info.name, info.plugin_type) == ("1.0.0", "Calculator", "tool")
        assert info.downloads is None and info.rating is None and info.security_score is not None
        assert await registry.search_marketplace("calcluator") == found
        tools = await registry.search_marketplace("", PluginType.TOOL, ["web", "archive"])
        assert [one.plugin_id for one in tools] == [ID]
        assert await registry.search_marketplace("", "engine") == []
        assert len(await registry.search_marketplace(limit=2)) == 2


@pytest.mark.anyio
async def test_the_workflow_of_the_document(store: Shop, plugins: Path) -> None:
    registry = PluginRegistry(plugins, marketplace_url=store.root.as_uri())
    results = await registry.search_marketplace("calculator", PluginType.TOOL, limit=5)
    path = await registry.download_plugin(results[0].plugin_id, version=results[0].version)
    assert path.name == CALC and (path / "plugin.json").is_file()
    assert list(plugins.iterdir()) == []
    folder = await registry.install_plugin(CALC, path)
    assert folder == plugins / CALC
    assert await registry.check_updates() == []
    installed = registry.list_installed_plugins()
    assert all(isinstance(one, PluginMetadata) for one in installed)
    assert [one.plugin_id for one in installed] == [CALC, LIB]  # and what it needs
    async with PluginLoader(plugin_directory=plugins) as loader:
        state = await loader.load_plugin(CALC)
        assert state.status == PluginStatus.LOADED
        assert await state.instance.archive() == "1.0.0"
        with pytest.raises(TransitionError):
            await registry.uninstall_plugin(CALC)
        await loader.unload_plugin(CALC)
        await registry.uninstall_plugin(CALC)
    assert not (plugins / CALC).exists()
    await registry.close()
    await registry.close()


@pytest.mark.anyio
async def test_an_update_is_checked_for_downloaded_and_run_by_a_reload(
    store: Shop, plugins: Path
) -> None:
    async with opened(plugins, store) as registry:
        await registry.install_plugin(ID)
        store.sell(ID, "2.1.0", permissions=HOSTS)
        store.open()
        async with PluginLoader(plugin_directory=plugins) as loader:
            state = await loader.load_plugin(ID)
            assert await state.instance.archive() == "1.0.0"
            for plugin_id, current, available in await registry.check_updates():
                assert (plugin_id, current, available) == (ID, "1.0.0", "2.1.0")
                await registry.download_plugin(plugin_id, version=available)
                assert version_in(plugins / ID) == "1.0.0"  # not under what runs
                state = await loader.reload_plugin(plugin_id)
            assert await state.instance.archive() == "2.1.0"
        assert version_in(plugins / ID) == "2.1.0"
        assert await registry.check_updates() == []


@pytest.mark.anyio
async def test_an_update_that_asks_for_more_is_not_taken_by_a_reload(
    store: Shop, plugins: Path
) -> None:
    async with opened(plugins, store) as registry:
        await registry.install_plugin(ID)
        store.sell(ID, "2.0.0", permissions={"network_hosts": ["web.archive.org", "more.example"]})
        store.open()
        async with PluginLoader(plugin_directory=plugins) as loader:
            state = await loader.load_plugin(ID)
            await registry.download_plugin(ID)
            with pytest.raises(PermissionsWiderError, match="asks for more") as caught:
                await loader.reload_plugin(ID)
            assert caught.value.hint == f"kurt update {ID}"
            assert await state.instance.archive() == "1.0.0"
        assert version_in(plugins / ID) == "1.0.0"
        with pytest.raises(PermissionsWiderError):
            await registry.install_plugin(ID)
        await registry.install_plugin(ID, accept_permissions=True)
        assert version_in(plugins / ID) == "2.0.0"


@pytest.mark.anyio
async def test_an_update_that_does_not_run_is_taken_back(store: Shop, plugins: Path) -> None:
    async with opened(plugins, store) as registry:
        await registry.install_plugin(ID)
        code = "raise RuntimeError('no {version}')\nclass Plugin: pass\n"
        store.sell(ID, "2.0.0", permissions=HOSTS, code=code)
        store.open()
        async with PluginLoader(plugin_directory=plugins) as loader:
            state = await loader.load_plugin(ID)
            await registry.download_plugin(ID)
            with pytest.raises(KurtError):
                await loader.reload_plugin(ID)
            assert await state.instance.archive() == "1.0.0"
            assert version_in(plugins / ID) == "1.0.0"
            assert (await loader.reload_plugin(ID)).metadata.version == "1.0.0"


@pytest.mark.anyio
async def test_a_marketplace_that_is_switched_off_is_not_asked(store: Shop, plugins: Path) -> None:
    async with opened(plugins, store, enable_marketplace=False) as registry:
        for call in (
            registry.search_marketplace("x"),
            registry.download_plugin(ID),
            registry.check_updates(),
        ):
            with pytest.raises(PolicyError, match="switched off"):
                await call
        own = write_plugin(plugins.parent / "own", "com.example.own")
        await registry.install_plugin("com.example.own", own)
        assert [one.plugin_id for one in registry.list_installed_plugins()] == ["com.example.own"]


@pytest.mark.anyio
async def test_what_does_not_pass_the_validator_is_not_installed(
    store: Shop, plugins: Path, tmp_path: Path
) -> None:
    code = "import os\n\n\ndef go(x):\n    return os.system(x) or '{version}'\n"
    bad = write_plugin(tmp_path / "bad", "com.example.bad", code=code)
    async with opened(plugins, store) as registry:
        with pytest.raises(PluginValidationError) as caught:
            await registry.install_plugin("com.example.bad", bad)
        assert caught.value.validation_result.valid is False
    assert list(plugins.iterdir()) == []


# -- P19 to P29 ----------------------------------------------------------------------

CRAFTED = [
    *(
        "../outside",
        "..",
        ".",
        "",
        "/etc",
        "../esc.aped",
        "../../x.y",
        "a/../../b",
        "com.example/..",
    ),
    *("com.example.archiver/..", "\0", "com..example", "-rf", "~", "con", "a\\b", "%2e%2e", "*"),
]


@pytest.mark.anyio
@pytest.mark.parametrize("crafted", CRAFTED)
async def test_p19_no_id_leads_out_of_the_folder(store: Shop, plugins: Path, crafted: str) -> None:
    outside = plugins.parent / "outside"
    outside.mkdir()
    (outside / "plugin.json").write_text("{}")
    async with opened(plugins, store) as registry:
        await registry.install_plugin(ID)
        before = sorted(map(str, plugins.parent.rglob("*")))
        for call in (
            registry.uninstall_plugin(crafted),
            registry.uninstall_plugin(crafted, force=True),
            registry.download_plugin(crafted),
            registry.install_plugin(crafted, outside),
        ):
            with pytest.raises(KurtError):
                await call
    assert sorted(map(str, plugins.parent.rglob("*"))) == before


@pytest.mark.anyio
async def test_p19_a_receipt_that_names_another_folder_removes_nothing(
    store: Shop, plugins: Path, tmp_path: Path
) -> None:
    precious = tmp_path / "precious" / ID
    precious.mkdir(parents=True)
    async with opened(plugins, store) as registry:
        await registry.install_plugin(ID)
        from kurt_ext.receipts import Receipts

        path = Path(Receipts(registry.places).path_of(ID))
        row = json.loads(path.read_text())
        row["folder"] = str(precious)
        path.write_text(json.dumps(row))
        with pytest.raises(PolicyError, match="elsewhere"):
            await registry.uninstall_plugin(ID, force=True)
    assert precious.is_dir()


@pytest.mark.anyio
async def test_p19_a_folder_of_somebodys_own_is_not_removed(store: Shop, plugins: Path) -> None:
    own = write_plugin(plugins, "com.example.own")
    async with opened(plugins, store) as registry:
        with pytest.raises(SkillNotFoundError, match="installed no"):
            await registry.uninstall_plugin("com.example.own")
    assert own.is_dir()


@pytest.mark.anyio
async def test_p20_a_server_that_is_gone_is_told_as_what_it_is(
    store: Shop, plugins: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "_PAUSE", 0.001)
    async with opened(plugins, "http://127.0.0.1:9/") as registry:
        with pytest.raises(NetworkError) as caught:
            await registry.search_marketplace("x")
    assert "efused" in str(caught.value.cause)
    with served(store.root) as server:
        async with opened(plugins, server.url) as registry:
            assert await registry.search_marketplace("archiver")
    async with opened(plugins, server.url) as registry:
        assert await registry.search_marketplace("archiver")  # the last good copy
        assert any("cannot be asked" in warning.message for warning in registry.warnings)


@pytest.mark.anyio
@pytest.mark.parametrize(("key", "value"), [("plugin_id", "com.other.thing"), ("version", "9.9.9")])
async def test_p21_the_manifest_must_be_what_was_asked_for(
    store: Shop, plugins: Path, key: str, value: str
) -> None:
    def edit(document: dict[str, Any]) -> None:
        release = document["releases"][0]
        files = release["source"]["files"]
        manifest = next(file for file in files if file["path"] == "plugin.json")
        blob = store.root / "files/sha256" / manifest["digest"][7:9] / manifest["digest"][7:]
        data = json.dumps(json.loads(blob.read_text()) | {key: value}).encode()
        manifest |= {"digest": digests.of_bytes(data), "size": len(data)}
        new = manifest["digest"][7:]
        (store.root / "files/sha256" / new[:2]).mkdir(exist_ok=True)
        (store.root / "files/sha256" / new[:2] / new).write_bytes(data)
        release["source"] |= {
            "digest": digests.of_tree({file["path"]: file["digest"] for file in files}),
            "size": sum(file["size"] for file in files),
            "archive": None,
        }

    store.change(ID, edit)
    async with opened(plugins, store) as registry:
        with pytest.raises(IntegrityError, match="not what it is said to be") as caught:
            await registry.install_plugin(ID)
    assert value in str(caught.value.cause)
    assert list(plugins.iterdir()) == []


@pytest.mark.anyio
async def test_p21_a_path_of_another_plugin_is_refused(
    store: Shop, plugins: Path, tmp_path: Path
) -> None:
    other = write_plugin(tmp_path / "other", "com.example.other")
    async with opened(plugins, store) as registry:
        with pytest.raises(IntegrityError, match="is not"):
            await registry.install_plugin(ID, other)


def test_p22_names_and_boundaries_are_part_of_the_digest() -> None:
    def tree(**files: bytes) -> str:
        named = {name.replace("__", "."): digests.of_bytes(data) for name, data in files.items()}
        return digests.of_tree(named)

    found = [tree(a__py=b"xy", b__py=b"z"), tree(a__py=b"x", b__py=b"yz"), tree(evil__pth=b"xyz")]
    assert len(set(found)) == 3


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


@pytest.mark.anyio
async def test_p23_an_archive_may_have_one_folder_at_its_top_and_a_tar_is_told(
    store: Shop, plugins: Path, tmp_path: Path
) -> None:
    folder = write_plugin(tmp_path / "made", "com.example.zipped")
    files = {f"top/{path.name}": path.read_bytes() for path in folder.iterdir()}
    archive = zipped(tmp_path / "zipped.zip", files)
    async with opened(plugins, store) as registry:
        assert version_in(await registry.install_plugin("com.example.zipped", archive)) == "1.0.0"
        tar = tmp_path / "plugin.tar.gz"
        tar.write_bytes(b"\x1f\x8b")
        with pytest.raises(KurtError) as caught:
            await registry.install_plugin("com.example.tar", tar)
    assert "zip" in str(caught.value.cause) + str(caught.value.hint)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "name",
    ["../evil.py", "/abs.py", "a/../../evil.py", "package.zip/../x", "a\\..\\b", "C:evil", "nul"],
)
async def test_p24_an_archive_that_leads_out_is_refused_whole(
    store: Shop, plugins: Path, tmp_path: Path, name: str
) -> None:
    folder = write_plugin(tmp_path / "made", "com.example.zipped")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    archive = zipped(tmp_path / "zipped.zip", {**files, name: b"evil"})
    before = sorted(map(str, tmp_path.rglob("*")))
    async with opened(plugins, store) as registry:
        with pytest.raises(ArchiveError):
            await registry.install_plugin("com.example.zipped", archive)
    kept = [path for path in map(str, sorted(tmp_path.rglob("*"))) if "/home/" not in path]
    assert kept == [path for path in before if "/home/" not in path]


@pytest.mark.anyio
async def test_p24_a_bomb_is_refused(store: Shop, plugins: Path, tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("plugin.json", "{}")
        archive.writestr("zeros", b"\0" * (64 << 20))
    async with opened(plugins, store) as registry:
        with pytest.raises(ArchiveError):
            await registry.install_plugin("com.example.bomb", path)


@pytest.mark.anyio
async def test_p25_only_what_is_newer_is_an_update(store: Shop, plugins: Path) -> None:
    store.sell(ID, "2.0.0", permissions=HOSTS)
    store.open()
    async with opened(plugins, store) as registry:
        await registry.install_plugin(ID, version="2.0.0")
        store.sell(ID, "1.9.0", permissions=HOSTS)
        store.open()
        store.sell(ID, "3.0.0-rc.1", permissions=HOSTS)
        store.open()
        assert await registry.check_updates() == []
        store.sell(ID, "2.0.1", permissions=HOSTS)
        store.open()
        assert await registry.check_updates() == [(ID, "2.0.0", "2.0.1")]


@pytest.mark.anyio
async def test_p26_what_was_there_is_kept_and_nothing_is_removed_underneath(
    store: Shop, plugins: Path
) -> None:
    async with opened(plugins, store) as registry:
        await registry.install_plugin(ID)
        store.sell(ID, "2.0.0", permissions=HOSTS)
        store.open()
        async with PluginLoader(plugin_directory=plugins) as loader:
            await loader.load_plugin(ID)
            with pytest.raises(TransitionError, match="loaded"):
                await registry.install_plugin(ID)
            with pytest.raises(TransitionError, match="loaded"):
                await registry.uninstall_plugin(ID, force=True)
            assert version_in(plugins / ID) == "1.0.0"
            await loader.unload_plugin(ID)
        await registry.install_plugin(ID)
        assert version_in(plugins / ID) == "2.0.0"
        from kurt_ext.receipts import Receipts
        from kurt_ext.updating import rollback

        was, now = rollback(Receipts(registry.places), ID)
        assert (was.version, now.version) == ("2.0.0", "1.0.0")
        assert version_in(plugins / ID) == "1.0.0"


@pytest.mark.anyio
async def test_p27_signature_scheme_and_host_are_held_to(store: Shop, plugins: Path) -> None:
    from kurt_ext.market.signing import PrivateKey

    key, other = PrivateKey(b"k" * 32), PrivateKey(b"o" * 32)
    async with opened(plugins, store, key=key.public) as registry:
        with pytest.raises(SignatureError, match="not signed"):
            await registry.search_marketplace("x")
    store.open(key=key)
    async with opened(plugins, store, key=[other.public, key.public]) as registry:
        assert await registry.search_marketplace("archiver")
    async with opened(plugins, store, key=other.public) as registry:
        with pytest.raises(SignatureError, match="nobody who is trusted"):
            await registry.search_marketplace("archiver")
    index = store.index
    index["skills"][0]["summary"] = "changed on the way"
    store.write_index(index)
    async with opened(plugins, store, key=key.public) as registry:
        with pytest.raises((SignatureError, IntegrityError)):
            await registry.search_marketplace("archiver")
    async with opened(plugins, "http://plugins.example/") as registry:
        with pytest.raises(MarketError, match="not encrypted"):
            await registry.search_marketplace("archiver")


def test_p28_a_base_path_stays_and_an_id_is_no_part_of_an_address(store: Shop) -> None:
    with served(store.root.parent) as server:
        reader = HttpReader(server.url + "market")
        assert json.loads(reader.read("kurt/v1/index.json", 1 << 20))["skills"]
        with pytest.raises(MarketError):
            reader.read("kurt/v1/skills/../esc.aped", 100)
        assert server.asked == ["/market/kurt/v1/index.json"]


@pytest.mark.anyio
async def test_p29_what_has_no_digest_or_another_one_is_refused(store: Shop, plugins: Path) -> None:
    def edit(document: dict[str, Any]) -> None:
        document["releases"][0]["source"]["digest"] = ""

    store.change(LIB, edit)
    async with opened(plugins, store) as registry:
        with pytest.raises(MarketError):
            await registry.download_plugin(LIB)
        for file in (store.root / "files/sha256").rglob("*"):
            if file.is_file() and b"1.0.0" in file.read_bytes() and b"class" in file.read_bytes():
                file.write_bytes(file.read_bytes().replace(b"1.0.0", b"6.6.6"))
        with pytest.raises(IntegrityError):
            await registry.download_plugin(ID)
    assert list(plugins.iterdir()) == []


# -- freshness, publishers, advisories -----------------------------------------------


@pytest.mark.anyio
async def test_an_index_that_goes_back_or_has_two_forms_is_refused(
    store: Shop, plugins: Path
) -> None:
    old = store.index
    store.sell(ID, "2.0.0", permissions=HOSTS)
    store.open()
    async with opened(plugins, store) as registry:
        assert await registry.search_marketplace("archiver")
        new = store.index
        store.write_index(old)
        with pytest.raises(StaleIndexError, match="older than one"):
            await registry.search_marketplace("archiver")
        new["skills"][0]["summary"] = "another"
        store.write_index(new)
        with pytest.raises(IntegrityError, match="two indexes"):
            await registry.search_marketplace("archiver")


@pytest.mark.anyio
async def test_an_index_that_has_expired_is_refused(store: Shop, plugins: Path) -> None:
    index = store.index
    index["meta"] |= {"expires": "2026-01-02T00:00:00Z", "generated": "2026-01-01T00:00:00Z"}
    store.write_index(index)
    async with opened(plugins, store) as registry:
        with pytest.raises(StaleIndexError, match="expired"):
            await registry.search_marketplace("archiver")


@pytest.mark.anyio
async def test_another_publisher_is_not_taken_silently(store: Shop, plugins: Path) -> None:
    async with opened(plugins, store) as registry:
        await registry.install_plugin(ID)
        store.sell(ID, "2.0.0", permissions=HOSTS)
        store.open()
        index = store.index
        row = next(row for row in index["skills"] if row["id"] == ID)
        pointer = index["publishers"][row["publisher"]]
        document = json.loads((store.root / pointer["url"]).read_text()) | {"name": "mallory"}
        data = json.dumps(document).encode()
        (store.root / "kurt/v1/publishers/mallory.json").write_bytes(data)
        index["publishers"]["mallory"] = {
            "url": "kurt/v1/publishers/mallory.json",
            "digest": digests.of_bytes(data),
            "size": len(data),
        }
        row["publisher"] = "mallory"
        store.write_index(index)

        def edit(skill: dict[str, Any]) -> None:
            skill["publisher"] = "mallory"
            skill["releases"][-1]["publisher"] = "mallory"

        store.change(ID, edit)
        with pytest.raises(PublisherError, match="another publisher"):
            await registry.install_plugin(ID)
        async with PluginLoader(plugin_directory=plugins) as loader:
            await loader.load_plugin(ID)
            await registry.download_plugin(ID)
            with pytest.raises(PublisherError):
                await loader.reload_plugin(ID)
    assert version_in(plugins / ID) == "1.0.0"


@pytest.mark.anyio
async def test_a_plugin_that_was_changed_does_not_load_and_says_which_file(
    store: Shop, plugins: Path
) -> None:
    async with opened(plugins, store) as registry:
        await registry.install_plugin(ID)
    with (plugins / ID / "main.py").open("a") as file:
        file.write("# changed\n")
    async with PluginLoader(plugin_directory=plugins) as loader:
        with pytest.raises(IntegrityError, match="not as it was installed") as caught:
            await loader.load_plugin(ID)
        assert caught.value.files == ("main.py",)
        (plugins / ID / "extra.py").write_text("")
        with pytest.raises(IntegrityError) as caught:
            await loader.load_plugin(ID)
        assert caught.value.files == ("extra.py", "main.py")


@pytest.mark.anyio
async def test_two_registries_that_install_at_once_agree(store: Shop, plugins: Path) -> None:
    script = (
        "import asyncio, sys\nfrom kurt_ext import PluginRegistry\n"
        "async def main():\n"
        "    async with PluginRegistry(sys.argv[1], marketplace_url=sys.argv[2]) as registry:\n"
        "        await registry.install_plugin(sys.argv[3])\n"
        "asyncio.run(main())\n"
    )
    words = [sys.executable, "-c", script, str(plugins), store.root.as_uri(), CALC]
    running = [
        subprocess.Popen(words, env=os.environ, stderr=subprocess.PIPE, text=True) for _ in range(3)
    ]
    ended = [(process.communicate()[1], process.returncode) for process in running]
    assert [code for _, code in ended] == [0, 0, 0], ended
    assert version_in(plugins / CALC) == "1.0.0" and version_in(plugins / LIB) == "2.0.0"
