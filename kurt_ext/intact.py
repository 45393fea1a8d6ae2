"""Hold an installed skill to what was installed: every file of it, before any is imported.

A skill that kurt has installed has a receipt, ``<data>/installs/<scope>/<slug>.json``,
with the digests of its files. They are digested again only where something tells that they
may have changed: the times, inodes and sizes of all of them were noted when they were
last found intact, and nothing is as young as the note. A folder without a receipt is
its author's own, and may change.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from shlex import quote
from typing import TYPE_CHECKING, Any

from .errors import IntegrityError, LockedError
from .index import RACY_NS
from .names import UNREAD, slug
from .plainfiles import READING
from .scope_lock import still
from .surveys import Survey, is_own_file, survey

if TYPE_CHECKING:
    from .places import Places

__all__ = ["changed", "hold", "mending", "read_receipt", "receipt_path", "refusal"]

SCHEMA = "kurt.installed/1"
#: Bytes that a receipt may have.
MAX_RECEIPT = 4 << 20
_MAX_NOTE = 4096
_SHOWN = 5
_WAIT = 5.0  # seconds that another process may take to note what it has installed


def receipt_path(places: Places, scope: str, name: str) -> str:
    """Return where the receipt of a skill lies, or would."""
    return os.path.join(places.installs(scope), f"{slug(name)}.json")


def read_receipt(path: str, name: str) -> dict[str, Any] | None:
    """Return what a receipt says, as JSON values; None where there is none.

    :raises IntegrityError: when there is one and it is damaged, of another form, or not ours.
    """
    try:
        descriptor = os.open(path, READING)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _damaged(path, name, str(error)) from error
    with os.fdopen(descriptor, "rb") as stream:
        if not is_own_file(os.fstat(descriptor), MAX_RECEIPT):
            raise _damaged(path, name, "it is not a plain file of the user's own")
        data = stream.read(MAX_RECEIPT + 1)
    try:
        row = json.loads(data)
        if row["schema"] != SCHEMA:
            raise ValueError(f"it is not of schema {SCHEMA}")
        if slug(row["locked"]["name"]) != slug(name):
            raise ValueError("it is that of another skill")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _damaged(path, name, str(error)) from error
    found: dict[str, Any] = row
    return found


def mending(path: str, name: str) -> str:
    """Return the command that puts in order what a receipt that cannot be read belongs to."""
    folder = os.path.basename(os.path.dirname(path))
    if folder == "staged":
        return f"rm {quote(path)}"
    scope = "--scope user " if folder == "user" else ""
    return f"rm {quote(path)} && kurt sync {scope}--force {quote(name)}"


def _damaged(path: str, name: str, reason: str) -> IntegrityError:
    return IntegrityError(
        f"what is known of the installation of {name} cannot be read",
        cause=reason,
        at=path,
        hint=mending(path, name),
        skill=name,
    )


def hold(places: Places, scope: str, name: str, folder: str) -> dict[str, str] | None:
    """Raise where a folder was installed by kurt and is not what was installed.

    :param scope: ``project`` or ``user``.
    :returns: path → SHA-256 in hexadecimal of its files; None where kurt has not installed it.
    :raises IntegrityError: with the files.
    """
    path = receipt_path(places, scope, name)
    # Most skills were not installed: asking for the file costs less than reading one.
    if not os.path.lexists(path):
        return None
    try:
        return _hold(places, scope, name, folder)
    except IntegrityError:
        # Another process may have the new folder in its place, and not have noted it yet.
        with suppress(LockedError), still(os.path.dirname(path), _WAIT):
            return _hold(places, scope, name, folder)
        raise


def _hold(places: Places, scope: str, name: str, folder: str) -> dict[str, str] | None:
    path = receipt_path(places, scope, name)
    row = read_receipt(path, name)
    if row is None or not row.get("folder") or not _same(str(row["folder"]), folder):
        return None
    try:
        files = {str(key): (str(one[0])[7:], int(one[1])) for key, one in row["files"].items()}
        digest = str(row["locked"]["digest"])
    except (AttributeError, TypeError, ValueError, LookupError) as error:
        raise _damaged(path, name, str(error)) from error
    wrong = changed(folder, files, digest, places.cache)
    if wrong:
        raise refusal(name, str(row["locked"].get("version", "")), folder, wrong, scope)
    return {key: value[0] for key, value in files.items()}


def refusal(
    name: str, version: str, folder: str, files: list[str], scope: str = "project"
) -> IntegrityError:
    """Return the error that says which files of a skill are not as they were installed."""
    whose = "" if scope == "project" else f"--scope {scope} "
    shown = ", ".join(files[:_SHOWN])
    more = f" and {len(files) - _SHOWN} more" if len(files) > _SHOWN else ""
    return IntegrityError(
        f"{name} is not as it was installed, so it is not used",
        cause=f"changed since: {shown}{more}",
        at=folder if files[0] == "." else os.path.join(folder, files[0]),
        hint=f"kurt sync {whose}--force {quote(name)}   # puts {version} back",
        skill=name,
        files=files,
    )


def changed(
    folder: str, files: Mapping[str, tuple[str, int]], digest: str, cache: str
) -> list[str]:
    """Return the paths that are changed, missing or were added since it was installed, sorted.

    What programs leave behind and nobody imports, such as ``__pycache__``, is passed over.

    :param files: path → SHA-256 in hexadecimal, and size.
    :param digest: the digest of them all, which the note is kept under.
    :param cache: ``Places.cache``.
    """
    started = time.time_ns()
    seen = survey(folder)
    if seen is None:
        return ["."]
    name = sha256(os.fsencode(os.path.realpath(folder))).hexdigest()
    note = os.path.join(cache, "intact", f"{name}.seen")
    if _is_noted(note, seen, digest):
        return []
    wrong = _compare(folder, files, seen)
    if not wrong and survey(folder) == seen:
        _note(note, seen, digest, started)
    return wrong


def _compare(folder: str, files: Mapping[str, tuple[str, int]], seen: Survey) -> list[str]:
    wrong = set(files)
    for path, mode, size, *_ in seen.rows:
        name = path.replace(os.sep, "/")
        if stat.S_ISDIR(mode) or _is_left_by_programs(name):
            continue
        promised = files.get(name)
        if promised is None or not stat.S_ISREG(mode) or promised[1] != size:
            wrong.add(name)
        elif _digest(os.path.join(folder, path), size) == promised[0]:
            wrong.discard(name)
    return sorted(wrong)


def _digest(path: str, size: int) -> str:
    """Return the digest of a plain file of a size; "" where it is none."""
    try:
        descriptor = os.open(path, READING)
    except OSError:
        return ""
    with os.fdopen(descriptor, "rb", buffering=0) as stream:
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return ""
            whole, left = sha256(), size + 1
            while left > 0 and (data := stream.read(min(left, 1 << 20))):
                whole.update(data)
                left -= len(data)
        except OSError:
            return ""
    return whole.hexdigest() if left == 1 else ""


def _is_left_by_programs(path: str) -> bool:
    return not UNREAD.isdisjoint(path.split("/")) or path.rpartition("/")[2] == ".DS_Store"


def _same(one: str, other: str) -> bool:
    return os.path.normcase(os.path.realpath(one)) == os.path.normcase(os.path.realpath(other))


def _is_noted(path: str, seen: Survey, digest: str) -> bool:
    try:
        descriptor = os.open(path, READING)
    except OSError:
        return False
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not is_own_file(status, _MAX_NOTE):
            return False
        data = stream.read(_MAX_NOTE)
    try:
        row = json.loads(data)
        # Two clocks: that of the file system, and ours. The earlier one is safe.
        written = min(int(row["written"]), status.st_mtime_ns)
        return bool(
            row["digest"] == digest
            and row["signature"] == seen.signature
            and seen.newest < written - RACY_NS
        )
    except (ValueError, KeyError, TypeError):
        return False


def _note(path: str, seen: Survey, digest: str, started: int) -> None:
    from .atomic import write_atomically

    if seen.newest >= started - RACY_NS:
        return  # too young to be told from a change that follows
    row = {"digest": digest, "signature": seen.signature, "written": started}
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        write_atomically(path, json.dumps(row).encode(), mode=0o600, durable=False)
    except OSError:
        pass  # a cache that cannot be written costs time, and nothing else
