"""What a shim should show, what it was last made to show, and what lies in it."""

from __future__ import annotations

import os

from .distinfo import dist_info_name, is_dist_info
from .names import PACKAGE, slug
from .shimfiles import TEMPORARY, list_folder, put, sign, temporary, unwrap, wrap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeAlias

    from .distinfo import Offer, Record

    #: Absolute path of a skill's folder, its record, and what it offers; or
    #: the same still to be loaded.
    Entry: TypeAlias = "tuple[str, Record, Sequence[Offer]] | Wanted"
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
    """One entry of a sync, with the names that follow from it.

    :param dist_info: the name of its dist-info directory.
    :param signature: a text that changes when anything that is written changes.
    :param load: returns record and offers; called only when they must be written.
    """

    __slots__ = ("_load", "_loaded", "dist_info", "folder", "name", "signature", "slug")

    def __init__(
        self,
        name: str,
        folder: str,
        dist_info: str,
        signature: str,
        load: Callable[[], tuple[Record, Sequence[Offer]]],
    ) -> None:
        self.name = name
        self.folder = folder
        self.dist_info = dist_info
        self.signature = f"{FORMAT}:{signature}"
        self.slug = slug(name)
        self._load = load
        self._loaded: tuple[Record, Sequence[Offer]] | None = None

    @classmethod
    def of(cls, folder: str, record: Record, offers: Sequence[Offer]) -> Wanted:
        """Return the entry of a skill whose manifest is at hand."""
        signature = sign((folder, record, [tuple(offer) for offer in offers]))
        return cls(
            record["id"], folder, dist_info_name(record), signature, lambda: (record, offers)
        )

    def _content(self) -> tuple[Record, Sequence[Offer]]:
        if self._loaded is None:
            self._loaded = self._load()
        return self._loaded

    @property
    def record(self) -> Record:
        """The manifest."""
        return self._content()[0]

    @property
    def offers(self) -> Sequence[Offer]:
        """The entry points."""
        return self._content()[1]

    @property
    def state(self) -> tuple[str, str, str]:
        """What the shim remembers of it."""
        return self.signature, self.dist_info, self.name


class Listing:
    """The names in a shim, each read from its directory once."""

    __slots__ = ("packages", "top")

    def __init__(self, root: str) -> None:
        self.top = frozenset(list_folder(root))
        self.packages = frozenset(list_folder(os.path.join(root, PACKAGE)))

    def agrees_with(self, state: State) -> bool:
        """Tell whether exactly what the state names is there, and nothing half written."""
        names = [n for n in self.top if is_dist_info(n) or n.startswith(TEMPORARY)]
        return self.packages == state.keys() and set(names) == {e[1] for e in state.values()}


def by_slug(entries: Iterable[Entry]) -> dict[str, Wanted]:
    """Return the entries by slug; of two with one slug the first counts."""
    wanted: dict[str, Wanted] = {}
    for item in entries:
        entry = item if isinstance(item, Wanted) else Wanted.of(*item)
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
    hidden = temporary(root, "state")
    put(hidden, wrap(state))
    os.replace(hidden, os.path.join(root, _STATE))
