"""Why an environment could not be made, in words that say what to do."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Iterable
from shlex import quote
from typing import TYPE_CHECKING

from .errors import RequirementError

if TYPE_CHECKING:
    from .environment_making import Failed, Sources
    from .environment_sources import Settled

__all__ = ["failure"]

#: What uv and pip say where all that there is would have to be built.
_NO_WHEEL = re.compile(r"no usable wheels|building from source is disabled|no wheels with a match")
_ALLOW = "kurt config set --scope user sandbox.allow_source true"


def failure(failed: Failed, settled: Settled, sources: Sources, skill: str) -> RequirementError:
    """Return the error for a program that could not make an environment."""
    whose = f"the environment of {skill}" if skill else "an environment"
    lines = settled.lines or settled.worker
    causes = [failed.output]
    built = _only_as_source(failed.output, lines, sources)
    message, hint = f"{whose} cannot be made", _hint(settled, sources)
    if failed.program == "venv":
        hint = "install uv, or the part of Python that makes virtual environments (python3-venv)"
    elif built:
        message = f"{whose} would need a build, which runs the distribution's own code"
        hint = f"{_ALLOW}, if you trust it; or put a wheel of it into a folder of wheels"
    own = [text for text in settled.worker if _name(text) in failed.output.lower()]
    if own and failed.program != "venv":
        causes.append(f"kurt's own worker, which runs the plugin, needs {', '.join(own)} there")
    return RequirementError(
        message,
        cause="\n".join(filter(None, causes)),
        hint=hint,
        skill=skill or None,
        missing=list(lines),
    )


def _hint(settled: Settled, sources: Sources) -> str:
    if sources.wheelhouse:
        wanted = " ".join([quote(line) for line in (*settled.lines, *settled.worker)])
        words = f"{quote(sys.executable)} -m pip download --only-binary :all:"
        return f"put the wheels there: {words} --dest {quote(sources.wheelhouse)} {wanted}"
    if sources.offline:
        return "kurt config set sandbox.wheelhouse FOLDER, or sandbox.offline false"
    return f"mend what it requires; where something is there only as source: {_ALLOW}"


def _only_as_source(output: str, lines: Iterable[str], sources: Sources) -> bool:
    """Return whether a wheel is what was missing, rather than the distribution."""
    if sources.allow_source:
        return False
    if _NO_WHEEL.search(output):
        return True
    if not sources.wheelhouse:
        return False
    try:
        there = os.listdir(sources.wheelhouse)
    except OSError:
        return False
    said = output.lower().replace("_", "-")
    missed = {_name(line) for line in lines if _name(line) in said}
    return any(_is_source(file, missed) for file in there)


def _is_source(file: str, names: Collection[str]) -> bool:
    from packaging.utils import InvalidSdistFilename, parse_sdist_filename

    try:
        return parse_sdist_filename(file)[0] in names
    except InvalidSdistFilename:
        return False


def _name(text: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0].lower()
