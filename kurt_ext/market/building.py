"""Build a marketplace: what lies in its folder becomes releases, documents and an index.

What has not changed since the last build is not read: the times, inodes and sizes of
all its files are as they were. Of what has, only a new version becomes a release; one
that is published stays as it is.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from ..atomic import write_atomically
from ..errors import KurtError, MarketError
from ..manifest import MANIFESTS
from ..surveys import Survey, is_own_file, survey
from . import advisories, interop, releasing
from .books import Books
from .collecting import Found, folder_files, of_folder, unpacked_wheel, wheel_identity
from .holding import held

if TYPE_CHECKING:
    from ..places import Places
    from .judging import Judge
    from .signing import PrivateKey

__all__ = ["Built", "build", "sources", "words"]

#: Where the folder of a marketplace may hold what it is made of, besides its top.
SKILLS, WHEELS = "skills", "wheels"
_MADE = frozenset((SKILLS, WHEELS, "kurt", "files", "simple"))
_STATE = "kurt.market-state/1"
_MAX_STATE = 64 << 20
_RACY_NS = 2_000_000_000


class Built(NamedTuple):
    """What a build has done.

    :param added: ``id version`` of the new releases.
    :param same: how many releases were there already.
    :param refused: what became no release, with the reason.
    :param snapshot: the number of the index.
    :param changed: whether it is a new one.
    :param skills: how many skills it lists.
    :param judged: ``id version`` of what was judged again.
    """

    added: tuple[str, ...]
    same: int
    refused: tuple[KurtError, ...]
    snapshot: int
    changed: bool
    skills: int
    judged: tuple[str, ...] = ()


def words() -> dict[str, tuple[str, str]]:
    """Return the words of manifests that stand for another namespace, as this host knows them."""
    from importlib.metadata import entry_points

    found: dict[str, tuple[str, str]] = {}
    for entry in entry_points(group="kurt.implements"):
        namespace, _, prefix = entry.value.partition(":")
        found.setdefault(entry.name, (namespace, prefix))
    return found


def sources(root: str) -> tuple[list[str], list[str]]:
    """Return the folders of skills and the wheels that lie in the folder of a marketplace.

    Folders at its top and in ``skills/``, wheels at its top and in ``wheels/``, all by their
    path below the root.
    """
    folders, wheels = [], []
    for base, inside in (("", False), (SKILLS, True), (WHEELS, True)):
        try:
            with os.scandir(os.path.join(root, base)) as entries:
                for entry in entries:
                    name = entry.name
                    if name[0] == "." or (not base and name in _MADE):
                        continue
                    path = f"{base}/{name}" if base else name
                    if name.endswith(".whl"):
                        wheels.append(path)
                    elif base == WHEELS or not entry.is_dir(follow_symlinks=False):
                        continue
                    elif inside or _has_manifest(entry.path):
                        folders.append(path)
        except FileNotFoundError:
            continue
    return sorted(folders), sorted(wheels)


def _has_manifest(folder: str) -> bool:
    return any(os.path.lexists(os.path.join(folder, name)) for name in MANIFESTS)


def build(
    root: str,
    places: Places,
    *,
    key: PrivateKey | None = None,
    judge: Judge | None = None,
    wheels: bool = False,
    again: bool = False,
    unsigned: bool = False,
    jobs: int = 0,
    done: Callable[[str, int, int], None] = lambda name, came, total: None,
) -> Built:
    """Build the marketplace in a folder, and return what was done.

    :param places: where verdicts and the memory of the last build are kept.
    :param key: signs the index.
    :param judge: judges skills; the installed checks, for the profile of ``market.toml``, if
        None.
    :param wheels: make wheels of folders too, for the simple index.
    :param again: judge again what was judged by other rules.
    :param unsigned: an index that was signed may be replaced by one that is not.
    :param jobs: processes that judge; as many as there are processors if 0.
    :param done: is told the name of each skill that was judged, how many were, and of how many.
    :raises MarketError: when what lies there is no marketplace, or a damaged one.
    :raises StorageError: when the folder cannot be written.
    """
    with held(root):
        books = Books(root, unsigned=unsigned)
        work = _Work(books, places, judge, jobs, done)
        work.folders(*sources(root))
        told = advisories.collect(books)
        work.refused += told.refused
        judged: list[str] = []
        if again:
            from .rescanning import rescan

            judged = rescan(books, work.judge, work.refused, jobs, done)
        if wheels:
            interop.add_wheels(books, work.refused)
        changed = books.commit(advisories=told.document, key=key, also=interop.write)
        work.state.save(books.snapshot)
        work.forget()
        return Built(
            tuple(work.added),
            work.same,
            tuple(work.refused),
            books.snapshot,
            changed,
            len(books.rows),
            tuple(judged),
        )


class _Work:
    """One build: what is new, what is the same, what is refused."""

    def __init__(
        self,
        books: Books,
        places: Places,
        judge: Judge | None,
        jobs: int,
        done: Callable[[str, int, int], None],
    ) -> None:
        self.books = books
        self.added: list[str] = []
        self.same = 0
        self.refused: list[KurtError] = []
        self.state = _State(places, books.root, books.snapshot)
        self._seen: dict[str, tuple[str, Survey | None, int]] = {}
        self._places = places
        self._judge = judge
        self._jobs = jobs
        self._done = done
        self._words: Mapping[str, tuple[str, str]] | None = None

    @property
    def judge(self) -> Judge:
        if self._judge is None:
            from .judging import Judge  # the validator's imports are half of a build's time

            settings = self.books.settings
            known = [
                name
                for name, row in self.books.rows.items()
                if row["publisher"] != settings.publisher
            ]
            self._judge = Judge(self._places, settings.profile, known)
        return self._judge

    def forget(self) -> None:
        """Forget the verdicts that the index holds by now."""
        if self._judge is not None:
            self._judge.forget()

    def folders(self, folders: Sequence[str], wheels: Sequence[str]) -> None:
        """Take stock of all sources, judge what is new, and add it."""
        ahead: list[Found] = []
        for path in folders:
            started = time.time_ns()
            seen = survey(os.path.join(self.books.root, path))
            known = self.state.find(path, seen)
            if known is not None and known in self.books.rows:
                self.same += 1
                continue
            with _refusing(self.refused):
                found = self._look(path, seen)
                if found is None:
                    continue
                if releasing.is_there(self.books, found, self.books.settings.publisher):
                    self.same += 1
                    self.state.note(path, seen, started, found.name)
                else:
                    ahead.append(found)
                    self._seen[found.path] = (path, seen, started)
        self._add_folders(_once(ahead, self.refused))
        self._add_wheels(wheels)

    def _look(self, path: str, seen: Survey | None) -> Found | None:
        """Return the skill in a folder; None where there is none."""
        if seen is not None and not any(row[0] in MANIFESTS for row in seen.rows):
            return None
        if self._words is None:
            self._words = words()
        folder = os.path.join(self.books.root, path)
        return of_folder(folder, self._files(folder), self._words)

    def _files(self, folder: str) -> dict[str, bytes]:
        settings = self.books.settings
        try:
            return folder_files(folder, settings.max_files, settings.max_bytes)
        except OSError as error:
            raise MarketError(f"{folder} cannot be read", cause=str(error), at=folder) from error

    def _kept_files(self, folder: str) -> dict[str, bytes]:
        """Return the files of a folder; none where it was changed in the meantime."""
        try:
            return self._files(folder)
        except MarketError:
            return {}

    def _add_folders(self, ahead: Sequence[Found]) -> None:
        if not ahead:
            return
        paths = [found.path for found in ahead]
        with closing(self.judge.reports(paths, self._kept_files, self._jobs)) as reports:
            for number, (found, report) in enumerate(zip(ahead, reports, strict=True), 1):
                self._done(found.name, number, len(ahead))
                with _refusing(self.refused):
                    self._release(found, report)

    def _release(self, found: Found, report: Mapping[str, Any]) -> None:
        """Add the release of a folder that was judged.

        :raises KurtError: when it is refused.
        """
        settings = self.books.settings
        releasing.gate(found, report, settings.minimum_score)
        release = releasing.folder_release(
            self.books,
            found,
            self._files(found.path),
            settings.publisher,
            report,
            self.judge.ruleset,
        )
        releasing.add(self.books, found, release)
        self.added.append(f"{found.name} {found.version}")
        self.state.note(*self._seen[found.path], found.name)

    def _add_wheels(self, wheels: Sequence[str]) -> None:
        groups: dict[tuple[str, str], list[str]] = {}
        for path in wheels:
            with _refusing(self.refused):
                whole = os.path.join(self.books.root, path)
                groups.setdefault(wheel_identity(whole), []).append(whole)
        for paths in groups.values():
            with _refusing(self.refused):
                if add_wheels(self.books, paths, self.judge):
                    self.added.append(_identity(self.books, paths))
                else:
                    self.same += 1


def _identity(books: Books, paths: Sequence[str]) -> str:
    name, version = wheel_identity(paths[0])
    return f"{name} {version}"


def add_wheels(books: Books, paths: Sequence[str], judge: Judge) -> bool:
    """Add the release that the wheels of one distribution are; return whether it is new.

    :raises KurtError: when it is refused.
    """
    publisher = books.settings.publisher
    with unpacked_wheel(paths) as (found, dist_info):
        if releasing.is_there(books, found, publisher):
            return False
        report = judge.wheel(dist_info, found.record)
        releasing.gate(found, report, books.settings.minimum_score)
    release = releasing.wheels_release(books, found, paths, publisher, report, judge.ruleset)
    releasing.add(books, found, release)
    return True


def _once(ahead: Sequence[Found], refused: list[KurtError]) -> list[Found]:
    """Return the skills of which there is but one folder; the second of a name is refused."""
    seen: dict[str, Found] = {}
    for found in ahead:
        other = seen.setdefault(found.name, found)
        if other is not found:
            refused.append(
                MarketError(
                    f"{found.name} lies in two folders",
                    cause=f"{other.path}\n{found.path}",
                    at=found.path,
                    skill=found.name,
                )
            )
    return list(seen.values())


class _refusing:
    """Put an error among what was refused, and go on."""

    def __init__(self, refused: list[KurtError]) -> None:
        self._refused = refused

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        if isinstance(error, KurtError):
            self._refused.append(error)
            return True
        return False


class _State:
    """What the last build has seen of each folder: a memory that costs time where it is lost."""

    def __init__(self, places: Places, root: str, snapshot: int) -> None:
        name = sha256(os.fsencode(os.path.realpath(root))).hexdigest()[:32]
        self._path = os.path.join(places.cache, "market", f"{name}.json")
        self._rows: dict[str, list[Any]] = dict(self._load(snapshot))
        self._changed = False

    def _load(self, snapshot: int) -> Iterator[tuple[str, list[Any]]]:
        try:
            with open(self._path, "rb") as stream:
                if not is_own_file(os.fstat(stream.fileno()), _MAX_STATE):
                    return
                data = json.load(stream)
        except (OSError, ValueError, RecursionError):
            return
        if isinstance(data, dict) and data.get("schema") == _STATE:
            if not isinstance(data.get("snapshot"), int) or data["snapshot"] > snapshot:
                return  # the marketplace was put back to what it was before
            for path, row in data.get("folders", {}).items():
                if isinstance(row, list) and len(row) == 3:
                    yield path, row

    def find(self, path: str, seen: Survey | None) -> str | None:
        """Return the skill of a folder in which nothing can have changed since it was read."""
        row = self._rows.get(path)
        if row is None or seen is None:
            return None
        signature, started, name = row
        fresh = seen.newest < started - _RACY_NS
        return str(name) if fresh and signature == seen.signature else None

    def note(self, path: str, seen: Survey | None, started: int, name: str) -> None:
        """Remember a folder, as it was when its reading began."""
        if seen is not None:
            self._rows[path] = [seen.signature, started, name]
            self._changed = True

    def save(self, snapshot: int) -> None:
        """Write the memory down, where anything in it is new.

        :param snapshot: the number of the index that holds what is remembered.
        """
        if not self._changed:
            return
        data = {"schema": _STATE, "snapshot": snapshot, "folders": self._rows}
        body = json.dumps(data).encode()
        try:
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
            write_atomically(self._path, body, mode=0o600, durable=False)
        except OSError:
            pass  # the next build reads everything again
