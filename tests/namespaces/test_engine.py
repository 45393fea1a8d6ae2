"""Engines: one for each role; the built-in ones, and those that others register."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kurt_engine import (
    BaseFetcher,
    BaseMapper,
    FetchResult,
    MapResult,
    register_fetcher,
    register_mapper,
)
from kurt_engine.fetching import FetchFile, FetchHttp, FetchOptions
from kurt_engine.mapping import MapLinks
from kurt_engine.running import Sequential, Threads, ThreadsOptions
from kurt_ext.errors import CallError, ContractError, InvalidInputError
from kurt_ext.manager import SkillManager


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.startswith("/loop"):
            self.redirect("/loop" + str(int(self.path[5:] or 0) + 1))
        elif self.path == "/file":
            self.redirect("file:///etc/passwd")
        elif self.path == "/ftp":
            self.redirect("ftp://127.0.0.1/x")
        elif self.path == "/moved":
            self.redirect("/page")
        elif self.path == "/gone":
            self.send_error(404)
        elif self.path == "/slow":
            time.sleep(1.0)
            self.answer(b"late")
        else:
            self.answer("<a href='next'>größer</a>".encode("latin-1"))

    def redirect(self, place: str) -> None:
        self.send_response(302)
        self.send_header("Location", place)
        self.end_headers()

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=latin-1")
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:  # the client would not wait
            pass

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def fetch(url: str, **options: Any) -> FetchResult:
    return asyncio.run(FetchHttp(FetchOptions(**options)).fetch(url))


def test_a_page_is_fetched_decoded_and_its_redirect_followed(web: str) -> None:
    result = fetch(f"{web}/moved")
    assert (result.url, result.status) == (f"{web}/page", 200)
    assert "größer" in result.content
    assert result.content_type == "text/html"


@pytest.mark.parametrize(
    ("path", "options", "error"),
    [
        ("/loop", {"max_redirects": 3}, ConnectionError),
        ("/gone", {}, ConnectionError),
        ("/page", {"max_bytes": 5}, ValueError),
        ("/slow", {"timeout": 0.2}, TimeoutError),
        ("/file", {}, ConnectionError),
        ("/ftp", {}, ValueError),
    ],
)
def test_a_fetch_is_bounded(
    web: str, path: str, options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        fetch(web + path, **options)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x/y", "http://", "/etc/passwd", ""])
def test_only_web_addresses_are_fetched_from_the_web(url: str) -> None:
    with pytest.raises(ValueError, match="not an http or https address"):
        fetch(url)


def test_a_file_is_fetched_by_path_and_by_address(project: Path) -> None:
    (project / "a b.md").write_text("# ä")
    by_path = FetchFile().fetch("a b.md")
    assert FetchFile().fetch(by_path.url) == by_path
    assert (by_path.content, by_path.size) == ("# ä", 4)
    for wrong in ("http://x/y", "file://host/y"):
        with pytest.raises(ValueError, match="not the address of a file"):
            FetchFile().fetch(wrong)


def test_links_are_found_once_in_order_with_titles() -> None:
    page = """<base href="http://h/d/"><a href="a#x">One</a><a href=a>Again</a>
    <a href="//o/b"><i>Two</i> three</a><a href="mailto:x">no</a><a href="http://[">no</a>"""
    result = MapLinks().map(page, "http://ignored/")
    assert [(link.url, link.title) for link in result.links] == [
        ("http://h/d/a", "One"),
        ("http://o/b", "Two three"),
    ]


def test_a_sitemap_is_read() -> None:
    sitemap = """<?xml version="1.0"?><urlset xmlns="x"><url><loc> http://a/?x=1&amp;y=2 </loc>
    <lastmod>2024-01-02</lastmod></url><url><loc><![CDATA[http://b/]]></loc></url></urlset>"""
    links = MapLinks().map(sitemap).links
    assert [(link.url, link.modified) for link in links] == [
        ("http://a/?x=1&y=2", "2024-01-02"),
        ("http://b/", None),
    ]


@given(st.text(alphabet="<>/a href='\"=:[]urlsetloc#?&;", max_size=200))
def test_any_document_can_be_mapped(source: str) -> None:
    assert isinstance(MapLinks().map(source, "http://x/"), MapResult)


def test_sequential_runs_one_call_at_a_time_and_lets_nested_ones_through() -> None:
    running: list[int] = []
    most = 0

    async def main() -> None:
        runner = Sequential()

        async def inner() -> int:
            return 1

        async def work() -> None:
            nonlocal most
            running.append(1)
            most = max(most, len(running))
            await asyncio.sleep(0.01)
            assert await runner.run(inner) == 1
            running.pop()

        await asyncio.gather(*(runner.run(work) for _ in range(5)))

    asyncio.run(main())
    assert most == 1


def test_threads_run_sync_calls_at_the_same_time_up_to_their_number() -> None:
    barrier = threading.Barrier(3, timeout=10)

    async def main() -> list[int]:
        runner = Threads(ThreadsOptions(workers=3))
        return await asyncio.gather(*(runner.run(barrier.wait) for _ in range(3)))

    assert sorted(asyncio.run(main())) == [0, 1, 2]


def test_threads_hand_on_what_was_raised_and_run_async_calls_here() -> None:
    def fail() -> None:
        raise KeyError("k")

    async def where() -> int:
        return threading.get_ident()

    async def main() -> None:
        runner = Threads()
        with pytest.raises(KeyError):
            await runner.run(fail)
        assert await runner.run(where) == threading.get_ident()

    asyncio.run(main())


def test_engines_are_called_by_name(project: Path, web: str) -> None:
    (project / "kurt.toml").write_text('[engine."fetch.http"]\nmax_bytes = 1000\n')
    with SkillManager() as manager:
        assert manager.run("fetch.http", {"url": f"{web}/page"}).data.status == 200
        links = manager.run("map.links", {"source": "<a href=x>y</a>", "base": "http://z/"})
        assert links.as_dict()["data"]["links"][0]["url"] == "http://z/x"
        with pytest.raises(CallError, match="failed"):
            manager.run("fetch.http", {"url": f"{web}/gone"})
        with pytest.raises(InvalidInputError):
            manager.run("fetch.http", {"uri": "x"})
        with pytest.raises(InvalidInputError, match="executes the calls of others"):
            manager.run("run.threads")


def test_fetchers_and_mappers_are_registered_by_decorator(project: Path) -> None:
    try:

        @register_fetcher
        class Memory(BaseFetcher):
            name = "memory"

            def fetch(self, url: str) -> FetchResult:
                return FetchResult(url=url, content="in memory")

        @register_mapper(name="none")
        class Nothing(BaseMapper):
            def map(self, source: str, base: str = "") -> MapResult:
                return MapResult(source=base)

        (project / "kurt.toml").write_text('[engine]\nfetch = "memory"\nmap = "none"\n')
        manager = SkillManager.default()
        assert manager.run("fetch.memory", {"url": "x"}).data.content == "in memory"
        assert manager.driver("kurt.engine", "fetch").obj.fetch("y").url == "y"
        assert manager.driver("kurt.engine", "map").obj.map("a").links == []
    finally:
        SkillManager.close_default()


def test_what_is_no_engine_is_refused() -> None:
    with SkillManager() as manager:
        manager.register("kurt.engine", "fetch.odd", object)
        with pytest.raises(ContractError, match=r"contract of kurt\.engine"):
            manager.load("fetch.odd")
