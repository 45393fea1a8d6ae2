"""Keep skills or extensions from being loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import cli
from ..switching import answer, arguments

if TYPE_CHECKING:
    from ..output import Answer
    from ..session import Session

__all__ = ["command"]


@cli.command("disable", short_help="Keep skills or extensions from being loaded.")
@arguments
@click.pass_obj
def command(session: Session, names: tuple[str, ...], scope: str) -> Answer:
    """Keep skills or extensions from being loaded.

    NAME is a skill, SKILL:EXTENSION or an extension. Comments and all else in
    the file stay as they are; nothing is imported.

    \b
    Examples:
      kurt disable web-archiver
      kurt disable web-archiver:archive --scope user
    """
    return answer(session, names, scope, on=False)
