"""Trust a public key no longer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import cli
from ..output import Answer

if TYPE_CHECKING:
    from ..session import Session

__all__ = ["command"]


@cli.command("distrust", schema="key.distrust", short_help="Trust a public key no longer.")
@click.argument("name")
@click.pass_obj
def command(session: Session, name: str) -> Answer:
    """Trust a public key no longer.

    \b
    Example:
      kurt key distrust acme
    """
    from ..market.keys import Keyring

    gone = Keyring(session.places).distrust(name)
    data = {"name": name, "id": gone.id, "public": gone.public}
    return Answer(data, lambda page: page.line(f"Trusted no longer: {name}, {gone.id}"), talk=True)
