"""Choose what a name means: which market or index, which version, and what that needs in turn.

A name without a market is looked for in every market of ``kurt.toml``, and the one that
has it is taken. PyPI is not among them: anybody can put any name there, so that a name that
a market has, had, or was to have must never lead there. It is asked where somebody says
``NAME@pypi``, and for plain names only where ``kurt.toml`` names nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from shlex import quote
from typing import TYPE_CHECKING, Any

from . import bringing, bringing_distributions, semver
from .bringing import Goods
from .errors import (
    AdvisoryError,
    AmbiguousNameError,
    NetworkError,
    PluginVersionConflictError,
    SkillNotFoundError,
)
from .findings import Finding
from .lock import lock_path
from .lock import read as read_lock
from .market.simple_index import OWN, SimpleIndex, indexes, own_index
from .market.store import Store
from .names import normalize, slug
from .specs import Spec
from .versions import is_semver
from .wheel_choice import allows, asks_for_pre, is_exact, wanted_words

if TYPE_CHECKING:
    from .discovery import Discovery
    from .lock import Locked
    from .market.clients import Market
    from .market.documents.advisory import Advisory
    from .market.documents.release import Release
    from .market.documents.skill import SkillDocument
    from .overlooked import Overlooked
    from .receipts import Receipts

    _Place = Market | SimpleIndex

__all__ = ["Shelves", "about", "ignored", "needs"]


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
        #: Markets that could not be asked: what they have is not known.
        self.left_out: Collection[str] = ()
        #: Markets and indexes that alone are to be asked; all where it is empty.
        self.only: Collection[str] = ()
        #: Whether nobody is to be asked.
        self.offline = False

    @cached_property
    def indexes(self) -> dict[str, SimpleIndex]:
        """The indexes of distributions, by name.

        :raises ConfigError: when one cannot be understood.
        """
        found = indexes(self._discovery.config)
        for index in found.values():
            index.silent = self.offline
        return found

    def bring(self, spec: Spec) -> Goods:
        """Return a release of a market, or a distribution of an index.

        :raises SkillNotFoundError: when no market has it, with the nearest names.
        :raises AmbiguousNameError: when several have it, and none was named.
        :raises AdvisoryError: when it is known to be harmful, or withdrawn.
        """
        known = self._known(spec.name)
        market = self._place_of(spec, known)
        if isinstance(market, SimpleIndex):
            if known is not None and known.market == market.name and known.distribution:
                spec = spec._replace(name=known.distribution)
            return bringing_distributions.newest(market, spec)
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
        digest = release.source.digest
        self._refuse_advisories(market, spec.name, release)
        goods = bringing.of_release(self._store, market, listing, document, release)
        for advisory, decision in ignored(market, spec.name, release.version, digest):
            text = f"{spec.name} {release.version} is known to be harmful: {advisory.id}, which "
            text += f"kurt.toml ignores until {decision.until}: {decision.reason}"
            goods.warnings.append(Finding("advisory-ignored", "warning", text))
        if release.yanked:
            goods.warnings.append(_withdrawn(spec.name, release, document))
        if document.project_status.status != "active":
            status = document.project_status
            reason = f": {status.reason}" if status.reason else ""
            goods.warnings.append(
                Finding("project-status", "warning", f"{spec.name} is {status.status}{reason}")
            )
        return goods

    def _place_of(self, spec: Spec, known: Locked | None) -> _Place:
        """Return the market, or the index, that a SPEC is to be taken from.

        :param known: what was installed, or is locked, of this name.
        """
        if spec.market is not None:
            return self.named(spec.market, spec)
        # What came from one market is never replaced by another's of the same name.
        before = known.market if known is not None else None
        if before is not None and (before in self.markets or before in self.indexes):
            return self.named(before, spec)
        configured = {
            name: one
            for name, one in self.indexes.items()
            if (name in self.only if self.only else name != OWN)
        }
        if not self.markets and not configured:
            return self._only_pypi(spec, before)
        having: dict[str, _Place] = {
            name: one for name, one in self.markets.items() if one.listing(spec.name)
        }
        having |= self._having(configured, spec.name)
        return self._one_of(having, self.markets, spec, [*self.markets, *configured])

    def named(self, name: str, spec: Spec) -> _Place:
        """Return the market, or the index, of a name.

        :raises ConfigError: when there is none.
        :raises SkillNotFoundError: when it is a market, and does not have what is asked for.
        """
        from .market.clients import the_market

        if name in self.indexes and name not in self.markets:
            return self.indexes[name]
        if name == OWN and name not in self.markets:
            own_index()  # which tells what is wrong with it
        market = the_market(self.markets, name)
        having: dict[str, _Place] = {name: market} if market.listing(spec.name) else {}
        return self._one_of(having, {name: market}, spec, [name])

    def _known(self, name: str) -> Locked | None:
        """Return what was installed, or is locked, by a skill's name or its distribution's."""
        before = self._receipts.find(name)
        if before is not None:
            return before.locked
        rows = [one.locked for one in self._receipts.all("distribution")]
        rows += read_lock(lock_path(self._receipts.places, self._receipts.scope)).values()
        by_name = [row for row in rows if row.slug == slug(name)]
        project = normalize(name)
        by_project = [row for row in rows if row.distribution == project]
        return next(iter([*by_name, *by_project]), None)

    def _only_pypi(self, spec: Spec, before: str | None) -> SimpleIndex:
        """Return PyPI, which a plain name means where nothing else is configured.

        :param before: the market that it came from before.
        """
        from .market.clients import no_market

        cause, hint = no_market(self._discovery.config)
        if OWN not in self.indexes:
            own_index()  # which tells what is wrong with it
        if before is not None and not cause:
            cause = f"it came from {before}, which kurt.toml does not name"
            hint = f"kurt config set market.{before}.url URL"
        if cause or self._discovery.config.markets.keys() - {OWN} or OWN not in self.indexes:
            raise SkillNotFoundError(
                f"{spec.name} cannot be looked for: kurt.toml names no market",
                cause=cause,
                hint=hint if cause else f"{hint}, or give a path: ./FOLDER",
                skill=spec.name,
            )
        return self.indexes[OWN]

    def _having(self, configured: Mapping[str, SimpleIndex], name: str) -> dict[str, SimpleIndex]:
        """Return the indexes of ``kurt.toml`` that have a distribution of a name.

        :raises NetworkError: when it is not known whether a market has it, since it was not asked.
        """
        having = {}
        for word, index in configured.items():
            try:
                index.page(name)
            except SkillNotFoundError:
                continue
            having[word] = index
        if having and self.left_out:
            index_name = next(iter(having))
            raise NetworkError(
                f"{name} is not taken from {index_name}: another may be meant",
                cause=f"{', '.join(self.left_out)} could not be asked whether it is there",
                hint=f"kurt install {quote(name)}@{index_name}, if that one is meant",
                skill=name,
            )
        return having

    def _one_of(
        self,
        having: Mapping[str, _Place],
        chosen: Mapping[str, Market],
        spec: Spec,
        asked: Sequence[str],
    ) -> _Place:
        """Return the one that has what is asked for."""
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
                cause="asked: " + ", ".join(asked),
                hint=f"did you mean {near[0]}? look first: kurt search {near[0]}"
                if near
                else f"kurt search {quote(spec.name)}, or from PyPI: "
                f"kurt install {quote(spec.name)}@{OWN}",
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


def _withdrawn(name: str, release: Release, document: SkillDocument) -> Finding:
    """Return what is to be said of a release that nobody should take."""
    other = document.latest
    text = f"{name} {release.version} was withdrawn: {release.yanked}"
    if other is None:
        return Finding("yanked", "warning", f"{text}; there is no version that was not")
    return Finding("yanked", "warning", text, fix=f"kurt install {name}@{other.version}")


def about(market: Market, name: str, version: str, digest: str) -> list[Advisory]:
    """Return the advisories of a market that are about a release, and count here."""
    return [
        one
        for one in _every(market, name, version, digest)
        if (decision := market.decided(one)) is None or decision.is_over
    ]


def ignored(
    market: Market, name: str, version: str, digest: str
) -> list[tuple[Advisory, Overlooked]]:
    """Return the advisories about a release that do not count here, each with who said so."""
    return [
        (one, decision)
        for one in _every(market, name, version, digest)
        if (decision := market.decided(one)) is not None and not decision.is_over
    ]


def _every(market: Market, name: str, version: str, digest: str) -> list[Advisory]:
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
    elif spec.specifier:
        specified = _specified(spec, document)
        if specified is not None:
            return specified
    elif spec.constraint == "*":
        if document.latest is not None:
            return document.latest
    else:
        wanted = parse(spec.constraint)
        fitting = [one for one in document.offered if wanted.allows(one.version)]
        if fitting:
            return max(fitting, key=lambda one: semver.key(one.version))
    asked = wanted_words(spec) or "offered version"
    raise SkillNotFoundError(
        f"{spec.name} has no {'version ' if spec.version else ''}{asked}",
        cause="there are " + (", ".join(document.versions[-10:]) or "none"),
        hint=f"kurt install {spec.name}@{document.latest.version}" if document.latest else None,
        candidates=document.versions[-10:],
        skill=spec.name,
    )


def _specified(spec: Spec, document: SkillDocument) -> Release | None:
    """Return the newest release that versions after PEP 440 allow; None where there is none."""
    from packaging.version import Version

    from .versions import to_pep440

    rows = document.releases if is_exact(spec) else document.offered
    found = [(Version(to_pep440(one.version)), one) for one in rows]
    fitting = [(version, one) for version, one in found if allows(spec, version)]
    if not asks_for_pre(spec):
        fitting = [row for row in fitting if not row[0].is_prerelease] or fitting
    return max(fitting, key=lambda row: row[0])[1] if fitting else None
