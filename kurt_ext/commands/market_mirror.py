"""Copy a marketplace, so that it can be served from here."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from .. import cli
from ..amounts import amount
from ..output import Answer

if TYPE_CHECKING:
    from ..session import Session

__all__ = ["command"]


@cli.command(
    "mirror",
    schema="market.mirror",
    short_help="Copy a marketplace, so that it can be served from here.",
)
@click.argument("location")
@click.argument("folder", type=click.Path(file_okay=False))
@click.option("--only", multiple=True, metavar="SKILL", help="This skill alone; may be repeated.")
@click.option("--signed", is_flag=True, help="The index must be signed by a key that is trusted.")
@click.option("--allow-stale", is_flag=True, help="Copy one that has expired.")
@click.option(
    "--tuf-root",
    type=click.Path(exists=True, dir_okay=False),
    help="Believe the index by this root of The Update Framework.",
)
@click.option("--allow-http", is_flag=True, help="Ask a server without encryption.")
@click.pass_obj
def command(
    session: Session,
    location: str,
    folder: str,
    only: tuple[str, ...],
    signed: bool,
    allow_stale: bool,
    allow_http: bool,
    tuf_root: str | None,
) -> Answer:
    """Copy a marketplace, so that it can be served from here.

    LOCATION is a folder or an address. Everything is compared with its digest
    before it is written; what is here already is not fetched again. The mirror is
    a marketplace, by its path or behind any web server.

    \b
    Examples:
      kurt market mirror https://skills.example.org/ mirror
      kurt market mirror https://skills.example.org/ mirror --only web-archiver
    """
    from ..errors import SignatureError
    from ..market.keys import Keyring
    from ..market.mirroring import mirror
    from ..market.reading import reader_of
    from ..market.roots import read_root, state_of

    trusted = Keyring(session.places).everyone() if signed else []
    if signed and not trusted:
        raise SignatureError("no key is trusted", hint="kurt key trust NAME ed25519:…")
    target = os.path.abspath(folder)
    reader = reader_of(location, allow_http=allow_http)
    found = mirror(
        reader,
        target,
        trusted=trusted,
        only=only,
        allow_stale=allow_stale,
        root=None if tuf_root is None else read_root(tuf_root),
        state=state_of(session.places, reader.location),
    )
    line = (
        f"Snapshot {found.snapshot}: {amount(found.skills, 'skill')}, "
        f"{amount(found.copied, 'file')} copied ({amount(found.size, 'byte')})"
    )
    if found.kept:
        line += f", {found.kept:,} here already"
    return Answer(
        {"location": reader.location, "folder": target, **found._asdict()},
        lambda page: page.line(line),
        talk=True,
    )
