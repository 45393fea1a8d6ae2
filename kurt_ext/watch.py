"""Reload plugins when their files are saved.

A save becomes one reload: what an editor does besides is passed over, and what
happens at once is one change. Different plugins reload at the same time, each of
them one reload after the other. A folder that appears is loaded, one that goes
away unloaded. Code that does not run leaves the old one running.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Collection
from typing import TYPE_CHECKING

from .changes import OUTCOMES, Change
from .fileevents import events
from .reacting import Reactions

if TYPE_CHECKING:
    from .loader import PluginLoader

__all__ = ["DEBOUNCE_MS", "OUTCOMES", "STEP_MS", "Change", "watch", "watched_roots"]

#: The longest burst, of a checkout for example, that is one change, in milliseconds.
DEBOUNCE_MS = 200
#: A burst ends after this pause. It is what a lone save waits: 2 ms, at 1.5 % of a core.
STEP_MS = 1


def watched_roots(loader: PluginLoader) -> list[str]:
    """Return the folders whose skill folders are watched, those that are missing too."""
    if loader.plugin_directory is not None:
        return [os.path.abspath(loader.plugin_directory)]
    skills = loader.skills
    found = skills.places.roots(skills.config.skill_paths)
    return [path for scope, path in found if scope != "builtin"]


async def watch(
    loader: PluginLoader,
    names: Collection[str] | None = None,
    *,
    debounce_ms: int = DEBOUNCE_MS,
    step_ms: int = STEP_MS,
    activate: bool = True,
    validate: bool = True,
    poll: bool = False,
    note: Callable[[str], object] | None = None,
) -> AsyncGenerator[Change, None]:
    """Follow every save below the folders of skills, and yield what came of it.

    Watching begins with the first ``anext()``, before its first pause. The
    iterator ends by ``aclose()`` alone; plugins stay as they are then.

    :param names: ids of the plugins to follow; None = all that are enabled.
    :param debounce_ms: the longest burst that is one change.
    :param step_ms: the pause that ends a burst.
    :param activate: activate what is loaded newly.
    :param validate: judge new code before it is imported.
    :param poll: look at the files again and again, which needs no extra.
    :param note: told what the user should know besides.
    :raises MissingExtraError: when watchfiles is not installed.
    """
    reactions = Reactions(loader, names, activate=activate, validate=validate)
    roots = watched_roots(loader)
    source = events(roots, debounce_ms=debounce_ms, step_ms=step_ms, poll=poll, note=note)
    feeder = asyncio.ensure_future(reactions.feed(source, roots))
    try:
        while True:
            found = await reactions.told.get()
            if isinstance(found, BaseException):
                raise found
            yield found
    finally:
        await reactions.stop(feeder)
