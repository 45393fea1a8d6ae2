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

import ast
import os
import re
import sys
import unicodedata
from collections.abc import Iterator

from ..analysis.inventory import Entry
from ..findings import Finding
from ..sources import show
from .subject import Subject

__all__ = ["CATEGORY", "RULES", "check"]

CATEGORY = {
    "no-code": "style",
    "link-leads-out": "structure",
    "set-user-id": "structure",
    "link-inside": "structure",
    "special-file": "structure",
    "large-file": "structure",
    "program-file": "structure",
    "path-file": "structure",
    "startup-file": "structure",
    "test-runs-code": "structure",
    "setup-file": "structure",
    "shadows-standard-library": "structure",
    "hook-file": "structure",
    "not-looked-into": "structure",
    "names-collide": "structure",
    "name-not-portable": "structure",
    "name-deceives": "unicode_deception",
}
RULES = tuple(CATEGORY)
#: Bytes: the plugin document's ``max_file_size_mb``.
_MAX_FILE = 50 << 20
_PROGRAMS = (
    ".exe",
    ".com",
    ".scr",
    ".msi",
    ".bat",
    ".cmd",
    ".ps1",
    ".vbs",
    ".sh",
    ".pyw",
    ".hta",
    ".lnk",
    ".vbe",
    ".wsf",
)
#: Programs that nobody can read.
_BINARIES = (".exe", ".com", ".scr", ".msi", ".jar", ".hta", ".lnk")
#: Names that Windows keeps for devices, with any extension.
_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", *[f"{word}{n}" for word in ("com", "lpt") for n in range(1, 10)]]
)

#: What cannot stand in a name, or at the end of one, on Windows.
_RISKY = re.compile(
    r"[<>:\"|?*\\]|[ .](?:/|$)|(?i:(?:^|/)(?:con|prn|aux|nul|com\d|lpt\d)(?:[./]|$))"
)
#: Modules of the standard library that nobody imports.
_EXAMPLES = frozenset(("test", "this", "antigravity", "idlelib", "turtledemo", "__main__"))


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what is missing, and what should not lie there."""
    if not subject.files:
        return
    if subject.record is not None and not subject.code and subject.ok:
        message = "there is no code: it can be listed and read, and not be run"
        yield subject.finding("no-code", "info", message, subject.manifest, fix="write skill.py")
    for entry in subject.inventory.entries:
        if entry.kind == "link":
            yield from _link(subject, entry)
        elif entry.kind == "special":
            message = "it is a pipe, a socket, a device or nothing that can be looked at"
            yield subject.finding("special-file", "high", message, entry.path, fix="delete it")
        elif entry.kind == "file":
            yield from _file(subject, entry)
    yield from _shadows(subject)
    yield from _aside(subject)
    yield from _names(subject)


def _file(subject: Subject, entry: Entry) -> Iterator[Finding]:
    path = entry.path
    if entry.mode & 0o6000:
        message = "whoever starts this file does so with its owner's rights, not with their own"
        yield subject.finding("set-user-id", "medium", message, path, fix=f"chmod ug-s {path}")
    name = path.rpartition("/")[2].lower()
    if entry.size > _MAX_FILE:
        message = f"it has {entry.size:,} bytes, more than {_MAX_FILE:,}"
        yield subject.finding("large-file", "warning", message, path, fix="fetch it when needed")
    if name in ("sitecustomize.py", "usercustomize.py"):
        message = "Python runs a file of this name at every start, whoever starts it"
        yield subject.finding("startup-file", "critical", message, path, fix="delete it")
    elif name.endswith((".pth", ".start")):
        yield from _path_file(subject, path)
    elif name == "conftest.py" and (effect := _effect(subject, path)):
        message = f"pytest runs it where it looks for tests, and it {effect} at once"
        yield subject.finding("test-runs-code", "high", message, path, fix="move it into a fixture")
    elif path == "setup.py":
        message = "pip runs it where the folder is installed"
        yield subject.finding("setup-file", "warning", message, path, fix="use pyproject.toml")
    elif name.endswith(_PROGRAMS):
        message = "it is a program that a skill has no use for"
        severity = "warning"  # a script beside instructions is what the instructions start
        if name.endswith(_BINARIES):
            severity = "high"
        elif subject.code and not name.endswith(".sh"):
            severity = "medium"
        yield subject.finding("program-file", severity, message, path, fix="delete it")


def _path_file(subject: Subject, path: str) -> Iterator[Finding]:
    data = subject.inventory.head(path, 65_536)
    if data[:2] in (b"PK", b"\x80\x02", b"\x80\x04"):
        return  # a model of PyTorch's, which the check of opaque files looks into
    runs = any(line.startswith((b"import ", b"import\t")) for line in data.splitlines())
    message = "a .pth file can run code in every start of Python"
    severity = "critical" if runs else "high"
    yield subject.finding("path-file", severity, message, path, fix="delete it")


def _effect(subject: Subject, path: str) -> str:
    """Return what a module does where it is imported, other than to define things; or nothing."""
    tree = subject.tree(path)
    if tree is None:
        return "cannot be read"
    for node in tree.body:
        if not isinstance(node, ast.Expr) or isinstance(node.value, ast.Constant):
            continue
        call = node.value
        called = ast.unparse(call.func) if isinstance(call, ast.Call) else "something"
        # What is put on the path of imports is what tests beside the code need.
        if not called.startswith(("sys.path.", "pytest.", "warnings.", "logging.")):
            return f"calls {called[:60]}"
    return ""


def _shadows(subject: Subject) -> Iterator[Finding]:
    """Yield modules that others get in place of one of the standard library."""
    for path in subject.modules:
        name, _, rest = path.partition("/")
        if rest not in ("", "__init__.py"):
            continue
        name = name.removesuffix(".py")
        if name not in sys.stdlib_module_names or name in _EXAMPLES:
            continue
        if name == subject.entry_module or _only_relative(subject, name):
            continue
        message = f"where this folder is on the path, {name} of the standard library is not found"
        yield subject.finding(
            "shadows-standard-library", "high", message, path, fix="give it another name"
        )


def _only_relative(subject: Subject, name: str) -> bool:
    """Return whether the skill's modules import one of theirs, and only as ``from .name``."""
    relative = False
    for path in subject.modules:
        if name.encode() not in (subject.source(path) or b""):
            continue
        tree = subject.tree(path)
        for node in ast.walk(tree) if tree is not None else ():
            if isinstance(node, ast.Import):
                if any(alias.name.partition(".")[0] == name for alias in node.names):
                    return False
            elif isinstance(node, ast.ImportFrom):
                first = (node.module or "").partition(".")[0]
                if not node.level and first == name:
                    return False
                relative |= node.level > 0 and (
                    first == name or any(alias.name == name for alias in node.names)
                )
    return relative


def _aside(subject: Subject) -> Iterator[Finding]:
    """Yield folders of those who work on the skill, which are not looked into."""
    for path, why in sorted(subject.inventory.aside.items()):
        if not why.endswith(("work on the skill", "virtual environment")):
            continue
        name = path.rpartition("/")[2].encode("utf-8", "surrogateescape")
        named = [m for m in subject.all_modules if name in (subject.source(m) or b"")]
        severity = "high" if named else "medium" if subject.publishing else "low"
        message = f"it was not looked into: {why}"
        if named:
            message += f", yet {show(named[0])} names it"
        yield subject.finding("not-looked-into", severity, message, path, fix="leave it out")
        if path.endswith(".git"):
            yield from _hooks(subject, path)


def _hooks(subject: Subject, path: str) -> Iterator[Finding]:
    """Yield what git would run in this folder."""
    try:
        names = sorted(os.listdir(os.path.join(subject.folder, path, "hooks")))[:200]
    except (OSError, ValueError):
        return
    for name in names:
        if not name.endswith(".sample"):
            severity = "high" if subject.publishing else "medium"
            message = "git runs this program when somebody works in the folder"
            hook = f"{path}/hooks/{name}"
            yield subject.finding("hook-file", severity, message, hook, fix="delete it")


def _link(subject: Subject, entry: Entry) -> Iterator[Finding]:
    path = entry.path
    try:
        base = os.path.realpath(subject.folder)
        real = os.path.realpath(os.path.join(subject.folder, path))
    except (OSError, ValueError):
        base, real = "/", ""
    if real != base and not real.startswith(base + os.sep):
        message = "it is a link that leads out of the skill's folder"
        fix = "copy the file instead"
        yield subject.finding(
            "link-leads-out", "critical", message, path, fix=fix, evidence=show(entry.target, 160)
        )
    elif not os.path.exists(real) or os.path.join(base, path).startswith(real + os.sep):
        message = "it is a link that leads nowhere or in a circle"
        yield subject.finding("link-inside", "high", message, path, fix="delete it")
    elif os.path.isdir(real) or path.endswith((".py", ".pyw")):
        message = "it is a link, and what is behind it is not judged by that name"
        severity = "medium" if os.path.isdir(real) else "high"
        yield subject.finding("link-inside", severity, message, path, fix="copy the file instead")


def _names(subject: Subject) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for entry in subject.inventory.entries:
        path = entry.path
        if path.isascii() and path.isprintable() and not _RISKY.search(path):
            folded = path.casefold()
        else:
            folded = unicodedata.normalize("NFC", path).casefold()
            yield from _strange(subject, path)
        if folded in seen:
            message = f"on many systems it is the same file as {show(seen[folded])}"
            severity = "high" if path.endswith(".py") else "warning"
            yield subject.finding("names-collide", severity, message, path, fix="rename one")
        seen.setdefault(folded, path)


def _strange(subject: Subject, path: str) -> Iterator[Finding]:
    """Yield what is odd about the last part of a path."""
    part = path.rpartition("/")[2]
    stem = part.partition(".")[0].casefold()
    hidden = [sign for sign in part if unicodedata.category(sign) in ("Cf", "Cc", "Zl", "Zp", "Cs")]
    if (
        hidden
        or "\\" in part
        or unicodedata.normalize("NFKC", part) != unicodedata.normalize("NFC", part)
    ):
        word = f"U+{ord(hidden[0]):04X}" if hidden else "a sign that looks like another"
        message = f"{show(part)} holds {word}, and is not called what it seems"
        severity = "high" if hidden or "\\" in part else "medium"
        yield subject.finding("name-deceives", severity, message, path, fix="rename it")
        if hidden and not any(unicodedata.category(sign) == "Cc" for sign in hidden):
            return
    if not part.isprintable() or stem in _DEVICES or _RISKY.search(part):
        message = f"{show(part)} cannot be a file's name on Windows"
        yield subject.finding("name-not-portable", "warning", message, path, fix="rename it")
