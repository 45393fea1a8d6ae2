"""Look after the environments that plugins have of their own."""

from __future__ import annotations

import time
from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from .. import cli, completion
from ..errors import KurtError
from ..output import Answer, Column
from ..settings import dotted

if TYPE_CHECKING:
    from ..environments import Environment
    from ..output import Page
    from ..session import Session

__all__ = ["command"]

_COLUMNS = (
    Column("environment"),
    Column("python"),
    Column("size"),
    Column("used"),
    Column("plugins"),
    Column("requires"),
)


@click.group(
    "environment",
    cls=cli.LazyGroup,
    short_help="Look after the environments that plugins have of their own.",
)
def command() -> None:
    """Look after the environments that plugins have of their own.

    A plugin has one where kurt.toml says so: kurt config set
    plugin.NAME.environment own. It is made when the plugin is first loaded, of
    what the plugin requires, and plugins that require the same share one.
    """


@cli.command("list", schema="environment.list", short_help="List environments, and whose they are.")
@click.pass_obj
def list_(session: Session) -> Answer:
    """List environments, and whose they are, the one used last first."""
    from ..environments import environments

    found = environments(session.places)
    plugins = _plugins(session)
    users: dict[str, list[str]] = {}
    for row in plugins:
        users.setdefault(row["digest"], []).append(row["name"])
    rows = [{**one.as_dict(), "plugins": users.get(one.digest, [])} for one in found]
    missing = [row for row in plugins if row["digest"] is None]
    size = sum(one.size for one in found)

    def text(page: Page) -> None:
        now = time.time()
        page.table(_COLUMNS, [_cells(row, now) for row in rows])
        for row in missing:
            page.parts((row["name"], "bold"), (": not made", None), (_why(row), "dim"))
        if not rows and not missing:
            session.note("no plugin has an environment of its own; try: kurt environment --help")
        elif rows:
            count = "1 environment" if len(rows) == 1 else f"{len(rows)} environments"
            session.note(f"{count}, {_bytes(size)}")

    return Answer({"environments": rows, "plugins": plugins, "size": size}, text)


@cli.command("make", schema="environment.make", short_help="Make a plugin's environment.")
@click.argument("name", shell_complete=completion.skills)
@click.option("--fresh", is_flag=True, help="Make it again, with what the index has now.")
@click.pass_obj
def make(session: Session, name: str, fresh: bool) -> Answer:
    """Make a plugin's environment, if it is not there.

    Where the wheels come from, [sandbox] of kurt.toml says. Nothing of the plugin,
    and nothing that is installed, is run.

    \b
    Examples:
      kurt environment make web-archiver
      kurt environment make web-archiver --fresh
    """
    from .. import environments
    from ..importer import refuse

    candidate = session.discovery.skill(name)
    refuse(candidate, session.places)
    config = session.discovery.config
    made = environments.make(
        environments.asked_by(candidate),
        session.places,
        fresh=fresh,
        echo=session.note,
        **environments.sources(config)._asdict(),
    )
    own = environments.is_own(config, candidate.name)

    def text(page: Page) -> None:
        page.parts((made.path, "bold"), (f"  {_bytes(made.size)}", "dim"))
        for one in made.packages:
            page.line(f"  {one}")
        if not own:
            key = quote(dotted(("plugin", candidate.name, "environment")))
            session.note(f"{candidate.name} uses it after: kurt config set {key} own")

    return Answer({"plugin": candidate.name, "own": own, **made.as_dict()}, text)


@cli.command("prune", schema="environment.prune", short_help="Remove environments not in use.")
@click.option("--days", type=click.FloatRange(min=0), help="Not used for so long; 30 by default.")
@click.option("--keep", multiple=True, metavar="DIGEST", help="Leave this one; may be repeated.")
@click.pass_obj
def prune(session: Session, days: float | None, keep: tuple[str, ...]) -> Answer:
    """Remove environments that nobody has used for a while, and what crashes have left.

    One that is needed again is made again.

    \b
    Example:
      kurt environment prune --days 7
    """
    from ..environments import DAYS
    from ..environments import prune as remove

    gone = remove(session.places, days=DAYS if days is None else days, keep=keep)
    size = sum(count for _, count in gone)

    def text(page: Page) -> None:
        for name, count in gone:
            page.parts((" - ", "red"), (name, None), (f"  {_bytes(count)}", "dim"))
        page.line(f"{len(gone)} removed, {_bytes(size)}")

    rows = [{"name": name, "size": count} for name, count in gone]
    return Answer({"removed": rows, "size": size}, text, talk=True)


def _plugins(session: Session) -> list[dict[str, Any]]:
    """Return the plugins that want an environment of their own: its digest, or why none is."""
    from ..environments import asked_by, is_own, ready, sources

    config = session.discovery.config
    rows: list[dict[str, Any]] = []
    for candidate in session.discovery.winners:
        if not is_own(config, candidate.name):
            continue
        found: Environment | None = None
        error: str | None = None
        try:
            chosen = sources(config)._asdict()
            found = ready(asked_by(candidate), session.places, **chosen)
        except KurtError as failed:
            error = failed.message
        digest = found.digest if found else None
        rows.append({"name": candidate.name, "digest": digest, "error": error})
    return rows


def _cells(row: dict[str, Any], now: float) -> tuple[str, ...]:
    days = int((now - row["used"]) // 86400)
    used = "today" if days <= 0 else "yesterday" if days == 1 else f"{days} days ago"
    return (
        row["digest"][:12],
        row["version"],
        _bytes(row["size"]),
        used,
        ", ".join(row["plugins"]),
        ", ".join(row["requires"]),
    )


def _why(row: dict[str, Any]) -> str:
    return f": {row['error']}" if row["error"] else f"; kurt environment make {row['name']}"


def _bytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"


for _command in (list_, make, prune):
    command.add_command(_command)
