"""Stop a plugin and forget its code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import cli, completion
from ..asking import act

if TYPE_CHECKING:
    from ..output import Answer
    from ..session import Session

__all__ = ["command"]


@cli.command("unload", schema="plugin.unload", short_help="Stop a plugin and forget its code.")
@click.argument("name", shell_complete=completion.plugins)
@click.pass_obj
def command(session: Session, name: str) -> Answer:
    """Stop a plugin and forget its code.

    What it left running in the host is ended and told. There must be a host.

    \b
    Example:
      kurt plugin unload web-archiver
    """
    return act(session, name, "unload")
