"""The commands that installed distributions add, with their summaries, without importing one."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container

    from .discovery import Discovery

__all__ = ["commands", "docstring_line", "source_of"]

_HEAD = 2000  # characters in which a module's docstring begins


def commands(
    discovery: Discovery, group: str, known: Container[str]
) -> dict[str, tuple[str, str, str]]:
    """Return name → (``module:attribute``, summary, distribution), without the known names.

    The summary is the first line of the module's docstring, read as text; where
    there is none to be read, that of the distribution. Of two with one name the
    first counts; ``kurt doctor`` reports the other.
    """
    found: dict[str, tuple[str, str, str]] = {}
    for candidate, name, value in discovery.offers(group):
        if name in known or name in found or candidate.scope not in ("installed", "builtin"):
            continue
        target = value.partition("[")[0].replace(" ", "")
        line = docstring_line(target.partition(":")[0])
        summary = line or candidate.summary or f"From {candidate.distribution}."
        found[name] = (target, summary, candidate.distribution)
    return found


def source_of(module: str) -> str | None:
    """Return the file that a module would be imported from, or None; nothing is imported."""
    relative = module.replace(".", os.sep)
    for folder in sys.path:
        for tail in (".py", os.sep + "__init__.py"):
            path = os.path.join(folder or ".", relative + tail)
            if os.path.isfile(path):
                return path
    return None


def docstring_line(module: str) -> str:
    """Return the first line of a module's docstring, or ``""``; nothing is imported."""
    path = source_of(module)
    if path is None:
        return ""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return _first_line(file.read(_HEAD))
    except OSError:
        return ""


def _first_line(source: str) -> str:
    lines = iter(source.splitlines())
    for line in lines:
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        for quotes in ('"""', "'''"):
            for prefix in ("", "r", "R"):
                if text.startswith(prefix + quotes):
                    body = text[len(prefix) + 3 :] or next(lines, "").strip()
                    return body.removesuffix(quotes).strip()
        break
    return ""
