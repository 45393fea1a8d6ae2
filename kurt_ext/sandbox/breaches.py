"""What is said when somebody comes to a limit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from ..errors import LimitError
from .limits import LIMITS

__all__ = ["Event", "reached"]

#: ``event(name, detail)``: told of what a worker says or does beside its answers.
Event: TypeAlias = Callable[[str, Mapping[str, Any]], object]


def reached(
    name: str, key: str, limits: Mapping[str, float], said: str, event: Event | None
) -> LimitError:
    """Return the error for a limit that somebody came to, and tell of it.

    :param key: the limit's, in ``sandbox_config_override``.
    :param limits: those of the policy.
    :param said: what happened.
    """
    allowed = next(limits[limit.short] for limit in LIMITS if limit.key == key)
    if event is not None:
        event("limit", {"limit": key, "allowed": allowed})
    return LimitError(
        f"{name} came to the end of what it may use",
        cause=f"{said}; its {key} is {allowed:g}",
        hint=f"kurt config set plugin.{name}.sandbox_config_override.{key} NUMBER",
        limit=key,
        allowed=allowed,
        skill=name,
    )
