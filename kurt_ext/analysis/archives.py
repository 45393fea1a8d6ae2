"""Look at what an archive says it holds, without taking anything out of it.

Names, sizes and flags come from its directory. Where a format has none, at
most 32 MiB are unpacked in memory to read the headers.
"""

from __future__ import annotations

import io
import re
import zlib
from typing import NamedTuple

__all__ = ["Archive", "members", "peek", "what"]

_MAX_UNPACKED = 32 << 20
_MAX_NAMES = 10_000
_MAX_MEMBER = 8 << 20
#: Bytes and ratio from which unpacking is an attack on the disk.
_HUGE = 100 << 20
_MAX_RATIO = 200
_FLOOR = 4 << 20
_CODE = re.compile(
    r"(?i)\.(?:py|pyw|pyc|pyo|pth|so|pyd|dll|dylib|exe|com|scr|bat|cmd|ps1|vbs|vbe|wsf|sh|bash"
    r"|class|jar|whl|egg|js|jse|hta|lnk|msi|node|wasm)$|(?i:vbaProject\.bin$)|\.so\.\d"
)
_NESTED = re.compile(r"(?i)\.(?:zip|tar|tgz|gz|bz2|xz|7z|rar|whl|egg|jar|docm|xlsm|pptm)$")
_OUT = re.compile(r"^[/\\]|^[A-Za-z]:|(?:^|[/\\])\.\.(?:[/\\]|$)|\0")
_MAGICS = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"MSCF\0\0\0\0", "cab"),
    (b"!<arch>\n", "ar"),
)


class Archive(NamedTuple):
    """What an archive says of itself.

    :param kind: ``zip``, ``tar``, ``gzip`` …
    :param names: the first 10,000.
    :param unpacked: bytes, as far as they were counted.
    :param bomb: whether unpacking it would fill the disk.
    :param locked: whether parts are encrypted.
    :param readable: whether it could be looked at.
    """

    kind: str
    names: tuple[str, ...] = ()
    unpacked: int = 0
    bomb: bool = False
    locked: bool = False
    readable: bool = True
    links: tuple[str, ...] = ()

    @property
    def code(self) -> tuple[str, ...]:
        """The names of programs, and of archives that are installed or run."""
        return tuple([name for name in self.names if _CODE.search(name)])

    @property
    def nested(self) -> tuple[str, ...]:
        """The names of archives in it."""
        return tuple([name for name in self.names if _NESTED.search(name)])

    @property
    def leading_out(self) -> tuple[str, ...]:
        """The names and links that lead out of the folder it is unpacked to."""
        return tuple([name for name in (*self.names, *self.links) if _OUT.search(name)])


def what(data: bytes) -> str:
    """Return the kind of archive that bytes are, or have at their end; "" for none."""
    for magic, kind in _MAGICS:
        if data.startswith(magic):
            return kind
    if data[257:262] == b"ustar":
        return "tar"
    end = data.rfind(b"PK\x05\x06", max(0, len(data) - 65_600))
    if end >= 0 and b"PK\x01\x02" in data:
        return "zip"
    return ""


def peek(data: bytes, kind: str) -> Archive:
    """Return what an archive says it holds; never raises."""
    try:
        if kind == "zip":
            return _zip(data)
        if kind == "tar":
            return _tar(data, "tar", len(data))
        if kind in ("gzip", "bzip2", "xz"):
            return _stream(data, kind)
    except Exception:  # the readers of the standard library fail in any way
        pass
    return Archive(kind, readable=False)


def _zip(data: bytes) -> Archive:
    import zipfile

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = archive.infolist()
    unpacked = sum(info.file_size for info in infos)
    packed = max(1, min(len(data), sum(info.compress_size for info in infos)))
    ratio = unpacked / packed > _MAX_RATIO and unpacked > _FLOOR
    names = tuple([info.orig_filename for info in infos[:_MAX_NAMES]])
    # More packed bytes than the file has: its members overlap.
    overlap = sum(info.compress_size for info in infos) > len(data)
    bomb = ratio or overlap or unpacked > _HUGE or len(infos) > _MAX_NAMES
    locked = any(info.flag_bits & 1 for info in infos)
    return Archive("zip", names, unpacked, bomb, locked)


def _tar(data: bytes, kind: str, packed: int) -> Archive:
    import tarfile

    names, links, unpacked = [], [], 0
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        for member in archive:
            names.append(member.name)
            unpacked += member.size
            if member.issym() or member.islnk():
                links.append(member.linkname)
            if len(names) >= _MAX_NAMES:
                break
    bomb = len(names) >= _MAX_NAMES or unpacked > _HUGE
    return Archive(kind, tuple(names), unpacked, bomb, links=tuple(links))


def _stream(data: bytes, kind: str) -> Archive:
    import bz2
    import lzma
    import tarfile

    if kind == "gzip":
        unpacked = zlib.decompressobj(31).decompress(data, _MAX_UNPACKED)
    elif kind == "bzip2":
        unpacked = bz2.BZ2Decompressor().decompress(data, _MAX_UNPACKED)
    else:
        limited = lzma.LZMADecompressor(memlimit=64 << 20)
        unpacked = limited.decompress(data, _MAX_UNPACKED)
    size = len(unpacked)
    full = size >= _MAX_UNPACKED
    bomb = size / max(1, len(data)) > _MAX_RATIO and size > _FLOOR
    if unpacked[257:262] == b"ustar":
        try:
            found = _tar(unpacked, "tar", len(data))
        except tarfile.TarError:
            found = Archive("tar", readable=False)
        return found._replace(bomb=bomb or found.bomb, readable=found.readable and not full)
    return Archive(kind, (), size, bomb, readable=not full)


def members(data: bytes, names: list[str]) -> list[tuple[str, bytes]]:
    """Return at most 8 MiB of each of some members of a zip, in memory; never raises."""
    import zipfile

    found = []
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in names:
                with archive.open(name) as stream:
                    found.append((name, stream.read(_MAX_MEMBER)))
    except Exception:  # the reader of the standard library fails in any way
        pass
    return found
