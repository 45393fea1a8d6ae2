"""Let a token count no longer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import cli
from ..output import Answer
from .market_log import database_option, opened

if TYPE_CHECKING:
    from ..session import Session

__all__ = ["command"]


@cli.command("revoke", schema="market.token.revoke", short_help="Let a token count no longer.")
@click.argument("id")
@click.option("--in", "folder", default=".", show_default=True, help="The marketplace.")
@database_option
@click.pass_obj
def command(session: Session, id: str, folder: str, database: str | None) -> Answer:
    """Let a token count no longer; a server that runs hears of it at once.

    \b
    Examples:
      kurt market token revoke 0f1e2d3c --in market
    """
    from ..server.tokens import Tokens

    with opened(session, folder, database) as found:
        token = Tokens(found).revoke(id)
    line = f"The token {token.id} of {token.publisher} counts no longer"
    return Answer(token._asdict(), lambda page: page.line(line), talk=True)
