"""Hold a plugin back that failed again and again, until something changes.

A plugin that fails at every start costs each start its time, and its half-made
work. After three failures in a row of the same version and the same files, on
the same host, it is not tried any more. Any change releases it: of the plugin's
version or files, of the host's version, of kurt's, of Python's minor version;
``kurt enable NAME --force`` does too.

What is known lies in ``<data>/quarantine.json``. A damaged file holds nothing
back, and is written anew; where it cannot be written, failures are counted for
this process alone.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

from .errors import LockedError, QuarantinedError
from .findings import Finding
from .places import digest

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from .places import Places

    Rows: TypeAlias = dict[str, "Held"]

__all__ = ["LIMIT", "Held", "Quarantine", "fingerprint"]

#: Failures in a row after which a plugin is held back.
LIMIT = 3
_SCHEMA = "kurt.quarantine/1"
_MAX_BYTES = 1 << 20
#: Rows that are kept, the latest; a row has some hundred bytes.
_MAX_ROWS = 1000
_MAX_REASON = 500
_MAX_FILES = 10_000
#: What an edit does not change, or a run of the plugin does: that would release it each time.
_SKIPPED = ("__pycache__", "node_modules", "cache", "logs", "tmp")
_WRITTEN = (".pyc", ".log", ".tmp", ".lock", ".pid", ".db", ".sqlite", ".sqlite3", "~", ".swp")


class Held:
    """What is known about the failures of one plugin.

    :param plugin_id: its name.
    :param version: its version, as the manifest says.
    :param host: what it failed on: ``HOST kurt KURT python 3.N``.
    :param fingerprint: digest of its files.
    :param failures: how often in a row.
    :param reason: why the last time, in one line.
    :param since: when the last time, seconds since 1970.
    """

    __slots__ = ("failures", "fingerprint", "host", "plugin_id", "reason", "since", "version")

    def __init__(
        self,
        plugin_id: str,
        version: str,
        host: str,
        fingerprint: str,
        failures: int,
        reason: str,
        since: float,
    ) -> None:
        self.plugin_id = plugin_id
        self.version = version
        self.host = host
        self.fingerprint = fingerprint
        self.failures = failures
        self.reason = reason
        self.since = since

    @property
    def hint(self) -> str:
        """The line that releases it."""
        return f"kurt enable {self.plugin_id} --force"

    @property
    def sentence(self) -> str:
        """What happened, in a sentence."""
        name = f"{self.plugin_id} {self.version}"
        return f"{name} failed {self.failures} times in a row and is held back: {self.reason}"

    def finding(self) -> Finding:
        """Return what a command says of it."""
        return Finding("quarantine", "warning", self.sentence, fix=self.hint)

    def error(self) -> QuarantinedError:
        """Return what a load of it raises."""
        return QuarantinedError(
            f"the plugin {self.plugin_id} is held back: it failed {self.failures} times in a row",
            cause=f"{self.version} on {self.host}, the last time: {self.reason}",
            hint=f"mend it, which releases it, or: {self.hint}",
            skill=self.plugin_id,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for JSON output."""
        return {name: getattr(self, name) for name in self.__slots__}

    def __repr__(self) -> str:
        return f"<Held {self.plugin_id} {self.version} {self.failures}: {self.reason}>"


class Quarantine:
    """The failures that are remembered, of every plugin.

    :param places: where the data folder is.
    """

    __slots__ = ("_rows", "_signature", "file")

    def __init__(self, places: Places) -> None:
        self.file = os.path.join(places.data, "quarantine.json")
        self._signature: object = None
        self._rows: Rows = {}

    def failed(
        self, plugin_id: str, version: str, host_version: str, fingerprint: str, reason: str
    ) -> Held | None:
        """Count a failure; return what is held back by it, or None as long as it may be tried.

        :param reason: why, without secrets; its first line is kept.
        """
        fresh = Held(
            plugin_id, version, _host(host_version), fingerprint, 1, _line(reason), time.time()
        )

        def count(rows: Rows) -> None:
            before = rows.pop(plugin_id, None)
            if before is not None and _same(before, fresh):
                fresh.failures = before.failures + 1
            rows[plugin_id] = fresh
            for name in list(rows)[: max(0, len(rows) - _MAX_ROWS)]:
                del rows[name]

        self._change(count)
        return fresh if fresh.failures >= LIMIT else None

    def held(
        self, plugin_id: str, version: str, host_version: str, fingerprint: str
    ) -> Held | None:
        """Return why a plugin is not to be tried, or None: nothing is, once anything changed."""
        row = self._read().get(plugin_id)
        if row is None or row.failures < LIMIT:
            return None
        now = Held(plugin_id, version, _host(host_version), fingerprint, 0, "", 0)
        return row if _same(row, now) else None

    def standing(self, plugin_id: str, version: str, fingerprint: str) -> Held | None:
        """Return why a plugin is not tried on the host that it failed on, whichever that is."""
        row = self._read().get(plugin_id)
        if row is None or row.failures < LIMIT or not row.host.endswith(_host("")):
            return None
        return row if (row.version, row.fingerprint) == (version, fingerprint) else None

    def succeeded(self, plugin_id: str) -> None:
        """Forget the failures of a plugin that was loaded; costs nothing where there are none."""
        if plugin_id in self._read():
            self.release(plugin_id)

    def release(self, plugin_id: str) -> bool:
        """Let a plugin be tried again; return whether failures of it were known."""
        known: list[Held] = []

        def forget(rows: Rows) -> None:
            row = rows.pop(plugin_id, None)
            if row is not None:
                known.append(row)

        self._change(forget)
        return bool(known)

    def all(self) -> list[Held]:
        """Return what failed so often that it is held back, if it did not change; by name."""
        rows = self._read().values()
        return sorted([row for row in rows if row.failures >= LIMIT], key=lambda row: row.plugin_id)

    def _read(self) -> Rows:
        """Return the rows, read again where the file has changed."""
        try:
            found = os.stat(self.file)
        except OSError:
            if self._signature is not None:
                self._signature, self._rows = None, {}
            return self._rows
        signature = (found.st_mtime_ns, found.st_ino, found.st_size)
        if signature != self._signature:
            self._rows, self._signature = _load(self.file), signature
        return self._rows

    def _change(self, change: Callable[[Rows], None]) -> None:
        from .atomic import write_atomically
        from .jsontext import dumps
        from .locks import lock

        try:
            os.makedirs(os.path.dirname(self.file), mode=0o700, exist_ok=True)
            with lock(self.file + ".lock", timeout=5.0):
                rows = dict(self._read())
                before = dict(rows)
                change(rows)
                if not rows:
                    _remove(self.file)
                elif rows != before:
                    listed = [row.as_dict() for row in rows.values()]
                    text = dumps({"schema": _SCHEMA, "failures": listed}, indent=2) + "\n"
                    write_atomically(self.file, text.encode(), mode=0o600)
        except (OSError, LockedError):
            # Not worth failing a load for; this process at least remembers.
            change(self._rows)


def fingerprint(location: str, *more: str) -> str:
    """Return a digest of the names, sizes and times of a skill's files; no file is opened.

    Files that a plugin writes as it runs, such as logs and databases, do not count.

    :param location: the skill's folder, or the ``*.dist-info`` of an installed one, whose
        RECORD changes with every installation.
    :param more: whatever else is to release it when it changes, such as its settings.
    """
    parts: list[str] = [os.path.realpath(location), *more]
    if location.endswith((".dist-info", ".egg-info")):
        _stat(os.path.join(location, "RECORD"), "RECORD", parts)
        _stat(location, "", parts)
    else:
        _walk(location, "", parts)
    return digest("\0".join(parts).encode("utf-8", "surrogateescape"))


def _walk(folder: str, prefix: str, parts: list[str]) -> None:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name in _SKIPPED or len(parts) > _MAX_FILES:
            continue
        if entry.is_dir(follow_symlinks=False):
            _walk(entry.path, f"{prefix}{entry.name}/", parts)
        elif not entry.name.endswith(_WRITTEN):
            _stat(entry.path, prefix + entry.name, parts)


def _stat(path: str, name: str, parts: list[str]) -> None:
    try:
        found = os.stat(path)
    except OSError:
        parts.append(name)
    else:
        parts.append(f"{name} {found.st_size} {found.st_mtime_ns} {found.st_ino}")


def _remove(file: str) -> None:
    try:
        os.unlink(file)
    except FileNotFoundError:
        pass


def _host(version: str) -> str:
    from . import __version__

    return f"{version} kurt {__version__} python {sys.version_info[0]}.{sys.version_info[1]}"


def _same(one: Held, other: Held) -> bool:
    keys = ("version", "host", "fingerprint")
    return all(getattr(one, key) == getattr(other, key) for key in keys)


def _line(reason: str) -> str:
    first = reason.strip().partition("\n")[0]
    return first if len(first) <= _MAX_REASON else first[: _MAX_REASON - 1] + "…"


def _load(file: str) -> Rows:
    """Return the rows of a file, those that can be read."""
    import json

    try:
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
        with os.fdopen(os.open(file, flags), "rb") as stream:
            value = json.loads(stream.read(_MAX_BYTES + 1))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(value, dict) or value.get("schema") != _SCHEMA:
        return {}
    listed = value.get("failures")
    rows = {}
    for item in listed if isinstance(listed, list) else ():
        row = _row(item)
        if row is not None:
            rows[row.plugin_id] = row
    return rows


def _row(item: Any) -> Held | None:
    if not isinstance(item, dict) or set(item) != set(Held.__slots__):
        return None
    texts = ("plugin_id", "version", "host", "fingerprint", "reason")
    if not all(isinstance(item[key], str) for key in texts):
        return None
    if type(item["failures"]) is not int or type(item["since"]) not in (int, float):
        return None
    return Held(**item)
