"""Remember what was installed in a scope: its files, where it came from, and what was before.

``<data>/installs/<scope>/<slug>.json``, one file for each skill, is where a skill's
provenance lies: beside it, not in its folder, and outside of every project, so that
nothing in a cloned repository can vouch for itself. With the digests of the files a
skill that was installed and has changed is told from one that was not.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .atomic import write_atomically
from .errors import IntegrityError, StorageError
from .intact import MAX_RECEIPT, SCHEMA, changed, mending, read_receipt
from .jsontext import dumps
from .lock import Locked
from .market.store import File
from .names import slug
from .plainfiles import read_plain

if TYPE_CHECKING:
    from .places import Places

__all__ = ["HISTORY", "Receipt", "Receipts", "now"]

#: Versions before the present one that are remembered, and kept in the store.
HISTORY = 5


def now() -> str:
    """Return the time in UTC, as RFC 3339 writes it, in whole seconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What was installed, once.

    :param locked: the same as in the lock.
    :param folder: the real path of the skill's folder; "" for a distribution.
    :param files: path → what it was when it came.
    :param permissions: what it may do, as the manifest says and as it was agreed to.
    :param installed_at: UTC, RFC 3339.
    :param origin: where the bytes came from, in the form of PEP 610's ``direct_url.json``.
    :param history: what was installed before, the latest first.
    """

    locked: Locked
    folder: str
    files: Mapping[str, File]
    permissions: Mapping[str, Any]
    installed_at: str
    origin: Mapping[str, Any]
    history: tuple[Receipt, ...] = ()

    @property
    def name(self) -> str:
        """The skill's name."""
        return self.locked.name

    @property
    def version(self) -> str:
        """The version as the manifest spells it."""
        return self.locked.version

    def after(self, before: Receipt | None) -> Receipt:
        """Return it with what was installed before it as its history, without repetitions."""
        if before is None:
            return self
        past = [replace(before, history=()), *before.history]
        digest = self.locked.digest
        kept = [one for one in past if one.locked.digest != digest]
        return replace(self, history=tuple(kept[:HISTORY]))

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values that :meth:`from_dict` reads."""
        return {
            "locked": self.locked.as_dict(),
            "folder": self.folder,
            "files": {path: list(file) for path, file in sorted(self.files.items())},
            "permissions": dict(self.permissions),
            "installed_at": self.installed_at,
            "origin": dict(self.origin),
            "history": [one.as_dict() for one in self.history],
        }

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Receipt:
        """Return the receipt that :meth:`as_dict` was called on.

        :raises ValueError: when it is of another form.
        """
        try:
            return cls(
                locked=Locked.from_row(row["locked"]),
                folder=str(row["folder"]),
                files={path: File(*given) for path, given in row["files"].items()},
                permissions=dict(row["permissions"]),
                installed_at=str(row["installed_at"]),
                origin=dict(row["origin"]),
                history=tuple([cls.from_dict(one) for one in row["history"]]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"a receipt of another form: {error!r}") from None


class Receipts:
    """What was installed in one scope.

    :param places: whose data folder has it.
    :param scope: ``project`` or ``user``.
    """

    def __init__(self, places: Places, scope: str = "project") -> None:
        self.places = places
        self.scope = scope
        self.folder = places.installs(scope)

    @property
    def root(self) -> str:
        """The folder that the scope's skills lie in."""
        return self.places.user_skills[0] if self.scope == "user" else self.places.project_skills

    def path_of(self, name: str) -> str:
        """Return where the receipt of a skill lies, or would."""
        return os.path.join(self.folder, f"{slug(name)}.json")

    def staged_path(self, name: str) -> str:
        """Return where an update lies, or would, that waits for a reload."""
        return os.path.join(self.folder, "staged", f"{slug(name)}.json")

    def find(self, name: str) -> Receipt | None:
        """Return the receipt of a skill; None where kurt has not installed it here.

        :raises IntegrityError: when there is one and it is damaged, or not ours.
        """
        path = self.path_of(name)
        row = read_receipt(path, name)
        if row is None:
            return None
        try:
            return Receipt.from_dict(row)
        except ValueError as error:
            raise IntegrityError(
                f"what is known of the installation of {name} cannot be read",
                cause=str(error),
                at=path,
                hint=mending(path, name),
                skill=name,
            ) from error

    def changed(self, receipt: Receipt) -> list[str]:
        """Return the paths of an installed folder that are not as they were installed."""
        files = {path: (file.digest[7:], file.size) for path, file in receipt.files.items()}
        return changed(receipt.folder, files, receipt.locked.digest, self.places.cache)

    def all(self, lane: str | None = None) -> Iterator[Receipt]:
        """Yield the receipts, by name.

        :param lane: only of what is, or was, of this lane; the others are not parsed.
        :raises IntegrityError: when one is damaged.
        """
        try:
            names = sorted(os.listdir(self.folder))
        except OSError:
            return
        for name in names:
            if name.endswith(".json") and self._mentions(name, lane):
                found = self.find(name.removesuffix(".json"))
                if found is not None:
                    yield found

    def _mentions(self, name: str, lane: str | None) -> bool:
        if lane is None:
            return True
        try:
            data = read_plain(os.path.join(self.folder, name), MAX_RECEIPT)
            return f'"lane": "{lane}"'.encode() in data
        except OSError:
            return True  # whoever reads it says what is wrong

    def write(self, receipt: Receipt) -> None:
        """Keep a receipt in the place of the one before.

        :raises StorageError: when it cannot be written.
        """
        path = self.path_of(receipt.name)
        text = dumps({"schema": SCHEMA, **receipt.as_dict()})
        try:
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            # A torn one is told as damaged; waiting for the disk would take longer than the rest.
            write_atomically(path, text.encode(), mode=0o600, durable=False)
        except OSError as error:
            raise StorageError(
                "what was installed cannot be noted", cause=str(error), at=path
            ) from error

    def forget(self, name: str) -> None:
        """Remove the receipt of a skill, if there is one, and what waits to be its update."""
        for path in (self.staged_path(name), self.path_of(name)):
            try:
                os.unlink(path)
            except FileNotFoundError:
                pass
