"""Count downloads: in memory at once, in the database now and then."""

from __future__ import annotations

from threading import Lock

from .database import Database

__all__ = ["Counts"]


class Counts:
    """How often each skill was downloaded, from all servers that share a database.

    :param database: where the numbers are kept.
    :raises StorageError: when it cannot be used.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = Lock()
        self._new: dict[str, int] = {}
        self._known: dict[str, int] = {}
        self.save()

    def of(self, skill: str) -> int:
        """Return how often a skill was downloaded, as far as this process knows."""
        return self._known.get(skill, 0)

    def add(self, skill: str) -> None:
        """Count one download."""
        with self._lock:
            self._known[skill] = self._known.get(skill, 0) + 1
            self._new[skill] = self._new.get(skill, 0) + 1

    def save(self) -> None:
        """Write what was counted since the last time, and read what others have counted.

        :raises StorageError: when the database cannot be used; what was counted is kept.
        """
        with self._lock:
            rows, self._new = self._new, {}
        try:
            if rows:
                # In one order everywhere, so that no two servers wait for each other.
                self._database.write_many(
                    "INSERT INTO download VALUES (?, ?) ON CONFLICT (skill)"
                    " DO UPDATE SET count = download.count + excluded.count",
                    sorted(rows.items()),
                )
        except BaseException:
            with self._lock:
                _add(self._new, rows)
            raise
        known = dict(self._database.read("SELECT skill, count FROM download"))
        with self._lock:
            _add(known, self._new)
            self._known = known


def _add(counts: dict[str, int], more: dict[str, int]) -> None:
    for skill, count in more.items():
        counts[skill] = counts.get(skill, 0) + count
