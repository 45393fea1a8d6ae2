"""Make what is installed what kurt.lock says."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import click

from .. import cli
from ..agreeing import SCOPES, apply, count, installer_of, prepare, rows, write_steps
from ..errors import ConfigError, KurtError
from ..findings import Finding
from ..output import Answer

if TYPE_CHECKING:
    from ..market.clients import Market
    from ..output import Page
    from ..session import Session

__all__ = ["command"]


@cli.command("sync", short_help="Make what is installed what kurt.lock says.")
@click.option("--scope", type=click.Choice(SCOPES), default="project", help="Whose skills.")
@click.option("--locked", is_flag=True, help="Remove what is installed and not locked.")
@click.option("--force", metavar="NAME", multiple=True, help="Put this one back, changed or not.")
@click.option(
    "--python",
    is_flag=True,
    help="Lock and install the distributions that the skills need, too.",
)
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
@click.option("-y", "--yes", is_flag=True, help="Agree to what is asked for.")
@click.option("--offline", is_flag=True, help="Ask nobody; take what was kept.")
@click.pass_obj
def command(
    session: Session,
    scope: str,
    locked: bool,
    force: tuple[str, ...],
    python: bool,
    dry_run: bool,
    yes: bool,
    offline: bool,
) -> Answer:
    """Make what is installed what kurt.lock says.

    What the store has comes from there, the rest from the markets, or from where it came
    the first time; each must have the digest that is locked. What was never agreed to on
    this machine is asked about, or agreed to with --yes.

    \b
    Examples:
      kurt sync
      kurt sync --locked --yes
      kurt sync --force web-archiver
    """
    from ..installing_wheels import held
    from ..lock import lock_path
    from ..removing import refuse_in_host
    from ..settled import remember
    from ..syncing import plan_sync, remove_unlocked

    started = time.time_ns()
    if locked:
        _need_lock(lock_path(session.places, scope))
    markets, warnings = _markets(session, offline)
    installer = installer_of(session, scope, markets, offline=offline)
    brought = prepare(session, installer, offline=offline, locked=locked)
    chosen = plan_sync(installer, force=force)
    steps, removed = chosen.plan.steps, chosen.surplus if locked else []
    if not dry_run:
        steps, more = apply(session, installer, chosen.plan, yes=yes)
        warnings += more
        for receipt in removed:
            refuse_in_host(session.places, receipt.name)
        removed = remove_unlocked(installer.receipts, {receipt.name for receipt in removed})
    if python and not dry_run and installer.prepare is not None:
        with held(installer.receipts):
            installer.prepare(())
    if not locked:
        warnings += [_not_locked(one.name) for one in chosen.surplus]
    if not steps and not chosen.surplus and scope == "project":
        folders = [one.folder for one in installer.receipts.all()]
        if all(folders):  # of a distribution, its environment tells
            remember(session.places, folders, started)

    def text(page: Page) -> None:
        write_steps(page, steps, brought)
        for receipt in removed:
            page.parts((" - ", "red"), (receipt.name, "bold"), (f" {receipt.version}", None))
        if dry_run:
            page.line("Nothing was changed: a dry run")
        else:
            done = [count(steps)] if steps else []
            done += [f"removed {len(removed)}"] if removed else []
            line = ", ".join([*done, f"{chosen.same} as locked"])
            page.line(line[:1].upper() + line[1:])

    data = {
        "scope": scope,
        "dry_run": dry_run,
        "steps": rows(steps),
        "removed": [one.name for one in removed],
        "same": chosen.same,
        "distributions": brought,
    }
    return Answer(data, text, warnings=[*warnings, *chosen.plan.warnings], talk=True)


def _not_locked(name: str) -> Finding:
    text = f"{name} is installed, and is not in kurt.lock"
    return Finding("not-locked", "warning", text, fix="kurt sync --locked   # removes it")


def _need_lock(path: str) -> None:
    if not os.path.lexists(path):
        raise ConfigError(
            "there is no kurt.lock",
            cause="everything that is installed would be removed",
            at=path,
            hint="git checkout kurt.lock, or write one: kurt install NAME",
        )


def _markets(session: Session, offline: bool) -> tuple[dict[str, Market], list[Finding]]:
    """Return the markets, none asked yet: what the store has needs none."""
    from ..market.clients import markets

    found = markets(session.places, session.discovery.config)
    warnings: list[Finding] = []
    if offline:
        for name, market in [*found.items()]:
            try:
                market.refresh(offline=True)
            except KurtError as error:
                text = f"the market {name} is left out: {error.message}"
                warnings.append(Finding("market-unusable", "warning", text))
                del found[name]
    return found, warnings
