"""Work out which permissions a skill needs, from its code."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from .. import cli
from ..errors import SkillNotFoundError
from ..findings import Finding
from ..grants import Grants, widening
from ..output import Answer
from ..permission_blocks import as_json, as_yaml

if TYPE_CHECKING:
    from ..inference import Inferred
    from ..output import Page
    from ..session import Session

__all__ = ["command"]


@cli.command(
    "infer",
    schema="permissions.infer",
    short_help="Work out which permissions a skill needs, from its code.",
)
@click.argument("path", default=".", type=click.Path())
@click.option("--write", is_flag=True, help="Write them into the manifest.")
@click.pass_obj
def command(_session: Session, path: str, write: bool) -> Answer:
    """Work out which permissions a skill needs, from its code.

    The code is read, never run. What it does not tell is marked as not proven:
    a host that comes from a setting, a file that a user names. With --write, the
    block takes the place of the one in the manifest; entries there for what is
    not proven are kept.

    \b
    Examples:
      kurt permissions infer skills/web-archiver
      kurt permissions infer --write skills/web-archiver
    """
    from ..checks.subject import Subject
    from ..inference import infer, merged
    from ..manifest import read
    from ..permission_blocks import write as write_block

    folder = os.path.abspath(path if os.path.isdir(path) else os.path.dirname(path) or ".")
    if not os.path.exists(path):
        raise SkillNotFoundError(f"there is no folder {path}", at=path, hint="kurt list")
    subject = Subject(read(folder))
    if not subject.files:
        raise SkillNotFoundError(f"there is no skill in {folder}", hint="kurt new NAME")
    inferred = infer(subject.analysis.uses)
    declared = Grants.of((subject.record or {}).get("permissions") or {})
    block = merged(declared, inferred) if write else inferred.permissions
    changed = write_block(folder, block, inferred.unproven) if write else []
    is_json = "SKILL.md" not in subject.files
    missing = widening(declared, Grants.of(inferred.permissions))
    data = {
        "path": folder,
        "permissions": block,
        "unproven": [note.as_dict() for note in inferred.unproven],
        "reasons": [
            {"list": key, "entry": entry, "at": list(places)}
            for (key, entry), places in inferred.reasons.items()
        ],
        "missing": [{"list": key, "entry": entry} for key, entry in missing],
        "written": changed,
    }

    def text(page: Page) -> None:
        _write(page, block, inferred, changed, is_json=is_json, wrote=write)

    return Answer(data, text, warnings=_warnings(subject))


def _write(
    page: Page,
    block: dict[str, Any],
    inferred: Inferred,
    changed: list[str],
    *,
    is_json: bool,
    wrote: bool,
) -> None:
    if wrote:
        for file in changed:
            page.line(f"Wrote the permissions into {os.path.relpath(file)}")
        if not changed:
            page.line("the manifest says so already")
    elif is_json:
        page.line(f'"permissions": {as_json(block)}')
    else:
        page.line(as_yaml(block).rstrip("\n"))
    for note in inferred.unproven:
        page.line(f"# not proven: {note.at}: {note.said} ({note.key})", "yellow")
    if page.verbose:
        for (key, entry), places in inferred.reasons.items():
            shown = ", ".join(places[:5]) + (", …" if len(places) > 5 else "")
            page.parts((f"# {key}: {entry}: ", "dim"), (shown, "dim"))


def _warnings(subject: Any) -> list[Finding]:
    """Return what could not be looked into, so that more may be needed."""
    found = []
    for path, reason in subject.analysis.reasons:
        message = f"not all of it was worked through: {reason}"
        found.append(Finding("not-analysed", "warning", message, path=path))
    for path in subject.all_modules:
        if subject.tree(path) is None:
            message = "it cannot be read, so what it needs is not known"
            found.append(Finding("not-analysed", "warning", message, path=path))
    return found
