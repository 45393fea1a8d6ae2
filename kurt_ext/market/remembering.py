"""Remember verdicts until the index that holds them is written.

A first build of many skills takes minutes, and what it has judged is in no index before its
end. Whoever is killed has lost the time since the last verdict, and no more: the next build
finds what was said of these very bytes, by these rules, of a folder of that name. Once the
index is there nothing is kept.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..verdicts import Verdicts
from . import digests

if TYPE_CHECKING:
    from ..hostfacts import HostFacts
    from ..places import Places

__all__ = ["Remembered"]

#: Seconds after which nobody goes on with a build that was cut off.
_OLD = 7 * 86_400.0


class Remembered:
    """What builds that were not finished have judged.

    :param places: where it lies, below the cache.
    :param ruleset: the digest of the rules.
    :param facts: what is known of the host.
    :param profile: of the validator.
    """

    def __init__(self, places: Places, ruleset: str, facts: HostFacts, profile: str) -> None:
        self._folder = os.path.join(places.cache, "market", "verdicts")
        self._verdicts = Verdicts(places, ruleset, facts, profile, folder=self._folder)

    def find(self, folder: str, files: Mapping[str, bytes]) -> dict[str, Any] | None:
        """Return the report on the files of a folder of this name; None where none is kept."""
        return self._verdicts.of_tree(_tree(folder, files))

    def keep(self, folder: str, files: Mapping[str, bytes], row: Mapping[str, Any]) -> None:
        """Keep a report, unless what failed may do better the next time."""
        self._verdicts.keep_tree(_tree(folder, files), row)

    def forget(self) -> None:
        """Remove what was found and kept, and what nobody has come back for."""
        used = set(self._verdicts.touched)
        try:
            with os.scandir(self._folder) as entries:
                for entry in entries:
                    old = entry.stat().st_mtime < time.time() - _OLD
                    if old or entry.path in used:
                        os.unlink(entry.path)
        except OSError:
            pass  # what is left is kept for nothing, and for a week


def _tree(folder: str, files: Mapping[str, bytes]) -> str:
    """Return what names the files of a folder, and the name that it is judged by."""
    tree = digests.of_tree({path: digests.of_bytes(data) for path, data in files.items()})
    return f"{os.path.basename(folder)}\0{tree}"
