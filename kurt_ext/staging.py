"""Keep an update ready until the plugin is reloaded, and put it in its place then.

What was downloaded for a plugin that is installed is not put under what runs. The next
reload takes it, if it asks for nothing more than the present version and comes from the
same publisher; anything else is for a person to agree to, with ``kurt update``.
"""

from __future__ import annotations

import json
import os
from shlex import quote
from typing import TYPE_CHECKING

from .atomic import write_atomically
from .errors import IntegrityError, PermissionsWiderError, PublisherError, StorageError
from .grants import Grants, widening
from .installing_folders import held, place
from .intact import read_receipt, refusal
from .jsontext import dumps
from .market.store import Store
from .receipts import Receipt, Receipts

if TYPE_CHECKING:
    from .candidates import Candidate
    from .lock import Locked
    from .places import Places

__all__ = ["commit", "discard", "discard_overtaken", "refuse_wider", "stage", "staged", "take_back"]

_SCHEMA = "kurt.installed/1"


def stage(receipts: Receipts, receipt: Receipt) -> None:
    """Keep what is to be installed at the next reload, in the place of what was kept before.

    :raises StorageError: when it cannot be written.
    """
    path = receipts.staged_path(receipt.name)
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        text = dumps({"schema": _SCHEMA, **receipt.as_dict()})
        write_atomically(path, text.encode(), mode=0o600)
    except OSError as error:
        raise StorageError("an update cannot be kept", cause=str(error), at=path) from error


def staged(receipts: Receipts, name: str) -> Receipt | None:
    """Return what is kept for the next reload; None where nothing is.

    :raises IntegrityError: when it is damaged.
    """
    path = receipts.staged_path(name)
    row = read_receipt(path, name)
    if row is None:
        return None
    try:
        return Receipt.from_dict(row)
    except (ValueError, json.JSONDecodeError) as error:
        raise IntegrityError(
            f"the update of {name} that was kept cannot be read",
            cause=str(error),
            at=path,
            hint=f"rm {path}",
            skill=name,
        ) from error


def discard(receipts: Receipts, name: str) -> None:
    """Forget what is kept for a plugin; the caller holds the scope."""
    try:
        os.unlink(receipts.staged_path(name))
    except FileNotFoundError:
        pass


def refuse_wider(before: Receipt, after: Receipt) -> None:
    """Raise where a new version is more than the old one, and nobody has agreed to that.

    :raises PermissionsWiderError: when it asks for more.
    :raises PublisherError: when it comes from somebody else.
    """
    name = before.name
    old, new = before.locked, after.locked
    who = (old.market, old.publisher), (new.market, new.publisher)
    other = (old.key is not None and old.key != new.key) or (
        old.identity is not None and old.identity != new.identity
    )
    if who[0] != who[1] or other:
        raise PublisherError(
            f"{name} {after.version} comes from another publisher than {before.version}",
            cause=f"it was {_who(old)}, and is {_who(new)}",
            hint=f"kurt update {quote(name)}",
            skill=name,
        )
    wider = widening(Grants.of(before.permissions), Grants.of(after.permissions))
    if wider:
        raise PermissionsWiderError(
            f"{name} {after.version} asks for more than {before.version}",
            cause="\n".join([f"{key}: {entry}" for key, entry in wider]),
            hint=f"kurt update {quote(name)}",
            skill=name,
        )


def _who(locked: Locked) -> str:
    signed = [f"key {locked.key}"] if locked.key else []
    by = [f"attested by {locked.identity}"] if locked.identity else []
    return ", ".join([locked.publisher or locked.source or "nobody known", *signed, *by])


def commit(places: Places, candidate: Candidate) -> Receipt | None:
    """Put a staged update in the place of what is installed, and return what that was.

    :returns: None where nothing was staged, or for another version than the present one.

    :raises PermissionsWiderError: when it asks for more than the present version.
    :raises PublisherError: when it comes from somebody else.
    :raises IntegrityError: when the store has it no longer, or what is there was changed since.
    """
    if not candidate.is_folder or candidate.scope not in ("project", "user"):
        return None
    receipts = Receipts(places, candidate.scope)
    if not os.path.lexists(receipts.staged_path(candidate.name)):
        return None
    with held(receipts):
        update, present = staged(receipts, candidate.name), receipts.find(candidate.name)
        if update is None or present is None or not _follows(update, present):
            discard(receipts, candidate.name)
            return None
        changed = receipts.changed(present)
        if changed:
            name, version, folder = present.name, present.version, present.folder
            raise refusal(name, version, folder, changed, receipts.scope)
        refuse_wider(present, update)
        tree = Store(places.store).find(update.locked.digest)
        if tree is None:
            raise IntegrityError(
                f"the store has {update.name} {update.version} no longer",
                hint=f"kurt update {quote(update.name)}",
                skill=update.name,
            )
        place(receipts, tree, update.after(present))
        discard(receipts, candidate.name)
    return present


def discard_overtaken(receipts: Receipts, name: str) -> None:
    """Forget what is kept for a plugin where it is of another version than the present one.

    :raises IntegrityError: when what is kept, or was installed, is damaged.
    """
    if not os.path.lexists(receipts.staged_path(name)):
        return
    with held(receipts):
        update, present = staged(receipts, name), receipts.find(name)
        if update is None or present is None or not _follows(update, present):
            discard(receipts, name)


def _follows(update: Receipt, present: Receipt) -> bool:
    """Return whether an update is one of what is there: of an older or a newer one it is not."""
    before = update.history[:1]
    return bool(before) and before[0].locked.digest == present.locked.digest


def take_back(places: Places, scope: str, before: Receipt) -> None:
    """Undo :func:`commit`, since the new code does not run.

    Where somebody has installed another version since, or removed it, nothing is done.

    :raises KurtError: when the store has the old version no longer.
    """
    receipts = Receipts(places, scope)
    with held(receipts):
        present = receipts.find(before.name)
        if present is None or not _follows(present, before):
            return
        tree = Store(places.store).find(before.locked.digest)
        if tree is None:
            raise IntegrityError(
                f"the store has {before.name} {before.version} no longer",
                hint=f"kurt install {quote(before.name)}@{quote(before.version)}",
                skill=before.name,
            )
        place(receipts, tree, before)
