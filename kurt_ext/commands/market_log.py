"""Show who published what through a server, and what was refused."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from .. import cli
from ..errors import MarketError
from ..output import Answer, Column

if TYPE_CHECKING:
    from ..output import Page
    from ..server.database import Database
    from ..session import Session

__all__ = ["command", "opened"]

_FIELDS = ("at", "publisher", "token", "address", "action", "skill", "version", "outcome", "detail")


@contextmanager
def opened(session: Session, folder: str) -> Iterator[Database]:
    """Give the database of the server of a marketplace.

    :raises MarketError: when there is no marketplace in the folder.
    """
    from ..market.documents import INDEX
    from ..server.database import Database, place_of

    root = os.path.abspath(folder)
    if not os.path.isfile(os.path.join(root, *INDEX.split("/"))):
        raise MarketError(f"{root} is no marketplace", at=root, hint=f"kurt market build {folder}")
    database = Database(place_of(session.places.data, root))
    try:
        yield database
    finally:
        database.close()


@cli.command(
    "log",
    schema="market.log",
    short_help="Show who published what through a server, and what was refused.",
)
@click.argument("folder", default=".", type=click.Path(file_okay=False))
@click.option(
    "--last",
    type=click.IntRange(1, 100_000),
    default=50,
    show_default=True,
    help="Show so many of the latest.",
)
@click.pass_obj
def command(session: Session, folder: str, last: int) -> Answer:
    """Show who published what through a server, and what was refused.

    \b
    Examples:
      kurt market log market
      kurt market log market --last 1000 --json
    """
    query = f"SELECT {', '.join(_FIELDS)} FROM audit ORDER BY number DESC LIMIT ?"
    with opened(session, folder) as database:
        found = database.read(query, last)[::-1]
    rows = [dict(zip(_FIELDS, row, strict=True)) for row in found]

    def write(page: Page) -> None:
        heads = [Column(name.upper()) for name in _FIELDS]
        page.table(heads, [[str(value or "") for value in row] for row in found])

    return Answer(rows, write)
