"""Rewrite a SKILL.md in the portable form."""

from __future__ import annotations

import os
from difflib import unified_diff
from typing import TYPE_CHECKING

import click

from .. import cli
from ..errors import KurtError, ManifestError, NotFoundError, StorageError, UsageError
from ..output import Answer

if TYPE_CHECKING:
    from ..output import Page
    from ..session import Session

__all__ = ["command"]


def _file(path: str) -> str:
    file = os.path.join(path, "SKILL.md") if os.path.isdir(path) else path
    if not os.path.isfile(file):
        raise NotFoundError(f"there is no {file}", hint="kurt skill fmt --portable FOLDER")
    return file


@cli.command("fmt", schema="skill.fmt", short_help="Rewrite a SKILL.md in the portable form.")
@click.argument("path", default=".", type=click.Path())
@click.option("--portable", is_flag=True, help="The form of the Agent Skills specification.")
@click.option("--check", is_flag=True, help="Change nothing; fail where something would change.")
@click.option("--diff", is_flag=True, help="Change nothing; show what would change.")
@click.pass_obj
def command(_session: Session, path: str, portable: bool, check: bool, diff: bool) -> Answer:
    """Rewrite a SKILL.md in the portable form.

    Every agent that follows the Agent Skills specification reads it then;
    kurt's own keys become text under `metadata`. The body stays byte for byte.

    \b
    Examples:
      kurt skill fmt --portable skills/web-archiver
      kurt skill fmt --portable --diff skills/web-archiver
    """
    if not portable:
        raise UsageError("which form is meant?", hint=f"kurt skill fmt --portable {path}")
    from ..portable import to_portable

    file = _file(path)
    try:
        with open(file, "rb") as stream:
            before = stream.read()
    except OSError as error:
        raise StorageError(f"{file} cannot be read", cause=str(error), at=file) from error
    try:
        after = to_portable(before)
    except ManifestError as error:
        if error.at:  # it knows the line; which of many files, only we know
            error.at = file + error.at.removeprefix(os.path.basename(file))
        raise
    changes = after != before
    lines = _diff(file, before, after) if diff and changes else []
    if changes and not (check or diff):
        from ..atomic import write_atomically

        try:
            write_atomically(file, after)
        except OSError as error:
            raise StorageError(f"{file} cannot be written", cause=str(error), at=file) from error

    def text(page: Page) -> None:
        if diff:
            for line in lines:
                style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
                page.line(line, style)
        elif not changes:
            page.line(f"{file} is portable already")
        elif not check:
            page.line(f"Rewrote {file}")

    failure = None
    if check and changes:
        failure = KurtError(
            f"{file} is not portable", at=file, hint=f"kurt skill fmt --portable {path}"
        )
    data = {"path": file, "changes": changes, "written": changes and not (check or diff)}
    return Answer({**data, "diff": lines}, text, error=failure, talk=not diff)


def _diff(file: str, before: bytes, after: bytes) -> list[str]:
    old, new = (data.decode(errors="replace").splitlines() for data in (before, after))
    return list(unified_diff(old, new, file, f"{file} (portable)", lineterm=""))
