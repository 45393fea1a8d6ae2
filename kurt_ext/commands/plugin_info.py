"""Show what became of one plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .. import cli, completion
from ..asking import ask_for, host_line, host_of, plugin_id_of
from ..errors import KurtError, NotFoundError
from ..output import Answer
from ..whereabouts import words
from .plugin_list import STATUS_STYLES, rows

if TYPE_CHECKING:
    from ..hosts import Host
    from ..output import Page
    from ..session import Session

__all__ = ["command"]


@cli.command("info", schema="plugin.info", short_help="Show what became of one plugin.")
@click.argument("name", shell_complete=completion.plugins)
@click.pass_obj
def command(session: Session, name: str) -> Answer:
    """Show what became of one plugin.

    Its state in the running host, how long loading took, how often it was used
    and why it failed; what isolates it and which process has its code; whether it
    is enabled, started by itself or held back.
    Nothing is imported. `kurt info NAME` shows its manifest.

    \b
    Example:
      kurt plugin info web-archiver
    """
    host = host_of(session)
    plugin_id = plugin_id_of(session, name, host)
    lives = ask_for(session, host, "list") or ()
    found = next((row for row in rows(session, lives) if row["plugin_id"] == plugin_id), None)
    if found is None:
        raise NotFoundError(
            f"{plugin_id} is no plugin",
            cause="it has no code, or is not there any more",
            hint=f"kurt info {plugin_id}",
            skill=plugin_id,
        )
    found["runs"] = _runs(session, host, plugin_id, found)
    data = {"host": host.as_dict() if host else None, "plugin": found}
    return Answer(data, lambda page: _write(page, found, host_line(host)))


def _runs(
    session: Session, host: Host | None, plugin_id: str, row: dict[str, Any]
) -> dict[str, Any] | None:
    """Return where its code runs, as the host says; where none does, where it would."""
    from ..whereabouts import expected

    if host is not None and row["life"]:
        said = ask_for(session, host, "info", plugin_id=plugin_id)
        runs: dict[str, Any] | None = said.get("runs")  # an older host does not say
        return runs
    with session.manager() as skills:
        candidate = skills.discover().skill(plugin_id)
        try:
            return expected(skills.isolation, candidate, candidate.record())
        except (KurtError, OSError, ValueError):
            return None  # it is broken, and its state says so


def _write(page: Page, row: dict[str, Any], where: str) -> None:
    life, runs = row["life"] or {}, row["runs"]
    page.parts(
        (row["plugin_id"], "bold"),
        (f" {row['version']}  ", None),
        (row["status"], STATUS_STYLES.get(row["status"])),
        (f"  ({where})", "dim"),
    )
    held = row["held_back"]
    used = life.get("usage_count")
    page.pairs(
        [
            ("error", life.get("error") or ""),
            ("way back", life.get("way_back") or ""),
            ("generation", str(life.get("generation") or "")),
            ("loaded", life.get("loaded_at") or ""),
            ("isolation", words(runs) if runs else ""),
            ("runs in", _process(runs) if runs else ""),
            ("load took", f"{life['load_ms']:.1f} ms" if life.get("load_ms") else ""),
            ("used", f"{used} times, last {life['last_used']}" if used else ""),
            ("enabled", "yes" if row["enabled"] else f"no: {row['why_not']}"),
            ("starts by itself", "yes" if row["auto_load"] else "no"),
            ("priority", str(row["priority"] if row["priority"] is not None else "")),
            ("held back", f"{held['reason']} ({held['failures']} times)" if held else ""),
            ("needs", "\n".join(map(_need, row["dependencies"]))),
            ("found in", row["location"] or ""),
        ],
        "  ",
    )


def _process(runs: dict[str, Any]) -> str:
    """Return the process that has the code; "" where none has."""
    if not runs["isolated"]:
        return f"the host, pid {runs['pid']}" if runs["pid"] else ""
    number = runs["workers"]
    if not runs["pid"]:
        return "no worker now; the next call starts one" if number else ""
    return f"a worker, pid {runs['pid']}" + (f", number {number}" if number > 1 else "")


def _need(need: dict[str, Any]) -> str:
    words = [need["plugin_id"]]
    words += [need["version_constraint"]] if need["version_constraint"] != "*" else []
    words += ["(optional)"] if need["optional"] else []
    return " ".join(words)
