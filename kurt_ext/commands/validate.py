"""Check a skill without running it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from .. import cli, completion
from ..errors import PluginValidationError, SkillNotFoundError
from ..output import Answer
from ..validator import PROFILES, installed_checks, validate

if TYPE_CHECKING:
    from ..output import Page
    from ..session import Session
    from ..validator import Report

__all__ = ["command"]


def _complete(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    if os.sep in incomplete:
        return [CompletionItem(incomplete, type="dir")]
    return [*completion.skills(ctx, parameter, incomplete), CompletionItem(incomplete, type="dir")]


def _folder(session: Session, target: str) -> str:
    """Return the folder that a path or a name means."""
    from ..naming import the_skill

    if os.path.isdir(target):
        return os.path.abspath(target)
    if os.path.basename(target) in ("SKILL.md", "plugin.json") and os.path.isfile(target):
        return os.path.dirname(os.path.abspath(target))
    if os.sep in target or target.startswith("."):
        raise SkillNotFoundError(f"there is no folder {target}", at=target, hint="kurt list")
    candidate = the_skill(session.discovery, target)
    if not candidate.is_folder:
        # What was installed was checked when it was built; its manifest can still be judged.
        return candidate.dist_info
    return candidate.location


@cli.command("validate", short_help="Check a skill without running it.")
@click.argument("targets", nargs=-1, metavar="[PATH | NAME]…", shell_complete=_complete)
@click.option(
    "--profile",
    type=click.Choice(PROFILES),
    default="load",
    show_default=True,
    help="load: what kurt needs; agentskills: the specification; publish: what strangers need.",
)
@click.pass_obj
def command(session: Session, targets: tuple[str, ...], profile: str) -> Answer:
    """Check a skill without running it.

    PATH is a skill's folder, the working directory by default; NAME a skill.
    All that is wrong is said at once, each with its place and how to mend it.

    \b
    Examples:
      kurt validate skills/web-archiver
      kurt validate web-archiver --profile publish
    """
    folders = [_folder(session, target) for target in targets or (".",)]
    checks = installed_checks(session.places)
    reports = [validate(folder, profile=profile, checks=checks) for folder in folders]
    invalid = [report for report in reports if not report.valid]

    def text(page: Page) -> None:
        for report in reports:
            _write(page, report)

    return Answer([r.as_dict() for r in reports], text, error=_error(invalid) if invalid else None)


def _error(invalid: list[Report]) -> PluginValidationError:
    fatal = [finding for report in invalid for finding in report.findings if finding.fatal]
    names = ", ".join(report.name or os.path.basename(report.path) for report in invalid)
    count = "1 error" if len(fatal) == 1 else f"{len(fatal)} errors"
    return PluginValidationError(
        f"{names}: {count} by the profile {invalid[0].profile}",
        hint=f"kurt explain {fatal[0].rule}",
        validation_result=invalid[0] if len(invalid) == 1 else invalid,
    )


def _write(page: Page, report: Report) -> None:
    shown = os.path.relpath(report.path)
    root = report.path if shown.startswith("..") else shown
    page.findings(report.findings, "" if root == "." else root)
    if report.valid:
        count = len(report.findings)
        rest = "" if not count else f", {count} remark{'s' if count != 1 else ''}"
        name = report.name or os.path.basename(report.path)
        page.parts(("valid ", "green"), (f"{name} (profile {report.profile}{rest})", None))
