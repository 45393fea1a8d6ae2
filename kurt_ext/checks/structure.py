"""Ask whether the folder holds the files that a skill has, and no others.

What a manifest names must be there. What cannot be read by a person, or leads
out of the folder, is not seen by anybody who looks at the skill before it runs.

Bad::

    skills/web-archiver/SKILL.md → ../../elsewhere/SKILL.md
    skills/web-archiver/skill.pyc

Good::

    skills/web-archiver/SKILL.md
    skills/web-archiver/skill.py
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterator

from ..findings import Finding
from ..sources import show
from .subject import Subject

__all__ = ["RULES", "check"]

RULES = (
    "no-code",
    "link-leads-out",
    "special-file",
    "large-file",
    "many-files",
    "compiled-file",
    "program-file",
    "path-file",
    "names-collide",
    "name-not-portable",
)
#: Bytes: the plugin document's ``max_file_size_mb``.
_MAX_FILE = 50 << 20
_MAX_TOTAL = 10_000
_BYTECODE = (".pyc", ".pyo")
_NATIVE = (".so", ".pyd", ".dll", ".dylib", ".o", ".a", ".node", ".wasm")
_PROGRAMS = (".exe", ".com", ".scr", ".msi", ".bat", ".cmd", ".ps1", ".vbs", ".sh", ".pyw", ".jar")
#: Names that Windows keeps for devices, with any extension.
_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", *[f"{word}{n}" for word in ("com", "lpt") for n in range(1, 10)]]
)


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what is missing, and what should not lie there."""
    if not subject.files:
        return
    if subject.record is not None and not subject.code and subject.ok:
        message = "there is no code: it can be listed and read, and not be run"
        yield subject.finding("no-code", "info", message, subject.manifest, fix="write skill.py")
    for path in subject.paths:
        status = subject.status(path)
        if status is not None:
            yield from _file(subject, path, status)
    if len(subject.paths) >= _MAX_TOTAL:
        message = f"there are {_MAX_TOTAL:,} files or more; the rest was not looked at"
        yield Finding("many-files", "warning", message)
    yield from _names(subject)


def _file(subject: Subject, path: str, status: os.stat_result) -> Iterator[Finding]:
    if stat.S_ISLNK(status.st_mode):
        yield from _link(subject, path)
        return
    if not stat.S_ISREG(status.st_mode):
        message = "it is a pipe, a socket or a device"
        yield subject.finding("special-file", "error", message, path, fix="delete it")
        return
    if status.st_size > _MAX_FILE:
        message = f"it has {status.st_size:,} bytes, more than {_MAX_FILE:,}"
        yield subject.finding("large-file", "warning", message, path, fix="fetch it when needed")
    yield from _suffix(subject, path)


def _suffix(subject: Subject, path: str) -> Iterator[Finding]:
    name = path.rpartition("/")[2].lower()
    if name.endswith(_BYTECODE):
        message = "it is compiled Python, which nobody can read before it runs"
        yield subject.finding("compiled-file", "warning", message, path, fix="ship the source")
    elif name.endswith(_NATIVE) or ".so." in name:
        record = subject.record
        if record is None or not record["permissions"]["native_code"]:
            message = "it is native code, and native_code is not among the permissions"
            fix = "declare permissions: native_code: true, or delete it"
            yield subject.finding("compiled-file", "warning", message, path, fix=fix)
    elif name.endswith(".pth"):
        message = "a .pth file can run code in every start of Python"
        yield subject.finding("path-file", "warning", message, path, fix="delete it")
    elif name.endswith(_PROGRAMS):
        message = "it is a program that a skill has no use for"
        yield subject.finding("program-file", "warning", message, path, fix="delete it")


def _link(subject: Subject, path: str) -> Iterator[Finding]:
    base = os.path.realpath(subject.folder)
    real = os.path.realpath(os.path.join(subject.folder, path))
    if real == base or real.startswith(base + os.sep):
        if os.path.isdir(real):
            message = "it is a link to a folder, whose files are not looked into by that name"
            fix = "move the folder instead"
            yield subject.finding("link-leads-out", "warning", message, path, fix=fix)
        return
    # Where it is made, a link is a convenience; elsewhere it leads to another's files.
    severity = "error" if subject.publishing else "warning"
    message = "it is a link that leads out of the skill's folder"
    yield subject.finding("link-leads-out", severity, message, path, fix="copy the file instead")


def _names(subject: Subject) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for path in subject.paths:
        folded = unicodedata.normalize("NFC", path).casefold()
        if folded in seen:
            message = f"on many systems it is the same file as {show(seen[folded])}"
            yield subject.finding("names-collide", "warning", message, path, fix="rename one")
        seen.setdefault(folded, path)
        for part in path.split("/"):
            stem = part.partition(".")[0].casefold()
            strange = not part.isprintable() or any(sign in part for sign in '<>:"|?*\\')
            if strange or stem in _DEVICES or part.endswith((" ", ".")):
                message = f"{show(part)} cannot be a file's name on Windows"
                yield subject.finding(
                    "name-not-portable", "warning", message, path, fix="rename it"
                )
                break
