"""The database as an isolated skill may use it: its statements, and nothing beside the database.

SQLite's authorizer judges each statement when it is prepared: what reaches other files, loads
code, changes the connection for everybody, or ends the transaction is refused. Rows, bytes, time
and the size of the database are bounded. Tables are not kept apart: whoever may use the database
may use all of it, as in the host's own process.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any

from kurt_ext.errors import LimitError, PermissionDeniedError

from .sqlite import Database

__all__ = ["lent"]

#: Rows of one answer, and bytes of their values and names.
MAX_ROWS, MAX_BYTES = 100_000, 8 << 20
#: Longest text or blob, longest statement, and depth of triggers, while a skill's statement runs.
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: MAX_BYTES,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 1 << 20,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 50,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
}
#: Steps of SQLite's machine between two looks at the clock: well below a millisecond.
_STEPS = 10_000
#: The value that SQLite has for no bound on its pages (``SQLITE_MAX_PAGE_COUNT``).
_ALL_PAGES = 0xFFFFFFFE

#: What may be asked with a name in brackets, and what may be asked without.
_PRAGMAS_OF = frozenset(
    "table_info table_xinfo table_list index_info index_xinfo index_list foreign_key_list "
    "foreign_key_check integrity_check quick_check".split()
)
_PRAGMAS = _PRAGMAS_OF | frozenset(
    "application_id collation_list compile_options data_version encoding foreign_keys "
    "freelist_count function_list journal_mode page_count page_size schema_version "
    "user_version".split()
)
#: Functions that reach beyond the database, in builds and extensions that have them.
_FUNCTIONS = frozenset(
    "load_extension fts3_tokenizer readfile writefile edit fsdir lsdir sqlar_uncompress".split()
)
_VIRTUAL = frozenset(["fts5", "rtree"])
#: Each is the skill's word for what the authorizer refuses.
_REFUSED = {
    sqlite3.SQLITE_ATTACH: "ATTACH",
    sqlite3.SQLITE_DETACH: "DETACH",
    sqlite3.SQLITE_TRANSACTION: "BEGIN, COMMIT and ROLLBACK",
    sqlite3.SQLITE_SAVEPOINT: "SAVEPOINT",
    sqlite3.SQLITE_CREATE_TEMP_INDEX: "temporary indexes",
    sqlite3.SQLITE_CREATE_TEMP_TABLE: "temporary tables",
    sqlite3.SQLITE_CREATE_TEMP_TRIGGER: "temporary triggers",
    sqlite3.SQLITE_CREATE_TEMP_VIEW: "temporary views",
}
#: The errors that the worker raises again as they are; see ``borrowed``.
RAISED = (sqlite3.Error, sqlite3.Warning, TypeError, ValueError, OverflowError)


def lent(database: Database, skill: str) -> Mapping[str, Callable[..., Any]]:
    """Return the operations ``query`` and ``write`` of a database for one isolated skill.

    Each returns ``{"value": …}``, or ``{"error": [class, message, name, code]}`` for what the
    worker is to raise.
    """
    guarded = _Guarded(database, skill)
    return {"query": guarded.query, "write": guarded.write}


class _Guarded:
    def __init__(self, database: Database, skill: str) -> None:
        self._database = database
        self._skill = skill

    def query(self, sql: str, parameters: Any = ()) -> dict[str, Any]:
        return self._run(lambda connection: self._rows(connection.execute(sql, parameters)))

    def write(self, sql: str, rows: Sequence[Any] = ((),)) -> dict[str, Any]:
        given = [row if isinstance(row, Mapping) else tuple(row) for row in rows]

        def run(connection: sqlite3.Connection) -> int:
            if given != [()]:
                return connection.executemany(sql, given).rowcount
            return max(0, connection.execute(sql).rowcount)

        return self._run(run)

    def _rows(self, cursor: sqlite3.Cursor) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        names = sum(len(column[0]) + 4 for column in cursor.description or ())
        size = 0
        for row in cursor:
            size += names + sum(_size(value) for value in row)
            if len(found) >= MAX_ROWS or size > MAX_BYTES:
                which = ("rows", MAX_ROWS) if len(found) >= MAX_ROWS else ("bytes", MAX_BYTES)
                raise self._limit(*which)
            found.append(dict(row))
        return found

    def _run(self, work: Callable[[sqlite3.Connection], Any]) -> dict[str, Any]:
        with self._database.held() as connection:
            guard = _Guard(monotonic() + self._database.options.lent_seconds)
            try:
                with self._bounded(connection), connection:
                    # Ours, so that none that the skill begins is left open for the next one.
                    connection.execute("BEGIN")
                    with guard.over(connection):
                        value = work(connection)
            except RAISED as error:
                if guard.refused is not None:
                    raise PermissionDeniedError(
                        f"{self._skill} may not use {guard.refused} in the lent database",
                        cause="an isolated skill may change what is in the database, and no more",
                        target=guard.refused,
                        skill=self._skill,
                    ) from error
                if guard.late:
                    raise self._limit("seconds", self._database.options.lent_seconds) from error
                return {"error": _told(error)}
        return {"value": value}

    @contextmanager
    def _bounded(self, connection: sqlite3.Connection) -> Iterator[None]:
        """Bound the lengths and the size of the database for as long as it lasts."""
        before = {which: connection.setlimit(which, most) for which, most in _LIMITS.items()}
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        pages = max(1, self._database.options.lent_mb * (1 << 20) // size)
        connection.execute(f"PRAGMA max_page_count = {pages}")
        try:
            yield
        finally:
            connection.execute(f"PRAGMA max_page_count = {_ALL_PAGES}")
            for which, most in before.items():
                connection.setlimit(which, most)

    def _limit(self, which: str, allowed: float) -> LimitError:
        return LimitError(
            f"a statement of {self._skill} came to the end of what it may use",
            cause=f"isolated skills have {allowed:,} {which} for each statement",
            hint="ask for less: WHERE, LIMIT, an index" if which != "seconds" else None,
            limit=which,
            allowed=allowed,
            skill=self._skill,
        )


class _Guard:
    """Asked by SQLite about one statement of a skill."""

    def __init__(self, until: float) -> None:
        self.refused: str | None = None
        self.late = False
        self._until = until

    @contextmanager
    def over(self, connection: sqlite3.Connection) -> Iterator[None]:
        connection.set_authorizer(self._authorize)
        connection.set_progress_handler(self._is_late, _STEPS)
        try:
            yield
        finally:
            connection.set_progress_handler(None, 0)
            connection.set_authorizer(None)

    def _is_late(self) -> int:
        self.late = self.late or monotonic() > self._until
        return int(self.late)

    def _authorize(
        self, action: int, one: str | None, two: str | None, base: str | None, _via: str | None
    ) -> int:
        what = _REFUSED.get(action)
        if action == sqlite3.SQLITE_PRAGMA:
            name = (one or "").lower()
            if name not in (_PRAGMAS if two is None else _PRAGMAS_OF):
                what = f"PRAGMA {name}"
        elif action == sqlite3.SQLITE_FUNCTION:
            name = (two or "").lower()
            if name in _FUNCTIONS:
                what = f"{name}()"
        elif action == sqlite3.SQLITE_CREATE_VTABLE:
            name = (two or "").lower()
            if name not in _VIRTUAL:
                what = f"tables of {name}"
        elif one == "sqlite_dbpage":  # a table over the pages of the file itself
            what = one
        elif base == "temp" and action in (
            sqlite3.SQLITE_INSERT,
            sqlite3.SQLITE_UPDATE,
            sqlite3.SQLITE_DELETE,
        ):
            what = "temporary tables"
        if what is None:
            return sqlite3.SQLITE_OK
        self.refused = what
        return sqlite3.SQLITE_DENY


def _size(value: Any) -> int:
    """Return about how many bytes a value has on its way."""
    return len(value) + 4 if isinstance(value, (str, bytes)) else 12


def _told(error: Exception) -> list[Any]:
    kind = next(
        cls.__name__ for cls in type(error).__mro__ if cls.__module__ in ("sqlite3", "builtins")
    )
    name = getattr(error, "sqlite_errorname", None)
    return [kind, str(error)[:2000], name, getattr(error, "sqlite_errorcode", None)]
