"""Print the public half of a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import cli
from ..output import Answer

if TYPE_CHECKING:
    from ..session import Session

__all__ = ["command"]


@cli.command("export", schema="key.export", short_help="Print the public half of a key.")
@click.argument("name")
@click.pass_obj
def command(session: Session, name: str) -> Answer:
    """Print the public half of a key.

    \b
    Example:
      kurt key export acme
    """
    from ..market.keys import Keyring

    key = Keyring(session.places).private(name)
    data = {"name": name, "id": key.id, "public": key.public}
    return Answer(data, lambda page: page.line(key.public))
