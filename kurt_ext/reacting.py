"""Do what saves ask for: reload, load or unload plugins, and say what came of it.

Each skill folder has a worker while there is something to be done about it, so
that different plugins reload at one time, and one of them never twice at once.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from .changes import Change, Save, join
from .errors import KurtError, ManifestError, PolicyError, SkillNotFoundError
from .imprints import Imprints
from .manifest import MANIFESTS
from .models import PluginStatus
from .saves import SOURCES, OwnWork, grouped, is_source

if TYPE_CHECKING:
    from .fileevents import Batch
    from .lifecycle import PluginEvent
    from .loader import PluginLoader
    from .manifest import Reading

__all__ = ["Reactions"]

#: Seconds to wait for more before a failure counts, or a folder as gone: an editor may
#: be in the middle of its work. What a reload writes is told within this time, too.
_SECOND_LOOK = 0.05
#: Seconds in which what is saved while a reload runs is part of the same change.
_BURST = 0.2
_ALIVE = (PluginStatus.LOADED, PluginStatus.ACTIVE, PluginStatus.INACTIVE)


class Reactions:
    """Turns bursts of events into changes, which it puts into ``told``.

    :param names: ids of the plugins to follow; None = all.
    :param activate: activate what is loaded newly.
    :param validate: judge new code before it is imported.
    """

    def __init__(
        self,
        loader: PluginLoader,
        names: Collection[str] | None = None,
        *,
        activate: bool = True,
        validate: bool = True,
    ) -> None:
        self._loader = loader
        self._names = None if names is None else frozenset(names)
        self._activate = activate
        self._validate = validate
        #: The changes, in the order of their ends; an exception is the last one.
        self.told: asyncio.Queue[Change | Exception] = asyncio.Queue()
        self._saves: dict[str, Save] = {}
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._stirred: dict[str, float] = {}  # id → when its own code ran last in its life
        self._own: dict[str, OwnWork] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._looking = asyncio.Lock()
        self._burst = 0
        self._looked = 0  # the last burst that discovery has seen
        self._imprints = Imprints(time.time_ns())
        self._ids = self._known()
        self._deaf = loader.subscribe(self._hear)

    def _hear(self, event: PluginEvent) -> None:
        name = event.plugin_id
        self._stirred[name] = time.monotonic()
        folder = self._place(name)
        if event.name == "reloading" or (event.name == "loading" and folder not in self._workers):
            self._imprints.begin(folder, unread=event.name == "reloading")
        elif event.name in ("loaded", "reloaded"):
            self._imprints.end(name, event.generation, folder)

    def _place(self, plugin_id: str) -> str:
        """Return the folder of the copy that counts; "" where none is known."""
        return next((path for path, known in self._ids.items() if known == plugin_id), "")

    # -- from events to folders ------------------------------------------------

    async def feed(self, source: AsyncGenerator[Batch, None], roots: Collection[str]) -> None:
        """Hand each burst to the workers of its folders, until cancelled."""
        spelled = {os.path.realpath(root): root for root in roots} | {root: root for root in roots}
        try:
            async with aclosing(source) as batches:
                async for batch in batches:
                    self._burst += 1
                    for folder, files in grouped(batch, spelled, os.path.lexists).items():
                        for one in self._folders(folder) if folder in roots else [folder]:
                            self._add(one, files)
        except Exception as error:
            self.told.put_nowait(error)

    def _folders(self, root: str) -> list[str]:
        """Return the skill folders that are, or were, below a root."""
        from .folders import list_root

        there = {os.path.join(root, name) for name in list_root(root)[0]}
        return sorted(there | {known for known in self._ids if os.path.dirname(known) == root})

    def _add(self, folder: str, files: Collection[str]) -> None:
        now = time.monotonic()
        worker = self._workers.get(folder)
        stirred = self._stirred.get(self._ids.get(folder, ""), 0.0)
        reloading = worker is not None or now - stirred < _SECOND_LOOK
        wanted = self._own.setdefault(folder, OwnWork()).others(files, now, reloading)
        if not wanted:
            return
        save = self._saves.get(folder)
        if save is None:
            self._saves[folder] = Save(wanted, self._burst)
        else:
            save.join(wanted, self._burst)
        if worker is None:
            self._workers[folder] = asyncio.ensure_future(self._work(folder))

    async def _work(self, folder: str) -> None:
        try:
            while (save := self._saves.pop(folder, None)) is not None:
                for change in await self._changes(folder, save):
                    self.told.put_nowait(change)
        except Exception as error:
            self.told.put_nowait(error)
        finally:
            del self._workers[folder]

    async def stop(self, feeder: asyncio.Task[None]) -> None:
        """End the feeder and the workers; a reload that is under way is let end."""
        self._deaf()
        feeder.cancel()
        self._saves.clear()
        await asyncio.gather(feeder, *self._workers.values(), return_exceptions=True)
        self._imprints.close()

    # -- from folders to changes -----------------------------------------------

    async def _changes(self, folder: str, save: Save) -> list[Change]:
        """Do what a save asks for; again, where more of it comes meanwhile."""
        until = time.monotonic() + _BURST
        told: list[Change] = []
        while True:
            changes = await self._react(folder, save)
            for change in changes:
                join(told, change)
            if told and not changes:  # the rest of what runs already
                files = tuple(sorted(save.files.union(told[-1].files)))
                told[-1] = replace(told[-1], files=files)
            if not all(change.ok for change in changes):
                await asyncio.sleep(_SECOND_LOOK)
            elif time.monotonic() > until:
                return told
            more = self._saves.pop(folder, None)
            if more is None:
                return told
            more.join(save.files, save.burst)
            save = more

    async def _react(self, folder: str, save: Save) -> list[Change]:
        await _filled(folder, save)
        self._imprints.begin(folder, unread=True)
        known = self._ids.get(folder)
        if known is not None and save.files.isdisjoint({".", *SOURCES}) and _is_skill(folder):
            return await self._bring(known, folder, save)
        if not _is_skill(folder):
            if known is None:
                return []
            await asyncio.sleep(_SECOND_LOOK)  # it may be on its way back
            await self._look(save.burst)
            place = self._place(known)
            if place and place != folder:  # it was moved, or a copy in its shadow counts now
                return await self._bring(known, place, save)
        changes = []
        reading = _read(folder)
        if reading is not None and not reading.ok:
            return self._unreadable(known, folder, save, reading)
        now = str(reading.record["id"]) if reading is not None and reading.record else None
        if known is not None and known != now:
            changes = await self._end(known, folder, save)
        await self._look(save.burst)
        if known is not None and known != now and self._place(known):
            # A copy that lay in its shadow counts now.
            changes += await self._bring(known, self._place(known), save)
        if now is not None and self._ids.get(folder) == now:
            changes += await self._bring(now, folder, save)
        return changes

    async def _look(self, burst: int) -> None:
        """Discover anew, once for all that changed in one burst."""
        async with self._looking:
            if self._looked < burst:
                newest = self._burst
                await self._loader.discover_plugins()
                self._ids = self._known()
                self._looked = newest

    def _known(self) -> dict[str, str]:
        """Return the ids of the plugins that count, by their folder."""
        found = self._loader.loadable_candidates()
        return {item.location: item.name for item in found if item.is_folder}

    def _follows(self, plugin_id: str) -> bool:
        return self._names is None or plugin_id in self._names

    def _status(self, plugin_id: str) -> PluginStatus | None:
        try:
            return self._loader.get_plugin_state(plugin_id).status
        except KurtError:
            return None

    async def _bring(self, plugin_id: str, folder: str, save: Save) -> list[Change]:
        """Bring a plugin whose files changed to life, or to its next one."""
        if not self._follows(plugin_id):
            return []
        # Of a folder that is moved, its old place and its new one ask for the same.
        async with self._turns[plugin_id]:
            return await self._brought(plugin_id, folder, save)

    async def _brought(self, plugin_id: str, folder: str, save: Save) -> list[Change]:
        outcome, error = "loaded", None
        try:
            if self._status(plugin_id) in _ALIVE:
                outcome = "reloaded"
                if await self._is_same(plugin_id, folder):
                    return []
                await self._loader.reload_plugin(plugin_id, validate=self._validate)
            else:
                await self._loader.load_plugin(plugin_id, validate=self._validate)
                if self._activate:
                    await self._loader.activate_plugin(plugin_id)
        except KurtError as raised:
            error = raised
            outcome = self._failure(plugin_id, raised)
        return [self._change(plugin_id, folder, save, outcome, error)]

    async def _is_same(self, plugin_id: str, folder: str) -> bool:
        """Return whether what was saved is what runs."""
        generation = self._loader.get_plugin_state(plugin_id).generation
        place = self._place(plugin_id) or folder
        return await self._imprints.holds(plugin_id, generation, place)

    async def _end(self, plugin_id: str, folder: str, save: Save) -> list[Change]:
        """End a plugin whose folder is no longer its own."""
        alive = (*_ALIVE, PluginStatus.FAILED)
        if not self._follows(plugin_id) or self._status(plugin_id) not in alive:
            return []
        outcome, error = "unloaded", None
        version = self._loader.get_plugin_state(plugin_id).metadata.version
        try:
            await self._loader.unload_plugin(plugin_id)
        except SkillNotFoundError:  # somebody else has ended it
            return []
        except KurtError as raised:
            error = raised
            outcome = self._failure(plugin_id, raised)
        # Of what discovery has seen to be gone, nothing is known any more.
        return [replace(self._change(plugin_id, folder, save, outcome, error), version=version)]

    def _unreadable(
        self, known: str | None, folder: str, save: Save, reading: Reading
    ) -> list[Change]:
        """Say what is wrong with a manifest; what ran before runs on."""
        plugin_id = known or os.path.basename(folder)
        if not self._follows(plugin_id):
            return []
        first = next(item for item in reading.findings if item.fatal)
        error = ManifestError(
            f"the manifest of {plugin_id} cannot be used",
            cause=first.message,
            at=os.path.join(folder, first.at) if first.at else folder,
            hint=f"kurt validate {folder}",
            findings=reading.findings,
            skill=plugin_id,
        )
        return [self._change(plugin_id, folder, save, self._failure(plugin_id, error), error)]

    def _failure(self, plugin_id: str, error: KurtError) -> str:
        if self._status(plugin_id) in _ALIVE:
            return "rolled-back"
        return "refused" if isinstance(error, PolicyError) else "failed"

    def _change(
        self, plugin_id: str, folder: str, save: Save, outcome: str, error: KurtError | None
    ) -> Change:
        ms = (time.time_ns() - save.moment(folder)) / 1e6
        version, generation = "", 0
        if error is not None:
            self._imprints.forget(plugin_id)  # what is made undone is to be told
        try:
            state = self._loader.get_plugin_state(plugin_id)
        except KurtError:
            pass
        else:
            version = state.metadata.version
            generation = state.generation if state.status in _ALIVE else 0
        files = tuple(sorted(save.files))
        return Change(plugin_id, version, folder, files, outcome, generation, ms, error)


async def _filled(folder: str, save: Save) -> None:
    """Wait, for a moment, for what is written into a source that was emptied before."""
    until = time.monotonic() + _SECOND_LOOK
    while any(_is_empty(os.path.join(folder, name)) for name in save.files if is_source(name)):
        if time.monotonic() > until:
            return
        await asyncio.sleep(_SECOND_LOOK / 10)


def _is_empty(path: str) -> bool:
    try:
        return os.path.getsize(path) == 0
    except OSError:
        return False


def _is_skill(folder: str) -> bool:
    return any(os.path.exists(os.path.join(folder, name)) for name in MANIFESTS)


def _read(folder: str) -> Reading | None:
    """Return what the manifest of a folder says, None where there is none."""
    from .manifest import read

    return read(folder) if _is_skill(folder) else None
