"""List, show and run tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from kurt_ext import cli
from kurt_ext.commands import info as info_command
from kurt_ext.commands import list as list_command
from kurt_ext.commands import run as run_command

if TYPE_CHECKING:
    from kurt_ext.output import Answer
    from kurt_ext.session import Session

__all__ = ["command"]

_KIND = "tool"
_NAMESPACE = "kurt.tool"


@click.group("tool", cls=cli.LazyGroup, short_help="List, show and run tools.")
def command() -> None:
    """List, show and run tools.

    As `kurt list`, `kurt info` and `kurt run`, for the extensions of this kind alone.
    """


@cli.command("list", short_help="List the skills that offer a tool.")
@list_command.filters
@click.pass_obj
def list_(session: Session, /, **wishes: Any) -> Answer:
    """List the skills that offer a tool."""
    return list_command.answer(session, kind=_KIND, **wishes)


@cli.command("run", add_help_option=False, short_help="Run a tool.")
@run_command.options
@click.pass_context
def run(ctx: click.Context, /, name: str | None, words: tuple[str, ...], **more: Any) -> Answer:
    """Run a tool.

    \b
    Example:
      kurt tool run archive url=https://example.com
    """
    return run_command.answer(ctx, name, words, namespace=_NAMESPACE, **more)


for _command in (list_, info_command.command, run):
    command.add_command(_command)
