"""The tokens that let somebody publish: each is of one publisher, and kept as its digest alone."""

from __future__ import annotations

import re
import secrets
import time
from hashlib import sha256
from typing import NamedTuple

from ..errors import NotFoundError, UsageError
from ..market.times import stamp
from .database import Database

__all__ = ["Token", "Tokens"]

_NAME = re.compile("[a-z0-9](?:-?[a-z0-9])*")
_PREFIX = "kurt_"
_BYTES = 32
_DAY = 86_400
_MAX_NOTE = 200


class Token(NamedTuple):
    """What is known of a token; not the token itself, which nobody knows but its holder.

    :param publisher: as whom it publishes.
    :param expires: when it no longer counts; None for never.
    :param used: the day on which it was last used.
    """

    id: str
    publisher: str
    note: str
    made: str
    expires: str | None
    revoked: str | None
    used: str | None

    def holds(self, now: float | None = None) -> bool:
        """Return whether it counts."""
        late = self.expires is not None and self.expires <= stamp(now)
        return self.revoked is None and not late


class Tokens:
    """The tokens of a marketplace.

    :param database: where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def new(self, publisher: str, note: str = "", days: int = 0) -> tuple[Token, str]:
        """Make a token, and return it with the text that is shown this once.

        :param days: for which it counts; 0 for ever.
        :raises UsageError: when nobody can be called that.
        """
        if _NAME.fullmatch(publisher) is None or len(publisher) > 64:
            raise UsageError(
                f"{publisher!r} is no name of a publisher",
                cause="it must be 1 to 64 characters of a-z, 0-9 and single inner hyphens",
            )
        # 256 random bits: nobody guesses them, so that a fast digest is enough.
        text = _PREFIX + secrets.token_urlsafe(_BYTES)
        expires = stamp(time.time() + days * _DAY) if days else None
        made = Token(
            secrets.token_hex(4), publisher, note[:_MAX_NOTE], stamp(), expires, None, None
        )
        self._database.write(
            "INSERT INTO token (digest, id, publisher, note, made, expires, revoked, used)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            _digest(text),
            *made,
        )
        return made, text

    def rows(self) -> list[Token]:
        """Return all tokens, the oldest first."""
        rows = self._database.read(
            "SELECT id, publisher, note, made, expires, revoked, used FROM token ORDER BY made, id"
        )
        return [Token(*row) for row in rows]

    def revoke(self, id: str) -> Token:
        """Let a token count no longer, and return it.

        :raises NotFoundError: when there is none of that id.
        """
        self._database.write(
            "UPDATE token SET revoked = ? WHERE id = ? AND revoked IS NULL", stamp(), id
        )
        found = next((one for one in self.rows() if one.id == id), None)
        if found is None:
            raise NotFoundError(
                f"there is no token {id[:32]}", candidates=[one.id for one in self.rows()]
            )
        return found

    def find(self, text: str) -> Token | None:
        """Return the token that a text is, where it counts."""
        if not text.startswith(_PREFIX) or len(text) > 128:
            return None
        rows = self._database.read(
            "SELECT id, publisher, note, made, expires, revoked, used FROM token WHERE digest = ?",
            _digest(text),
        )
        found = Token(*rows[0]) if rows else None
        if found is None or not found.holds():
            return None
        today = stamp()[:10]
        if found.used != today:
            self._database.write("UPDATE token SET used = ? WHERE id = ?", today, found.id)
        return found


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
