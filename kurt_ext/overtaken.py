"""Hold what was planned against what is there when it is done: another may have been first.

Between a plan and its doing lies whatever somebody takes to agree, and what other processes
do meanwhile. What the plan took for granted is looked at once more, with the scope held.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from .choosing import needs
from .constraints import parse
from .errors import ConflictError
from .versions import is_semver

if TYPE_CHECKING:
    from .discovery import Discovery
    from .receipts import Receipt, Receipts
    from .steps import Plan, Step

__all__ = ["refuse_overtaken"]


def refuse_overtaken(receipts: Receipts, plan: Plan, discovery: Discovery) -> None:
    """Raise where a plan fits what is there no more; the caller holds the scope.

    The steps are told what is there now: what somebody has asked for meanwhile stays asked for.
    Where nothing is to be done, all was as it is to be when that was looked at.

    :param discovery: what was there when it was planned.
    :raises ConflictError: when another process has changed the same skill, or what it needs.
    """
    for step in plan.steps if plan.changes else ():
        found = receipts.find(step.name)
        mine = step.before.locked.digest if step.before else None
        theirs = found.locked.digest if found else None
        if mine != theirs and theirs != step.locked.digest:
            raise _overtaken(step, f"{step.name} was changed by another process meanwhile")
        if step.verb == "keep":
            continue
        _refuse_occupied(receipts, step, found)
        step.before = found
        if found is not None and found.locked.requested:
            step.locked = step.locked.but(requested=True)
    _refuse_left(receipts, plan, discovery)


def _refuse_occupied(receipts: Receipts, step: Step, found: Receipt | None) -> None:
    """Raise where somebody's own would be replaced, of which nobody has a copy."""
    target = os.path.join(receipts.root, step.name)
    if step.tree is None or step.keep or not os.path.lexists(target):
        return
    if found is None:
        raise _overtaken(step, f"somebody has made a folder {step.name} meanwhile", target)
    changed = receipts.changed(found)
    if changed:
        what = ", ".join(changed[:5])
        raise _overtaken(step, f"{step.name} was changed meanwhile: {what}", target)


def _refuse_left(receipts: Receipts, plan: Plan, discovery: Discovery) -> None:
    """Raise where what a skill needs was there, and does not suffice any more."""
    coming = {step.name for step in plan.steps}
    there = {one.name: one.version for one in discovery.winners}
    now: Mapping[str, str] | None = None
    for step, name, constraint in _needed(plan.changes):
        if name in coming or not _suffices(there.get(name), constraint):
            continue
        found = receipts.find(name)
        if found is not None and _suffices(found.version, constraint):
            continue
        if now is None:
            from .discovery import discover

            now = {one.name: one.version for one in discover(receipts.places).winners}
        if not _suffices(now.get(name), constraint):
            raise _overtaken(
                step,
                f"{step.name} needs {name} {constraint}, which was there and is not any more",
            )


def _needed(steps: Iterable[Step]) -> Iterator[tuple[Step, str, str]]:
    for step in steps:
        for name, constraint in needs(step.goods.record):
            yield step, name, constraint


def _suffices(version: str | None, constraint: str) -> bool:
    return version is not None and is_semver(version) and parse(constraint).allows(version)


def _overtaken(step: Step, text: str, at: str | None = None) -> ConflictError:
    return ConflictError(text, at=at, hint="try again", skill=step.name)
