"""Take away the documents that a new index has made needless.

Those of the index before stay, and of others for an hour: for whoever has just read one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from .graces import put_away
from .layout import V1
from .reading import FolderReader

__all__ = ["sweep"]


def sweep(reader: FolderReader, before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> None:
    """Take away documents that the new index does not name, nor any has named for an hour.

    :param reader: of the folder of the marketplace.
    :param before: the index that was replaced; None where there was none.
    """
    kept = _named(after)
    until_now = _named(before) if before is not None else set()
    for kind in ("skills", "publishers", "signatures", "advisories"):
        folder = reader.path(f"{V1}/{kind}")
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for name in names:
            if kind == "advisories" and not name.startswith("all."):
                continue
            path, reference = os.path.join(folder, name), f"{V1}/{kind}/{name}"
            if name.endswith(".tmp"):
                with suppress(OSError):
                    os.unlink(path)
            elif name.endswith(".json") and reference not in kept:
                put_away(path, now=reference in until_now)


def _named(index: Mapping[str, Any]) -> set[str]:
    """Return the references of the documents that an index names."""
    meta = index["meta"]
    found = {row["detail"]["url"] for row in index["skills"]}
    found |= {pointer["url"] for pointer in index["publishers"].values()}
    found |= {meta["signatures"]} if "signatures" in meta else set()
    found |= {meta["advisories"]["url"]} if "advisories" in meta else set()
    return found
