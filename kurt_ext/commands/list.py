"""List skills and their extensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .. import cli, completion
from ..candidates import SCOPES
from ..output import Answer, Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..output import Page
    from ..session import Session

__all__ = ["STATES", "STATE_STYLES", "answer", "command", "filters"]

STATES = ("ready", "instructions", "untrusted", "broken", "shadowed")
STATE_STYLES = {
    "ready": "green",
    "instructions": "cyan",
    "untrusted": "yellow",
    "disabled": "dim",
    "broken": "red",
    "shadowed": "dim",
}
_COLUMNS = (
    Column("Name", styles={"": "bold"}),
    Column("Version", drop=2),
    Column("Scope", drop=3),
    Column("State", styles=STATE_STYLES),
    Column("Extensions", fold=True, drop=1),
    Column("Summary", fold=True, drop=4, styles={"": "dim"}),
)


def filters(function: Any) -> Any:
    """Add the options that choose among skills, but for the kind."""
    for option in reversed(
        (
            click.option(
                "--tag", metavar="T", shell_complete=completion.tags, help="With this tag."
            ),
            click.option("--text", metavar="Q", help="With these words in name, summary or tags."),
            click.option("--scope", type=click.Choice(SCOPES), help="Found in this scope."),
            click.option("--state", type=click.Choice(STATES), help="In this state."),
            click.option(
                "--all", "every", is_flag=True, help="Shadowed copies too; --json has them always."
            ),
        )
    ):
        function = option(function)
    return function


def answer(session: Session, *, kind: str | None, every: bool = False, **wishes: Any) -> Answer:
    """Return the skills that fit.

    :param kind: only those that offer an extension of this kind.
    :param every: show copies that are shadowed, too.
    :param wishes: ``tag``, ``text``, ``scope`` and ``state``.
    """
    from ..listing import row
    from ..query import select

    found = session.discovery
    chosen = select(found, kind=kind, **wishes)
    rows = [row(candidate, found.config, found.opt_in) for candidate in chosen]
    if wishes.get("state") == "shadowed":
        every = True

    def text(page: Page) -> None:
        shown = [item for item in rows if every or _belongs(item)]
        page.table(_COLUMNS, [_cells(item, kind) for item in shown])
        if not shown:
            session.note(
                "nothing fits"
                if kind or any(wishes.values())
                else "no skill yet; try: kurt new hello"
            )
        _reasons(session, rows)

    return Answer(rows, text, warnings=found.problems)


def _belongs(row: dict[str, Any]) -> bool:
    """Return whether a row is of interest without ``--all``."""
    if row["state"] == "shadowed":
        return False
    return bool(row["extensions"]) or row["source"] != "entry_points.txt"


def _cells(row: dict[str, Any], kind: str | None) -> Sequence[str]:
    offered = [item for item in row["extensions"] if kind in (None, item["kind"])]
    state = row["state"]
    if state == "ready" and offered and not any(item["enabled"] for item in offered):
        state = "disabled"
    names = ", ".join(
        item["name"] + ("" if item["enabled"] or state == "disabled" else " (off)")
        for item in offered
    )
    return row["name"], row["version"], row["scope"], state, names, row["summary"]


def _reasons(session: Session, rows: list[dict[str, Any]]) -> None:
    """Say on stderr why some rows cannot be used, and what to paste."""
    for row in rows:
        if row["state"] == "broken":
            session.note(f"{row['name']}: {row['reason']} (kurt explain {row['name']})")
    from ..listing import trust_line

    untrusted = [row for row in rows if row["state"] == "untrusted"]
    if untrusted:
        session.note(trust_line(len(untrusted), session.places.project))


@cli.command("list", short_help="List skills and their extensions.")
@click.option("--kind", metavar="K", shell_complete=completion.kinds, help="Offering this kind.")
@filters
@click.option("--refresh", is_flag=True, help="Read everything anew, whatever the index says.")
@click.pass_obj
def command(session: Session, /, kind: str | None, refresh: bool, **wishes: Any) -> Answer:
    """List skills and their extensions.

    Nothing is imported. A skill is one row, whether it is a folder or an
    installed distribution.

    \b
    Examples:
      kurt list
      kurt list --text "web page" --state ready
      kurt list --json
    """
    if refresh:
        session.look_again()
    return answer(session, kind=kind, **wishes)
