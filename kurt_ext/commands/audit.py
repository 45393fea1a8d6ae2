"""Say what is known to be wrong with what is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import cli
from ..agreeing import SCOPES, indexes_of, markets_of, standing_lines
from ..amounts import amount
from ..errors import AdvisoryError, ConfigError, KurtError
from ..findings import Finding
from ..output import Answer
from .install import market_options

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..auditing import Fault
    from ..market.clients import Market
    from ..output import Page
    from ..session import Session
    from ..updating import Ignored

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

    Advisories of the markets, releases that were withdrawn, files that were changed, who has
    attested and counts no more, and what pip-audit knows of the distributions that the skills
    need, where it is installed. The exit code is 5 where something is wrong. An advisory that
    audit.ignore of kurt.toml names does not count; it is listed with the reason and the day
    that stand there.

    \b
    Example:
      kurt audit --offline
    """
    from ..auditing import audit, audit_python, python_names
    from ..overlooked import overlooked
    from ..receipts import Receipts
    from ..vouching import vouch

    markets: dict[str, Market] = {}
    warnings: list[Finding] = []
    error: KurtError | None = None
    try:
        markets, warnings = markets_of(session, market, offline=offline, allow_stale=allow_stale)
    except ConfigError:
        raise
    except KurtError as unusable:
        error = unusable  # what is here can be told all the same
    receipts = Receipts(session.places, scope)
    indexes = indexes_of(session, market, offline=offline)
    faults, skills, ignored, more = audit(receipts, markets, indexes)
    # Why no market is asked is said once, and not of each skill.
    warnings += [one for one in more if error is None or one.rule != "no-market"]
    vouched, others, more = vouch(receipts, markets, indexes)
    faults = sorted([*faults, *others])
    warnings += more
    if not no_python and not offline:
        names = python_names(
            candidate.record()
            for candidate in session.discovery.winners
            if candidate.is_folder and receipts.find(candidate.name) is not None
        )
        names += [one.locked.distribution for one in receipts.all() if one.locked.distribution]
        python = audit_python(names, overlooked(session.discovery.config))
        faults += python.faults
        ignored += python.ignored
        warnings += python.warnings

    def text(page: Page) -> None:
        _write(page, faults, ignored)
        if not faults and not failed:
            what = "Nothing else is" if ignored else "Nothing is"
            page.line(f"{what} known to be wrong with {amount(skills, 'skill')}.")
        for name, version, words in vouched:
            page.line(f"{name} {version}: attested by {words}", "dim")
        standing_lines(page, markets)

    failed = error is not None
    if error is not None and faults:
        fix = error.hint or ""
        warnings.append(Finding("market-unusable", "warning", error.message, fix=fix))
    if faults:
        count = amount(len(faults), "thing is", "things are")
        error = AdvisoryError(f"{count} wrong with what is installed", hint=faults[0].fix)
    data = {
        "scope": scope,
        "skills": skills,
        "faults": [fault.as_dict() for fault in faults],
        "ignored": [one.as_dict() for one in ignored],
        "attested": [one._asdict() for one in vouched],
        "markets": {name: one.standing.as_dict() for name, one in markets.items()},
    }
    return Answer(data, text, warnings=warnings, error=error)


def _write(page: Page, faults: Iterable[Fault], ignored: Iterable[Ignored]) -> None:
    for fault in faults:
        page.parts(
            (f"{fault.name} {fault.version}: ", "bold"),
            (fault.kind, "error"),
            (f" {fault.id}" if fault.id else "", None),
            (f": {fault.summary}", None),
        )
        page.parts(("  fix: ", "hint"), (fault.fix, None))
    for one in ignored:
        page.parts(
            (f"{one.name} {one.version}: ", "bold"),
            (f"{one.id} is ignored until {one.until}: {one.reason}", "dim"),
        )
