"""What there is to say about a skill, taken from its documents: for the API and for the pages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..errors import KurtError, NotFoundError
from ..grants import Grants
from ..market.advisories import affects
from ..market.documents.advisory import Advisory
from ..market.documents.base import Pointer
from ..market.documents.release import FilesSource, Release
from ..market.documents.skill import SkillDocument
from ..market.layout import blob
from ..names import suggest
from ..semver import key
from .readme import MAX_TEXT
from .shelf import Edition, Shelf

__all__ = [
    "concerning",
    "download",
    "findings",
    "in_words",
    "newest_first",
    "readme_of",
    "reported",
    "rows_of",
    "the_release",
]

_READMES = ("README.md", "SKILL.md")
_MAX_REPORT = 4 << 20
#: Findings that a page shows; of more, it says how many there are.
_FINDINGS = 100
_GRAVE_FIRST = ("critical", "high", "error", "medium", "warning", "low", "info")


def newest_first(document: SkillDocument) -> list[Release]:
    """Return the releases, the newest version first."""
    return sorted(document.releases, key=lambda one: key(one.version), reverse=True)


def the_release(document: SkillDocument, version: str) -> Release:
    """Return a release; that of ``latest`` is the newest that is offered.

    :raises NotFoundError: when there is none.
    """
    found = document.latest if version == "latest" else document.release(version)
    if found is None:
        near = suggest(version, document.versions)
        raise NotFoundError(
            f"there is no {document.id} {version[:128]}", candidates=near or document.versions[-3:]
        )
    return found


def concerning(edition: Edition, document: SkillDocument, release: Release) -> list[Advisory]:
    """Return the advisories that are about a release."""
    name, digest = edition.meta.name, release.source.digest
    return [
        one
        for one in edition.advisories
        if affects(one, name, document.id, release.version, digest)
    ]


def download(document: SkillDocument, release: Release) -> tuple[str, Pointer]:
    """Return the name and the place of what is downloaded of a release: its zip, or a wheel.

    :raises NotFoundError: when it has no archive.
    """
    source = release.source
    if isinstance(source, FilesSource):
        if source.archive is None:
            raise NotFoundError(f"{document.id} {release.version} has no archive")
        return f"{document.id}-{release.version}.zip", source.archive
    wheel = next((one for one in source.wheels if "-none-any" in one.filename), source.wheels[0])
    return wheel.filename, Pointer(url=wheel.url, digest=wheel.digest, size=wheel.size)


def rows_of(value: Any) -> list[dict[str, Any]]:
    """Return the objects in a list that may be anything else."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def in_words(permissions: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each thing that a skill may do."""
    return Grants.of(permissions).in_words()


def readme_of(shelf: Shelf, release: Release) -> tuple[str, str, bool]:
    """Return the name and the text of the file that tells what a skill is, and whether it is cut.

    ``README.md``, else what SKILL.md says below its front matter; "" where there is neither.
    """
    source = release.source
    if not isinstance(source, FilesSource):
        return "", "", False
    files = {file.path: file for file in source.files}
    for name in _READMES:
        file = files.get(name)
        if file is None:
            continue
        try:
            pointer = Pointer(url=blob(file.digest), digest=file.digest, size=file.size)
            data = shelf.bytes_of(pointer, file.size)
        except KurtError:
            continue
        text = data.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n")
        if name == "SKILL.md" and text.startswith("---\n"):
            text = text[4:].partition("\n---\n")[2]
        return name, text[:MAX_TEXT], len(text) > MAX_TEXT
    return "", "", False


def findings(shelf: Shelf, release: Release) -> tuple[list[dict[str, Any]], int]:
    """Return what the validator found, the gravest first, and how much more there is."""
    rows = reported(shelf, release) or []
    return rows[:_FINDINGS], max(0, len(rows) - _FINDINGS)


def reported(
    shelf: Shelf, release: Release, limit: int = _MAX_REPORT
) -> list[dict[str, Any]] | None:
    """Return all that the validator found, the gravest first.

    :param limit: bytes of the report that are read.
    :returns: None where there is no report, or a longer one.
    """
    scan = release.scan
    if scan is None or scan.report is None:
        return None
    try:
        report = json.loads(shelf.bytes_of(scan.report, limit))
        rows = [row for row in report["findings"] if isinstance(row, dict)]
    except (KurtError, ValueError, LookupError, TypeError, RecursionError):
        return None
    return [_finding(row) for row in sorted(rows, key=_gravity)]


def _gravity(row: Mapping[str, Any]) -> int:
    word = row.get("severity")
    return _GRAVE_FIRST.index(word) if word in _GRAVE_FIRST else len(_GRAVE_FIRST)


def _finding(row: Mapping[str, Any]) -> dict[str, Any]:
    texts = {key: str(row.get(key) or "")[:500] for key in ("severity", "message", "fix", "why")}
    place = str(row.get("path") or "")[:200]
    if row.get("line"):
        place += f":{row['line']}"
    return {**texts, "rule": str(row.get("rule") or "")[:80], "place": place}
