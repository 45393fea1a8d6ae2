"""What the search for versions asks, answered with integers.

The versions of a plugin are numbered in ascending order, once. Bit *n* of an integer stands for
the one with number *n*, so that a constraint is an integer, what satisfies several is their
`&`, and both are remembered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from . import constraints, semver
from .releases import Need, Release

if TYPE_CHECKING:
    from resolvelib import BaseReporter

__all__ = ["Ask", "Pick", "World"]


class Ask:
    """A need, as the versions that satisfy it and those of them that it prefers."""

    __slots__ = ("allowed", "name", "need", "preferred")

    def __init__(self, need: Need, keys: Sequence[semver.Key]) -> None:
        self.name = need.plugin_id
        self.need = need
        self.allowed, self.preferred = constraints.parse(need.version_constraint).among(keys)


class Pick:
    """One version of one plugin; ``bit`` is the one that stands for it."""

    __slots__ = ("asks", "bit", "name", "release")

    def __init__(self, release: Release, rank: int) -> None:
        self.name = release.plugin_id
        self.release = release
        self.bit = 1 << rank
        self.asks: list[Ask] | None = None


class Plugin:
    """All versions of one plugin."""

    __slots__ = ("_asks", "_keys", "_sorted", "name", "picks")

    def __init__(self, name: str, releases: Iterable[Release]) -> None:
        self.name = name
        # The line last: of two that differ in their needs alone it is always the same one.
        ranked = sorted((semver.key(one.version), one.version, one.line, one) for one in releases)
        unlike = {version: (key, one) for key, version, _, one in reversed(ranked)}
        rows = list(reversed(unlike.values()))
        self._keys = [key for key, _ in rows]
        self.picks = [Pick(one, rank) for rank, (_, one) in enumerate(rows)]
        self._asks: dict[str, Ask] = {}
        self._sorted: dict[tuple[int, int], list[Pick]] = {}

    def ask(self, constraint: str) -> Ask:
        """Return a need of this plugin; :raises VersionError: where it is no constraint."""
        found = self._asks.get(constraint)
        if found is None:
            found = self._asks[constraint] = Ask(Need(self.name, constraint), self._keys)
        return found

    def ordered(self, allowed: int, preferred: int) -> list[Pick]:
        """Return the versions that ``allowed`` has bits of: preferred ones, then newest first."""
        found = self._sorted.get((allowed, preferred))
        if found is None:
            found = [pick for pick in reversed(self.picks) if pick.bit & allowed]
            found.sort(key=lambda pick: not pick.bit & preferred)
            self._sorted[allowed, preferred] = found
        return found


class World:
    """All that is available.

    :param releases: in any order.
    :param reporter: told each step of a search.
    """

    def __init__(
        self, releases: Iterable[Release], reporter: BaseReporter[Any, Any, str] | None = None
    ) -> None:
        self.releases: dict[str, list[Release]] = {}
        for one in releases:
            self.releases.setdefault(one.plugin_id, []).append(one)
        self._plugins: dict[str, Plugin] = {}
        self._reporter = reporter

    def plugin(self, name: str) -> Plugin:
        """Return the versions of a plugin, none where it is not there.

        :raises VersionError: where one of them is no version.
        """
        found = self._plugins.get(name)
        if found is None:
            found = self._plugins[name] = Plugin(name, self.releases.get(name, ()))
        return found

    def ask(self, need: Need) -> Ask:
        """Return a need; :raises VersionError: where its constraint is none."""
        return self.plugin(need.plugin_id).ask(need.version_constraint)

    def asks(self, pick: Pick) -> list[Ask]:
        """Return what a version needs and cannot go without."""
        if pick.asks is None:
            needs = pick.release.dependencies
            pick.asks = [self.ask(need) for need in needs if not need.optional]
        return pick.asks

    def search(
        self, asks: Sequence[Ask], fixed: Mapping[str, Pick], max_rounds: int
    ) -> dict[str, Pick]:
        """Return versions that satisfy ``asks`` and each other, in the order of need.

        :param fixed: what is chosen already and stays.
        :raises resolvelib.ResolutionImpossible: where there are none, which is certain.
        :raises resolvelib.ResolutionTooDeep: where none were found in so many steps.
        """
        from resolvelib import BaseReporter
        from resolvelib.resolvers import Resolution, ResolutionImpossible, ResolutionTooDeep

        from .backjumping import TooManyStepsError, exhaust

        # Duck-typed: its base class would be an import at module level.
        provider = cast("Any", _Provider(self, fixed))
        run: Resolution[Ask, Pick, str] = Resolution(provider, self._reporter or BaseReporter())
        mapping: Mapping[str, Pick] | None
        try:
            mapping = run.resolve(asks, max_rounds).mapping
        except ResolutionImpossible:
            try:
                mapping = exhaust(self, asks, fixed, max_rounds)
            except TooManyStepsError:
                raise ResolutionTooDeep(max_rounds) from None
            if mapping is None:
                raise
        found: dict[str, Pick] = {}
        queue = [ask.name for ask in asks]
        for name in queue:  # grows while it is read
            if name not in found:
                found[name] = mapping[name]
                if name not in fixed:
                    queue += [ask.name for ask in self.asks(mapping[name])]
        return found


class _Provider:
    """What resolvelib asks (its ``AbstractProvider`` says what each question means)."""

    def __init__(self, world: World, fixed: Mapping[str, Pick]) -> None:
        self._world = world
        self._fixed = fixed

    def identify(self, requirement_or_candidate: Ask | Pick) -> str:
        return requirement_or_candidate.name

    def narrow_requirement_selection(
        self, identifiers: Iterable[str], backtrack_causes: Sequence[Any], **_: Any
    ) -> Iterable[str]:
        # One name, so that no preference is computed for all. What was in the way before is
        # decided first, lest the search comes to it again at the end of every attempt.
        blamed = {cause.requirement.name for cause in backtrack_causes}
        blamed |= {cause.parent.name for cause in backtrack_causes if cause.parent is not None}
        names = list(identifiers)
        return [next((name for name in names if name in blamed), names[0])]

    def find_matches(
        self,
        identifier: str,
        requirements: Mapping[str, Iterator[Ask]],
        incompatibilities: Mapping[str, Iterator[Pick]],
    ) -> list[Pick]:
        held = self._fixed.get(identifier)
        allowed, preferred = -1 if held is None else held.bit, 0
        for ask in requirements[identifier]:
            allowed &= ask.allowed
            preferred |= ask.preferred
        for pick in incompatibilities[identifier]:
            allowed &= ~pick.bit
        return self._world.plugin(identifier).ordered(allowed, allowed & preferred)

    def is_satisfied_by(self, requirement: Ask, candidate: Pick) -> bool:
        return requirement.allowed & candidate.bit != 0

    def get_dependencies(self, candidate: Pick) -> Sequence[Ask]:
        # What is fixed has what it needs.
        return () if candidate.name in self._fixed else self._world.asks(candidate)
