"""Stop a plugin, and keep it loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import cli, completion
from ..asking import act

if TYPE_CHECKING:
    from ..output import Answer
    from ..session import Session

__all__ = ["command"]


@cli.command(
    "deactivate", schema="plugin.deactivate", short_help="Stop a plugin, and keep it loaded."
)
@click.argument("name", shell_complete=completion.plugins)
@click.pass_obj
def command(session: Session, name: str) -> Answer:
    """Stop a plugin, and keep it loaded.

    Calls of it are refused from then on; `kurt plugin activate` starts it again.
    There must be a host.

    \b
    Example:
      kurt plugin deactivate web-archiver
    """
    return act(session, name, "deactivate")
