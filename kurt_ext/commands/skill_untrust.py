"""Let the code in a folder no longer be imported."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from .. import cli
from ..errors import NotFoundError
from ..output import Answer
from ..trust import Trust

if TYPE_CHECKING:
    from ..session import Session

__all__ = ["command"]


def _trusted(
    ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    session: Session = ctx.obj
    paths = Trust.load(session.places).paths
    return [CompletionItem(path) for path in paths if path.startswith(incomplete)]


@cli.command(
    "untrust", schema="skill.untrust", short_help="Let the code in a folder no longer be imported."
)
@click.argument("path", required=False, type=click.Path(), shell_complete=_trusted)
@click.pass_obj
def command(session: Session, path: str | None) -> Answer:
    """Let the code in a folder no longer be imported; the project by default."""
    trust = Trust.load(session.places)
    folder = os.path.abspath(path or session.places.project)
    if not trust.remove(folder):
        covering = [
            place for place in trust.paths if trust.covers(folder) and _holds(place, folder)
        ]
        raise NotFoundError(
            f"{folder} is not trusted by itself",
            cause=f"it lies beneath {covering[0]}, which is trusted" if covering else None,
            hint=f"kurt skill untrust {covering[0]}" if covering else "kurt skill trust --list",
        )
    left = trust.covers(folder)
    data = {"path": folder, "trusted": list(trust.paths), "still_covered": left}
    said = f"No longer trusted: {folder}"
    if left:
        said += "; it is still covered by another folder (kurt skill trust --list)"
    return Answer(data, lambda page: page.line(said), warnings=trust.findings, talk=True)


def _holds(place: str, folder: str) -> bool:
    return os.path.realpath(folder).startswith(place.rstrip(os.sep) + os.sep)
