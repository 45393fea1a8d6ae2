"""Where things lie below the root of a marketplace, and how large they may be."""

from __future__ import annotations

from . import digests

__all__ = [
    "ADVISORIES_LIMIT",
    "BLOBS",
    "INDEX",
    "INDEX_LIMIT",
    "PUBLISHER_LIMIT",
    "SKILL_LIMIT",
    "TUF",
    "V1",
    "blob",
]

#: Where the documents lie, each kind in a folder.
V1 = "kurt/v1"
INDEX = "kurt/v1/index.json"
#: Where the metadata of The Update Framework lies, where there is a root.
TUF = "kurt/v1/tuf"
#: Where blobs lie, by their digest.
BLOBS = "files/sha256"
#: Bytes of a document that a reader takes; 100,000 skills are about 60 MB.
INDEX_LIMIT = 256 << 20
SKILL_LIMIT = 8 << 20
PUBLISHER_LIMIT = 256 << 10
ADVISORIES_LIMIT = 64 << 20


def blob(digest: str) -> str:
    """Return the reference of a blob: ``files/sha256/ab/ab12…``."""
    word = digests.to_hex(digest)
    return f"{BLOBS}/{word[:2]}/{word}"
