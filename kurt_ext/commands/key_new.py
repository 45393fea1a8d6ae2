"""Make a key that signs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import cli
from ..output import Answer

if TYPE_CHECKING:
    from ..output import Page
    from ..session import Session

__all__ = ["command"]


@cli.command("new", schema="key.new", short_help="Make a key that signs.")
@click.argument("name")
@click.pass_obj
def command(session: Session, name: str) -> Answer:
    """Make a key that signs.

    The private half stays in a file that only you can read. Keep a copy of it:
    nobody else has one.

    \b
    Example:
      kurt key new acme
    """
    from ..market.keys import Keyring

    key = Keyring(session.places).new(name)

    def text(page: Page) -> None:
        page.line(f"Made the key {name}, {key.id}")
        page.line(f"Others trust it by: kurt key trust {name} {key.public}")

    return Answer({"name": name, "id": key.id, "public": key.public}, text)
