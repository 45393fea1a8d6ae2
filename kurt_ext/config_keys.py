"""The keys that may stand in a ``kurt.toml``, and what their values must be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

__all__ = ["FIXED", "KEYS", "LISTS", "PLUGIN_KEYS", "Key", "describe", "fits"]


class Key(NamedTuple):
    """A key that may stand in a ``kurt.toml``; capitals in ``name`` stand for words of yours."""

    name: str
    type: str
    default: str
    text: str


#: Every key that there is; ``kurt config explain KEY`` prints its line.
KEYS = (
    Key(
        "skill_paths",
        "array of strings",
        "[]",
        "Further folders of skill folders; `~` is the home directory, and a path that is not "
        "whole begins at the folder of the file.",
    ),
    Key(
        "KIND.enabled",
        "array of strings",
        "everything trusted; nothing of a kind that runs only what is named",
        'The extensions that may run, in order: EXTENSION, SKILL:EXTENSION, SKILL or "*"; '
        "exact where it stands, and the project's replaces the user's.",
    ),
    Key(
        "KIND.disabled",
        "array of strings",
        "[]",
        "The extensions that may not run, whatever enables them; the user's and the project's "
        "count both.",
    ),
    Key(
        "KIND.ROLE",
        "string",
        "the kind's own",
        "The extension that fills a role of the kind.",
    ),
    Key(
        "KIND.EXTENSION.OPTION",
        "any",
        "the extension's own",
        "An option of one extension; a string `env:VAR` stands for the variable's value.",
    ),
    Key(
        "skill.NAME.SETTING",
        "any",
        "the skill's own",
        "A setting of one skill, among them a key for each service of its `requires_api`; a "
        "string `env:VAR` stands for the variable's value, and tables of both files are joined.",
    ),
    Key(
        "plugin.NAME.enabled",
        "boolean",
        "its config.json's, else true",
        "Whether the plugin may be loaded.",
    ),
    Key(
        "plugin.NAME.auto_load",
        "boolean",
        "its config.json's, else false",
        "Whether the plugin is loaded when a host starts.",
    ),
    Key(
        "plugin.NAME.priority",
        "integer",
        "its config.json's, else 100",
        "Order of loading at start, dependencies apart; the lowest is first.",
    ),
    Key(
        "plugin.NAME.timeout_seconds",
        "number",
        "the host's",
        "Seconds that each hook of the plugin's life may take; more than 0.",
    ),
    Key(
        "plugin.NAME.sandbox_config_override",
        "table",
        "its config.json's",
        "Limits of the plugin's isolation that differ here; joined with its config.json's.",
    ),
)
#: Words at the top that no kind may have.
FIXED = ("skill_paths", "skill", "plugin")
SANDBOX = "sandbox_config_override"
#: Key of a table `[plugin.NAME]` → what its value must be, and what it is taken for if not.
PLUGIN_KEYS: dict[str, tuple[str, Any]] = {
    "enabled": ("true or false", False),
    "auto_load": ("true or false", False),
    "priority": ("a whole number of at most 64 bits", None),
    "timeout_seconds": ("a number of seconds, more than 0", None),
    SANDBOX: ("a table", None),
}
LISTS = ("enabled", "disabled")


def describe(path: Iterable[str]) -> Key | None:
    """Return the line of :data:`KEYS` for a key given by its parts, or None."""
    parts = tuple(path)
    by_name = {key.name: key for key in KEYS}
    if parts == ("skill_paths",):
        return by_name["skill_paths"]
    if not parts or parts[0] == "skill_paths":
        return None
    if parts[0] == "skill":
        return by_name["skill.NAME.SETTING"] if len(parts) > 1 else None
    if parts[0] == "plugin":
        if len(parts) != 3 and not (len(parts) > 3 and parts[2] == SANDBOX):
            return None
        return by_name.get(f"plugin.NAME.{parts[2]}")
    if len(parts) == 2:
        return by_name[f"KIND.{parts[1]}" if parts[1] in LISTS else "KIND.ROLE"]
    return by_name["KIND.EXTENSION.OPTION"] if len(parts) > 2 and parts[1] not in LISTS else None


def fits(key: str, value: Any) -> bool:
    """Return whether a value is one for a key of the table ``[plugin.NAME]``."""
    if key in ("enabled", "auto_load"):
        return isinstance(value, bool)
    if key == SANDBOX:
        return isinstance(value, dict)
    if isinstance(value, bool):
        return False
    if key == "priority":
        return isinstance(value, int) and -(2**63) <= value < 2**63
    return isinstance(value, (int, float)) and 0 < value < float("inf")
