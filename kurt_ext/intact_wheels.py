"""Hold a distribution that kurt has installed to the wheel that it came in.

Its files lie among those of all others, so that only the wheel's own are looked at. Where
somebody has installed another version since, by pip or uv, that one is theirs, and nothing
is said here. Files come and go one by one: while they do, nothing of it is loaded.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from hashlib import sha256
from shlex import quote
from typing import TYPE_CHECKING, Any

from .errors import IntegrityError, LockedError
from .intact import read_receipt, receipt_path
from .journal import is_begun
from .scope_lock import still

if TYPE_CHECKING:
    from .places import Places

__all__ = ["hold_wheel", "receipt_of"]

_SHOWN = 5
_SCOPES = ("project", "user")
_WAIT = 5.0  # seconds that another process may take to bring what it has begun to its end
_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


def receipt_of(places: Places, name: str, dist_info: str) -> tuple[str, dict[str, Any]] | None:
    """Return the scope and the receipt by which kurt has installed a distribution; None without.

    :param dist_info: its ``*.dist-info``.
    :raises IntegrityError: when a receipt is damaged.
    """
    for scope in _SCOPES:
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

    What another process is about to install, or to remove, is waited for.

    :param dist_info: its ``*.dist-info``.
    :raises IntegrityError: with the files; or when it is another one by now, or was cut off.
    """
    try:
        if not _begun(places, name):
            _hold(places, name, dist_info)
            return
    except IntegrityError:
        pass  # it may have been begun since, and is looked at once more
    with ExitStack() as stack:
        for scope in _SCOPES:
            with suppress(LockedError):
                stack.enter_context(still(places.installs(scope), _WAIT))
        if not os.path.isdir(dist_info):
            raise IntegrityError(
                f"{name} was replaced, or removed, while it was to be loaded",
                at=dist_info,
                hint="try again",
                skill=name,
            )
        _hold(places, name, dist_info)
        if _begun(places, name) and receipt_of(places, name, dist_info) is None:
            raise IntegrityError(
                f"{name} is not wholly installed, so it is not used",
                cause="its installation is under way, or was cut off",
                at=dist_info,
                hint="kurt doctor",
                skill=name,
            )


def _begun(places: Places, name: str) -> bool:
    return any(is_begun(places.installs(scope), name) for scope in _SCOPES)


def _hold(places: Places, name: str, dist_info: str) -> None:
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
