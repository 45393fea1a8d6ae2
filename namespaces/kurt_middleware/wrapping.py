"""How a middleware is judged and put around calls."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kurt_ext.contract import Around, Extension

__all__ = ["around", "violations", "wraps"]


def violations(obj: Any) -> list[str]:
    """Return how an object is no middleware, as sentences; empty where it is one.

    An object need not be derived from :class:`Middleware`: that of a plugin.json has no base.
    """
    found = []
    if not callable(getattr(obj, "around", None)):
        found.append(f"{type(obj).__name__} has no method around(invocation, proceed)")
    for attribute in ("before", "after"):
        names = getattr(obj, attribute, ())
        if isinstance(names, str) or not all(isinstance(name, str) for name in names):
            found.append(f"{attribute} is a tuple of names")
    return found


def around(extension: Extension) -> Around:
    """Return the layer."""
    layer: Around = extension.obj.around
    return layer


def wraps(extension: Extension) -> tuple[Iterable[str], Iterable[str]]:
    """Return whom it wants to be before, and after."""
    return getattr(extension.obj, "before", ()), getattr(extension.obj, "after", ())
