"""Look for skills in the markets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .. import cli
from ..agreeing import markets_of
from ..errors import ConfigError, UsageError
from ..findings import Finding
from ..output import Answer, Column
from .install import market_options

if TYPE_CHECKING:
    from ..output import Page
    from ..session import Session

__all__ = ["command"]


@cli.command("search", short_help="Look for skills in the markets.")
@click.argument("words", nargs=-1, metavar="[WORD]…")
@click.option("--kind", metavar="KIND", help="What they offer, in a word.")
@click.option("--tag", "tags", metavar="TAG", multiple=True, help="They have this tag.")
@click.option("--permission", "permissions", metavar="NAME", multiple=True, help="They ask for it.")
@click.option("--without", metavar="NAME", multiple=True, help="They do not ask for it.")
@click.option("--min-score", type=click.FloatRange(0, 100), help="Their score is at least this.")
@click.option("--publisher", metavar="NAME", help="They are published by this one.")
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=20,
    show_default=True,
    help="So many and no more.",
)
@market_options
@click.pass_obj
def command(
    session: Session,
    /,
    words: tuple[str, ...],
    market: tuple[str, ...],
    offline: bool,
    allow_stale: bool,
    limit: int,
    **filters: Any,
) -> Answer:
    """Look for skills in the markets.

    Words are looked for in names, titles, tags, summaries and publishers, as their
    beginnings; typing errors are forgiven. Without words, all that fit the options.

    \b
    Examples:
      kurt search archive
      kurt search pdf --without network_hosts --min-score 80
    """
    if not session.discovery.config.markets:
        from ..market.clients import no_market

        cause, hint = no_market(session.discovery.config)
        raise ConfigError("kurt.toml names no market", cause=cause, hint=hint)
    for word in ("permissions", "without"):
        filters[word] = tuple([_permission(name) for name in filters[word]])
    markets, warnings = markets_of(session, market, offline=offline, allow_stale=allow_stale)
    found: list[tuple[float, int, dict[str, Any]]] = []
    total = 0
    corrected: dict[str, str] = {}
    for name, one in markets.items():
        answer = one.catalogue.search(" ".join(words), limit=limit, **filters)
        total += answer.total
        corrected |= answer.corrected
        for number, hit in enumerate(answer.hits):
            found.append((hit.rank, number, {**hit.listing, "market": name}))
    found.sort(key=lambda row: row[:2])
    rows = [row for _, _, row in found[:limit]]
    for typed, meant in corrected.items():
        warnings.append(Finding("word-corrected", "warning", f"{typed} was taken for {meant}"))

    def text(page: Page) -> None:
        page.table(_COLUMNS, [_cells(row) for row in rows])
        if not rows:
            page.line("Nothing was found.")
        elif total > len(rows):
            page.line(f"{len(rows)} of {total}; --limit shows more", "dim")

    standings = {name: one.standing.as_dict() for name, one in markets.items()}
    data = {"skills": rows, "total": total, "corrected": corrected, "markets": standings}
    return Answer(data, text, warnings=warnings)


_COLUMNS = (
    Column("name", styles={"": "bold"}),
    Column("version"),
    Column("score", drop=2),
    Column("publisher", drop=1),
    Column("market", drop=3),
    Column("summary", fold=True),
)


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    status = row.get("status", "active")
    version = row.get("latest") or "none"
    return (
        row["id"],
        version if status == "active" else f"{version} ({status})",
        "" if row.get("score") is None else str(row["score"]),
        row["publisher"],
        row["market"],
        row.get("summary", ""),
    )


def _permission(name: str) -> str:
    """Return the name of a permission as manifests have it.

    :raises UsageError: for another: of a slip of the pen nothing would be left out.
    """
    from ..grants import LISTS, NATIVE
    from ..names import suggest

    known = [*LISTS, NATIVE]
    found = name.replace("-", "_")
    if found in known:
        return found
    near = suggest(found, known)
    raise UsageError(
        f"no permission is called {name}",
        cause="there are " + ", ".join(known),
        hint=f"did you mean {near[0]}?" if near else None,
        candidates=near or known,
    )
