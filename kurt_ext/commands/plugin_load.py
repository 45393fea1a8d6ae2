"""Import a plugin and make it ready."""

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


@cli.command("load", schema="plugin.load", short_help="Import a plugin and make it ready.")
@click.argument("name", shell_complete=completion.plugins)
@click.option("--no-validate", is_flag=True, help="Do not ask the validator before.")
@click.option("--force", is_flag=True, help="Even though it is held back after failures.")
@click.pass_obj
def command(session: Session, name: str, no_validate: bool, force: bool) -> Answer:
    """Import a plugin and make it ready.

    What it needs is loaded first. In a host it stays loaded; without one, its
    whole life is tried: load, activate, deactivate, unload, each with its time.
    The exit code says whether it works.

    \b
    Examples:
      kurt plugin load web-archiver
      kurt plugin load web-archiver --force --json
    """
    return act(session, name, "load", LIFE, validate=not no_validate, force=force)
