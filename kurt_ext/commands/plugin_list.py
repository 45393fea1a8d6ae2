"""List plugins and where each stands in its life."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .. import cli
from ..asking import ask_for, host_line, host_of
from ..explaining import held_back
from ..listing import trust_line
from ..output import Answer, Column
from ..plugin_rows import RUNTIME_VERSION, plugins, row, unloadable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..output import Page
    from ..session import Session

__all__ = ["STATUSES", "STATUS_STYLES", "command", "rows"]

STATUSES = ("unloaded", "loading", "loaded", "active", "inactive", "failed", "unloading")
STATUS_STYLES = {
    "active": "green",
    "loaded": "cyan",
    "inactive": "yellow",
    "failed": "red",
    "unloaded": "dim",
}
_COLUMNS = (
    Column("Name", styles={"": "bold"}),
    Column("Version", drop=2),
    Column("Status", styles=STATUS_STYLES),
    Column("Load ms", drop=3),
    Column("Starts", drop=4),
    Column("Needs", fold=True, drop=5),
    Column("Remark", fold=True, drop=1, styles={"": "dim"}),
)


def rows(session: Session, lives: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a row for each plugin: those on disk, then those that only the host knows.

    :param lives: what a running host says of its plugins; empty where none runs.
    """
    found = session.discovery
    by_id = {life["plugin_id"]: life for life in lives}
    every = plugins(found)
    why_not = unloadable(every, None if lives else RUNTIME_VERSION)
    made = [
        row(
            candidate,
            found,
            held=held_back(session.places, candidate),
            life=by_id.pop(candidate.name, None),
        )
        for candidate in every
    ]
    for item in made:
        item["why_not"] = item["why_not"] or why_not.get(item["plugin_id"], "")
    for life in by_id.values():
        if life["status"] != "unloaded":
            made.append(_gone(life))
    return made


def _gone(life: dict[str, Any]) -> dict[str, Any]:
    """Return the row of a plugin that runs in the host and is no longer on disk."""
    unknown = ("title", "type", "scope", "location", "priority", "held_back")
    return {
        **dict.fromkeys(unknown),
        **{key: life[key] for key in ("plugin_id", "version", "status")},
        "state": "gone",
        "enabled": False,
        "why_not": "its folder is gone",
        "auto_load": False,
        "dependencies": [],
        "life": life,
    }


@cli.command(
    "list", schema="plugin.list", short_help="List plugins and where each stands in its life."
)
@click.option("--status", type=click.Choice(STATUSES), help="In this state of their life.")
@click.pass_obj
def command(session: Session, status: str | None) -> Answer:
    """List plugins and where each stands in its life.

    Without a running host all are unloaded. Nothing is imported.

    \b
    Examples:
      kurt plugin list
      kurt plugin list --status failed --json
    """
    host = host_of(session)
    found = rows(session, ask_for(session, host, "list") or ())
    chosen = [item for item in found if status in (None, item["status"])]
    data = {"host": host.as_dict() if host else None, "plugins": chosen}

    def text(page: Page) -> None:
        page.table(_COLUMNS, [_cells(item) for item in chosen])
        if not chosen:
            session.note("no plugin is there; try: kurt new hello" if not found else "none fits")
        if count := sum(item["state"] == "untrusted" for item in chosen):
            session.note(trust_line(count, session.places.project))
        session.note(host_line(host))

    return Answer(data, text, warnings=session.discovery.problems)


def _cells(item: dict[str, Any]) -> tuple[str, ...]:
    life = item["life"] or {}
    needs = [
        need["plugin_id"] + (" (optional)" if need["optional"] else "")
        for need in item["dependencies"]
    ]
    remark = life.get("error") or item["why_not"] or ""
    if item["held_back"]:
        remark = f"held back: {item['held_back']['reason']}"
    return (
        item["plugin_id"],
        item["version"],
        item["status"],
        f"{life['load_ms']:.1f}" if life.get("load_ms") else "",
        "yes" if item["auto_load"] and item["enabled"] else "",
        ", ".join(needs),
        remark,
    )
