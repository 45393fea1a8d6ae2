"""Put back what was installed before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import cli, completion
from ..agreeing import SCOPES, reload
from ..output import Answer

if TYPE_CHECKING:
    from ..output import Page
    from ..session import Session

__all__ = ["command"]


@cli.command("rollback", short_help="Put back what was installed before.")
@click.argument("name", shell_complete=completion.skills)
@click.option("--to", "version", metavar="VERSION", help="This one; the latest before by default.")
@click.option("--scope", type=click.Choice(SCOPES), default="project", help="Whose skill.")
@click.option("--force", is_flag=True, help="Replace what was changed; a copy of it is kept.")
@click.pass_obj
def command(session: Session, name: str, version: str | None, scope: str, force: bool) -> Answer:
    """Put back what was installed before.

    It comes from the store, so that nobody is asked, and has the permissions that were
    agreed to then. To go forward again: kurt rollback NAME, once more.

    \b
    Examples:
      kurt rollback web-archiver
      kurt rollback web-archiver --to 1.0.0
    """
    from ..receipts import Receipts
    from ..updating import rollback

    was, present = rollback(Receipts(session.places, scope), name, version, force=force)
    session.forget()
    warnings = reload(session, present.name, was.version)

    def text(page: Page) -> None:
        page.parts(
            (" ~ ", "yellow"),
            (present.name, "bold"),
            (f" {was.version} → {present.version}", None),
        )

    data = {"name": present.name, "was": was.version, "version": present.version, "scope": scope}
    return Answer(data, text, warnings=warnings, talk=True)
