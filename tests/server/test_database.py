"""What a server remembers, in every database that it can remember in."""

from __future__ import annotations

import ast
import json
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from kurt_ext.errors import (
    LockedError,
    MissingExtraError,
    NotFoundError,
    StorageError,
    UsageError,
)
from kurt_ext.market.market_toml import read_settings
from kurt_ext.places import Places
from kurt_ext.server import databases
from kurt_ext.server.audit import Audit
from kurt_ext.server.buckets import KeptBuckets, sweep
from kurt_ext.server.counting import Counts
from kurt_ext.server.database import VARIABLE, Database, connect, place_of, where
from kurt_ext.server.databases import sqlite
from kurt_ext.server.tokens import Tokens

from .clusters import Cluster
from .conftest import DATABASES

Open = Callable[[], Database]
NASTY = [
    "'; DROP TABLE token; --",
    '" OR 1=1',
    "%s %(name)s %%",
    "? ?1 :name $1",
    "\0 in the middle \0",
    "half a character \ud800",
    "\\'; SELECT pg_sleep(10) --",
    "ü" * 500,
    "{} {0} {name}",
    "",
]


@pytest.fixture(params=DATABASES)
def kind(request: pytest.FixtureRequest) -> str:
    """Return each kind of database in turn."""
    return str(request.param)


@pytest.fixture
def place(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    if kind == "postgres":
        found: Cluster = request.getfixturevalue("cluster")
        return found.database()
    return str(tmp_path / "servers" / "one.sqlite")


@pytest.fixture
def again(place: str) -> Iterator[Open]:
    """Return a function that opens the database, as another server would."""
    opened = []

    def one() -> Database:
        opened.append(connect(place, "market"))
        return opened[-1]

    yield one
    for database in opened:
        database.close()


@pytest.fixture
def database(again: Open) -> Database:
    return again()


def test_a_token_is_made_found_and_ended(database: Database, again: Open) -> None:
    tokens, others = Tokens(database), Tokens(again())
    made, text = tokens.new("ada", "a laptop", days=1)
    found = others.find(text)
    assert found is not None and found.id == made.id and found.publisher == "ada"
    assert [one.used for one in tokens.rows()] == [time.strftime("%Y-%m-%d", time.gmtime())]
    assert others.find(text + "x") is None
    assert others.revoke(made.id).revoked is not None
    assert tokens.find(text) is None
    assert tokens.revoke(made.id).revoked == others.rows()[0].revoked
    with pytest.raises(NotFoundError):
        tokens.revoke("nobody")
    assert made.holds(0) and not made.holds(time.time() + 2 * 86_400)


def test_what_is_written_comes_back_as_it_was(database: Database) -> None:
    audit = Audit(database)
    for text in NASTY:
        audit.write(("one", text), text, "upload", (text, text), "done", text)
    kept = [text.replace("\0", "\ufffd").replace("\ud800", "?") for text in NASTY]
    rows = audit.last(100)
    assert [row.detail for row in rows] == kept
    assert [row.publisher for row in rows] == kept
    assert [row.skill for row in rows] == [text[:128] or None for text in kept]
    assert [row.detail for row in audit.last(2)] == kept[-2:]


def test_no_text_is_read_as_a_statement(database: Database) -> None:
    tokens = Tokens(database)
    _, real = tokens.new("ada")
    for text in NASTY:
        assert tokens.find(text) is None
        assert tokens.find("kurt_" + text[:100]) is None
        with pytest.raises(NotFoundError):
            tokens.revoke(text)
        tokens.new("eve", note=text)
    limits = KeptBuckets(database, "token", 1, 1)
    for text in NASTY:
        limits.take(text)
    assert tokens.find(real) is not None
    assert len(tokens.rows()) == 1 + len(NASTY)


def test_every_statement_stands_in_the_program() -> None:
    """A statement that is put together at run time could hold what somebody else has sent."""
    folder = Path(databases.__file__).parents[1]
    seen = 0
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("read", "write", "write_many")
                and "database" in ast.unparse(node.func.value)
            ):
                seen += 1
                assert isinstance(node.args[0], ast.Constant), f"{path.name}:{node.lineno}"
    assert seen > 10


def test_downloads_of_several_servers_are_added_up(database: Database, again: Open) -> None:
    one, other = Counts(database), Counts(again())
    for _ in range(3):
        one.add("greeter")
    other.add("greeter")
    other.add("waver")
    assert (one.of("greeter"), other.of("greeter")) == (3, 1)
    one.save()
    other.save()
    one.save()
    assert [(one.of(name), other.of(name)) for name in ("greeter", "waver")] == [(4, 4), (1, 1)]
    assert Counts(again()).of("greeter") == 4


def test_downloads_are_kept_while_the_database_is_gone(database: Database, again: Open) -> None:
    class Away:
        gone = True

        def write_many(self, *arguments: Any) -> int:
            if self.gone:
                raise StorageError("gone")
            return database.write_many(*arguments)

        def read(self, *arguments: Any) -> list[Any]:
            return database.read(*arguments)

    away: Any = Away()
    counts = Counts(away)
    counts.add("greeter")
    for _ in range(2):
        with pytest.raises(StorageError):
            counts.save()
    counts.add("greeter")
    away.gone = False
    counts.save()
    counts.save()
    assert Counts(again()).of("greeter") == 2


def test_a_limit_is_one_limit_for_all_servers(database: Database, again: Open) -> None:
    one, other = (KeptBuckets(each, "token", 1.0, 3) for each in (database, again()))
    assert [limit.take("ada", 1000.0) for limit in (one, other, one)] == [0.0, 0.0, 0.0]
    assert one.take("ada", 1000.0) == pytest.approx(1.0, abs=0.01)
    assert other.wait("ada", 1000.5) == pytest.approx(0.5, abs=0.01)
    assert other.take("ada", 1001.0) == 0.0
    assert one.take("ada", 1001.0) > 0
    assert one.take("eve", 1001.0) == 0.0
    assert KeptBuckets(database, "guess", 1.0, 3).wait("ada", 1001.0) == 0.0
    assert one.take("ada", 2000.0) == 0.0
    sweep(database)
    assert database.read("SELECT count(*) FROM bucket") == [(0,)]


def test_writers_at_once_lose_nothing(again: Open) -> None:
    limits = [KeptBuckets(again(), "token", 1e-6, 25) for _ in range(4)]
    audits = [Audit(again()) for _ in range(4)]

    def work(number: int) -> float:
        audits[number % 4].write((None, None), "here", "upload", ("", ""), "done", str(number))
        return limits[number % 4].take("ada", 1000.0)

    with ThreadPoolExecutor(8) as threads:
        waits = list(threads.map(work, range(60)))
    assert sum(wait == 0.0 for wait in waits) == 25
    assert {row.detail for row in Audit(again()).last(100)} == {str(n) for n in range(60)}


def test_the_log_forgets_its_oldest_rows(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kurt_ext.server.audit._KEPT", 5)
    audit = Audit(database)
    for number in range(9):
        audit.write((None, None), "here", "upload", ("", ""), "done", str(number))
    assert [row.detail for row in audit.last(100)] == list("45678")


def test_many_servers_may_start_at_once(again: Open) -> None:
    with ThreadPoolExecutor(6) as threads:
        opened = list(threads.map(lambda _: again(), range(6)))
    assert [one.read("SELECT count(*) FROM token") for one in opened] == [[(0,)]] * 6


def test_a_statement_that_fails_is_told_and_leaves_nothing(database: Database) -> None:
    with pytest.raises(StorageError) as caught:
        database.write_many("INSERT INTO download VALUES (?, ?)", [("a", 1), ("a", 2)])
    assert caught.value.cause and caught.value.at == database.place
    assert database.read("SELECT * FROM download") == []
    with pytest.raises(StorageError):
        database.read("SELECT * FROM nothing")
    assert database.write("INSERT INTO download VALUES (?, ?)", "a", 1) == 1


def test_a_file_of_before_is_brought_up_to_date(tmp_path: Path) -> None:
    path = str(tmp_path / "old.sqlite")
    with closing(sqlite3.connect(path)) as old:
        old.executescript(sqlite._STEPS[0])
        old.execute("INSERT INTO download VALUES ('greeter', 7)")
        old.execute("PRAGMA user_version = 1")
        old.commit()
    database = connect(path)
    assert Counts(database).of("greeter") == 7
    assert KeptBuckets(database, "token", 1.0, 1).take("ada") == 0.0
    database.close()


# -- Postgres alone ------------------------------------------------------------------


@pytest.mark.slow
class TestPostgres:
    """What only several machines need."""

    @pytest.fixture
    def kind(self) -> str:
        return "postgres"

    def test_a_newer_schema_is_left_alone(self, place: str, database: Database) -> None:
        database.write("UPDATE about SET value = ? WHERE key = 'schema'", "99")
        with pytest.raises(StorageError) as caught:
            connect(place, "market")
        assert "newer kurt" in str(caught.value.cause)

    def test_two_marketplaces_do_not_share_tokens(self, place: str, database: Database) -> None:
        with pytest.raises(StorageError) as caught:
            connect(place, "another")
        assert "of the marketplace market" in str(caught.value.cause)
        assert caught.value.hint and "createdb" in caught.value.hint

    def test_a_user_who_may_make_no_tables_is_told_what_to_do(self, cluster: Cluster) -> None:
        url = cluster.database()
        name = url.partition("?")[0].rpartition("/")[2]
        cluster.execute("CREATE ROLE visitor LOGIN")
        cluster.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC", name)
        with pytest.raises(StorageError) as caught:
            connect(cluster.url(name, "visitor"), "market")
        assert caught.value.hint and caught.value.hint.startswith("GRANT CREATE")

    def test_what_is_put_behind_it_may_choose_its_schema(self, cluster: Cluster) -> None:
        url = cluster.database()
        name = url.partition("?")[0].rpartition("/")[2]
        for schema in ("one", "two"):
            cluster.execute(f"CREATE SCHEMA {schema}", name)
            database = connect(f"{url}&options=-csearch_path%3D{schema}", schema)
            Tokens(database).new(schema)
            assert len(Tokens(database).rows()) == 1
            database.close()

    def test_a_server_that_was_started_again_is_asked_again(self, cluster: Cluster) -> None:
        database = connect(cluster.database(), "market")
        _, text = Tokens(database).new("ada")
        cluster.stop()
        with pytest.raises(StorageError):
            Tokens(database).find(text)
        cluster.start()
        assert Tokens(database).find(text) is not None
        cluster.stop()
        cluster.start()
        assert Tokens(database).find(text) is not None  # the connection had died unseen
        database.close()

    def test_one_writes_at_a_time(self, again: Open) -> None:
        log: list[str] = []
        first, second = again(), again()
        inside = threading.Event()

        def later() -> None:
            inside.wait(10)
            with second.turn() as turn:
                turn.check(7)
                log.append("second")

        thread = threading.Thread(target=later)
        thread.start()
        with first.turn() as turn:
            turn.check(0)
            inside.set()
            time.sleep(0.2)
            log.append("first")
            turn.done(7)
        thread.join()
        assert log == ["first", "second"]

    def test_who_dies_lets_go_of_the_turn(self, place: str, again: Open) -> None:
        script = (
            "import sys, os; from kurt_ext.server.database import connect\n"
            "with connect(sys.argv[1], 'market').turn() as turn: turn.done(9); os._exit(1)"
        )
        subprocess.run([sys.executable, "-c", script, place], check=False, timeout=60)
        with again().turn() as turn:
            turn.check(0)  # nor was anything of it kept

    def test_a_folder_that_is_behind_is_not_written(self, again: Open) -> None:
        with again().turn() as turn:
            turn.done(5)
        with again().turn() as turn:
            turn.check(5)
            turn.check(6)
            with pytest.raises(LockedError) as caught:
                turn.check(4)
        assert caught.value.exit_code == 75

    def test_a_turn_that_was_lost_ends_in_an_error(self, cluster: Cluster) -> None:
        database = connect(cluster.database(), "market")
        with pytest.raises(StorageError), database.turn() as turn:
            cluster.stop()
            cluster.start()
            turn.check(1)
        database.close()

    def test_who_waits_for_long_is_told(self, again: Open, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("kurt_ext.server.databases.postgres._PATIENCE", 0.1)
        with again().turn(), pytest.raises(LockedError), again().turn():
            pass


@pytest.mark.slow
def test_the_commands_find_the_database_that_is_named(
    root: Path, cluster: Cluster, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from kurt_ext.cli import run

    def kurt(*words: str) -> Any:
        capfd.readouterr()
        assert run(["market", *words, "--json"]) == 0
        return json.loads(capfd.readouterr().out)["data"]

    url = cluster.database()
    made = kurt("token", "new", "ada", "--in", str(root), "--database", url)
    assert kurt("token", "list", "--in", str(root)) == []
    with (root / "market.toml").open("a") as stream:
        stream.write(f'database = "{url}"\n')
    assert [row["id"] for row in kurt("token", "list", "--in", str(root))] == [made["id"]]
    assert kurt("token", "revoke", made["id"], "--in", str(root))["revoked"]
    assert kurt("log", str(root)) == []
    monkeypatch.setenv(VARIABLE, cluster.database())
    assert kurt("token", "list", "--in", str(root)) == []


@pytest.mark.slow
def test_a_password_is_never_shown(cluster: Cluster) -> None:
    url = cluster.database().replace("kurt@", "kurt:sesame@")
    database = connect(url + "&password=sesame", "market")
    assert "sesame" not in database.place
    with pytest.raises(StorageError) as caught:
        database.read("SELECT * FROM nothing")
    assert "sesame" not in caught.value.render()
    database.close()


# -- which database ------------------------------------------------------------------


def test_where_it_is_kept_is_said_in_one_of_four_places(places: Places, tmp_path: Path) -> None:
    root = str(tmp_path)
    assert where(places, root, environ={}) == place_of(places.data, root)
    (tmp_path / "market.toml").write_text('database = "postgresql://c/c"\n')
    assert where(places, root, environ={}) == "postgresql://c/c"
    env = {VARIABLE: "postgresql://b:secret@b/b"}
    assert where(places, root, environ=env) == "postgresql://b:secret@b/b"
    assert where(places, root, "postgresql://a/a", env) == "postgresql://a/a"
    assert read_settings(root).database == "postgresql://c/c"


@pytest.mark.parametrize(
    "text",
    [
        "mysql://a/b",
        "sqlite:///x",
        "market.db",
        "postgresql://a:secret@b/c",
        "postgres://b/c?password=secret",
        "postgresql://[::1/x",
    ],
)
def test_what_is_no_address_or_tells_a_password_is_refused(
    places: Places, tmp_path: Path, text: str
) -> None:
    with pytest.raises(UsageError) as caught:
        where(places, str(tmp_path), text, {})
    assert "secret" not in caught.value.render()
    (tmp_path / "market.toml").write_text(f'database = "{text}"\n')
    with pytest.raises(UsageError):
        where(places, str(tmp_path), environ={})


def test_what_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtraError) as caught:
        connect("postgresql://127.0.0.1:1/x", "market")
    assert caught.value.hint == "pip install 'kurt-ext[postgres]'"


def test_a_server_that_is_not_there_is_told() -> None:
    pytest.importorskip("psycopg", reason="the postgres extra is not installed")
    with pytest.raises(StorageError) as caught:
        connect("postgresql://kurt:sesame@127.0.0.1:1/x?connect_timeout=2", "market")
    assert caught.value.at == "postgresql://kurt@127.0.0.1:1/x"
    assert "sesame" not in caught.value.render()
