"""Say who a publisher is, and which keys are theirs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from .. import cli
from ..output import Answer
from .market_key import index_key, key_option

if TYPE_CHECKING:
    from ..output import Page
    from ..session import Session

__all__ = ["command"]


@cli.command(
    "publisher",
    schema="market.publisher",
    short_help="Say who a publisher is, and which keys are theirs.",
)
@click.argument("name")
@click.option("--from", "folder", default=".", show_default=True, help="The marketplace.")
@click.option("--title", help="What they are called.")
@click.option("--homepage", help="Where more is known of them.")
@click.option("--add-key", metavar="PUBLIC", help="A public key of theirs, ed25519:….")
@click.option("--revoke-key", metavar="ID", help="Nothing signed with this key counts from now on.")
@click.option(
    "--add-identity", metavar="WHO", help="Who may attest: a repository, or NAME via ISSUER."
)
@click.option("--revoke-identity", metavar="WHO", help="Who may not from now on.")
@key_option
@click.pass_obj
def command(
    session: Session,
    name: str,
    folder: str,
    title: str | None,
    homepage: str | None,
    add_key: str | None,
    revoke_key: str | None,
    add_identity: str | None,
    revoke_identity: str | None,
    key: str | None,
) -> Answer:
    """Say who a publisher is, and which keys are theirs.

    Without an option it shows what is known. A key or an identity that is revoked
    stays listed: what it signed before still counts.

    \b
    Examples:
      kurt market publisher acme --from market
      kurt market publisher acme --from market --add-key ed25519:11qYAYKx…
      kurt market publisher acme --from market --revoke-key 21fe31dfa154a261
      kurt market publisher acme --from market --add-identity https://github.com/acme/skills
    """
    from ..market.publishers import change, show

    root = os.path.abspath(folder)
    given = (title, homepage, add_key, revoke_key, add_identity, revoke_identity)
    if all(word is None for word in given):
        document = show(root, name)
    else:
        document = change(
            root,
            name,
            title=title,
            homepage=homepage,
            add_key=add_key,
            revoke_key=revoke_key,
            add_identity=add_identity,
            revoke_identity=revoke_identity,
            index_key=index_key(session, root, key),
        )

    def text(page: Page) -> None:
        told = (("title", "title"), ("homepage", "homepage"), ("since", "since"))
        page.line(name, "bold")
        page.pairs([(label, str(document.get(field, ""))) for label, field in told], indent="  ")
        for row in document.get("keys", ()):
            state = f"revoked {row['revoked']}" if "revoked" in row else f"since {row['since']}"
            page.line(f"  {row['id']}  ed25519:{row['key']}  {state}")
        for row in document.get("identities", ()):
            who = row.get("subject") or row["repository"]
            state = f"revoked {row['revoked']}" if "revoked" in row else f"since {row['since']}"
            page.line(f"  {who} via {row['issuer']}  {state}")

    return Answer(document, text)
