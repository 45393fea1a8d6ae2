"""What came of a save, and the save itself."""

from __future__ import annotations

import os
import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .errors import KurtError

__all__ = ["OUTCOMES", "Change", "Save", "join"]

#: What may come of a change.
OUTCOMES = ("loaded", "reloaded", "rolled-back", "failed", "refused", "unloaded")

#: Seconds; a time stamp older than this was carried over from another file.
_OLD = 10.0


@dataclass(frozen=True, slots=True)
class Change:
    """What came of a save.

    :param folder: the skill's folder.
    :param files: those that changed, relative to the folder; ``.`` is the folder itself.
    :param outcome: one of :data:`OUTCOMES`. After ``rolled-back`` the old code runs on.
    :param generation: the import of its code that runs now, from 1; 0 where none does.
    :param ms: from the save to the outcome, in milliseconds.
    :param error: why it is rolled back, failed or refused.
    """

    plugin_id: str
    version: str
    folder: str
    files: tuple[str, ...]
    outcome: str
    generation: int
    ms: float
    error: KurtError | None = None

    @property
    def ok(self) -> bool:
        """Whether what was saved runs, or what was removed is gone."""
        return self.error is None

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "plugin_id": self.plugin_id,
            "version": self.version,
            "folder": self.folder,
            "files": list(self.files),
            "outcome": self.outcome,
            "generation": self.generation,
            "ms": round(self.ms, 3),
            "error": None if self.error is None else self.error.as_dict(),
        }


class Save:
    """What was saved in a folder, and is to be done something about.

    :param burst: the number of the burst that brought it.
    """

    __slots__ = ("burst", "files", "since")

    def __init__(self, files: Collection[str], burst: int) -> None:
        self.files = set(files)
        self.burst = burst
        self.since = time.time_ns()

    def join(self, files: Collection[str], burst: int) -> None:
        """Add what was saved later."""
        self.files.update(files)
        self.burst = max(self.burst, burst)

    def moment(self, folder: str) -> int:
        """Return when it was saved, in nanoseconds: by the time stamps, where they are recent."""
        newest = 0
        for name in self.files:
            try:
                seen = os.stat(os.path.join(folder, name))
            except OSError:
                continue
            # An atomic save may carry the mtime of another file; the ctime is its own.
            newest = max(newest, seen.st_mtime_ns, seen.st_ctime_ns)
        return newest if self.since - _OLD * 1e9 < newest < time.time_ns() else self.since


def join(told: list[Change], change: Change) -> None:
    """Add a change to those of the same save, in the place of the one that it completes."""
    before = next((item for item in reversed(told) if item.plugin_id == change.plugin_id), None)
    if before is not None:
        completes = before.outcome in ("loaded", "reloaded") and change.outcome == "reloaded"
        if completes:
            change = replace(change, outcome=before.outcome)
        if completes or not before.ok:
            told.remove(before)
    told.append(change)
