"""Show folders to the ecosystem as installed distributions.

A shim is a directory of ours, one per scope and project, that holds for each
skill folder what pip would have written for its wheel::

    <root>/kurt_skills/web_archiver/__init__.py         imports the folder as a package
    <root>/kurt_skill_web_archiver-0.1.0.dist-info/     see `distinfo`
    <root>/.state                                       what was written, and for which manifest
    <root>/.lock

With the root on ``sys.path``, `importlib.metadata`, stevedore and ``import``
need not know that there is no wheel.
"""

from __future__ import annotations

import os
import sys

from . import distinfo
from .errors import KurtError, LockedError
from .findings import Finding
from .locks import lock
from .names import PACKAGE, normalize
from .shimcheck import differences, finding, foreign, foreign_paths, is_ours, is_stub, leftovers
from .shimfiles import (
    TEMPORARY,
    delete,
    is_folder,
    list_folder,
    make_folder,
    put_folder,
    refresh_folder,
    require_ours,
    storage_error,
    temporary,
)
from .shimstate import LOCK, Listing, Wanted, by_slug, read_state, write_state
from .syspath import activate, invalidate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .shimstate import Entry, State

__all__ = ["Changes", "Shim", "activate", "invalidate"]

_WAIT = 5.0  # seconds that another process may take to write a shim before it is looked at


class Changes:
    """What a sync did, as names of skills.

    :param removed: skills that are gone, and leftovers by the name of their directory.
    :param findings: skills that could not be written, and what lies in the
        shim that is not kurt's; left where it is.
    """

    __slots__ = ("findings", "kept", "removed", "written")

    def __init__(
        self,
        written: Iterable[str] = (),
        removed: Iterable[str] = (),
        kept: Iterable[str] = (),
        findings: Iterable[Finding] = (),
    ) -> None:
        self.written = tuple(written)
        self.removed = tuple(removed)
        self.kept = tuple(kept)
        self.findings = tuple(findings)

    def __bool__(self) -> bool:
        return bool(self.written or self.removed)

    def __repr__(self) -> str:
        return (
            f"Changes(written={self.written!r}, removed={self.removed!r}, "
            f"kept={len(self.kept)}, findings={self.findings!r})"
        )


class Shim:
    """The shim of one scope.

    :param root: its directory, which need not exist; see :meth:`places.Places.shim`.
    """

    __slots__ = ("root",)

    def __init__(self, root: str) -> None:
        self.root = root

    def __repr__(self) -> str:
        return f"Shim({self.root!r})"

    def sync(self, entries: Iterable[Entry]) -> Changes:
        """Make the shim show exactly ``entries``, and return what changed.

        Of two entries with one slug the first counts. A skill whose record,
        folder and offers are as before costs no look at its files; with
        nothing to do neither lock nor write access is needed. Whoever reads
        meanwhile, or after a crash, sees of each skill its old or its new
        entry points, never a torn file.

        :raises StorageError: when the shim cannot be written, or is not the user's.
        :raises LockedError: when another process keeps it locked.
        """
        wanted = by_slug(entries)
        target = {slug: entry.state for slug, entry in wanted.items()}
        try:
            if not require_ours(self.root) and not target:
                return Changes()
            listing = Listing(self.root)
            if target == read_state(self.root) and listing.agrees_with(target):
                kept = [entry.name for entry in wanted.values()]
                return Changes(kept=kept, findings=foreign(self.root, listing, target))
            self._prepare()
            with lock(os.path.join(self.root, LOCK)):
                return self._apply(wanted, read_state(self.root))
        except OSError as error:
            raise storage_error(self.root, error) from error

    def repair(self, entries: Iterable[Entry]) -> Changes:
        """Write every file anew and delete all that is not kurt's.

        :returns: the changes; ``removed`` holds the names that were foreign, too.
        :raises StorageError: when the shim cannot be written, or is not the user's.
        :raises LockedError: when another process keeps it locked.
        """
        wanted = by_slug(entries)
        try:
            self._prepare()
            with lock(os.path.join(self.root, LOCK)):
                strange = foreign_paths(self.root, Listing(self.root), {})
                for path in strange:
                    delete(path)
                changes = self._apply(wanted, {})
        except OSError as error:
            raise storage_error(self.root, error) from error
        removed = [os.path.relpath(path, self.root) for path in strange]
        return Changes(changes.written, [*removed, *changes.removed], (), changes.findings)

    def status(self, entries: Iterable[Entry]) -> list[Finding]:
        """Compare every file with what :meth:`sync` would write, and say what differs.

        Nothing is written. A shim that another user owns is a finding too. One that
        another process is writing is looked at when that has finished.
        """
        wanted = by_slug(entries)
        findings = self._look(wanted)
        turn = lock(os.path.join(self.root, LOCK), _WAIT)
        if findings and os.path.lexists(turn.path):
            try:
                with turn:
                    findings = self._look(wanted)
            except (OSError, LockedError):
                pass  # it cannot be written here, or the other is slow: this is how it is now
        return findings

    def _look(self, wanted: dict[str, Wanted]) -> list[Finding]:
        try:
            exists = require_ours(self.root)
            listing = Listing(self.root)
            findings = foreign(self.root, listing, {slug: e.state for slug, e in wanted.items()})
            state = read_state(self.root) if exists else {}
            for entry in wanted.values():
                findings.extend(differences(self.root, entry, listing, state))
        except OSError as error:
            return [finding("shim-unreadable", "error", str(error), self.root)]
        except KurtError as error:
            return [finding("shim-not-ours", "error", error.message, self.root, error.hint or "")]
        return findings + leftovers(self.root, listing, wanted, state)

    def distributions(self) -> list[str]:
        """Return the normalised names of the distributions in the shim, sorted."""
        return sorted(
            normalize(name.partition("-")[0])
            for name in list_folder(self.root)
            if distinfo.is_dist_info(name)
        )

    def _prepare(self) -> None:
        make_folder(self.root)
        require_ours(self.root)
        make_folder(os.path.join(self.root, PACKAGE))

    def _apply(self, wanted: dict[str, Wanted], state: State) -> Changes:
        """Write and delete, under the lock."""
        listing = Listing(self.root)
        changed = {
            slug: entry
            for slug, entry in wanted.items()
            if state.get(slug) != entry.state
            or entry.dist_info not in listing.top
            or slug not in listing.packages
        }
        sound = {
            slug: entry for slug, entry in state.items() if slug in wanted and slug not in changed
        }
        if sound != state:
            # After a crash, what is half done must count as not done.
            write_state(self.root, sound)
        written, findings = [], []
        for slug, entry in changed.items():
            try:
                self._write(entry, listing)
            except KurtError as error:
                findings.append(
                    finding("shim-refused", "error", error.message, entry.folder, error.hint)
                )
                continue
            sound[slug] = entry.state
            written.append(entry.name)
        removed = self._remove_others(listing, state, sound)
        write_state(self.root, sound)
        kept = [entry.name for slug, entry in wanted.items() if slug not in changed]
        findings.extend(foreign(self.root, Listing(self.root), sound))
        if self.root in sys.path:
            invalidate((self.root,))
        return Changes(written, removed, kept, findings)

    def _write(self, entry: Wanted, listing: Listing) -> None:
        content = distinfo.files(entry.record, entry.folder, entry.offers)
        stub = {"__init__.py": distinfo.stub(entry.folder)}
        packages = os.path.join(self.root, PACKAGE)
        path = os.path.join(packages, entry.slug)
        if entry.slug not in listing.packages or not is_folder(path):
            put_folder(packages, entry.slug, stub)
        else:
            delete(temporary(path, "__init__.py"))
            if refresh_folder(path, stub):
                # Python believes bytecode of the same second and size, and writes it at any time.
                self._discard(os.path.join(path, "__pycache__"))
        path = os.path.join(self.root, entry.dist_info)
        if entry.dist_info not in listing.top or not is_folder(path):
            put_folder(self.root, entry.dist_info, content)
        else:
            refresh_folder(path, content, last="entry_points.txt")
            for name in set(os.listdir(path)).difference(content):
                delete(os.path.join(path, name))

    def _remove_others(self, listing: Listing, state: State, target: State) -> list[str]:
        """Delete what shows no entry of ``target``, as far as it is ours; return the names."""
        removed = [state[slug][2] for slug in state if slug not in target]
        known = {entry[1] for entry in state.values()}
        keep = {entry[1] for entry in target.values()}
        for name in sorted(listing.top):
            path = os.path.join(self.root, name)
            if name.startswith(TEMPORARY):
                delete(path)
            elif name in keep or not distinfo.is_dist_info(name):
                continue
            elif is_ours(self.root, name, state):
                self._discard(path)
                if name not in known:
                    removed.append(name)
        packages = os.path.join(self.root, PACKAGE)
        for name in sorted(listing.packages):
            path = os.path.join(packages, name)
            if name.startswith(TEMPORARY):
                delete(path)
            elif name not in target and (name in state or is_stub(path)):
                self._discard(path)
        return removed

    def _discard(self, path: str) -> None:
        """Take a directory, where it exists, out of sight in one step, then delete it."""
        hidden = temporary(self.root, f"gone-{os.path.basename(path)}")
        delete(hidden)
        try:
            os.rename(path, hidden)
        except FileNotFoundError:
            return
        delete(hidden)
