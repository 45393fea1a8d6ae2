"""Make what is installed what ``kurt.lock`` says, and nothing else.

Bytes come from the store where it has them, then from the market, by name and version, or
from where they came the first time; whatever gives them, the digest of the lock decides.
So a mirror, or no network at all, does as well.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import bringing, bringing_distributions
from .bringing import Goods
from .errors import IntegrityError, KurtError, SkillNotFoundError
from .findings import Finding
from .installing_wheels import damage, recover
from .lock import Locked, lock_path, read
from .market import digests
from .names import suggest
from .receipts import Receipt, Receipts
from .removing import uninstall_chosen
from .scope_lock import still
from .specs import Spec, parse
from .steps import Plan, Step

if TYPE_CHECKING:
    from .installer import Installer

__all__ = ["Sync", "plan_sync", "remove_unlocked"]


@dataclass
class Sync:
    """What is to be done so that a scope is what its lock says.

    :param plan: what is to be installed.
    :param surplus: what is installed and not locked.
    :param same: how many are as they are locked.
    """

    plan: Plan
    surplus: list[Receipt]
    same: int
    warnings: list[Finding] = field(default_factory=list)


def plan_sync(installer: Installer, *, force: Iterable[str] = ()) -> Sync:
    """Return what is to be done; everything is brought and judged.

    :param force: names of skills that were changed since, and are to be put back.
    :raises ConfigError: when the lock cannot be read.
    :raises SkillNotFoundError: when it does not have what is forced.
    :raises IntegrityError: when what can be had is not what is locked.
    """
    receipts = installer.receipts
    recover(receipts)
    with still(receipts.folder, first=True):
        rows = read(lock_path(receipts.places, receipts.scope))
        there = {receipt.locked.slug: receipt for receipt in receipts.all()}
        damaged = {
            slug: damage(receipts, receipt)
            for slug, receipt in there.items()
            if slug in rows and rows[slug].digest == receipt.locked.digest
        }
    anew = set(force)
    unknown = anew - {locked.name for locked in rows.values()}
    if unknown:
        name = min(unknown)
        near = suggest(name, [locked.name for locked in rows.values()])
        raise SkillNotFoundError(
            f"kurt.lock has no {name}",
            hint=f"did you mean {near[0]}?" if near else "kurt list",
            candidates=near,
        )
    steps: list[Step] = []
    same = 0
    for slug, locked in sorted(rows.items()):
        receipt = there.get(slug)
        if receipt is not None and slug in damaged and locked.name not in anew:
            changed = damaged[slug]
            if not changed:
                same += 1
                continue
            if receipt.folder and os.path.lexists(receipt.folder):
                from .intact import refusal

                where = receipt.folder
                raise refusal(receipt.name, receipt.version, where, changed, receipts.scope)
        steps.append(_step(installer, locked, force=locked.name in anew))
    surplus = [receipt for slug, receipt in sorted(there.items()) if slug not in rows]
    return Sync(Plan(installer.scope, steps), surplus, same)


def remove_unlocked(receipts: Receipts, names: Collection[str]) -> list[Receipt]:
    """Remove those of these skills that the lock does not have by now, and return them.

    :raises KurtError: when one of them may not be removed.
    """

    def choose() -> list[Receipt]:
        rows = read(lock_path(receipts.places, receipts.scope))
        return [one for one in receipts.all() if one.name in names and one.locked.slug not in rows]

    return uninstall_chosen(receipts, choose)


def _step(installer: Installer, locked: Locked, *, force: bool) -> Step:
    with installer.store.used():
        kept = _from_store(installer, locked)
    goods = kept or _from_afar(installer, locked)
    if goods.digest != locked.digest:
        raise IntegrityError(
            f"{locked.name} {locked.version} is not the one that is locked",
            cause=f"locked {locked.digest}\nfound {goods.digest}",
            hint=f"kurt install {locked.name}@{locked.version}, if the new one is meant",
            skill=locked.name,
        )
    step = installer.step(goods, requested=locked.requested, force=force)
    # Who publishes it, and which market has it, stays as it was agreed to.
    agreed = {
        word: getattr(locked, word)
        for word in (
            *("source", "market", "index", "publisher", "key"),
            *("identity", "snapshot", "requested"),
        )
    }
    step.locked = step.locked.but(**agreed)
    step.publisher_change = None
    if step.verb == "keep":
        step.verb = "replace"
    return step


def _from_store(installer: Installer, locked: Locked) -> Goods | None:
    """Return what is locked from the store; None where it is not kept, whole."""
    origin: dict[str, Any] = {"url": locked.index or locked.source or "", "dir_info": {}}
    if locked.lane == "distribution":
        path = installer.store.wheel(locked.digest) or _in_wheelhouse(installer, locked)
        if path is None:
            return None
        goods = bringing.of_wheel(path)
        goods.origin = {**goods.origin, "url": origin["url"]}
        return goods
    tree = installer.store.find(locked.digest)
    content = installer.store.content(tree) if tree is not None else None
    if tree is None or content is None:
        return None
    goods = bringing.of_content(tree.folder, content)
    goods.origin = origin
    return goods


def _in_wheelhouse(installer: Installer, locked: Locked) -> str | None:
    """Return where the folder of wheels that ``kurt.toml`` names has a wheel; None without."""
    from .environments import sources

    folder = sources(installer.discovery.config).wheelhouse
    path = os.path.join(folder, locked.wheel) if folder and locked.wheel else ""
    try:
        return path if path and digests.of_file(path)[0] == locked.digest else None
    except (OSError, IntegrityError):
        return None


def _from_afar(installer: Installer, locked: Locked) -> Goods:
    indexes = installer.shelves.indexes
    if locked.market in indexes and locked.wheel and locked.market not in installer.shelves.markets:
        return bringing_distributions.locked(indexes[locked.market], locked)
    if locked.market is not None:
        spec = Spec("market", locked.name, locked.name, locked.version, market=locked.market)
        return installer.shelves.bring(spec)
    if locked.source:
        try:
            return installer.bring(parse(_whole(installer, locked.source)))
        except KurtError as error:
            error.hint = error.hint or f"it was installed from {locked.source}"
            raise
    raise IntegrityError(
        f"{locked.name} {locked.version} cannot be had: the lock does not say from where",
        skill=locked.name,
    )


def _whole(installer: Installer, source: str) -> str:
    """Return a path as it is meant: relative to the project that the lock lies in."""
    if source.startswith("git+") or os.path.isabs(source):
        return source
    base = os.path.dirname(lock_path(installer.places, installer.scope))
    return os.path.join(base, source)
