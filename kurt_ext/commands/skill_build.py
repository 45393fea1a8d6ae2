"""Make a wheel of a skill's folder."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import click

from .. import cli
from ..errors import KurtError, MissingExtraError, SkillNotFoundError
from ..output import Answer

if TYPE_CHECKING:
    from ..session import Session

__all__ = ["command"]

_PYPROJECT = """\
[build-system]
requires = ["setuptools", "kurt-ext"]
build-backend = "setuptools.build_meta"
"""


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


def _builder(folder: str, outdir: str, isolated: bool) -> list[str]:
    """Return the command line of the build front end that there is.

    :raises MissingExtraError: when there is none.
    """
    import shutil
    from importlib.util import find_spec

    if find_spec("build") is not None:
        line = [sys.executable, "-m", "build", "--wheel", "--outdir", outdir, folder]
        return line if isolated else [*line[:3], "--no-isolation", *line[3:]]
    uv = shutil.which("uv")
    if uv is not None:
        line = [uv, "build", "--wheel", "--out-dir", outdir, folder]
        return line if isolated else [*line[:2], "--no-build-isolation", *line[2:]]
    raise MissingExtraError(
        "building a wheel needs the build extra",
        cause="neither the package 'build' nor the program 'uv' is installed",
        hint="pip install 'kurt-ext[build]'",
    )


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
            hint=f"write these lines into it:\n{_PYPROJECT}",
        )
    outdir = os.path.abspath(outdir)
    line = _builder(folder, outdir, not no_isolation)
    before = _wheels(outdir)
    done = subprocess.run(line, capture_output=True, text=True)
    if session.verbose or done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
    if done.returncode:
        raise KurtError(
            f"building {folder} failed",
            cause=_last_words(done.stderr) or _last_words(done.stdout),
            at=folder,
            hint=f"kurt validate {folder} --profile publish",
        )
    made = sorted(name for name, mark in _wheels(outdir).items() if before.get(name) != mark)
    wheels = [os.path.join(outdir, name) for name in made]
    said = "\n".join(f"Built {wheel}" for wheel in wheels)
    return Answer({"folder": folder, "wheels": wheels}, lambda page: page.line(said), talk=True)


def _wheels(folder: str) -> dict[str, int]:
    try:
        with os.scandir(folder) as entries:
            return {e.name: e.stat().st_mtime_ns for e in entries if e.name.endswith(".whl")}
    except FileNotFoundError:
        return {}


def _last_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
