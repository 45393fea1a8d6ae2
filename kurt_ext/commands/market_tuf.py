"""Protect the index of a marketplace by The Update Framework."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from .. import cli
from ..errors import UsageError
from ..output import Answer
from .market_key import index_key, key_option

if TYPE_CHECKING:
    from ..output import Page
    from ..session import Session

__all__ = ["command"]


@cli.command(
    "tuf",
    schema="market.tuf",
    short_help="Protect the index of a marketplace by The Update Framework.",
)
@click.argument("folder", type=click.Path(file_okay=False))
@click.option("--root", "root_key", required=True, help="The key that signs the root.")
@key_option
@click.option("--previous", help="The root key until now, where --root is another.")
@click.pass_obj
def command(
    session: Session, folder: str, root_key: str, key: str | None, previous: str | None
) -> Answer:
    """Protect the index of a marketplace by The Update Framework.

    Writes a root that says which key signs the index. Hand the file out: whoever
    has it notices when the index is old, was put back, or is signed by a key that
    a later root has taken away. Run it again before its year is up, or to change
    a key. It takes pip install 'kurt-ext[tuf]'.

    \b
    Examples:
      kurt market tuf market --root offline --key acme
      kurt market tuf market --root offline --key acme-2
    """
    from ..market.keys import Keyring
    from ..market.roots import make_root

    root = os.path.abspath(folder)
    ring = Keyring(session.places)
    signing = index_key(session, root, key)
    if signing is None:
        raise UsageError("no key signs the index", hint=f"kurt market tuf {folder} --key NAME")
    number, path = make_root(root, ring.private(root_key), signing, previous=ring.chosen(previous))

    def text(page: Page) -> None:
        page.line(f"Wrote root {number}: {path}")
        page.line(
            f"Whoever has it believes by it: kurt market verify --tuf-root {number}.root.json"
        )

    data = {"market": root, "number": number, "path": path, "key": signing.id}
    return Answer(data, text, talk=True)
