"""List the tokens of a marketplace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import cli
from ..output import Answer, Column
from .market_log import database_option, opened

if TYPE_CHECKING:
    from ..output import Page
    from ..session import Session

__all__ = ["command"]


@cli.command("list", schema="market.token.list", short_help="List the tokens of a marketplace.")
@click.option("--in", "folder", default=".", show_default=True, help="The marketplace.")
@database_option
@click.pass_obj
def command(session: Session, folder: str, database: str | None) -> Answer:
    """List the tokens of a marketplace.

    \b
    Examples:
      kurt market token list --in market
    """
    from ..server.tokens import Tokens

    with opened(session, folder, database) as kept:
        found = Tokens(kept).rows()
    rows = [{**one._asdict(), "counts": one.holds()} for one in found]

    def write(page: Page) -> None:
        if not found:
            page.line("There are no tokens. To make one: kurt market token new PUBLISHER")
            return
        table = [
            (
                one.id,
                one.publisher,
                one.made[:10],
                (one.expires or "never")[:10],
                "yes" if one.holds() else "no",
                one.used or "",
                one.note,
            )
            for one in found
        ]
        heads = ("ID", "PUBLISHER", "MADE", "EXPIRES", "COUNTS", "USED", "NOTE")
        page.table([Column(head) for head in heads], table)

    return Answer(rows, write)
