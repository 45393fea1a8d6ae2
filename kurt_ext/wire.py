"""What goes over the socket between a command and a running host: JSON, a line each way.

Nothing is pickled: an error is rebuilt from its reference by the table of our
own classes, so that whatever a host says, no code of its choice runs here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .errors import KurtError, PluginValidationError
from .jsontext import dumps

__all__ = ["MAX_ANSWER", "MAX_REQUEST", "error_from", "error_to", "pack", "plain", "unpack"]

MAX_REQUEST = 1 << 20
MAX_ANSWER = 1 << 24

_SAID = ("message", "cause", "at", "hint", "skill", "candidates")


def pack(value: Mapping[str, Any]) -> bytes:
    """Return a JSON object as one line."""
    return dumps(dict(value)).encode() + b"\n"


def unpack(line: bytes) -> dict[str, Any]:
    """Return the JSON object of a line.

    :raises ValueError: when it is none, or the line was cut off.
    """
    import json

    if not line.endswith(b"\n"):
        raise ValueError("the other end stopped in the middle of a line")
    try:
        value = json.loads(line)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError(f"an object is wanted, not a {type(value).__name__}")
    return value


def plain(value: Any) -> Any:
    """Return a value as JSON has it; what JSON has not becomes text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float) and value - value == 0:
        return value
    return str(value)


def error_to(error: BaseException) -> dict[str, Any]:
    """Return an error as JSON values: the envelope's ``error`` member, with ``more`` of its own."""
    if not isinstance(error, KurtError):
        error = KurtError("the host failed unexpectedly", cause=f"{type(error).__name__}: {error}")
    more = {
        name: value
        for name, value in vars(error).items()
        if name not in _SAID and not name.startswith("_")
    }
    result = more.pop("validation_result", None)
    if hasattr(result, "model_dump"):
        more["validation_result"] = result.model_dump(mode="json")
    return {**error.as_dict(), "more": {name: plain(value) for name, value in more.items()}}


def error_from(data: Any) -> KurtError:
    """Return the error that :func:`error_to` has written; of an unknown class, a KurtError."""
    if not isinstance(data, dict) or not isinstance(data.get("message"), str):
        return KurtError("the host failed and did not say how")
    cls = _by_reference().get(str(data.get("code")), KurtError)
    text = {key: data[key] for key in ("cause", "at", "hint", "skill") if _is_text(data.get(key))}
    candidates = [str(name) for name in _sequence(data.get("candidates"))]
    error = cls(data["message"], candidates=candidates, **text)
    more = data.get("more")
    for name, value in (more if isinstance(more, dict) else {}).items():
        if name in vars(error):  # only what the class has by itself
            setattr(error, name, _like(vars(error)[name], value))
    if isinstance(error, PluginValidationError) and isinstance(error.validation_result, dict):
        error.validation_result = _result(error.validation_result)
    return error


def _by_reference() -> dict[str, type[KurtError]]:
    found: dict[str, type[KurtError]] = {}
    for cls in _tree(KurtError):
        if cls.__module__ == KurtError.__module__:
            found.setdefault(cls.reference, cls)
    return found


def _tree(cls: type[KurtError]) -> Iterator[type[KurtError]]:
    yield cls
    for child in cls.__subclasses__():
        yield from _tree(child)


def _result(data: dict[str, Any]) -> Any:
    from pydantic import ValidationError

    from .models import PluginValidationResult

    try:
        return PluginValidationResult.model_validate(data)
    except ValidationError:  # of a host of another version
        return data


def _like(before: Any, value: Any) -> Any:
    """Return a value of JSON in the form that the class gives it: tuples, of pairs too."""
    if isinstance(before, tuple):
        return tuple([tuple(v) if isinstance(v, list) else v for v in _sequence(value)])
    return value


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _sequence(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
