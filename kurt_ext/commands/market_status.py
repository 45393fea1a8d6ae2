"""Say whether a skill is looked after, or may be offered at all."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from .. import cli
from ..output import Answer
from .market_key import index_key, key_option

if TYPE_CHECKING:
    from ..session import Session

__all__ = ["command"]


@cli.command(
    "status",
    schema="market.status",
    short_help="Say whether a skill is looked after, or may be offered at all.",
)
@click.argument("skill")
@click.argument("status", type=click.Choice(["active", "archived", "deprecated", "quarantined"]))
@click.option("--from", "folder", default=".", show_default=True, help="The marketplace.")
@click.option("--reason", help="Why.")
@key_option
@click.pass_obj
def command(
    session: Session, skill: str, status: str, folder: str, reason: str | None, key: str | None
) -> Answer:
    """Say whether a skill is looked after, or may be offered at all.

    The words are those of PEP 792: active; archived, where nothing new is to be
    expected; deprecated, where something else should be taken; quarantined,
    where nothing of it is offered.

    \b
    Example:
      kurt market status web-archiver deprecated --reason "take page-keeper"
    """
    from ..market.publishing import set_status

    root = os.path.abspath(folder)
    snapshot = set_status(root, skill, status, reason, index_key=index_key(session, root, key))
    data = {"market": root, "skill": skill, "status": status, "reason": reason}
    return Answer(
        data | {"snapshot": snapshot},
        lambda page: page.line(f"{skill} is {status}"),
        talk=True,
    )
