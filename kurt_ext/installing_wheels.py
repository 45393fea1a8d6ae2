"""Put a wheel into this environment, or take it out, so that a crash is noticed and mended.

uv or pip does it, file by file, and nothing can make that one step. So what is to be is
written down before: the journal names the wheel that was there and the one that comes,
both of which lie in the store, whole. Whoever is killed in between leaves an environment
that the next command that installs, or ``kurt doctor``, brings to the new wheel; or back
to the old one, where the new one cannot be installed. Then every file is held to the
wheel, and what only the other one had is gone.

The lock of the environment goes over to uv or pip as an open file: where kurt alone was
killed, nobody repairs while those still write.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

from . import installing_distributions as installers
from . import installing_folders
from .atomic import write_atomically
from .errors import IntegrityError, KurtError, StorageError
from .journal import entries
from .jsontext import dumps
from .lock import Locked, lock_path
from .lock import write as write_lock
from .locks import lock
from .market import digests
from .market.store import File, Store
from .metadata import headers_of
from .names import normalize
from .receipts import Receipt, Receipts
from .scope_lock import still

__all__ = [
    "damage",
    "damages",
    "distribution_of",
    "files_of",
    "held",
    "place",
    "recover",
    "take_away",
]

_SCHEMA = "kurt.wheel-journal/1"
_PREFIX = "wheel-"
_WAIT = 900.0  # longer than uv or pip may take


@contextmanager
def held(receipts: Receipts) -> Iterator[None]:
    """Hold a scope, as `installing_folders.held` does; wheels that were cut off are finished too.

    :raises LockedError: when another process does not let go.
    :raises KurtError: when what was cut off can neither be finished nor taken back.
    """
    with installing_folders.held(receipts):
        for journal in _journals(receipts):
            _finish(journal)
        yield


def recover(receipts: Receipts) -> list[str]:
    """Finish or take back what processes that died have begun, in either lane; return the names.

    :raises LockedError: when another process is installing.
    """
    names = [*installing_folders.unfinished(receipts)]
    names += [journal.name for journal in _journals(receipts)]
    if names:
        with held(receipts):
            pass
    return names


def place(receipts: Receipts, receipt: Receipt) -> None:
    """Install the wheel that a receipt names, from the store; the caller holds the scope.

    :raises IntegrityError: when the store has it no longer.
    :raises KurtError: when it cannot be installed; what was there before is there again.
    """
    if Store(receipts.places.store).wheel(receipt.locked.digest) is None:
        raise _gone(receipt.locked)
    journal = _Journal(receipts, receipt.name, receipts.find(receipt.name), receipt)
    _refuse_unreadable(receipts)
    journal.write()
    _finish(journal)


def take_away(receipts: Receipts, receipt: Receipt) -> None:
    """Uninstall a distribution that kurt has installed; the caller holds the scope.

    :raises KurtError: when that fails; it is then there, whole.
    """
    journal = _Journal(receipts, receipt.name, receipt, None)
    _refuse_unreadable(receipts)
    journal.write()
    _finish(journal)


def distribution_of(receipt: Receipt) -> str:
    """Return the name of the distribution that a receipt is of, normalised."""
    from .names import distribution_name

    said = receipt.locked.distribution or receipt.origin.get("distribution")
    return normalize(str(said or distribution_name(receipt.name)))


def damage(receipts: Receipts, receipt: Receipt) -> list[str]:
    """Return the paths of what was installed whose files are not as they came, sorted.

    A folder that is gone is ``.``. Where the store has a wheel no longer, only the version
    can be told; then it is the name of the distribution.
    """
    if receipt.folder:
        return receipts.changed(receipt)
    wheel = Store(receipts.places.store).wheel(receipt.locked.digest)
    if wheel is not None:
        return _damage(wheel)
    name = distribution_of(receipt)
    return [] if _dist_infos_of(name) else [name]


def damages(receipts: Receipts) -> list[tuple[Receipt, list[str]]]:
    """Return all that was installed in a scope, each with its damage, none while it changes.

    :raises IntegrityError: when a receipt is damaged.
    :raises LockedError: when another process does not let go.
    """
    with still(receipts.folder):
        return [(receipt, damage(receipts, receipt)) for receipt in receipts.all()]


def _refuse_unreadable(receipts: Receipts) -> None:
    """Raise where what is to be noted at the end could not be.

    :raises ConfigError: then.
    """
    from .lock import read

    read(lock_path(receipts.places, receipts.scope))


# -- the journal ---------------------------------------------------------------------


class _Journal:
    """What is being done to one distribution, on the disk before it is done."""

    def __init__(
        self,
        receipts: Receipts,
        name: str,
        old: Receipt | None,
        new: Receipt | None,
        path: str = "",
    ) -> None:
        self.receipts = receipts
        self.name = name
        # A folder of the same name is the other lane's, and stays where it is.
        self.old = old if old is not None and not old.folder else None
        self.new = new
        self.path = path or os.path.join(
            receipts.folder, "journal", f"{_PREFIX}{os.urandom(6).hex()}.json"
        )

    @property
    def distribution(self) -> str:
        """The name of the distribution."""
        receipt = self.new or self.old
        assert receipt is not None
        return distribution_of(receipt)

    def write(self) -> None:
        """Write it down; on the disk before anything is done."""
        row = {
            "schema": _SCHEMA,
            "name": self.name,
            "prefix": sys.prefix,
            "old": self.old.as_dict() if self.old else None,
            "new": self.new.as_dict() if self.new else None,
        }
        try:
            os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
            write_atomically(self.path, dumps(row).encode(), mode=0o600)
        except OSError as error:
            raise StorageError(
                "nothing can be installed", cause=str(error), at=self.path
            ) from error

    @classmethod
    def read(cls, receipts: Receipts, path: str) -> _Journal | None:
        """Return what a file says; None for one that is none, or of another environment."""
        try:
            with open(path, "rb") as stream:
                row = json.loads(stream.read())
            if row["schema"] != _SCHEMA or row["prefix"] != sys.prefix:
                return None
            old = Receipt.from_dict(row["old"]) if row["old"] else None
            new = Receipt.from_dict(row["new"]) if row["new"] else None
            return cls(receipts, str(row["name"]), old, new, path) if old or new else None
        except (OSError, ValueError, KeyError, TypeError):
            return None


def _journals(receipts: Receipts) -> list[_Journal]:
    paths = entries(receipts.folder, prefix=_PREFIX)
    found = [_Journal.read(receipts, path) for path in paths]
    return [journal for journal in found if journal is not None]


def _finish(journal: _Journal) -> None:
    """Bring the environment to what the journal says, and note it; may be done again.

    :raises KurtError: when that fails, and the wheel before is there again.
    """
    with _environment(journal.receipts):
        before, after = journal.old, journal.new
        try:
            _change(journal, before, after)
        except KurtError:
            # What is noted of it was not touched yet, and is true again.
            with suppress(KurtError):
                _change(journal, after, before)
            _unlink(journal.path)
            raise
        _note(journal, after)
    _unlink(journal.path)


def _change(journal: _Journal, before: Receipt | None, after: Receipt | None) -> None:
    """Have one wheel, or none, in the place of another, whatever is there now."""
    store = Store(journal.receipts.places.store)
    old = store.wheel(before.locked.digest) if before is not None else None
    name = journal.distribution
    if after is None:
        _drop_torn(name)
        if _dist_infos_of(name):
            installers.uninstall(name)
        _sweep(old, None)
        return
    new = store.wheel(after.locked.digest)
    if new is None:
        raise _gone(after.locked)
    if _damage(new):
        _drop_torn(name)
        installers.install_wheel(new)
    if before is not None and distribution_of(before) != name:
        _drop_torn(distribution_of(before))
        if _dist_infos_of(distribution_of(before)):
            installers.uninstall(distribution_of(before))
    _sweep(old, new)
    wrong = _damage(new)
    if wrong:
        raise IntegrityError(
            f"{after.name} was installed, and is not what its wheel holds",
            cause=", ".join(wrong[:5]),
            skill=after.name,
            files=wrong,
        )


def _note(journal: _Journal, receipt: Receipt | None) -> None:
    receipts = journal.receipts
    path = lock_path(receipts.places, receipts.scope)
    if receipt is not None:
        locked = receipt.locked
        receipts.write(receipt)
        write_lock(path, lambda rows: rows.update({locked.slug: locked}))
        return
    gone = journal.old or journal.new
    assert gone is not None

    def change(rows: dict[str, Locked]) -> None:
        rows.pop(gone.locked.slug, None)

    write_lock(path, change)
    receipts.forget(journal.name)


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def _gone(locked: Locked) -> IntegrityError:
    return IntegrityError(
        f"the store has {locked.name} {locked.version} no longer",
        hint="kurt sync",
        skill=locked.name,
    )


@contextmanager
def _environment(receipts: Receipts) -> Iterator[None]:
    """Hold this environment against every project and user that installs wheels into it."""
    folder = os.path.join(receipts.places.data, "wheels")
    tag = digests.of_bytes(os.path.realpath(sys.prefix).encode())[7:23]
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        with lock(os.path.join(folder, f"{tag}.lock"), _WAIT) as holder:
            installers.lend(holder.descriptor)
            try:
                yield
            finally:
                installers.lend(None)
    except OSError as error:
        raise StorageError("nothing can be installed", cause=str(error), at=folder) from error


# -- what lies in the environment --------------------------------------------------------


def _site(wheel: str) -> str:
    """Return the folder that a wheel's files go to."""
    stem = "-".join(os.path.basename(wheel).split("-")[:2])
    with zipfile.ZipFile(wheel) as archive:
        said = archive.read(f"{stem}.dist-info/WHEEL").decode("utf-8", "replace")
    pure = "root-is-purelib: true" in said.lower()
    return sysconfig.get_path("purelib" if pure else "platlib")


def files_of(wheel: bytes) -> dict[str, File]:
    """Return path → what it is of all that a wheel lays down.

    Not its list, which installers rewrite.
    """
    return _in_archive(io.BytesIO(wheel))


def _files(wheel: str) -> dict[str, str]:
    return {path: file.digest for path, file in _in_archive(wheel).items()}


def _in_archive(wheel: str | IO[bytes]) -> dict[str, File]:
    with zipfile.ZipFile(wheel) as archive:
        return {
            info.filename: File(digests.of_bytes(archive.read(info)), info.file_size)
            for info in archive.infolist()
            if not info.is_dir() and not info.filename.endswith(".dist-info/RECORD")
        }


def _damage(wheel: str) -> list[str]:
    """Return the paths of a wheel that do not lie in the environment as they are in it.

    Its list is among them where it is not whole, or where there are two.
    """
    site, wrong = _site(wheel), []
    stem = "-".join(os.path.basename(wheel).split("-")[:2])
    record = f"{stem}.dist-info/RECORD"
    listed = _listed(os.path.join(site, f"{stem}.dist-info"))
    several = len(_dist_infos_of(normalize(stem.partition("-")[0]))) > 1
    if several or not {*_files(wheel), record} <= listed:
        wrong.append(record)
    for path, digest in _files(wheel).items():
        try:
            found, _ = digests.of_file(os.path.join(site, *path.split("/")))
        except (OSError, IntegrityError):
            found = ""
        if found != digest:
            wrong.append(path)
    return sorted(wrong)


def _dist_infos(site: str) -> Iterator[tuple[str, str]]:
    """Yield the path and the distribution of each ``*.dist-info``."""
    for name in sorted(os.listdir(site)) if os.path.isdir(site) else ():
        if name.endswith(".dist-info"):
            path = os.path.join(site, name)
            headers = headers_of(path)
            said = headers.get("name") or [name.partition("-")[0]]
            yield path, normalize(said[0])


def _dist_infos_of(distribution: str) -> list[str]:
    sites = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    rows = [row for site in sites for row in _dist_infos(site)]
    return sorted([path for path, name in rows if name == distribution])


def _drop_torn(distribution: str) -> None:
    """Remove what is left of a distribution whose list of files is gone: installers refuse it."""
    there = _dist_infos_of(distribution)
    for path in there:
        whole = os.path.isfile(os.path.join(path, "METADATA")) and _listed(path)
        if len(there) > 1 or not whole:
            shutil.rmtree(path, ignore_errors=True)


def _listed(dist_info: str) -> set[str]:
    """Return the paths that a distribution lists as its own; none where that cannot be read."""
    try:
        path = os.path.join(dist_info, "RECORD")
        with open(path, encoding="utf-8", newline="") as stream:
            return {row[0] for row in csv.reader(stream) if row}
    except (OSError, UnicodeDecodeError, csv.Error):
        return set()


def _sweep(old: str | None, new: str | None) -> None:
    """Remove what only the old wheel has laid down; not what another distribution lists too."""
    if old is None:
        return
    site = _site(old)
    stay = set(_files(new)) if new is not None else set()
    left = [path for path in _files(old) if path not in stay]
    left = [path for path in left if os.path.lexists(os.path.join(site, *path.split("/")))]
    if not left:
        return
    claimed = _claimed(site)
    for path in left:
        if path in claimed:
            continue
        whole = os.path.join(site, *path.split("/"))
        _unlink(whole)
        folder = os.path.dirname(whole)
        _drop_bytecode(whole)
        # What uv and pip add to it themselves would keep the folder, and the name with it.
        if folder.endswith(".dist-info"):
            shutil.rmtree(folder, ignore_errors=True)
        while folder.startswith(site + os.sep):
            try:
                os.rmdir(folder)
            except OSError:
                break
            folder = os.path.dirname(folder)


def _drop_bytecode(source: str) -> None:
    """Remove what was compiled of a file, and its folder where that is empty then."""
    folder, name = os.path.split(source)
    cache = os.path.join(folder, "__pycache__")
    with suppress(OSError):
        for found in os.listdir(cache):
            if found.startswith(name.removesuffix(".py") + "."):
                _unlink(os.path.join(cache, found))
        os.rmdir(cache)


def _claimed(site: str) -> set[str]:
    """Return the paths that the distributions which are there list as theirs."""
    return {path for found, _ in _dist_infos(site) for path in _listed(found)}
