"""What a shim should show, what it was last made to show, and what lies in it."""

from __future__ import annotations

import os

from .distinfo import dist_info_name, is_dist_info
from .names import PACKAGE, slug
from .shimfiles import TEMPORARY, list_folder, put, sign, unwrap, wrap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .distinfo import Offer, Record

    #: Absolute path of a skill's folder, its record, and what it offers.
    Entry = tuple[str, Record, Sequence[Offer]]
    #: Slug → (signature, name of the dist-info directory, name of the skill).
    State = dict[str, tuple[str, str, str]]

__all__ = ["LOCK", "OWN_NAMES", "Listing", "Wanted", "by_slug", "read_state", "write_state"]

#: To be raised when what is written for an unchanged manifest changes.
FORMAT = 1
LOCK = ".lock"
_STATE = ".state"
#: The names at the top of a shim beside the dist-info directories.
OWN_NAMES = frozenset((PACKAGE, _STATE, LOCK))


class Wanted:
    """One entry of a sync, with the names that follow from it."""

    __slots__ = ("dist_info", "folder", "name", "offers", "record", "signature", "slug")

    def __init__(self, folder: str, record: Record, offers: Sequence[Offer]) -> None:
        self.folder = folder
        self.record = record
        self.offers = offers
        self.name: str = record["id"]
        self.slug = slug(self.name)
        self.dist_info = dist_info_name(record)
        self.signature = sign((FORMAT, folder, record, [tuple(offer) for offer in offers]))

    @property
    def state(self) -> tuple[str, str, str]:
        """What is remembered of the entry once it is written."""
        return self.signature, self.dist_info, self.name


class Listing:
    """The names in a shim, each read from its directory once."""

    __slots__ = ("packages", "top")

    def __init__(self, root: str) -> None:
        self.top = frozenset(list_folder(root))
        self.packages = frozenset(list_folder(os.path.join(root, PACKAGE)))

    def agrees_with(self, state: State) -> bool:
        """Tell whether exactly what the state names is there."""
        dist_infos = {entry[1] for entry in state.values()}
        return self.packages == state.keys() and dist_infos == {
            name for name in self.top if is_dist_info(name)
        }


def by_slug(entries: Iterable[Entry]) -> dict[str, Wanted]:
    """Return the entries by slug; of two with one slug the first counts."""
    wanted: dict[str, Wanted] = {}
    for folder, record, offers in entries:
        entry = Wanted(folder, record, offers)
        wanted.setdefault(entry.slug, entry)
    return wanted


def read_state(root: str) -> State:
    """Return what was last written; nothing where the file is absent or damaged."""
    try:
        with open(os.path.join(root, _STATE), "rb", buffering=0) as stream:
            found = unwrap(stream.read())
    except FileNotFoundError:
        return {}
    return found if isinstance(found, dict) else {}


def write_state(root: str, state: State) -> None:
    """Replace the record of what was written in one step."""
    temporary = os.path.join(root, TEMPORARY + "state")
    put(temporary, wrap(state))
    os.replace(temporary, os.path.join(root, _STATE))
