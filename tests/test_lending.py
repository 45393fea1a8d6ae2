"""What is lent to isolated skills: operations by name, judged by the host, with faces that fit."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from kurt_ext.errors import (
    CallError,
    LimitError,
    PermissionDeniedError,
    ServiceUnavailableError,
)
from kurt_ext.grants import Grants
from kurt_ext.sandbox.lending import Loans, borrowed, loans
from kurt_ext.services import Services
from kurt_integration import Integration
from kurt_integration.http import Http, HttpOptions
from kurt_integration.providing import _Provider
from kurt_integration.sqlite import Sqlite, SqliteOptions


class Row:
    """Stands for the extension that a provider is made of."""

    def __init__(self, obj: Any, name: str) -> None:
        self.obj, self.name, self.reference = obj, name, f"maker:{name}"


def provider(obj: Any, name: str) -> Any:
    return _Provider(Row(obj, name))  # type: ignore[arg-type]


class Pair:
    """A host and a worker in one process: what crosses is JSON with bytes beside it."""

    def __init__(self, lent: Loans) -> None:
        self.lent = lent
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.services = borrowed(crossed(lent.describe()), self.ask, self.aask)
        self.asked: list[tuple[str, str]] = []

    def ask(self, name: str, operation: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        self.asked.append((name, operation))
        answer = self.lent.answer(name, operation, crossed(args), crossed(kwargs))
        return crossed(asyncio.run_coroutine_threadsafe(answer, self.loop).result(30))

    async def aask(self, name: str, operation: str, args: list[Any], kwargs: Any) -> Any:
        return await asyncio.to_thread(self.ask, name, operation, args, kwargs)

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self.lent.close(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


def crossed(value: Any) -> Any:
    """Return a value as it comes out at the other end: no object but bytes passes."""
    blobs: list[bytes] = []

    def out(item: Any) -> Any:
        if isinstance(item, (bytes, bytearray, memoryview)):
            blobs.append(bytes(item))
            return {"$b": len(blobs) - 1}
        raise TypeError(f"{type(item).__name__} does not cross")

    def back(item: dict[str, Any]) -> Any:
        return blobs[item["$b"]] if "$b" in item else item

    return json.loads(json.dumps(value, default=out), object_hook=back)


Lend = Callable[..., Pair]


@pytest.fixture
def lend() -> Iterator[Lend]:
    """Return what starts services and lends them to a skill."""
    pairs: list[tuple[Pair, Services]] = []

    def start(*providers: Any, grants: Mapping[str, Any] | None = None, seen: Any = None) -> Pair:
        services = Services()

        async def begin() -> None:
            for one in providers:
                await services.start(one._reference, one, {})

        asyncio.run(begin())
        pair = Pair(loans(services, Grants.of(grants or {}), "guest", seen))
        pairs.append((pair, services))
        return pair

    yield start
    for pair, services in pairs:
        pair.close()
        asyncio.run(services.stop())


class Notes(Integration):
    provides = "notes"

    def start(self, settings: Any) -> Any:
        return ["one", "two"]

    def lend(self, name: str, service: Any, grants: Grants, skill: str) -> Any:
        async def later(number: int) -> str:
            await asyncio.sleep(0)
            return str(service[number])

        def where() -> str:
            return threading.current_thread().name

        return {
            "count": service.__len__,
            "later": later,
            "where": where,
            "live": lambda: {"rows": [object()]},
            "fail": lambda: service[9],
            "may": lambda host: grants.covers("network_hosts", host),
        }


# -- any service -----------------------------------------------------------------------


def test_a_face_has_the_operations_that_are_lent_and_no_others(lend: Lend) -> None:
    notes = lend(provider(Notes(), "notes")).services["notes"]
    assert notes.count() == 2
    assert asyncio.run(notes.later(1)) == "two"
    with pytest.raises(AttributeError, match=r"lends no 'append'.*it lends count, later"):
        notes.append("three")


def test_a_sync_operation_runs_in_a_thread_of_the_skills_own(lend: Lend) -> None:
    assert lend(provider(Notes(), "notes")).services["notes"].where().startswith("lent to guest")


def test_an_operation_that_is_not_lent_is_not_reached_by_its_name(lend: Lend) -> None:
    pair = lend(provider(Notes(), "notes"))
    for name in ("append", "__len__", "pop", "service"):
        with pytest.raises(ServiceUnavailableError, match="does not lend"):
            pair.ask("notes", name, [], {})


def test_what_is_no_data_does_not_leave_the_host(lend: Lend) -> None:
    with pytest.raises(CallError, match=r"notes\.live\['rows'\]\[0\] gave a object"):
        lend(provider(Notes(), "notes")).services["notes"].live()


def test_what_an_operation_raises_is_told_with_its_class(lend: Lend) -> None:
    with pytest.raises(CallError, match=r"notes\.fail failed") as caught:
        lend(provider(Notes(), "notes")).services["notes"].fail()
    assert caught.value.cause == "IndexError: list index out of range"


def test_a_service_that_is_not_lent_says_so_and_how_to_lend_it(lend: Lend) -> None:
    class Secret(Integration):
        def start(self, settings: Any) -> Any:
            return object()

    pair = lend(provider(Secret(), "secret"))
    assert list(pair.services) == []
    with pytest.raises(ServiceUnavailableError, match="'secret' is not lent") as caught:
        pair.services["secret"]
    assert caught.value.cause == "maker:secret lends it to nobody"
    assert "def lend(" in (caught.value.hint or "")
    assert pair.services.get("secret") is None


@pytest.mark.parametrize(
    ("lend_", "cause"),
    [
        (lambda *a: 1 / 0, "lend of maker:odd failed: ZeroDivisionError: division by zero"),
        (lambda *a: ["query"], "lend of maker:odd gives no mapping of functions"),
        (lambda *a: {"a b": print}, "lend of maker:odd gives no mapping of functions"),
        (lambda *a: {"q": 1}, "lend of maker:odd gives no mapping of functions"),
    ],
)
def test_a_provider_that_lends_wrongly_costs_its_service_alone(
    lend: Lend, lend_: Any, cause: str
) -> None:
    class Odd(Integration):
        def start(self, settings: Any) -> Any:
            return 1

        lend = staticmethod(lend_)

    pair = lend(provider(Odd(), "odd"), provider(Notes(), "notes"))
    with pytest.raises(ServiceUnavailableError) as caught:
        pair.services["odd"]
    assert caught.value.cause == cause
    assert pair.services["notes"].count() == 2


def test_a_service_that_starts_later_is_lent_too() -> None:
    services = Services()
    pair = Pair(loans(services, Grants(), "guest"))
    try:
        with pytest.raises(ServiceUnavailableError, match="'notes' is not there"):
            pair.services["notes"]
        asyncio.run(services.start("maker:notes", provider(Notes(), "notes"), {}))
        assert pair.services["notes"].count() == 2
    finally:
        pair.close()


def test_what_fills_a_role_is_loaded_when_it_is_asked_for() -> None:
    made: list[str] = []

    class Fetcher:
        def lend(self, name: str, service: Any, grants: Grants, skill: str) -> Any:
            return {"fetch": lambda url: f"{skill} {url}"}

    fetcher = Fetcher()

    def on_demand() -> Any:
        made.append("fetch")
        return fetcher

    pair = Pair(loans(Services({"fetch": on_demand}), Grants(), "guest"))
    try:
        assert "fetch" in pair.services and not made
        assert pair.services["fetch"].fetch("x") == "guest x"
    finally:
        pair.close()


def test_what_is_looked_up_in_the_grants_is_seen(lend: Lend) -> None:
    seen: list[tuple[str, str, bool]] = []
    notes = lend(
        provider(Notes(), "notes"),
        grants={"network_hosts": ["a.example"]},
        seen=lambda *told: seen.append(told),
    ).services["notes"]
    assert notes.may("a.example") and not notes.may("b.example")
    assert seen == [("network_hosts", "a.example", True), ("network_hosts", "b.example", False)]


def test_a_face_is_made_when_its_service_is_first_used(lend: Lend) -> None:
    pair = lend(provider(Sqlite(), "db"))
    assert pair.asked == [] and "db" in pair.services
    assert pair.services["db"] is pair.services["db"]


def test_only_so_many_requests_of_a_skill_wait() -> None:
    gate = asyncio.Event()

    class Slow(Integration):
        def start(self, settings: Any) -> Any:
            return 1

        def lend(self, name: str, service: Any, grants: Grants, skill: str) -> Any:
            return {"wait": gate.wait}

    async def main() -> None:
        services = Services()
        await services.start("maker:slow", provider(Slow(), "slow"), {})
        lent = loans(services, Grants(), "guest")
        waiting = [asyncio.ensure_future(lent.answer("slow", "wait")) for _ in range(128)]
        await asyncio.sleep(0)
        with pytest.raises(LimitError, match="too much at a time"):
            await lent.answer("slow", "wait")
        gate.set()
        assert await asyncio.gather(*waiting) == [True] * 128
        await lent.answer("slow", "wait")
        await lent.close()

    asyncio.run(main())


# -- db --------------------------------------------------------------------------------


@pytest.fixture
def db(lend: Lend) -> Any:
    return lend(provider(Sqlite(SqliteOptions(path="kept.db", lent_seconds=0.2)), "db")).services[
        "db"
    ]


def test_the_database_is_used_as_in_the_hosts_own_process(db: Any) -> None:
    assert db.write("create table t (n, b)") == 0
    assert db.write("insert into t values (?, ?)", [(1, b"\x00\xff"), (2, None)]) == 2
    assert db.write("insert into t values (:n, 'x')", [{"n": 3}]) == 1
    assert db.write("delete from t where n = 2") == 1
    assert db.query("select * from t where n < :most", {"most": 3}) == [{"n": 1, "b": b"\x00\xff"}]
    assert db.query("select count(*) as c from t") == [{"c": 2}]


def test_errors_of_the_database_are_those_of_sqlite3(db: Any) -> None:
    db.write("create table t (n unique)")
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE") as caught:
        db.write("insert into t values (?)", [(1,), (1,)])
    assert caught.value.sqlite_errorname == "SQLITE_CONSTRAINT_UNIQUE"
    assert db.query("select * from t") == []
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        db.query("select * from nowhere")
    with pytest.raises((sqlite3.Warning, sqlite3.ProgrammingError), match="one statement"):
        db.query("select 1; drop table t")


@pytest.mark.parametrize(
    "sql",
    [
        "attach 'stolen.db' as s",
        "detach main",
        "select load_extension('x.so')",
        "select fts3_tokenizer('simple')",
        "pragma writable_schema = 1",
        "pragma journal_mode = off",
        "pragma temp_store_directory = '/tmp'",
        "pragma user_version = 7",
        "pragma foreign_keys = off",
        "pragma max_page_count = 1",
        "pragma database_list",
        "select * from pragma_database_list",
        "create temp table x (n)",
        "create table temp.x (n)",
        "create virtual table v using csv(filename='/etc/passwd')",
        "begin",
        "commit",
        "savepoint s",
    ],
)
def test_what_reaches_beyond_the_database_is_refused(db: Any, sql: str) -> None:
    with pytest.raises(PermissionDeniedError, match="guest may not use"):
        db.query(sql)
    with pytest.raises(PermissionDeniedError):
        db.write(sql)
    assert db.query("select 1 as n") == [{"n": 1}]


def test_no_copy_of_the_database_is_written_elsewhere(db: Any, project: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        db.query("vacuum into 'copy.db'")
    assert not (project / "copy.db").exists()


@pytest.mark.parametrize(
    ("sql", "limit"),
    [
        (
            "with recursive c(n) as (select 1 union all select n+1 from c) select count(*) from c",
            "seconds",
        ),
        (
            "with recursive c(n) as (select 1 union all select n+1 from c limit 100001) "
            "select n from c",
            "rows",
        ),
        (
            "with recursive c(n) as (select 1 union all select n+1 from c limit 90) "
            "select zeroblob(100000) from c",
            "bytes",
        ),
    ],
)
def test_a_statement_is_bounded(lend: Lend, sql: str, limit: str) -> None:
    seconds = 0.2 if limit == "seconds" else 60
    db = lend(provider(Sqlite(SqliteOptions(lent_seconds=seconds)), "db")).services["db"]
    with pytest.raises(LimitError, match="came to the end") as caught:
        db.query(sql)
    assert caught.value.limit == limit
    assert db.query("select 1 as n") == [{"n": 1}]


def test_no_value_and_no_database_grows_without_end(lend: Lend) -> None:
    db = lend(provider(Sqlite(SqliteOptions(lent_mb=1)), "db")).services["db"]
    with pytest.raises(sqlite3.DataError, match="too big"):
        db.query("select zeroblob(1000000000)")
    db.write("create table t (b)")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        db.write("insert into t values (?)", [(bytes(300_000),)] * 5)
    assert db.query("select count(*) as n from t") == [{"n": 0}]


def test_the_host_is_not_bound_by_what_binds_the_skill(lend: Lend) -> None:
    sqlite = Sqlite(SqliteOptions(lent_mb=1))
    pair = lend(provider(sqlite, "db"))
    pair.services["db"].write("create table t (b)")
    database = sqlite._database
    assert database is not None
    database.write("insert into t values (?)", [(bytes(300_000),)] * 5)
    assert database.query("pragma user_version = 3") == []
    assert pair.services["db"].query("pragma user_version") == [{"user_version": 3}]


# -- http ------------------------------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = b"x" * int(self.path.removeprefix("/size/")) if "/size/" in self.path else b""
        if not body:
            told = {"host": self.headers["Host"], "path": self.path, "own": self.headers["X-Own"]}
            body = json.dumps(told).encode()
        self.send_response(200)
        if "/chunks" in self.path:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for piece in (b"one", b"two", b""):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            return
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        told = json.dumps({"size": len(body), "start": body[:10].decode()}).encode()
        self.send_response(201)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as found:
        thread = threading.Thread(target=found.serve_forever, args=(0.01,))
        thread.start()
        yield found.server_address[1]
        found.shutdown()
        thread.join()


@pytest.fixture
def client(lend: Lend, server: int) -> Any:
    pytest.importorskip("httpx2")
    pair = lend(provider(Http(), "http"), grants={"network_hosts": [f"127.0.0.1:{server}"]})
    return pair.services["http"]


def test_the_client_has_its_whole_face(client: Any, server: int) -> None:
    base = f"http://127.0.0.1:{server}"

    async def main() -> None:
        found = await client.get(f"{base}/a?b=c", headers={"X-Own": "é".encode()})
        assert (found.status_code, found.reason_phrase, found.http_version) == (
            200,
            "OK",
            "HTTP/1.1",
        )
        told = found.json()
        assert (told["host"], told["path"]) == (f"127.0.0.1:{server}", "/a?b=c")
        sent = await client.post(base, content=b"0123456789" * 100_000)
        assert sent.status_code == 201 and sent.json() == {"size": 1_000_000, "start": "0123456789"}
        assert (await client.post(base, json={})).json()["size"] == 2
        assert len((await client.get(f"{base}/size/3000000")).content) == 3_000_000
        assert (await client.get(f"{base}/chunks")).text == "onetwo"
        async with client.stream("GET", f"{base}/size/9000000") as response:
            first = await anext(response.aiter_bytes())
        assert 0 < len(first) < 9_000_000
        followed = await client.get(f"{base}/to/{base}/end")
        assert followed.json()["path"] == "/end" and len(followed.history) == 1
        found = await asyncio.gather(*[client.get(f"{base}/size/{n + 1}") for n in range(12)])
        assert [len(one.content) for one in found] == list(range(1, 13))

    asyncio.run(main())


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:{port}/",
        "http://127.0.0.2:{port}/",
        "http://127.0.0.1:1/",
        "https://example.com/",
        "http://[::1]:{port}/",
        "http://2130706433:{port}/",
        "http://127.1:{port}/",
        "http://[::ffff:127.0.0.2]:{port}/",
        "http://127.0.0.1:{port}/to/http://127.0.0.2:{port}/",
        "http://127.0.0.1:{port}/to/http://example.com/",
        "http://127.0.0.1:{port}@example.com/",
    ],
)
def test_a_host_that_is_not_declared_is_not_asked(client: Any, server: int, url: str) -> None:
    with pytest.raises(PermissionDeniedError, match="guest may not ask") as caught:
        asyncio.run(client.get(url.format(port=server)))
    assert caught.value.permission == "network_hosts"


def test_another_name_for_the_same_address_is_not_asked_for(client: Any, server: int) -> None:
    with pytest.raises(PermissionDeniedError, match=r"internal\.example"):
        asyncio.run(client.get(f"http://127.0.0.1:{server}/", headers={"Host": "internal.example"}))


@pytest.mark.parametrize(
    "host", ["10.0.0.1", "127.0.0.1", "169.254.169.254", "::1", "fe80::1", "::ffff:192.168.0.1"]
)
def test_a_name_that_leads_into_a_private_network_is_refused(
    lend: Lend, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    pytest.importorskip("httpx2")
    pair = lend(provider(Http(), "http"), grants={"network_hosts": ["*.example.com"]})

    async def rebound(self: Any, name: str, port: int, **more: Any) -> Any:
        return [(2, 1, 6, "", (host, port))]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", rebound)
    with pytest.raises(PermissionDeniedError, match="may not ask api") as caught:
        asyncio.run(pair.services["http"].get("http://api.example.com/"))
    assert "no public address" in (caught.value.cause or "")


def test_an_answer_is_bounded(lend: Lend, server: int) -> None:
    pytest.importorskip("httpx2")
    pair = lend(
        provider(Http(HttpOptions(lent_mb=1)), "http"), grants={"network_hosts": ["127.0.0.1"]}
    )
    with pytest.raises(LimitError, match="more than 1 MB"):
        asyncio.run(pair.services["http"].get(f"http://127.0.0.1:{server}/size/3000000"))


def test_failures_of_the_network_are_the_clients_own(lend: Lend) -> None:
    httpx2 = pytest.importorskip("httpx2")
    pair = lend(provider(Http(), "http"), grants={"network_hosts": ["127.0.0.1"]})
    with pytest.raises(httpx2.ConnectError) as caught:
        asyncio.run(pair.services["http"].get("http://127.0.0.1:1/"))
    assert str(caught.value.request.url) == "http://127.0.0.1:1/"


def test_requests_of_no_proper_form_are_refused(lend: Lend, server: int) -> None:
    pytest.importorskip("httpx2")
    pair = lend(provider(Http(), "http"), grants={"network_hosts": ["127.0.0.1"]})

    def send(method: str, url: list[Any], headers: list[Any]) -> Any:
        return pair.ask("http", "send", [method, url, headers, b"", {}, None], {})

    here = ["http", "127.0.0.1", server, "/"]
    assert send("GET", here, [])["status"] == 200
    odd = {"connect": -1, "read": "x", "write": None, "pool": 1e300, "more": 1}
    assert pair.ask("http", "send", ["GET", here, [], b"", odd], {})["status"] == 200
    for method, url in [
        ("CONNECT", here),
        ("GET / HTTP/1.1\r\nX:", here),
        ("GET", ["file", "127.0.0.1", server, "/etc/passwd"]),
        ("GET", ["http", "127.0.0.1", server, "http://example.com/"]),
        ("GET", ["http", "*", server, "/"]),
        ("GET", ["http", "127.0.0.1", server, "/" + "a" * 70_000]),
    ]:
        with pytest.raises(PermissionDeniedError):
            send(method, url, [])
    assert "error" in send("GET", ["http", "127.0.0.1", server, "/ HTTP/1.1\r\nX: y"], [])
    assert "error" in send("GET", here, [["X", "a\r\nHost: b"]])
