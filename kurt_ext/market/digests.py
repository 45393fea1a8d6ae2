"""Digests: of bytes, of files, of a tree of files, and of permissions.

A digest is written ``sha256:`` and 64 hexadecimal digits. That of a tree is the
SHA-256 of ``{path}\\0{hex}\\n`` for each file, sorted by the bytes of the path: a name
holds neither NUL nor, being 64 digits from the end of the line, room for another
reading, so that no two trees give the same text (Agent Skills Discovery 0.2.0).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from itertools import pairwise
from typing import Any

from ..errors import IntegrityError
from ..jsontext import dumps
from ..plainfiles import READING

__all__ = [
    "check",
    "is_digest",
    "of_bytes",
    "of_file",
    "of_permissions",
    "of_tree",
    "to_hex",
]

_PREFIX = "sha256:"
_HEX = frozenset("0123456789abcdef")
_CHUNK = 1 << 20


@lru_cache(maxsize=4096)
def is_digest(text: str) -> bool:
    """Return whether ``text`` is a digest as it is written here.

    Each of a skill's is asked about when its document is read, when its blob is, and when
    its tree is digested.
    """
    return len(text) == 71 and text.startswith(_PREFIX) and _HEX.issuperset(text[7:])


def to_hex(digest: str) -> str:
    """Return the 64 digits of a digest.

    :raises IntegrityError: when it is none.
    """
    if not is_digest(digest):
        raise IntegrityError(f"{digest[:80]!r} is not sha256: and 64 hexadecimal digits")
    return digest[7:]


def of_bytes(data: bytes) -> str:
    """Return the digest of bytes."""
    return _PREFIX + sha256(data).hexdigest()


def of_file(path: str, limit: int | None = None) -> tuple[str, int]:
    """Return the digest and the size of a plain file; a link is not followed.

    :param limit: bytes that it may have.
    :raises IntegrityError: when it has more, or is no plain file.
    :raises OSError: when it cannot be read.
    """
    descriptor = os.open(path, READING)
    with os.fdopen(descriptor, "rb", buffering=0) as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise IntegrityError(f"{path} is no plain file", at=path)
        whole, size = sha256(), 0
        while data := stream.read(_CHUNK):
            whole.update(data)
            size += len(data)
            if limit is not None and size > limit:
                raise IntegrityError(f"{path} has more than {limit:,} bytes", at=path)
    return _PREFIX + whole.hexdigest(), size


def of_tree(files: Mapping[str, str] | Sequence[tuple[str, str]]) -> str:
    """Return the digest of a tree, that of its listing.

    :param files: path → digest of the file, or such pairs; ``/`` between names.
    :raises IntegrityError: when one is no digest, or two have the same path.
    """
    return of_bytes(listing(files))


def listing(files: Mapping[str, str] | Sequence[tuple[str, str]]) -> bytes:
    """Return a line for each file of a tree: its path, NUL, 64 digits; sorted by path."""
    pairs: Iterable[tuple[str, str]] = files.items() if isinstance(files, Mapping) else files
    rows = sorted([(path.encode(), to_hex(digest).encode()) for path, digest in pairs])
    if any(one[0] == other[0] for one, other in pairwise(rows)):
        raise IntegrityError("two files of one tree have the same path")
    return b"".join([path + b"\0" + digest + b"\n" for path, digest in rows])


def of_permissions(permissions: Mapping[str, Any]) -> str:
    """Return the digest of what a manifest asks leave for.

    It is that of JSON: every key, sorted, each list sorted and without repetitions,
    ``", "`` and ``": "`` between, ASCII. Two that mean the same and are written another
    way have two digests; nobody is asked less for that.
    """
    plain = {
        key: sorted(set(value)) if isinstance(value, (list, tuple)) else value
        for key, value in permissions.items()
    }
    return of_bytes(dumps(plain).encode())


def check(data: bytes, digest: str, what: str, size: int | None = None) -> bytes:
    """Return ``data`` if it is what was promised.

    :param what: what it is, for the error.
    :param size: bytes that were promised, where that is known.
    :raises IntegrityError: when it is not.
    """
    if size is not None and len(data) != size:
        raise IntegrityError(f"{what} has {len(data):,} bytes, and {size:,} were promised")
    found = of_bytes(data)
    if found != f"{_PREFIX}{to_hex(digest)}":
        raise IntegrityError(
            f"{what} is not what was promised", cause=f"promised {digest}\nfound {found}"
        )
    return data
