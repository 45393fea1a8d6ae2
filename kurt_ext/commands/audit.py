"""Say what is known to be wrong with what is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import cli
from ..agreeing import SCOPES, markets_of, standing_lines
from ..errors import AdvisoryError
from ..output import Answer
from .install import market_options

if TYPE_CHECKING:
    from ..output import Page
    from ..session import Session

__all__ = ["command"]


@cli.command("audit", short_help="Say what is known to be wrong with what is installed.")
@click.option("--scope", type=click.Choice(SCOPES), default="project", help="Whose skills.")
@click.option("--no-python", is_flag=True, help="Do not ask pip-audit about distributions.")
@market_options
@click.pass_obj
def command(
    session: Session,
    scope: str,
    no_python: bool,
    market: tuple[str, ...],
    offline: bool,
    allow_stale: bool,
) -> Answer:
    """Say what is known to be wrong with what is installed.

    Advisories of the markets, releases that were withdrawn, files that were changed, and
    what pip-audit knows of the distributions that the skills need, where it is installed.
    The exit code is 5 where something is wrong.

    \b
    Example:
      kurt audit --offline
    """
    from ..auditing import audit, audit_python, python_names
    from ..receipts import Receipts

    markets, warnings = markets_of(session, market, offline=offline, allow_stale=allow_stale)
    receipts = Receipts(session.places, scope)
    faults, skills, more = audit(receipts, markets)
    warnings += more
    if not no_python and not offline:
        names = python_names(
            candidate.record()
            for candidate in session.discovery.winners
            if candidate.is_folder and receipts.find(candidate.name) is not None
        )
        found, more = audit_python(names)
        faults += found
        warnings += more

    def text(page: Page) -> None:
        for fault in faults:
            page.parts(
                (f"{fault.name} {fault.version}: ", "bold"),
                (fault.kind, "error"),
                (f" {fault.id}" if fault.id else "", None),
                (f": {fault.summary}", None),
            )
            page.parts(("  fix: ", "hint"), (fault.fix, None))
        if not faults:
            count = "1 skill" if skills == 1 else f"{skills} skills"
            page.line(f"Nothing is known to be wrong with {count}.")
        standing_lines(page, markets)

    error = None
    if faults:
        count = "1 thing is" if len(faults) == 1 else f"{len(faults)} things are"
        error = AdvisoryError(f"{count} wrong with what is installed", hint=faults[0].fix)
    data = {
        "scope": scope,
        "skills": skills,
        "faults": [fault.as_dict() for fault in faults],
        "markets": {name: one.standing.as_dict() for name, one in markets.items()},
    }
    return Answer(data, text, warnings=warnings, error=error)
