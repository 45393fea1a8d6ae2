"""What isolated plugins were seen to use, and what was refused: one line of JSON each, on disk.

Lines go to ``<data>/audit/<date>.jsonl`` of the host that lent the permission, so that several
hosts of one user write to one file: each line by a single append. A file that is full is put
aside under a number; the oldest are removed. Nothing here may cost a call: what cannot be
written is counted, and said once in the log.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from typing import TYPE_CHECKING, Any

from ..jsontext import dumps
from ..masking import shielded
from .audit_files import files, listed, opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..places import Places

__all__ = ["Audit", "Tail", "entries", "entry_of", "files", "folder_of", "is_wanted"]

_log = logging.getLogger(__name__)
#: Bytes of one file, and of all of them together.
_FILE, _ALL = 8 << 20, 64 << 20
#: Characters of a target, of another text, and bytes of a line.
_TARGET, _TEXT, _LINE = 1024, 512, 8192
#: Lines of one skill that are written at once, and in a second in the long run.
_BURST, _RATE = 500.0, 20.0
#: What stands before the host in a URL may be a password.
_USER = re.compile(r"(?<=://)[^/@\s]*@")


def folder_of(places: Places) -> str:
    """Return the folder that the audit of a user lies in."""
    return os.path.join(places.data, "audit")


class Audit:
    """Writes lines; from any thread, and beside other processes.

    :param place: the places of the host, or a folder; None writes nothing.
    """

    def __init__(self, place: Places | str | None) -> None:
        self._file = -1
        if place is None or isinstance(place, str):
            self._folder = place
        else:
            self._folder = folder_of(place)
        self._lock = threading.Lock()
        self._date = ""
        self._meters: dict[str, list[float]] = {}
        #: How many lines were not written: too many at a time, or no disk.
        self.lost = 0
        self._is_broken = False

    def __enter__(self) -> Audit:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __del__(self) -> None:
        if self._file >= 0:  # it was lent to many, and closed by none
            os.close(self._file)

    def record(
        self,
        event: str,
        skill: str,
        permission: str,
        target: str,
        allowed: bool,
        *,
        mechanism: str = "",
        pid: int | None = None,
        call: str | None = None,
        **more: Any,
    ) -> None:
        """Write one line; never raises.

        :param event: ``use``, ``connect``, ``limit`` or another word.
        :param permission: the list of the manifest; "" where there is none for it.
        :param target: what was asked for.
        :param mechanism: what saw it: ``tripwire``, ``broker``, ``lending``, ``kernel``.
        :param pid: number of the worker.
        :param call: what was being called, as ``SKILL:EXTENSION``.
        :param more: further facts, as texts and numbers.
        """
        if self._folder is None:
            return
        try:
            now = time.time()
            line: dict[str, Any] = {
                "time": _stamp(now),
                "event": _text(event),
                "skill": _text(skill),
                "permission": _text(permission),
                "target": _text(target, _TARGET),
                "allowed": bool(allowed),
                "host": os.getpid(),
            }
            for key, value in {"mechanism": mechanism, "pid": pid, "call": call, **more}.items():
                if value not in (None, ""):
                    line[key] = value if isinstance(value, (bool, int)) else _text(value)
            with self._lock:
                self._write(line, now)
        except Exception as error:  # a full disk, a folder that is gone: the call goes on
            self._fail(error)

    def _write(self, line: dict[str, Any], now: float) -> None:
        dropped = self._admit(str(line["skill"]), now)
        if dropped is None:
            return
        if dropped:
            line["dropped"] = dropped
        data = dumps(line).encode() + b"\n"
        if len(data) > _LINE:
            data = dumps({key: line[key] for key in _KEPT}).encode() + b"\n"
        number = self._opened(line["time"][:10])
        written = os.write(number, data)
        if written < len(data):  # the disk is full; the next line must begin on its own
            self.lost += 1
            os.write(number, b"\n")
        self._is_broken = False

    def _admit(self, skill: str, now: float) -> int | None:
        """Return how many lines of a skill were left out before this one; None to leave it out.

        One that asks for the same thing without end must not push out what the others did.
        """
        meter = self._meters.setdefault(skill, [_BURST, now, 0])
        meter[0] = min(_BURST, meter[0] + max(0.0, now - meter[1]) * _RATE)
        meter[1] = now
        if meter[0] < 1:
            meter[2] += 1
            self.lost += 1
            return None
        meter[0] -= 1
        dropped, meter[2] = int(meter[2]), 0
        return dropped

    def _opened(self, date: str) -> int:
        """Return the descriptor of today's file, which has room."""
        if self._file >= 0:
            found = os.fstat(self._file)
            if date == self._date and found.st_size < _FILE and found.st_nlink:
                return self._file
            os.close(self._file)
            self._file = -1
        assert self._folder is not None
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        path = os.path.join(self._folder, f"{date}.jsonl")
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        flags |= getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        try:
            is_full = os.stat(path).st_size >= _FILE
        except FileNotFoundError:
            is_full = False
        if is_full:
            self._put_aside(path, date)
        if is_full or date != self._date:
            self._prune()
        self._file = os.open(path, flags, 0o600)
        self._date = date
        return self._file

    def _put_aside(self, path: str, date: str) -> None:
        from ..locks import lock

        assert self._folder is not None
        with lock(os.path.join(self._folder, ".lock"), timeout=2.0):
            try:
                if os.stat(path).st_size < _FILE:
                    return  # another process was first
            except FileNotFoundError:
                return
            numbers = [n for found, n, _ in listed(self._folder) if found == date and n]
            os.rename(
                path, os.path.join(self._folder, f"{date}.{max(numbers, default=0) + 1}.jsonl")
            )

    def _prune(self) -> None:
        """Remove the oldest files, until the rest is no more than it may be."""
        assert self._folder is not None
        total = 0
        for path in reversed(files(self._folder)):
            try:
                total += os.stat(path).st_size
                if total > _ALL - _FILE:
                    os.unlink(path)
            except FileNotFoundError:
                continue  # another process was first

    def _fail(self, error: Exception) -> None:
        self.lost += 1
        if not self._is_broken:
            self._is_broken = True
            _log.warning("the audit of isolated plugins cannot be written: %s", error)

    def close(self) -> None:
        """Close the file; the next line opens it again."""
        with self._lock:
            number, self._file = self._file, -1
            if number >= 0:
                os.close(number)


_KEPT = ("time", "event", "skill", "permission", "target", "allowed", "host")


def _stamp(now: float) -> str:
    """Return a time in UTC, as RFC 3339 has it, with milliseconds."""
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
    return f"{whole}.{int(now * 1000) % 1000:03d}Z"


def _text(value: Any, most: int = _TEXT) -> str:
    text = _USER.sub("***@", shielded(str(value)))
    text = text if len(text) <= most else text[: most - 1] + "…"
    return text.encode("utf-8", "backslashreplace").decode()


# -- reading -----------------------------------------------------------------------------


def entries(
    folder: str, *, skill: str | None = None, denied: bool = False, since: str = ""
) -> Iterator[dict[str, Any]]:
    """Yield the lines of an audit as they were written, the oldest first.

    What is no line of ours, such as the rest of one that a full disk cut off, is passed by.

    :param skill: of this one alone.
    :param denied: only what was refused.
    :param since: not before this time, as ``2026-11-21T13:00:00``.
    """
    for stream in opened(folder, since[:10]):
        for raw in stream:
            entry = entry_of(raw)
            if entry is not None and is_wanted(entry, skill, denied, since):
                yield entry


def entry_of(raw: bytes) -> dict[str, Any] | None:
    """Return one line; None where it is none of ours."""
    import json

    try:
        entry = json.loads(raw) if len(raw) <= _LINE else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(entry, dict) or not isinstance(entry.get("allowed"), bool):
        return None
    texts = ("time", "event", "skill", "permission", "target")
    return entry if all(isinstance(entry.get(key), str) for key in texts) else None


def is_wanted(
    entry: dict[str, Any], skill: str | None = None, denied: bool = False, since: str = ""
) -> bool:
    """Return whether a line is of those that :func:`entries` is asked for."""
    if skill is not None and entry["skill"] != skill:
        return False
    if denied and entry["allowed"]:
        return False
    when: str = entry["time"]
    return when >= since


class Tail:
    """What is written to an audit from now on.

    :param folder: its folder, which need not be there yet.
    :param past: begin with what is there already.
    """

    def __init__(self, folder: str, *, past: bool = False) -> None:
        self._folder = folder
        #: First line of a file → how much of it was read. It keeps its lines under any name,
        #: while the number of one that was removed is given to the next.
        self._read: dict[bytes, int] = {}
        for stream in () if past else opened(folder):
            first = stream.readline(_LINE)
            self._read[first] = os.fstat(stream.fileno()).st_size

    def new(self) -> Iterator[dict[str, Any]]:
        """Yield the lines that are new since the last time, a file that was put aside included."""
        known = set()
        for stream in opened(self._folder):
            first = stream.readline(_LINE)
            start = self._read.get(first, 0)
            stream.seek(start)
            data = stream.read()
            whole = data.rfind(b"\n") + 1  # the rest is still being written
            known.add(first)
            self._read[first] = start + whole
            yield from filter(None, map(entry_of, data[:whole].splitlines()))
        for gone in self._read.keys() - known:
            del self._read[gone]
