"""Write the files of a marketplace beside those that are there.

What has a digest in its name is written once and never changes; what has none is
replaced whole. Nothing counts before an index names it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ..plainfiles import read_plain
from . import digests
from .layout import V1, blob
from .notation import to_json
from .reading import FolderReader

__all__ = ["Files"]

#: Files from which on the whole system is told to write to its disks, not each file.
_MANY = 64


class Files:
    """The files that are written for the next index.

    :param reader: of the folder of the marketplace.
    """

    def __init__(self, reader: FolderReader) -> None:
        self.reader = reader
        self._written: list[str] = []
        #: Paths of files that were found, or written, with the bytes that their names promise.
        self._known: set[str] = set()
        self._folders: set[str] = set()

    def blob(self, data: bytes) -> dict[str, Any]:
        """Write bytes by their digest, where they are not there, and return their pointer."""
        digest = digests.of_bytes(data)
        return self.keep(blob(digest), data, digest)

    def blob_data(self, digest: str, size: int) -> bytes:
        """Return the bytes of a blob.

        :raises IntegrityError: when they are others.
        """
        reference = blob(digest)
        return digests.check(self.reader.read(reference, size), digest, reference, size)

    def keep(self, reference: str, data: bytes, digest: str | None = None) -> dict[str, Any]:
        """Write a file that never changes, and return its pointer.

        One that is there with other bytes is replaced.
        """
        digest = digest or digests.of_bytes(data)
        path = self.reader.path(reference)
        try:
            # It may be what a build has left that never came to its end: the size of a file
            # that a loss of power has taken is right, and its bytes are not.
            there = path in self._known or read_plain(path, len(data)) == data
        except OSError:
            there = False
        if not there:
            self.write(reference, data)
        elif path not in self._known:
            self._written.append(path)
        self._known.add(path)
        return {"url": reference, "digest": digest, "size": len(data)}

    def write(self, reference: str, data: bytes) -> None:
        """Replace a file whole; it is on the disk before the index names it."""
        path = self.reader.path(reference)
        folder = os.path.dirname(path)
        if folder not in self._folders:
            os.makedirs(folder, exist_ok=True)
            self._folders.add(folder)
        temporary = f"{path}.{os.getpid()}.{os.urandom(4).hex()}.tmp"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        try:
            with os.fdopen(os.open(temporary, flags, 0o644), "wb") as stream:
                stream.write(data)
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
        self._written.append(path)

    def named(self, kind: str, name: str, value: Mapping[str, Any]) -> dict[str, Any]:
        """Write a document with its digest in its name, and return its pointer.

        :param kind: the folder that it lies in.
        """
        data = to_json(value)
        digest = digests.of_bytes(data)
        return self.keep(f"{V1}/{kind}/{name}.{digest[7:23]}.json", data, digest)

    def settle(self) -> None:
        """Have the disk hold what was written, before an index names it."""
        if len(self._written) > _MANY and hasattr(os, "sync"):
            os.sync()
        else:
            for path in self._written:
                descriptor = os.open(path, os.O_RDONLY)
                try:
                    os.fsync(descriptor)
                except OSError:
                    pass  # a file system that cannot say so
                finally:
                    os.close(descriptor)
        self._written.clear()
