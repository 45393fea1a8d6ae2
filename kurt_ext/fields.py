"""The fields of a manifest: what reads each, and the record that they make together."""

from __future__ import annotations

from . import names, rules, versions
from .readers import checked, each, flag, mapping, rows, table, text, texts
from .sources import show, spell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .readers import Notes, Reader
    from .sources import Pointer

__all__ = [
    "MAX_COMPATIBILITY",
    "MAX_DESCRIPTION",
    "PERMISSIONS",
    "READERS",
    "SAME",
    "SCHEMA",
    "blank",
    "shared",
]

SCHEMA = "kurt.manifest/1"
#: Agent Skills specification, `description` and `compatibility`.
MAX_DESCRIPTION = 1024
MAX_COMPATIBILITY = 500
#: Keys that are spelt alike in SKILL.md, plugin.json and the record.
SAME = (
    "version",
    "description",
    "author",
    "license",
    "homepage",
    "tags",
    "entry_point",
    "implements",
    "capabilities",
    "dependencies",
    "requires",
    "requires_api",
    "requires_python",
    "permissions",
    "min_runtime_version",
    "max_runtime_version",
    "config_schema",
    "compatibility",
)
#: What a skill may ask leave for, each as a list of texts.
PERMISSIONS = (
    "filesystem_read",
    "filesystem_write",
    "network_hosts",
    "external_apis",
    "environment_variables",
    "system_resources",
    "processes",
)


def version(value: Any, at: Pointer, notes: Notes) -> str | None:
    """Read a SemVer version; in SKILL.md a short one is completed."""
    word = text(value, at, notes)
    if word is None or versions.is_semver(word):
        return word
    meant = versions.complete(word) if notes.lenient else None
    if meant is None:
        checked(versions.check)(word, at, notes)
        return None
    message = f"{spell(at)} {show(word)} is not MAJOR.MINOR.PATCH; it was read as {meant}"
    notes.warn("short-version", message, at, f"write it as {meant}")
    return meant


def author(value: Any, at: Pointer, notes: Notes) -> str | None:
    """Read an author: ``Name <address>``, or the mapping that other formats have."""
    if isinstance(value, dict) and isinstance(value.get("name"), str):
        mail = value.get("email")
        name = f"{value['name']} <{mail}>" if isinstance(mail, str) else value["name"]
        word = text(name, at, notes)
        notes.warn("mapping-for-text", f"{spell(at)} is to be text", at, f"write it as {word}")
        return word
    return text(value, at, notes)


def description(value: Any, at: Pointer, notes: Notes) -> str | None:
    """Read the description, which may have several lines."""
    word = text(value, at, notes, lines=True)
    if word is not None and len(word) > MAX_DESCRIPTION:
        message = f"{spell(at)} has {len(word):,} characters; hosts cut it at {MAX_DESCRIPTION:,}"
        notes.warn("long-description", message, at, "move what is more into the body")
    return word


def allowed(value: Any, at: Pointer, notes: Notes) -> str | None:
    """Read the ``allowed-…`` field: words in one text; a list of them is common."""
    if isinstance(value, list) and notes.lenient:
        words = texts(value, at, notes)
        joined = " ".join(words)
        notes.warn("list-for-text", f"{spell(at)} is to be text", at, f"write it as {joined[:80]}")
        return joined or None
    return text(value, at, notes)


_permissions = table(
    {**{name: (texts, []) for name in PERMISSIONS}, "native_code": (flag, False)}, ()
)


def permissions(value: Any, at: Pointer, notes: Notes) -> dict[str, Any] | None:
    """Read what the skill asks leave for; nothing is no leave at all."""
    return None if value is None else _permissions(value, at, notes)


#: Key of the record → its reader, for the keys that both manifests share.
READERS: dict[str, Reader] = {
    "version": version,
    "description": description,
    "author": author,
    "license": text,
    "homepage": text,
    "tags": texts,
    "type": checked(rules.kind_word),
    "entry_point": checked(rules.entry_point),
    "implements": rows(
        table(
            {
                "type": (checked(rules.kind_word), None),
                "class": (checked(rules.class_path), None),
                "name": (checked(rules.extension_name), None),
            },
            ("type", "class", "name"),
        ),
        ("type", "name"),
    ),
    "capabilities": rows(
        table(
            {
                "name": (checked(rules.extension_name), None),
                "description": (description, ""),
                "version": (version, "1.0.0"),
                "parameters": (mapping, {}),
            },
            ("name",),
        ),
        ("name",),
    ),
    "dependencies": rows(
        table(
            {
                "plugin_id": (checked(names.skill_name), None),
                "version_constraint": (checked(versions.check_constraint), "*"),
                "optional": (flag, False),
            },
            ("plugin_id",),
        ),
        ("plugin_id",),
    ),
    "requires_python": checked(rules.python_specifier),
    "requires_api": texts,
    "requires": each(rules.requirement),
    "permissions": permissions,
    "min_runtime_version": checked(versions.check),
    "max_runtime_version": checked(rules.max_version),
    "config_schema": mapping,
    "compatibility": text,
    "allowed_tools": allowed,
}


def blank(source: str) -> dict[str, Any]:
    """Return a record that says nothing yet; every key of a record is in it."""
    return {
        "schema": SCHEMA,
        "id": "",
        "name": "",
        "version": "0.0.0",
        "description": None,
        "author": None,
        "license": None,
        "homepage": None,
        "tags": [],
        "type": None,
        "entry_point": None,
        "implements": [],
        "capabilities": [],
        "dependencies": [],
        "requires_python": None,
        "requires_api": [],
        "requires": [],
        "permissions": {**{name: [] for name in PERMISSIONS}, "native_code": False},
        "min_runtime_version": None,
        "max_runtime_version": "*",
        "config_schema": {},
        "compatibility": None,
        "allowed_tools": None,
        "metadata": {},
        "source": source,
        "config": {},
    }


def shared(
    record: dict[str, Any], fields: Mapping[str, Any], keys: Mapping[str, str], notes: Notes
) -> None:
    """Read into ``record`` the fields that ``keys`` names: key of the file → key of the record."""
    for key, value in fields.items():
        name = keys.get(key)
        if name is None:
            continue
        found = READERS[name](value, (key,), notes)
        if found is not None:
            record[name] = found
