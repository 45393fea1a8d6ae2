"""Show what one skill may do more, or less, than another."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from .. import cli
from ..errors import PermissionsWiderError
from ..grants import LISTS, Grants, widening
from ..output import Answer
from ..permission_targets import declared

if TYPE_CHECKING:
    from ..output import Page
    from ..session import Session

__all__ = ["command"]


@cli.command(
    "diff",
    schema="permissions.diff",
    short_help="Show what one skill may do more, or less, than another.",
)
@click.argument("old")
@click.argument("new")
@click.option("--check", is_flag=True, help="Fail, with exit code 5, where NEW may do more.")
@click.pass_obj
def command(session: Session, old: str, new: str, check: bool) -> Answer:
    """Show what one skill may do more, or less, than another.

    OLD and NEW are folders, manifests, wheels or names of skills. What entries mean
    is compared: api.example.com in the place of *.example.com is only less.

    \b
    Examples:
      kurt permissions diff web-archiver ./web-archiver
      kurt permissions diff --check old.whl new.whl
    """
    _, before = declared(session, old)
    name, after = declared(session, new)
    wider = _rows(before, after)
    narrower = _rows(after, before)
    failure = None
    if check and wider:
        failure = PermissionsWiderError(
            f"{name} may do more than before",
            cause="\n".join(row["words"] for row in wider),
            hint=f"kurt permissions show {quote(new)}",
        )

    def text(page: Page) -> None:
        for row in wider:
            page.line(f"+ {row['words']}", "yellow")
        for row in narrower:
            page.line(f"- {row['words']}", "green")
        if not wider and not narrower:
            page.line("both may do the same")

    data = {"wider": wider, "narrower": narrower, "same": not wider and not narrower}
    return Answer(data, text, error=failure)


def _rows(old: Grants, new: Grants) -> list[dict[str, Any]]:
    """Return what the new allows beyond the old, each in words."""
    rows = []
    for key, entry in widening(old, new):
        alone = Grants({key: [entry]}) if key in LISTS else Grants(native=True)
        rows.append({"list": key, "entry": entry, "words": alone.in_words()[0]})
    return rows
