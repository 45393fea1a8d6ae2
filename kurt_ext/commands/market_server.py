"""What commands share that speak to the server of a marketplace."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ..market.remote import Remote
    from ..session import Session

__all__ = ["is_server", "the_server", "token_option"]

_F = TypeVar("_F", bound=Callable[..., Any] | click.Command)

#: Seconds from which on somebody who waits is told of it.
_TOLD = 2


def token_option(function: _F) -> _F:
    """Add the option that names the file of the token."""
    option: Callable[[_F], _F] = click.option(
        "--token-file",
        metavar="FILE",
        help="Has the token for a server, and is readable by you alone; else KURT_MARKET_TOKEN.",
    )
    return option(function)


def is_server(market: str) -> bool:
    """Return whether a word is the address of a server, and no folder."""
    return market.lower().startswith(("https://", "http://"))


def the_server(session: Session, url: str, token_file: str | None) -> Remote:
    """Return the server at an address, to be asked with the user's token.

    It may be asked without encryption where ``kurt.toml`` allows that of its market.

    :raises UsageError: when there is no token.
    :raises MarketError: when the address may not be asked.
    """
    from ..config import Config
    from ..market.credentials import token
    from ..market.fetching import refuse_address
    from ..market.remote import Remote

    tables = Config.load(session.places).markets.values()
    plain = any(
        str(table.get("url", "")).rstrip("/") == url.rstrip("/") and table.get("allow_http") is True
        for table in tables
    )
    refuse_address(url, allow_http=plain)  # before anybody looks for a token

    def pause(seconds: float) -> None:
        if seconds >= _TOLD:
            session.note(f"{url} is busy, and is asked again in {seconds:g} seconds")
        time.sleep(seconds)

    return Remote(url, token(token_file), allow_http=plain, pause=pause)
