"""How much memory processes use, as the system tells it."""

from __future__ import annotations

import os

__all__ = ["group_memory"]


def group_memory(group: int) -> int:
    """Return the bytes that the processes of a group hold in memory; 0 where nobody can tell.

    What they share is counted once for each of them.
    """
    found = 0
    try:
        names = os.listdir("/proc")
    except OSError:
        return 0
    for name in names:
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                # The name of the program is in brackets, and may hold anything (proc(5)).
                fields = file.read().rpartition(b")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        if int(fields[2]) == group:
            found += int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    return found
