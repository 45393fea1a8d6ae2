"""From a name to the one extension that is meant, or to the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from .candidates import Candidate
from .errors import AmbiguousNameError, DisabledError, ExtensionNotFoundError
from .importer import refuse
from .names import NAMESPACE_PREFIX, parse_reference, suggest

if TYPE_CHECKING:
    from .config import Verdict
    from .discovery import Discovery
    from .kinds import Kind, Kinds
    from .registering import Registry

__all__ = ["REGISTERING_GROUP", "Found", "Lookup"]

#: Skills in this group say what they offer only when their code is run.
REGISTERING_GROUP = "kurt.skills"


class Found(NamedTuple):
    """What a name stands for.

    :param value: the entry point's; "" for what was registered by a decorator.
    :param obj: what was registered; None for an entry point.
    :param capability: the manifest's entry, where the name is that of a capability.
    """

    candidate: Candidate
    kind: Kind[Any]
    name: str
    value: str = ""
    obj: Any = None
    capability: dict[str, Any] | None = None

    @property
    def reference(self) -> str:
        """The full name, ``SKILL:EXTENSION``."""
        return f"{self.candidate.name}:{self.name}"


class Lookup:
    """Names, as one manager sees them.

    :param ask: imports a skill that registers what it offers; must not raise.
    """

    def __init__(
        self,
        discovery: Discovery,
        kinds: Kinds,
        registry: Registry,
        ask: Callable[[Candidate, str], None],
    ) -> None:
        self.discovery = discovery
        self.kinds = kinds
        self.registry = registry
        self._ask = ask
        self._opt_in = discovery.opt_in

    def verdict(self, kind: Kind[Any], skill: str, name: str) -> Verdict:
        """Return whether the configuration enables an extension, and by which key."""
        opt_in = kind.namespace in self._opt_in
        return self.discovery.config.enabled(kind.name, skill, name, opt_in=opt_in)

    def find(self, reference: str, namespace: str | None = None) -> Found:
        """Return what a reference means: ``SKILL:EXTENSION``, an extension's name, or a skill's.

        :param namespace: look in this namespace only, for an extension.
        :raises NotFoundError: when nothing has the name; with the nearest ones.
        :raises AmbiguousNameError: when several have it; ``candidates`` lists them.
        :raises DisabledError: when the configuration does not enable it.
        :raises UntrustedError: when its skill's folder is not trusted.
        """
        skill, name = parse_reference(reference)
        if skill is not None:
            by_hand = any(row.skill == skill for row in self.registry)
            candidate = self._holder(skill) if by_hand else self.discovery.skill(skill)
            return self._qualified(candidate, name, namespace)
        found = self._bare(name, namespace)
        if found is None:
            for candidate, entry, value in self.discovery.offers(REGISTERING_GROUP):
                if self._may_ask(candidate, entry):
                    self._ask(candidate, value)
                    found = self._bare(name, namespace)
                    if found is not None:
                        break
        if found is None:
            raise self._missing(name, namespace)
        return found

    def enabled(self, kind: Kind[Any]) -> list[Found]:
        """Return what is enabled in a kind: in configured order, then in that of discovery."""
        found = [
            item
            for item in self._in_namespace(kind)
            if self.verdict(kind, item.candidate.name, item.name).enabled
        ]
        rank = self.discovery.config.rank
        return sorted(found, key=lambda item: rank(kind.name, item.candidate.name, item.name))

    def names(self, kind: Kind[Any]) -> list[str]:
        """Return the names that are enabled in a kind, without importing anything."""
        return sorted({item.name for item in self.enabled(kind)})

    def _in_namespace(self, kind: Kind[Any]) -> Iterator[Found]:
        seen = set()
        for candidate, name, value in self.discovery.offers(kind.namespace):
            seen.add((candidate.name, name))
            yield Found(candidate, kind, name, value)
        for row in self.registry:
            if row.namespace == kind.namespace and (row.skill, row.name) not in seen:
                yield Found(self._holder(row.skill), kind, row.name, obj=row.obj)

    def _holder(self, skill: str) -> Candidate:
        """Return the candidate of a registered object; a stand-in where it is no skill's."""
        found = [c for c in self.discovery.named(skill) if c.shadowed_by is None]
        return found[0] if found else _stand_in(skill)

    def _all(self, name: str, namespace: str | None) -> list[Found]:
        """Return everything of a name, enabled or not, each once."""
        found: dict[tuple[str, str], Found] = {}
        for candidate, group, _, value in self.discovery.find(name, namespace):
            kind = self.kinds.of(group)
            if kind is not None:
                found[candidate.name, group] = Found(candidate, kind, name, value)
        for row in self.registry.find(name, namespace=namespace):
            kind = self.kinds.of(row.namespace)
            if kind is not None and (row.skill, row.namespace) not in found:
                item = Found(self._holder(row.skill), kind, name, obj=row.obj)
                found[row.skill, row.namespace] = item
        return list(found.values())

    def _bare(self, name: str, namespace: str | None) -> Found | None:
        every = self._all(name, namespace)
        usable = [item for item in every if self._is_enabled(item)]
        own = None
        if namespace is None:
            own = next((c for c in self.discovery.named(name) if c.shadowed_by is None), None)
        if usable:
            skills = {item.candidate.name for item in usable}
            if own is not None and own.name not in skills:
                usable += self._callable_of(own)
            return _only(name, usable)
        if own is not None:
            return self.whole(own)
        if every:
            raise self._disabled(every[0])
        return None

    def _is_enabled(self, item: Found) -> bool:
        return bool(self.verdict(item.kind, item.candidate.name, item.name).enabled)

    def _qualified(self, candidate: Candidate, name: str, namespace: str | None) -> Found:
        refuse(candidate)
        found = self._within(candidate, name, namespace)
        if found is None:
            for group, entry, value in candidate.offers:
                if group == REGISTERING_GROUP and self._may_ask(candidate, entry):
                    self._ask(candidate, value)
            found = self._within(candidate, name, namespace)
        if found is None:
            self._refuse_unasked(candidate)
            known = [item.name for item in self._offered(candidate)]
            near = suggest(name, known) or sorted(known)
            raise ExtensionNotFoundError(
                f"the skill {candidate.name} has no extension {name}",
                cause=_why_nothing(candidate) if not known else None,
                hint=f"kurt info {candidate.name}",
                skill=candidate.name,
                candidates=[f"{candidate.name}:{item}" for item in near],
            )
        if not self._is_enabled(found):
            raise self._disabled(found)
        return found

    def _within(self, candidate: Candidate, name: str, namespace: str | None) -> Found | None:
        matches = [
            item
            for item in self._offered(candidate)
            if item.name == name and namespace in (None, item.kind.namespace)
        ]
        return next((item for item in matches if item.kind.call), next(iter(matches), None))

    def _extensions(self, candidate: Candidate, registry: Registry | None = None) -> list[Found]:
        """Return the extensions a skill offers: entry points, and what it registered."""
        found: dict[tuple[str, str], Found] = {}
        for group, name, value in candidate.offers:
            kind = self.kinds.of(group)
            if kind is not None:
                found[group, name] = Found(candidate, kind, name, value)
        for row in self.registry if registry is None else registry:
            kind = self.kinds.of(row.namespace)
            if row.skill == candidate.name and kind is not None:
                item = Found(candidate, kind, row.name, obj=row.obj)
                found.setdefault((row.namespace, row.name), item)
        return list(found.values())

    def _offered(self, candidate: Candidate) -> list[Found]:
        """Return everything a skill offers: its extensions, and a plugin's capabilities."""
        items = self._extensions(candidate)
        plugin = next((item for item in items if item.value and ":" not in item.value), None)
        if plugin is not None:
            items += [
                plugin._replace(name=capability["name"], capability=capability)
                for capability in candidate.record()["capabilities"]
            ]
        return items

    def loadable(self, candidate: Candidate, registry: Registry | None = None) -> list[Found]:
        """Return what a skill offers that the configuration does not switch off.

        What is of a kind that runs only where it is named may be loaded by whoever
        names it; it takes no part in anything by that.

        :param registry: where its code registers, if that is not yet to be seen by others.
        """
        config = self.discovery.config
        return [
            item
            for item in self._extensions(candidate, registry)
            if config.enabled(item.kind.name, candidate.name, item.name).enabled
        ]

    def disabled(self, candidate: Candidate) -> Exception:
        """Return why nothing of a skill may be loaded."""
        offered = self._extensions(candidate)
        if offered:
            return self._disabled(offered[0])
        for group, name, _ in candidate.offers:
            if group != REGISTERING_GROUP and self.kinds.of(group) is None:
                return ExtensionNotFoundError(
                    f"{candidate.name}:{name} lies in {group}, and no kind has that name",
                    hint="install the distribution that defines the kind",
                    skill=candidate.name,
                )
        return self._missing(candidate.name, None)

    def _callable_of(self, candidate: Candidate) -> list[Found]:
        if not candidate.usable:
            return []
        items = [item for item in self._offered(candidate) if self._is_enabled(item)]
        capabilities = [item for item in items if item.capability is not None]
        return capabilities or [item for item in items if item.kind.call]

    def whole(self, candidate: Candidate) -> Found:
        """Return the one thing that a skill can be called for."""
        refuse(candidate)
        items = self._callable_of(candidate)
        if not items:
            for group, entry, value in candidate.offers:
                if group == REGISTERING_GROUP and self._may_ask(candidate, entry):
                    self._ask(candidate, value)
            items = self._callable_of(candidate)
        if not items:
            offered = self._offered(candidate)
            if offered and not any(self._is_enabled(item) for item in offered):
                raise self._disabled(offered[0])
            self._refuse_unasked(candidate)
            raise ExtensionNotFoundError(
                f"the skill {candidate.name} has nothing that can be run",
                cause=_why_nothing(candidate),
                hint=f"kurt info {candidate.name}",
                skill=candidate.name,
            )
        return _only(candidate.name, items)

    def _may_ask(self, candidate: Candidate, entry: str) -> bool:
        """Return whether the code of a skill that registers may be run to see what it has."""
        return self._registering(candidate, entry).enabled and any(
            self.verdict(kind, candidate.name, candidate.name).enabled
            for kind in self.kinds.values()
        )

    def _registering(self, candidate: Candidate, entry: str) -> Verdict:
        table = REGISTERING_GROUP.removeprefix(NAMESPACE_PREFIX)
        return self.discovery.config.enabled(table, candidate.name, entry)

    def _refuse_unasked(self, candidate: Candidate) -> None:
        """Raise where a skill could have registered something and is switched off."""
        for group, entry, _ in candidate.offers:
            verdict = self._registering(candidate, entry)
            if group == REGISTERING_GROUP and not verdict.enabled:
                raise DisabledError(
                    f"{candidate.name}:{entry} is not enabled",
                    cause=verdict.reason,
                    at=verdict.at,
                    hint=f"kurt enable {candidate.name}",
                    skill=candidate.name,
                )

    def _disabled(self, item: Found) -> DisabledError:
        verdict = self.verdict(item.kind, item.candidate.name, item.name)
        return DisabledError(
            f"{item.reference} is not enabled",
            cause=verdict.reason,
            at=verdict.at,
            hint="kurt doctor"  # which says what is to be mended in the file
            if self.discovery.config.broken
            else f"kurt enable {item.reference}",
            skill=item.candidate.name,
            candidates=[item.reference],
        )

    def _missing(self, name: str, namespace: str | None) -> Exception:
        """Return why nothing usable has a name: refused, or unknown."""
        for candidate in self.discovery.winners:
            for group, known, _ in candidate.offers:
                if known == name and namespace in (None, group):
                    try:
                        refuse(candidate)
                    except Exception as error:
                        return error
                    if self.kinds.of(group) is None:
                        return ExtensionNotFoundError(
                            f"{candidate.name}:{name} lies in {group}, and no kind has that name",
                            hint="install the distribution that defines the kind",
                            skill=candidate.name,
                        )
        kinds = [kind for kind in self.kinds.values() if namespace in (None, kind.namespace)]
        known_names = {item.name for kind in kinds for item in self._in_namespace(kind)}
        if namespace is None:
            known_names.update(candidate.name for candidate in self.discovery.winners)
        near = suggest(name, known_names)
        return ExtensionNotFoundError(
            f"nothing is called {name}",
            hint=f"did you mean {near[0]}?" if near else "kurt list",
            candidates=near,
        )


def _stand_in(skill: str) -> Candidate:
    return Candidate(
        name=skill,
        title=skill,
        version="0.0.0",
        scope="builtin",
        location="",
        dist_info="",
        distribution="",
        source="registered by hand",
    )


def _why_nothing(candidate: Candidate) -> str:
    if not candidate.code:
        return "it has instructions and no code"
    if any(group == REGISTERING_GROUP for group, _, _ in candidate.offers):
        return "its code registers nothing, and its manifest names nothing under implements"
    if any(":" not in value for _, _, value in candidate.offers):
        return "its plugin.json declares no capabilities"
    return "it offers no extension of a kind that can be called"


def _only(name: str, items: Iterable[Found]) -> Found:
    found = list(items)
    if len({item.candidate.name for item in found}) == 1 and len({i.name for i in found}) == 1:
        # One name in several namespaces of one skill: the one that can be called is meant.
        found = [item for item in found if item.kind.call][:1] or found[:1]
    if len(found) > 1:
        references = sorted(item.reference for item in found)
        raise AmbiguousNameError(
            f"{name} could mean {len(found)} things",
            cause=", ".join(references),
            hint=f"name one in full, for example {references[0]}",
            candidates=references,
        )
    return found[0]
