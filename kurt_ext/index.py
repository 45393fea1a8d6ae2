"""One binary file that answers ``kurt list`` without reading a single manifest.

The file belongs to one (interpreter, search path, host version, project). It
holds what discovery found, rendered, beside the fingerprints of everything
that was looked at. It is valid while every fingerprint is equal and *clearly
older* than the file; what was touched within :data:`RACY_NS` of the writing
is looked at again, since a second change in the same tick of the file
system's clock would not show.

Reading it imports nothing: marshal, stat and SipHash are built in.

Layout: a 64-byte header, then sections one after the other::

    magic 16 | checksum of the directory 8 | length of the directory 8 | padding
    directory   marshal: {section: (offset, length, checksum)}
    started     marshal: when the looking began, in ns
    key         marshal: what the file belongs to
    origin      marshal: the part of it that does not name interpreter or search path
    world       marshal: (paths, fingerprints) of folders and configuration
    sweep       marshal: [(base folder, probes, fingerprints)], a probe being a
                path below the base: a manifest, a skill's folder, an
                entry_points.txt
    names       24 bytes a skill, sorted: SipHash of the name, offset and
                length of its page within `pages`
    pages       one skill a page, checksummed each
    list        the finished answer to ``kurt list --json``
    rows        marshal: everything, for the processes that change the file
    host        marshal: what of it extends the program itself: kinds, commands

A section is checked against its checksum before marshal sees it: damaged
marshal data can end the interpreter. A forged file can at most show a wrong
listing: at load, the winning entry point is read again from its own file.
"""

from __future__ import annotations

import marshal
import os
import sys
import time
from _imp import source_hash

from . import __version__
from .places import digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from .places import Places

    #: (st_mtime_ns, st_ctime_ns, st_ino, st_size), or None where there is nothing.
    Fingerprint = tuple[int, int, int, int] | None

__all__ = [
    "RACY_NS",
    "Index",
    "fingerprint",
    "is_racy",
    "key_of",
    "make_page",
    "name_hash",
    "origin_of",
    "search_path",
    "sweep",
    "write",
]

#: How much older than the index a change must be to be trusted: the coarsest
#: clock of a file system in use (FAT) ticks every two seconds.
RACY_NS = 2_100_000_000

_MAGIC = b"kurt-index/1\n\0\0\0"
_HEADER = 64
_SALT = 0x696E6465
#: Version 2 has no references: equal values always give equal bytes.
_MARSHAL = 2
_NAME_ENTRY = 24
_PAGE_SUM = 8
#: Index files of other search paths and projects that are kept beside this one.
_KEEP = 64
_DIR_FD = os.stat in os.supports_dir_fd and os.open in os.supports_dir_fd


def fingerprint(path: str) -> Fingerprint:
    """Return what tells two states of a file or folder apart, following links."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_size)


def is_racy(mark: Fingerprint, now: int) -> bool:
    """Return whether a change after ``now`` (ns) could leave the fingerprint as it is.

    Times in the future are never trusted: the clock may have been set back.
    """
    return mark is not None and max(mark[0], mark[1]) > now - RACY_NS


def sweep(base: str, probes: Sequence[str]) -> list[Fingerprint]:
    """Return the fingerprint of each probe, a path relative to ``base``.

    ``stat`` relative to an open folder is two to three times faster than with
    whole paths, and this loop is most of a warm ``kurt list``.
    """
    stat = os.stat
    marks: list[Fingerprint] = []
    if not probes:
        return marks
    add = marks.append
    descriptor = -1
    if _DIR_FD:
        try:
            descriptor = os.open(base, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
        except OSError:
            return [None] * len(probes)
    try:
        for probe in probes:
            try:
                found = (
                    stat(probe, dir_fd=descriptor) if _DIR_FD else stat(os.path.join(base, probe))
                )
            except (OSError, ValueError):
                add(None)
            else:
                add((found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_size))
    finally:
        if descriptor >= 0:
            os.close(descriptor)
    return marks


def origin_of(places: Places) -> tuple[Any, ...]:
    """Return what an index belongs to whatever interpreter and search path it is for."""
    return (
        __version__,
        places.project,
        places.project_config,
        places.user_config,
        places.data,
        places.user_skills,
        places.trusted_by_environment,
    )


def search_path(places: Places) -> list[str]:
    """Return ``sys.path`` without this project's own shims, whose skills are read as folders."""
    base = os.path.join(places.data, "shim") + os.sep
    if not any(entry.startswith(base) for entry in sys.path):
        return sys.path
    ours = {places.shim(scope) for scope in ("project", "user", "builtin")}
    return [entry for entry in sys.path if entry not in ours]


def key_of(places: Places) -> tuple[Any, ...]:
    """Return what an index file belongs to; another key is another file."""
    interpreter = (sys.implementation.cache_tag, sys.prefix, tuple(search_path(places)))
    return (*interpreter, places.builtin_skills, *origin_of(places))


class Index:
    """An index file, opened: nothing is read but the directory until it is asked for.

    :param path: the file.
    :param section: the section that says what it belongs to.
    :param key: what that must be.
    """

    __slots__ = ("_directory", "_file", "_key", "_sweeps", "path", "swept", "written")

    def __init__(self, path: str, section: str, key: tuple[Any, ...]) -> None:
        self.path = path
        self._key = (section, marshal.dumps(key, _MARSHAL))
        self._file = -1
        self._directory: dict[str, tuple[int, int, bytes]] = {}
        #: When the looking began that the file holds the results of, in ns.
        self.written = 0
        #: Base folder → the fingerprints of its probes, as the last check saw them.
        self.swept: dict[str, list[Fingerprint]] = {}
        self._sweeps: list[tuple[str, list[str], list[Fingerprint], int]] | None = None

    @classmethod
    def open(cls, places: Places) -> Index | None:
        """Return the index of this process, or None where there is none to trust.

        A file of another user, of another version, of another search path, or
        one that was damaged counts as none.
        """
        key = key_of(places)
        return cls(_path(places, key), "key", key)._opened()

    @classmethod
    def open_remembered(cls, places: Places) -> Index | None:
        """Return the last index that any environment wrote for this project, or None.

        It answers nothing by itself; a first start in an environment takes over
        from it what is still so, above all the manifests.
        """
        return cls(_remembered(places), "origin", origin_of(places))._opened()

    def _opened(self) -> Index | None:
        try:
            if self._load():
                return self
        except (OSError, ValueError, EOFError, TypeError, KeyError):
            pass
        self.close()
        return None

    def _load(self) -> bool:
        flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
        self._file = os.open(self.path, flags)
        found = os.fstat(self._file)
        if hasattr(os, "getuid") and found.st_uid != os.getuid():
            return False
        header = os.read(self._file, _HEADER)
        if header[:16] != _MAGIC:
            return False
        length = int.from_bytes(header[24:32], "little")
        if length > found.st_size:
            return False
        directory = os.read(self._file, length)
        if len(directory) != length or source_hash(_SALT, directory) != header[16:24]:
            return False
        self._directory = marshal.loads(directory)
        # Two clocks: that of the file system, and ours. The earlier one is safe.
        self.written = min(found.st_mtime_ns, self.load("started"))
        section, key = self._key
        return self.section(section) == key

    def section(self, name: str) -> bytes:
        """Return the bytes of a section.

        :raises ValueError: when they are not what was written.
        """
        offset, length, checksum = self._directory[name]
        data = self._read(offset, length)
        if source_hash(_SALT, data) != checksum:
            raise ValueError(f"section {name} of {self.path} is damaged")
        return data

    def _read(self, offset: int, length: int) -> bytes:
        os.lseek(self._file, offset, os.SEEK_SET)
        data = os.read(self._file, length)
        if len(data) != length:
            raise ValueError(f"{self.path} ends too early")
        return data

    def load(self, name: str) -> Any:
        """Return the value of a marshalled section."""
        return marshal.loads(self.section(name))

    def world_unchanged(self) -> bool:
        """Return whether search path, skill folders, configuration and trust are as they were."""
        paths, marks = self.load("world")
        horizon = self.written - RACY_NS
        for path, mark in zip(paths, marks, strict=True):
            if fingerprint(path) != mark:
                return False
            if mark is not None and (mark[0] > horizon or mark[1] > horizon):
                return False
        return True

    def unchanged(self, *, installed: bool = False) -> bool:
        """Return whether nothing at all that was looked at has changed since.

        :param installed: look at distributions only, not at the manifests of folders.
        """
        try:
            return self.world_unchanged() and self._sweep_unchanged(installed)
        except (ValueError, EOFError, TypeError):
            return False

    @property
    def sweeps(self) -> list[tuple[str, list[str], list[Fingerprint], int]]:
        """(base, probes, fingerprints, the newest time among them) of everything that was seen."""
        sweeps = self._sweeps
        if sweeps is None:
            self._sweeps = sweeps = self.load("sweep")
        return sweeps

    def _sweep_unchanged(self, installed: bool) -> bool:
        for base, probes, marks, newest in self.sweeps:
            if not probes or (installed and not probes[0].endswith("/entry_points.txt")):
                continue
            if newest > self.written - RACY_NS:
                return False
            self.swept[base] = found = sweep(base, probes)
            if found != marks:
                return False
        return True

    def page(self, name: str) -> dict[str, Any] | None:
        """Return the page of one skill if it is unchanged, by looking at that skill alone.

        None where no skill has the name, or something of it has changed.
        """
        try:
            if not self.world_unchanged():
                return None
            found = self._page(name)
            if found is None:
                return None
            horizon = self.written - RACY_NS
            for base, probes, marks in found["sweep"]:
                if sweep(base, probes) != marks:
                    return None
                for mark in marks:
                    if mark is not None and (mark[0] > horizon or mark[1] > horizon):
                        return None
            return found
        except (ValueError, EOFError, TypeError, KeyError):
            return None

    def _page(self, name: str) -> dict[str, Any] | None:
        names = self.section("names")
        wanted = name_hash(name)
        low, high = 0, len(names) // _NAME_ENTRY
        while low < high:
            middle = (low + high) // 2
            if names[middle * _NAME_ENTRY : middle * _NAME_ENTRY + 8] < wanted:
                low = middle + 1
            else:
                high = middle
        entry = names[low * _NAME_ENTRY : (low + 1) * _NAME_ENTRY]
        if entry[:8] != wanted:
            return None
        start, length = int.from_bytes(entry[8:16], "little"), int.from_bytes(entry[16:], "little")
        data = self._read(self._directory["pages"][0] + start, length)
        if source_hash(_SALT, data[_PAGE_SUM:]) != data[:_PAGE_SUM]:
            raise ValueError(f"a page of {self.path} is damaged")
        page: dict[str, Any] = marshal.loads(data[_PAGE_SUM:])
        return page if page["name"] == name else None

    def pages(self) -> dict[bytes, bytes]:
        """Return hash of the name → page of every skill, for the writer of the next file."""
        names, body = self.section("names"), self.section("pages")
        found: dict[bytes, bytes] = {}
        for at in range(0, len(names), _NAME_ENTRY):
            start = int.from_bytes(names[at + 8 : at + 16], "little")
            length = int.from_bytes(names[at + 16 : at + 24], "little")
            found[names[at : at + 8]] = body[start : start + length]
        return found

    def close(self) -> None:
        """Let go of the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __del__(self) -> None:
        self.close()


def name_hash(name: str) -> bytes:
    """Return the eight bytes under which a skill's page is filed."""
    return source_hash(_SALT, name.encode("utf-8", "surrogatepass"))


def _path(places: Places, key: tuple[Any, ...]) -> str:
    return os.path.join(places.index, digest(marshal.dumps(key, _MARSHAL)) + ".kurt-index")


def _remembered(places: Places) -> str:
    name = digest(os.fsencode(places.project))
    return os.path.join(places.data, "index", name + ".kurt-index")


def write(
    places: Places,
    *,
    started: int,
    world: tuple[Sequence[str], Sequence[Fingerprint]],
    bases: Iterable[tuple[str, Sequence[str], Sequence[Fingerprint]]],
    pages: Iterable[tuple[str, bytes]],
    listing: bytes,
    rows: Any,
    host: Any,
) -> str | None:
    """Write the index of this process in one step; return its path.

    Returns None where the cache folder cannot be written: the next process
    looks at everything again, and nothing else is lost.

    :param started: when the looking began (ns): what changed later is not trusted.
    :param pages: name and page of each skill, as :func:`make_page` returns it.
    """
    key = key_of(places)
    swept = [
        (base, list(probes), list(marks), max((max(m[0], m[1]) for m in marks if m), default=0))
        for base, probes, marks in bases
    ]
    names, body = _paginate(pages)
    sections = {
        "started": marshal.dumps(started, _MARSHAL),
        "key": marshal.dumps(key, _MARSHAL),
        "origin": marshal.dumps(origin_of(places), _MARSHAL),
        "world": marshal.dumps((list(world[0]), list(world[1])), _MARSHAL),
        "sweep": marshal.dumps(swept, _MARSHAL),
        "names": names,
        "pages": body,
        "list": listing,
        "rows": marshal.dumps(rows, _MARSHAL),
        "host": marshal.dumps(host, _MARSHAL),
    }
    path = _path(places, key)
    temporary = f"{path}.{os.getpid()}.{time.monotonic_ns()}"
    try:
        os.makedirs(places.index, mode=0o700, exist_ok=True)
        descriptor = os.open(
            temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600
        )
    except OSError:
        return None
    try:
        with open(descriptor, "wb") as file:
            for part in _assemble(sections):
                file.write(part)
        os.replace(temporary, path)
    except OSError:
        _remove(temporary)
        return None
    try:
        _prune(places.index)
    except OSError:
        return None  # somebody has cleared the cache in this moment
    _remember(path, _remembered(places))
    return path


def _remember(path: str, other: str) -> None:
    """Let a second name lead to the file, which outlives the cache; a convenience, no more."""
    try:
        os.makedirs(os.path.dirname(other), mode=0o700, exist_ok=True)
        temporary = f"{other}.{os.getpid()}.{time.monotonic_ns()}"
        os.link(path, temporary)
        os.replace(temporary, other)
    except OSError:
        return  # another file system, or one without links


def make_page(
    name: str,
    swept: Sequence[tuple[str, Sequence[str], Sequence[Fingerprint]]],
    fragment: bytes,
    record: dict[str, Any] | None,
    copies: Sequence[bytes],
) -> bytes:
    """Return the page of one skill.

    :param swept: (base, probes, fingerprints) of what must be unchanged for it to hold.
    :param fragment: its row of the listing, as JSON text.
    :param record: its manifest; None where the answer to ``kurt info`` depends
        on more than files.
    :param copies: the rows of the copies that it shadows.
    """
    page = {
        "name": name,
        "sweep": [(base, list(probes), list(marks)) for base, probes, marks in swept],
        "fragment": fragment,
        "record": record,
        "copies": list(copies),
    }
    data = marshal.dumps(page, _MARSHAL)
    return source_hash(_SALT, data) + data


def _paginate(pages: Iterable[tuple[str, bytes]]) -> tuple[bytes, bytes]:
    body: list[bytes] = []
    entries: list[bytes] = []
    offset = 0
    for name, data in pages:
        entries.append(
            name_hash(name) + offset.to_bytes(8, "little") + len(data).to_bytes(8, "little")
        )
        body.append(data)
        offset += len(data)
    return b"".join(sorted(entries)), b"".join(body)


def _assemble(sections: dict[str, bytes]) -> list[bytes]:
    """Return header, directory and sections; offsets depend on the directory's own length."""
    sums = {name: source_hash(_SALT, data) for name, data in sections.items()}
    # marshal stores small integers in a fixed width, so one trial gives the length.
    directory = marshal.dumps({name: (0, 0, sums[name]) for name in sections}, _MARSHAL)
    offset = _HEADER + len(directory)
    table: dict[str, tuple[int, int, bytes]] = {}
    for name, data in sections.items():
        table[name] = (offset, len(data), sums[name])
        offset += len(data)
    directory = marshal.dumps(table, _MARSHAL)
    header = _MAGIC + source_hash(_SALT, directory) + len(directory).to_bytes(8, "little")
    return [header.ljust(_HEADER, b"\0"), directory, *sections.values()]


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass


def _prune(folder: str) -> None:
    """Remove the index files that were written longest ago, past :data:`_KEEP`."""
    names = os.listdir(folder)
    if len(names) <= _KEEP:
        return
    aged = []
    for name in names:
        mark = fingerprint(os.path.join(folder, name))
        aged.append((mark[0] if mark else 0, name))
    aged.sort()
    for _, name in aged[: len(aged) - _KEEP]:
        _remove(os.path.join(folder, name))
