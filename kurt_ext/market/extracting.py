"""Unpack a zip within budgets; what is wrong with it is refused, and never mended.

All names, kinds and sizes are judged before the first byte is written. A file ends
where it said it would, or the whole archive is refused and nothing is left of it.
Files get the rights 0644 and folders 0755, whatever the archive says.
"""

from __future__ import annotations

import os
import shutil
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import IO, NamedTuple

from ..errors import IntegrityError
from ..manifest import MANIFESTS
from . import paths, zipformat
from .zipformat import DEFLATED, Entry, refuse

__all__ = ["BUDGET", "WHEEL_BUDGET", "Budget", "Extracted", "extract", "look"]

_CHUNK = 1 << 16
_MANIFESTS = frozenset(name.lower() for name in MANIFESTS)
_FLAGS = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


class Budget(NamedTuple):
    """How much an archive may hold.

    :param files: files, and as many folders again.
    :param size: bytes of all files; 512 files and 16 MiB are those of MCP's SEP-2640.
    :param ratio: bytes that one packed byte may become, of a file of more than 1 MiB.
    :param archive: bytes of the archive itself; those of the files and a bit if None.
    """

    files: int = 512
    size: int = 16 << 20
    ratio: int = 100
    archive: int | None = None


BUDGET = Budget()
WHEEL_BUDGET = Budget(files=10_000, size=256 << 20)
_RATIO_FLOOR = 1 << 20
#: Bytes of headers that a file may need besides its content.
_HEADERS = 4096


class Extracted(NamedTuple):
    """What came out of an archive.

    :param files: path → (digest, size), sorted.
    :param top: the one folder at the top that was left away; "" for none.
    """

    files: dict[str, tuple[str, int]]
    top: str


class _Plan(NamedTuple):
    """What is to be written: path → entry, and the folder at the top that is left away."""

    files: dict[str, Entry]
    top: str


def look(archive: str | IO[bytes], *, budget: Budget = BUDGET, skill: bool = True) -> list[str]:
    """Return the paths that :func:`extract` would write, and write nothing.

    :raises ArchiveError: as :func:`extract` does, apart from what only unpacking shows.
    """
    stream, ours = _opened(archive)
    try:
        return list(_plan(stream, budget, skill).files)
    finally:
        if ours:
            stream.close()


def extract(
    archive: str | IO[bytes],
    target: str,
    *,
    budget: Budget = BUDGET,
    skill: bool = True,
    expected: Mapping[str, tuple[str, int]] | None = None,
) -> Extracted:
    """Unpack an archive into a new folder; on any error nothing of it is left.

    :param archive: a path, or a stream that can be searched.
    :param target: the folder to make; there must be none.
    :param skill: it is a skill: a manifest at its top, and none below, where the top may be
        in one folder, which is left away. Not so for a wheel.
    :param expected: path → (digest, size) of exactly the files that must be in it; names and
        sizes are compared before anything is written.
    :raises ArchiveError: when it holds what is never unpacked, or more than the budget.
    :raises IntegrityError: when its files are not the expected ones.
    :raises FileExistsError: when the target is there.
    :raises OSError: when it cannot be read or written.
    """
    stream, ours = _opened(archive)
    try:
        plan = _plan(stream, budget, skill)
        if expected is not None:
            _compare({path: entry.size for path, entry in plan.files.items()}, expected)
        os.mkdir(target, 0o755)
        try:
            found = _write(stream, plan, target)
            if expected is not None:
                for path, (digest, _) in found.items():
                    if digest != expected[path][0]:
                        raise IntegrityError(
                            f"{path} in the archive is not what was promised",
                            cause=f"promised {expected[path][0]}\nfound {digest}",
                        )
        except BaseException:
            with suppress(OSError):
                shutil.rmtree(target)
            raise
        return Extracted(found, plan.top)
    finally:
        if ours:
            stream.close()


def _opened(archive: str | IO[bytes]) -> tuple[IO[bytes], bool]:
    return (open(archive, "rb"), True) if isinstance(archive, str) else (archive, False)


def _plan(stream: IO[bytes], budget: Budget, skill: bool) -> _Plan:
    """Return what an archive would write, if all of it may be written."""
    length = stream.seek(0, os.SEEK_END)
    most = budget.archive
    if most is None:
        most = budget.size + _HEADERS * budget.files
    if length > most:
        refuse("too-large", f"it has {length:,} bytes, and {most:,} are allowed")
    _check_format(stream)
    entries = zipformat.read_directory(stream, length, 2 * budget.files)
    files = {}
    names = []
    for entry in entries:
        path = entry.name.removesuffix("/") if entry.folder else entry.name
        found = paths.fault(path)
        if found is not None:
            refuse(found[0], found[1], entry.name)
        names.append((path, entry))
    _check_budget([entry for entry in entries if not entry.folder], budget)
    _check_clash(names)
    top = _top([path for path, entry in names if not entry.folder], names) if skill else ""
    for path, entry in names:
        if not entry.folder:
            files[path[len(top) + 1 :] if top else path] = entry
    if skill:
        _check_manifests(files)
    return _Plan(dict(sorted(files.items())), top)


def _check_format(stream: IO[bytes]) -> None:
    from ..analysis.archives import what

    stream.seek(0)
    head = stream.read(512)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return
    kind = what(head)
    if not kind and b"<html" in head[:200].lower():
        kind = "web page"
    hint = "make a zip of it: zip is the one format that is taken"
    refuse("not-zip", f"it is {f'a {kind}' if kind else 'something else'}, no zip", hint=hint)


def _check_budget(entries: Sequence[Entry], budget: Budget) -> None:
    if len(entries) > budget.files:
        refuse("too-many-files", f"it has {len(entries):,} files, and {budget.files:,} are allowed")
    whole = 0
    for entry in entries:
        whole += entry.size
        if whole > budget.size:
            message = f"its files have more than the {budget.size:,} bytes that are allowed"
            refuse("too-large", message, entry.name)
        if entry.size > _RATIO_FLOOR and entry.size > budget.ratio * max(1, entry.packed):
            message = f"it becomes {entry.size // max(1, entry.packed):,} times as large"
            refuse("archive-ratio", message, entry.name)


def _check_clash(names: Sequence[tuple[str, Entry]]) -> None:
    # A folder's own entry is told from a file by a name that no file has.
    found = paths.clash([f"{path}/." if entry.folder else path for path, entry in names])
    if found is not None:
        rule, path, other = found
        path, other = path.removesuffix("/."), other.removesuffix("/.")
        refuse(rule, f"a file system may take it for {other[:80]!r}", path)


def _top(files: Sequence[str], names: Sequence[tuple[str, Entry]]) -> str:
    """Return the one folder that everything lies in, where the manifest is in it too."""
    first = files[0].partition("/")[0] if files else ""
    if not all(path == first or path.startswith(first + "/") for path, _ in names):
        return ""
    return first if any(f"{first}/{name}" in files for name in MANIFESTS) else ""


def _check_manifests(files: Mapping[str, Entry]) -> None:
    for path in files:
        above, _, name = path.rpartition("/")
        if name.lower() in _MANIFESTS:
            if above:
                refuse("nested-manifest", "it is the manifest of a second skill", path)
            if name not in MANIFESTS:
                refuse("case-of-manifest", "it must be written SKILL.md or plugin.json", path)
    if not any(name in files for name in MANIFESTS):
        mac = any(path.startswith("__MACOSX/") for path in files)
        hint = "leave __MACOSX out: zip -X -r skill.zip folder" if mac else None
        refuse("no-manifest", f"it has no {' and no '.join(MANIFESTS)} at its top", hint=hint)


def _compare(found: Mapping[str, int], expected: Mapping[str, tuple[str, int]]) -> None:
    for path in sorted(found.keys() | expected.keys()):
        if path not in expected:
            raise IntegrityError(f"{path} is in the archive, and was not promised")
        if path not in found:
            raise IntegrityError(f"{path} was promised, and is not in the archive")
        if found[path] != expected[path][1]:
            promised = expected[path][1]
            raise IntegrityError(
                f"{path} has {found[path]:,} bytes, and {promised:,} were promised"
            )


def _write(stream: IO[bytes], plan: _Plan, target: str) -> dict[str, tuple[str, int]]:
    """Write all files; return path → (digest, size)."""
    found: dict[str, tuple[str, int]] = {}
    made = {""}
    for path, entry in plan.files.items():
        above = path.rpartition("/")[0]
        if above not in made:
            _make(target, above, made)
        descriptor = os.open(os.path.join(target, path), _FLAGS, 0o644)
        with os.fdopen(descriptor, "wb", buffering=0) as out:
            found[path] = _unpack(stream, entry, out)
            if hasattr(os, "fchmod"):  # not on Windows; else the umask decides
                os.fchmod(descriptor, 0o644)
    return found


def _make(target: str, folder: str, made: set[str]) -> None:
    parts = folder.split("/")
    for number in range(1, len(parts) + 1):
        above = "/".join(parts[:number])
        if above not in made:
            os.mkdir(os.path.join(target, above), 0o755)
            made.add(above)


def _unpack(stream: IO[bytes], entry: Entry, out: IO[bytes]) -> tuple[str, int]:
    """Write the bytes of one entry, no more and no fewer than it said; return digest and size."""
    stream.seek(entry.start)
    whole, crc, size, left = sha256(), 0, 0, entry.packed
    inflater = zlib.decompressobj(-zlib.MAX_WBITS) if entry.method == DEFLATED else None
    pending = b""
    while True:
        if not pending and left:
            pending = stream.read(min(_CHUNK, left))
            if not pending:
                refuse("lying-size", "the archive ends within it", entry.name)
            left -= len(pending)
        if inflater is None:
            data, pending = pending, b""
        else:
            data, pending = _inflate(inflater, pending, entry)
        size += len(data)
        if size > entry.size:
            refuse("lying-size", "it is longer than it says", entry.name)
        crc = zlib.crc32(data, crc)
        whole.update(data)
        _put(out, data)
        if not pending and not left and not data:
            break
    if inflater is not None and not inflater.eof:
        refuse("archive-damaged", "its packed bytes end too early", entry.name)
    if size != entry.size:
        refuse("lying-size", "it is shorter than it says", entry.name)
    if crc != entry.crc:
        refuse("archive-damaged", "its checksum is another", entry.name)
    return "sha256:" + whole.hexdigest(), size


def _inflate(inflater: zlib._Decompress, pending: bytes, entry: Entry) -> tuple[bytes, bytes]:
    """Return at most a chunk of unpacked bytes, and the packed ones that are left."""
    if inflater.eof:
        if pending:
            refuse("hidden-data", "there are bytes behind its packed ones", entry.name)
        return b"", b""
    try:
        data = inflater.decompress(pending, _CHUNK)
    except zlib.error as error:
        refuse("archive-damaged", f"it cannot be unpacked: {error}", entry.name)
    if inflater.unused_data:
        refuse("hidden-data", "there are bytes behind its packed ones", entry.name)
    return data, inflater.unconsumed_tail


def _put(out: IO[bytes], data: bytes) -> None:
    with memoryview(data) as rest:
        written = 0
        while written < len(rest):
            written += out.write(rest[written:]) or 0
