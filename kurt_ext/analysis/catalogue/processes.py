"""What starts, replaces or signals programs."""

from __future__ import annotations

from .meaning import Meaning, Table

__all__ = ["TABLE"]

_STARTS = Meaning(
    "process", "critical", "processes", "starts a program", "dangerous", "program", 0, "args"
)

TABLE: Table = (
    (
        _STARTS,
        """
        os: system popen
        subprocess
        """,
    ),
    (None, "subprocess: PIPE STDOUT DEVNULL"),
)
