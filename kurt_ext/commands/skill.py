"""Write, check, link, trust and package skills."""

from __future__ import annotations

import click

from .. import cli

__all__ = ["COMMANDS", "command"]

COMMANDS = {
    "build": (
        "kurt_ext.commands.skill_build:command",
        "Make a wheel of a skill's folder.",
    ),
    "fmt": (
        "kurt_ext.commands.skill_fmt:command",
        "Rewrite a SKILL.md in the portable form.",
    ),
    "info": cli.COMMANDS["info"],
    "link": (
        "kurt_ext.commands.skill_link:command",
        "Show local skills to every process of an environment.",
    ),
    "list": cli.COMMANDS["list"],
    "new": cli.COMMANDS["new"],
    "trust": (
        "kurt_ext.commands.skill_trust:command",
        "Let the code in a folder be imported.",
    ),
    "unlink": (
        "kurt_ext.commands.skill_unlink:command",
        "Take back what link did.",
    ),
    "untrust": (
        "kurt_ext.commands.skill_untrust:command",
        "Let the code in a folder no longer be imported.",
    ),
    "validate": cli.COMMANDS["validate"],
}


@click.group(
    "skill",
    cls=cli.LazyGroup,
    table=COMMANDS,
    short_help="Write, check, link, trust and package skills.",
)
def command() -> None:
    """Write, check, link, trust and package skills.

    `list`, `info`, `new` and `validate` are the commands of the same name of
    `kurt` itself.
    """
