"""Bring installed skills up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import cli, completion
from ..agreeing import (
    apply,
    count,
    installer_of,
    markets_of,
    prepare,
    rows,
    standing_lines,
    write_steps,
)
from ..errors import UsageError
from ..findings import Finding
from ..output import Answer
from .install import consent_options, market_options

if TYPE_CHECKING:
    from ..output import Page
    from ..session import Session

__all__ = ["command"]


@cli.command("update", short_help="Bring installed skills up to date.")
@click.argument("names", nargs=-1, metavar="[NAME]…", shell_complete=completion.skills)
@click.option("--all", "every", is_flag=True, help="All that came from a market.")
@consent_options
@click.option("--no-cooldown", is_flag=True, help="Take releases of less than three days too.")
@click.option("--force", is_flag=True, help="Replace what was changed; a copy of it is kept.")
@market_options
@click.pass_obj
def command(
    session: Session,
    names: tuple[str, ...],
    every: bool,
    scope: str,
    dry_run: bool,
    yes: bool,
    new_publisher: tuple[str, ...],
    no_cooldown: bool,
    force: bool,
    market: tuple[str, ...],
    offline: bool,
    allow_stale: bool,
) -> Answer:
    """Bring installed skills up to date.

    The markets are asked first, and how old their indexes are is told. Where a new
    version may do more than the old, or its score is lower, it is agreed to first; another
    publisher blocks it. What was there before can be put back: kurt rollback NAME.

    \b
    Examples:
      kurt update web-archiver
      kurt update --all --dry-run
    """
    from ..updating import COOLDOWN, newer, plan_updates, waiting_words

    if bool(names) == every:
        raise UsageError("say which skills, or --all", hint="kurt outdated")
    markets, warnings = markets_of(session, market, offline=offline, allow_stale=allow_stale)
    installer = installer_of(session, scope, markets, names=market, offline=offline)
    brought = prepare(session, installer, offline=offline)
    found, more = newer(
        installer.receipts,
        markets,
        names,
        cooldown=0 if no_cooldown else COOLDOWN,
        indexes=installer.shelves.indexes,
    )
    warnings += more
    for one in found:
        if one.waiting:
            warnings.append(
                Finding(
                    "cooldown",
                    "warning",
                    f"{one.name} {waiting_words(one)}",
                    fix=f"kurt update {one.name} --no-cooldown",
                )
            )
    plan = plan_updates(installer, found, force=force)
    steps = plan.steps
    if not dry_run:
        done, later = apply(session, installer, plan, yes=yes, publishers=new_publisher)
        steps = [step for step in plan.steps if step in done]
        warnings += later

    def text(page: Page) -> None:
        write_steps(page, steps, brought)
        page.line("Nothing was changed: a dry run" if dry_run else count(steps))
        standing_lines(page, markets)

    data = {
        "scope": scope,
        "dry_run": dry_run,
        "steps": rows(steps),
        "distributions": brought,
        "skills": [one.as_dict() for one in found],
        "markets": {name: one.standing.as_dict() for name, one in markets.items()},
    }
    return Answer(data, text, warnings=[*warnings, *plan.warnings], talk=True)
