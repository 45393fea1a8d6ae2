"""Install skills, from a market or from here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .. import cli
from ..agreeing import (
    SCOPES,
    apply,
    count,
    installer_of,
    markets_of,
    prepare,
    rows,
    write_steps,
)
from ..errors import UsageError
from ..output import Answer

if TYPE_CHECKING:
    from ..findings import Finding
    from ..market.clients import Market
    from ..output import Page
    from ..session import Session

__all__ = ["command", "consent_options", "market_options"]


def market_options(function: Any) -> Any:
    """Add the options of commands that ask a market."""
    for option in reversed(
        (
            click.option("--market", metavar="NAME", multiple=True, help="Ask only this market."),
            click.option("--offline", is_flag=True, help="Ask nobody; take what was kept."),
            click.option(
                "--allow-stale", is_flag=True, help="Take an index that has expired, and say so."
            ),
        )
    ):
        function = option(function)
    return function


def consent_options(function: Any) -> Any:
    """Add the options of commands that change what is installed."""
    for option in reversed(
        (
            click.option(
                "--scope",
                type=click.Choice(SCOPES),
                default="project",
                help="The project's skills (default), or the user's.",
            ),
            click.option("--dry-run", is_flag=True, help="Only show what would be done."),
            click.option("-y", "--yes", is_flag=True, help="Agree to what is asked for."),
            click.option(
                "--new-publisher",
                metavar="NAME",
                multiple=True,
                help="Take this skill from another publisher than before.",
            ),
        )
    ):
        function = option(function)
    return function


@cli.command("install", short_help="Install skills, from a market or from here.")
@click.argument("specs", nargs=-1, metavar="SPEC…")
@consent_options
@click.option("--force", is_flag=True, help="Replace a folder that is there; a copy of it is kept.")
@market_options
@click.pass_obj
def command(
    session: Session,
    specs: tuple[str, ...],
    scope: str,
    dry_run: bool,
    yes: bool,
    new_publisher: tuple[str, ...],
    force: bool,
    market: tuple[str, ...],
    offline: bool,
    allow_stale: bool,
) -> Answer:
    """Install skills, from a market or from here.

    SPEC is NAME, NAME@VERSION or NAME@MARKET, a distribution of PyPI (NAME@pypi,
    NAME==1.2@pypi), a folder, a .zip or a .whl by its path (./FOLDER), or git+URL. It is
    judged before it is there, and what it may do is shown; it is agreed to at the
    terminal, or with --yes. Nothing of it is run.

    \b
    Examples:
      kurt install web-archiver
      kurt install web-archiver@1.2.0 --scope user --yes
      kurt install kurt-skill-web-archiver@pypi
      kurt install ./web-archiver
      kurt install git+https://example.com/skills.git@v1.0#subdirectory=web-archiver
    """
    from ..specs import parse

    if not specs:
        raise UsageError("nothing was said to install", hint="kurt install NAME, or ./FOLDER")
    wanted = [parse(text) for text in specs]
    markets: dict[str, Market] = {}
    warnings: list[Finding] = []
    if session.discovery.config.markets and any(spec.kind == "market" for spec in wanted):
        markets, warnings = markets_of(session, market, offline=offline, allow_stale=allow_stale)
    installer = installer_of(session, scope, markets, names=market, offline=offline)
    brought = prepare(session, installer, offline=offline)
    plan = installer.plan(wanted, force=force)
    steps = plan.steps
    if not dry_run:
        done, more = apply(session, installer, plan, yes=yes, publishers=new_publisher)
        steps = [step for step in plan.steps if step in done or step.verb == "keep"]
        warnings += more

    def text(page: Page) -> None:
        write_steps(page, steps, brought)
        page.line("Nothing was changed: a dry run" if dry_run else count(steps))

    data = {"scope": scope, "dry_run": dry_run, "steps": rows(steps), "distributions": brought}
    return Answer(data, text, warnings=[*warnings, *plan.warnings], talk=True)
