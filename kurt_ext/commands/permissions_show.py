"""Say in words what a skill may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .. import cli, completion
from ..errors import IsolationError, KurtError
from ..output import Answer
from ..permission_targets import declared, is_path
from ..sandbox.limits import LIMITS

if TYPE_CHECKING:
    from ..output import Page
    from ..session import Session

__all__ = ["command"]


@cli.command("show", schema="permissions.show", short_help="Say in words what a skill may do.")
@click.argument("target", metavar="NAME | PATH", shell_complete=completion.skills)
@click.pass_obj
def command(session: Session, target: str) -> Answer:
    """Say in words what a skill may do.

    The target is a skill's name, its folder, its manifest, or a wheel. Of a skill that
    is found by its name it is told too what holds it to that on this machine.

    \b
    Example:
      kurt permissions show web-archiver
    """
    name, grants = declared(session, target)
    words = grants.in_words()
    held = None if is_path(target) else _held(session, name)

    def text(page: Page) -> None:
        page.parts((name, "bold"), (" may" if words else " asks leave for nothing", None))
        for line in words:
            page.line(f"  {line}")
        if held is not None:
            page.parts((held["sentence"], None))
            for line in held["words"]:
                page.line(f"  {line}")

    data = {"name": name, "permissions": grants.as_dict(), "words": words, "held": held}
    return Answer(data, text)


def _held(session: Session, name: str) -> dict[str, Any]:
    """Return what holds a skill to its permissions, for people and as data."""
    with session.manager() as skills:
        candidate = skills.discover().skill(name)
        record = candidate.record()
        try:
            decision = skills.isolation.decide(candidate, record)
        except IsolationError as error:
            missing = list(error.missing)
            return {"sentence": f"{error}:", "words": missing, "isolation": None, "limits": None}
        found: dict[str, Any] = {
            "sentence": decision.sentence(),
            "words": [],
            "isolation": decision.as_dict(),
            "limits": None,
        }
        if decision.isolated:
            try:
                limits = skills.isolation.confinement.limits(candidate, record)
            except KurtError as error:
                found["words"] = [str(error)]
            else:
                found["limits"] = limits
                found["words"] = [
                    f"{limits[one.short]:g} {one.text}"
                    for one in LIMITS
                    if one.short != "processes" or record["permissions"]["processes"]
                ]
        return found
