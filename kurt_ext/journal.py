"""Tell which skills are being installed or removed: what is begun, and not yet noted as done.

Every installation writes down what it is about to do, in ``<data>/installs/<scope>/journal``,
and removes that when it is done; what a process that died has left there is finished, or
taken back, by the next command that installs.
"""

from __future__ import annotations

import json
import os

from .names import slug

__all__ = ["entries", "is_begun"]


def entries(folder: str, *, prefix: str = "") -> list[str]:
    """Return the files of a scope's journal, sorted; none where it has none.

    :param folder: ``Receipts.folder``.
    :param prefix: what their names begin with.
    """
    journal = os.path.join(folder, "journal")
    try:
        names = sorted(os.listdir(journal))
    except OSError:
        return []
    return [
        os.path.join(journal, name)
        for name in names
        if name.startswith(prefix) and name.endswith(".json")
    ]


def is_begun(folder: str, name: str) -> bool:
    """Return whether something was begun with a skill that is not noted as done.

    :param folder: ``Receipts.folder``.
    """
    for path in entries(folder):
        try:
            with open(path, "rb") as stream:
                row = json.loads(stream.readline())
            if slug(row["name"]) == slug(name):
                return True
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            continue  # it is done by now, or says nothing
    return False
