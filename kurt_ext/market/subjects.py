"""What an attestation of a skill is over, before it is published."""

from __future__ import annotations

import os
from typing import NamedTuple

from ..atomic import write_atomically
from ..errors import MarketError, SkillNotFoundError, StorageError, UsageError
from . import digests
from .collecting import folder_files

__all__ = ["Subject", "subject_of"]

#: More than any marketplace takes; which is for that to say.
_FILES, _BYTES = 100_000, 1 << 30


class Subject(NamedTuple):
    """What is signed.

    :param digest: its SHA-256, ``sha256:`` and 64 digits.
    :param path: the folder, or the wheel.
    :param listing: the bytes that have this digest, a line for each file; None for a wheel,
        which has it itself.
    :param files: how many files there are.
    """

    digest: str
    path: str
    listing: bytes | None
    files: int

    def write(self, path: str) -> None:
        """Write the bytes that are signed.

        :raises UsageError: for a wheel.
        :raises StorageError: when that cannot be done.
        """
        if self.listing is None:
            raise UsageError(f"{os.path.basename(self.path)} is a wheel: sign it itself")
        try:
            write_atomically(os.path.abspath(path), self.listing)
        except OSError as error:
            raise StorageError(f"{path} cannot be written", cause=str(error), at=path) from error


def subject_of(path: str) -> Subject:
    """Return what an attestation of a folder, or of a wheel, must be over.

    :raises SkillNotFoundError: when neither is there.
    :raises MarketError: when the folder could not be published, or nothing can be read.
    """
    try:
        if os.path.isdir(path):
            files = folder_files(path, _FILES, _BYTES)
            rows = {name: digests.of_bytes(data) for name, data in files.items()}
            listing = digests.listing(rows)
            return Subject(digests.of_bytes(listing), path, listing, len(files))
        if os.path.isfile(path) and path.endswith(".whl"):
            return Subject(digests.of_file(path)[0], path, None, 1)
    except OSError as error:
        raise MarketError(f"{path} cannot be read", cause=str(error), at=path) from error
    raise SkillNotFoundError(f"there is no skill in {path}", at=path, hint="kurt list")
