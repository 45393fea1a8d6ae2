"""``db``: one SQLite database, in a file of the project's choice or in memory."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from .contract import Integration

if TYPE_CHECKING:
    from kurt_ext.grants import Grants

__all__ = ["Database", "Sqlite", "SqliteOptions"]


class SqliteOptions(BaseModel):
    """Options under ``[integration.db]``."""

    model_config = ConfigDict(extra="forbid")

    path: str = Field(default=":memory:", description="file of the database")
    read_only: bool = Field(default=False, description="open an existing file for reading")
    timeout: float = Field(default=5.0, ge=0, description="seconds to wait for another writer")
    lent_mb: int = Field(default=1024, ge=1, description="size that isolated skills can grow it to")
    lent_seconds: float = Field(default=5.0, gt=0, description="for each of their statements")


class Database:
    """A SQLite database for calls, in any thread; each call is one transaction.

    The connection is opened when it is first used.
    """

    def __init__(self, options: SqliteOptions) -> None:
        self.options = options
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def query(
        self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[dict[str, Any]]:
        """Run one statement and return its rows as dicts.

        :param parameters: values for ``?`` or ``:name``; never put values into ``sql``.
        :raises sqlite3.Error: when it fails; nothing of it is kept.
        """
        with self.held() as connection, connection:
            return [dict(row) for row in connection.execute(sql, parameters)]

    def write(self, sql: str, rows: Sequence[Sequence[Any] | Mapping[str, Any]] = ((),)) -> int:
        """Run one statement for each row, all or none; return how many rows it changed."""
        with self.held() as connection, connection:
            return (
                connection.executemany(sql, rows).rowcount
                if rows != ((),)
                else max(0, connection.execute(sql).rowcount)
            )

    @contextmanager
    def held(self) -> Iterator[sqlite3.Connection]:
        """Give the connection to nobody else meanwhile."""
        with self._lock:
            yield self._open()

    def close(self) -> None:
        """Close the connection; the next use opens it again."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            options = self.options
            place = options.path
            if options.read_only:
                from pathlib import Path

                place = Path(place).resolve().as_uri() + "?mode=ro"
            self._connection = sqlite3.connect(
                place, timeout=options.timeout, uri=options.read_only, check_same_thread=False
            )
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("PRAGMA foreign_keys = ON")
        return self._connection


class Sqlite(Integration):
    """A SQLite database as ``context.db``, with ``query`` and ``write``."""

    provides = "db"
    face = "kurt_integration.borrowed:Database"
    Options: ClassVar[type[BaseModel]] = SqliteOptions

    def __init__(self, options: SqliteOptions | None = None) -> None:
        self._options = options or SqliteOptions()
        self._database: Database | None = None

    def start(self, settings: Mapping[str, Any]) -> Database:
        """Return the database; its file is opened on first use."""
        self._database = Database(self._options)
        return self._database

    def lend(
        self, name: str, service: Any, grants: Grants, skill: str
    ) -> Mapping[str, Callable[..., Any]]:
        """Lend ``query`` and ``write``, guarded; see :mod:`kurt_integration.lent_sqlite`."""
        from .lent_sqlite import lent

        return lent(service, skill)

    def stop(self) -> None:
        """Close the database."""
        if self._database is not None:
            self._database.close()
