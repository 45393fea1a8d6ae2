"""Remove what kurt has installed: only that, only below its own folder, and nothing that runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterable
from shlex import quote
from typing import TYPE_CHECKING

from .errors import (
    ConflictError,
    KurtError,
    PolicyError,
    SkillNotFoundError,
    TransitionError,
)
from .installing_folders import take_away
from .installing_wheels import held
from .installing_wheels import take_away as take_wheel_away
from .receipts import Receipt, Receipts

if TYPE_CHECKING:
    from .places import Places

__all__ = [
    "host_status",
    "installed",
    "refuse_imported",
    "refuse_in_host",
    "uninstall",
    "uninstall_all",
    "uninstall_chosen",
]


def installed(receipts: Receipts, name: str) -> Receipt:
    """Return what was installed by a name.

    :raises SkillNotFoundError: when kurt has installed nothing of that name in the scope.
    """
    from .names import skill_name, suggest

    receipt = None
    try:
        receipt = receipts.find(skill_name(name))
    except KurtError as error:
        if error.reference != "manifest-invalid":
            raise
    if receipt is not None:
        return receipt
    near = suggest(name, [one.name for one in receipts.all()])
    raise SkillNotFoundError(
        f"kurt has installed no {name[:128]} in this {receipts.scope}",
        hint=f"did you mean {near[0]}?" if near else "kurt list",
        candidates=near,
    )


def uninstall(receipts: Receipts, name: str, *, force: bool = False) -> Receipt:
    """Remove what was installed by a name, and return what it was; see :func:`uninstall_all`."""
    return uninstall_all(receipts, [name], force=force)[0]


def uninstall_all(
    receipts: Receipts, names: Iterable[str], *, force: bool = False
) -> list[Receipt]:
    """Remove what was installed by these names, what needs others first; return what it was.

    Nothing is removed where one of them may not be.

    :param force: even where it was changed since, or others need it.
    :raises SkillNotFoundError: when kurt has installed nothing of one of the names.
    :raises ConflictError: when another skill needs one, or it was changed since.
    :raises TransitionError: when it is loaded.
    """
    wanted = list(names)
    return uninstall_chosen(
        receipts, lambda: [installed(receipts, name) for name in wanted], force=force
    )


def uninstall_chosen(
    receipts: Receipts, choose: Callable[[], Iterable[Receipt]], *, force: bool = False
) -> list[Receipt]:
    """Remove what is chosen once nobody else can change anything; see :func:`uninstall_all`."""
    with held(receipts):
        wanted = list(choose())
        left = {receipt.locked.slug: receipt for receipt in wanted}
        gone = {receipt.name for receipt in wanted}
        for receipt in left.values():
            _refuse(receipts, receipt, gone, force)
        found = []
        while left:
            needed = {name for one in left.values() for name in one.locked.dependencies}
            free = [slug for slug, one in left.items() if one.name not in needed]
            receipt = left.pop((free or list(left))[0])
            if receipt.folder:
                take_away(receipts, receipt)
            else:
                take_wheel_away(receipts, receipt)
            found.append(receipt)
    return found


def _refuse(receipts: Receipts, receipt: Receipt, gone: Container[str], force: bool) -> None:
    """Raise where something may not be removed.

    :param gone: the names of what is removed with it.
    """
    if not force:
        _refuse_needed(receipts, receipt, gone)
    if not receipt.folder:
        return
    _refuse_outside(receipts, receipt)
    refuse_imported(receipt)
    if not force and os.path.lexists(receipt.folder):
        changed = receipts.changed(receipt)
        if changed:
            raise ConflictError(
                f"{receipt.name} was changed since it was installed",
                cause=", ".join(changed[:5]),
                at=receipt.folder,
                hint="add --force to remove it all the same",
                skill=receipt.name,
            )


def _refuse_needed(receipts: Receipts, receipt: Receipt, gone: Container[str]) -> None:
    needing = [
        one.name
        for one in receipts.all()
        if receipt.name in one.locked.dependencies and one.name not in gone
    ]
    if needing:
        raise ConflictError(
            f"{receipt.name} is needed by {', '.join(needing)}",
            hint=f"kurt uninstall {' '.join(map(quote, needing))} first, or add --force",
            skill=receipt.name,
        )


def _refuse_outside(receipts: Receipts, receipt: Receipt) -> None:
    """Raise where a receipt names a folder that is not the skill's own below the root."""
    expected = os.path.join(receipts.root, receipt.name)
    inside = os.path.realpath(os.path.dirname(receipt.folder)) == os.path.realpath(receipts.root)
    if receipt.folder != expected and not (
        inside and os.path.basename(receipt.folder) == receipt.name
    ):
        raise PolicyError(
            f"{receipt.name} is not removed: its folder lies elsewhere",
            cause=f"{receipt.folder} is not below {receipts.root}",
            at=receipts.path_of(receipt.name),
            skill=receipt.name,
        )
    if os.path.islink(receipt.folder):
        raise PolicyError(
            f"{receipt.name} is not removed: its folder is a link",
            at=receipt.folder,
            hint=f"rm {receipt.folder}",
            skill=receipt.name,
        )


def refuse_imported(receipt: Receipt) -> None:
    """Raise where the skill's code is imported in this process, from its folder.

    :raises TransitionError: with what to do first.
    """
    from .importer import modules_of

    for module in modules_of(receipt.locked.slug).values():
        file = getattr(module, "__file__", None) or ""
        if os.path.realpath(file).startswith(os.path.realpath(receipt.folder) + os.sep):
            raise TransitionError(
                f"{receipt.name} is loaded, and is not taken away underneath",
                at=receipt.folder,
                hint=f"unload it first: kurt plugin unload {quote(receipt.name)}",
                skill=receipt.name,
            )


def refuse_in_host(places: Places, name: str) -> None:
    """Raise where a running host of the project has a plugin loaded.

    :raises TransitionError: with what to do first.
    """
    status = host_status(places, name)
    if status is not None:
        raise TransitionError(
            f"{name} is {status} in the host of this project, and is not taken away underneath",
            status=status,
            wish="uninstall",
            hint=f"kurt plugin unload {quote(name)}",
            skill=name,
        )


def host_status(places: Places, name: str) -> str | None:
    """Return the status of a plugin that a running host holds; None where none does."""
    from .hosts import ask, running

    if running(places) is None:
        return None
    try:
        said = ask(places, "info", plugin_id=name, timeout=5.0)
    except SkillNotFoundError:
        return None
    except KurtError:
        if running(places) is None:
            return None  # it ended meanwhile
        raise
    status = str(said["state"]["status"])
    return None if status == "unloaded" else status
