"""Build a marketplace from skills and wheels in a folder."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from .. import cli
from ..amounts import amount
from ..errors import PolicyError, UsageError
from ..output import Answer

if TYPE_CHECKING:
    from ..market.building import Built
    from ..output import Page
    from ..session import Session

__all__ = ["command"]


@cli.command(
    "build",
    schema="market.build",
    short_help="Build a marketplace from skills and wheels in a folder.",
)
@click.argument("folder", type=click.Path(file_okay=False))
@click.option("--name", help="What the marketplace calls itself; for its market.toml.")
@click.option("--publisher", help="Who publishes what is built here; for its market.toml.")
@click.option("--key", help="The key that signs the index.")
@click.option("--unsigned", is_flag=True, help="Replace a signed index by one that is not.")
@click.option("--wheels", is_flag=True, help="Make wheels too, for pip and uv.")
@click.option("--again", is_flag=True, help="Judge again what was judged by other rules.")
@click.option("--jobs", type=click.IntRange(0), default=0, help="Processes that judge; 0 chooses.")
@click.pass_obj
def command(
    session: Session,
    folder: str,
    name: str | None,
    publisher: str | None,
    key: str | None,
    unsigned: bool,
    wheels: bool,
    again: bool,
    jobs: int,
) -> Answer:
    """Build a marketplace from skills and wheels in a folder.

    FOLDER has them at its top, in skills/ and in wheels/. Each is judged, and
    becomes a release where its version is new. What is below the gate is left
    out and told, with exit code 5; the others are built.

    \b
    Examples:
      kurt market build market
      kurt market build market --publisher acme --key acme
    """
    from ..market.building import build
    from ..market.keys import Keyring
    from ..progress import Reporter
    from ..terminal import is_terminal

    root = os.path.abspath(folder)
    if not os.path.isdir(root):
        raise UsageError(f"{folder} is no folder", hint=f"mkdir {folder}")
    settings = _settings(root, name, publisher)
    chosen = Keyring(session.places).chosen(key, "" if unsigned else settings)
    quiet = bool(session.quiet) or not is_terminal(sys.stderr)
    with Reporter("build", quiet=quiet, color=session.color != "never") as report:

        def done(skill: str, came: int, total: int) -> None:
            from ..contract import Progress

            report(Progress(skill, came, total))

        built = build(
            root,
            session.places,
            key=chosen,
            wheels=wheels,
            again=again,
            unsigned=unsigned,
            jobs=jobs,
            done=done,
        )
    return _answer(built, root)


def _settings(root: str, name: str | None, publisher: str | None) -> str:
    """Write ``market.toml`` where there is none; return the name of the key that it names."""
    from ..market.market_toml import FILE, read_settings, write_settings

    found = read_settings(root)
    words = (("name", name), ("publisher", publisher))
    given: dict[str, Any] = {key: word for key, word in words if word is not None}
    path = os.path.join(root, FILE)
    if not os.path.lexists(path):
        found = found._replace(**given)
        if name is not None and publisher is None:
            found = found._replace(publisher=name)
        write_settings(root, found)
        found = read_settings(root)
    for key, word in given.items():
        if getattr(found, key) != word:
            raise UsageError(
                f"{key} is {getattr(found, key)} in {path}, not {word}",
                at=path,
                hint=f"change it there, or leave --{key} out",
            )
    return found.key


def _answer(built: Built, root: str) -> Answer:
    data = {
        "folder": root,
        "snapshot": built.snapshot,
        "changed": built.changed,
        "skills": built.skills,
        "added": list(built.added),
        "same": built.same,
        "judged": list(built.judged),
        "refused": [error.as_dict() for error in built.refused],
    }
    failure = None
    if built.refused:
        failure = PolicyError(
            f"{amount(len(built.refused), 'thing was', 'things were')} refused",
            cause="\n".join(error.message for error in built.refused[:20]),
            hint=built.refused[0].hint,
        )

    def text(page: Page) -> None:
        for release in built.added:
            page.line(f"+ {release}", "green")
        for error in built.refused:
            page.line(f"- {error.message}", "red")
        if built.judged:
            page.line(f"{len(built.judged)} judged again")
        state = "is new" if built.changed else "is as it was"
        new = amount(len(built.added), "new release")
        page.line(f"Snapshot {built.snapshot} {state}: {amount(built.skills, 'skill')}, {new}")

    return Answer(data, text, error=failure)
