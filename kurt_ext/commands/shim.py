"""Look after the folder that shows local skills to other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .. import cli
from ..errors import KurtError
from ..output import Answer
from ..shim import Shim

if TYPE_CHECKING:
    from ..findings import Finding
    from ..output import Page
    from ..session import Session

__all__ = ["command", "entries"]

SCOPES = ("project", "user", "builtin")


def entries(session: Session, scope: str) -> list[Any]:
    """Return what the shim of a scope is to show: folder, manifest and entry points of each."""
    return [
        (candidate.location, candidate.record(), list(candidate.offers))
        for candidate in session.discovery.winners
        if candidate.scope == scope and candidate.is_folder and candidate.usable
    ]


_scope = click.option(
    "--scope", type=click.Choice(SCOPES), default="project", help="Whose shim; project by default."
)


@click.group(
    "shim",
    cls=cli.LazyGroup,
    short_help="Look after the folder that shows local skills to other programs.",
)
def command() -> None:
    """Look after the folder that shows local skills to other programs.

    It holds for each local skill what pip would have written for its wheel, so
    that pip, importlib.metadata and stevedore see skills that are only folders.
    """


@cli.command("path", schema="shim.path", short_help="Print where the shim lies.")
@_scope
@click.pass_obj
def path(session: Session, scope: str) -> Answer:
    """Print where the shim lies.

    \b
    Example:
      pip list --path "$(kurt shim path)" --editable
    """
    found = session.discovery  # brings the shim up to date
    place = session.places.shim(scope)
    return Answer(
        {"scope": scope, "path": place},
        lambda page: page.line(place),
        warnings=found.config.findings,
    )


@cli.command(
    "status", schema="shim.status", short_help="Say what in the shims is not as it should be."
)
@click.option("--scope", type=click.Choice(SCOPES), help="This shim only; all by default.")
@click.pass_obj
def status(session: Session, scope: str | None) -> Answer:
    """Say what in the shims is not as it should be; nothing is written."""
    rows: list[dict[str, Any]] = []
    shown = []
    wrong = False
    for name in [scope] if scope else SCOPES:
        shim = Shim(session.places.shim(name))
        wanted = entries(session, name)
        findings = shim.status(wanted)
        wrong = wrong or any(finding.severity != "info" for finding in findings)
        rows.append(
            {
                "scope": name,
                "path": shim.root,
                "distributions": shim.distributions(),
                "findings": [finding.as_dict() for finding in findings],
            }
        )
        shown.append((name, shim.root, len(wanted), findings))

    def text(page: Page) -> None:
        for name, root, count, findings in shown:
            state = f"{len(findings)} wrong" if findings else "in order"
            skills = "1 skill" if count == 1 else f"{count} skills"
            page.parts(
                (f"{name}: ", "bold"), (f"{skills}, {state}", "red" if findings else "green")
            )
            page.parts(("  ", None), (root, "dim"))
            page.findings(findings)

    error = None
    if wrong:
        error = KurtError("a shim is not as it should be", hint="kurt shim repair")
    return Answer(rows, text, error=error)


@cli.command("repair", schema="shim.repair", short_help="Write the shims anew.")
@click.option("--scope", type=click.Choice(SCOPES), help="This shim only; all by default.")
@click.pass_obj
def repair(session: Session, scope: str | None) -> Answer:
    """Write every file of the shims anew, and delete what is not kurt's."""
    rows: list[dict[str, Any]] = []
    findings: list[Finding] = []
    for name in [scope] if scope else SCOPES:
        shim = Shim(session.places.shim(name))
        changes = shim.repair(entries(session, name))
        findings += changes.findings
        rows.append(
            {
                "scope": name,
                "path": shim.root,
                "written": list(changes.written),
                "removed": list(changes.removed),
            }
        )

    def text(page: Page) -> None:
        for row in rows:
            page.parts(
                (f"{row['scope']}: ", "bold"),
                (f"{len(row['written'])} written, {len(row['removed'])} removed", None),
            )
            for name in row["removed"]:
                page.parts((" - ", "red"), (str(name), None))

    return Answer(rows, text, warnings=findings, talk=True)


for _command in (path, status, repair):
    command.add_command(_command)
