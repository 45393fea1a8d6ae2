"""Check a skill without running it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from .. import cli, completion
from ..config_keys import RISKS
from ..errors import SkillNotFoundError
from ..findings import SEVERITIES
from ..output import Answer, KeptStdout
from ..validator import PROFILES
from ..verdict_gate import Gate
from .validate_output import FORMATS, answer_text, write_file

if TYPE_CHECKING:
    from ..session import Session

__all__ = ["command"]


def _complete(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    if os.sep in incomplete:
        return [CompletionItem(incomplete, type="dir")]
    return [*completion.skills(ctx, parameter, incomplete), CompletionItem(incomplete, type="dir")]


def _as_json(ctx: click.Context, _parameter: click.Parameter, value: str) -> str:
    if value == "json":
        ctx.obj.json = True  # before anything is printed, as `--json` itself
    return value


def _folders(session: Session, target: str) -> list[str]:
    """Return the folders that a path or a name means."""
    from ..naming import the_skill
    from ..repository import skills_beneath

    if os.path.isdir(target):
        return skills_beneath(os.path.abspath(target))
    if os.path.basename(target) in ("SKILL.md", "plugin.json") and os.path.isfile(target):
        return [os.path.dirname(os.path.abspath(target))]
    if os.sep in target or target.startswith("."):
        raise SkillNotFoundError(f"there is no folder {target}", at=target, hint="kurt list")
    candidate = the_skill(session.discovery, target)
    if not candidate.is_folder:
        # What was installed was checked when it was built; its manifest can still be judged.
        return [candidate.dist_info]
    return [candidate.location]


@cli.command("validate", short_help="Check a skill without running it.")
@click.argument("targets", nargs=-1, metavar="[PATH | NAME]…", shell_complete=_complete)
@click.option(
    "--profile",
    type=click.Choice(PROFILES),
    default="load",
    show_default=True,
    help="load: what kurt needs; agentskills: the specification; publish: what strangers need.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    callback=_as_json,
    help="How to say it; json is what --json writes, github is for a workflow's log.",
)
@click.option("--output", metavar="FILE", type=click.Path(dir_okay=False), help="Write it there.")
@click.option(
    "--context",
    metavar="FILE",
    type=click.Path(),
    help="Take what is known of the host from a JSON file.",
)
@click.option(
    "--min-score", type=click.FloatRange(0, 100), help="Fail where a score is lower than this."
)
@click.option("--max-risk", type=click.Choice(RISKS), help="Fail where a risk is graver than this.")
@click.option(
    "--fail-on",
    type=click.Choice(SEVERITIES),
    help="Fail where a finding is as grave as this, or graver.",
)
@click.option(
    "-j", "--jobs", type=click.IntRange(0), default=0, help="Processes; 0 chooses.  [default: 0]"
)
@click.option("--no-cache", is_flag=True, help="Judge even what has not changed.")
@click.option(
    "--accept",
    metavar="RULE[@PATH[:LINE]]",
    multiple=True,
    help="Accept these findings, until the file changes.",
)
@click.option("--reason", metavar="TEXT", default="", help="Why they are accepted.")
@click.option(
    "--until",
    metavar="DATE",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The last day on which that counts.",
)
@click.option("--accept-critical", is_flag=True, help="Accept critical findings too.")
@click.option(
    "--withdraw",
    metavar="RULE[@PATH[:LINE]]",
    multiple=True,
    help="Accept these findings no longer.",
)
@click.option("--no-accepted", is_flag=True, help="Count findings that were accepted.")
@click.pass_obj
def command(session: Session, /, targets: tuple[str, ...], form: str, **given: Any) -> Answer:
    """Check a skill without running it.

    PATH is a skill's folder, the working directory by default, or a repository of
    them; NAME a skill. All that is wrong is said at once, with its place and how to
    mend it. The exit code is 5 where a skill is not valid, or the gate is not met.

    \b
    Examples:
      kurt validate skills/web-archiver
      kurt validate web-archiver --profile publish
      kurt validate . --min-score 80 --format sarif --output kurt.sarif
      kurt validate skills/web-archiver --accept undeclared-network@skill.py \\
        --reason "only our own host" --until 2027-06-30
    """
    from ..judging import Judging
    from ..verdict_gate import invalid

    folders: dict[str, None] = {}
    for target in targets or (".",):
        folders.update(dict.fromkeys(_folders(session, target)))
    gate = Gate.chosen(session, given["profile"], given["min_score"], given["max_risk"])
    gate = gate._replace(fail_on=given["fail_on"])
    judging = Judging(session, given["profile"], given["context"], cache=not given["no_cache"])
    with KeptStdout():
        rows = judging.judge(list(folders), jobs=given["jobs"])
    rows, warnings = _accepted(session, rows, given)
    error = invalid(rows) or gate.refusal(rows)
    text = answer_text(session, rows, form, judging.explain)
    if given["output"]:
        text = write_file(given["output"], session, rows, form, judging.explain, error, warnings)
    return Answer(rows, text, error=error, warnings=warnings)


def _accepted(
    session: Session, rows: list[dict[str, Any]], given: dict[str, Any]
) -> tuple[list[dict[str, Any]], tuple[Any, ...]]:
    """Return the reports with what is accepted marked, after accepting what is to be."""
    from ..acceptance import Acceptances, Wanted

    accepted = Acceptances.load(session.places)
    if given["withdraw"]:
        wanted = [Wanted.parse(text) for text in given["withdraw"]]
        count = accepted.withdraw([row["name"] for row in rows], wanted)
        session.note(f"accepted no longer: {count}")
    if given["accept"]:
        until = given["until"].date().isoformat() if given["until"] else None
        wanted = [Wanted.parse(text) for text in given["accept"]]
        count = accepted.accept(
            rows, wanted, given["reason"], until=until, critical=given["accept_critical"]
        )
        session.note(f"accepted: {count} in {accepted.file}")
    if given["no_accepted"]:
        return rows, ()
    return [accepted.apply(row) for row in rows], accepted.findings
