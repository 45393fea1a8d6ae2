"""List the keys that sign and those that are trusted."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from .. import cli
from ..findings import Finding
from ..output import Answer, Column

if TYPE_CHECKING:
    from ..output import Page
    from ..session import Session

__all__ = ["command"]


@cli.command(
    "list", schema="key.list", short_help="List the keys that sign and those that are trusted."
)
@click.pass_obj
def command(session: Session) -> Answer:
    """List the keys that sign and those that are trusted.

    \b
    Example:
      kurt key list
    """
    from ..market.keys import Keyring

    ring = Keyring(session.places)
    rows = [{"use": "signs", **row} for row in ring.own()]
    rows += [
        {"use": "trusted", "name": one.name, "id": one.id, "public": one.public}
        for one in ring.trusted()
    ]

    listed = {row["name"] for row in rows if row["use"] == "signs"}
    warnings = [
        Finding(
            "key-damaged",
            "warning",
            f"the key {name} is damaged, and signs nothing",
            path=os.path.join(ring.folder, f"{name}.key"),
            fix="put it back from a copy, or remove the file",
        )
        for name in ring.names()
        if name not in listed
    ]

    def text(page: Page) -> None:
        if not rows:
            page.line("There are no keys. To make one: kurt key new NAME")
        columns = [Column("name"), Column("use"), Column("id"), Column("public", fold=True)]
        page.table(columns, [[row["name"], row["use"], row["id"], row["public"]] for row in rows])

    return Answer(rows, text, warnings=warnings)
