"""Tell what this machine can hold an isolated plugin to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import cli
from ..output import Answer
from ..sandbox.abilities import abilities

if TYPE_CHECKING:
    from typing import Any

    from ..output import Page
    from ..sandbox.abilities import Abilities

__all__ = ["COMMANDS", "command"]

COMMANDS = {
    "log": (
        "kurt_ext.commands.sandbox_log:command",
        "Show what isolated plugins used, and what they were refused.",
    ),
}

#: Tier → what it is, for people.
_SUMMARIES = {
    "process": "a process of its own, which can be ended and is told nothing it need not know",
    "kernel": "and the kernel refuses what was not granted, native code included",
    "strong": "and what was not granted is not even there",
}


@click.group(
    "sandbox",
    cls=cli.LazyGroup,
    table=COMMANDS,
    short_help="Tell what this machine can hold an isolated plugin to.",
)
def command() -> None:
    """Tell what this machine can hold an isolated plugin to."""


@cli.command(
    "status", schema="sandbox.status", short_help="Say what this machine can enforce, tier by tier."
)
def status() -> Answer:
    """Say what this machine can enforce, tier by tier.

    Each tier is tried: a process confines itself, and must fail to open a file,
    make a socket, signal this process and start another. Nothing is assumed.
    """
    able = abilities(fresh=True)
    rows = able.rows()
    best = able.tier

    def text(page: Page) -> None:
        page.parts((f"{able.system}, {able.machine}", "bold"))
        page.pairs(_layers(able), indent="  ")
        for row in rows:
            page.line()
            works = row["works"]
            page.parts(
                (f"{row['tier']:<8}", "bold"),
                ("works" if works else "does not work", "green" if works else "yellow"),
                (f": {_SUMMARIES[row['tier']]}", None),
            )
            page.pairs(_pairs(row), indent="  ")

    return Answer(_data(able, best, rows), text)


def _layers(able: Abilities) -> list[tuple[str, str]]:
    version = f"version {able.landlock}" if able.landlock else "none"
    namespaces = able.trial("namespaces")
    return [
        ("Landlock", version + (f", errata {able.errata}" if able.errata else "")),
        ("seccomp", "works" if able.seccomp else "does not work"),
        ("user namespaces", "work" if namespaces.works else namespaces.reason),
        ("bubblewrap", able.bubblewrap or "not installed"),
    ]


def _pairs(row: dict[str, Any]) -> list[tuple[str, str]]:
    if not row["works"]:
        return [("because", row["reason"]), ("to do", row["remedy"])]
    pairs = [("by", ", ".join(row["by"])), ("enforces", ", ".join(row["enforces"]))]
    pairs += [("but" if n == 0 else "", text) for n, text in enumerate(row["not_enforced"])]
    return pairs


def _data(able: Abilities, best: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    trial = able.trial("bubblewrap") if able.bubblewrap else None
    return {
        "system": able.system,
        "machine": able.machine,
        "landlock": able.landlock,
        "errata": able.errata,
        "seccomp": able.seccomp,
        "user_namespaces": able.user_namespaces,
        "bubblewrap": able.bubblewrap,
        "bubblewrap_works": trial is not None and trial.works,
        "tier": best,
        "tiers": rows,
    }


command.add_command(status)
