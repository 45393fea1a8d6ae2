"""Whoever asks a market while another process changes it sees it as it was, or as it will be."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from crashes import die_at, stop_at
from server.processes import served
from server.test_uploads import packed

from kurt_ext.market import cataloguing, digests
from kurt_ext.market.building import build
from kurt_ext.market.clients import Market
from kurt_ext.market.collecting import folder_files
from kurt_ext.market.judging import Judge
from kurt_ext.market.keys import Keyring
from kurt_ext.market.market_toml import read_settings
from kurt_ext.market.mirroring import mirror
from kurt_ext.market.publishing import publish, yank
from kurt_ext.market.reading import reader_of
from kurt_ext.market.signing import PrivateKey, parse_public
from kurt_ext.market.verifying import files_of, verify
from kurt_ext.places import Places
from kurt_ext.server.database import connect, where
from kurt_ext.server.shelf import Shelf
from kurt_ext.server.tokens import Tokens

from .conftest import CODE, Shop, write_skill

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork"),
]
HOURS = 3 * 3600.0


class Fair:
    """A signed marketplace that is what it was before, as often as it is wanted."""

    def __init__(self, base: Path, shop: Shop, tuf: bool = False) -> None:
        self.base = base / "fair"
        self.base.mkdir(parents=True)
        self.places = shop.places
        ring = Keyring(shop.places)
        self.key: PrivateKey = ring.new("market")
        self.trusted = [self.key.public]
        self.tuf_root: str | None = None
        shop.build(key=self.key)
        assert shop.index.meta.signatures is not None
        if tuf:
            from kurt_ext.market.roots import make_root

            path = make_root(str(shop.root), ring.new("offline"), self.key)[1]
            self.tuf_root = shutil.copy(path, base / "root.json")
        self.first = shop.root
        self.yank(str(shop.root), "first")  # there is something to be set aside
        self.skill = write_skill(base / "new" / "caller", code=CODE + "# new\n")
        settings = shop.places, read_settings(str(shop.root)).profile, ["greeter", "waver"]
        judge = Judge(*settings)
        self.report = judge.folder(str(self.skill), folder_files(str(self.skill), 512, 1 << 24))
        self.number = 0
        self.source: str | None = None

    def again(self) -> str:
        """Return the folder of one that is as it was at first."""
        self.number += 1
        root = self.base / f"n{self.number}"
        shutil.copytree(self.first, root)
        return str(root)

    def url(self, root: str, address: str) -> str:
        """Return where a web server has it."""
        return f"{address}{os.path.basename(root)}/"

    @property
    def raw(self) -> list[bytes]:
        """The keys that are trusted."""
        return [parse_public(text) for text in self.trusted]

    # -- what changes it -------------------------------------------------------------

    def publish(self, root: str) -> None:
        publish(
            str(self.skill), root, self.places, report=self.report, ruleset="", key=self.key,
            index_key=self.key,
        )  # fmt: skip

    def yank(self, root: str, reason: str | None = "no more") -> None:
        yank(root, "greeter", "1.0.0", reason, index_key=self.key)

    def build(self, root: str) -> None:
        build(root, self.places, key=self.key, jobs=1)

    def mirror(self, root: str) -> None:
        if self.source is None:
            self.source = str(self.base / "source" / self.first.name)
            shutil.copytree(self.first, self.source)
            self.publish(self.source)
        mirror(reader_of(self.source), root, trusted=self.raw)

    # -- who looks -------------------------------------------------------------------

    def client(self, url: str, name: str = "fair") -> Market:
        return Market(self.places, name, url, keys=self.trusted, tuf_root=self.tuf_root)

    def look(self, url: str) -> int:
        """Take all that a market offers, as an installation does; return its number."""
        market = self.client(url)
        try:
            standing = market.refresh()
            assert standing.key is not None and not standing.warnings
            assert {"greeter", "waver"} <= self.take(market)
            return standing.snapshot
        finally:
            market.close()

    def take(self, market: Market) -> set[str]:
        """Read every document and file that the index of a client leads to; return whose."""
        taken = set()
        for hit in market.catalogue.search("").hits:
            listing = market.listing(hit.listing["id"])
            assert listing is not None
            document = market.document(listing)
            market.publisher(document.publisher)
            for release in document.releases:
                market.signer(document.id, release)
                assert market.content(document.id, release)
            taken.add(document.id)
        market.advisories()
        return taken

    def verified(self, location: str) -> int:
        """Return the number of a market in which nothing is wrong."""
        believed = self.believed(location)
        found = verify(reader_of(location), trusted=self.raw, signed=True, **believed)
        assert not found.findings, found.findings
        return found.snapshot

    def mirrored(self, location: str) -> int:
        """Return the number of a mirror in which nothing is wrong."""
        target = str(self.base / f"mirror{self.number}")
        believed = self.believed(location)
        mirror(reader_of(location), target, trusted=self.raw, **believed)
        assert self.look(target) == self.verified(target)
        return mirror(reader_of(target), target + "s", trusted=self.raw).snapshot

    def believed(self, location: str) -> dict[str, Any]:
        if self.tuf_root is None:
            return {}
        state = self.base / f"state{len(os.listdir(self.base))}"
        return {"root": Path(self.tuf_root).read_bytes(), "state": str(state)}


CHANGES: dict[str, Callable[[Fair, str], None]] = {
    "publish": Fair.publish,
    "build": Fair.build,
    "yank": Fair.yank,
    "mirror": Fair.mirror,
}
LOOKS: dict[str, Callable[[Fair, str], int]] = {
    "client": Fair.look,
    "verify": Fair.verified,
    "mirror": Fair.mirrored,
}


@pytest.fixture(params=[False, pytest.param(True, marks=pytest.mark.slow)], ids=["key", "tuf"])
def fair(request: pytest.FixtureRequest, shop: Shop, tmp_path: Path) -> Fair:
    if request.param:
        pytest.importorskip("tuf")
    return Fair(tmp_path / "base", shop, request.param)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "look"),
    [*[("publish", look) for look in LOOKS], *[(change, "client") for change in CHANGES][1:]],
)
def test_whoever_looks_at_any_step_sees_old_or_new(fair: Fair, change: str, look: str) -> None:
    write_skill(fair.first / "skills" / "later")
    seen = set()
    before = fair.verified(str(fair.first))
    if change == "mirror":
        fair.mirror(fair.again())  # in this process, so that there is what others mirror
    for number in range(1, 300, 2 if change == "build" else 1):
        root = fair.again()
        with stop_at(lambda: CHANGES[change](fair, root), number) as stopped:  # noqa: B023
            if stopped:
                seen.add(LOOKS[look](fair, root))
        assert fair.look(root) == fair.verified(root) == before + 1
        if not stopped:
            break
    assert number > 10 and seen == {before, before + 1}


@pytest.fixture
def address(fair: Fair) -> Iterator[str]:
    """Return the address of a plain web server that serves all that the fair makes."""
    words = ["-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(fair.base)]
    with subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+?:\d+/", process.stdout.readline())
        assert found is not None
        yield found[0]
        process.kill()


@pytest.mark.slow
@pytest.mark.parametrize("look", ["client", "mirror"])
@pytest.mark.parametrize("fair", [True], indirect=True, ids=["tuf"])
def test_whoever_asks_a_web_server_at_any_step_sees_old_or_new(
    fair: Fair, address: str, look: str
) -> None:
    seen = set()
    before = fair.verified(str(fair.first))
    for number in range(1, 300):
        root = fair.again()
        url = fair.url(root, address)
        with stop_at(lambda: fair.publish(root), number) as stopped:  # noqa: B023
            if stopped:
                seen.add(LOOKS[look](fair, url))
        assert fair.look(url) == before + 1
        if not stopped:
            break
    assert number > 10 and seen == {before, before + 1}


@pytest.mark.parametrize("over", ["folder", pytest.param("http", marks=pytest.mark.slow)])
def test_what_an_index_leads_to_is_there_after_further_ones(
    fair: Fair, over: str, request: pytest.FixtureRequest
) -> None:
    root = fair.again()
    url = root if over == "folder" else fair.url(root, request.getfixturevalue("address"))
    market = fair.client(url)
    market.refresh()
    for reason in ("one", "two", "three"):
        fair.yank(root, reason)
    # A resolution, or a mirror, has taken so long.
    assert fair.take(market) == {"greeter", "waver"}
    market.close()


def grow_old(root: str) -> None:
    """Have all that was set aside in a market be so for hours."""
    for path in Path(root, "kurt").rglob("*.json"):
        os.utime(path, (1e9, 1e9))


def test_what_was_set_aside_for_long_is_taken_away(fair: Fair) -> None:
    root = fair.again()
    for reason in ("one", "two", "three"):
        fair.yank(root, reason)
    folders = ["skills", "signatures", *(["tuf", "tuf/targets"] if fair.tuf_root else [])]
    many = {name: len(os.listdir(Path(root, "kurt/v1", name))) for name in folders}
    grow_old(root)
    fair.yank(root, "four")
    found = {name: len(os.listdir(Path(root, "kurt/v1", name))) for name in folders}
    # Of each: what the index names, and what the one before names, set aside just now.
    assert many["signatures"] >= 4 and found["signatures"] == 2
    assert found["skills"] == 3  # two of the one, and one of the other
    if fair.tuf_root:
        assert found["tuf/targets"] == 2
    assert fair.look(root) == fair.verified(root)


@pytest.mark.slow
@pytest.mark.parametrize("fair", [True], indirect=True, ids=["tuf"])
def test_an_index_key_is_changed_while_others_look(fair: Fair, places: Places) -> None:
    from kurt_ext.market.roots import make_root

    offline = Keyring(places).private("offline")
    other = Keyring(places).new("other")
    old, fair.trusted = fair.key, [fair.key.public, other.public]
    for number in range(1, 300):
        root = fair.again()
        fair.key = old
        with stop_at(lambda: make_root(root, offline, other), number) as stopped:  # noqa: B023
            if stopped:
                fair.look(root)
        assert fair.look(root) == fair.verified(root)
        if not stopped:
            break
    assert number > 10


@pytest.mark.slow
@pytest.mark.parametrize("reason", [None, "another"])
def test_a_publication_that_dies_hinders_nobody(fair: Fair, reason: str | None) -> None:
    for number in range(1, 300):
        root = fair.again()
        before = fair.look(root)
        died = die_at(lambda: fair.yank(root), number)  # noqa: B023
        seen = fair.look(root)
        assert seen in (before, before + 1)
        if reason is None:
            fair.build(root)  # there is nothing new
        else:
            fair.yank(root, reason)
        assert fair.look(root) == fair.verified(root) > seen - (reason is None)
        if not died:
            break
    assert number > 10


@pytest.mark.slow
def test_a_first_root_that_dies_hinders_nobody(shop: Shop, tmp_path: Path) -> None:
    pytest.importorskip("tuf")
    from kurt_ext.market.roots import make_root

    fair = Fair(tmp_path / "base", shop)
    offline = Keyring(shop.places).new("offline")
    for number in range(1, 300):
        root = fair.again()
        died = die_at(lambda: make_root(root, offline, fair.key), number)  # noqa: B023
        fair.verified(root)
        build(root, shop.places, key=fair.key)
        assert not build(root, shop.places, key=fair.key).changed
        path = make_root(root, offline, fair.key)[1]
        fair.tuf_root = shutil.copy(path, tmp_path)
        assert fair.look(root) == fair.verified(root)
        fair.tuf_root = None
        if not died:
            break
    assert number > 10


# -- several clients of one user -----------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fair", "over", "warm"),
    [(False, "http", False), (False, "http", True), (False, "folder", True), (True, "http", True)],
    indirect=["fair"],
)
def test_a_client_that_was_overtaken_goes_on_and_takes_nothing_back(
    fair: Fair, address: str, over: str, warm: bool
) -> None:
    for number in range(1, 300):
        root = fair.again()
        url = root if over == "folder" else fair.url(root, address)
        if warm:
            fair.look(url)
            fair.yank(root, "before")
        with stop_at(lambda: fair.look(url), number, 0.3) as stopped:  # noqa: B023
            if stopped:
                fair.yank(root)
                new = fair.look(url)
        if not stopped:
            break
        assert fair.look(url) == new
        market = fair.client(url)
        if over == "http":
            assert market.refresh(offline=True).snapshot == new
        market.close()
    assert number > 5


@pytest.mark.slow
@pytest.mark.parametrize(("fair", "over"), [(False, "folder"), (True, "http")], indirect=["fair"])
def test_a_client_that_is_killed_leaves_nothing_that_hinders(
    fair: Fair, address: str, over: str
) -> None:
    for number in range(1, 300):
        root = fair.again()
        url = root if over == "folder" else fair.url(root, address)
        died = die_at(lambda: fair.look(url), number)  # noqa: B023
        fair.look(url)
        if not died:
            break
        cache = Path(fair.client(url)._cache)
        for path in cache.rglob("*.tmp"):
            os.utime(path, (1e9, 1e9))
        fair.yank(root)
        fair.look(url)
        assert list(cache.glob("*.tmp")) == []
    assert number > 5


def at_once(work: Callable[[], object], many: int) -> None:
    """Run something in several processes at once, none of which may fail."""
    gate, opened = os.pipe()
    pids = []
    for _ in range(many):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.close(opened)
                os.read(gate, 1)
                work()
                code = 0
            except BaseException:
                sys.excepthook(*sys.exc_info())
            finally:
                os._exit(code)
        pids.append(pid)
    os.close(gate)
    os.close(opened)
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * many


@pytest.mark.slow
def test_of_several_that_search_first_one_makes_the_catalogue(
    fair: Fair, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = tmp_path / "made"
    real = cataloguing._fill

    def count(*words: Any, **more: Any) -> None:
        with open(made, "ab") as stream:
            stream.write(b".")
        real(*words, **more)

    monkeypatch.setattr(cataloguing, "_fill", count)
    root = fair.again()
    for number in (1, 2):
        at_once(lambda: fair.look(root), 4)
        assert made.read_bytes() == b"." * number
        fair.yank(root, str(number))


# -- a server ------------------------------------------------------------------------


async def offered(shelf: Shelf) -> int:
    """Return the number of the index of a server that has all that it leads to."""
    edition = await shelf.current(wait=True)
    for hit in edition.catalogue.search("").hits:
        document = await shelf.document(edition.row(hit.listing["id"]))
        await shelf.publisher(edition, document.publisher)
        for release in document.releases:
            for pointer in files_of(release):
                shelf.bytes_of(pointer, pointer.size)  # type: ignore[arg-type]
    return edition.meta.snapshot


@pytest.mark.slow
@pytest.mark.parametrize("change", ["publish", "yank"])
def test_a_server_has_the_old_or_the_new_at_every_step(
    shop: Shop, tmp_path: Path, change: str
) -> None:
    fair = Fair(tmp_path / "base", shop)
    before = fair.verified(str(fair.first))
    seen = set()
    for number in range(1, 300):
        root = fair.again()
        shelf, other = [Shelf(root, str(tmp_path / f"cache{number}")) for _ in range(2)]
        assert asyncio.run(offered(shelf)) == before
        with stop_at(lambda: CHANGES[change](fair, root), number) as stopped:  # noqa: B023
            if stopped:
                seen |= {asyncio.run(offered(shelf)), asyncio.run(offered(other))}
        assert asyncio.run(offered(shelf)) == asyncio.run(offered(other)) == before + 1
        shelf.close()
        other.close()
        if not stopped:
            break
    assert number > 10 and seen == {before, before + 1}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc for processes")
def test_workers_answer_while_one_is_published_and_another_withdrawn(
    shop: Shop, tmp_path: Path
) -> None:
    root, path = shop.root, "/api/v1/plugins"
    places = Places(os.getcwd())
    database = connect(where(places, str(root)), shop.index.meta.name)
    _, token = Tokens(database).new(shop.skill("greeter").publisher)
    database.close()
    bearer = {"Authorization": f"Bearer {token}"}
    theirs = [write_skill(tmp_path / "theirs" / f"caller{number}") for number in range(3)]
    with served(root, "--workers", "2", "--rate", "0") as server, ThreadPoolExecutor(4) as threads:

        def upload() -> list[tuple[int, bytes]]:
            answers = [server.ask(path, "POST", packed(one), bearer) for one in theirs]
            return [(one.status, b"" if one.status == 201 else one.data) for one in answers]

        def withdraw() -> list[int]:
            place = f"{path}/greeter/versions/1.0.0/yank"
            body, headers = b'{"reason": "why"}', {**bearer, "Content-Type": "application/json"}
            found = []
            for _ in range(4):
                found.append(server.ask(place, "POST", body, headers).status)
                found.append(server.ask(place, "DELETE", None, bearer).status)
            return found

        def read() -> int:
            tag, numbers = "", [0]
            while not (coming.done() and going.done()):
                answer = server.ask("/kurt/v1/index.json", headers={"If-None-Match": tag})
                if answer.status == 304:
                    continue
                assert answer.status == 200
                tag, index = answer.headers["etag"], answer.json
                numbers.append(index["meta"]["snapshot"])
                for row in index["skills"]:
                    data = server.ask("/" + row["detail"]["url"]).data
                    digests.check(data, row["detail"]["digest"], row["id"])
                    assert server.ask(f"{path}/{row['id']}").status == 200
                    assert server.ask(f"/skills/{row['id']}").status == 200
                assert server.ask(f"{path}/search?query=caller").status == 200
            assert numbers == sorted(numbers)
            return len(set(numbers))

        coming, going = threads.submit(upload), threads.submit(withdraw)
        readers = [threads.submit(read) for _ in range(2)]
        assert coming.result() == [(201, b"")] * 3
        assert going.result() == [200] * 8
        assert all(one.result() >= 2 for one in readers)
        told = {server.ask("/healthz").json["snapshot"] for _ in range(8)}
    assert told == {shop.index.meta.snapshot} == {1 + 3 + 8}
    assert not verify(shop.reader).findings
