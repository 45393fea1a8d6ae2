"""Count downloads: in memory at once, in the database now and then."""

from __future__ import annotations

import time
from threading import Lock

from .database import Database

__all__ = ["Counts"]

_EVERY = 10.0


class Counts:
    """How often each skill was downloaded from this server.

    :param database: where the numbers are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = Lock()
        self._known: dict[str, int] = dict(database.read("SELECT skill, count FROM download"))
        self._new: dict[str, int] = {}
        self._written = time.monotonic()

    def of(self, skill: str) -> int:
        """Return how often a skill was downloaded."""
        return self._known.get(skill, 0)

    def add(self, skill: str) -> None:
        """Count one download."""
        with self._lock:
            self._known[skill] = self._known.get(skill, 0) + 1
            self._new[skill] = self._new.get(skill, 0) + 1
        if time.monotonic() - self._written > _EVERY:
            self.save()

    def save(self) -> None:
        """Write what was counted since the last time."""
        with self._lock:
            rows, self._new = list(self._new.items()), {}
            self._written = time.monotonic()
        if rows:
            self._database.write_many(
                "INSERT INTO download VALUES (?, ?)"
                " ON CONFLICT (skill) DO UPDATE SET count = count + excluded.count",
                rows,
            )
