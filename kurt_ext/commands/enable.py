"""Let skills or extensions be loaded, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import cli
from ..switching import answer, arguments

if TYPE_CHECKING:
    from ..output import Answer
    from ..session import Session

__all__ = ["command"]


@cli.command("enable", short_help="Let skills or extensions be loaded, by name.")
@arguments
@click.option("--force", is_flag=True, help="Though it is held back after failures.")
@click.pass_obj
def command(session: Session, names: tuple[str, ...], scope: str, force: bool) -> Answer:
    """Let skills or extensions be loaded, by name.

    NAME is a skill, SKILL:EXTENSION or an extension. Comments and all else in
    the file stay as they are; nothing is imported.

    \b
    Examples:
      kurt enable web-archiver
      kurt enable web-archiver:archive --scope user
      kurt enable web-archiver --force
    """
    return answer(session, names, scope, on=True, force=force)
