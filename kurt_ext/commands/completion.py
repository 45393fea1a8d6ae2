"""Print the script that completes kurt's words in a shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import cli
from ..completion import SHELLS, script
from ..output import Answer

if TYPE_CHECKING:
    from ..session import Session

__all__ = ["command"]


@cli.command("completion", short_help="Print the script that completes kurt's words in a shell.")
@click.argument("shell", metavar="SHELL", type=click.Choice(sorted(SHELLS)))
@click.pass_obj
def command(_session: Session, shell: str) -> Answer:
    """Print the script that completes kurt's words in a shell.

    SHELL is bash, zsh or fish.

    \b
    bash:  echo 'eval "$(kurt completion bash)"' >> ~/.bashrc
    zsh:   echo 'eval "$(kurt completion zsh)"' >> ~/.zshrc
    fish:  kurt completion fish > ~/.config/fish/completions/kurt.fish
    """
    text = script(shell)
    return Answer({"shell": shell, "script": text}, lambda page: page.verbatim(text))
