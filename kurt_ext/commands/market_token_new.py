"""Make a token by which a publisher publishes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import cli
from ..output import Answer
from .market_log import database_option, opened

if TYPE_CHECKING:
    from ..output import Page
    from ..session import Session

__all__ = ["command"]


@cli.command(
    "new", schema="market.token.new", short_help="Make a token by which a publisher publishes."
)
@click.argument("publisher")
@click.option("--in", "folder", default=".", show_default=True, help="The marketplace.")
@click.option("--days", type=click.IntRange(0), default=0, help="How long it counts; 0 for ever.")
@click.option("--note", default="", help="What it is for.")
@database_option
@click.pass_obj
def command(
    session: Session, publisher: str, folder: str, days: int, note: str, database: str | None
) -> Answer:
    """Make a token by which a publisher publishes.

    It is shown once, and nobody can read it again.

    \b
    Examples:
      kurt market token new acme --in market
      kurt market token new acme --in market --days 90 --note "the build server"
    """
    from ..server.tokens import Tokens

    with opened(session, folder, database) as found:
        token, text = Tokens(found).new(publisher, note, days)

    def write(page: Page) -> None:
        page.line(text)

    session.note(f"It publishes as {publisher}; keep it, it is not shown again.")
    return Answer({"token": text, **token._asdict()}, write)
