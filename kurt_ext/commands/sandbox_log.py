"""Show what isolated plugins used, and what they were refused."""

from __future__ import annotations

import sys
import time
from collections import deque
from datetime import UTC
from typing import TYPE_CHECKING, Any

import click

from .. import cli, completion, jsontext
from ..errors import UsageError
from ..output import Answer, Column
from ..sandbox.auditing import Tail, entries, folder_of, is_wanted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..output import Page
    from ..session import Session

__all__ = ["command", "moment"]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_PAUSE = 0.5  # seconds between two looks
_COLUMNS = (
    Column("Time", styles={"": "dim"}, drop=2),
    Column("Skill", styles={"": "bold"}),
    Column("", styles={"denied": "error", "allowed": "green"}),
    Column("Permission", drop=1),
    Column("Target", fold=True),
    Column("Seen by", styles={"": "dim"}, drop=3),
)


@cli.command(
    "log",
    schema="sandbox.log",
    short_help="Show what isolated plugins used, and what they were refused.",
)
@click.argument("name", required=False, shell_complete=completion.skills)
@click.option("--denied", is_flag=True, help="Only what was refused.")
@click.option(
    "--since", metavar="WHEN", help="Not before: 10m, 2h, 3d, a date, or a date and a time."
)
@click.option(
    "--last",
    type=click.IntRange(min=1),
    default=200,
    show_default=True,
    metavar="N",
    help="The last N lines.",
)
@click.option("--follow", is_flag=True, help="Go on with what comes; Ctrl-C ends.")
@click.option("--jsonl", is_flag=True, help="Write one JSON object a line.")
@click.pass_obj
def command(
    session: Session,
    name: str | None,
    denied: bool,
    since: str | None,
    last: int,
    follow: bool,
    jsonl: bool,
) -> Answer:
    """Show what isolated plugins used, and what they were refused.

    Each thing is written down the first time a worker asks for it, and each
    time it is refused. What code asks for is seen in Python, by the tripwires
    of the worker; connections and services are seen by the host.

    \b
    Examples:
      kurt sandbox log
      kurt sandbox log web-archiver --denied --since 1h
      kurt sandbox log --follow --jsonl | jq .target
    """
    folder = folder_of(session.places)
    start = moment(since) if since else ""
    tail = Tail(folder, past=True) if follow else None
    if tail is None:
        lines = entries(folder, skill=name, denied=denied, since=start)
    else:  # from one look, or what is written between two would be shown twice
        lines = (entry for entry in tail.new() if is_wanted(entry, name, denied, start))
    found = deque(lines, maxlen=last)
    if tail is None and not jsonl:
        data = {"folder": folder, "entries": list(found)}
        return Answer(data, lambda page: _write(page, session, list(found)))
    page = session.page(sys.stdout)
    _stream(page, found, jsonl, mute=session.json)
    rows = list(found)
    try:
        while tail is not None:
            time.sleep(_PAUSE)
            fresh = [entry for entry in tail.new() if is_wanted(entry, name, denied)]
            _stream(page, fresh, jsonl, mute=session.json)
            rows += fresh if session.json else ()
    except KeyboardInterrupt:  # which is how it ends
        pass
    if session.json and not jsonl:
        return Answer({"folder": folder, "entries": rows}, lambda page: None)
    raise click.exceptions.Exit(0)


def moment(text: str) -> str:
    """Return a time as the audit writes it, from an age or a time of this place.

    :raises UsageError: for what is neither.
    """
    from datetime import datetime

    number, unit = text[:-1], text[-1:]
    if number.isascii() and number.isdecimal() and unit in _UNITS:
        when = datetime.fromtimestamp(max(0.0, time.time() - int(number) * _UNITS[unit]), UTC)
    else:
        try:
            when = datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError, OSError):
            raise UsageError(
                f"{text!r} is no time",
                hint="as --since 10m, --since 2h, --since 2026-11-21 or --since 2026-11-21T13:00",
            ) from None
    return when.strftime("%Y-%m-%dT%H:%M:%S")


def _write(page: Page, session: Session, found: list[dict[str, Any]]) -> None:
    if not found:
        session.note("nothing was written down; only isolated plugins are: kurt sandbox status")
        return
    page.table(_COLUMNS, [_cells(entry) for entry in found])


def _stream(page: Page, found: Iterable[dict[str, Any]], jsonl: bool, *, mute: bool) -> None:
    for entry in found:
        if jsonl:
            page.verbatim(jsontext.dumps(entry) + "\n")
        elif not mute:
            when, skill, verdict, permission, target, by = _cells(entry)
            style = "error" if verdict == "denied" else "green"
            page.parts(
                (f"{when} ", "dim"),
                (f"{skill} ", "bold"),
                (f"{verdict} ", style),
                (f"{permission} {target}", None),
                (f" ({by})" if by else "", "dim"),
            )
    page.stream.flush()


def _cells(entry: dict[str, Any]) -> tuple[str, ...]:
    outcome = entry.get("outcome", "connected")
    target = entry["target"] + (f" ({outcome})" if outcome != "connected" else "")
    return (
        _local(entry["time"]),
        entry["skill"],
        "allowed" if entry["allowed"] else "denied",
        entry["permission"] or entry["event"],
        target,
        str(entry.get("mechanism", "")),
    )


def _local(text: str) -> str:
    """Return a time of an audit as the clocks of this place show it."""
    from datetime import datetime

    try:
        return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return text
