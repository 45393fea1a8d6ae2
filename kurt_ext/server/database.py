"""What a server remembers besides the index: tokens, downloads, limits, and who did what.

One machine needs nothing for it: it is an SQLite file. Several machines that serve one
marketplace share a Postgres. Each is a dialect of the same few statements, which are written
out in the program: what comes from outside is only ever a parameter, never a part of one.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any, LiteralString
from urllib.parse import parse_qsl, urlsplit

from ..errors import StorageError, UsageError

if TYPE_CHECKING:
    from ..places import Places

__all__ = ["VARIABLE", "Database", "Turn", "connect", "is_url", "place_of", "plain", "where"]

#: Names the database where nothing else does; the one place for a password in an address.
VARIABLE = "KURT_MARKET_DATABASE"
_SCHEMES = ("postgresql", "postgres")


def place_of(data: str, root: str) -> str:
    """Return the path of the SQLite file of a marketplace.

    :param data: the folder of kurt's own data.
    :param root: the folder of the marketplace.
    """
    name = sha256(os.fsencode(os.path.realpath(root))).hexdigest()[:32]
    return os.path.join(data, "servers", f"{name}.sqlite")


def is_url(place: str) -> bool:
    """Return whether a place is a database server's address, and no file."""
    return "://" in place


def where(
    places: Places, root: str, given: str | None = None, environ: Mapping[str, str] | None = None
) -> str:
    """Return where the server of a marketplace keeps what it remembers.

    What is given counts, else ``KURT_MARKET_DATABASE``, else ``database`` in ``market.toml``,
    else it is a file of this machine.

    :param root: the folder of the marketplace.
    :param given: an address that somebody has typed.
    :raises UsageError: when it is no address of a Postgres, or has a password where others
        can read it.
    """
    from ..market.market_toml import FILE, read_settings

    env = os.environ if environ is None else environ
    known = env.get(VARIABLE, "")
    chosen = given or known or read_settings(root).database
    if not chosen:
        return place_of(places.data, root)
    source = "--database" if given else VARIABLE if known else os.path.join(root, FILE)
    try:
        parts = urlsplit(chosen)
        words = dict(parse_qsl(parts.query))
        secret = parts.password is not None or "password" in words
    except ValueError as error:
        raise UsageError(f"{source} is no address of a database", cause=str(error)) from None
    if parts.scheme not in _SCHEMES:
        raise UsageError(
            f"{source} is no address of a Postgres database",
            cause=f"it begins with {parts.scheme or chosen[:20]!r}",
            hint="write it like postgresql://kurt@db.example.org/kurt",
        )
    if secret and chosen != known:
        reader = "every user of this machine" if given else "whoever has a copy of the marketplace"
        raise UsageError(
            f"{source} holds a password, which {reader} could read",
            hint=f"leave it to ~/.pgpass or PGPASSFILE, or set {VARIABLE} to the whole address",
        )
    return chosen


def connect(place: str, market: str = "") -> Database:
    """Open the database at a place, and bring its tables up to date.

    :param place: as :func:`where` returns it.
    :param market: the name of the marketplace; a database server's is of that one alone.
    :raises StorageError: when it cannot be used.
    :raises MissingExtraError: when the library for it is not installed.
    """
    if is_url(place):
        from .databases.postgres import Postgres

        return Postgres(place, market)
    from .databases.sqlite import Sqlite

    return Sqlite(place)


class Turn:
    """The right to write the folder of a marketplace, until its block ends.

    This one promises nothing beyond what the lock on the folder does, which is enough for
    everybody on one machine.
    """

    def check(self, snapshot: int) -> None:
        """Look whether writing may begin.

        :param snapshot: the number of the index that the writer has read.
        :raises LockedError: when it is not the last one, or the turn was lost.
        """

    def done(self, snapshot: int) -> None:
        """Remember the number of the index that was written."""


class Database(ABC):
    """An open database; of any thread.

    Statements have a ``?`` for each value.

    :ivar place: as it may be shown: without a password.
    """

    place: str

    @abstractmethod
    def write_many(self, statement: LiteralString, rows: Sequence[Sequence[Any]]) -> int:
        """Execute a statement for several rows, in one transaction; return how many changed.

        :raises StorageError: when the database cannot be used.
        """

    @abstractmethod
    def read(self, statement: LiteralString, *values: Any) -> list[tuple[Any, ...]]:
        """Return the rows that a statement selects.

        :raises StorageError: when the database cannot be used.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of it."""

    def write(self, statement: LiteralString, *values: Any) -> int:
        """Execute a statement, and return how many rows it has changed.

        :raises StorageError: when the database cannot be used.
        """
        return self.write_many(statement, [values])

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        """Give the turn to write the folder.

        :raises LockedError: when another has it for long.
        """
        yield Turn()

    def _failure(self, error: Exception, hint: str | None = None) -> StorageError:
        text = str(error).strip() or type(error).__name__
        return StorageError(
            "the server's database cannot be used", cause=text, at=self.place, hint=hint
        )


def plain(values: Sequence[Any]) -> tuple[Any, ...]:
    """Return values with what no database keeps in a text replaced: NUL, and half characters."""
    return tuple([_text(value) if isinstance(value, str) else value for value in values])


def _text(value: str) -> str:
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
