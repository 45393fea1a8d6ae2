"""Change a ``kurt.toml`` by name, and leave every other byte of it as it was.

Which lists change, and to what, `config_plan` works out; `toml_edit` changes the
text. The file says exactly what was meant, or stays as it is.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Collection, Sequence
from typing import Any

from .atomic import write_atomically
from .config import Config, Verdict
from .config_explain import split_key
from .config_file import read_text, unreadable
from .config_keys import (
    AUDIT_KEYS,
    FIXED,
    MARKET_KEYS,
    PLUGIN_KEYS,
    SANDBOX_KEYS,
    VALIDATOR_KEYS,
    bounds,
    describe,
    fits,
    guards,
    overlooks,
    sells,
)
from .config_plan import Target, plan_disable, plan_enable
from .errors import ConfigError, UsageError
from .findings import Finding
from .locks import lock
from .names import suggest
from .places import Places, digest
from .toml_edit import GONE, assign, to_toml
from .trust import Trust

__all__ = ["Change", "disable", "enable", "parse_value", "set_value", "unset_value"]

_HEADER = (
    "# What kurt finds and runs; `kurt config explain KEY` says which file has the last word.\n"
)


#: Table of the host's own → its keys, and what judges their values.
_CHECKED: dict[str, tuple[dict[str, str], Callable[[str, Any], bool]]] = {
    "validator": (VALIDATOR_KEYS, guards),
    "sandbox": (SANDBOX_KEYS, bounds),
    "audit": (AUDIT_KEYS, overlooks),
}


class Change:
    """What an edit did.

    :param file: the file that was to be edited.
    :param lines: what changed, in words, one sentence each; empty where nothing had to.
    :param verdict: whether the extension is enabled now, all files together; None for edits
        of other keys.
    :param pending: whether it would be as wished, were the project trusted.
    """

    __slots__ = ("file", "lines", "pending", "verdict")

    def __init__(
        self,
        file: str,
        lines: Sequence[str],
        verdict: Verdict | None = None,
        *,
        pending: bool = False,
    ) -> None:
        self.file = file
        self.lines = tuple(lines)
        self.verdict = verdict
        self.pending = pending

    def __bool__(self) -> bool:
        return bool(self.lines)

    def __repr__(self) -> str:
        return f"<Change {self.file}: {'; '.join(self.lines) or 'nothing'}>"


def enable(
    places: Places,
    kind: str,
    skill: str,
    extension: str | None = None,
    *,
    scope: str = "project",
    opt_in: bool = False,
    siblings: Collection[str] = (),
    qualified: bool = False,
) -> Change:
    """Let an extension run; all of a skill's of that kind if ``extension`` is None.

    :param scope: ``project`` or ``user``: the file to edit, created where it is missing.
    :param opt_in: whether the kind runs only what is named.
    :param siblings: the skill's other extensions of that kind; they stay as they are.
    :param qualified: write the name as ``SKILL:EXTENSION``, where others bear it too.
    :returns: the change; its verdict says whether another file still disables it.
    :raises ConfigError: when the file cannot be read, edited or written; it is then unchanged.
    :raises LockedError: when another process is editing it.
    """

    target = Target(kind, skill, extension, opt_in, siblings, qualified)
    return _edit_names(places, scope, target, enabling=True)


def disable(
    places: Places,
    kind: str,
    skill: str,
    extension: str | None = None,
    *,
    scope: str = "project",
    opt_in: bool = False,
    siblings: Collection[str] = (),
    qualified: bool = False,
) -> Change:
    """Forbid an extension to run; all of a skill's of that kind if ``extension`` is None.

    The parameters, the result and the errors are those of :func:`enable`.
    """

    target = Target(kind, skill, extension, opt_in, siblings, qualified)
    return _edit_names(places, scope, target, enabling=False)


def set_value(
    places: Places,
    key: str | Sequence[str],
    value: Any,
    *,
    scope: str = "project",
    kinds: Collection[str] | None = None,
) -> Change:
    """Set a key to a value: text, number, boolean, or list or dict of these.

    :param key: dotted as in TOML, or its parts.
    :param kinds: the words of the kinds that there are; any word may be one if None.
    :raises UsageError: when there can be no such key, or the value is of the wrong type.
    :raises ConfigError: when the file cannot be read, edited or written; it is then unchanged.
    :raises LockedError: when another process is editing it.
    """
    path = _path(key, kinds)
    _check_value(path, value)
    return _edit(places, scope, lambda: [(path, value)])


def unset_value(places: Places, key: str | Sequence[str], *, scope: str = "project") -> Change:
    """Remove a key, or a whole table, from a file; nothing happens where it is not there.

    :raises UsageError: when there can be no such key.
    :raises ConfigError: when the file cannot be read, edited or written; it is then unchanged.
    :raises LockedError: when another process is editing it.
    """
    path = _path(key, None, table=True)
    return _edit(places, scope, lambda: [(path, GONE)])


def parse_value(key: str | Sequence[str], text: str) -> Any:
    """Return a value given on a command line: TOML where it is TOML, else the text itself.

    For a key that holds a list, ``a,b`` and ``a`` are lists too.

    :raises UsageError: for a list that begins with ``[`` and is no TOML.
    """
    path = _path(key, None)
    try:
        value = tomllib.loads(f"v = {text}")["v"] if "\n" not in text else text
    except (ValueError, RecursionError):
        value = text
    if _is_list(path) and not isinstance(value, list):
        if text.lstrip().startswith("["):
            raise UsageError(
                f"{text} is no list",
                hint=f'kurt config set {".".join(path)} \'["one", "two"]\'',
            )
        return [name.strip() for name in text.split(",") if name.strip()]
    return value


def _is_list(path: tuple[str, ...]) -> bool:
    if path[0] in _CHECKED:
        return len(path) == 2 and _CHECKED[path[0]][0].get(path[1], "").startswith("an array")
    return path == ("skill_paths",) or (
        path[0] != "skill" and path[1:] in (("enabled",), ("disabled",))
    )


def _path(
    key: str | Sequence[str], kinds: Collection[str] | None, *, table: bool = False
) -> tuple[str, ...]:
    path = split_key(key) if isinstance(key, str) else tuple(key)
    known = [*(kinds or ()), *FIXED]
    strange = kinds is not None and path[0] not in known
    whole = table and len(path) > 0 and path[0] != "skill_paths"
    if strange or not (whole or describe(path)):
        similar = suggest(path[0], known) if path else []
        if len(path) == 3 and path[0] == "plugin":
            near = suggest(path[2], PLUGIN_KEYS) or list(PLUGIN_KEYS)
            similar = [".".join((*path[:2], word)) for word in near]
        elif len(path) == 3 and path[0] == "market":
            near = suggest(path[2], MARKET_KEYS) or list(MARKET_KEYS)
            similar = [".".join((*path[:2], word)) for word in near]
        elif len(path) == 2 and path[0] in _CHECKED:
            keys = [*_CHECKED[path[0]][0]]
            similar = [f"{path[0]}.{word}" for word in suggest(path[1], keys) or keys]
        raise UsageError(
            f"there is no key {'.'.join(path)!r}",
            hint=f"did you mean {similar[0]}?" if similar else "kurt config explain --help",
            candidates=similar,
        )
    return path


def _check_value(path: tuple[str, ...], value: Any) -> None:
    key = ".".join(path)
    if path[0] in _CHECKED:
        keys, fitting = _CHECKED[path[0]]
        table = len(path) == 1
        good = isinstance(value, dict) if table else fitting(path[1], value)
        wanted = "a table" if table else keys[path[1]]
    elif _is_list(path):
        good = isinstance(value, list) and all(isinstance(name, str) and name for name in value)
        wanted = "a list of names"
    elif path[0] != "skill" and len(path) == 2:
        good, wanted = isinstance(value, str) and value != "", "a name"
    elif path[0] == "skill" and len(path) == 2:
        good, wanted = isinstance(value, dict), "a table"
    elif path[0] == "plugin" and len(path) == 3:
        good, wanted = fits(path[2], value), PLUGIN_KEYS[path[2]][0]
    elif path[0] == "market" and len(path) == 3:
        good, wanted = sells(path[2], value), MARKET_KEYS[path[2]]
    else:
        good, wanted = value is not None, "a value"
    if not good:
        raise UsageError(
            f"{key} must be {wanted}, not {value!r}",
            cause=_fault_of_row(path, value),
            hint=f"kurt config explain {key}",
        )


def _fault_of_row(path: tuple[str, ...], value: Any) -> str | None:
    """Return what is wrong with the first bad table of a list of tables; None for other keys."""
    if path != ("audit", "ignore") or not isinstance(value, list):
        return None
    from .overlooked import fault

    said = [fault(row) for row in value]
    return next((f"number {number} {text}" for number, text in enumerate(said, 1) if text), None)


def _edit_names(places: Places, scope: str, target: Target, *, enabling: bool) -> Change:
    """Edit the lists of a kind, and judge the result."""
    words: list[str] = []
    trusted = Trust.load(places).heeds(places.project_config)

    def operations() -> list[tuple[tuple[str, ...], Any]]:
        config = Config.load(places, trusted=trusted)
        if config.broken:
            # What it disables is not known, so that nothing true could be said.
            raise _unreadable(next(f for f in config.findings if f.path == config.broken))
        at = [layer["scope"] for layer in config.layers]
        number = at.index(scope) if scope in at else (len(at) if scope == "project" else 0)
        mine = config.layers[number : number + at.count(scope)]
        below, above = config.layers[:number], config.layers[number + len(mine) :]
        table = mine[0]["kinds"].get(target.kind, {}) if mine else {}
        if enabling:
            plan = plan_enable(target, table, below)
        else:
            plan = plan_disable(target, table, below, above, config.trusted)
        words.extend(plan.words)
        return [((target.kind, key), names) for key, names in plan.lists.items()]

    change = _edit(places, scope, operations)
    config = Config.load(places, trusted=trusted)
    verdicts = target.verdicts(config)
    # Of a whole skill, the extension that is not as it should be.
    amiss = [verdict for verdict in verdicts if verdict.enabled is not enabling]
    believed = target.verdicts(config.believed())
    pending = bool(amiss) and all(verdict.enabled is enabling for verdict in believed)
    lines = words if change else ()
    return Change(change.file, lines, (amiss or verdicts)[0], pending=pending)


def _edit(
    places: Places,
    scope: str,
    operations: Callable[[], list[tuple[tuple[str, ...], Any]]],
) -> Change:
    """Apply operations (key, new value) to a file under its lock, and write it once."""
    file = _target(places, scope)
    folder = os.path.join(places.data, "locks")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        name = digest(os.fsencode(os.path.realpath(file))) + ".lock"
        with lock(os.path.join(folder, name)):
            there = os.path.lexists(file)
            text = _read(file) if there else _HEADER
            lines = []
            old = text
            for path, value in operations():
                try:
                    changed = assign(text, path, value)
                except ValueError as error:
                    raise ConfigError(
                        str(error), at=file, hint="change it with an editor"
                    ) from error
                if changed != text:
                    lines.append(_words(path, value))
                    text = changed
            if text != old:
                os.makedirs(os.path.dirname(file), exist_ok=True)
                mode = None if there else (0o600 if scope == "user" else 0o644)
                write_atomically(file, text.encode("utf-8"), mode=mode)
    except OSError as error:
        raise ConfigError(
            "the configuration cannot be edited",
            cause=error.strerror or str(error),
            at=error.filename or file,
        ) from error
    return Change(file, lines)


def _target(places: Places, scope: str) -> str:
    if scope == "user":
        return places.user_config
    if scope != "project":
        raise UsageError(f"there is no scope {scope!r}", hint="--scope project, or --scope user")
    real = os.path.realpath(places.project_config)
    if os.path.dirname(real) != os.path.realpath(places.project):
        # A cloned project could make us edit another file of the user's.
        raise ConfigError(
            "the project's configuration is a link that leads out of the project",
            cause=f"it leads to {real}",
            at=places.project_config,
            hint=f"edit {real} by hand, or replace the link by a file",
        )
    return places.project_config


def _read(file: str) -> str:
    """Return the text of a file that is TOML, byte order mark and all."""
    text = ""
    try:
        text = read_text(file, keep_mark=True)
        tomllib.loads(text.removeprefix("\ufeff"))
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(unreadable(file, text, error)) from error
    return text


def _unreadable(finding: Finding) -> ConfigError:
    return ConfigError(
        "the configuration is left as it is",
        cause=finding.message,
        at=finding.at,
        hint=finding.fix,
    )


def _words(path: tuple[str, ...], value: Any) -> str:
    from .settings import dotted, hide

    key = dotted(path)
    return f"{key} removed" if value is GONE else f"{key} = {to_toml(hide(value, path[-1]))}"
