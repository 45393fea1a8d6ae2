"""Check the installation, and mend what can be mended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .. import cli
from ..diagnosis import diagnose
from ..errors import KurtError
from ..output import Answer

if TYPE_CHECKING:
    from ..diagnosis import Check
    from ..output import Page
    from ..session import Session

__all__ = ["command"]

_STYLES = {"ok": "green", "warn": "warning", "fail": "error"}


@cli.command("doctor", short_help="Check the installation, and mend what can be mended.")
@click.option("--fix", is_flag=True, help="Mend what can be mended without a loss.")
@click.pass_obj
def command(session: Session, fix: bool) -> Answer:
    """Check the installation, and mend what can be mended.

    Each line is a check: ok, warn or fail, with what to do in one line. No skill
    is imported. It fails where a check does.
    """
    rows = diagnose(session)
    fixed: list[str] = []
    if fix:
        fixed = _repair(session, rows)
        session.forget()
        rows = diagnose(session)
    failed = [row for row in rows if row.status == "fail"]

    def text(page: Page) -> None:
        for line in fixed:
            page.parts(("fixed ", "green"), (line, None))
        for row in rows:
            page.parts(
                (f"{row.status:<5}", _STYLES[row.status]),
                (f"{row.id}  ", "bold"),
                (row.message, None),
            )
            if row.fix and row.status != "ok":
                page.parts(("      fix: ", "hint"), (row.fix, None))

    error = None
    if failed:
        count = "1 check fails" if len(failed) == 1 else f"{len(failed)} checks fail"
        mendable = any(row.repair for row in failed)
        error = KurtError(count, hint="kurt doctor --fix" if mendable else failed[0].fix or None)
    data = {"checks": [row.as_dict() for row in rows], "fixed": fixed}
    return Answer(data, text, error=error)


def _repair(session: Session, rows: list[Check]) -> list[str]:
    """Mend what can be; return what was, in words."""
    fixed = []
    for row in rows:
        if row.status == "ok" or row.repair is None:
            continue
        try:
            row.repair()
        except (KurtError, OSError) as error:
            session.note(f"{row.id} could not be mended: {error}")
        else:
            fixed.append(f"{row.id}: {row.message}")
    return fixed
