"""Choose releases of markets: which market, which version, and what these need in turn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from shlex import quote
from typing import TYPE_CHECKING, Any

from . import bringing, semver
from .bringing import Goods
from .errors import (
    AdvisoryError,
    AmbiguousNameError,
    PluginVersionConflictError,
    SkillNotFoundError,
)
from .findings import Finding
from .market.store import Store
from .specs import Spec
from .versions import is_semver

if TYPE_CHECKING:
    from .discovery import Discovery
    from .market.clients import Market
    from .market.documents import Advisory, Release, SkillDocument
    from .receipts import Receipts

__all__ = ["Shelves", "about", "needs"]


class Shelves:
    """The markets to take from.

    :param markets: by name.
    :param receipts: what was installed, and from where.
    :param discovery: what is there.
    """

    def __init__(
        self, markets: Mapping[str, Market], receipts: Receipts, discovery: Discovery
    ) -> None:
        self.markets = dict(markets)
        self._receipts = receipts
        self._store = Store(receipts.places.store)
        self._discovery = discovery

    def bring(self, spec: Spec) -> Goods:
        """Return a release of a market.

        :raises SkillNotFoundError: when no market has it, with the nearest names.
        :raises AmbiguousNameError: when several have it, and none was named.
        :raises AdvisoryError: when it is known to be harmful, or withdrawn.
        """
        market = self._market_of(spec)
        listing = market.listing(spec.name)
        assert listing is not None
        document = market.document(listing)
        if document.project_status.status == "quarantined":
            raise AdvisoryError(
                f"{spec.name} is in quarantine, and is not offered",
                cause=document.project_status.reason,
                skill=spec.name,
            )
        release = _chosen(spec, document)
        self._refuse_advisories(market, spec.name, release)
        goods = bringing.of_release(self._store, market, listing, document, release)
        if release.yanked:
            goods.warnings.append(
                Finding(
                    "yanked",
                    "warning",
                    f"{spec.name} {release.version} was withdrawn: {release.yanked}",
                    fix=f"kurt install {spec.name}",
                )
            )
        if document.project_status.status != "active":
            status = document.project_status
            reason = f": {status.reason}" if status.reason else ""
            goods.warnings.append(
                Finding("project-status", "warning", f"{spec.name} is {status.status}{reason}")
            )
        return goods

    def _market_of(self, spec: Spec) -> Market:
        from .market.clients import no_market, the_market

        if not self.markets:
            cause, hint = no_market(self._discovery.config)
            raise SkillNotFoundError(
                f"{spec.name} cannot be looked for: kurt.toml names no market",
                cause=cause,
                hint=hint if cause else f"{hint}, or give a path: ./FOLDER",
                skill=spec.name,
            )
        if spec.market is not None:
            chosen = {spec.market: the_market(self.markets, spec.market)}
        else:
            before = self._receipts.find(spec.name)
            known = before.locked.market if before is not None else None
            # What came from one market is never replaced by another's of the same name.
            chosen = {known: self.markets[known]} if known in self.markets else self.markets
        having = {name: one for name, one in chosen.items() if one.listing(spec.name)}
        if len(having) > 1:
            raise AmbiguousNameError(
                f"several markets have {spec.name}",
                cause=", ".join(having),
                hint=f"kurt install {spec.name}@{next(iter(having))}",
                candidates=[f"{spec.name}@{name}" for name in having],
            )
        if not having:
            near = [id for one in chosen.values() for id in one.catalogue.near(spec.name)]
            near = list(dict.fromkeys(near))[:3]
            raise SkillNotFoundError(
                f"no market has {spec.name}",
                cause="asked: " + ", ".join(chosen),
                hint=f"did you mean {near[0]}? look first: kurt search {near[0]}"
                if near
                else f"kurt search {quote(spec.name)}",
                candidates=near,
            )
        return next(iter(having.values()))

    def _refuse_advisories(self, market: Market, name: str, release: Release) -> None:
        for advisory in about(market, name, release.version, release.source.digest):
            raise AdvisoryError(
                f"{name} {release.version} is known to be harmful: {advisory.id}",
                cause=advisory.summary or advisory.details[:300] or None,
                hint=f"kurt search {quote(name)}, for another version or another skill",
                skill=name,
            )

    def needed(self, wanted: Sequence[Goods]) -> list[Goods]:
        """Return what these need and is not there, what is needed before what needs it."""
        roots = [goods for goods in wanted if needs(goods.record)]
        if not roots:
            return []
        from .releases import Release as Offered
        from .resolver import resolve

        given = {goods.name for goods in wanted}
        there = {
            one.name: one.version
            for one in self._discovery.winners
            if one.name not in given and is_semver(one.version)
        }
        offered = self._offered([name for goods in roots for name, _ in needs(goods.record)])
        plans = [Offered(one.name, one.version, _asked(one.record)) for one in wanted]
        settled: list[Any] = [one for one in offered if one.plugin_id not in there]
        settled += there.items()
        try:
            chosen = resolve(plans, settled)
        except PluginVersionConflictError:
            # What is there does not suffice: others of it are looked at too.
            chosen = resolve(plans, [*offered, *there.items()])
        return [
            self.bring(Spec("market", name, name, chosen.pins[name]))
            for name in chosen.order
            if name not in given and there.get(name) != chosen.pins[name]
        ]

    def _offered(self, names: Iterable[str]) -> list[Any]:
        """Return every release of these skills, and of what they need in turn."""
        from .releases import Release as Offered

        found: list[Any] = []
        ahead, seen = list(names), set()
        while ahead:
            name = ahead.pop()
            if name in seen:
                continue
            seen.add(name)
            for market in self.markets.values():
                listing = market.listing(name)
                if listing is None:
                    continue
                for release in market.document(listing).offered:
                    found.append(Offered(name, release.version, _asked(release.manifest)))
                    ahead += [other for other, _ in needs(release.manifest)]
                break
        return found


def about(market: Market, name: str, version: str, digest: str) -> list[Advisory]:
    """Return the advisories of a market that are about a release."""
    from .market.advisories import affects

    return [
        one for one in market.advisories() if affects(one, market.own_name, name, version, digest)
    ]


def needs(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what a manifest says that must be there: pairs (id, constraint)."""
    return [
        (str(one["plugin_id"]), str(one.get("version_constraint") or "*"))
        for one in record.get("dependencies", ())
        if not one.get("optional")
    ]


def _asked(record: Mapping[str, Any]) -> list[Any]:
    from .releases import Need

    return [Need(*need) for need in needs(record)]


def _chosen(spec: Spec, document: SkillDocument) -> Release:
    """Return the release that a SPEC asks for.

    :raises SkillNotFoundError: when there is none.
    """
    from .constraints import parse

    if spec.version is not None:
        release = document.release(spec.version)
        if release is not None:
            return release
    elif spec.constraint == "*":
        if document.latest is not None:
            return document.latest
    else:
        wanted = parse(spec.constraint)
        fitting = [one for one in document.offered if wanted.allows(one.version)]
        if fitting:
            return max(fitting, key=lambda one: semver.key(one.version))
    asked = spec.version or (spec.constraint if spec.constraint != "*" else "offered version")
    raise SkillNotFoundError(
        f"{spec.name} has no {'version ' if spec.version else ''}{asked}",
        cause="there are " + (", ".join(document.versions[-10:]) or "none"),
        candidates=document.versions[-10:],
        skill=spec.name,
    )
