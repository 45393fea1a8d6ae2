"""Show who published what through a server, and what was refused."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .. import cli
from ..errors import MarketError
from ..output import Answer, Column

if TYPE_CHECKING:
    from ..output import Page
    from ..server.database import Database
    from ..session import Session

__all__ = ["command", "database_option", "opened"]

_F = TypeVar("_F", bound=Callable[..., Any] | click.Command)


def database_option(function: _F) -> _F:
    """Add the option that names the database of a server."""
    option: Callable[[_F], _F] = click.option(
        "--database",
        metavar="ADDRESS",
        help="The Postgres of its servers, where that is not said in market.toml.",
    )
    return option(function)


@contextmanager
def opened(session: Session, folder: str, given: str | None = None) -> Iterator[Database]:
    """Give the database of the servers of a marketplace.

    :param given: its address, as it was typed.
    :raises MarketError: when there is no marketplace in the folder.
    :raises StorageError: when the database cannot be used.
    """
    from ..market.layout import INDEX
    from ..market.reading import FolderReader, index
    from ..server.database import connect, is_url, where

    root = os.path.abspath(folder)
    if not os.path.isfile(os.path.join(root, *INDEX.split("/"))):
        raise MarketError(f"{root} is no marketplace", at=root, hint=f"kurt market build {folder}")
    place = where(session.places, root, given)
    # By the name that its servers know it by: that of the index, not of the next one.
    name = index(FolderReader(root))[0].meta.name if is_url(place) else ""
    database = connect(place, name)
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
@database_option
@click.pass_obj
def command(session: Session, folder: str, last: int, database: str | None) -> Answer:
    """Show who published what through a server, and what was refused.

    \b
    Examples:
      kurt market log market
      kurt market log market --last 1000 --json
    """
    from ..server.audit import Audit, Deed

    with opened(session, folder, database) as found:
        rows = Audit(found).last(last)

    def write(page: Page) -> None:
        if not rows:
            page.line("Nothing was sent to a server of this marketplace.")
            return
        heads = [Column(name.upper()) for name in Deed._fields]
        page.table(heads, [[str(value or "") for value in row] for row in rows])

    return Answer([row._asdict() for row in rows], write)
