"""Hold a distribution that kurt has installed to the wheel that it came in.

Its files lie among those of all others, so that only the wheel's own are looked at. Where
somebody has installed another version since, by pip or uv, that one is theirs, and nothing
is said here.
"""

from __future__ import annotations

import os
from hashlib import sha256
from shlex import quote
from typing import TYPE_CHECKING, Any

from .errors import IntegrityError
from .intact import read_receipt, receipt_path

if TYPE_CHECKING:
    from .places import Places

__all__ = ["hold_wheel", "receipt_of"]

_SHOWN = 5
_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


def receipt_of(places: Places, name: str, dist_info: str) -> tuple[str, dict[str, Any]] | None:
    """Return the scope and the receipt by which kurt has installed a distribution; None without.

    :param dist_info: its ``*.dist-info``.
    :raises IntegrityError: when a receipt is damaged.
    """
    for scope in ("project", "user"):
        path = receipt_path(places, scope, name)
        if not os.path.lexists(path):
            continue
        row = read_receipt(path, name)
        wheel = str((row or {}).get("locked", {}).get("wheel") or "")
        stem = "-".join(wheel.split("-")[:2]) + ".dist-info"
        if row is not None and not row.get("folder") and stem == os.path.basename(dist_info):
            return scope, row
    return None


def hold_wheel(places: Places, name: str, dist_info: str) -> None:
    """Raise where a distribution was installed by kurt and is not what was installed.

    :param dist_info: its ``*.dist-info``.
    :raises IntegrityError: with the files.
    """
    found = receipt_of(places, name, dist_info)
    if found is None:
        return
    scope, row = found
    site = os.path.dirname(dist_info)
    files = row.get("files")
    wrong = [
        path
        for path, file in (files.items() if isinstance(files, dict) else ())
        if not _is(os.path.join(site, *str(path).split("/")), file)
    ]
    if not wrong:
        return
    whose = "" if scope == "project" else f" --scope {scope}"
    more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
    raise IntegrityError(
        f"{name} is not as it was installed, so it is not used",
        cause=f"changed since: {', '.join(sorted(wrong)[:_SHOWN])}{more}",
        at=os.path.join(site, sorted(wrong)[0]),
        hint=f"kurt sync{whose}, which puts {quote(str(row['locked'].get('version', '')))} back",
        skill=name,
        files=sorted(wrong),
    )


def _is(path: str, file: Any) -> bool:
    """Return whether a file is what a receipt says: its digest and its size."""
    try:
        said, size = str(file[0]), int(file[1])
        descriptor = os.open(path, _READ)
        with os.fdopen(descriptor, "rb", buffering=0) as stream:
            if os.fstat(descriptor).st_size != size:
                return False
            return f"sha256:{sha256(stream.readall()).hexdigest()}" == said
    except (OSError, TypeError, ValueError, LookupError):
        return False
