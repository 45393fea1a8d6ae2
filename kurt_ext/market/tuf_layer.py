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
from collections.abc import Iterator
from contextlib import suppress
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
    """Write the next root; return its number. It counts once the index is written again.

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
    books.files.write(f"{FOLDER}/{number}.root.json", signed.to_bytes())
    return number


def write(books: Books, data: bytes, key: PrivateKey | None) -> None:
    """Write the metadata of a new index, before the index itself; nothing where there is no root.

    :param data: the bytes of the index.
    :param key: signs it.
    :raises SignatureError: when the root does not name this key.
    """
    found = root_of(books)
    if found is None:
        return
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
    names = (f"{number}.targets.json", f"{number}.snapshot.json", "timestamp.json")
    for name, part in zip(names, (targets, snapshot, timestamp), strict=True):
        signed = metadata.Metadata(part)
        signed.sign(signer)
        books.files.write(f"{FOLDER}/{name}", signed.to_bytes())
    _sweep(books, number, file.hashes["sha256"])


def _sweep(books: Books, number: int, kept: str) -> None:
    """Take away what neither this index nor the one before needs."""
    folder = books.reader.path(FOLDER)
    for old in _numbers(folder, _NUMBERED):
        if old < number - 1:
            for role in ("snapshot", "targets"):
                with suppress(OSError):
                    os.unlink(os.path.join(folder, f"{old}.{role}.json"))
    targets = os.path.join(folder, "targets")
    aged = sorted(os.scandir(targets), key=lambda entry: entry.stat().st_mtime_ns)
    for entry in aged[:-2]:
        if not entry.name.startswith(kept):
            with suppress(OSError):
                os.unlink(entry.path)


def index(reader: Reader, root: bytes, state: str) -> bytes:
    """Return the index of a marketplace, as TUF believes it.

    :param root: a root that was had by another way than the marketplace.
    :param state: a folder that keeps what was believed, against rollbacks; it is made.
    :raises SignatureError: when the keys that count have not signed it.
    :raises StaleIndexError: when it has expired, or is older than what was believed before.
    :raises IntegrityError: when it is not the one that was signed.
    :raises MarketError: when it cannot be had.
    """
    library = _library()
    exceptions, client = library.exceptions, library.client
    os.makedirs(state, mode=0o700, exist_ok=True)
    target = os.path.join(state, "targets")
    os.makedirs(target, mode=0o700, exist_ok=True)
    what = f"the index of {reader.location}"
    try:
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
