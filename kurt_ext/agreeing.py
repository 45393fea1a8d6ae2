"""Show a plan of an installation, and ask whether somebody agrees; never without a terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .errors import KurtError
from .findings import Finding
from .terminal import is_terminal

if TYPE_CHECKING:
    from .installer import Installer
    from .market.clients import Market
    from .market.simple_index import SimpleIndex
    from .output import Page
    from .session import Session
    from .steps import Plan, Step

__all__ = [
    "SCOPES",
    "apply",
    "count",
    "indexes_of",
    "installer_of",
    "markets_of",
    "prepare",
    "reload",
    "rows",
    "standing_lines",
    "write_steps",
]

SCOPES = ("project", "user")
_SIGNS = {"install": "+", "update": "~", "downgrade": "~", "replace": "~", "keep": "="}
_STYLES = {"+": "green", "~": "yellow", "=": "dim", "-": "red"}


def markets_of(
    session: Session,
    names: Sequence[str] = (),
    *,
    offline: bool = False,
    allow_stale: bool = False,
) -> tuple[dict[str, Market], list[Finding]]:
    """Return the markets that ``kurt.toml`` names, refreshed, and what is to be said of them.

    One that cannot be asked, and of which no copy was kept, is left out with a warning where
    there are others.

    :param names: only these.
    :raises KurtError: when none can be used, and why.
    """
    from .market.clients import markets, the_market
    from .market.simple_index import indexes

    found = markets(session.places, session.discovery.config)
    if names:
        others = indexes(session.discovery.config).keys() - found.keys()
        found = {name: the_market(found, name) for name in names if name not in others}
    # Whoever has looked in vain for what a project's own market has is told why.
    warnings = [
        one
        for one in session.discovery.config.findings
        if one.rule == "untrusted-config" and one.message.startswith(("[market.", "audit."))
    ]
    usable: dict[str, Market] = {}
    failed: KurtError | None = None
    for name, market in found.items():
        try:
            standing = market.refresh(offline=offline, allow_stale=allow_stale)
        except KurtError as error:
            failed = failed or error
            text = f"the market {name} is left out: {error.message}"
            fix = error.hint or ""
            warnings.append(Finding("market-unusable", "warning", text, fix=fix))
            continue
        warnings += standing.warnings
        usable[name] = market
    if failed is not None and not usable:
        raise failed
    return usable, warnings


def indexes_of(
    session: Session, names: Sequence[str] = (), *, offline: bool = False
) -> dict[str, SimpleIndex]:
    """Return the indexes of distributions, by name.

    :param names: only these, and of them those that are indexes; all where it is empty.
    """
    from .market.simple_index import indexes

    found = indexes(session.discovery.config)
    for index in found.values():
        index.silent = offline
    return {name: one for name, one in found.items() if not names or name in names}


def installer_of(
    session: Session,
    scope: str,
    markets: dict[str, Market],
    *,
    names: Sequence[str] = (),
    offline: bool = False,
) -> Installer:
    """Return an installer for the session's project and user.

    :param markets: those that could be asked.
    :param names: of the markets and indexes that alone are to be asked.
    :param offline: nobody is to be asked.
    """
    from .installer import Installer

    config = session.discovery.config
    made = Installer(session.places, session.discovery, scope=scope, markets=markets)
    shelves = made.shelves
    shelves.only, shelves.offline = names, offline
    wanted = [name for name, table in config.markets.items() if table.get("kind") != "simple"]
    shelves.left_out = [n for n in wanted if n not in markets and (not names or n in names)]
    return made


def prepare(
    session: Session, installer: Installer, *, offline: bool = False, locked: bool = False
) -> list[str]:
    """Have an installer bring what wheels need; return the list that tells what came, in the end.

    :param offline: nobody is to be asked.
    :param locked: the lock of distributions is to be taken as it is.
    """
    brought: list[str] = []

    def bring(steps: Sequence[Step]) -> None:
        from .needing import Needs

        indexes = installer.shelves.indexes
        needs = Needs(session.discovery, installer.receipts, indexes, offline=offline)
        brought.extend(needs.bring(steps, locked=locked))

    installer.prepare = bring
    return brought


def apply(
    session: Session,
    installer: Installer,
    plan: Plan,
    *,
    yes: bool,
    publishers: Sequence[str] = (),
) -> tuple[list[Step], list[Finding]]:
    """Ask where something asks for it, do what the plan says, and reload what runs.

    :returns: the steps that were done, and warnings.
    :raises ConsentError: when nobody has agreed; without a terminal nobody is asked.
    """
    from .errors import ConsentError, PublisherError

    confirmed = list(publishers)
    try:
        done = installer.apply(plan, agreed=yes, publishers=confirmed)
    except (ConsentError, PublisherError):
        if session.json or not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
            raise
        _ask(session, plan, confirmed, yes=yes)
        done = installer.apply(plan, agreed=True, publishers=confirmed)
    session.forget()
    warnings = []
    for step in done:
        warnings += reload(session, step.name, step.before.version if step.before else None)
    return done, warnings


def _ask(session: Session, plan: Plan, confirmed: list[str], *, yes: bool) -> None:
    """Ask at the terminal.

    :raises ConsentError: when the answer is no.
    """
    import click

    from .errors import ConsentError

    page = session.page(sys.stderr)
    for step in plan.changes:
        if step.publisher_change and step.name not in confirmed:
            old, new = step.publisher_change
            page.line(f"{step.name} was published by {old}, and is by {new} now.", "warning")
            if not click.confirm("Do you know why, and want it all the same?", err=True):
                raise ConsentError("nobody has agreed, so nothing was done", skill=step.name)
            confirmed.append(step.name)
    if not yes:
        write_steps(page, plan.changes)
        if not click.confirm("Install this?", err=True):
            raise ConsentError("nobody has agreed, so nothing was done")


def reload(session: Session, name: str, before: str | None) -> list[Finding]:
    """Have the project's host take over new code where it runs the old one.

    :param before: the version that it may run; None where there was none.
    :returns: a warning where it does not.
    """
    from .hosts import ask
    from .removing import host_status

    if before is None:
        return []
    try:
        if host_status(session.places, name) is None:
            return []
        ask(session.places, "reload", plugin_id=name)
    except KurtError as error:
        text = f"the host of this project still runs {name} {before}: {error.message}"
        fix = error.hint or f"kurt plugin reload {name}"
        return [Finding("not-reloaded", "warning", text, fix=fix)]
    session.note(f"Reloaded {name} in the host of this project")
    return []


def standing_lines(page: Page, markets: Mapping[str, Market]) -> None:
    """Write how old the index of each market is."""
    from .market.times import age_in_words

    for name, market in markets.items():
        standing = market.standing
        age = age_in_words(standing.age)
        page.line(f"{name}: index {standing.snapshot}, made {age} ago", "dim")


def write_steps(page: Page, steps: Sequence[Step], brought: Sequence[str] = ()) -> None:
    """Write what is to be, or was, done: a line each, and what it asks beneath.

    :param brought: the distributions that came with it.
    """
    for name in brought:
        page.parts((" + ", "green"), (name, "bold"), ("  distribution", "dim"))
    from .market.identities import in_words

    for step in steps:
        sign = _SIGNS[step.verb]
        old = step.before.version if step.before else ""
        new = step.goods.version
        version = f"{old} → {new}" if old and old != new else new
        risk = {"low": "green", "medium": "yellow"}.get(step.risk, "red")
        page.parts(
            (f" {sign} ", _STYLES[sign]),
            (step.name, "bold"),
            (f" {version}  ", None),
            (f"{step.risk} risk ({step.score})", risk),
            (_from(step), "dim"),
        )
        if step.locked.identity:
            page.parts(("     ", None), (f"attested by {in_words(step.locked.identity)}", "dim"))
        for text in step.asks:
            page.parts(("     ", None), (text, "yellow"))


def _from(step: Step) -> str:
    locked = step.locked
    if locked.market is None:
        return f"  {locked.source}" if locked.source else ""
    if locked.publisher is None:
        return f"  {locked.distribution} from {locked.market}, {locked.index}"
    signed = f", signed {locked.key}" if locked.key else ", unsigned"
    return f"  {locked.publisher} at {locked.market}{signed}"


def count(steps: Sequence[Step]) -> str:
    """Return what was done, in words."""
    words: dict[str, int] = {}
    names: dict[str, str] = {
        "install": "installed",
        "update": "updated",
        "downgrade": "downgraded",
        "replace": "replaced",
        "keep": "unchanged",
    }
    for step in steps:
        words[names[step.verb]] = words.get(names[step.verb], 0) + 1
    text = ", ".join([f"{word} {number}" for word, number in words.items()])
    return text[:1].upper() + text[1:] if text else "Nothing to do"


def rows(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """Return the steps for JSON output."""
    return [step.as_dict() for step in steps]
