"""Tell which skills have newer releases, bring them up to date, and take an update back.

Only what is really newer counts, by SemVer. A release that is younger than
:data:`COOLDOWN` days waits, since what is stolen or broken is found in the first days;
one that mends what an advisory is about does not.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from shlex import quote
from typing import TYPE_CHECKING, Any, NamedTuple

from . import semver
from .choosing import about, ignored
from .errors import ConflictError, IntegrityError, KurtError, SkillNotFoundError
from .findings import Finding
from .index_updates import look, spec_of
from .installing_folders import place
from .installing_wheels import held
from .installing_wheels import place as place_wheel
from .market.store import Store
from .market.times import age_in_words, seconds
from .receipts import Receipt, Receipts, now
from .removing import installed, refuse_imported
from .specs import Spec

if TYPE_CHECKING:
    from .installer import Installer
    from .market.clients import Market
    from .market.documents.release import Release
    from .market.simple_index import SimpleIndex
    from .steps import Plan

__all__ = ["COOLDOWN", "Ignored", "Newer", "newer", "plan_updates", "rollback", "waiting_words"]

#: Days that a release waits before it is taken for an update.
COOLDOWN = 3
_DAY = 86_400


class Ignored(NamedTuple):
    """An advisory about what is installed that an operator has decided to live with.

    :param until: the last day, as ``2027-01-01``.
    """

    name: str
    version: str
    id: str
    summary: str
    reason: str
    until: str

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for JSON output."""
        return self._asdict()


@dataclass(frozen=True)
class Newer:
    """A skill that was installed, and what there is of it now.

    :param available: the version that an update takes; None where there is none.
    :param waiting: a newer one that is too young; ``until`` seconds from now.
    :param advisories: ids of what is known to be wrong with the version that is here.
    :param withdrawn: why the version that is here was withdrawn; "" where it was not.
    :param ignored: what is known to be wrong with it, and does not count here.
    :param spec: how an index is asked for the available one; None for a market.
    """

    receipt: Receipt
    market: str
    available: str | None
    waiting: str | None = None
    until: float = 0.0
    advisories: tuple[str, ...] = ()
    withdrawn: str = ""
    ignored: tuple[Ignored, ...] = ()
    spec: Spec | None = None

    @property
    def name(self) -> str:
        """The skill's name."""
        return self.receipt.name

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for JSON output."""
        return {
            "name": self.name,
            "current": self.receipt.version,
            "available": self.available,
            "waiting": self.waiting,
            "waiting_seconds": round(self.until) if self.waiting else None,
            "market": self.market,
            "advisories": list(self.advisories),
            "withdrawn": self.withdrawn or None,
            "ignored": [one.id for one in self.ignored],
        }


def newer(
    receipts: Receipts,
    markets: Mapping[str, Market],
    names: Iterable[str] = (),
    *,
    cooldown: float = COOLDOWN,
    indexes: Mapping[str, SimpleIndex] | None = None,
) -> tuple[list[Newer], list[Finding]]:
    """Return what became of skills that came from markets, and what could not be told.

    :param names: only these.
    :param cooldown: days that a release waits.
    :param indexes: those of distributions, by name.
    :raises SkillNotFoundError: when one of the names was not installed.
    """
    chosen = [installed(receipts, name) for name in names] or list(receipts.all())
    found: list[Newer] = []
    warnings: list[Finding] = []
    for receipt in chosen:
        market = markets.get(receipt.locked.market or "")
        index = (indexes or {}).get(receipt.locked.market or "")
        if market is None and index is not None and receipt.locked.wheel:
            try:
                found.append(_of_index(receipt, index, cooldown, warnings))
            except KurtError as error:
                warnings.append(_unknown(receipt, error))
            continue
        if market is None:
            if receipt.locked.market or names:
                what = receipt.locked.market or receipt.locked.source or "nowhere known"
                text = f"{receipt.name} came from {what}, which is no market that can be asked"
                warnings.append(Finding("no-market", "warning", text))
            continue
        try:
            found.append(_of(receipt, market, cooldown))
        except KurtError as error:
            warnings.append(_unknown(receipt, error))
    return found, warnings


def _unknown(receipt: Receipt, error: KurtError) -> Finding:
    text = f"{receipt.name} cannot be looked up: {error.message}"
    return Finding("market-unusable", "warning", text, fix=error.hint or "")


def _of_index(
    receipt: Receipt, index: SimpleIndex, cooldown: float, warnings: list[Finding]
) -> Newer:
    ahead = look(index, receipt.locked, cooldown)
    if ahead.ageless:
        text = f"{index.name} does not say how old {receipt.name} {ahead.ready} is: it did not wait"
        warnings.append(Finding("no-cooldown", "warning", text))
    return Newer(
        receipt,
        index.name,
        ahead.ready,
        ahead.waiting,
        ahead.until,
        withdrawn=ahead.withdrawn,
        spec=spec_of(receipt.locked, ahead.ready) if ahead.ready else None,
    )


def _of(receipt: Receipt, market: Market, cooldown: float) -> Newer:
    listing = market.listing(receipt.name)
    if listing is None:
        raise SkillNotFoundError(f"the market {market.name} has it no longer")
    document = market.document(listing)
    here = document.release(receipt.version)
    digest = here.source.digest if here is not None else receipt.locked.digest
    advisories = about(market, receipt.name, receipt.version, digest)
    if here is not None and receipt.locked.lane == "folder" and digest != receipt.locked.digest:
        raise IntegrityError(
            f"{receipt.name} {receipt.version} of {market.name} is not the one that was installed",
            cause="the same version has other files now",
        )
    withdrawn = ""
    if document.project_status.status == "quarantined":
        withdrawn = "in quarantine: " + (document.project_status.reason or "no reason is given")
    elif here is not None and here.yanked:
        withdrawn = str(here.yanked)
    ahead = sorted(
        [one for one in document.offered if _is_ahead(one, receipt.version)],
        key=lambda one: semver.key(one.version),
    )
    urgent = bool(advisories or withdrawn)
    good = [one for one in ahead if not about(market, receipt.name, one.version, one.source.digest)]
    ready = [one for one in good if urgent or _rest(one, cooldown) <= 0]
    waiting = good[-1] if good and (not ready or good[-1] is not ready[-1]) else None
    return Newer(
        receipt,
        market.name,
        ready[-1].version if ready else None,
        waiting.version if waiting else None,
        _rest(waiting, cooldown) if waiting else 0.0,
        tuple([one.id for one in advisories]),
        withdrawn,
        tuple(
            [
                Ignored(receipt.name, receipt.version, one.id, one.summary, said.reason, said.until)
                for one, said in ignored(market, receipt.name, receipt.version, digest)
            ]
        ),
    )


def _is_ahead(release: Release, version: str) -> bool:
    """Return whether a release is an update: newer, and no pre-release where none is here."""
    pre = "-" in release.version.partition("+")[0] and "-" not in version.partition("+")[0]
    return not pre and semver.key(release.version) > semver.key(version)


def _rest(release: Release, cooldown: float) -> float:
    """Return the seconds that a release has still to wait."""
    return seconds(release.published) + cooldown * _DAY - time.time()


def plan_updates(installer: Installer, found: Iterable[Newer], *, force: bool = False) -> Plan:
    """Return the plan that brings skills to the versions that are available.

    :raises KurtError: why it cannot be.
    """
    specs = [
        one.spec or Spec("market", one.name, one.name, one.available, market=one.market)
        for one in found
        if one.available is not None
    ]
    return installer.plan(specs, force=force)


def waiting_words(one: Newer) -> str:
    """Return how long a release waits, in words; "" where none does."""
    if one.waiting is None:
        return ""
    return f"{one.waiting} waits for {age_in_words(max(one.until, 0))} more"


def rollback(
    receipts: Receipts, name: str, version: str | None = None, *, force: bool = False
) -> tuple[Receipt, Receipt]:
    """Put back what was installed before; it was agreed to then.

    :param version: one that was; the latest before the present one if None.
    :param force: even where the present one was changed since; a copy of it is kept.
    :returns: what was there, and what is there now.
    :raises SkillNotFoundError: when it was not installed, or not in that version.
    :raises ConflictError: when it was changed since.
    :raises IntegrityError: when the store has that version no longer.
    """
    with held(receipts):
        present = installed(receipts, name)
        past = [one for one in present.history if version in (None, one.version)]
        if not past:
            raise SkillNotFoundError(
                f"no {'earlier version' if version is None else version} of {present.name} "
                "was installed here",
                cause="there were " + (", ".join([o.version for o in present.history]) or "none"),
                hint=f"kurt install {quote(present.name)}@{version or 'VERSION'}",
                candidates=[one.version for one in present.history],
                skill=present.name,
            )
        chosen = Receipt(
            locked=past[0].locked,
            folder=past[0].folder,
            files=past[0].files,
            permissions=past[0].permissions,
            installed_at=now(),
            origin=past[0].origin,
        ).after(present)
        store = Store(receipts.places.store)
        if chosen.locked.lane == "folder":
            refuse_imported(present)
            changed = receipts.changed(present) if present.folder else []
            if changed and not force:
                raise ConflictError(
                    f"{present.name} was changed since it was installed",
                    cause=", ".join(changed[:5]),
                    at=present.folder,
                    hint="add --force to replace it; a copy of it is kept",
                    skill=present.name,
                )
            tree = store.find(chosen.locked.digest)
            if tree is None:
                raise _gone(chosen)
            place(receipts, tree, chosen, keep=bool(changed))
        else:
            if store.wheel(chosen.locked.digest) is None:
                raise _gone(chosen)
            place_wheel(receipts, chosen)
    return present, chosen


def _gone(receipt: Receipt) -> IntegrityError:
    return IntegrityError(
        f"the store has {receipt.name} {receipt.version} no longer",
        hint=f"kurt install {quote(receipt.name)}@{quote(receipt.version)}",
        skill=receipt.name,
    )
