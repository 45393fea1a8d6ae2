"""Who may publish, and how often; and what is written down of it."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request

from .audit import Audit
from .buckets import KeptBuckets, neighbourhood
from .database import Database
from .desk import Desk
from .settings import ServerSettings
from .tokens import Token, Tokens

__all__ = ["Admission"]

_HOUR = 3600.0


class Admission:
    """The door for publishers.

    :param database: where tokens, limits and the log are kept.
    :param desk: asks it.
    """

    def __init__(self, database: Database, desk: Desk, settings: ServerSettings) -> None:
        self._desk = desk
        self._tokens = Tokens(database)
        self._audit = Audit(database)
        most, guesses = settings.uploads, settings.guesses
        self._by_token = KeptBuckets(database, "token", most / _HOUR, most)
        self._by_address = KeptBuckets(database, "address", most / _HOUR, most)
        self._guesses = KeptBuckets(database, "guess", guesses / _HOUR, guesses)

    async def token(self, request: Request) -> Token:
        """Return the token of a request.

        :raises HTTPException: 401 without one that counts, 429 after too many wrong ones.
        """
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        text = text.strip()
        bearer = text if scheme.lower() == "bearer" else ""
        return await self._desk.ask(self._token, _address(request), bearer, bool(text))

    def _token(self, address: str, bearer: str, shown: bool) -> Token:
        wait = self._guesses.wait(address)
        if wait:
            raise _too_many(wait)
        found = self._tokens.find(bearer)
        if found is None:
            if shown:
                self._guesses.take(address)
                self._write(address, None, "token", ("", ""), "refused", "it does not count")
            raise HTTPException(401, "a token is needed", {"WWW-Authenticate": "Bearer"})
        return found

    async def turn(self, token: Token, request: Request) -> None:
        """Count a change.

        :raises HTTPException: 429 where there were too many.
        """
        await self._desk.ask(self._turn, token, _address(request))

    def _turn(self, token: Token, address: str) -> None:
        wait = self._by_address.take(address) or self._by_token.take(token.id)
        if wait:
            self._write(address, token, "upload", ("", ""), "refused", "too many")
            raise _too_many(wait)

    async def record(
        self,
        request: Request,
        token: Token,
        action: str,
        about: tuple[str, str],
        outcome: str,
        detail: str,
    ) -> None:
        """Write down what came of a request.

        :param about: id of the skill, and version; "" for what is not known.
        """
        address = _address(request)
        await self._desk.ask(self._write, address, token, action, about, outcome, detail)

    def _write(
        self,
        address: str,
        token: Token | None,
        action: str,
        about: tuple[str, str],
        outcome: str,
        detail: str,
    ) -> None:
        who = (None, None) if token is None else (token.id, token.publisher)
        self._audit.write(who, address, action, about, outcome, detail)


def _address(request: Request) -> str:
    return neighbourhood(request.client.host) if request.client else "unknown"


def _too_many(wait: float) -> HTTPException:
    return HTTPException(429, "too many of these", {"Retry-After": str(int(wait) + 1)})
