"""Start a plugin that is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import cli, completion
from ..asking import act
from ..trial import LIFE

if TYPE_CHECKING:
    from ..output import Answer
    from ..session import Session

__all__ = ["command"]


@cli.command("activate", schema="plugin.activate", short_help="Start a plugin that is loaded.")
@click.argument("name", shell_complete=completion.plugins)
@click.pass_obj
def command(session: Session, name: str) -> Answer:
    """Start a plugin that is loaded.

    What it needs is started first. Without a host, its whole life is tried, as
    `kurt plugin load` does.

    \b
    Example:
      kurt plugin activate web-archiver
    """
    return act(session, name, "activate", LIFE)
