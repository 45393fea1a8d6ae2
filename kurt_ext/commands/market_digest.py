"""Say what an attestation of a skill must be over."""

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
    "digest",
    schema="market.digest",
    short_help="Say what an attestation of a skill must be over.",
)
@click.argument("skill")
@click.option(
    "--output",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write a file that has this digest, to be signed.",
)
@click.pass_obj
def command(session: Session, skill: str, output: str | None) -> Answer:
    """Say what an attestation of a skill must be over.

    SKILL is a folder, a wheel, or the name of a skill of the project. The digest of
    a folder is that of the tree of the files that are published. FILE lists them, a
    line each: to sign it is to sign the skill. A wheel is signed itself.

    \b
    Examples:
      kurt market digest skills/web-archiver
      kurt market digest skills/web-archiver --output web-archiver.tree
    """
    from ..market.subjects import subject_of
    from ..naming import the_skill

    given = os.path.exists(skill) or os.sep in skill
    found = subject_of(
        os.path.abspath(skill) if given else the_skill(session.discovery, skill).location
    )
    if output is not None:
        found.write(output)
    data = {"digest": found.digest, "path": found.path, "files": found.files, "output": output}
    return Answer(data, lambda page: page.line(found.digest))
