"""Trust a public key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import cli
from ..output import Answer

if TYPE_CHECKING:
    from ..session import Session

__all__ = ["command"]


@cli.command("trust", schema="key.trust", short_help="Trust a public key.")
@click.argument("name")
@click.argument("public")
@click.pass_obj
def command(session: Session, name: str, public: str) -> Answer:
    """Trust a public key.

    PUBLIC is what its owner's `kurt key export` prints. Get it by another way
    than the marketplace that it signs.

    \b
    Example:
      kurt key trust acme ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
    """
    from ..market.keys import Keyring

    found = Keyring(session.places).trust(name, public)
    data = {"name": name, "id": found.id, "public": found.public, "since": found.since}
    return Answer(data, lambda page: page.line(f"Trusted {name}, {found.id}"), talk=True)
