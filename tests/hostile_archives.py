"""Archives that nobody makes who means well, each with the rule by which it is refused.

`CASES` is a table: name → (what makes the bytes, the rule). A zip is written here byte
by byte, since the libraries that write zips will not write these.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

__all__ = ["CASES", "SKILL", "Member", "member", "plain", "zipped"]

SKILL = b"---\nname: evil\nversion: 1.0.0\ndescription: Nothing good.\n---\n# evil\n"
UNIX = 3 << 8
FILE = stat.S_IFREG | 0o644


class Member(NamedTuple):
    """What is written of one file, in its header and in the directory; each can lie.

    :param local: fields of the local header that differ from those of the directory:
        ``name``, ``flags``, ``method``, ``crc``, ``packed``, ``size``, ``extra``.
    :param behind: bytes after the packed ones, before the next file.
    """

    name: bytes
    data: bytes
    method: int
    flags: int
    crc: int
    packed: int
    size: int
    attributes: int
    made: int
    extra: bytes
    comment: bytes
    disk: int
    local: dict[str, Any]
    behind: bytes
    offset: int | None


def member(
    name: bytes | str,
    content: bytes = b"x\n",
    *,
    method: int = 0,
    mode: int | None = FILE,
    **fields: Any,
) -> Member:
    """Return a file that says the truth, but for the fields that are given."""
    encoded = name.encode() if isinstance(name, str) else name
    data = content
    if method == 8:
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        data = packer.compress(content) + packer.flush()
    made = fields.pop("made", UNIX | 20 if mode is not None else 20)
    attributes = fields.pop("attributes", (mode or 0) << 16)
    flags = fields.pop("flags", 0 if encoded.isascii() else 0x800)
    truth = Member(
        encoded, fields.pop("data", data), method, flags, zlib.crc32(content), len(data),
        len(content), attributes, made, b"", b"", 0, {}, b"", None,
    )  # fmt: skip
    return truth._replace(**fields)


def folder(name: bytes | str, **fields: Any) -> Member:
    """Return a folder."""
    return member(name, b"", mode=stat.S_IFDIR | 0o755, **fields)


def zipped(
    members: Iterable[Member],
    *,
    before: bytes = b"",
    between: bytes = b"",
    after: bytes = b"",
    comment: bytes = b"",
    **end: int,
) -> bytes:
    """Return a zip of members; ``end`` changes fields of the end of the directory."""
    out, rows = bytearray(before), []
    for one in members:
        at = len(out) if one.offset is None else one.offset
        told = {key: getattr(one, key) for key in ("name", "flags", "method", "crc", "packed")}
        told |= {"size": one.size, "extra": one.extra} | one.local
        out += struct.pack(
            "<4s5H3L2H", b"PK\x03\x04", 20, told["flags"], told["method"], 0, 33, told["crc"],
            told["packed"], told["size"], len(told["name"]), len(told["extra"]),
        )  # fmt: skip
        out += told["name"] + told["extra"] + one.data + one.behind
        rows.append((one, at))
    out += between
    begin = len(out)
    for one, at in rows:
        out += struct.pack(
            "<4s6H3L5H2L", b"PK\x01\x02", one.made, 20, one.flags, one.method, 0, 33, one.crc,
            one.packed, one.size, len(one.name), len(one.extra), len(one.comment), one.disk, 0,
            one.attributes, at,
        )  # fmt: skip
        out += one.name + one.extra + one.comment
    told = {"disk": 0, "first": 0, "here": len(rows), "count": len(rows)}
    told |= {"size": len(out) - begin, "begin": begin, "comment": len(comment)} | end
    out += struct.pack("<4s4H2LH", b"PK\x05\x06", *told.values()) + comment + after
    return bytes(out)


MANIFEST = member("SKILL.md", SKILL)


def plain(*members: Member) -> bytes:
    """Return a skill with these members besides its manifest."""
    return zipped([MANIFEST, *members])


def named(name: bytes | str, **fields: Any) -> Callable[[], bytes]:
    """Return what makes a skill with one more file of that name."""
    return lambda: plain(member(name, **fields))


def tarred(mode: str) -> bytes:
    """Return a tar of a skill."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        info = tarfile.TarInfo("SKILL.md")
        info.size = len(SKILL)
        archive.addfile(info, io.BytesIO(SKILL))
    return out.getvalue()


def bomb() -> bytes:
    """Return 15 MiB of zeros, a thousand times smaller."""
    return plain(member("zeros", bytes(15 << 20), method=8))


def overlapping() -> bytes:
    """Return two files that are the same bytes of the archive, after David Fifield's bomb."""
    return plain(member("a", b"x"), member("b", b"x", offset=0))


def quine() -> bytes:
    """Return a zip of which a part is a whole zip of its own."""
    inner = plain(member("hidden.py"))
    return zipped([MANIFEST], before=inner)


def two_directories() -> bytes:
    """Return a zip with two ends: one reader takes the first, another the last."""
    good = plain()
    return good[:-22] + struct.pack("<4s4H2LH", *(b"PK\x05\x06", 0, 0, 0, 0, 0, 0, 22)) + good[-22:]


def zip64() -> bytes:
    """Return a zip with the locator of an end of another form before its end."""
    good = plain()
    return good[:-22] + struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1) + good[-22:]


def cut(count: int) -> Callable[[], bytes]:
    """Return what makes a zip without its last bytes."""
    return lambda: plain(member("a", b"x" * 4000, method=8))[:-count]


def descriptor(**wrong: int) -> bytes:
    """Return a zip with sizes behind its file, some of them wrong."""
    truth = {"crc": zlib.crc32(b"x\n"), "packed": 2, "size": 2} | wrong
    behind = struct.pack("<4s3L", b"PK\x07\x08", *truth.values())
    zeros = {"crc": 0, "packed": 0, "size": 0}
    return plain(member("a", flags=8, local=zeros, behind=behind))


def unix(kind: int, rights: int = 0o644) -> int:
    return (kind | rights) << 16


def garbled(content: bytes = b"x" * 5000) -> bytes:
    """Return a file whose packed bytes are none."""
    packed = b"\xff" * 40
    return plain(member("a", content, method=8, data=packed, packed=len(packed)))


def _longer(content: bytes, said: int, method: int = 8) -> bytes:
    """Return a file that becomes more, or less, than it says."""
    one = member("a", content, method=method, size=said)
    return plain(one._replace(packed=said if method == 0 else one.packed))


def _early_end() -> bytes:
    """Return a file with bytes behind the end of its packed ones."""
    one = member("a", b"x" * 100, method=8)
    data = one.data + b"hidden"
    return plain(one._replace(data=data, packed=len(data)))


def _open_end() -> bytes:
    """Return a file whose packed bytes never say that they end."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = packer.compress(b"x" * 100) + packer.flush(zlib.Z_FULL_FLUSH)
    return plain(member("a", b"x" * 100, method=8, data=data, packed=len(data)))


def _many(count: int) -> bytes:
    return plain(*[member(f"f{number}", b"") for number in range(count)])


def _library(mode: str = "w") -> bytes:
    """Return what the standard library's writer makes of two files of one name."""
    import warnings

    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("SKILL.md", SKILL)
            archive.writestr("skill.py", "print('good')")
            archive.writestr("skill.py", "print('evil')")
    return out.getvalue()


_LINK = unix(stat.S_IFLNK, 0o777)
_EXTRA = struct.pack("<HHBL", 0x7075, 9, 1, 0) + b"evil"

CASES: dict[str, tuple[Callable[[], bytes], str]] = {
    # Names that lead out of the folder, or elsewhere on another system.
    "absolute name": (named("/etc/passwd"), "absolute-path"),
    "absolute name with two slashes": (named("//server/share"), "absolute-path"),
    "upwards": (named("../evil.py"), "parent-path"),
    "upwards from within": (named("a/../../evil.py"), "parent-path"),
    "upwards and back": (named("a/../skill.py"), "parent-path"),
    "upwards by a folder": (lambda: plain(folder("../evil/")), "parent-path"),
    "a folder that is the parent": (lambda: plain(folder("../")), "parent-path"),
    "a dot": (named("./skill.py"), "odd-path"),
    "an empty name within": (named("a//skill.py"), "odd-path"),
    "no name": (named(""), "empty-path"),
    "a folder without a name": (lambda: plain(folder("/")), "empty-path"),
    "backslashes": (named("..\\evil.py"), "backslash"),
    "a share of Windows": (named("\\\\server\\share\\x"), "backslash"),
    "a drive": (named("C:/Windows/evil.dll"), "drive-path"),
    "a drive without a slash": (named("C:evil.dll"), "drive-path"),
    "a stream of NTFS": (named("skill.py:hidden"), "reserved-character"),
    "a device": (named("NUL"), "device-name"),
    "a device with an extension": (named("com1.txt"), "device-name"),
    "a device in a folder": (named("docs/AUX.md"), "device-name"),
    "a dot at the end": (named("skill.py."), "edge-of-name"),
    "a blank at the end": (named("skill.py "), "edge-of-name"),
    "a NUL in the name": (named(b"skill.py\0.txt"), "unseen-character"),
    "a line break in the name": (named("a\nb"), "unseen-character"),
    "an escape sequence in the name": (named("\x1b[2Jx"), "unseen-character"),
    "a name that is turned round": (named("exe.\u202egpj"), "unseen-character"),
    "a name with a zero-width space": (named("skill\u200b.py"), "unseen-character"),
    "a name that is not UTF-8": (named(b"\xff\xfe", flags=0x800), "name-encoding"),
    "a name of no known encoding": (named(b"caf\x82", flags=0), "name-encoding"),
    "a surrogate in the name": (named(b"a\xed\xa0\x80", flags=0x800), "name-encoding"),
    "an overlong slash": (named(b"..\xc0\xaf..\xc0\xafevil", flags=0x800), "name-encoding"),
    "a decomposed name": (named("cafe\u0301.md"), "not-nfc"),
    "a long name": (named("a" * 300), "long-path"),
    "a long path": (named("a/" * 600 + "b"), "long-path"),
    "a deep path": (named("a/" * 30 + "b"), "deep-path"),
    # Two names for one place.
    "one name twice": (lambda: plain(member("a"), member("a")), "duplicate-path"),
    "one name twice, by the standard library": (_library, "duplicate-path"),
    "a second manifest of the same name": (lambda: plain(MANIFEST), "duplicate-path"),
    "one name in two cases": (lambda: plain(member("a.py"), member("A.py")), "case-collision"),
    "a manifest in two cases": (named("Skill.md"), "case-collision"),
    "folders in two cases": (lambda: plain(member("a/x"), member("A/y")), "case-collision"),
    "sharp s": (lambda: plain(member("straße"), member("STRASSE")), "case-collision"),
    "a file and a folder": (lambda: plain(member("a"), member("a/b")), "file-and-folder"),
    "a folder twice": (lambda: plain(folder("a/"), folder("a/")), "duplicate-path"),
    "a file and an empty folder": (lambda: plain(member("a"), folder("a/")), "file-and-folder"),
    # What is neither a file nor a folder.
    "a link": (named("a", attributes=_LINK, content=b"/etc/passwd"), "archive-link"),
    "a link to a folder": (named("a", attributes=_LINK, content=b".."), "archive-link"),
    "a link made on a Mac": (named("a", attributes=_LINK, made=19 << 8), "archive-link"),
    "a pipe": (named("a", attributes=unix(stat.S_IFIFO)), "special-file"),
    "a device file": (named("a", attributes=unix(stat.S_IFCHR)), "special-file"),
    "a disk": (named("a", attributes=unix(stat.S_IFBLK)), "special-file"),
    "a socket": (named("a", attributes=unix(stat.S_IFSOCK)), "special-file"),
    "the label of a disk": (named("a", mode=None, attributes=8), "special-file"),
    "another's rights": (named("a", attributes=unix(stat.S_IFREG, 0o4755)), "special-rights"),
    "a group's rights": (named("a", attributes=unix(stat.S_IFREG, 0o2755)), "special-rights"),
    "a file that is a folder": (named("a", mode=None, attributes=16), "file-and-folder"),
    "a folder by rights": (named("a", attributes=unix(stat.S_IFDIR)), "file-and-folder"),
    "a file by rights": (named("a/", content=b"", mode=FILE), "file-and-folder"),
    "a folder with bytes": (lambda: plain(folder("a/")._replace(size=1)), "folder-with-bytes"),
    # Too much.
    "too many files": (lambda: _many(512), "too-many-files"),
    "too many entries": (lambda: _many(1500), "too-many-files"),
    "too many bytes": (lambda: plain(member("a", bytes(17 << 20))), "too-large"),
    "too many bytes in two": (
        lambda: plain(member("a", bytes(9 << 20)), member("b", bytes(9 << 20))),
        "too-large",
    ),
    "an archive that is too large": (lambda: plain() + bytes(32 << 20), "too-large"),
    "a bomb": (bomb, "archive-ratio"),
    "a bomb that is far too large": (
        named("a", content=b"x", method=8, size=(1 << 32) - 2),
        "too-large",
    ),
    "files that overlap": (overlapping, "archive-overlap"),
    # Sizes and checksums that lie.
    "more bytes than it says": (lambda: _longer(b"x" * 5000, 100), "lying-size"),
    "more bytes than it says, stored": (named("a", size=1), "lying-size"),
    "fewer bytes than it says": (lambda: _longer(b"x" * 100, 5000), "lying-size"),
    "two sizes": (named("a", local={"size": 3}), "lying-size"),
    "two packed sizes": (named("a", local={"packed": 3}), "lying-size"),
    "two checksums": (named("a", local={"crc": 3}), "lying-size"),
    "a wrong checksum": (named("a", crc=3), "archive-damaged"),
    "a wrong checksum of a packed file": (named("a", crc=3, method=8), "archive-damaged"),
    "longer than the archive": (named("a", packed=9999, size=9999), "lying-size"),
    "bytes that are not packed": (garbled, "archive-damaged"),
    "bytes behind the packed ones": (_early_end, "hidden-data"),
    "packed bytes without an end": (_open_end, "archive-damaged"),
    "sizes behind it that lie": (lambda: descriptor(size=3), "lying-size"),
    "a checksum behind it that lies": (lambda: descriptor(crc=3), "lying-size"),
    # Two readings of one archive.
    "two names": (named("a", local={"name": b"b"}), "two-names"),
    "another name in an extra field": (named("a", extra=_EXTRA), "unicode-path"),
    "an extra field of the header": (named("a", local={"extra": _EXTRA}), "unicode-path"),
    "an extra field that is cut off": (named("a", extra=b"\x01"), "lying-directory"),
    "an extra field that is too long": (named("a", extra=b"\x55\x54\xff\0"), "lying-directory"),
    "two methods": (named("a", local={"method": 8}), "lying-header"),
    "two sets of flags": (named("a", local={"flags": 2}), "lying-header"),
    "bytes before the first file": (
        lambda: zipped([MANIFEST], before=b"PK\x03\x04evil"),
        "archive-gap",
    ),
    "a program before the first file": (
        lambda: zipped([MANIFEST], before=b"#!/bin/sh\n"),
        "not-zip",
    ),
    "a zip in front of the zip": (quine, "two-ends"),
    "bytes between files": (
        lambda: zipped([MANIFEST._replace(behind=b"evil"), member("a")]),
        "archive-gap",
    ),
    "bytes before the directory": (lambda: zipped([MANIFEST], between=b"evil"), "archive-gap"),
    "bytes behind the end": (lambda: zipped([MANIFEST], after=b"evil"), "trailing-data"),
    "two ends": (two_directories, "two-ends"),
    "an end in the comment": (
        lambda: zipped([MANIFEST], comment=b"PK\x05\x06" + bytes(18)),
        "two-ends",
    ),
    "a directory that is shorter": (lambda: zipped([MANIFEST], count=2, here=2), "lying-directory"),
    "a directory that is longer": (
        lambda: zipped([MANIFEST, member("a")], count=1, here=1),
        "lying-directory",
    ),
    "a directory elsewhere": (lambda: zipped([MANIFEST], begin=3), "archive-gap"),
    "a directory that begins behind its end": (
        lambda: zipped([MANIFEST], begin=1 << 30),
        "archive-gap",
    ),
    "no file where one should be": (named("a", offset=7), "archive-overlap"),
    "the form for large archives": (zip64, "zip64"),
    "the form for large files": (named("a", extra=struct.pack("<HH", 1, 0)), "zip64"),
    "sizes that are elsewhere": (named("a", size=0xFFFFFFFF, packed=0xFFFFFFFF), "zip64"),
    "a part of several": (lambda: zipped([MANIFEST], disk=1), "archive-split"),
    "a file of another disk": (named("a", disk=1), "archive-split"),
    "encrypted": (named("a", flags=1), "encrypted"),
    "strongly encrypted": (named("a", flags=0x41), "encrypted"),
    "a masked header": (named("a", flags=0x2000), "encrypted"),
    "a patch": (named("a", flags=0x20), "packing-method"),
    "packed by bzip2": (named("a", data=bz2.compress(b"x\n"), packed=40, mode=FILE), "lying-size"),
    "packed by an unknown method": (
        lambda: plain(member("a")._replace(method=99)),
        "packing-method",
    ),
    # Not a zip, or not a skill.
    "nothing": (lambda: b"", "not-zip"),
    "a few bytes": (lambda: b"PK\x03\x04", "not-zip"),
    "noise": (lambda: bytes(range(256)) * 8, "not-zip"),
    "a page that says not found": (lambda: b"<!doctype html><html>404</html>", "not-zip"),
    "a tar": (lambda: tarred("w"), "not-zip"),
    "a tar.gz": (lambda: tarred("w:gz"), "not-zip"),
    "a gzip": (lambda: gzip.compress(SKILL), "not-zip"),
    "an xz": (lambda: lzma.compress(SKILL), "not-zip"),
    "cut off by a byte": (cut(1), "not-zip"),
    "cut off in the directory": (cut(60), "not-zip"),
    "cut off in a file": (cut(150), "not-zip"),
    "no files": (lambda: zipped([]), "no-manifest"),
    "no manifest": (lambda: zipped([member("README.md")]), "no-manifest"),
    "only a folder": (lambda: zipped([folder("evil/")]), "no-manifest"),
    "two folders at the top": (
        lambda: zipped([member("a/SKILL.md", SKILL), member("b/SKILL.md", SKILL)]),
        "nested-manifest",
    ),
    "two folders deep": (lambda: zipped([member("a/b/SKILL.md", SKILL)]), "nested-manifest"),
    "a second skill within": (named("inner/SKILL.md"), "nested-manifest"),
    "a second plugin within": (named("inner/plugin.json"), "nested-manifest"),
    "a second skill in another case": (named("inner/skill.MD"), "nested-manifest"),
    "a manifest in the wrong case": (
        lambda: zipped([member("skill.md", SKILL)]),
        "case-of-manifest",
    ),
}
