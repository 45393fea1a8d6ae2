"""Build, publish to, verify and mirror a marketplace."""

from __future__ import annotations

import click

from .. import cli

__all__ = ["COMMANDS", "command"]

COMMANDS = {
    "build": (
        "kurt_ext.commands.market_build:command",
        "Build a marketplace from skills and wheels in a folder.",
    ),
    "digest": (
        "kurt_ext.commands.market_digest:command",
        "Say what an attestation of a skill must be over.",
    ),
    "log": (
        "kurt_ext.commands.market_log:command",
        "Show who published what through a server, and what was refused.",
    ),
    "mirror": (
        "kurt_ext.commands.market_mirror:command",
        "Copy a marketplace, so that it can be served from here.",
    ),
    "publish": (
        "kurt_ext.commands.market_publish:command",
        "Publish a skill or a wheel into a marketplace.",
    ),
    "publisher": (
        "kurt_ext.commands.market_publisher:command",
        "Say who a publisher is, and which keys are theirs.",
    ),
    "serve": (
        "kurt_ext.commands.market_serve:command",
        "Serve a marketplace over HTTP, with pages, an API and uploads.",
    ),
    "status": (
        "kurt_ext.commands.market_status:command",
        "Say whether a skill is looked after, or may be offered at all.",
    ),
    "tuf": (
        "kurt_ext.commands.market_tuf:command",
        "Protect the index of a marketplace by The Update Framework.",
    ),
    "token": (
        "kurt_ext.commands.market_token:command",
        "Look after the tokens by which others publish to a server.",
    ),
    "verify": (
        "kurt_ext.commands.market_verify:command",
        "Check that a marketplace holds what it promises.",
    ),
    "yank": (
        "kurt_ext.commands.market_yank:command",
        "Say that nobody should take a version any more.",
    ),
}


@click.group(
    "market",
    cls=cli.LazyGroup,
    table=COMMANDS,
    short_help="Build, publish to, verify and mirror a marketplace.",
)
def command() -> None:
    """Build, publish to, verify and mirror a marketplace.

    A marketplace is a folder of files that any web server can hold. What is
    published stays as it is; what is wrong with it is said beside it.
    """
