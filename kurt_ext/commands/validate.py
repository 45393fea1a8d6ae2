"""Check a skill without running it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from .. import cli, completion
from ..errors import PluginValidationError, SkillNotFoundError
from ..findings import SEVERITIES
from ..judging import PROFILES, judge
from ..output import Answer

if TYPE_CHECKING:
    from ..findings import Finding
    from ..output import Page
    from ..session import Session

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
    judged = [(folder, judge(session.discovery, folder, profile)) for folder in folders]
    rows = []
    for folder, findings in judged:
        counts = dict.fromkeys(SEVERITIES, 0)
        for finding in findings:
            counts[finding.severity] += 1
        rows.append(
            {
                "path": folder,
                "profile": profile,
                "valid": not any(finding.fatal for finding in findings),
                "findings": [finding.as_dict() for finding in findings],
                "counts": counts,
            }
        )
    invalid = [row for row in rows if not row["valid"]]

    def text(page: Page) -> None:
        for folder, findings in judged:
            _write(page, folder, findings, profile)

    error = None
    if invalid:
        every = [finding for _, findings in judged for finding in findings]
        count = sum(finding.fatal for finding in every)
        names = ", ".join(os.path.basename(str(row["path"])) for row in invalid)
        error = PluginValidationError(
            f"{names}: {count} error{'s' if count != 1 else ''} by the profile {profile}",
            hint=f"kurt explain {next(f.rule for f in every if f.fatal)}",
            validation_result=every,
        )
    return Answer(rows, text, error=error)


def _write(page: Page, folder: str, findings: list[Finding], profile: str) -> None:
    shown = os.path.relpath(folder)
    root = folder if shown.startswith("..") else shown
    page.findings(findings, "" if root == "." else root)
    if not any(finding.fatal for finding in findings):
        count = len(findings)
        rest = "" if not count else f", {count} remark{'s' if count != 1 else ''}"
        name = os.path.basename(folder)
        page.parts(("valid ", "green"), (f"{name} (profile {profile}{rest})", None))
