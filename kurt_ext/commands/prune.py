"""Remove what nobody needs any more."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from .. import cli
from ..agreeing import SCOPES
from ..amounts import amount
from ..errors import UsageError
from ..output import Answer

if TYPE_CHECKING:
    from ..output import Page
    from ..session import Session

__all__ = ["command"]


@cli.command("prune", short_help="Remove what nobody needs any more.")
@click.option("--scope", type=click.Choice(SCOPES), default="project", help="Whose skills.")
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
@click.option("--all", "every", is_flag=True, help="Earlier versions too: no rollback after it.")
@click.option(
    "--market",
    "folder",
    metavar="FOLDER",
    type=click.Path(file_okay=False),
    help="In the folder of a marketplace, what builds that were cut off have left.",
)
@click.pass_obj
def command(session: Session, scope: str, dry_run: bool, every: bool, folder: str | None) -> Answer:
    """Remove what nobody needs any more.

    Skills that came because another needed them, and that none needs now; and in the
    store, what is neither installed anywhere nor kept for a rollback. With --market it is
    the folder of a marketplace that is cleared up, and nothing else: files older than an
    hour that its index does not name, which builds leave that are cut off.

    \b
    Examples:
      kurt prune --dry-run
      kurt prune --market market
    """
    if folder is not None:
        return _of_market(folder, dry_run)
    from ..pruning import remove_surplus, surplus, sweep
    from ..receipts import Receipts
    from ..removing import refuse_in_host

    receipts = Receipts(session.places, scope)
    removed = surplus(receipts)
    trees: list[str] = []
    freed = 0
    if not dry_run:
        for receipt in removed:
            refuse_in_host(session.places, receipt.name)
        removed = remove_surplus(receipts, {receipt.name for receipt in removed})
        trees, freed = sweep(session.places, history=not every)
        session.forget()

    def text(page: Page) -> None:
        for receipt in removed:
            page.parts((" - ", "red"), (receipt.name, "bold"), (f" {receipt.version}", None))
        if dry_run:
            page.line("Nothing was changed: a dry run")
        else:
            what = f"{amount(len(removed), 'skill')} and {amount(len(trees), 'version')}"
            page.line(f"Removed {what}, {freed / 1e6:.1f} MB")

    data = {
        "scope": scope,
        "dry_run": dry_run,
        "removed": [one.name for one in removed],
        "trees": trees,
        "freed_bytes": freed,
    }
    return Answer(data, text, talk=True)


def _of_market(folder: str, dry_run: bool) -> Answer:
    from ..market import leftovers

    root = os.path.abspath(folder)
    if not os.path.isdir(root):
        raise UsageError(f"there is no folder {folder}")
    found = leftovers.find(root) if dry_run else leftovers.remove(root)
    freed = sum(one.size for one in found)

    def text(page: Page) -> None:
        for one in found if dry_run else ():
            page.parts((" - ", "red"), (one.path, None))
        if dry_run:
            page.line("Nothing was changed: a dry run")
        else:
            page.line(f"Removed {amount(len(found), 'file')}, {freed / 1e6:.1f} MB")

    data = {
        "market": root,
        "dry_run": dry_run,
        "removed": [one.path for one in found],
        "freed_bytes": freed,
    }
    return Answer(data, text, talk=True)
