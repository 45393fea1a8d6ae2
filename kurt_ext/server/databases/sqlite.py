"""What one machine's servers remember, in an SQLite file with a write-ahead log.

It is readable by its owner alone, and never in the folder of the marketplace, which others
copy. Any number of processes of this machine may have it open: each write is one transaction
that takes the lock before it reads, and waits for others. It does not work over a network.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any, LiteralString

from ..database import Database, plain

__all__ = ["Sqlite"]

#: Seconds that a process waits while another writes.
_PATIENCE = 10
#: One step of the schema each; `user_version` says how many were taken.
_STEPS = (
    """
    CREATE TABLE token (
        id TEXT PRIMARY KEY, digest TEXT NOT NULL UNIQUE, publisher TEXT NOT NULL,
        note TEXT NOT NULL, made TEXT NOT NULL, expires TEXT, revoked TEXT, used TEXT
    );
    CREATE TABLE audit (
        number INTEGER PRIMARY KEY, at TEXT NOT NULL, token TEXT, publisher TEXT,
        address TEXT NOT NULL, action TEXT NOT NULL, skill TEXT, version TEXT,
        outcome TEXT NOT NULL, detail TEXT NOT NULL
    );
    CREATE INDEX audit_at ON audit (at);
    CREATE TABLE download (skill TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
    """,
    "CREATE TABLE bucket (name TEXT PRIMARY KEY, empty_at REAL NOT NULL) WITHOUT ROWID;",
)


class Sqlite(Database):
    """A file.

    :param path: made where there is none.
    :raises StorageError: when it cannot be used.
    """

    def __init__(self, path: str) -> None:
        self.place = path
        self._lock = Lock()
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._connection = sqlite3.connect(
                path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
            )
        except (sqlite3.Error, OSError) as error:
            raise self._failure(error) from error
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._migrate()
        except sqlite3.Error as error:
            self._connection.close()
            raise self._failure(error) from error

    def _migrate(self) -> None:
        with self._held() as connection:
            (taken,) = connection.execute("PRAGMA user_version").fetchone()
            if taken > len(_STEPS):
                raise sqlite3.DatabaseError("a newer kurt has written it")
            for number, step in enumerate(_STEPS[taken:], taken + 1):
                for statement in step.split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number}")

    @contextmanager
    def _held(self) -> Iterator[sqlite3.Connection]:
        """Give the connection within one transaction that writes."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def write_many(self, statement: LiteralString, rows: Sequence[Sequence[Any]]) -> int:
        """Execute a statement for several rows, in one transaction; return how many changed."""
        try:
            with self._held() as connection:
                return connection.executemany(statement, map(plain, rows)).rowcount
        except sqlite3.Error as error:
            raise self._failure(error) from error

    def read(self, statement: LiteralString, *values: Any) -> list[tuple[Any, ...]]:
        """Return the rows that a statement selects."""
        try:
            with self._lock:
                return self._connection.execute(statement, plain(values)).fetchall()
        except sqlite3.Error as error:
            raise self._failure(error) from error

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()
