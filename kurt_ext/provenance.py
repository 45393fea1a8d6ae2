"""Say where an installed skill came from, and who has published it."""

from __future__ import annotations

import os

from .errors import KurtError
from .names import slug

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .candidates import Candidate
    from .lock import Locked
    from .places import Places
    from .receipts import Receipt

__all__ = ["installed_from", "published"]

_SCOPES = ("project", "user")


def installed_from(places: Places, candidate: Candidate) -> Receipt | None:
    """Return the receipt of a skill that was found; None where kurt has not installed it."""
    scopes = (candidate.scope,) if candidate.scope in _SCOPES else _SCOPES
    for scope in scopes:
        path = os.path.join(places.installs(scope), f"{slug(candidate.name)}.json")
        if not os.path.exists(path):
            continue  # most skills are nobody's but their author's: what reads one costs more
        from .receipts import Receipts

        try:
            found = Receipts(places, scope).find(candidate.name)
        except KurtError:
            continue  # its own place tells of a damaged one
        if found is not None and bool(found.folder) == candidate.is_folder:
            return found
    return None


def published(locked: Locked) -> dict[str, Any] | None:
    """Return who has published a skill, for JSON output; None where nothing is known of that."""
    if locked.market is None or (locked.publisher is None and locked.identity is None):
        return None
    from .market.identities import in_words

    words = f"{locked.publisher} at {locked.market}" if locked.publisher else f"at {locked.market}"
    words += f"\nsigned by {locked.key}" if locked.key else ""
    words += f"\nattested by {in_words(locked.identity)}" if locked.identity else ""
    return {
        "publisher": locked.publisher,
        "market": locked.market,
        "key": locked.key,
        "identity": locked.identity,
        "words": words,
    }
