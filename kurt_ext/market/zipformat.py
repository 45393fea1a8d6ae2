"""Read the directory of a zip, so strictly that there is one reading of it.

A zip says everything twice: before each file and in a directory at its end. Readers
that believe the one see other files than those that believe the other. So both must
say the same, the files must lie side by side without a gap from the first byte on,
and what has more than one meaning is refused (APPNOTE.TXT 6.3.10, sections 4.3–4.5).
"""

from __future__ import annotations

import stat
import struct
from typing import IO, NamedTuple, NoReturn

from ..errors import ArchiveError

__all__ = ["DEFLATED", "STORED", "Entry", "read_directory", "refuse"]

STORED = 0
DEFLATED = 8
_END = struct.Struct("<4s4H2LH")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_LARGEST = 0xFFFFFFFF
_ENCRYPTED, _LATER, _PATCH, _STRONG, _UTF8, _MASKED = 0x1, 0x8, 0x20, 0x40, 0x800, 0x2000
#: Extra fields that give a file another name, size or place than its header says.
_RENAMING = {0x0001: "zip64", 0x7075: "unicode-path", 0x0017: "encrypted", 0x9901: "encrypted"}
_UNIX = (3, 19)  # Unix, and macOS of old
_FOLDER_BIT, _LABEL_BIT = 0x10, 0x08


class Entry(NamedTuple):
    """One entry of the directory.

    :param name: as it is written, ``/`` at its end for a folder.
    :param start: where its bytes begin in the archive.
    :param packed: how many these are.
    :param size: how many they become.
    :param crc: CRC-32 of those.
    """

    name: str
    folder: bool
    method: int
    start: int
    packed: int
    size: int
    crc: int


def refuse(rule: str, message: str, entry: str = "", hint: str | None = None) -> NoReturn:
    """Raise the error of a refused archive.

    :param rule: kebab-case name of what it breaks.
    :param entry: the name in it that is concerned.
    :param hint: what to do; where nothing is better, how to read what the rule is for.
    :raises ArchiveError: always.
    """
    named = f"the archive is refused for {entry[:120]!r}: " if entry else "the archive is refused: "
    hint = hint or f"kurt explain {rule}"
    raise ArchiveError(named + message, rule=rule, entry=entry, hint=hint)


class _Row(NamedTuple):
    """A row of the directory, before its local header is read."""

    raw: bytes
    name: str
    folder: bool
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int


def read_directory(stream: IO[bytes], length: int, most: int) -> list[Entry]:
    """Return the entries of a zip, in the order of their bytes.

    :param stream: open for reading, and can be searched.
    :param length: its size.
    :param most: so many entries and no more.
    :raises ArchiveError: for anything but a plain zip with one meaning.
    :raises OSError: when it cannot be read.
    """
    count, size, begin, end = _end(stream, length)
    if count > most:
        refuse("too-many-files", f"it has {count:,} entries, and {most:,} are allowed")
    if begin + size != end:
        refuse("archive-gap", "there are bytes between its directory and its end")
    stream.seek(begin)
    directory = stream.read(size)
    rows, at = [], 0
    for _ in range(count):
        row, at = _row(directory, at)
        rows.append(row)
    if at != len(directory):
        refuse("lying-directory", "its directory is longer than its entries")
    rows.sort(key=lambda row: row.offset)
    entries, at = [], 0
    for row in rows:
        if row.offset < at:
            refuse("archive-overlap", "it overlaps the file before it", row.name)
        if row.offset > at:
            refuse("archive-gap", "there are bytes before it that belong to no file", row.name)
        entry, at = _local(stream, row, begin)
        entries.append(entry)
    if at != begin:
        refuse("archive-gap", "there are bytes between its last file and its directory")
    return entries


def _end(stream: IO[bytes], length: int) -> tuple[int, int, int, int]:
    """Return the number of entries, size and begin of the directory, and where it ends."""
    tail = min(length, _END.size + 0xFFFF + 20)
    stream.seek(length - tail)
    data = stream.read(tail)
    at = data.rfind(b"PK\x05\x06")
    if at < 0 or len(data) - at < _END.size:
        refuse("not-zip", "it is no zip, or its end is missing")
    _, disk, first, here, count, size, begin, comment = _END.unpack_from(data, at)
    if len(data) - at != _END.size + comment:
        refuse("trailing-data", "there are bytes behind its end")
    if data.find(b"PK\x05\x06") != at:
        refuse("two-ends", "it has two ends, and each would show other files")
    if data[max(0, at - 20) : at].startswith(b"PK\x06\x07"):
        refuse("zip64", "it is written for archives of more than 4 GiB")
    if disk or first or here != count:
        refuse("archive-split", "it is a part of several")
    if begin == _LARGEST or size == _LARGEST or count == 0xFFFF:
        refuse("zip64", "it is written for archives of more than 4 GiB")
    return count, size, begin, length - len(data) + at


def _row(directory: bytes, at: int) -> tuple[_Row, int]:
    """Return the row of the directory at an offset, and where the next one begins."""
    if len(directory) - at < _CENTRAL.size or directory[at : at + 4] != b"PK\x01\x02":
        refuse("lying-directory", "its directory is shorter than it says")
    fields = _CENTRAL.unpack_from(directory, at)
    _, made, _, flags, method, _, _, crc, packed, size = fields[:10]
    name_size, extra_size, comment_size, disk, _, attributes, offset = fields[10:]
    at += _CENTRAL.size
    raw = directory[at : at + name_size]
    extra = directory[at + name_size : at + name_size + extra_size]
    at += name_size + extra_size + comment_size
    if at > len(directory):
        refuse("lying-directory", "its directory is shorter than it says")
    name = _name(raw, flags)
    if disk:
        refuse("archive-split", "it is a part of several", name)
    if _LARGEST in (packed, size, offset):
        refuse("zip64", "it is written for files of more than 4 GiB", name)
    if flags & (_ENCRYPTED | _STRONG | _MASKED):
        refuse("encrypted", "it is encrypted", name)
    if flags & _PATCH or method not in (STORED, DEFLATED):
        refuse(
            "packing-method",
            f"it is packed by method {method}, and only stored and deflated are",
            name,
        )
    _check_extra(extra, name)
    folder = raw.endswith(b"/")
    _check_kind(made >> 8, attributes, folder, name)
    if folder and (size or packed):
        refuse("folder-with-bytes", "it is a folder, and has bytes", name)
    if method == STORED and packed != size:
        refuse("lying-size", "it is stored, and has two sizes", name)
    return _Row(raw, name, folder, flags, method, crc, packed, size, offset), at


def _name(raw: bytes, flags: int) -> str:
    try:
        return raw.decode("utf-8" if flags & _UTF8 else "ascii")
    except UnicodeDecodeError:
        shown = raw.decode("ascii", "replace")
        refuse("name-encoding", "its name is neither ASCII nor marked as UTF-8", shown)


def _check_extra(extra: bytes, name: str) -> None:
    """Refuse extra fields that contradict the header; those of times and owners are ignored."""
    at = 0
    while at < len(extra):
        if len(extra) - at < 4:
            refuse("lying-directory", "an extra field is cut off", name)
        kind, size = struct.unpack_from("<HH", extra, at)
        at += 4 + size
        if at > len(extra):
            refuse("lying-directory", "an extra field is cut off", name)
        if kind in _RENAMING:
            refuse(_RENAMING[kind], "an extra field says something else than its header", name)


def _check_kind(system: int, attributes: int, folder: bool, name: str) -> None:
    """Refuse all but plain files and folders."""
    mode = attributes >> 16 if system in _UNIX else 0
    kind = stat.S_IFMT(mode)
    if kind == stat.S_IFLNK:
        refuse("archive-link", "it is a link", name)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        refuse("special-file", "it is a pipe, a device or a socket", name)
    if mode & (stat.S_ISUID | stat.S_ISGID):
        refuse("special-rights", "it would run with somebody else's rights", name)
    if attributes & _LABEL_BIT:
        refuse("special-file", "it is the label of a disk", name)
    if (kind == stat.S_IFDIR and not folder) or (kind == stat.S_IFREG and folder):
        refuse("file-and-folder", "it is a file by its name and a folder by its rights", name)
    if attributes & _FOLDER_BIT and not folder:
        refuse("file-and-folder", "it is a file by its name and a folder by its rights", name)


def _local(stream: IO[bytes], row: _Row, limit: int) -> tuple[Entry, int]:
    """Return an entry, and where it ends, if its local header says what the directory says."""
    stream.seek(row.offset)
    head = stream.read(_LOCAL.size)
    if row.offset + _LOCAL.size > limit or head[:4] != b"PK\x03\x04":
        refuse("lying-directory", "there is no file where the directory says", row.name)
    fields = _LOCAL.unpack(head)
    _, _, flags, method, _, _, crc, packed, size, name_size, extra_size = fields
    rest = stream.read(name_size + extra_size)
    if len(rest) != name_size + extra_size:
        refuse("lying-directory", "its header is cut off", row.name)
    if rest[:name_size] != row.raw:
        refuse("two-names", "it has another name in the directory", row.name)
    _check_extra(rest[name_size:], row.name)
    if (flags, method) != (row.flags, row.method):
        refuse("lying-header", "its header says something else than the directory", row.name)
    told = (crc, packed, size)
    known = (row.crc, row.packed, row.size)
    if told != known and not (flags & _LATER and told == (0, 0, 0)):
        refuse("lying-size", "its header has another size than the directory", row.name)
    start = row.offset + _LOCAL.size + name_size + extra_size
    end = start + row.packed
    if end > limit:
        refuse("lying-size", "it is longer than the archive", row.name)
    if flags & _LATER:
        end = _descriptor(stream, row, end, limit)
    entry = Entry(row.name, row.folder, row.method, start, row.packed, row.size, row.crc)
    return entry, end


def _descriptor(stream: IO[bytes], row: _Row, at: int, limit: int) -> int:
    """Return where the sizes end that stand behind a file, in either of their two forms."""
    stream.seek(at)
    data = stream.read(min(16, max(0, limit - at)))
    known = struct.pack("<3L", row.crc, row.packed, row.size)
    if data == b"PK\x07\x08" + known:
        return at + 16
    if data[:12] == known:
        return at + 12
    refuse("lying-size", "the sizes behind it are others than in the directory", row.name)
