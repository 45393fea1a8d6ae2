"""Which folders' code may be imported.

Installed distributions, builtins and the user's own skill folders are trusted.
A project's skills are once a person has said so, with ``kurt skill trust``; the
answer lies in ``<data>/trust.json``, outside every project, so that nothing in
a cloned repository can give it. A trusted folder covers what really lies
beneath it: a link inside it that leads elsewhere does not.

The file is read only while it is ours: a trust file that another user owns or
may write, or that cannot be parsed, trusts nothing.
"""

from __future__ import annotations

import os
import stat
import sys
import time

from .errors import ConfigError, NotFoundError, PolicyError
from .findings import Finding
from .locks import lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .places import Places

__all__ = ["Trust"]

_SCHEMA = "kurt.trust/1"
_MAX_BYTES = 1 << 20
_RULE = "trust-file"
#: Beside the file: the answers before those that the disk may not have yet.
_BEFORE = ".before"
#: Seconds after which a system has written what it was given; Linux waits for 30.
_WRITTEN_BACK = 60.0


class Trust:
    """The folders that a person has trusted, and those that ``KURT_TRUST`` adds.

    :param file: where the answers are kept.
    :param paths: real paths that the file trusts.
    :param environment: paths that the environment trusts, for this process only.
    :param findings: what is wrong with the file or with ``KURT_TRUST``.
    """

    __slots__ = ("_all", "environment", "file", "findings", "paths")

    def __init__(
        self,
        file: str,
        paths: tuple[str, ...] = (),
        environment: tuple[str, ...] = (),
        findings: tuple[Finding, ...] = (),
    ) -> None:
        self.file = file
        self.paths = paths
        self.environment = environment
        self.findings = findings
        self._all = frozenset([_key(path) for path in (*paths, *environment)])

    @classmethod
    def load(cls, places: Places) -> Trust:
        """Return what is trusted; never raises, and whatever cannot be believed trusts nothing."""
        return cls.of(places, *_read(places.trust))

    @classmethod
    def of(
        cls, places: Places, paths: tuple[str, ...], findings: tuple[Finding, ...] = ()
    ) -> Trust:
        """Return what a file that was read before trusts, and this process's environment.

        :param findings: what was wrong with the file.
        """
        environment = tuple([os.path.realpath(path) for path in places.trusted_by_environment])
        for path in environment:
            if os.path.dirname(path) == path:
                findings += (
                    Finding(
                        "trust-everything",
                        "warning",
                        f"KURT_TRUST trusts {path}, and so the code of every folder",
                        fix="name the folders whose code you mean",
                    ),
                )
        return cls(places.trust, paths, environment, findings)

    def covers(self, path: str) -> bool:
        """Return whether ``path``, links resolved, is or lies beneath a trusted folder."""
        if not self._all:
            return False
        folder = _key(os.path.realpath(path))
        while folder not in self._all:
            parent = os.path.dirname(folder)
            if parent == folder:
                return False
            folder = parent
        return True

    def heeds(self, config: str, whole: bool | None = None) -> bool:
        """Return whether a project's ``kurt.toml`` counts in full.

        The project must be trusted as a whole, and the file must not be a link out of
        what is trusted.

        :param whole: whether the project is covered, where that is known.
        """
        if whole is None:
            whole = self.covers(os.path.dirname(config))
        return whole and (not os.path.islink(config) or self.covers(config))

    def add(self, path: str, *, force: bool = False, durable: bool = True) -> bool:
        """Trust a folder and what lies beneath it; return whether that was new.

        :param force: trust even a folder that holds more than anybody can have read.
        :param durable: wait for the disk; where not, a loss of power within the minute may
            take this answer along, and no other.
        :raises NotFoundError: when there is no such folder.
        :raises PolicyError: for ``/``, the home directory, what holds it, and a folder that
            everybody may write to, unless forced.
        :raises ConfigError: when the trust file cannot be believed or written.
        :raises LockedError: when another process holds the file.
        """
        real = os.path.realpath(path)
        if not os.path.isdir(real):
            raise NotFoundError(f"there is no folder {path}", at=real)
        reason = None if force else _too_wide(real)
        if reason:
            raise PolicyError(
                f"{real} is not trusted as a whole",
                cause=reason,
                hint=f"kurt skill trust {os.path.join(real, 'FOLDER')}, or add --force",
            )
        return self._change(lambda paths: sorted({*paths, real}), durable=durable)

    def remove(self, path: str) -> bool:
        """Trust a folder no longer; return whether it was trusted by itself.

        :raises ConfigError: when the trust file cannot be believed or written.
        :raises LockedError: when another process holds the file.
        """
        # The folder may be gone, or a link by now: the path as given is forgotten too.
        gone = {_key(os.path.realpath(path)), _key(os.path.abspath(path))}
        return self._change(
            lambda paths: [kept for kept in paths if _key(kept) not in gone], fewer=True
        )

    def _change(
        self,
        change: Callable[[tuple[str, ...]], list[str]],
        *,
        durable: bool = True,
        fewer: bool = False,
    ) -> bool:
        from .atomic import write_atomically
        from .jsontext import dumps

        try:
            os.makedirs(os.path.dirname(self.file), mode=0o700, exist_ok=True)
            with lock(self.file + ".lock"):
                before, findings = _read(self.file)
                if findings:
                    raise ConfigError(
                        "the trust file cannot be believed, and is left as it is",
                        cause=findings[0].message,
                        at=findings[0].at,
                        hint=findings[0].fix,
                    )
                after = tuple(change(before))
                if after != before:
                    text = dumps({"schema": _SCHEMA, "trusted": list(after)}, indent=2) + "\n"
                    if fewer:
                        _unlink(self.file + _BEFORE)  # nobody is trusted again by accident
                    elif not durable:
                        _keep(self.file)
                    write_atomically(self.file, text.encode(), mode=0o600, durable=durable)
                    if durable:
                        _keep(self.file, age=0.0)
        except OSError as error:
            raise ConfigError(
                "the trust file cannot be written", cause=str(error), at=self.file
            ) from error
        self.paths, self.findings = after, ()
        self._all = frozenset([_key(path) for path in (*after, *self.environment)])
        return after != before


def _keep(file: str, age: float = _WRITTEN_BACK) -> None:
    """Keep the answers that are surely on the disk beside those that may not be.

    :param age: seconds after which they are.
    """
    kept = file + _BEFORE
    try:
        present = os.stat(file)
    except FileNotFoundError:
        return
    try:
        known = os.stat(kept)
        young = age > 0.0 and present.st_mtime > time.time() - age
        if young or known.st_ino == present.st_ino:
            return
    except FileNotFoundError:
        pass
    temporary = f"{kept}.{os.getpid()}.tmp"
    try:
        _unlink(temporary)
        os.link(os.path.realpath(file), temporary)
        os.replace(temporary, kept)
    except OSError:
        pass  # a file system without links: what is torn there trusts nothing


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def _key(path: str) -> str:
    return os.path.normcase(path)


def _too_wide(real: str) -> str | None:
    """Return why trusting this folder is surely a slip, or None."""
    home = os.path.realpath(os.path.expanduser("~"))
    if os.path.dirname(real) == real:
        return "every file of this computer lies beneath it"
    if real == home:
        return "it is your home directory: all that you ever download lies beneath it"
    if home.startswith(real + os.sep):
        return "your home directory lies beneath it"
    if sys.platform != "win32" and os.stat(real).st_mode & stat.S_IWOTH:
        return "everybody on this computer may put code into it"
    return None


def _read(file: str) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """Return the trusted paths of the file, or none and the reason."""
    try:
        # Not blocking: somebody may have laid a pipe here.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
        descriptor = os.open(file, flags)
    except (FileNotFoundError, NotADirectoryError):
        return (), ()
    except OSError as error:
        return (), (_refusal(file, f"the trust file cannot be read: {error.strerror}"),)
    data = b""
    try:
        status = os.fstat(descriptor)
        reason = _not_ours(status)
        if reason is None:
            data = os.read(descriptor, status.st_size)
    except OSError as error:
        reason = f"the trust file cannot be read: {error.strerror}"
    finally:
        os.close(descriptor)
    if reason:
        return (), (_refusal(file, reason),)
    # What a loss of power leaves of a file that was not forced to the disk.
    if (not data or b"\0" in data) and not file.endswith(_BEFORE):
        paths, findings = _read(file + _BEFORE)
        if paths and not findings:
            return paths, ()
    return _parse(file, data)


def _not_ours(status: os.stat_result) -> str | None:
    if not stat.S_ISREG(status.st_mode):
        return "the trust file is not a regular file"
    if status.st_size > _MAX_BYTES:
        return f"the trust file is larger than {_MAX_BYTES} bytes"
    if sys.platform != "win32":
        if status.st_uid not in (0, os.getuid()):
            return f"the trust file belongs to another user (uid {status.st_uid})"
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return "other users may write to the trust file"
    return None


def _parse(file: str, data: bytes) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    import json  # only where a trust file exists, and where the index does not know it

    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        place = (getattr(error, "lineno", 0), getattr(error, "colno", 0))
        return (), (_refusal(file, f"the trust file is not JSON: {error}", *place),)
    if not isinstance(value, dict) or value.get("schema") != _SCHEMA:
        return (), (_refusal(file, f"the trust file is not of schema {_SCHEMA}"),)
    paths = value.get("trusted")
    if not isinstance(paths, list) or not all(
        isinstance(path, str) and os.path.isabs(path) and "\0" not in path for path in paths
    ):
        return (), (_refusal(file, '"trusted" in the trust file is not a list of whole paths'),)
    return tuple(paths), ()


def _refusal(file: str, reason: str, line: int = 0, column: int = 0) -> Finding:
    return Finding(
        _RULE,
        "error",
        reason + ", so that it trusts nothing",
        path=file,
        line=line,
        column=column,
        fix="look at it, delete it, then trust your projects anew: kurt skill trust FOLDER",
    )
