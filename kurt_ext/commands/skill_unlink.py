"""Take back what link did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import cli
from ..errors import NotFoundError
from ..output import Answer
from .skill_link import environment_options

if TYPE_CHECKING:
    from ..session import Session

__all__ = ["command"]


@cli.command("unlink", schema="skill.unlink", short_help="Take back what link did.")
@environment_options
@click.pass_obj
def command(session: Session, scope: str, python: str | None) -> Answer:
    """Take back what link did: other processes of the environment see local skills no more."""
    from ..link import Environment, unlink

    environment = Environment.of(python)
    root = session.places.shim(scope)
    if not unlink(root, environment):
        raise NotFoundError(
            f"the {scope}'s skills are not linked into {environment.site}", hint="kurt skill link"
        )
    data = {"shim": root, "scope": scope, "site": environment.site}
    return Answer(data, lambda page: page.line(f"Unlinked from {environment.site}"), talk=True)
