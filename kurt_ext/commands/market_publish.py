"""Publish a skill or a wheel into a marketplace."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from .. import cli
from ..errors import UsageError
from ..output import Answer
from .market_key import index_key, key_option
from .market_server import is_server, the_server, token_option

if TYPE_CHECKING:
    from ..market.publishing import Published
    from ..session import Session

__all__ = ["command"]


@cli.command(
    "publish",
    schema="market.publish",
    short_help="Publish a skill or a wheel into a marketplace.",
)
@click.argument("skill")
@click.option(
    "--to",
    "market",
    required=True,
    metavar="FOLDER|URL",
    help="The folder of the marketplace, or the address of its server.",
)
@click.option("--publisher", help="Who publishes; the one of market.toml by default.")
@click.option("--sign", help="The key that signs the release, as the publisher's.")
@click.option(
    "--attest",
    "evidence",
    metavar="FILE",
    help="An attestation: a Sigstore bundle, or one of PEP 740.",
)
@key_option
@token_option
@click.pass_obj
def command(
    session: Session,
    skill: str,
    market: str,
    publisher: str | None,
    sign: str | None,
    evidence: str | None,
    key: str | None,
    token_file: str | None,
) -> Answer:
    """Publish a skill or a wheel into a marketplace.

    SKILL is a folder, a wheel, or the name of a skill of the project. It is
    judged, and refused below the gate of the marketplace. A release stays as it
    is: to publish the same again changes nothing, the same version with another
    content is an error.

    A server is sent what is published and, with --sign, a signature that is made
    here. Who publishes is whoever the token belongs to, which is read from
    KURT_MARKET_TOKEN or a file, and is no word of the command line.

    \b
    Examples:
      kurt market publish skills/web-archiver --to market
      kurt market publish web-archiver --to market --sign acme
      kurt market publish web-archiver --to https://skills.example.org --sign acme
      kurt market publish web-archiver --to market --attest web-archiver.sigstore.json
    """
    if not market.strip():
        raise UsageError("--to names no place", hint="--to FOLDER, or https://…")
    path = _path(session, skill)
    if is_server(market):
        if key is not None:
            raise UsageError(
                "--key is for a folder",
                cause="a server signs its index itself, and takes --sign alone",
            )
        return _sent(session, path, market, publisher, sign, token_file, evidence)
    if token_file is not None:
        raise UsageError("--token-file is for a server", hint="--to https://…")
    from ..market.attaching import read_evidence
    from ..market.keys import Keyring
    from ..market.publishing import publish

    root = os.path.abspath(market)
    found = publish(
        path,
        root,
        session.places,
        publisher=publisher,
        key=Keyring(session.places).chosen(sign),
        evidence=read_evidence(evidence) if evidence is not None else None,
        index_key=index_key(session, root, key),
    )
    return _told(root, found)


def _sent(
    session: Session,
    path: str,
    url: str,
    publisher: str | None,
    sign: str | None,
    token_file: str | None,
    evidence: str | None,
) -> Answer:
    from ..market.attaching import read_evidence
    from ..market.keys import Keyring
    from ..market.sending import send

    remote = the_server(session, url, token_file)
    key = Keyring(session.places).chosen(sign)
    data = read_evidence(evidence) if evidence is not None else None
    return _told(remote.url, send(path, remote, publisher=publisher, key=key, evidence=data))


def _told(market: str, found: Published) -> Answer:
    from ..market.identities import in_words

    data = {"market": market, **found._asdict()}
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
