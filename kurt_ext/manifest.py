"""Read the manifest of a skill's folder: SKILL.md, plugin.json, or both, into one record."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from .findings import Finding

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
#: Bytes of front matter, the two fences not counted.
MAX_FRONT_MATTER = 64 * 1024
#: Bytes of a manifest file; a larger one is refused unread.
MAX_MANIFEST = 1024 * 1024


class Reading:
    """What a folder's manifests say, and what is wrong with them.

    :param folder: the skill's folder.
    :param record: the normalised manifest, or None where not even a name was found.
    :param findings: deviations and errors; their paths are relative to the folder.
    :param files: the manifest files that are there.
    :param code: whether the folder holds the code that the manifest points to.
    """

    __slots__ = ("code", "files", "findings", "folder", "record")

    def __init__(
        self,
        folder: str,
        record: dict[str, Any] | None,
        findings: tuple[Finding, ...],
        files: tuple[str, ...],
        code: bool,
    ) -> None:
        self.folder = folder
        self.record = record
        self.findings = findings
        self.files = files
        self.code = code

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
    raise NotImplementedError


def parse_skill_md(
    data: bytes, *, path: str = "SKILL.md", folder_name: str | None = None
) -> tuple[dict[str, Any] | None, tuple[Finding, ...]]:
    """Return the record and the findings of a SKILL.md's bytes."""
    raise NotImplementedError


def parse_plugin_json(
    data: bytes, *, path: str = "plugin.json", folder_name: str | None = None
) -> tuple[dict[str, Any] | None, tuple[Finding, ...]]:
    """Return the record and the findings of a plugin.json's bytes."""
    raise NotImplementedError
