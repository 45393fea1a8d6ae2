"""Errors on their way between host and worker: a name, a message and a traceback, as text."""

from __future__ import annotations

import re
from typing import Any

from .frames import Malformed

__all__ = ["RemoteError", "cleaned", "failure_from", "failure_to"]

_TRACEBACK = 16_384  # characters of a remote traceback that are kept: its end
_MESSAGE = 4_096  # of a remote message: its beginning

#: CSI, OSC, DCS and the like, and the short ones (ECMA-48 §5; xterm's ctlseqs).
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)


class RemoteError(Exception):
    """What code in a worker has raised, where it is no error of kurt_ext.

    :param type: the name of its class; nothing of that name exists here.
    :param message: what it says.
    :param traceback: the traceback there, as text.
    """

    def __init__(self, type: str, message: str, traceback: str = "") -> None:
        super().__init__(f"{type}: {message}" if message else type)
        self.type = type
        self.message = message
        self.traceback = traceback
        if traceback:
            self.add_note(traceback)


def cleaned(text: str) -> str:
    """Return text without the sequences that move a terminal; what is left of them is escaped."""
    from ..output import printable

    return printable(_ESCAPES.sub("", text) if not text.isprintable() else text)


def failure_to(error: BaseException) -> dict[str, Any]:
    """Return an exception as JSON values, without the object."""
    from ..errors import KurtError

    if isinstance(error, KurtError):
        from ..wire import error_to

        told = error_to(error)
        # No longer than what the host takes: a frame that is longer ends the worker.
        told = {key: value if key == "more" else _calm(value, 2) for key, value in told.items()}
        told["more"] = {key: _calm(value, 4) for key, value in told["more"].items()}
        made = {"kurt": told, "traceback": _traced(error)}
        if type(error).__module__ != KurtError.__module__:
            made["type"] = type(error).__name__
        return made
    return {
        "type": type(error).__name__,
        "message": _said(error)[:_MESSAGE],
        "traceback": _traced(error),
    }


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # its own __str__ is anybody's code
        return ""


def _traced(error: BaseException) -> str:
    from traceback import format_exception

    try:
        return "".join(format_exception(error))[-_TRACEBACK:]
    except Exception:
        return ""


def failure_from(data: Any) -> Exception:
    """Return the exception that :func:`failure_to` has written; the data may be anybody's.

    :returns: an error of :mod:`kurt_ext.errors`, or a :class:`RemoteError`.
    :raises Malformed: when it is not of that form.
    """
    if not isinstance(data, dict):
        raise Malformed("a failure came that says nothing")
    traceback = _text(data.get("traceback"), -_TRACEBACK)
    told = data.get("kurt")
    if isinstance(told, dict):
        return _kurt_error(told, traceback)
    name = _text(data.get("type"), 200) or "Exception"
    return RemoteError(name, _text(data.get("message"), _MESSAGE), traceback)


def _kurt_error(told: dict[str, Any], traceback: str) -> Exception:
    from ..wire import error_from

    said = {
        key: _text(value, _MESSAGE)
        for key in ("code", "message", "cause", "at", "hint", "skill")
        if isinstance(value := told.get(key), str)
    }
    names = told.get("candidates")
    candidates = [_text(n, 200) for n in names[:100]] if isinstance(names, list) else []
    more = told.get("more")
    known = {
        key: _calm(value, 4)
        for key, value in (more if isinstance(more, dict) else {}).items()
        if key not in ("validation_result", "candidates", *said)
    }
    error = error_from({**said, "candidates": candidates, "more": known})
    if traceback:
        error.add_note(traceback)
    return error


def _calm(value: Any, levels: int) -> Any:
    """Return what an error of ours holds beside its message, in the size that such have."""
    if isinstance(value, str):
        return _text(value, _MESSAGE)
    if isinstance(value, (list, tuple)):
        return [_calm(item, levels - 1) for item in value[:100]] if levels else []
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return None


def _text(value: Any, most: int) -> str:
    """Return a text without what moves a terminal; its end where ``most`` is negative."""
    if not isinstance(value, str):
        return ""
    return cleaned(value[most:] if most < 0 else value[:most])
