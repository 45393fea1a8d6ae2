"""Look a dotted name up in the tables."""

from __future__ import annotations

from . import processes
from .aliases import canonical
from .meaning import Meaning, rows

__all__ = ["bare", "entries", "meaning"]

_TABLES = (processes.TABLE,)
_NAMES: dict[str, Meaning | None] = {
    name: found for table in _TABLES for name, found in rows(table)
}
_BARE = frozenset(["os", "sys", "builtins"])


def entries() -> dict[str, Meaning | None]:
    """Return every name of the tables with its meaning; None means nothing."""
    return dict(_NAMES)


def meaning(name: str) -> Meaning | None:
    """Return what a dotted name means, or None where it means nothing.

    :param name: a finished reference, canonical or not.
    """
    name = canonical(name)
    end = len(name)
    while end > 0:
        prefix = name[:end]
        if prefix in _NAMES:
            return _NAMES[prefix]
        if prefix.endswith("()"):
            break
        end = prefix.rfind(".")
    if "()" in name or name.startswith("*."):
        return _NAMES.get("*." + name.rpartition(".")[2])
    return None


def bare(name: str) -> bool:
    """Return whether to pass this module itself around is to pass its dangers on."""
    name = canonical(name)
    return name in _BARE or meaning(name) is not None
