"""Read a plugin.json and the config.json beside it."""

from __future__ import annotations

from . import compact, fields, names, strictjson
from .findings import Finding
from .readers import Notes, checked, flag, mapping, report, text
from .sources import Refused, show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .sources import Pointer

    Record = dict[str, Any]

__all__ = ["CONFIG_KEYS", "KEYS", "config", "read"]

#: Key of plugin.json → key of the record, but for ``plugin_id``, ``name`` and ``metadata``.
KEYS = {
    **{key: key for key in fields.SAME},
    "plugin_type": "type",
    "allowed_tools": "allowed_tools",
}
_KNOWN = frozenset([*KEYS, "plugin_id", "name", "metadata", "$schema"])
#: A plugin.json of this schema is another program's (Agent Plugins 1.0.0).
_AGENT_PLUGINS = "agent-plugins.org/"
_skill_name = checked(names.skill_name)


def _whole(value: Any, at: Pointer, notes: Notes) -> None:
    if type(value) is not int:
        notes.wrong(value, "a whole number", at)


#: Key of config.json → what checks its value.
CONFIG_KEYS: dict[str, Callable[[Any, Pointer, Notes], object]] = {
    "plugin_id": text,
    "enabled": flag,
    "auto_load": flag,
    "priority": _whole,
    "config": mapping,
    "sandbox_config_override": mapping,
}


def read(
    data: bytes, path: str, findings: list[Finding], alone: bool
) -> tuple[Record, set[str]] | None:
    """Return the record of a plugin.json and the keys that it states; None without an id."""
    try:
        values = strictjson.load(data, path, findings)
    except Refused as refused:
        findings.append(refused.finding)
        return None
    if not isinstance(values, dict):
        message = "plugin.json is not an object of fields"
        findings.append(Finding("not-an-object", "error", message, path=path, line=1, column=1))
        return None
    if "plugin_id" not in values and _AGENT_PLUGINS in str(values.get("$schema")):
        severity = "error" if alone else "info"
        message = "this plugin.json is of another program (Agent Plugins)"
        fix = "add a SKILL.md" if alone else ""
        findings.append(Finding("foreign-manifest", severity, message, path=path, line=1, fix=fix))
        return None
    notes = Notes(lenient=False)
    record = fields.blank("plugin.json")
    fields.shared(record, values, KEYS, notes)
    stated = {KEYS[key] for key in values if key in KEYS and values[key] is not None}
    if "metadata" in values:
        stated |= compact.read(record, values["metadata"], stated, notes)
    for key in values:
        if key not in _KNOWN:
            notes.unknown(key, dict.fromkeys(_KNOWN), ())
    record["id"] = _skill_name(values.get("plugin_id"), ("plugin_id",), notes) or ""
    record["name"] = text(values.get("name"), ("name",), notes) or record["id"]
    _demand(record, values, notes)
    if notes.items:
        report(notes, path, strictjson.locate(data), 1, findings)
    if not record["id"]:
        return None
    return record, stated


def _demand(record: Record, values: dict[str, Any], notes: Notes) -> None:
    """Note what a plugin.json must have, or should."""
    said = bool(record["implements"])
    for key, needed in (
        ("plugin_id", True),
        ("name", True),
        ("version", True),
        ("plugin_type", not said),
        ("entry_point", not said),
        ("description", None),
        ("author", None),
    ):
        if values.get(key) in (None, ""):
            if needed:
                notes.error("missing-field", f"{key} is missing", (), f'add "{key}"')
            elif needed is None:
                notes.warn("missing-field", f"{key} is missing", (), f'add "{key}"')


def config(data: bytes, path: str, plugin_id: str, findings: list[Finding]) -> dict[str, Any]:
    """Return the content of a config.json, checked; {} where it cannot be used.

    :param plugin_id: the id in the manifest beside it.
    """
    try:
        values = strictjson.load(data, path, findings)
    except Refused as refused:
        findings.append(refused.finding)
        return {}
    notes = Notes(lenient=False)
    for key, value in mapping(values, (), notes).items():
        if key in CONFIG_KEYS:
            CONFIG_KEYS[key](value, (key,), notes)
        else:
            notes.unknown(key, CONFIG_KEYS, ())
    if isinstance(values, dict) and values.get("plugin_id", plugin_id) != plugin_id:
        message = f"plugin_id is {show(str(values['plugin_id']))}, the manifest's {show(plugin_id)}"
        notes.error("manifest-conflict", message, ("plugin_id",), f"write {plugin_id}")
    if notes.items:
        report(notes, path, strictjson.locate(data), 1, findings)
    return values if isinstance(values, dict) else {}
