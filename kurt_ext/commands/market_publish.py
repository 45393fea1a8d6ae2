"""Publish a skill or a wheel into a marketplace."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from .. import cli
from ..output import Answer

if TYPE_CHECKING:
    from ..session import Session

__all__ = ["command"]


@cli.command(
    "publish",
    schema="market.publish",
    short_help="Publish a skill or a wheel into a marketplace.",
)
@click.argument("skill")
@click.option("--to", "folder", required=True, help="The folder of the marketplace.")
@click.option("--publisher", help="Who publishes; the one of market.toml by default.")
@click.option("--sign", help="The key that signs the release, as the publisher's.")
@click.option(
    "--attest",
    "evidence",
    metavar="FILE",
    help="An attestation: a Sigstore bundle, or one of PEP 740.",
)
@click.option("--key", help="The key that signs the index; the one of market.toml by default.")
@click.pass_obj
def command(
    session: Session,
    skill: str,
    folder: str,
    publisher: str | None,
    sign: str | None,
    evidence: str | None,
    key: str | None,
) -> Answer:
    """Publish a skill or a wheel into a marketplace.

    SKILL is a folder, a wheel, or the name of a skill of the project. It is
    judged, and refused below the gate of the marketplace. A release stays as it
    is: to publish the same again changes nothing, the same version with another
    content is an error.

    \b
    Examples:
      kurt market publish skills/web-archiver --to market
      kurt market publish web-archiver --to market --sign acme
      kurt market publish web-archiver --to market --attest web-archiver.sigstore.json
    """
    from ..market.attaching import read_evidence
    from ..market.identities import in_words
    from ..market.keys import Keyring
    from ..market.market_toml import read_settings
    from ..market.publishing import publish

    root = os.path.abspath(folder)
    ring = Keyring(session.places)
    found = publish(
        _path(session, skill),
        root,
        session.places,
        publisher=publisher,
        key=ring.chosen(sign),
        evidence=read_evidence(evidence) if evidence is not None else None,
        index_key=ring.chosen(key, read_settings(root).key),
    )
    data = {"market": root, **found._asdict()}
    verb = "Published" if found.new else "Published already:"
    signed = f", signed by {found.key}" if found.key else ""
    signed += "".join([f", attested by {in_words(one)}" for one in found.identities])
    line = f"{verb} {found.publisher}/{found.name} {found.version}, score {found.score}{signed}"
    return Answer(data, lambda page: page.line(line), talk=True)


def _path(session: Session, skill: str) -> str:
    """Return the folder or the wheel that a word means."""
    from ..naming import the_skill

    if os.path.exists(skill) or os.sep in skill:
        return os.path.abspath(skill)
    return the_skill(session.discovery, skill).location
