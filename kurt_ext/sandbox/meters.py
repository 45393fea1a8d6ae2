"""How much memory processes use, as the system tells it."""

from __future__ import annotations

import os
from typing import NamedTuple

__all__ = ["memory"]


class _Row(NamedTuple):
    parent: int
    group: int
    held: int


def memory(pid: int) -> int:
    """Return the bytes that a process, its group and its descendants hold; 0 where none can tell.

    What they share is counted once for each of them.
    """
    rows = {int(name): row for name in _names() if (row := _row(name)) is not None}
    members = {number for number, row in rows.items() if number == pid or row.group == pid}
    while True:
        more = {n for n, row in rows.items() if row.parent in members} - members
        if not more:
            return sum(rows[number].held for number in members)
        members |= more


def _names() -> list[str]:
    try:
        return [name for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []


def _row(name: str) -> _Row | None:
    try:
        with open(f"/proc/{name}/stat", "rb") as file:
            # The name of the program is in brackets, and may hold anything (proc(5)).
            fields = file.read().rpartition(b")")[2].split()
    except OSError:  # it has ended meanwhile
        return None
    return _Row(int(fields[1]), int(fields[2]), int(fields[21]) * os.sysconf("SC_PAGE_SIZE"))
