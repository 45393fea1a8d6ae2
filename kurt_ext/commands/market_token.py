"""Look after the tokens by which others publish to a server."""

from __future__ import annotations

import click

from .. import cli

__all__ = ["COMMANDS", "command"]

COMMANDS = {
    "list": (
        "kurt_ext.commands.market_token_list:command",
        "List the tokens of a marketplace.",
    ),
    "new": (
        "kurt_ext.commands.market_token_new:command",
        "Make a token by which a publisher publishes.",
    ),
    "revoke": (
        "kurt_ext.commands.market_token_revoke:command",
        "Let a token count no longer.",
    ),
}


@click.group(
    "token",
    cls=cli.LazyGroup,
    table=COMMANDS,
    short_help="Look after the tokens by which others publish to a server.",
)
def command() -> None:
    """Look after the tokens by which others publish to a server.

    A token publishes as one publisher. The server keeps its digest alone, so
    that the token is shown once, when it is made.
    """
