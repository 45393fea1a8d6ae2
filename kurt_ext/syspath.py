"""Put shims on ``sys.path`` where their precedence is right."""

from __future__ import annotations

import os
import sys

from .errors import StorageError
from .shimfiles import require_ours

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["activate", "hold", "invalidate", "release"]

_SITE = ("site-packages", "dist-packages")


def activate(roots: Sequence[str]) -> None:
    """Insert shims immediately before the first site-packages entry of ``sys.path``.

    Appended shims would rank below installed distributions in metadata, and
    a regular package beats a namespace portion anywhere on the path, so that
    metadata and import would disagree. Calling it again changes nothing; with
    other roots it moves those given into place and leaves the rest.

    :param roots: directories in order of precedence, project before user;
        one that does not exist is left out.
    :raises StorageError: when a root is not the user's own.
    """
    present = [root for root in roots if require_ours(root)]
    rest = [path for path in sys.path if path not in present]
    place = next(
        (i for i, path in enumerate(rest) if os.path.basename(path) in _SITE),
        len(rest),
    )
    path = [*rest[:place], *present, *rest[place:]]
    if path != sys.path:
        sys.path[:] = path
        invalidate(present)


#: Shim → how many managers of this process are open on it.
_HELD: dict[str, int] = {}


def hold(roots: Sequence[str]) -> tuple[str, ...]:
    """Activate shims until :func:`release` is called as often; return those that could be.

    One that is not the user's own is left out: discovery says so.
    """
    held = []
    for root in roots:
        try:
            if require_ours(root):
                held.append(root)
        except StorageError:
            continue
    for root in held:
        _HELD[root] = _HELD.get(root, 0) + 1
    activate(held)
    return tuple(held)


def release(roots: Sequence[str]) -> None:
    """Take shims off ``sys.path`` that nobody holds any more."""
    gone = []
    for root in roots:
        _HELD[root] = _HELD.get(root, 0) - 1
        if _HELD[root] <= 0:
            del _HELD[root]
            gone.append(root)
    path = [entry for entry in sys.path if entry not in gone]
    if path != sys.path:
        sys.path[:] = path
        invalidate(gone)


def invalidate(roots: Sequence[str]) -> None:
    """Make the import system look again at what lies in ``roots``."""
    if "importlib.metadata" in sys.modules or "kurt_skills" in sys.modules:
        import importlib
        from importlib.metadata import MetadataPathFinder

        importlib.invalidate_caches()
        # Up to 3.12 the call above does not reach the cache of metadata, whose
        # own method wants an instance there.
        MetadataPathFinder().invalidate_caches()
        return
    # The full call imports importlib.metadata from 3.12 on, at the price of
    # four starts of the interpreter.
    for root in roots:
        for path in (root, os.path.join(root, "kurt_skills")):
            # A new finder is made when it is asked next.
            sys.path_importer_cache.pop(path, None)
