"""Make a wheel of a skill's folder with the build front end that there is."""

from __future__ import annotations

import os
import subprocess
import sys

from .errors import KurtError, MissingExtraError

__all__ = ["PYPROJECT", "builder", "make", "wheels_in"]

#: The whole ``pyproject.toml`` that a skill needs.
PYPROJECT = """\
[build-system]
requires = ["setuptools", "kurt-ext"]
build-backend = "setuptools.build_meta"
"""


def builder(folder: str, outdir: str, isolated: bool) -> list[str]:
    """Return the command line of the build front end that there is.

    :param isolated: build in an environment of its own.
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


def make(folder: str, outdir: str, *, isolated: bool = True, verbose: bool = False) -> list[str]:
    """Build a wheel of a folder; return the paths of those that are new or another.

    :param outdir: where it is to lie.
    :param verbose: write to stderr what the build says; else only where it fails.
    :raises MissingExtraError: when there is no build front end.
    :raises KurtError: when the build fails.
    """
    line = builder(folder, outdir, isolated)
    before = wheels_in(outdir)
    done = subprocess.run(line, capture_output=True, text=True)
    if verbose or done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
    if done.returncode:
        raise KurtError(
            f"building {folder} failed",
            cause=_last_words(done.stderr) or _last_words(done.stdout),
            at=folder,
            hint=f"kurt validate {folder} --profile publish",
        )
    made = sorted(name for name, mark in wheels_in(outdir).items() if before.get(name) != mark)
    return [os.path.join(outdir, name) for name in made]


def wheels_in(folder: str) -> dict[str, int]:
    """Return name → time in ns of the wheels in a folder."""
    try:
        with os.scandir(folder) as entries:
            return {e.name: e.stat().st_mtime_ns for e in entries if e.name.endswith(".whl")}
    except FileNotFoundError:
        return {}


def _last_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
