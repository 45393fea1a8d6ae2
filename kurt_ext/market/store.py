"""Keep trees of files by their digest, so that a version that was here once can be had again.

``<store>/sha256/<64 digits>/`` holds ``tree.json``, the paths, digests and sizes of the
files, and the files themselves in a folder that has the skill's name. Nothing in it is
ever changed: a tree is built under another name and renamed into place, and whatever
is laid out from it is digested on the way. ``<store>/wheels/<64 digits>/NAME.whl``
holds wheels in the same way.

It is shared by all projects of a user. What lies here is not found, imported or run.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import NamedTuple

from ..errors import IntegrityError, StorageError
from ..jsontext import dumps
from ..locks import lock
from ..plainfiles import NotPlain, read_plain
from . import digests, paths

__all__ = ["MAX_BYTES", "MAX_FILES", "File", "Store", "Tree", "read_folder"]

_SCHEMA = "kurt.tree/1"
_LISTING = "tree.json"
_MAX_LISTING = 4 << 20
#: What a skill may have where nobody says more (MCP's SEP-2640 has the same numbers).
MAX_FILES = 512
MAX_BYTES = 16 << 20
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
#: What a file system says that has no links, or no more of them, or is another one.
_NO_LINKS = frozenset(
    (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
)
#: Seconds after which what a process has left half-built is nobody's any more.
_ABANDONED = 3600
#: Seconds that a process may take to clear the store up; or to install from it, by uv or pip.
_CLEARING = 60.0
_INSTALLING = 900.0


class File(NamedTuple):
    """One file of a tree.

    :param digest: ``sha256:`` and 64 digits.
    :param size: bytes.
    """

    digest: str
    size: int


class Tree(NamedTuple):
    """A tree of files in the store.

    :param digest: that of the whole; see `digests.of_tree`.
    :param name: the skill's name, and that of the folder.
    :param folder: where the files lie; nobody may write there.
    :param files: path → what it is.
    """

    digest: str
    name: str
    folder: str
    files: Mapping[str, File]

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files.values())


def read_folder(
    folder: str, *, max_files: int = MAX_FILES, max_bytes: int = MAX_BYTES
) -> dict[str, bytes]:
    """Return the files of a skill's folder that are installed: those that a market publishes.

    Hidden files, bytecode, environments and what a build has left are left out. A link or a
    device is refused, and so is a path that another system could not hold.

    :raises MarketError: with the path that is refused, or when there is too much.
    :raises StorageError: when something cannot be read.
    """
    from .collecting import folder_files

    try:
        return folder_files(folder, max_files, max_bytes)
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be read", cause=str(error), at=error.filename or folder
        ) from error


class Store:
    """The trees and wheels that a user has had.

    :param root: the folder; ``Places.store``.
    """

    def __init__(self, root: str) -> None:
        self.root = root

    @contextmanager
    def used(self, *, alone: bool = False) -> Iterator[None]:
        """Keep others from clearing the store up while something of it is judged or installed.

        Where the store cannot be written nothing can be cleared away from it either. Whoever
        holds a scope too takes that first.

        :param alone: it is to be cleared up, while nobody else uses it.
        :raises LockedError: when another process does not let go.
        """
        with ExitStack() as stack:
            with suppress(OSError):
                os.makedirs(self.root, mode=0o700, exist_ok=True)
                path = os.path.join(self.root, "lock")
                wait = _INSTALLING if alone else _CLEARING
                stack.enter_context(lock(path, wait, shared=not alone))
            yield

    def path_of(self, digest: str) -> str:
        """Return where a tree lies, or would."""
        return os.path.join(self.root, "sha256", digests.to_hex(digest))

    def find(self, digest: str) -> Tree | None:
        """Return a tree that is kept; None where it is not, or its listing is damaged."""
        base = self.path_of(digest)
        try:
            row = json.loads(read_plain(os.path.join(base, _LISTING), _MAX_LISTING))
            name = row["name"]
            files = {path: File(*given) for path, given in row["files"].items()}
            good = row["schema"] == _SCHEMA and paths.fault(name) is None and "/" not in name
            # The listing vouches for the files, and the digest for the listing.
            if not good or digests.of_tree(_plain(files)) != digest:
                return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None
        except IntegrityError:
            return None
        return Tree(digest, name, os.path.join(base, name), files)

    def put(
        self,
        name: str,
        content: Mapping[str, bytes],
        digest: str | None = None,
        *,
        files: Mapping[str, File] | None = None,
    ) -> Tree:
        """Keep a tree, and return it.

        :param name: the skill's name, which its folder gets.
        :param content: path → bytes.
        :param digest: what it must be, where that was promised.
        :param files: what the bytes are, where each was found to be just that; digested if None.
        :raises IntegrityError: when it is not; nothing is kept then.
        :raises StorageError: when the store cannot be written.
        """
        if files is None:
            files = {
                path: File(digests.of_bytes(data), len(data)) for path, data in content.items()
            }
        found = digests.of_tree(_plain(files))
        if digest is not None and found != digest:
            raise IntegrityError(
                f"the files of {name} are not those that were promised",
                cause=f"promised {digest}\nfound {found}",
                skill=name,
            )
        base = self.path_of(found)
        tree = Tree(found, name, os.path.join(base, name), files)
        known = self._whole(found)
        if known is not None:
            return known
        try:
            if os.path.isdir(base):
                with self._mending():
                    if self._whole(found) is None:
                        self.discard(found)
            self._build(base, tree, content)
        except OSError as error:
            raise StorageError(
                f"{name} cannot be kept in the store", cause=str(error), at=self.root
            ) from error
        return tree

    def _whole(self, digest: str) -> Tree | None:
        """Return a tree whose files are all what they were; None without."""
        if not os.path.isdir(self.path_of(digest)):
            return None
        tree = self.find(digest)
        return None if tree is None or self.damaged(tree) else tree

    def _mending(self) -> lock:
        """Return what one holds who throws damage away, so as not to throw away its successor."""
        return lock(os.path.join(self.root, "mending"))

    def _build(self, base: str, tree: Tree, content: Mapping[str, bytes]) -> None:
        temporary = self._temporary()
        try:
            folder = os.path.join(temporary, tree.name)
            _write_all(folder, content.items(), 0o444)
            rows = {path: list(file) for path, file in sorted(tree.files.items())}
            row = {"schema": _SCHEMA, "name": tree.name, "files": rows}
            _write(os.path.join(temporary, _LISTING), dumps(row).encode(), 0o444)
            os.makedirs(os.path.dirname(base), mode=0o700, exist_ok=True)
            try:
                os.rename(temporary, base)
            except OSError:
                if self.find(tree.digest) is None:
                    raise
                shutil.rmtree(temporary)  # another process was first
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise

    def _temporary(self) -> str:
        name = f"tmp-{os.getpid()}-{os.urandom(4).hex()}"
        path = os.path.join(self.root, name)
        os.makedirs(path, mode=0o700)
        return path

    def damaged(
        self, tree: Tree, folder: str | None = None, content: Mapping[str, bytes] | None = None
    ) -> list[str]:
        """Return the paths of a tree whose files are not what they were, sorted.

        :param folder: where it was laid out; where it is kept if None.
        :param content: the bytes that were digested, where they are at hand: to compare them
            takes a tenth of digesting others.
        """
        wrong = []
        base = (tree.folder if folder is None else folder) + os.sep
        for path, (digest, size) in tree.files.items():
            try:
                data = read_plain(base + path, size)
            except OSError:
                wrong.append(path)
                continue
            if content is not None:
                same = data == content[path]
            else:
                same = len(data) == size and digests.of_bytes(data) == digest
            if not same:
                wrong.append(path)
        return sorted(wrong)

    def content(self, tree: Tree) -> dict[str, bytes] | None:
        """Return the bytes of a tree by path, digested; None where one is not what it was."""
        found = {}
        try:
            for path, file in tree.files.items():
                data = read_plain(os.path.join(tree.folder, path), file.size)
                found[path] = digests.check(data, file.digest, path, file.size)
        except (OSError, IntegrityError):
            return None
        return found

    def lay(self, tree: Tree, target: str, content: Mapping[str, bytes] | None = None) -> None:
        """Put the files of a tree into a new folder, and hold each to its digest there.

        They are links to the store's, which nobody may write to; copies where the file system
        has no links, or lies elsewhere. What is written through a link all the same is not
        what was installed, and does not load.

        :param target: the folder; it must not be there, and is not after an error.
        :param content: the bytes, where they are at hand: what was just put.
        :raises IntegrityError: when the store is damaged; it is then thrown away.
        :raises OSError: when the folder cannot be written.
        """
        os.mkdir(target)
        try:
            wrong = self._lay(tree, target, content) or self.damaged(tree, target, content)
        except BaseException:
            shutil.rmtree(target, ignore_errors=True)
            raise
        if wrong:
            shutil.rmtree(target, ignore_errors=True)
            with suppress(OSError), self._mending():
                if self._whole(tree.digest) is None:
                    self.discard(tree.digest)
            raise IntegrityError(
                f"the copy of {tree.name} in the store is damaged, and was thrown away",
                cause=", ".join(wrong[:5]),
                at=tree.folder,
                hint="kurt sync",
                skill=tree.name,
                files=wrong,
            )

    def _lay(self, tree: Tree, target: str, content: Mapping[str, bytes] | None) -> list[str]:
        """Link or copy the files of a tree; return the paths of those that it has no more."""
        made, linking = {""}, True
        for path, file in tree.files.items():
            parent = path.rpartition("/")[0]
            if parent not in made:
                os.makedirs(os.path.join(target, parent), exist_ok=True)
                made.add(parent)
            kept, new = f"{tree.folder}{os.sep}{path}", f"{target}{os.sep}{path}"
            if linking:
                try:
                    os.link(kept, new)
                    continue
                except FileNotFoundError:
                    return [path]
                except OSError as error:
                    if error.errno not in _NO_LINKS:
                        raise
                    linking = False
            try:
                data = content[path] if content is not None else read_plain(kept, file.size)
            except (NotPlain, FileNotFoundError):
                return [path]
            _write(new, data, 0o444)
        return []

    def path_of_wheel(self, digest: str, name: str) -> str:
        """Return where a wheel lies, or would."""
        return os.path.join(self.root, "wheels", digests.to_hex(digest), name)

    def keep_wheel(self, name: str, data: bytes) -> str:
        """Keep a wheel, and return its path.

        :param name: the file's name, which installers read.
        """
        digest = digests.of_bytes(data)
        path = self.path_of_wheel(digest, name)
        folder = os.path.dirname(path)
        if self.wheel(digest) == path:
            return path
        temporary = self._temporary()
        try:
            _write(os.path.join(temporary, name), data, 0o444)
            os.makedirs(os.path.dirname(folder), mode=0o700, exist_ok=True)
            with self._mending():
                if self.wheel(digest) != path:
                    _remove(folder)
                    os.rename(temporary, folder)
            shutil.rmtree(temporary, ignore_errors=True)  # there where another was first
        except OSError as error:
            shutil.rmtree(temporary, ignore_errors=True)
            if self.wheel(digest) != path:
                raise StorageError(
                    f"{name} cannot be kept in the store", cause=str(error), at=self.root
                ) from error
        return path

    def wheel(self, digest: str) -> str | None:
        """Return the path of a wheel that is kept, whole; else None."""
        folder = os.path.join(self.root, "wheels", digests.to_hex(digest))
        try:
            names = os.listdir(folder)
            if (
                len(names) == 1
                and digests.of_file(path := os.path.join(folder, names[0]))[0] == digest
            ):
                return path
        except (OSError, IntegrityError):
            pass
        return None

    def digests(self) -> list[str]:
        """Return the digests of all trees that are kept, sorted."""
        try:
            names = os.listdir(os.path.join(self.root, "sha256"))
        except OSError:
            return []
        return sorted([f"sha256:{name}" for name in names if digests.is_digest(f"sha256:{name}")])

    def discard(self, digest: str) -> None:
        """Remove a tree, if it is there."""
        _remove(self.path_of(digest))

    def prune(self, kept: Iterable[str], wheels: Iterable[str] = ()) -> tuple[list[str], int]:
        """Remove every tree and wheel but these, and what processes that died have left.

        The caller uses the store alone, and has asked what is to be kept since.

        :param kept: digests of trees; ``wheels`` those of wheels.
        :returns: what was removed, as names, and how many bytes that were.
        """
        removed: list[str] = []
        freed = 0
        stay = {"sha256": {digests.to_hex(one) for one in kept}}
        stay["wheels"] = {digests.to_hex(one) for one in wheels}
        for part, names in stay.items():
            for name in _list(os.path.join(self.root, part)):
                if name in names:
                    continue
                path = os.path.join(self.root, part, name)
                weight = _weight(path)
                if _remove(path):
                    freed += weight
                    removed.append(name if len(name) != 64 else f"sha256:{name}")
        for name in _list(self.root):
            path = os.path.join(self.root, name)
            if name.startswith("tmp-") and _age(path) > _ABANDONED:
                freed += _weight(path)
                shutil.rmtree(path, ignore_errors=True)
        return removed, freed


def _plain(files: Mapping[str, File]) -> dict[str, str]:
    return {path: file.digest for path, file in files.items()}


def _list(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _remove(folder: str) -> bool:
    """Remove a folder, so that it is there whole or not at all; return whether it was there."""
    gone = f"{folder}.{os.urandom(4).hex()}.gone"
    try:
        os.rename(folder, gone)
    except OSError:
        return False
    shutil.rmtree(gone, ignore_errors=True)
    return True


def _age(path: str) -> float:
    """Return the seconds since something was changed; 0 where it is gone."""
    try:
        return time.time() - os.lstat(path).st_mtime
    except FileNotFoundError:
        return 0.0


def _weight(folder: str) -> int:
    found = 0
    for base, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                found += os.lstat(os.path.join(base, name)).st_size
    return found


def _write_all(folder: str, rows: Iterable[tuple[str, bytes]], mode: int) -> None:
    """Write files, path and bytes of each, into a new folder."""
    os.mkdir(folder)
    made = {""}
    for path, data in rows:
        parent = path.rpartition("/")[0]
        if parent not in made:
            os.makedirs(os.path.join(folder, parent), exist_ok=True)
            made.add(parent)
        _write(f"{folder}{os.sep}{path}", data, mode)


def _write(path: str, data: bytes, mode: int) -> None:
    descriptor = os.open(path, _WRITE, mode)
    try:
        written = os.write(descriptor, data)
        if written < len(data):
            with memoryview(data) as rest:
                while written < len(rest):
                    written += os.write(descriptor, rest[written:])
    finally:
        os.close(descriptor)
