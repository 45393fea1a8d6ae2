"""The Update Framework over the index of a marketplace, by `python-tuf`.

A key that signs an index can be stolen. TUF's root names, for each role, the keys that
count and until when, and is signed by a key that need not be on any server; a new root
takes a stolen key's power away from every client. The one target is the index, which
names all else by its digest.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import (
    IntegrityError,
    KurtError,
    MarketError,
    MissingExtraError,
    NetworkError,
    SignatureError,
    StaleIndexError,
)
from ..locks import lock
from .graces import put_away
from .layout import INDEX_LIMIT, TUF
from .reading import Reader
from .times import seconds

if TYPE_CHECKING:
    from .books import Books
    from .signing import PrivateKey

__all__ = ["FOLDER", "files", "index", "new_root", "root_of", "write"]

FOLDER = TUF
_TARGET = "index.json"
_ROOT_DAYS = 365
#: Bytes of a metadata file that a client takes; the limits of python-tuf are of this size.
_LIMIT = 1 << 20
#: Seconds that a new root may take to the signatures by its keys.
_PAUSES = (0.1, 0.3)
_ROOT = re.compile(r"([0-9]+)\.root\.json")
_NUMBERED = re.compile(r"([0-9]+)\.(?:snapshot|targets)\.json")


class _Library(NamedTuple):
    """The parts of python-tuf that are used here."""

    metadata: Any
    exceptions: Any
    client: Any
    signer: Any


def _library() -> _Library:
    try:
        return _Library(
            import_module("tuf.api.metadata"),
            import_module("tuf.api.exceptions"),
            import_module("tuf.ngclient"),
            import_module("securesystemslib.signer"),
        )
    except ImportError:
        raise MissingExtraError(
            "The Update Framework needs the tuf extra",
            cause="the package 'tuf' is not installed",
            hint="pip install 'kurt-ext[tuf]'",
        ) from None


def _signer(key: PrivateKey) -> Any:
    return _library().signer.CryptoSigner(key.library_key)


def root_of(books: Books) -> tuple[int, bytes] | None:
    """Return number and bytes of the newest root of a marketplace; None where it has none."""
    if books.coming_root is not None:
        return books.coming_root
    numbers = _numbers(books.reader.path(FOLDER), _ROOT)
    if not numbers:
        return None
    number = max(numbers)
    return number, books.reader.read(f"{FOLDER}/{number}.root.json", _LIMIT)


def _numbers(folder: str, pattern: re.Pattern[str]) -> list[int]:
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return [int(found[1]) for name in names if (found := pattern.fullmatch(name))]


def new_root(
    books: Books,
    root_key: PrivateKey,
    index_key: PrivateKey,
    *,
    previous: PrivateKey | None = None,
    now: float | None = None,
) -> int:
    """Make the next root; return its number. It is written with the next index.

    :param root_key: signs this root and the next; keep it off the machine that serves.
    :param index_key: signs the index from now on, and no other key does.
    :param previous: the root key until now, where this one is another.
    :raises SignatureError: when no key that the root until now names signs the new one.
    """
    metadata = _library().metadata
    old = root_of(books)
    number = 1 if old is None else old[0] + 1
    moment = datetime.now(UTC) if now is None else datetime.fromtimestamp(now, UTC)
    root = metadata.Root(
        version=number,
        expires=moment.replace(microsecond=0) + timedelta(days=_ROOT_DAYS),
        consistent_snapshot=True,
    )
    signers = [_signer(key) for key in (root_key, previous) if key is not None]
    root.add_key(signers[0].public_key, "root")
    for role in ("targets", "snapshot", "timestamp"):
        root.add_key(_signer(index_key).public_key, role)
    if old is not None:
        known = metadata.Metadata.from_bytes(old[1]).signed.roles["root"].keyids
        if not any(signer.public_key.keyid in known for signer in signers):
            raise SignatureError(
                "the root until now does not know this key",
                at=books.root,
                hint="name the root key until now too: --previous NAME",
            )
    signed = metadata.Metadata(root)
    for place, signer in enumerate(signers):
        signed.sign(signer, append=place > 0)
    books.coming_root = number, signed.to_bytes()
    return number


def is_behind(books: Books) -> bool:
    """Return whether a publication was cut off before its metadata counted."""
    numbers = _numbers(books.reader.path(FOLDER), _NUMBERED)
    return root_of(books) is not None and max(numbers, default=0) > _counting(books)


def _counting(books: Books) -> int:
    """Return the number of the metadata that counts; 0 where none does."""
    try:
        told = json.loads(books.reader.read(f"{FOLDER}/timestamp.json", _LIMIT))
        return int(told["signed"]["version"])
    except (MarketError, ValueError, LookupError, TypeError):
        return 0


def write(books: Books, data: bytes, key: PrivateKey | None) -> Callable[[], None]:
    """Write the metadata of a new index, and return what makes it count; nothing without a root.

    That is called once the index itself is written: whoever believes by the metadata takes the
    index that it names, which is the one before until then.

    :param data: the bytes of the index.
    :param key: signs it.
    :raises SignatureError: when the root does not name this key.
    """
    found = root_of(books)
    if found is None:
        return lambda: None
    metadata = _library().metadata
    root = metadata.Metadata.from_bytes(found[1]).signed
    signer = None if key is None else _signer(key)
    if signer is None or signer.public_key.keyid not in root.roles["timestamp"].keyids:
        raise SignatureError(
            "the root of this marketplace names another key for its index",
            at=books.reader.path(f"{FOLDER}/{found[0]}.root.json"),
            hint="name that key: --key NAME; or write a new root: kurt market tuf",
        )
    meta = json.loads(data)["meta"]
    expires = datetime.fromtimestamp(seconds(meta["expires"]), UTC)
    number = max([0, *_numbers(books.reader.path(FOLDER), _NUMBERED)]) + 1
    file = metadata.TargetFile.from_data(_TARGET, data, ["sha256"])
    targets = metadata.Targets(version=number, expires=expires, targets={_TARGET: file})
    snapshot = metadata.Snapshot(
        version=number, expires=expires, meta={"targets.json": metadata.MetaFile(number)}
    )
    timestamp = metadata.Timestamp(
        version=number, expires=expires, snapshot_meta=metadata.MetaFile(number)
    )
    books.files.write(f"{FOLDER}/targets/{file.hashes['sha256']}.{_TARGET}", data)
    parts = {f"{number}.targets.json": targets, f"{number}.snapshot.json": snapshot}
    parts["timestamp.json"] = timestamp
    signed = {name: metadata.Metadata(part) for name, part in parts.items()}
    for one in signed.values():
        one.sign(signer)
    last = {"timestamp.json": signed.pop("timestamp.json").to_bytes()}
    if books.coming_root is not None:
        last = {f"{found[0]}.root.json": found[1], **last}
    for name, one in signed.items():
        books.files.write(f"{FOLDER}/{name}", one.to_bytes())

    old = _counting(books)

    def count() -> None:
        for name, content in last.items():
            books.files.write(f"{FOLDER}/{name}", content)
        books.files.settle()
        books.coming_root = None
        _sweep(books, old, number, file.hashes["sha256"])

    return count


def _sweep(books: Books, before: int, number: int, kept: str) -> None:
    """Take away what no index has needed for an hour.

    :param before: the number of the metadata that counted until now.
    :param kept: the digest of the index of the new one.
    """
    folder = books.reader.path(FOLDER)
    until_now = {_target(books, old) for old in range(before, number)}
    for old in _numbers(folder, _NUMBERED):
        if old < number:
            for role in ("snapshot", "targets"):
                put_away(os.path.join(folder, f"{old}.{role}.json"), now=old >= before)
    for entry in list(os.scandir(os.path.join(folder, "targets"))):
        sha = entry.name.partition(".")[0]
        if sha != kept:
            put_away(entry.path, now=sha in until_now)


def _target(books: Books, number: int) -> str | None:
    """Return the digest of the index that metadata is of; None where that cannot be told."""
    try:
        told = json.loads(books.reader.read(f"{FOLDER}/{number}.targets.json", _LIMIT))
        return str(told["signed"]["targets"][_TARGET]["hashes"]["sha256"])
    except (MarketError, ValueError, LookupError, TypeError):
        return None


def index(reader: Reader, root: bytes, state: str) -> bytes:
    """Return the index of a marketplace, as TUF believes it.

    :param root: a root that was had by another way than the marketplace.
    :param state: a folder that keeps what was believed, against rollbacks; it is made.
    :raises SignatureError: when the keys that count have not signed it.
    :raises StaleIndexError: when it has expired, or is older than what was believed before.
    :raises IntegrityError: when it is not the one that was signed.
    :raises MarketError: when it cannot be had.
    """
    for pause in _PAUSES:
        try:
            return _believed(reader, root, state)
        except SignatureError as error:
            # A new root names another key an instant before that key's signature is there.
            if not isinstance(error.__cause__, _library().exceptions.UnsignedMetadataError):
                raise
            time.sleep(pause)
    return _believed(reader, root, state)


def _believed(reader: Reader, root: bytes, state: str) -> bytes:
    library = _library()
    exceptions, client = library.exceptions, library.client
    os.makedirs(state, mode=0o700, exist_ok=True)
    target = os.path.join(state, "targets")
    os.makedirs(target, mode=0o700, exist_ok=True)
    what = f"the index of {reader.location}"
    try:
        # The library asks that no two processes use one folder at once.
        with lock(os.path.join(state, ".lock")):
            updater = client.Updater(
                state,
                f"{FOLDER}/",
                target,
                f"{FOLDER}/targets/",
                fetcher=_fetcher(reader, library),
                config=client.UpdaterConfig(app_user_agent="kurt-ext"),
                bootstrap=root,
            )
            updater.refresh()
            info = updater.get_targetinfo(_TARGET)
            if info is None or info.length > INDEX_LIMIT:
                raise SignatureError(f"{what} is not among what was signed")
            path = updater.find_cached_target(info) or updater.download_target(info)
            with open(path, "rb") as stream:
                data: bytes = stream.read()
        return data
    except exceptions.ExpiredMetadataError as error:
        raise StaleIndexError(f"{what} has expired", cause=str(error)) from error
    except exceptions.BadVersionNumberError as error:
        raise StaleIndexError(
            f"{what} is older than one that was seen before", cause=str(error)
        ) from error
    except exceptions.LengthOrHashMismatchError as error:
        raise IntegrityError(f"{what} is not what was signed", cause=str(error)) from error
    except exceptions.UnsignedMetadataError as error:
        raise SignatureError(
            f"{what} is not signed by the keys that count", cause=str(error)
        ) from error
    except exceptions.DownloadError as error:
        cause = error.__cause__ if isinstance(error.__cause__, KurtError) else error
        raise MarketError(f"{what} cannot be had by TUF", cause=str(cause)) from error
    except (exceptions.RepositoryError, OSError, ValueError) as error:
        raise SignatureError(f"{what} cannot be believed", cause=str(error)) from error


def _fetcher(reader: Reader, library: _Library) -> Any:
    base: Any = library.client.FetcherInterface

    class Fetcher(base):  # type: ignore[misc]
        """Fetch through the reader of a marketplace, by its rules."""

        def _fetch(self, url: str) -> Iterator[bytes]:
            try:
                return iter([reader.read(url, INDEX_LIMIT)])
            except NetworkError:
                raise
            except MarketError as error:
                # There is no next root: that is how TUF learns that it has the last.
                raise library.exceptions.DownloadHTTPError(error.message, 404) from error

    return Fetcher()


def target_of(layer: Mapping[str, bytes]) -> bytes | None:
    """Return the index that metadata is of, as :func:`files` returns it; None where it has none."""
    found = [data for name, data in layer.items() if name.startswith(f"{FOLDER}/targets/")]
    return found[0] if found else None


def is_entry(reference: str) -> bool:
    """Return whether a file is what others are believed by, and written last: root, timestamp."""
    return reference.endswith((".root.json", "/timestamp.json"))


def files(reader: Reader) -> dict[str, bytes]:
    """Return the metadata that a marketplace has now, for a mirror: reference → bytes.

    The one that is read first, and changes in place, is the last.

    :raises MarketError: when a part of it is missing.
    """
    found: dict[str, bytes] = {}
    number = 1
    while True:
        name = f"{FOLDER}/{number}.root.json"
        try:
            found[name] = reader.read(name, _LIMIT)
        except NetworkError:
            raise
        except MarketError:
            break
        number += 1
    if not found:
        return {}
    timestamp = reader.read(f"{FOLDER}/timestamp.json", _LIMIT)
    try:
        at = json.loads(timestamp)["signed"]["meta"]["snapshot.json"]["version"]
        snapshot = f"{FOLDER}/{int(at)}.snapshot.json"
        found[snapshot] = reader.read(snapshot, _LIMIT)
        at = json.loads(found[snapshot])["signed"]["meta"]["targets.json"]["version"]
        targets = f"{FOLDER}/{int(at)}.targets.json"
        found[targets] = reader.read(targets, _LIMIT)
        sha = str(json.loads(found[targets])["signed"]["targets"][_TARGET]["hashes"]["sha256"])
    except (ValueError, LookupError, TypeError) as error:
        what = f"the metadata of {reader.location} is damaged"
        raise MarketError(what, cause=str(error)) from error
    target = f"{FOLDER}/targets/{sha}.{_TARGET}"
    found[target] = reader.read(target, INDEX_LIMIT)
    found[f"{FOLDER}/timestamp.json"] = timestamp
    return found
