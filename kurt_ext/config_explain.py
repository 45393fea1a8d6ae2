"""Say where in the files a key stands, and which of several values of it counts."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .config_file import read_text
from .config_keys import (
    AUDIT_KEYS,
    FIXED,
    MARKET_KEYS,
    PLUGIN_KEYS,
    SANDBOX_KEYS,
    VALIDATOR_KEYS,
    describe,
)
from .errors import UsageError
from .names import suggest
from .settings import hide
from .toml_positions import Positions, scan

if TYPE_CHECKING:
    from .config import Config

__all__ = ["Origin", "explain", "place", "position", "split_key", "whereabouts"]


class Origin:
    """One place that a key's value can come from.

    :param source: ``default``, ``user``, ``project`` or ``environment``.
    :param file: the file; None for the default and the environment.
    :param line: 1-based; 0 without a file.
    :param value: what it says there; a secret is hidden.
    :param wins: whether it counts, alone or together with others.
    :param why: the sentence that says why it counts or does not.
    """

    __slots__ = ("column", "file", "line", "source", "value", "why", "wins")

    def __init__(
        self,
        source: str,
        value: Any,
        why: str,
        *,
        wins: bool,
        file: str | None = None,
        line: int = 0,
        column: int = 0,
    ) -> None:
        self.source = source
        self.value = value
        self.why = why
        self.wins = wins
        self.file = file
        self.line = line
        self.column = column

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for JSON output."""
        return {name: getattr(self, name) for name in self.__slots__}

    def __repr__(self) -> str:
        mark = "wins" if self.wins else "loses"
        return f"<Origin {self.source} {self.file}:{self.line} {self.value!r} {mark}: {self.why}>"


def split_key(text: str) -> tuple[str, ...]:
    """Return the parts of a key written as in TOML: ``skill."com.example.x".token``.

    :raises UsageError: when it is not a key.
    """
    import tomllib

    try:
        value: Any = tomllib.loads(f"{text} = '='") if "\n" not in text else None
    except (ValueError, RecursionError):
        value = None
    parts: list[str] = []
    while isinstance(value, dict) and len(value) == 1:
        ((part, value),) = value.items()
        parts.append(part)
    if not parts or value != "=":
        raise UsageError(
            f"{text!r} is not a key",
            cause="a key is words joined by dots; a word with other characters is quoted",
            hint="kurt config explain KIND.enabled",
        )
    return tuple(parts)


def position(file: str, path: Sequence[str], name: str = "") -> tuple[int, int]:
    """Return line and column of a key, of a name in its list if given; ``(0, 0)`` if unknown."""
    try:
        status = os.stat(file)
    except (OSError, ValueError):
        return (0, 0)
    return _positions(file, status.st_mtime_ns, status.st_size).find(tuple(path), name)


@lru_cache(maxsize=4)
def _positions(file: str, _changed: int, _size: int) -> Positions:
    try:
        return scan(read_text(file))
    except (OSError, ValueError):
        return Positions()


def whereabouts(config: Config, file: str, path: Sequence[str], name: str = "") -> tuple[int, int]:
    """Return line and column of a key, without one of what makes the file unreadable."""
    if path:
        return position(file, path, name)
    found = [(f.line, f.column) for f in config.findings if f.path == file and f.fatal]
    return found[0] if found else (0, 0)


def place(config: Config, file: str, path: Sequence[str], name: str = "") -> str:
    """Return ``FILE:LINE`` of a key, the file as a person would write it."""
    line = whereabouts(config, file, path, name)[0]
    shown = file
    home = os.path.expanduser("~")
    if config.project and os.path.dirname(file) == config.project:
        shown = os.path.basename(file)
    elif home != os.sep and file.startswith(home + os.sep):
        shown = "~" + file[len(home) :]
    return f"{shown}:{line}" if line else shown


def explain(
    config: Config, key: str, kinds: Collection[str] | None = None, opt_in: bool = False
) -> list[Origin]:
    """Return the origins of a key's value, from the one that yields to the one that wins.

    :raises UsageError: when there can be no such key.
    """
    from .config_ignored import remedy  # which asks this module for lines

    path = _known(config, split_key(key), kinds)
    kind = path[0] not in FIXED
    united = path in (("skill_paths",), ("audit", "ignore")) or (kind and path[1:] == ("disabled",))
    layers = config.layers[::-1] if path[0] == "market" else config.layers
    every = [(layer, value) for layer in layers if (value := _lookup(layer, path)) is not _ABSENT]
    ignored = set() if config.trusted else _ignored(every, path, opt_in)
    narrowing = not config.trusted and kind and path[1:] == ("enabled",)
    found = [pair for number, pair in enumerate(every) if number not in ignored]
    origins = [_default(path, opt_in, not found)]
    for number, (layer, value) in enumerate(every):
        joined = isinstance(value, dict)
        wins = number not in ignored and (united or joined or narrowing or number == len(found) - 1)
        if number in ignored:
            why = f"ignored, not trusted: {remedy(layer['file'], config.project)}"
        elif narrowing and layer["scope"] == "project":
            why = "it only takes away, since this project is not trusted"
        elif narrowing and len(found) > 1:
            why = "the project's list only takes away from it, not being trusted"
        elif joined and len(found) > 1:
            why = "the tables of both files are joined, and the project's keys replace the user's"
        elif united and len(found) > 1:
            why = "the lists of both files are united"
        elif not wins:
            why = f"the {'user' if path[0] == 'market' else 'project'}'s value replaces it"
        elif len(found) > 1:
            why = f"it replaces the {'project' if path[0] == 'market' else 'user'}'s value"
        else:
            why = "no other file sets it"
        why += _chosen_by(layer["scope"])
        file = layer["file"]
        line, column = position(file, path)
        origins.append(
            Origin(
                layer["scope"],
                hide(value, path[-1]),
                why,
                wins=wins,
                file=file,
                line=line,
                column=column,
            )
        )
    return origins + list(_environment(path, found[-1][1] if found else None, os.environ))


def _ignored(
    found: Sequence[tuple[Mapping[str, Any], Any]], path: tuple[str, ...], opt_in: bool
) -> set[int]:
    """Return which of the layers set a key in vain, their project not being trusted."""
    from .config_ignored import is_ignored, switches_on

    always = is_ignored(path, path[:1] if opt_in else ())
    return {
        number
        for number, (layer, value) in enumerate(found)
        if layer["scope"] == "project" and (always or switches_on(path, value))
    }


_ABSENT: Any = object()


def _lookup(layer: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """Return what a layer holds under a key, or ``_ABSENT``."""
    if path == ("skill_paths",):
        return layer["skill_paths"] or _ABSENT
    if path[0] in ("validator", "sandbox", "audit"):
        return layer.get(path[0], {}).get(path[1], _ABSENT)
    if path[0] in ("skill", "plugin", "market"):
        value: Any = layer.get(f"{path[0]}s", {})
        rest = path[1:]
    else:
        value = layer["kinds"].get(path[0], {})
        rest = path[1:]
        if rest[0] not in ("enabled", "disabled"):
            value = value.get("roles" if rest[0] in value.get("roles", {}) else "options", {})
    for part in rest:
        if not isinstance(value, dict) or part not in value:
            return _ABSENT
        value = value[part]
    return value


def _known(config: Config, path: tuple[str, ...], kinds: Collection[str] | None) -> tuple[str, ...]:
    """Return the key's parts, a skill's id in one piece.

    :raises UsageError: when there can be no such key.
    """
    if path[0] in ("skill", "plugin"):
        # Whoever asks need not quote com.example.calculator.
        tables = [layer.get(f"{path[0]}s", {}) for layer in config.layers]
        ids = {name for table in tables for name in table if "." in name}
        for end in range(len(path), 2, -1):
            if ".".join(path[1:end]) in ids:
                path = (path[0], ".".join(path[1:end]), *path[end:])
                break
    strange = kinds is not None and path[0] not in (*kinds, *FIXED)
    if describe(path) is None or strange:
        words = ["skill_paths", "skill.NAME.SETTING"]
        words += [f"plugin.NAME.{word}" for word in PLUGIN_KEYS]
        words += [f"market.NAME.{word}" for word in MARKET_KEYS]
        words += [f"validator.{word}" for word in VALIDATOR_KEYS]
        words += [f"sandbox.{word}" for word in SANDBOX_KEYS]
        words += [f"audit.{word}" for word in AUDIT_KEYS]
        words += [f"{kind}.{word}" for kind in kinds or () for word in ("enabled", "disabled")]
        key = ".".join(path)
        similar = suggest(key, words)
        raise UsageError(
            f"there is no key {key!r}",
            cause=None if similar else "the keys are " + ", ".join(words),
            hint=f"kurt config explain {similar[0]}" if similar else "kurt config explain --help",
            candidates=similar,
        )
    return path


def _default(path: tuple[str, ...], opt_in: bool, wins: bool) -> Origin:
    value: Any = None
    why = "it has no value of its own"
    if path == ("skill_paths",) or path[1:] == ("disabled",):
        value, why = [], "without the key, none"
    elif path[0] in ("plugin", "market", "validator", "sandbox", "audit"):
        found = describe(path)
        why = f"without the key, {found.default if found else 'nothing'}"
    elif path[0] != "skill" and path[1:] == ("enabled",):
        value = [] if opt_in else ["*"]
        why = (
            "without the key nothing of this kind runs"
            if opt_in
            else "without the key everything trusted is enabled"
        )
    elif path[0] != "skill" and len(path) == 2:
        why = "without the key the kind's own choice counts"
    return Origin("default", value, why if wins else "a file sets it", wins=wins)


def _chosen_by(scope: str) -> str:
    variables = {"user": "KURT_CONFIG", "project": "KURT_PROJECT"}
    variable = variables[scope]
    return f" ({variable} chose this file)" if os.environ.get(variable) else ""


def _environment(path: tuple[str, ...], value: Any, environ: Mapping[str, str]) -> Iterable[Origin]:
    if path == ("skill_paths",) and environ.get("KURT_SKILLS"):
        yield Origin(
            "environment",
            environ["KURT_SKILLS"].split(os.pathsep),
            "KURT_SKILLS replaces the user's own skill folders; these paths are searched besides",
            wins=True,
        )
    if isinstance(value, str) and value.startswith("env:"):
        variable = value.removeprefix("env:")
        there = bool(environ.get(variable))
        why = f"the variable {variable} is {'set' if there else 'not set'}"
        yield Origin("environment", value, why, wins=there)
