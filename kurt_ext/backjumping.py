"""Look again where the search found nothing, and leave nothing out.

resolvelib's own backjumping may pass over an answer: where the newest ``b`` needs ``e``, which
leads round to a need of another ``b``, it says "impossible" although an older ``b`` needs nothing.
Before anybody is told so, this search has been through everything that could matter:
conflict-directed backjumping (Prosser, 1993), which goes back to the last choice that had a part
in a dead end, and so skips only choices that had none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .picking import Ask, Pick, World

__all__ = ["TooManyStepsError", "exhaust"]


class TooManyStepsError(Exception):
    """Not everything was tried within the steps that were allowed."""


class _Room(NamedTuple):
    """What is left of a plugin: versions, those preferred, and whose needs left no more."""

    allowed: int
    preferred: int
    owners: frozenset[str]


class _Frame(NamedTuple):
    """A plugin being decided: what is still to be tried, and who is to blame for failures."""

    name: str
    rest: Iterator[Pick]
    rooms: dict[str, _Room]
    blamed: set[str]


def exhaust(
    world: World, asks: Sequence[Ask], fixed: Mapping[str, Pick], max_steps: int
) -> dict[str, Pick] | None:
    """Return versions that satisfy ``asks`` and each other, or None where there are none.

    :param fixed: what is chosen already and stays.
    :raises TooManyStepsError: where so many versions were tried, and not all.
    """
    picks: dict[str, Pick] = {}
    rooms, clash = _narrowed({}, asks, "", picks, fixed)
    if clash:
        return None
    frames: list[_Frame] = []
    while True:
        name = next((name for name in rooms if name not in picks), None)
        if name is None:
            return picks
        room = rooms[name]
        rest = iter(world.plugin(name).ordered(room.allowed, room.preferred & room.allowed))
        frames.append(_Frame(name, rest, rooms, set(room.owners)))
        while True:
            frame = frames[-1]
            pick = next(frame.rest, None)
            if pick is None:
                if not _back(frames, picks):
                    return None
                continue
            max_steps -= 1
            if max_steps < 0:
                raise TooManyStepsError
            picks[frame.name] = pick
            needs = () if frame.name in fixed else world.asks(pick)
            rooms, clash = _narrowed(frame.rooms, needs, frame.name, picks, fixed)
            if not clash:
                break
            del picks[frame.name]
            frame.blamed.update(clash)


def _back(frames: list[_Frame], picks: dict[str, Pick]) -> bool:
    """Go back to the last choice that had a part in a dead end; return whether there is one."""
    blamed = frames.pop().blamed
    while frames:
        frame = frames[-1]
        del picks[frame.name]
        if frame.name in blamed:
            frame.blamed.update(blamed - {frame.name})
            return True
        frames.pop()
    return False


def _narrowed(
    rooms: Mapping[str, _Room],
    asks: Iterable[Ask],
    owner: str,
    picks: Mapping[str, Pick],
    fixed: Mapping[str, Pick],
) -> tuple[dict[str, _Room], frozenset[str]]:
    """Return what the needs of ``owner`` leave, and who clashes with it; nobody where none does.

    The owner blames itself along with the others, so that a clash is never empty.
    """
    left = dict(rooms)
    for ask in asks:
        held = fixed.get(ask.name)
        room = left.get(ask.name, _Room(-1 if held is None else held.bit, 0, frozenset()))
        owners = room.owners | {owner}
        allowed = room.allowed & ask.allowed
        pick = picks.get(ask.name)
        if pick is not None and not pick.bit & allowed:
            return left, frozenset({owner, ask.name})
        if not allowed:
            return left, owners
        left[ask.name] = _Room(allowed, room.preferred | ask.preferred, owners)
    return left, frozenset()
