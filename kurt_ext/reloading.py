"""Put new code in the place of the old while calls run: probe, swap, retire, or roll back.

The old modules are set aside under another name; the new code is imported
under the skill's own, checked, initialized and, where the old one is active,
activated. Up to there the old code serves every call, and a failure puts its
modules back as they were. The swap is one step without a pause; then the old
code is deactivated and cleaned up once no call runs in it any more.
"""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING, Any

from . import stages
from .errors import KurtError, PluginLoadError
from .hooks import unbroken
from .importer import drop_aside, restore, set_aside
from .inflight import busy
from .lifecycle import PluginStatus
from .loading import LOG
from .names import PACKAGE
from .portal import in_thread
from .registering import Registry
from .staging import commit, take_back

if TYPE_CHECKING:
    from types import ModuleType

    from .candidates import Candidate
    from .contract import Extension
    from .life import Generation, Life
    from .loader import PluginLoader
    from .receipts import Receipt

__all__ = ["Reload"]

#: Seconds between two looks whether a call still runs in old code.
_POLL = 0.02
_GET, _SET = "__reload_state__", "__reload_restore__"


class Reload:
    """One reload of one plugin, whose turn is held."""

    def __init__(self, loader: PluginLoader, life: Life) -> None:
        self._loader = loader
        self._life = life
        self._loading = loader.skills.loading
        self._readiness = loader.skills.readiness

    async def run(self, wish: Any) -> None:
        """Swap the plugin's code, or raise why not and leave the old one running.

        :raises KurtError: why the new code does not run.
        """
        life, loader = self._life, self._loader
        start = perf_counter()
        life.tell("reloading")
        old, before = life.current(), life.candidate
        kept = (life.admitted, life.metadata, life.limit)
        modules: dict[str, ModuleType] | None = None
        new: Generation | None = None
        replaced: Receipt | None = None
        try:
            if old.housing in (None, ...):
                _refuse_foreign(before)
            # What was downloaded for it meanwhile is what is to be loaded.
            replaced = await in_thread(commit, loader.skills.places, before)
            candidate = await unbroken(in_thread(loader.freshness.again, before))
            if candidate.version != before.version:
                loader.dependencies.refuse_unfit(life, candidate.version)
            admitted = await loader.admission.admit(candidate, wish)
            await loader.dependencies.load_for(candidate)
            given = perf_counter()  # the verdict is
            new = life.begin(candidate)
            life.admit(admitted, loader.admission.metadata(candidate), loader.hook_timeout)
            modules = set_aside(candidate.slug, old.number)
            new.registry = Registry()
            await self._probe(candidate, new, old)
            self._swap(candidate, old, new, admitted)
            life.timed("swap", given)
        except BaseException as error:
            if replaced is not None:
                await unbroken(self._put_back(before.scope, replaced))
            failed = await unbroken(self._roll_back(error, new, modules, kept))
            if failed is error:
                raise
            raise failed from error
        ms = life.timed("reload", start)
        retiring = loader.audience.spawn(self._retire(old, modules))
        try:
            await asyncio.shield(retiring)
        finally:
            life.tell("reloaded", ms=ms)

    async def _put_back(self, scope: str, replaced: Receipt) -> None:
        """Put the old version's files back; one that cannot be is said, and changes nothing."""
        try:
            await in_thread(take_back, self._loader.skills.places, scope, replaced)
        except KurtError as error:
            LOG.warning("%s: %s", replaced.name, error)

    async def _probe(self, candidate: Candidate, new: Generation, old: Generation) -> None:
        life = self._life
        await self._loader.transitions.build(life, candidate, new)
        states = {item.name: item.obj for item in old.extensions.values()}
        for extension in _made(new):
            await self._readiness.initialize(life, extension)
            await self._carry(states.get(extension.name), extension, old, new)
        if life.status == PluginStatus.ACTIVE:
            for extension in _made(new):
                await stages.activate(life, extension)
        elif life.status == PluginStatus.INACTIVE:
            new.stages.update(dict.fromkeys(_made(new), "inactive"))

    async def _carry(
        self, before: Any, extension: Extension, old: Generation, new: Generation
    ) -> None:
        """Hand the old object's state to the new one, where both know how."""
        give, take = getattr(before, _GET, None), getattr(extension.obj, _SET, None)
        if not callable(give) or not callable(take):
            return
        with old.ledger.watching():
            state = await stages.call_hook(self._life, give, _GET)
        with new.ledger.watching():
            await stages.call_hook(self._life, lambda: take(state), _SET)

    def _swap(self, candidate: Candidate, old: Generation, new: Generation, admitted: Any) -> None:
        """Make the new generation the current one; nothing is awaited meanwhile."""
        life = self._life
        life.take(new)
        if new.registry is not None:
            self._loading.registry.put_back(life.name, new.registry)
            new.registry = None
        self._loader.transitions.show_reloaded(life, candidate, admitted)
        self._loader.skills.calls.bind(life)

    async def _roll_back(
        self,
        error: BaseException,
        new: Generation | None,
        modules: dict[str, ModuleType] | None,
        kept: tuple[Any, ...],
    ) -> BaseException:
        life = self._life
        if new is not None:
            try:
                ended = await self._readiness.end(life, new, thorough=True)
                left = [str(failure) for _, failure in ended]
            except Exception as failure:
                left = [str(failure)]
            if left:
                life.tell("left-behind", detail=left)
        if modules is not None:
            restore(life.candidate.slug, modules)
        said = life.masked(error) if isinstance(error, Exception) else error
        life.put_back(*kept)
        self._loading.forget_record(life.candidate)
        told = said
        if not isinstance(said, (asyncio.CancelledError, KeyboardInterrupt, GeneratorExit)):
            told = said if isinstance(said, KurtError) else _wrapped(life, said)
        life.tell("rolled-back", error=told)
        return told

    # -- the old code ----------------------------------------------------------

    async def _retire(self, old: Generation, modules: dict[str, ModuleType]) -> None:
        """End the old code now, or, while calls run in it, as soon as they have ended."""
        if self._busy(old, modules.values()):
            self._loader.audience.spawn(self._retire_later(old, modules))
        else:
            await self._end(old, modules)

    async def _retire_later(self, old: Generation, modules: dict[str, ModuleType]) -> None:
        try:
            await self.drained(old, list(modules.values()))
        finally:  # also where the host ends meanwhile
            await self._end(old, modules)

    async def _end(self, old: Generation, modules: dict[str, ModuleType]) -> None:
        life = self._life
        failures = await self._readiness.end(life, old, heir=life.generation)
        drop_aside(life.candidate.slug, old.number)
        life.retire(old.number, modules.values())
        if failures:
            life.tell("left-behind", detail=[str(error) for _, error in failures])

    async def drained(
        self, generation: Generation, modules: list[ModuleType] | None = None
    ) -> list[str]:
        """Wait until no call runs in a generation's code; return those that still do in the end."""
        from .importer import modules_of

        if modules is None:
            modules = list(modules_of(self._life.candidate.slug).values())
        until = perf_counter() + self._loader.drain_timeout
        found = self._busy(generation, modules)
        while found and perf_counter() < until:
            await asyncio.sleep(_POLL)
            found = self._busy(generation, modules)
        return found

    def _busy(self, generation: Generation, modules: Any) -> list[str]:
        loops = {asyncio.get_running_loop(), *self._loader.skills.loops()}
        own: set[Any] = {*generation.ledger.started(), *generation.ledger.threads()}
        found: list[str] = busy(list(modules), loops, own)
        if generation.housing and generation.housing is not ...:
            found += generation.housing.busy()
        return found


def _refuse_foreign(candidate: Candidate) -> None:
    """Raise where a skill's code is imported under a name that others may import it by.

    Such a module cannot be set aside: whoever else has it would have the old one.
    """
    own = f"{PACKAGE}.{candidate.slug}"
    for _, name, value in candidate.offers:
        module = value.partition(":")[0].strip()
        if module != own and not module.startswith(own + "."):
            raise PluginLoadError(
                f"the code of {candidate.name} cannot be reloaded",
                cause=f"{name} is imported as {module}, which other programs may import too",
                hint="start the host again, or offer it as a skill: kurt new",
                skill=candidate.name,
            )


def _made(generation: Generation) -> list[Extension]:
    return list(dict.fromkeys(generation.extensions.values()))


def _wrapped(life: Life, error: BaseException) -> KurtError:
    from .failure import load_error

    if isinstance(error, Exception):
        return load_error(life.candidate, error)
    return PluginLoadError(
        f"the new code of {life.name} could not be loaded",
        cause=f"{type(error).__name__}: {error}",
        skill=life.name,
    )
