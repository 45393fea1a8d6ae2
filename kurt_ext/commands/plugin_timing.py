"""Say how long each plugin takes to start, the slow one first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .. import cli, completion
from ..asking import ask_for, host_line, host_of, plugin_id_of
from ..explaining import held_back
from ..output import Answer, Column
from ..plugin_rows import plugins, row
from ..trial import PHASES, run_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..errors import KurtError
    from ..output import Page
    from ..session import Session

__all__ = ["command"]

#: What belongs to the start of a plugin.
_START = PHASES[: PHASES.index("activate") + 1]
_COLUMNS = (
    Column("Name", styles={"": "bold"}),
    Column("Total ms"),
    *(Column(phase.capitalize(), drop=len(_START) - n) for n, phase in enumerate(_START)),
    Column("Remark", fold=True, drop=1, styles={"": "yellow"}),
)


@cli.command(
    "timing",
    schema="plugin.timing",
    short_help="Say how long each plugin takes to start, the slow one first.",
)
@click.argument("names", nargs=-1, metavar="[NAME]…", shell_complete=completion.plugins)
@click.pass_obj
def command(session: Session, names: tuple[str, ...]) -> Answer:
    """Say how long each plugin takes to start, the slow one first.

    In a running host, what was measured there. Without one, all enabled plugins,
    or those that are named, are loaded and started in this process one after the
    other, and ended again. Times are in milliseconds: of the checks before the
    import, the import, the making of the object, and the hooks.

    \b
    Examples:
      kurt plugin timing
      kurt plugin timing web-archiver --json
    """
    host = host_of(session)
    chosen = [plugin_id_of(session, name, host) for name in names]
    failed: Mapping[str, KurtError] = {}
    if host is not None:
        measured = ask_for(session, host, "timing")
    else:
        measured, failed = run_all(session, chosen or _enabled(session))
    found = _plugins(measured, failed, chosen)
    slowest = _slowest(found)
    data = {
        "host": host.as_dict() if host else None,
        "trial": host is None,
        "plugins": found,
        "slowest": slowest,
    }

    def text(page: Page) -> None:
        page.table(_COLUMNS, [_cells(item) for item in found])
        if slowest is not None:
            page.line()
            page.parts(
                ("slow: ", "dim"),
                (slowest["plugin_id"], "bold"),
                (f", {slowest['phase']} {slowest['ms']:.1f} ms", "yellow"),
                (f" of {slowest['total_ms']:.1f} ms", None),
            )
        if not found:
            session.note("no plugin was loaded; what there is, and why: kurt plugin list")
        session.note(host_line(host) + ("" if host else "; measured in a trial"))

    return Answer(data, text)


def _enabled(session: Session) -> list[str]:
    return [
        candidate.name
        for candidate in plugins(session.discovery)
        if row(candidate, session.discovery)["enabled"]
        and held_back(session.places, candidate) is None
    ]


def _plugins(
    measured: Iterable[Mapping[str, Any]], failed: Mapping[str, KurtError], chosen: list[str]
) -> list[dict[str, Any]]:
    """Return a row per plugin, the slowest first; of several loads the slowest counts."""
    phases: dict[str, dict[str, float]] = {name: {} for name in failed}
    for item in measured:
        if item["phase"] in _START:
            times = phases.setdefault(item["plugin_id"], {})
            times[item["phase"]] = max(times.get(item["phase"], 0.0), item["ms"])
    rows = [
        {
            "plugin_id": name,
            "total_ms": round(sum(times.values()), 3),
            "phases": times,
            "error": failed[name].as_dict() if name in failed else None,
        }
        for name, times in phases.items()
        if not chosen or name in chosen
    ]
    return sorted(rows, key=lambda item: (-item["total_ms"], item["plugin_id"]))


def _slowest(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    if not rows or not rows[0]["phases"]:
        return None
    first = rows[0]
    phase = max(first["phases"], key=first["phases"].__getitem__)
    return {
        "plugin_id": first["plugin_id"],
        "phase": phase,
        "ms": first["phases"][phase],
        "total_ms": first["total_ms"],
    }


def _cells(item: dict[str, Any]) -> tuple[str, ...]:
    times = [f"{item['phases'][p]:.1f}" if p in item["phases"] else "" for p in _START]
    error = item["error"]["message"] if item["error"] else ""
    return (item["plugin_id"], f"{item['total_ms']:.1f}", *times, error)
