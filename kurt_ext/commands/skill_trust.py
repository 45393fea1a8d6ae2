"""Let the code in a folder be imported."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from .. import cli
from ..output import Answer
from ..trust import Trust

if TYPE_CHECKING:
    from ..output import Page
    from ..session import Session

__all__ = ["command"]


@cli.command("trust", schema="skill.trust", short_help="Let the code in a folder be imported.")
@click.argument("path", required=False, type=click.Path())
@click.option("--force", is_flag=True, help="Trust even a home directory, or what all may write.")
@click.option("--list", "show", is_flag=True, help="Only show what is trusted.")
@click.pass_obj
def command(session: Session, path: str | None, force: bool, show: bool) -> Answer:
    """Let the code in a folder be imported, and in all that lies beneath it.

    PATH is a skill, or a folder of skills; the project by default. What is
    trusted runs with your rights, so read it first.

    \b
    Examples:
      kurt skill trust
      kurt skill trust skills/web-archiver
      kurt skill trust --list
    """
    trust = Trust.load(session.places)
    new = False
    folder = os.path.realpath(path or session.places.project)
    if not show:
        new = trust.add(folder, force=force)
    data = {
        "path": None if show else folder,
        "new": new,
        "trusted": list(trust.paths),
        "environment": list(trust.environment),
    }

    def text(page: Page) -> None:
        if show:
            for place in trust.paths:
                page.line(place)
            for place in trust.environment:
                page.parts((place, None), ("  (KURT_TRUST)", "dim"))
        else:
            page.line(f"{'Trusted' if new else 'Trusted already:'} {folder}")

    return Answer(data, text, warnings=trust.findings, talk=not show)
