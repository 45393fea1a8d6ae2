"""Say that nobody should take a version any more."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from .. import cli
from ..errors import UsageError
from ..output import Answer
from .market_key import index_key, key_option
from .market_server import is_server, the_server, token_option

if TYPE_CHECKING:
    from ..session import Session

__all__ = ["command"]


@cli.command(
    "yank", schema="market.yank", short_help="Say that nobody should take a version any more."
)
@click.argument("skill")
@click.argument("version")
@click.option(
    "--from",
    "market",
    default=".",
    show_default=True,
    metavar="FOLDER|URL",
    help="The marketplace, or the address of its server.",
)
@click.option("--reason", help="Why; whoever has it installed is told.")
@click.option("--undo", is_flag=True, help="Take it back.")
@key_option
@token_option
@click.pass_obj
def command(
    session: Session,
    skill: str,
    version: str,
    market: str,
    reason: str | None,
    undo: bool,
    key: str | None,
    token_file: str | None,
) -> Answer:
    """Say that nobody should take a version any more.

    It is not chosen from then on. Who asks for exactly this version, or has it
    locked, still gets it, with a warning (PEP 592).

    \b
    Examples:
      kurt market yank web-archiver 1.2.0 --from market --reason "loses pages"
      kurt market yank web-archiver 1.2.0 --from market --undo
      kurt market yank web-archiver 1.2.0 --from https://skills.example.org --reason "broken"
    """
    from ..market.publishing import yank

    if undo == bool(reason):
        raise UsageError(
            "say why, or take it back",
            hint=f"kurt market yank {skill} {version} --from {market} --reason TEXT",
        )
    if is_server(market):
        if key is not None:
            raise UsageError("--key is for a folder", cause="a server signs its index itself")
        root = market
        snapshot = the_server(session, market, token_file).yank(skill, version, reason)
    else:
        root = os.path.abspath(market)
        snapshot = yank(root, skill, version, reason, index_key=index_key(session, root, key))
    data = {"market": root, "skill": skill, "version": version}
    line = f"{'Offered again:' if undo else 'Yanked'} {skill} {version}"
    return Answer(
        data | {"yanked": reason or False, "snapshot": snapshot},
        lambda page: page.line(line),
        talk=True,
    )
