"""Tell what of the installed skills, and of the store, nobody needs any more, and remove it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from .errors import IntegrityError
from .intact import read_receipt
from .journal import entries
from .market.store import Store
from .receipts import Receipt, Receipts
from .removing import uninstall_chosen

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from .places import Places

__all__ = ["kept", "remove_surplus", "surplus", "sweep"]


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


def remove_surplus(receipts: Receipts, names: Collection[str]) -> list[Receipt]:
    """Remove those of these skills that nobody asked for, and none needs by now; return them.

    :raises KurtError: when one of them may not be removed.
    """

    def choose() -> list[Receipt]:
        return [one for one in surplus(receipts) if one.name in names]

    return uninstall_chosen(receipts, choose, force=True)


def sweep(places: Places, *, history: bool = True) -> tuple[list[str], int]:
    """Remove from the store what no scope of this user needs.

    :param history: what can be put back is kept.
    :returns: what was removed, as names, and how many bytes that were.
    :raises IntegrityError: when a receipt cannot be read: what it needs is not known.
    :raises LockedError: when another process installs, and does not come to an end.
    """
    store = Store(places.store)
    with store.used(alone=True):
        return store.prune(*kept(places, history=history))


def kept(places: Places, *, history: bool = True) -> tuple[set[str], set[str]]:
    """Return the digests of trees, and of wheels, that some scope of this user needs.

    What waits for a reload counts, and what an installation that was cut off needs.

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
    for scope in _listed(base):
        folder = os.path.join(base, scope)
        yield from _of_folder(folder)
        yield from _of_folder(os.path.join(folder, "staged"))
        for path in entries(folder):
            yield from _begun(path)


def _of_folder(folder: str) -> Iterator[Receipt]:
    for name in _listed(folder):
        if not name.endswith(".json"):
            continue
        path = os.path.join(folder, name)
        row = read_receipt(path, name.removesuffix(".json"))
        if row is not None:
            try:
                yield Receipt.from_dict(row)
            except ValueError as error:
                raise IntegrityError(
                    "what is installed cannot be told", cause=str(error), at=path
                ) from error


def _begun(path: str) -> Iterator[Receipt]:
    """Yield what a journal is about to bring, and what it would put back."""
    try:
        with open(path, "rb") as stream:
            lines = stream.read().split(b"\n")
    except OSError:
        return
    for line in lines:
        try:
            row = json.loads(line)
            yield from [
                Receipt.from_dict(row[key])
                for key in ("receipt", "old", "new")
                if isinstance(row.get(key), dict)
            ]
        except (ValueError, AttributeError):
            continue  # what was cut off is not what anybody goes by


def _listed(folder: str) -> list[str]:
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []
