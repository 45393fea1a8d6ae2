"""Say of what comes from a worker whose it is, and what to do next.

What carries a call knows neither the plugin nor what was asked of it.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from ..errors import (
    InvalidOutputError,
    KurtError,
    LimitError,
    QuarantinedError,
    WorkerCrashedError,
    WorkerError,
)
from ..settings import dotted

__all__ = ["told"]


def told(error: KurtError, skill: str, verb: str, body: Any, *, is_closed: bool) -> KurtError:
    """Return an error of a worker's with the skill, what was asked, and the next step.

    :param verb: what was asked of the worker, with its ``body``.
    :param is_closed: whether the plugin was unloaded: its worker did not end by itself then.
    """
    if is_closed and isinstance(error, WorkerError):
        was_running = isinstance(error, WorkerCrashedError)
        return WorkerError(
            f"the plugin {skill} was unloaded, or its host has ended",
            cause="the call had not ended by then"
            if was_running
            else "its object was kept longer than its worker",
            hint=f"kurt plugin load {skill}",
            skill=skill,
        )
    if error.skill is None:
        error.skill = skill
        if isinstance(error, (InvalidOutputError, LimitError)):
            error.message = f"{_spoken(skill, verb, body)}: {error.message}"
            error.args = (error.message,)
        if isinstance(error, InvalidOutputError) and error.hint is None:
            error.hint = "return data: what JSON has, bytes, dates, models"
    if isinstance(error, LimitError) and error.limit:
        key = ("plugin", skill, "sandbox_config_override", error.limit)
        error.hint = f"kurt config set {shlex.quote(dotted(key))} NUMBER"
    if isinstance(error, QuarantinedError) and error.hint is None:
        error.hint = f"kurt plugin reload {skill}"
    return error


def _spoken(skill: str, verb: str, body: Any) -> str:
    """Return what a request asks for, as people call it."""
    if verb == "method":
        return f"{skill}:{body['name']}"
    key = body.get("key") if isinstance(body, Mapping) else None
    return f"{skill}:{str(key).partition(':')[2]}" if key else skill
