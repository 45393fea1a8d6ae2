"""What is to be done when the process exits, after all plugins have ended.

`atexit` goes backwards. Whoever ends plugins at exit says so here before, so
that what they need for their end is still there then.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable

__all__ = ["last", "part"]

_ACTIONS: list[Callable[[], object]] = []
_registered = False


def last(action: Callable[[], object]) -> None:
    """Call something at exit, after what was registered since the first :func:`part`."""
    _ACTIONS.append(action)
    part()


def part() -> None:
    """Have all of it done after what is registered with `atexit` from now on."""
    global _registered
    if not _registered:
        _registered = True
        atexit.register(_part)


def _part() -> None:
    while _ACTIONS:
        _ACTIONS.pop()()
