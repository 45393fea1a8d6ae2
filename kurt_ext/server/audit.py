"""Write down who did what through a server, and what was refused."""

from __future__ import annotations

from typing import NamedTuple

from ..market.times import stamp
from .database import Database

__all__ = ["Audit", "Deed"]

_KEPT = 100_000


class Deed(NamedTuple):
    """What somebody did.

    :param token: the id of the token that was shown.
    :param address: where it came from.
    :param action: ``upload``, ``attest``, ``yank``, ``unyank`` or ``token``.
    :param outcome: ``done``, ``same`` or ``refused``.
    """

    at: str
    publisher: str | None
    token: str | None
    address: str
    action: str
    skill: str | None
    version: str | None
    outcome: str
    detail: str


class Audit:
    """The log of a marketplace; the last hundred thousand rows are kept.

    :param database: where it is kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(
        self,
        who: tuple[str | None, str | None],
        address: str,
        action: str,
        about: tuple[str, str],
        outcome: str,
        detail: str,
    ) -> None:
        """Write down who did what.

        :param who: id of the token, and publisher.
        :param about: id of the skill, and version; "" for none.
        :raises StorageError: when the database cannot be used.
        """
        skill, version = about
        self._database.write(
            "INSERT INTO audit (at, token, publisher, address, action, skill, version, outcome,"
            " detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(stamp(), *who, address, action, skill[:128] or None, version[:256] or None),
            *(outcome, detail[:1000]),
        )
        self._database.write(
            "DELETE FROM audit WHERE number <= (SELECT max(number) FROM audit) - ?", _KEPT
        )

    def last(self, count: int) -> list[Deed]:
        """Return the last rows, the latest at the end.

        :raises StorageError: when the database cannot be used.
        """
        rows = self._database.read(
            "SELECT at, publisher, token, address, action, skill, version, outcome, detail"
            " FROM audit ORDER BY number DESC LIMIT ?",
            count,
        )
        return [Deed(*row) for row in reversed(rows)]
