"""The keys of this user: private ones that sign, and public ones of others that are trusted.

They lie in ``<data>/keys``, a folder of mode 0700: ``NAME.key`` with mode 0600 for each
private key, and ``trusted.json``.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import stat
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from ..atomic import write_atomically
from ..errors import ConflictError, NotFoundError, SignatureError, StorageError, UsageError
from ..jsontext import dumps
from ..locks import lock
from .signing import PrivateKey, key_id, parse_public
from .times import stamp

if TYPE_CHECKING:
    from ..places import Places

__all__ = ["Keyring", "Trusted"]

_NAME = re.compile("[a-z0-9](?:[-._]?[a-z0-9])*")
_TRUSTED = "trusted.json"
_SCHEMA = "kurt.keys/1"
_MAX = 1 << 20


class Trusted(NamedTuple):
    """A public key that the user trusts.

    :param name: what the user calls it.
    :param raw: its 32 bytes.
    :param since: when it was trusted.
    """

    name: str
    raw: bytes
    since: str

    @property
    def id(self) -> str:
        """The first 16 digits of its SHA-256."""
        return key_id(self.raw)

    @property
    def public(self) -> str:
        """``ed25519:`` and Base64."""
        return "ed25519:" + base64.b64encode(self.raw).decode()


class Keyring:
    """The keys of one user.

    :param places: where they lie.
    """

    def __init__(self, places: Places) -> None:
        self.folder = os.path.join(places.data, "keys")

    def new(self, name: str) -> PrivateKey:
        """Make a private key, and keep it.

        :raises UsageError: when the name is none.
        :raises ConflictError: when there is one of that name.
        :raises MissingExtraError: when `cryptography` is not installed.
        """
        path = self._path(name)
        seed = os.urandom(32)
        key = PrivateKey(seed, name)
        text = base64.b64encode(seed).decode()
        row = {"schema": _SCHEMA, "name": name, "type": "ed25519", "seed": text}
        row["public"] = key.public
        self._make()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        try:
            descriptor = os.open(path, flags, 0o600)
        except FileExistsError:
            raise ConflictError(
                f"there is a key {name} already", at=path, hint=f"kurt key export {name}"
            ) from None
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(dumps(row | {"created": stamp()}) + "\n")
            stream.flush()
            os.fsync(descriptor)
        return key

    def names(self) -> list[str]:
        """Return the names of the private keys, sorted."""
        try:
            found = os.listdir(self.folder)
        except OSError:
            return []
        return sorted(name.removesuffix(".key") for name in found if name.endswith(".key"))

    def private(self, name: str) -> PrivateKey:
        """Return a private key.

        :raises NotFoundError: when there is none of that name.
        :raises StorageError: when others can read it, or it is damaged.
        """
        path = self._path(name)
        try:
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        except FileNotFoundError:
            raise NotFoundError(
                f"there is no key {name}", hint=f"kurt key new {name}", candidates=self.names()
            ) from None
        with os.fdopen(descriptor, "rb") as stream:
            self._check_rights(os.fstat(descriptor), path)
            data = stream.read(_MAX)
        try:
            seed = base64.b64decode(json.loads(data)["seed"], validate=True)
        except (ValueError, KeyError, TypeError, binascii.Error):
            seed = b""
        if len(seed) != 32:
            raise StorageError(f"the key {name} is damaged", at=path)
        return PrivateKey(seed, name)

    def chosen(self, name: str | None, otherwise: str = "") -> PrivateKey | None:
        """Return the private key of a name, or else of another, or none where neither is given."""
        word = name or otherwise
        return self.private(word) if word else None

    def trust(self, name: str, text: str) -> Trusted:
        """Trust a public key.

        :param text: ``ed25519:`` and Base64.
        :raises SignatureError: when it is none.
        :raises ConflictError: when the name is another key's.
        """
        self._path(name)
        raw = parse_public(text)
        self._make()
        with lock(os.path.join(self.folder, ".lock")):
            found = {one.name: one for one in self.trusted()}
            other = found.get(name)
            if other is not None and other.raw != raw:
                raise ConflictError(
                    f"{name} is another key, {other.public}", hint=f"kurt key distrust {name}"
                )
            kept = other or Trusted(name, raw, stamp())
            self._write({**found, name: kept})
        return kept

    def distrust(self, name: str) -> Trusted:
        """Trust a public key no longer.

        :raises NotFoundError: when none of that name is trusted.
        """
        self._make()
        with lock(os.path.join(self.folder, ".lock")):
            found = {one.name: one for one in self.trusted()}
            gone = found.pop(name, None)
            if gone is None:
                raise NotFoundError(
                    f"no key {name} is trusted", hint="kurt key list", candidates=found
                )
            self._write(found)
        return gone

    def trusted(self) -> list[Trusted]:
        """Return the public keys that are trusted, by name.

        :raises StorageError: when others could have written them, or they are damaged.
        """
        path = os.path.join(self.folder, _TRUSTED)
        try:
            with open(path, "rb") as stream:
                self._check_rights(os.fstat(stream.fileno()), path)
                data = json.loads(stream.read(_MAX))
            rows = data["keys"]
            return [
                Trusted(str(name), parse_public(row["key"]), str(row["since"]))
                for name, row in sorted(rows.items())
            ]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError, AttributeError, SignatureError) as error:
            raise StorageError(
                "the trusted keys cannot be read", cause=str(error), at=path
            ) from error

    def own(self) -> list[dict[str, str]]:
        """Return name, id and public half of the private keys, sorted by name."""
        found = []
        for name in self.names():
            raw = _public(os.path.join(self.folder, f"{name}.key"))
            if raw is not None:
                public = Trusted(name, raw, "")
                found.append({"name": name, "id": public.id, "public": public.public})
        return found

    def everyone(self) -> list[bytes]:
        """Return the raw public keys that are trusted, those of the user's own among them."""
        own = [parse_public(row["public"]) for row in self.own()]
        return [one.raw for one in self.trusted()] + own

    def _write(self, keys: dict[str, Trusted]) -> None:
        rows = {name: {"key": one.public, "since": one.since} for name, one in keys.items()}
        data: dict[str, Any] = {"schema": _SCHEMA, "keys": rows}
        path = os.path.join(self.folder, _TRUSTED)
        write_atomically(path, dumps(data, 2).encode() + b"\n", mode=0o600)

    def _path(self, name: str) -> str:
        if not _NAME.fullmatch(name) or len(name) > 64:
            raise UsageError(
                f"{name[:64]!r} is no name of a key",
                cause="it is 1 to 64 characters of a-z, 0-9 and single inner '-', '.' and '_'",
            )
        return os.path.join(self.folder, f"{name}.key")

    def _make(self) -> None:
        try:
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise StorageError(
                f"{self.folder} cannot be made", cause=reason, at=self.folder
            ) from error

    def _check_rights(self, status: os.stat_result, path: str) -> None:
        if sys.platform == "win32":
            return
        loose = status.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid() or loose:
            raise StorageError(
                f"{path} is not only yours",
                cause="others can read or write it, or it belongs to somebody else",
                at=path,
                hint=f"chmod 600 {path}",
            )


def _public(path: str) -> bytes | None:
    """Return the public half of a private key, read without the library that signs."""
    try:
        with open(path, "rb") as stream:
            return parse_public(json.loads(stream.read(_MAX))["public"])
    except (OSError, ValueError, LookupError, TypeError, SignatureError):
        return None
