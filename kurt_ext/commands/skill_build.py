"""Make a wheel of a skill's folder."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from .. import cli
from ..errors import KurtError, SkillNotFoundError
from ..output import Answer
from ..wheels import PYPROJECT, make

if TYPE_CHECKING:
    from ..session import Session

__all__ = ["command"]


def _folder(session: Session, target: str) -> str:
    """Return the folder that a path or a skill's name means."""
    from ..manifest import MANIFESTS
    from ..naming import the_skill

    if not os.path.isdir(target) and os.sep not in target:
        candidate = the_skill(session.discovery, target)
        target = candidate.location
    if not any(os.path.isfile(os.path.join(target, name)) for name in MANIFESTS):
        raise SkillNotFoundError(
            f"there is no skill in {target}",
            cause=f"it has no {' and no '.join(MANIFESTS)}",
            hint="kurt new NAME",
        )
    return os.path.abspath(target)


@cli.command("build", schema="skill.build", short_help="Make a wheel of a skill's folder.")
@click.argument("path", default=".", type=click.Path())
@click.option("--outdir", default="dist", show_default=True, type=click.Path(file_okay=False))
@click.option(
    "--no-isolation",
    is_flag=True,
    help="Build with the setuptools and kurt-ext of this environment.",
)
@click.pass_obj
def command(session: Session, path: str, outdir: str, no_isolation: bool) -> Answer:
    """Make a wheel of a skill's folder, which pip and uv install like any other.

    PATH is the folder, or the name of a skill that is one; the working
    directory by default.

    \b
    Example:
      kurt skill build skills/web-archiver && pip install dist/kurt_skill_web_archiver-*.whl
    """
    folder = _folder(session, path)
    pyproject = os.path.join(folder, "pyproject.toml")
    if not os.path.isfile(pyproject):
        raise KurtError(
            f"{folder} has no pyproject.toml, so that nothing says how it is built",
            at=pyproject,
            hint=f"write these lines into it:\n{PYPROJECT}",
        )
    outdir = os.path.abspath(outdir)
    wheels = make(folder, outdir, isolated=not no_isolation, verbose=bool(session.verbose))
    said = "\n".join(f"Built {wheel}" for wheel in wheels)
    return Answer({"folder": folder, "wheels": wheels}, lambda page: page.line(said), talk=True)
