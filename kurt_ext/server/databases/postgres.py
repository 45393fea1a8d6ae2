"""What several machines' servers remember together, in a Postgres database.

It is of one marketplace, whose folder these machines share. The turn to write that folder is
a lock of the database, since not every file system that is shared has locks; and the number
of the last index stands in it, since a file system may show one machine for a while what
another has replaced already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, LiteralString, TypeVar
from urllib.parse import urlsplit

from ...errors import LockedError, MissingExtraError, StorageError
from ..database import Database, Turn, plain

if TYPE_CHECKING:
    import psycopg

__all__ = ["Postgres"]

_T = TypeVar("_T")
#: Seconds that a statement, another writer, and a writer's silence may take.
_STATEMENT, _PATIENCE, _WRITING = 15, 30, 330
#: The two locks: of the tables while they are changed, and of the folder. "kurt" in ASCII.
_TABLES, _FOLDER = 0x6B757274_01, 0x6B757274_02
#: A dead peer is known to be dead after a minute: seconds until it is asked, and between.
_KEEP = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": _STATEMENT * 1000,
    "connect_timeout": 10,
    "application_name": "kurt",
}
_SESSION = (
    f"-c statement_timeout={_STATEMENT}s -c idle_in_transaction_session_timeout={_WRITING}s "
    "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3 "
    "-c default_transaction_isolation=read\\ committed "
)
#: One step of the schema each; the row `schema` of `about` says how many were taken.
_STEPS: tuple[LiteralString, ...] = (
    """
    CREATE TABLE token (
        id TEXT PRIMARY KEY, digest TEXT NOT NULL UNIQUE, publisher TEXT NOT NULL,
        note TEXT NOT NULL, made TEXT NOT NULL, expires TEXT, revoked TEXT, used TEXT
    );
    CREATE TABLE audit (
        number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at TEXT NOT NULL, token TEXT,
        publisher TEXT, address TEXT NOT NULL, action TEXT NOT NULL, skill TEXT, version TEXT,
        outcome TEXT NOT NULL, detail TEXT NOT NULL
    );
    CREATE INDEX audit_at ON audit (at);
    CREATE TABLE download (skill TEXT PRIMARY KEY, count BIGINT NOT NULL);
    CREATE TABLE bucket (name TEXT PRIMARY KEY, empty_at DOUBLE PRECISION NOT NULL);
    """,
)


def _library() -> Any:
    """Return psycopg.

    :raises MissingExtraError: when it is not installed.
    """
    try:
        import psycopg
    except ImportError as error:  # also where it finds no libpq
        raise MissingExtraError(
            "a Postgres database needs the postgres extra",
            cause=str(error),
            hint="pip install 'kurt-ext[postgres]'",
        ) from None
    return psycopg


def _shown(url: str) -> str:
    """Return an address without what is secret in it, and without its settings."""
    parts = urlsplit(url)
    user = f"{parts.username}@" if parts.username else ""
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{user}{host}{parts.path}"


class _Change(Turn):
    """A turn that the database gives: its lock ends with the connection of its holder."""

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]], place: str) -> None:
        self._connection = connection
        self._place = place

    def check(self, snapshot: int) -> None:
        # It also tells whether the connection, and the lock with it, is still there.
        query = "SELECT value FROM about WHERE key = 'snapshot'"
        row = self._connection.execute(query).fetchone()
        last = 0 if row is None else int(row[0])
        if snapshot < last:
            raise LockedError(
                f"the folder shows the index {snapshot}, and {last} was written by now",
                cause="another machine has written it; this one does not see it yet",
                at=self._place,
                hint="try again in a minute; if an older copy of the folder was put back: "
                f"psql -c \"UPDATE about SET value = '{snapshot}' WHERE key = 'snapshot'\"",
            )

    def done(self, snapshot: int) -> None:
        self._connection.execute(
            "INSERT INTO about VALUES ('snapshot', %s)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (str(snapshot),),
        )


class Postgres(Database):
    """A database of a Postgres server, 12 or later.

    :param url: ``postgresql://…``, as libpq reads it.
    :param market: the name of the marketplace whose it is.
    :raises StorageError: when it cannot be used, or is of another marketplace.
    :raises MissingExtraError: when psycopg is not installed.
    """

    def __init__(self, url: str, market: str) -> None:
        self.place = _shown(url)
        self._url = url
        self._library = _library()
        self._lock = Lock()
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        try:
            self._run(lambda connection: self._migrate(connection, market))
        except StorageError:
            self.close()
            raise

    def _opened(self) -> psycopg.Connection[tuple[Any, ...]]:
        from psycopg.conninfo import conninfo_to_dict

        given = conninfo_to_dict(self._url)
        chosen = {**_KEEP, **given, "options": _SESSION + str(given.get("options") or "")}
        found: psycopg.Connection[tuple[Any, ...]] = self._library.connect(
            # Nothing is prepared, so that another kurt may change a table meanwhile.
            autocommit=True,
            prepare_threshold=None,
            **chosen,
        )
        return found

    def _run(self, work: Callable[[psycopg.Connection[tuple[Any, ...]]], _T]) -> _T:
        """Have work done in one transaction; once more where the server had gone away."""
        with self._lock:
            for again in (True, False):
                worked = False
                try:
                    if self._connection is None or self._connection.closed:
                        self._connection = self._opened()
                    with self._connection.transaction():
                        found = work(self._connection)
                        worked = True
                    return found
                except self._library.Error as error:
                    gone = self._connection is not None and self._connection.closed
                    # Of what broke off at its very end nobody knows whether it was done.
                    if not (again and gone and not worked):
                        raise self._failure(error, self._hint(error)) from error
        raise AssertionError("unreachable")

    def _hint(self, error: Exception) -> str | None:
        if isinstance(error, self._library.errors.InsufficientPrivilege):
            return "GRANT CREATE ON SCHEMA public TO the user, or make the user its owner"
        return None

    def _migrate(self, connection: psycopg.Connection[tuple[Any, ...]], market: str) -> None:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_TABLES,))
        connection.execute(
            "CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT NOT NULL)"
        )
        about = dict(connection.execute("SELECT key, value FROM about").fetchall())
        if market and about.setdefault("market", market) != market:
            raise self._failure(
                ValueError(f"it is of the marketplace {about['market']}, and this is {market}"),
                "a database of its own for each: createdb NAME",
            )
        taken = int(about.get("schema", 0))
        if taken > len(_STEPS):
            raise self._failure(ValueError("a newer kurt has written it"))
        for step in _STEPS[taken:]:
            connection.execute(step)
        for key, value in (("market", about.get("market")), ("schema", str(len(_STEPS)))):
            if value is not None:
                connection.execute(
                    "INSERT INTO about VALUES (%s, %s)"
                    " ON CONFLICT (key) DO UPDATE SET value = excluded.value"
                    " WHERE about.value <> excluded.value",
                    (key, value),
                )

    def write_many(self, statement: LiteralString, rows: Sequence[Sequence[Any]]) -> int:
        """Execute a statement for several rows, in one transaction; return how many changed."""
        query, values = statement.replace("?", "%s"), [plain(row) for row in rows]

        def work(connection: psycopg.Connection[tuple[Any, ...]]) -> int:
            with connection.cursor() as cursor:
                if len(values) == 1:
                    cursor.execute(query, values[0])
                else:
                    cursor.executemany(query, values)
                return cursor.rowcount

        return self._run(work)

    def read(self, statement: LiteralString, *values: Any) -> list[tuple[Any, ...]]:
        """Return the rows that a statement selects."""
        query = statement.replace("?", "%s")
        return self._run(lambda found: found.execute(query, plain(values)).fetchall())

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        """Give the turn to write the folder, to one process of all machines.

        :raises LockedError: when another has it for long, or the folder here is behind.
        :raises StorageError: when the database cannot be used.
        """
        library = self._library
        try:
            with self._opened() as connection, connection.transaction():
                wait: LiteralString = "SELECT set_config('lock_timeout', %s, true)"
                connection.execute(wait, (f"{_PATIENCE}s",))
                connection.execute("SELECT set_config('statement_timeout', '0', true)")
                try:
                    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_FOLDER,))
                except library.errors.LockNotAvailable:
                    raise LockedError(
                        "another release is being written",
                        cause=f"it took longer than {_PATIENCE} seconds",
                        at=self.place,
                        hint="try again",
                    ) from None
                yield _Change(connection, self.place)
        except library.Error as error:
            raise self._failure(error) from error

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
