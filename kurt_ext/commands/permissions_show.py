"""Say in words what a skill may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import cli, completion
from ..output import Answer
from ..permission_targets import declared

if TYPE_CHECKING:
    from ..output import Page
    from ..session import Session

__all__ = ["command"]


@cli.command("show", schema="permissions.show", short_help="Say in words what a skill may do.")
@click.argument("target", metavar="NAME | PATH", shell_complete=completion.skills)
@click.pass_obj
def command(session: Session, target: str) -> Answer:
    """Say in words what a skill may do.

    The target is a skill's name, its folder, its manifest, or a wheel.

    \b
    Example:
      kurt permissions show web-archiver
    """
    name, grants = declared(session, target)
    words = grants.in_words()

    def text(page: Page) -> None:
        page.parts((name, "bold"), (" may" if words else " asks leave for nothing", None))
        for line in words:
            page.line(f"  {line}")

    return Answer({"name": name, "permissions": grants.as_dict(), "words": words}, text)
