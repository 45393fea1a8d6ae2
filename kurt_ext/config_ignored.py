"""What a project's ``kurt.toml`` says in vain while nobody has trusted the project.

`config` leaves it out; here it is named, so that nobody wonders why it does nothing.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from shlex import quote
from typing import Any

from .config_explain import position
from .config_keys import TIGHTER
from .findings import Finding
from .settings import dotted

__all__ = ["findings", "is_ignored", "pending", "remedy", "switches_on"]

_RULE = "untrusted-config"


def is_ignored(path: tuple[str, ...], opt_in: Collection[str]) -> bool:
    """Return whether a key counts only in a project that is trusted.

    :param path: the key's parts.
    :param opt_in: the words of the kinds that run only what is named.
    """
    if path[0] in ("skill", "skill_paths", "market", "audit"):
        return path[0] != "skill_paths"
    if path[0] == "sandbox":
        return path[1] not in TIGHTER
    if path[0] == "plugin":
        # What switches off counts, whoever says it: whether this does, its value tells.
        return path[2:] not in (("enabled",), ("auto_load",))
    return path[1:] not in (("enabled",), ("disabled",)) or path[0] in opt_in


def switches_on(path: tuple[str, ...], value: object) -> bool:
    """Return whether a key of a plugin's table, or of the sandbox's, would switch something on."""
    if path[0] == "sandbox":
        return path[1] in TIGHTER and value != TIGHTER[path[1]]
    return path[0] == "plugin" and path[2:] in (("enabled",), ("auto_load",)) and value is not False


def findings(layer: dict[str, Any], project: str, opt_in: Collection[str]) -> list[Finding]:
    """Return a finding for each table and key of a project's file that is ignored, by line."""
    found = [(*position(layer["file"], path), path) for path in _paths(layer, opt_in)]
    return [
        Finding(
            _RULE,
            "warning",
            f"{_said(path, layer)} is ignored: this project is not trusted",
            path=layer["file"],
            line=line,
            column=column,
            fix=remedy(layer["file"], project),
        )
        for line, column, path in sorted(found)
    ]


def pending(file: str, project: str, what: str) -> Finding:
    """Return what to say of a key that was written, and does not count yet."""
    return Finding(
        _RULE,
        "warning",
        f"{what} counts once this project is trusted",
        path=file,
        fix=remedy(file, project),
    )


def remedy(file: str, project: str) -> str:
    """Return the line to paste so that the file of a project counts."""
    command = f"kurt skill trust {quote(project)}"
    if os.path.dirname(os.path.realpath(file)) != os.path.realpath(project):
        return f"replace the link {os.path.basename(file)} by a file, then: {command}"
    return command


def _paths(layer: dict[str, Any], opt_in: Collection[str]) -> Iterator[tuple[str, ...]]:
    for kind, table in layer["kinds"].items():
        for key in ("enabled", "disabled"):
            if key in table and is_ignored((kind, key), opt_in):
                yield kind, key
        for word in (*table.get("roles", ()), *table.get("options", ())):
            yield kind, word
    for name, settings in layer["skills"].items():
        if settings:
            yield "skill", name
    for name in layer.get("markets", {}):
        yield "market", name
    for word in layer.get("audit", {}):
        yield "audit", word
    for name, table in layer.get("plugins", {}).items():
        for word, value in table.items():
            if switches_on(("plugin", name, word), value) or is_ignored(("plugin", name, word), ()):
                yield "plugin", name, word
    for word, value in layer.get("sandbox", {}).items():
        if word != "wrong" and (switches_on(("sandbox", word), value) or word not in TIGHTER):
            yield "sandbox", word


def _said(path: tuple[str, ...], layer: dict[str, Any]) -> str:
    if path[0] in ("plugin", "sandbox", "audit"):
        return dotted(path)
    table = path[0] in ("skill", "market") or path[1] in layer["kinds"][path[0]].get("options", ())
    return f"[{dotted(path)}]" if table else dotted(path)
