"""Read the manifest of a skill's folder: SKILL.md, plugin.json, or both, into one record.

Leniently: a deviation that leaves no doubt about what was meant is a finding, and
the skill can be used. An error is a finding too; nothing here raises for what a
file holds. What publishing asks for is in `portable`.
"""

from __future__ import annotations

import os

from . import skillmd
from .findings import Finding
from .frontmatter import MAX_FRONT_MATTER
from .readers import Notes, report
from .sources import MAX_MANIFEST, fetch, show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    Record = dict[str, Any]
    Parsed = tuple[Record | None, tuple[Finding, ...]]

__all__ = [
    "MANIFESTS",
    "MAX_FRONT_MATTER",
    "MAX_MANIFEST",
    "Reading",
    "parse_plugin_json",
    "parse_skill_md",
    "read",
]

#: The files that make a folder a skill, in the order in which they are read.
MANIFESTS = ("SKILL.md", "plugin.json")
_CONFIG = "config.json"
#: Module that holds a skill's code where the manifest names no other.
_MODULE = "skill"
#: Where two manifests of one folder differ in these, somebody is being misled.
_WEIGHTY = frozenset(
    ["version", "type", "entry_point", "implements", "dependencies", "requires", "permissions"]
)


class Reading:
    """What a folder's manifests say, and what is wrong with them.

    :param folder: the skill's folder.
    :param record: the normalised manifest, or None where not even a name was found.
    :param findings: deviations and errors; their paths are relative to the folder.
    :param files: the manifest files that are there.
    :param code: whether the folder holds the code that the manifest points to.
    :param stated: the keys of the record that a manifest states, if only as empty.
    """

    __slots__ = ("code", "files", "findings", "folder", "record", "stated")

    def __init__(
        self,
        folder: str,
        record: Record | None,
        findings: tuple[Finding, ...],
        files: tuple[str, ...],
        code: bool,
        stated: frozenset[str] = frozenset(),
    ) -> None:
        self.folder = folder
        self.record = record
        self.findings = findings
        self.files = files
        self.code = code
        self.stated = stated

    @property
    def name(self) -> str | None:
        """The skill's name, where one was found."""
        return None if self.record is None else str(self.record["id"])

    @property
    def ok(self) -> bool:
        """Whether the skill can be used."""
        return self.record is not None and not any(f.fatal for f in self.findings)

    def __repr__(self) -> str:
        return f"<Reading {self.name} ok={self.ok} {self.folder}>"


def read(folder: str, names: Collection[str] | None = None) -> Reading:
    """Read the manifests of a folder; never raises for what lies in it.

    :param names: the folder's entries, where the caller has listed them already.
    """
    if names is None:
        try:
            names = os.listdir(folder)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            message = f"the folder cannot be listed: {reason}"
            return Reading(
                folder, None, (Finding("folder-unreadable", "error", message),), (), False
            )
    files = tuple([name for name in MANIFESTS if name in names])
    if not files:
        return Reading(folder, None, (_missing(names),), (), False)
    findings: list[Finding] = []
    title = os.path.basename(folder) or os.path.basename(os.path.normpath(folder))
    skill = plugin = None
    data = b""
    for name in files:
        content = fetch(os.path.join(folder, name), name)
        if isinstance(content, Finding):
            findings.append(content)
        elif name == "SKILL.md":
            skill = skillmd.read(content, name, title, findings, alone=len(files) == 1)
        else:
            # Imported where there is one: most folders have a SKILL.md alone.
            from . import pluginjson

            data = content
            plugin = pluginjson.read(content, name, findings, alone=len(files) == 1)
    if plugin and _CONFIG in names:
        from . import pluginjson

        content = fetch(os.path.join(folder, _CONFIG), _CONFIG)
        if isinstance(content, Finding):
            findings.append(content)
        else:
            plugin[0]["config"] = pluginjson.config(content, _CONFIG, plugin[0]["id"], findings)
    record = _united(skill, plugin, data, findings)
    code = record is not None and _has_code(record, folder, names, findings)
    stated = frozenset((skill[1] if skill else set()) | (plugin[1] if plugin else set()))
    return Reading(folder, record, tuple(findings), files, code, stated)


def parse_skill_md(
    data: bytes, *, path: str = "SKILL.md", folder_name: str | None = None
) -> Parsed:
    """Return the record and the findings of a SKILL.md's bytes.

    :param path: the file, as findings call it.
    :param folder_name: the name of the folder it lies in, which should be the skill's.
    """
    findings: list[Finding] = []
    found = skillmd.read(data, path, folder_name, findings)
    return (found[0] if found else None), tuple(findings)


def parse_plugin_json(
    data: bytes, *, path: str = "plugin.json", folder_name: str | None = None
) -> Parsed:
    """Return the record and the findings of a plugin.json's bytes.

    :param path: the file, as findings call it.
    :param folder_name: taken for symmetry; a plugin's folder may have any name.
    """
    from . import pluginjson

    findings: list[Finding] = []
    found = pluginjson.read(data, path, findings, alone=True)
    return (found[0] if found else None), tuple(findings)


def _missing(names: Collection[str]) -> Finding:
    other = next((name for name in sorted(names) if name.lower() in ("skill.md",)), None)
    message = "there is neither a SKILL.md nor a plugin.json"
    fix = f"rename {show(other)} to SKILL.md" if other else "write a SKILL.md"
    return Finding("manifest-missing", "error", message, fix=fix)


def _united(
    skill: tuple[Record, set[str]] | None,
    plugin: tuple[Record, set[str]] | None,
    data: bytes,
    findings: list[Finding],
) -> Record | None:
    """Return one record for the folder; what both manifests state, they must state alike."""
    if skill is None or plugin is None:
        only = skill or plugin
        return only[0] if only else None
    record, stated = skill
    other, more = plugin
    notes = Notes(lenient=False)
    if _flat(record["id"]) not in (_flat(other["id"]), _flat(other["id"].rpartition(".")[2])):
        message = f"SKILL.md is {show(record['id'])}, plugin.json is {show(other['id'])}"
        notes.error("manifest-conflict", message, ("plugin_id",), "give both the same name")
    skipped = ("schema", "id", "name", "source", "config", "metadata")
    for key in [key for key in other if key not in skipped and key in more]:
        if key not in stated:
            record[key] = other[key]
        elif record[key] != other[key]:
            severity = "error" if key in _WEIGHTY else "warning"
            message = f"{key} is not what SKILL.md says"
            at = "plugin_type" if key == "type" else key
            notes.add("manifest-conflict", severity, message, (at,), "make both say the same")
    record["metadata"] = {**other["metadata"], **record["metadata"]}
    record.update(id=other["id"], name=other["name"], config=other["config"])
    record["source"] = "SKILL.md+plugin.json"
    if notes.items:
        from . import strictjson

        report(notes, "plugin.json", strictjson.locate(data), 1, findings)
    return record


def _flat(name: str) -> str:
    """Return a name without what its two spellings differ in: ``word-count``, ``wordcount``."""
    return name.replace("-", "").replace("_", "")


def _has_code(
    record: Record, folder: str, entries: Collection[str], findings: list[Finding]
) -> bool:
    """Return whether the folder holds the module that the record names; report where it must."""
    module = (record["entry_point"] or _MODULE).partition(":")[0]
    if _is_module(module, folder, entries):
        return True
    if record["implements"] or record["entry_point"] or record["source"] == "plugin.json":
        file = module.replace(".", "/") + ".py"
        path = "plugin.json" if record["source"] == "plugin.json" else "SKILL.md"
        last = module.rpartition(".")[2]
        found = f"{last}.py" in entries and f"; or write entry_point {last}"
        message = f"the manifest names code in {file}, and there is no such file"
        findings.append(
            Finding("code-missing", "error", message, path=path, fix=f"write {file}{found or ''}")
        )
    return False


def _is_module(module: str, folder: str, entries: Collection[str]) -> bool:
    first, dot, _ = module.partition(".")
    if not dot and f"{module}.py" in entries:
        return True
    if first in entries:
        base = os.path.join(folder, *module.split("."))
        if os.path.isfile(os.path.join(base, "__init__.py")) or os.path.isfile(base + ".py"):
            return True
    # An extension module: skill.cpython-311-x86_64-linux-gnu.so
    return not dot and any(
        name.startswith(f"{module}.") and name.endswith((".so", ".pyd")) for name in entries
    )
