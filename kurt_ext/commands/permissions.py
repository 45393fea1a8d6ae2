"""Tell what skills may do, what they need, and what changes."""

from __future__ import annotations

import click

from .. import cli

__all__ = ["COMMANDS", "command"]

COMMANDS = {
    "diff": (
        "kurt_ext.commands.permissions_diff:command",
        "Show what one skill may do more, or less, than another.",
    ),
    "infer": (
        "kurt_ext.commands.permissions_infer:command",
        "Work out which permissions a skill needs, from its code.",
    ),
    "show": (
        "kurt_ext.commands.permissions_show:command",
        "Say in words what a skill may do.",
    ),
}


@click.group(
    "permissions",
    cls=cli.LazyGroup,
    table=COMMANDS,
    short_help="Tell what skills may do, what they need, and what changes.",
)
def command() -> None:
    """Tell what skills may do, what they need, and what changes.

    Permissions stand in a skill's manifest. Nothing is imported.
    """
