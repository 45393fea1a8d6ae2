"""Tell what of the installed skills, and of the store, nobody needs any more."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .errors import IntegrityError
from .intact import read_receipt
from .receipts import Receipt, Receipts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .places import Places

__all__ = ["kept", "surplus"]


def surplus(receipts: Receipts) -> list[Receipt]:
    """Return the skills that nobody asked for and none needs, those that need others first."""
    there = list(receipts.all())
    gone: list[Receipt] = []
    while True:
        needed = {name for one in there for name in one.locked.dependencies}
        more = [one for one in there if not one.locked.requested and one.name not in needed]
        if not more:
            return gone
        gone += more
        there = [one for one in there if one not in more]


def kept(places: Places, *, history: bool = True) -> tuple[set[str], set[str]]:
    """Return the digests of trees, and of wheels, that some scope of this user needs.

    :param history: what can be put back counts too.
    :raises IntegrityError: when a receipt cannot be read: what it needs is not known.
    """
    folders: set[str] = set()
    wheels: set[str] = set()
    for receipt in _all(places):
        for one in (receipt, *(receipt.history if history else ())):
            (folders if one.locked.lane == "folder" else wheels).add(one.locked.digest)
    return folders, wheels


def _all(places: Places) -> Iterator[Receipt]:
    base = os.path.join(places.data, "installs")
    for scope in sorted(os.listdir(base)) if os.path.isdir(base) else ():
        for name in sorted(os.listdir(os.path.join(base, scope))):
            if not name.endswith(".json"):
                continue
            path = os.path.join(base, scope, name)
            row = read_receipt(path, name.removesuffix(".json"))
            if row is not None:
                try:
                    yield Receipt.from_dict(row)
                except ValueError as error:
                    raise IntegrityError(
                        "what is installed cannot be told", cause=str(error), at=path
                    ) from error
