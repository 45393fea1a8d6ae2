"""Ask whether every file is what it is called, and can be read by a person before it is used.

Compiled and native code, archives and pickles hold what no reviewer sees. A
bytecode cache is run in place of its source wherever its header allows that.

Bad::

    skills/web-archiver/fast.so
    skills/web-archiver/assets/logo.png      (an ELF program)
    skills/web-archiver/assets/model.pkl     (imports os.system)

Good::

    skills/web-archiver/skill.py
    skills/web-archiver/assets/logo.png
    skills/web-archiver/assets/words.json
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator

from ..analysis import archives, bytecode, pickles
from ..analysis.inventory import Entry
from ..findings import Finding
from ..sources import show
from .subject import Subject

__all__ = ["CATEGORY", "RULES", "check"]

CATEGORY = {
    "archive-bomb": "resource_exhaustion",
    "archive-code": "opaque_binary",
    "archive-leads-out": "opaque_binary",
    "archive-unread": "opaque_binary",
    "compiled-file": "opaque_binary",
    "disguised-file": "opaque_binary",
    "native-file": "opaque_binary",
    "pickle-file": "deserialization",
    "poisoned-cache": "opaque_binary",
    "stale-cache": "opaque_binary",
}
RULES = tuple(CATEGORY)
_BYTECODE = (".pyc", ".pyo")
_NATIVE = (".so", ".pyd", ".dll", ".dylib", ".o", ".a", ".node", ".wasm", ".lib", ".sys")
_ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar", ".tbz2", ".txz", ".cab")
_PACKAGES = (".whl", ".egg", ".jar", ".war", ".apk", ".xpi", ".crx", ".pyz", ".deb", ".rpm")
_OFFICE = (".docx", ".xlsx", ".pptx", ".docm", ".xlsm", ".pptm", ".odt", ".ods", ".epub", ".dotm")
_ARRAYS = (".npz", ".keras", ".pt", ".pth", ".ckpt", ".bin")
_PICKLES = (".pkl", ".pickle", ".joblib", ".pt", ".p", ".pck", ".dill", ".cpickle", ".ckpt")
_TEXT = (".py", ".pyi", ".json", ".md", ".txt", ".toml", ".yaml", ".yml", ".cfg", ".ini", ".csv")
_PICTURES = {
    ".png": (b"\x89PNG\r\n\x1a\n",),
    ".jpg": (b"\xff\xd8\xff",),
    ".jpeg": (b"\xff\xd8\xff",),
    ".gif": (b"GIF8",),
    ".webp": (b"RIFF",),
    ".bmp": (b"BM",),
    ".ico": (b"\0\0\1\0", b"\x89PNG"),
    ".pdf": (b"%PDF-",),
}
_PROGRAMS = (
    (b"\x7fELF", "an ELF program"),
    (b"\xfe\xed\xfa\xce", "a Mach-O program"),
    (b"\xfe\xed\xfa\xcf", "a Mach-O program"),
    (b"\xce\xfa\xed\xfe", "a Mach-O program"),
    (b"\xcf\xfa\xed\xfe", "a Mach-O program"),
    (b"\xca\xfe\xba\xbe", "a Java class or a Mach-O program"),
    (b"\0asm", "a WebAssembly program"),
    (b"\x4c\0\0\0\1\x14\2\0", "a Windows shortcut"),
    (b"dex\n03", "an Android program"),
)


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what cannot be read before it is used, and what is not what it is called."""
    for entry in subject.inventory.entries:
        if entry.kind == "file" and entry.size:
            yield from _file(subject, entry)


def _file(subject: Subject, entry: Entry) -> Iterator[Finding]:
    path = entry.path
    name = path.rpartition("/")[2].lower()
    head = subject.inventory.head(path)
    if "__pycache__" in path.split("/"):
        yield from _cache(subject, entry, name)
    elif name.endswith(_BYTECODE):
        message = "it is compiled Python, which is run though nobody can read it"
        fix = "ship the source"
        yield subject.finding("compiled-file", "critical", message, path, fix=fix)
    elif bytecode.is_code(head):
        yield _disguised(subject, path, "compiled Python", "critical")
    elif name.endswith(_NATIVE) or ".so." in name:
        yield from _native(subject, path)
    elif program := _program(head):
        yield _disguised(subject, path, program, "high")
    else:
        yield from _content(subject, entry, name, head)


def _program(head: bytes) -> str:
    for magic, word in _PROGRAMS:
        if head.startswith(magic):
            return word
    if head[:2] == b"MZ" and b"\0" in head[2:64]:
        return "a Windows program"
    return ""


def _disguised(subject: Subject, path: str, word: str, severity: str) -> Finding:
    message = f"it is {word}, whatever its name says"
    return subject.finding("disguised-file", severity, message, path, fix="delete it")


def _native(subject: Subject, path: str) -> Iterator[Finding]:
    if subject.record is not None and subject.record["permissions"]["native_code"]:
        message = "it is native code, as is declared; nobody can read it before it runs"
        yield subject.finding("native-file", "medium", message, path, fix="ship its source as well")
        return
    message = "it is native code, and native_code is not among the permissions"
    fix = "declare permissions: native_code: true, or delete it"
    yield subject.finding("compiled-file", "high", message, path, fix=fix)


def _content(subject: Subject, entry: Entry, name: str, head: bytes) -> Iterator[Finding]:
    path = entry.path
    suffix = "." + name.rpartition(".")[2]
    if name.endswith(_PACKAGES):
        message = "it is a package of programs that nobody looks into"
        fix = "name it in dependencies"
        yield subject.finding("archive-code", "high", message, path, fix=fix)
        return
    if suffix in _TEXT and not pickles.looks_pickled(head) and not archives.what(head):
        return  # text that holds no NUL is for the checks of text
    kind = archives.what(head)
    data = subject.source(path)
    if data is not None and not kind and suffix not in _TEXT:
        kind = archives.what(data)
    if kind:
        yield from _archive(subject, entry, suffix, kind, data)
    elif suffix in _PICKLES or pickles.looks_pickled(head) or pickles.is_object_array(head):
        yield from _pickle(subject, path, suffix, data, head)
    elif suffix in _PICTURES and not head.startswith(_PICTURES[suffix]):
        script = head.startswith(b"#!") or head.lstrip()[:7] in (b"import ", b"<script")
        severity = "high" if script else "warning"
        yield _disguised(subject, path, "a script" if script else "no picture or page", severity)
    elif data is not None and (word := _behind(data)):
        yield _disguised(subject, path, word, "high")


def _behind(data: bytes) -> str:
    """Return what is hidden behind the end of a picture; "" for nothing."""
    if not data.startswith(_PICTURES[".png"]):
        return ""
    end = data.rfind(b"IEND")
    rest = data[end + 8 :] if end >= 0 else b""
    if not rest.strip(b"\0\r\n "):
        return ""
    return f"a picture and {len(rest):,} bytes of something else"


def _archive(
    subject: Subject, entry: Entry, suffix: str, kind: str, data: bytes | None
) -> Iterator[Finding]:
    path = entry.path
    known = suffix in (*_ARCHIVES, *_OFFICE, *_ARRAYS)
    if not known:
        yield _disguised(subject, path, f"an archive ({kind})", "high")
    if data is None:
        message = "it is an archive too large to be looked into"
        yield subject.finding("archive-unread", "high", message, path, fix="unpack it")
        return
    found = archives.peek(data, kind)
    if found.bomb:
        message = f"it is an archive of {len(data):,} bytes that unpacks to a multiple of that"
        yield subject.finding("archive-bomb", "high", message, path, fix="delete it")
    for rule, names, message in (
        ("archive-leads-out", found.leading_out, "it is an archive with a name that leads out"),
        ("archive-code", found.code, "it is an archive that holds a program"),
    ):
        if names:
            evidence = show(names[0], 160)
            fix = "ship what is needed unpacked"
            yield subject.finding(rule, "high", message, path, fix=fix, evidence=evidence)
    if found.locked or not found.readable or found.nested:
        message = "it is an archive in an archive, which is not looked into"
        if found.locked or not found.readable:
            message = "it is an archive that cannot be looked into"
        severity = "medium" if found.readable and not found.locked else "high"
        yield subject.finding("archive-unread", severity, message, path, fix="unpack it")
    yield from _inside(subject, path, suffix, data, found)


def _inside(
    subject: Subject, path: str, suffix: str, data: bytes, found: archives.Archive
) -> Iterator[Finding]:
    """Look at the pickles in an archive of arrays, as PyTorch and numpy write it."""
    if found.kind != "zip" or found.bomb or found.locked:
        return
    wanted = [name for name in found.names if name.endswith((".pkl", ".npy", ".pickle"))]
    if not wanted:
        return
    for name, content in archives.members(data, wanted[:64]):
        if name.endswith(".npy") and not pickles.is_object_array(content):
            continue
        yield from _pickle(subject, path, suffix, content, content[:4096], name)


def _pickle(
    subject: Subject, path: str, suffix: str, data: bytes | None, head: bytes, inside: str = ""
) -> Iterator[Finding]:
    where = f" in {show(inside)}" if inside else ""
    fix = "ship the data as JSON, CSV, .npy of numbers or safetensors"
    if pickles.is_object_array(head):
        message = f"there is an array of objects{where}, which runs code where it is loaded"
        yield subject.finding("pickle-file", "high", message, path, fix=fix)
        return
    if data is None:
        message = "it is a pickle too large to be followed"
        yield subject.finding("pickle-file", "high", message, path, fix=fix)
        return
    found = pickles.read(data)
    foreign = ", ".join([show(name) for name in found.foreign[:5]])
    if foreign:
        severity = "critical" if found.runs else "high"
        message = f"there is a pickle{where} that imports what is no data when it is loaded"
        yield subject.finding("pickle-file", severity, message, path, fix=fix, evidence=foreign)
    elif not found.whole and not found.names and not pickles.looks_pickled(head):
        message = "it is called a pickle or a model, and is none that can be followed"
        yield subject.finding("pickle-file", "medium", message, path, fix=fix)
    elif not found.whole:
        message = f"there is a pickle{where} that cannot be followed to its end"
        yield subject.finding("pickle-file", "high", message, path, fix=fix)
    else:
        message = f"there is a pickle{where} of mere data; another version of it may run code"
        yield subject.finding("pickle-file", "warning", message, path, fix=fix)


#: How interpreters name their caches: by their tag, and the level of optimisation.
_OF_PYTHON = re.compile(r"\.[a-z]+-\d+(?:\.opt-[a-z0-9]+)?\.py[co]$")


def _cache(subject: Subject, entry: Entry, name: str) -> Iterator[Finding]:
    """Ask whether what lies in ``__pycache__`` was made from the source beside it."""
    path = entry.path
    fix = f"delete {show(path.rpartition('/')[0])}"
    if not name.endswith(_BYTECODE):
        if name.endswith((".nbi", ".nbc")):
            return  # numba's, which is checked by numba alone
        message = "it lies where Python keeps what it compiled, and is nothing of that"
        yield subject.finding("poisoned-cache", "high", message, path, fix=fix)
        return
    data = subject.source(path)
    cache = bytecode.header(data) if data is not None else None
    source_path = _source_of(path)
    if data is None or cache is None:
        message = "it is no bytecode cache that an interpreter wrote; none would load it"
        yield subject.finding("stale-cache", "low", message, path, fix=fix)
        return
    source = subject.source(source_path) if source_path else None
    if source is not None and not _OF_PYTHON.search(name):
        message = "it is the cache of another program, such as a runner of tests; none imports it"
        yield subject.finding("stale-cache", "low", message, path, fix=fix)
        return
    if cache.flags == 1:
        message = "it says that Python shall run it without a look at the source beside it"
        yield subject.finding("poisoned-cache", "critical", message, path, fix=fix)
        return
    if source is None:
        message = "it is compiled Python whose source is not there"
        severity = "high" if subject.publishing else "medium"
        yield subject.finding("stale-cache", severity, message, path, fix=fix)
        return
    if not _preferred(subject, cache, source_path, source):
        message = "it was made from another source than lies beside it; Python makes it anew"
        yield subject.finding("stale-cache", "low", message, path, fix=fix)
        return
    foreign = bytecode.foreign(data, source)
    if foreign is None or foreign:
        message = "Python would run it in place of the source beside it, which says other things"
        evidence = ", ".join([show(word) for word in (foreign or [])[:5]])
        yield subject.finding(
            "poisoned-cache", "critical", message, path, fix=fix, evidence=evidence
        )
    elif subject.publishing:
        message = "it is a bytecode cache, which every interpreter makes for itself"
        yield subject.finding("stale-cache", "low", message, path, fix=fix)


def _source_of(path: str) -> str:
    """Return the module that a cache is of: ``a/__pycache__/b.cpython-311.pyc`` → ``a/b.py``."""
    folder, _, name = path.rpartition("/")
    above = folder.rpartition("__pycache__")[0]
    return f"{above}{name.partition('.')[0]}.py"


def _preferred(subject: Subject, cache: bytecode.Cache, path: str, source: bytes) -> bool:
    """Return whether Python would take a cache for that of a source."""
    if cache.flags == 3:
        return cache.hash == importlib.util.source_hash(source)
    entry = subject.inventory.by_path[path]
    # The time of the source is what an archive says it is: it is no evidence of another source.
    same_time = int(entry.mtime) & 0xFFFFFFFF == cache.mtime
    return same_time and cache.size == len(source) & 0xFFFFFFFF
