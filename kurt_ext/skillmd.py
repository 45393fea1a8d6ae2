"""Read a SKILL.md into the record: the form of kurt's documents, and the portable one.

In the documents' form kurt's fields stand at the top level. In the portable form of the
Agent Skills specification only six keys do, and kurt's fields are texts under ``metadata``.
A file may mix them.
"""

from __future__ import annotations

from . import fields, frontmatter, names
from .errors import ManifestError
from .readers import Notes, report, text
from .sources import show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .findings import Finding

    Record = dict[str, Any]

__all__ = ["KEYS", "PORTABLE", "read"]

#: The keys of the Agent Skills specification.
PORTABLE = ("name", "description", "license", "compatibility", "metadata", "allowed-tools")
#: Key of SKILL.md → key of the record, but for ``name`` and ``metadata``.
KEYS = {**{key: key for key in fields.SAME}, "type": "type", "allowed-tools": "allowed_tools"}
_KNOWN = frozenset([*KEYS, "name", "metadata"])
#: Keys that other programs read in a SKILL.md. Nothing here obeys them.
_FOREIGN = frozenset(
    [
        "agent",
        "argument-hint",
        "context",
        "disable-model-invocation",
        "effort",
        "model",
        "paths",
        "shell",
        "user-invocable",
        "when_to_use",
    ]
)


def read(
    data: bytes,
    path: str,
    folder_name: str | None,
    findings: list[Finding],
    *,
    alone: bool = True,
) -> tuple[Record, set[str]] | None:
    """Return the record of a SKILL.md and the keys that it states; None without a name.

    :param alone: whether no other manifest says what the skill is called; beside one, a title
        in the name's place is read as the name that it surely means.
    """
    front = frontmatter.split(data, path, findings)
    if front.text is None:
        return None
    values, marks = frontmatter.load(front.text, path, front.line, findings)
    if values is None:
        return None
    notes = Notes(lenient=True)
    record = fields.blank("SKILL.md")
    fields.shared(record, values, KEYS, notes)
    stated = {KEYS[key] for key in values if key in KEYS and values[key] is not None}
    if "metadata" in values:
        from . import compact

        stated |= compact.read(record, values["metadata"], stated, notes)
    for key in values:
        if key not in _KNOWN:
            _other(key, values[key], notes)
    _name(record, values, folder_name, notes, alone=alone)
    if record["description"] is None:
        fix = "say what the skill does and when to use it"
        notes.warn("missing-field", "description is missing", (), fix)
    if "version" not in stated and record["version"] == "0.0.0":
        message = "version is missing; it was read as 0.0.0"
        notes.add("missing-field", "info", message, (), "add version: 0.1.0")
    if notes.items:
        if marks is None:
            marks = frontmatter.locate(front.text, path, front.line)
        report(notes, path, marks, front.line, findings)
    if not record["id"]:
        return None
    return record, stated


def _name(
    record: Record,
    values: dict[str, Any],
    folder_name: str | None,
    notes: Notes,
    *,
    alone: bool,
) -> None:
    """Read a SKILL.md's name; the folder's stands in for listings where there is no valid one."""
    word = text(values.get("name"), ("name",), notes)
    name = ""
    if word is None:
        notes.error(
            "missing-field", "name is missing", (), f"add name: {folder_name or 'my-skill'}"
        )
    else:
        try:
            name = names.skill_name(word)
        except ManifestError as error:
            likely = _likely(word)
            error.hint = f"write it like {likely or 'web-archiver'}"
            if not alone and likely and word.isascii():
                message = f"name {show(word)} is a title; it was read as {likely}"
                notes.warn("invalid-name", message, ("name",), error.hint)
                record["id"] = record["name"] = likely
                return
            notes.broken(error, ("name",))
    if not name:
        try:
            name = names.skill_name(folder_name or "")
        except ManifestError:
            return
    elif folder_name is not None and name != folder_name:
        message = f"name is {show(name)}, the folder is {show(folder_name)}"
        notes.warn("name-and-folder", message, ("name",), f"rename the folder to {name}")
    record["id"] = record["name"] = str(name)


def _likely(word: str) -> str:
    """Return the name that a title surely means: ``Web Fetch`` → ``web-fetch``."""
    letters = [c if c.isascii() and c.isalnum() else " " for c in word.lower()]
    return "-".join("".join(letters).split())[:64].strip("-")


def _other(key: str, value: Any, notes: Notes) -> None:
    """Note a key that is not kurt's."""
    if key == "hooks":
        message = "hooks would run commands; kurt never runs them"
        notes.warn("foreign-hooks", message, (key,), "make sure that you know what they do")
    elif key in _FOREIGN:
        notes.add("foreign-field", "info", f"{key} is for another program", (key,))
    else:
        notes.unknown(key, dict.fromkeys(_KNOWN), ())
