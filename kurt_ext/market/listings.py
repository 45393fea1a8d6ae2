"""Make the row of a skill in the index from its document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .documents.skill import SkillDocument

__all__ = ["listing"]

_SUMMARY = 300


def listing(document: Mapping[str, Any], pointer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of the index: what is searched for, of the latest version.

    Where no version is offered, the newest tells what it was.

    :param document: of a skill.
    :param pointer: where it lies.
    """
    model = SkillDocument.of(document)
    offered = model.latest
    shown = offered or model.releases[-1]
    manifest: Mapping[str, Any] = shown.manifest
    words = [kind.rpartition(".")[2] for kind in shown.kinds]
    row: dict[str, Any] = {
        "id": model.id,
        "title": _line(manifest.get("name") or model.id, 128),
        "summary": _line(manifest.get("description") or "", _SUMMARY),
        "kinds": list(shown.kinds),
        "tags": [_line(tag, 64) for tag in list(manifest.get("tags") or ())[:64]],
        "publisher": model.publisher,
        "status": model.project_status.status,
        "permissions": sorted(key for key, value in shown.permissions.items() if value),
        "updated": max(release.published for release in model.releases),
        "detail": dict(pointer),
    }
    word = manifest.get("type") or (words[0] if words else None)
    if word:
        row["type"] = word
    if offered is not None:
        row["latest"] = offered.version
    if shown.scan is not None:
        row["score"] = shown.scan.score
    return row


def _line(text: str, most: int) -> str:
    """Return a text on one line, cut where it is too long."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"
