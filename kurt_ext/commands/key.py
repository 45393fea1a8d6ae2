"""Look after the keys that sign, and those that are trusted."""

from __future__ import annotations

import click

from .. import cli

__all__ = ["COMMANDS", "command"]

COMMANDS = {
    "distrust": (
        "kurt_ext.commands.key_distrust:command",
        "Trust a public key no longer.",
    ),
    "export": (
        "kurt_ext.commands.key_export:command",
        "Print the public half of a key.",
    ),
    "list": (
        "kurt_ext.commands.key_list:command",
        "List the keys that sign and those that are trusted.",
    ),
    "new": (
        "kurt_ext.commands.key_new:command",
        "Make a key that signs.",
    ),
    "trust": (
        "kurt_ext.commands.key_trust:command",
        "Trust a public key.",
    ),
}


@click.group(
    "key",
    cls=cli.LazyGroup,
    table=COMMANDS,
    short_help="Look after the keys that sign, and those that are trusted.",
)
def command() -> None:
    """Look after the keys that sign, and those that are trusted.

    Keys are Ed25519. Anybody can make one; nobody needs to be asked. They lie in
    the folder keys of kurt's data, readable by their owner alone.
    """
