"""Choose a version of every plugin that is needed, and say in which order they load.

resolvelib does the search, over integers (see `picking`). The newest version that satisfies
everybody wins; a pre-release that nobody names comes after all releases. An optional plugin never
changes which version of another is chosen: what must be there is chosen first, then each
optional one is added where it fits what is there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from .conflicts import conflict, too_deep
from .digraph import components, levels
from .errors import CircularDependencyError
from .loadorder import Order, arrange, asked, compatible, order
from .picking import Ask, Pick, World
from .releases import Available, Need, Release, Wanted, line, release

if TYPE_CHECKING:
    from resolvelib import BaseReporter

    from .releases import Asked, Offered

__all__ = [
    "Need",
    "Order",
    "Release",
    "Resolution",
    "asked",
    "compatible",
    "components",
    "is_locked",
    "levels",
    "order",
    "resolve",
]

LOCK = "kurt.pins/1"
#: Steps of a search; it takes one per plugin where nothing conflicts. Where this does not suffice
#: there are millions of combinations, and who waits wants an answer.
MAX_ROUNDS = 20_000

#: What the roots amount to: one release that nobody has, and needs them.
_TOP = ""

#: A need: id, constraint, whether it may be absent.
Row = tuple[str, str, bool]


@dataclass(frozen=True)
class Resolution:
    """A version for each plugin that is needed."""

    #: Id → version, sorted by id.
    pins: dict[str, str]
    #: Ids that can be loaded at once, level by level: what a plugin needs lies in an earlier one.
    levels: list[list[str]]
    #: Id → ids to be loaded before it.
    needs: dict[str, list[str]]
    #: Id → a sentence for each optional plugin that it goes without; the roots' own under "".
    notes: dict[str, list[str]]
    _inputs: tuple[list[str], list[str], list[str]] = field(repr=False, compare=False)

    @property
    def order(self) -> list[str]:
        """All ids, what is needed first."""
        return [name for level in self.levels for name in level]

    def as_lock(self) -> dict[str, Any]:
        """Return it as JSON values, of which :func:`is_locked` says whether they still hold."""
        roots, names, lines = self._inputs
        unchosen = [name for name in names if name not in self.pins]
        lock = {"schema": LOCK, "pins": self.pins, "order": self.order, "unchosen": unchosen}
        return {**lock, "digest": _digest(lock, roots, lines)}


def resolve(
    roots: Iterable[Wanted],
    available: Iterable[Available],
    *,
    reporter: BaseReporter[Any, Any, str] | None = None,
    max_rounds: int = MAX_ROUNDS,
) -> Resolution:
    """Return the newest versions that satisfy the roots and all that these need in turn.

    The answer depends on what is wanted and available, and not on the order in which it comes.
    Versions are chosen first: a circle among those that are chosen is an error, and no reason
    to look for older ones.

    :param roots: needs, pairs (id, constraint), or plugins, each given in the version it has.
        An optional need may be absent.
    :param available: one item for each version of a plugin; a pair (id, version) needs nothing.
    :param reporter: a resolvelib reporter, told each step.
    :param max_rounds: steps after which the search is given up.
    :raises PluginVersionConflictError: with the story, where no versions satisfy everybody.
    :raises CircularDependencyError: with the circle, where those that do need each other.
    :raises VersionError: where a version or a constraint is none.
    """
    needs, given = _wanted(roots)
    top = Release(_TOP, "0.0.0", [Need(*row) for row in needs])
    world = World([*given.values(), *_others(available, given)], reporter)
    asks = [world.ask(need) for need in top.dependencies if not need.optional]
    asks += [world.ask(Need(name)) for name in sorted(given)]
    from resolvelib.resolvers import ResolutionImpossible, ResolutionTooDeep

    try:
        picks = world.search(asks, {}, max_rounds)
    except ResolutionImpossible as error:
        raise conflict(world, asks, error.causes, given) from None
    except ResolutionTooDeep:
        raise too_deep(asks, max_rounds) from None
    circle = _circle(picks.values())
    if circle is not None:
        raise circle
    chosen, notes = _with_optional(world, picks, top, max_rounds)
    arranged = arrange(chosen)
    for name, sentences in arranged.notes.items():
        notes.setdefault(name, []).extend(sentences)
    pins = {one.plugin_id: one.version for one in chosen}
    names = _reached(world, [top, *given.values()])
    lines = sorted([one.line for name in names for one in world.releases.get(name, ())])
    inputs = (_root_lines(needs, given), names, lines)
    return Resolution(pins, arranged.levels, arranged.needs, notes, inputs)


def is_locked(
    lock: Mapping[str, Any], roots: Iterable[Wanted], available: Collection[Available]
) -> bool:
    """Return whether resolving would give what was locked, without doing it.

    Sound, and cheap: of everything that the answer can depend on (the roots, and each release
    of each plugin that they can lead to) a digest is compared. A plugin that they cannot lead to
    may come and go. Quickest where ``available`` holds :class:`Release` alone.

    :param lock: what :meth:`Resolution.as_lock` returned, by way of JSON or not; one that was
        edited does not hold.
    """
    needs, given = _wanted(roots)
    kept = {key: value for key, value in lock.items() if key != "digest"}
    try:
        names = frozenset(kept["pins"]).union(kept["unchosen"]).difference(given)
    except (KeyError, TypeError):  # whatever it is, it is no lock of ours
        return False
    found = cast("Collection[Release]", available)
    try:
        lines = [one.line for one in found if one.plugin_id in names]
    except AttributeError:  # asking each for its type first would take a third longer
        found = list(map(release, available))
        lines = [one.line for one in found if one.plugin_id in names]
    lines.sort()
    return bool(lock.get("digest") == _digest(kept, _root_lines(needs, given), lines))


def _digest(lock: Mapping[str, Any], roots: list[str], lines: list[str]) -> str:
    from hashlib import sha256

    # A `repr` and a line of a release have no line end in them.
    text = "\n".join([repr(sorted(lock.items())), *roots, "", *lines])
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _root_lines(needs: list[Row], given: Mapping[str, Release]) -> list[str]:
    return [line(_TOP, "", needs), *[one.line for one in given.values()]]


def _wanted(roots: Iterable[Wanted]) -> tuple[list[Row], dict[str, Release]]:
    """Return (id, constraint, optional) of the needs, sorted, and the plugins that are given."""
    needs: list[Row] = []
    given: list[Release] = []
    for item in roots:
        if isinstance(item, tuple):
            needs.append((item[0], item[1], item[2] if len(item) > 2 else False))
        elif getattr(item, "version", None) is not None:
            given.append(release(cast("Offered", item)))
        else:
            need = cast("Asked", item)
            needs.append((need.plugin_id, need.version_constraint, need.optional))
    needs.sort()
    given.sort(key=lambda one: one.line)
    return needs, {one.plugin_id: one for one in given}


def _others(available: Iterable[Available], given: Collection[str]) -> list[Release]:
    return [one for one in map(release, available) if one.plugin_id not in given]


def _reached(world: World, starts: Iterable[Release]) -> list[str]:
    """Return the ids that a resolution may look at, whichever versions it tries."""
    names = {one.plugin_id for one in starts}
    given = frozenset(names)
    queue = list(starts)
    for one in queue:  # grows while it is read
        for need in one.dependencies:
            if need.plugin_id not in names:
                names.add(need.plugin_id)
                queue += world.releases.get(need.plugin_id, ())
    return sorted(names - given)


def _with_optional(
    world: World, picks: dict[str, Pick], top: Release, max_rounds: int
) -> tuple[list[Release], dict[str, list[str]]]:
    """Add to ``picks`` the optional plugins that fit what is there.

    :return: what is chosen, by id and without the needs that it goes without; a note on each of
        those.
    """
    notes: dict[str, list[str]] = {}
    refused: set[tuple[str, Need]] = set()
    waiting = [top, *(picks[name].release for name in sorted(picks))]
    while waiting:
        wishes: dict[str, list[tuple[str, Need]]] = {}
        for one in waiting:
            for need in one.dependencies:
                if need.optional:
                    wishes.setdefault(need.plugin_id, []).append((one.plugin_id, need))
        before = frozenset(picks)
        for name in sorted(wishes):
            if name not in picks:
                picks.update(_fitting(world, picks, wishes[name], max_rounds))
            for owner, need in wishes[name]:
                reason = _refusal(world, picks, need)
                if reason is not None:
                    refused.add((owner, need))
                    told = f"{asked(need)}, which is optional, {reason}"
                    notes.setdefault(owner, []).append(told)
        waiting = [picks[name].release for name in sorted(picks.keys() - before)]
    chosen = [picks[name].release for name in sorted(picks)]
    return [_without(one, refused) for one in chosen], notes


def _fitting(
    world: World, picks: Mapping[str, Pick], wishes: list[tuple[str, Need]], max_rounds: int
) -> dict[str, Pick]:
    """Return what one optional plugin adds, as many of those as can be satisfied who wish for it.

    Nothing is added where none can be.
    """
    from resolvelib.resolvers import ResolutionImpossible, ResolutionTooDeep

    found: dict[str, Pick] = {}
    accepted: list[Ask] = []
    for _, need in wishes:
        asks = [*accepted, world.ask(need)]
        try:
            further = world.search(asks, picks, max_rounds)
        except (ResolutionImpossible, ResolutionTooDeep):
            continue
        if _circle({**picks, **further}.values()) is None:
            found, accepted = further, asks
    return found


def _circle(picks: Iterable[Pick]) -> CircularDependencyError | None:
    """Return the error of those who need each other in a circle, the first by id."""
    for error in arrange([pick.release for pick in picks]).unloadable.values():
        if isinstance(error, CircularDependencyError):
            return error
    return None


def _refusal(world: World, picks: Mapping[str, Pick], need: Need) -> str | None:
    """Return why an optional need is gone without, or None where it is satisfied."""
    pick = picks.get(need.plugin_id)
    ask = world.ask(need)
    if pick is not None:
        fits = ask.allowed & pick.bit
        return None if fits else f"is not taken, since {pick.release.version} is chosen"
    if world.plugin(need.plugin_id).picks:
        return "is not taken, since no version of it fits what is chosen"
    return "is not there"


def _without(one: Release, refused: Collection[tuple[str, Need]]) -> Release:
    kept = [need for need in one.dependencies if (one.plugin_id, need) not in refused]
    if len(kept) == len(one.dependencies):
        return one
    return Release(one.plugin_id, one.version, kept)
