"""Tell which installed skills have newer releases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import cli
from ..agreeing import SCOPES, indexes_of, markets_of, standing_lines
from ..output import Answer, Column
from .install import market_options

if TYPE_CHECKING:
    from ..output import Page
    from ..session import Session

__all__ = ["command"]


@cli.command("outdated", short_help="Tell which installed skills have newer releases.")
@click.option("--scope", type=click.Choice(SCOPES), default="project", help="Whose skills.")
@market_options
@click.pass_obj
def command(
    session: Session, scope: str, market: tuple[str, ...], offline: bool, allow_stale: bool
) -> Answer:
    """Tell which installed skills have newer releases.

    The markets are asked first, and how old their indexes are is told. A release of
    less than three days waits, unless it mends what an advisory is about.

    \b
    Example:
      kurt outdated
    """
    from ..receipts import Receipts
    from ..updating import newer, waiting_words

    markets, warnings = markets_of(session, market, offline=offline, allow_stale=allow_stale)
    indexes = indexes_of(session, market, offline=offline)
    found, more = newer(Receipts(session.places, scope), markets, indexes=indexes)
    rows = [one for one in found if one.available or one.waiting or one.advisories or one.withdrawn]

    def text(page: Page) -> None:
        page.table(
            (Column("name"), Column("current"), Column("available"), Column("notes", fold=True)),
            [
                (
                    one.name,
                    one.receipt.version,
                    one.available or "",
                    "; ".join(
                        filter(
                            None,
                            (
                                ", ".join(one.advisories),
                                f"withdrawn: {one.withdrawn}" if one.withdrawn else "",
                                waiting_words(one),
                            ),
                        )
                    ),
                )
                for one in rows
            ],
        )
        if not rows:
            page.line("Everything is up to date.")
        standing_lines(page, markets)

    data = {
        "scope": scope,
        "skills": [one.as_dict() for one in rows],
        "markets": {name: one.standing.as_dict() for name, one in markets.items()},
    }
    return Answer(data, text, warnings=[*warnings, *more])
