"""Take an extension through its life: each hook once, in order, and what fails cleaned up.

::

    built ──initialize──► initialized ──activate──► active ◄──activate──► inactive
      └──────────────────────── cleanup ────────────────────────► gone
"""

from __future__ import annotations

import asyncio
from time import perf_counter
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .errors import KurtError
from .failure import broken_contract, load_error
from .hooks import Late, bounded, late_error, run_hook
from .sandbox.remote import Remote

if TYPE_CHECKING:
    from collections.abc import Callable

    from .contract import Extension
    from .life import Generation, Life

__all__ = [
    "LIMIT",
    "activate",
    "call_hook",
    "check",
    "cleanup",
    "deactivate",
    "has_hooks",
    "initialize",
    "quietly",
]

#: Seconds that a hook is given where nobody says otherwise.
LIMIT = 30.0


def hook_of(extension: Extension, name: str) -> Callable[[], Any] | None:
    """Return a hook of an extension's object, where it has one.

    A class or a module that is offered as it is has methods, not a life.
    """
    if isinstance(extension.obj, (type, ModuleType)):
        return None
    found = getattr(extension.obj, name, None)
    return found if callable(found) else None


def has_hooks(extension: Extension) -> bool:
    """Whether something must be awaited before an extension may be used."""
    generation: Generation = extension.generation
    return extension in generation.pending or any(
        hook_of(extension, name) for name in ("initialize", "activate", "deactivate", "cleanup")
    )


async def _run(life: Life, extension: Extension, name: str) -> None:
    hook = hook_of(extension, name)
    if hook is None:
        return
    start = perf_counter()
    try:
        with extension.generation.ledger.watching():
            await run_hook(hook, name, life.name, life.limit or LIMIT, extension.root)
    finally:
        life.timed(name, start)


async def call_hook(life: Life, hook: Callable[[], Any], name: str) -> Any:
    """Call something else that an author may define, within the time of a hook.

    :raises HookError: when it fails.
    """
    start = perf_counter()
    try:
        return await run_hook(hook, name, life.name, life.limit or LIMIT)
    finally:
        life.timed(name, start)


async def initialize(life: Life, extension: Extension) -> None:
    """Finish an async factory and call ``initialize``, where that was not done.

    :raises HookError: when the hook fails; ``cleanup`` was called then.
    :raises PluginLoadError: when the factory fails, or its object breaks the contract.
    """
    generation: Generation = extension.generation
    if generation.stages.get(extension) != "built":
        return
    try:
        pending = generation.pending.pop(extension, None)
        if pending is not None:
            await _finish(life, extension, pending)
        await _run(life, extension, "initialize")
    except BaseException as error:
        generation.forget(extension)
        await quietly(life, extension, "cleanup")
        if isinstance(error, (asyncio.CancelledError, KurtError)):
            raise
        raise load_error(extension.candidate, error, extension.name) from error
    generation.stages[extension] = "initialized"


async def _finish(life: Life, extension: Extension, pending: Any) -> None:
    async def wait() -> Any:
        return await pending

    start = perf_counter()
    limit = life.limit or LIMIT
    try:
        with extension.generation.ledger.watching():
            extension.obj = await bounded(wait, limit=limit)
    except Late as late:
        what = "create_plugin" if extension.generation.housing is None else "import"
        raise late_error(what, life.name, limit, late) from late
    if not isinstance(extension.obj, Remote):  # whose worker has told how long it took
        life.timed("construct", start)
    check(extension)


async def activate(life: Life, extension: Extension) -> None:
    """Call ``activate``, where it is not active already.

    :raises HookError: when the hook fails; the extension stays as it was.
    """
    stages = extension.generation.stages
    if stages.get(extension) in ("initialized", "inactive"):
        await _run(life, extension, "activate")
        stages[extension] = "active"


async def deactivate(life: Life, extension: Extension) -> None:
    """Call ``deactivate``, where it is active; it counts as inactive even if that fails.

    :raises HookError: when the hook fails.
    """
    stages = extension.generation.stages
    was = stages.get(extension)
    if was in ("active", "initialized"):
        stages[extension] = "inactive"
    if was == "active":
        await _run(life, extension, "deactivate")


async def cleanup(life: Life, extension: Extension) -> None:
    """Call ``cleanup`` and forget the extension, also where it was never initialized.

    :raises HookError: when the hook fails; the extension is forgotten nonetheless.
    """
    generation: Generation = extension.generation
    was = generation.stages.get(extension)
    generation.forget(extension)
    if was in ("initialized", "active", "inactive"):
        await _run(life, extension, "cleanup")


async def quietly(life: Life, extension: Extension, name: str) -> BaseException | None:
    """Call a hook and return what it raised: the others must be called too."""
    try:
        await _run(life, extension, name)
    except Exception as error:
        return error
    return None


def check(extension: Extension) -> None:
    """Raise unless the object keeps its kind's contract.

    A plugin.json's object in a kind that is called answers to its capabilities instead.

    :raises ContractError: with every way it is broken.
    """
    if extension.kind.call and isinstance(extension.plugin, ModuleType):
        return
    if isinstance(extension.obj, Remote):
        return  # its worker has looked
    broken = extension.kind.broken_by(extension.obj)
    if broken:
        raise broken_contract(extension, broken)
