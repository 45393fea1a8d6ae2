"""Remove skills that kurt has installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import cli, completion
from ..agreeing import SCOPES
from ..errors import UsageError
from ..output import Answer

if TYPE_CHECKING:
    from ..output import Page
    from ..session import Session

__all__ = ["command"]


@cli.command("uninstall", short_help="Remove skills that kurt has installed.")
@click.argument("names", nargs=-1, metavar="NAME…", shell_complete=completion.skills)
@click.option(
    "--scope",
    type=click.Choice(SCOPES),
    default="project",
    help="The project's skills (default), or the user's.",
)
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
@click.option("--force", is_flag=True, help="Even what was changed since, or what others need.")
@click.pass_obj
def command(
    session: Session, names: tuple[str, ...], scope: str, dry_run: bool, force: bool
) -> Answer:
    """Remove skills that kurt has installed.

    Folders of your own are never touched. A skill that a host has loaded is to be
    unloaded first. Its versions stay in the store until `kurt prune`.

    \b
    Examples:
      kurt uninstall web-archiver
      kurt uninstall web-archiver --scope user
    """
    from ..receipts import Receipts
    from ..removing import installed, refuse_in_host, uninstall_all

    if not names:
        raise UsageError("nothing was said to remove", hint="kurt uninstall NAME")
    receipts = Receipts(session.places, scope)
    wanted = {one.locked.slug: one for one in (installed(receipts, name) for name in names)}
    found = list(wanted.values())
    if not dry_run:
        for receipt in found:
            refuse_in_host(session.places, receipt.name)
        found = uninstall_all(receipts, [one.name for one in found], force=force)
        session.forget()

    def text(page: Page) -> None:
        for receipt in found:
            page.parts((" - ", "red"), (receipt.name, "bold"), (f" {receipt.version}", None))
        page.line("Nothing was changed: a dry run" if dry_run else f"Removed {len(found)}")

    removed = [
        {"name": one.name, "version": one.version, "folder": one.folder or None} for one in found
    ]
    return Answer({"scope": scope, "dry_run": dry_run, "removed": removed}, text, talk=True)
