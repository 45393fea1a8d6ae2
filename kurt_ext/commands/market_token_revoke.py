"""Let a token count no longer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import cli
from ..output import Answer

if TYPE_CHECKING:
    from ..session import Session

__all__ = ["command"]


@cli.command("revoke", schema="market.token.revoke", short_help="Let a token count no longer.")
@click.argument("id")
@click.option("--in", "folder", default=".", show_default=True, help="The marketplace.")
@click.pass_obj
def command(session: Session, id: str, folder: str) -> Answer:
    """Let a token count no longer; a server that runs hears of it at once.

    \b
    Examples:
      kurt market token revoke 0f1e2d3c --in market
    """
    from ..server.tokens import Tokens
    from .market_log import opened

    with opened(session, folder) as database:
        token = Tokens(database).revoke(id)
    line = f"The token {token.id} of {token.publisher} counts no longer"
    return Answer(token._asdict(), lambda page: page.line(line), talk=True)
