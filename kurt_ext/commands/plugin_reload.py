"""Put a plugin's new code in the place of the old."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import cli, completion
from ..asking import act

if TYPE_CHECKING:
    from ..output import Answer
    from ..session import Session

__all__ = ["command"]

_STEPS = ("load", "activate", "reload", "deactivate", "unload")


@cli.command(
    "reload", schema="plugin.reload", short_help="Put a plugin's new code in the place of the old."
)
@click.argument("name", shell_complete=completion.plugins)
@click.option("--no-validate", is_flag=True, help="Do not ask the validator before.")
@click.pass_obj
def command(session: Session, name: str, no_validate: bool) -> Answer:
    """Put a plugin's new code in the place of the old.

    The new code is imported and made ready beside the old one; where that fails,
    the old one runs on. Calls under way end on the old one. Without a host, a
    life with a reload in it is tried.

    \b
    Example:
      kurt plugin reload web-archiver
    """
    return act(session, name, "reload", _STEPS, validate=not no_validate)
