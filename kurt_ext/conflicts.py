"""Tell why no versions satisfy everybody: who asks for what, and what there is."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from .errors import PluginVersionConflictError
from .loadorder import asked

if TYPE_CHECKING:
    from .picking import Ask, Pick, World

    #: What is in the way: a need, and whose it is; None for one of the roots.
    Cause = tuple[Ask, Pick | None]

__all__ = ["conflict", "too_deep"]

#: As many versions are named as a line has room for.
_NAMED = 6


def conflict(
    world: World,
    roots: Sequence[Ask],
    causes: Iterable[tuple[Ask, Pick | None]],
    given: Collection[str],
) -> PluginVersionConflictError:
    """Return the error that tells what is in the way.

    :param roots: what was asked for.
    :param causes: as resolvelib tells them.
    :param given: ids that nobody asked for, since they are there.
    """
    causes = list(causes)  # a view of the search, read twice
    names = list(dict.fromkeys(ask.name for ask, _ in causes))
    sentences: dict[str, None] = {}
    for ask, parent in causes:
        for step in [*_path(world, roots, parent), (ask, parent)]:
            if step[1] is not None or step[0].name not in given:
                sentences[_told(*step)] = None
    for name in names:
        sentences[_there(world, name)] = None
    absent = [name for name in names if not world.plugin(name).picks]
    if absent:
        message = f"{absent[0]} is needed, and there is no version of it"
        hint = "put the missing plugin beside the others; kurt list shows what there is"
    else:
        message = f"no version of {' or '.join(names)} suits everybody who needs it"
        hint = f"loosen one of these constraints, or add a version of {names[0]} that suits all"
    return PluginVersionConflictError(
        message, cause="\n".join(sentences), hint=hint, story=tuple(sentences)
    )


def too_deep(roots: Sequence[Ask], rounds: int) -> PluginVersionConflictError:
    """Return the error of a search that was given up after so many steps."""
    sentence = f"nothing was found in {rounds} steps, and not everything was tried"
    return PluginVersionConflictError(
        "no versions were found that satisfy " + ", ".join(asked(ask.need) for ask in roots),
        cause=sentence,
        hint="narrow the constraints of what is asked for",
        story=(sentence,),
    )


def _told(ask: Ask, parent: Pick | None) -> str:
    if parent is None:
        return f"{asked(ask.need)} is asked for"
    return f"{parent.release} needs {asked(ask.need)}"


def _there(world: World, name: str) -> str:
    versions = [pick.release.version for pick in world.plugin(name).picks]
    if not versions:
        return f"there is no {name}"
    if len(versions) == 1:
        return f"of {name} there is {versions[0]}"
    earlier = f"{len(versions) - _NAMED} earlier ones and " if len(versions) > _NAMED else ""
    return f"of {name} there are {earlier}{', '.join(versions[-_NAMED:])}"


def _path(world: World, roots: Sequence[Ask], goal: Pick | None) -> list[Cause]:
    """Return the shortest way of needs, newest versions first, from a root to one version."""
    came: dict[Pick, tuple[Pick | None, Ask]] = {}
    queue: deque[Pick | None] = deque([None])
    while goal is not None and goal not in came:
        parent = queue.popleft()
        for ask in roots if parent is None else world.asks(parent):
            for pick in reversed(world.plugin(ask.name).picks):
                if pick.bit & ask.allowed and pick not in came:
                    came[pick] = (parent, ask)
                    queue.append(pick)
    steps: list[Cause] = []
    while goal is not None:
        goal, ask = came[goal]
        steps.append((ask, goal))
    return steps[::-1]
