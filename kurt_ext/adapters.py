"""Other programs that may be asked for a second opinion, by the words for them in ``kurt.toml``.

They are no entry points: who installs kurt has not asked for them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from .checks import ruff
from .errors import ConfigError
from .names import suggest
from .validator import Check

__all__ = ["ADAPTERS", "adapter_checks", "adapter_versions"]

#: The word for a program → the check that asks it, and what finds the program.
ADAPTERS: dict[str, tuple[Check, Callable[[], str | None]]] = {
    "ruff": (
        Check(name="ruff", value="kurt_ext.checks.ruff:check", distribution="kurt-ext"),
        ruff.program,
    ),
}


def adapter_checks(names: Iterable[str]) -> list[Check]:
    """Return the checks that ask these programs.

    :raises ConfigError: when there is no such word.
    """
    found = []
    for name in names:
        if name not in ADAPTERS:
            near = suggest(name, ADAPTERS)
            raise ConfigError(
                f"validator.adapters names {name!r}, and there is no such adapter",
                cause="there is " + ", ".join(sorted(ADAPTERS)),
                hint=f"did you mean {near[0]}?"
                if near
                else "kurt config explain validator.adapters",
            )
        found.append(ADAPTERS[name][0])
    return found


def adapter_versions(names: Iterable[str]) -> list[str]:
    """Return what is another when one of the programs is."""
    stamps = []
    for name in sorted(names):
        path = ADAPTERS[name][1]()
        try:
            status = os.stat(path or "")
            stamps.append(f"{path} {status.st_mtime_ns} {status.st_size}")
        except OSError:
            stamps.append(f"{name} is missing")
    return stamps
