"""The ways of a plugin from state to state, gone while whoever asks holds its turn.

A failure on the way leaves it FAILED, with its reason, cleaned up and forgotten.
"""

from __future__ import annotations

import asyncio
from importlib.metadata import EntryPoint
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import stages
from .errors import ContractError, KurtError
from .failure import load_error
from .hooks import Escaped, Late, bounded, late_error, unbroken
from .lifecycle import PluginStatus
from .lookup import REGISTERING_GROUP
from .portal import in_thread
from .reloading import Reload

if TYPE_CHECKING:
    from .candidates import Candidate
    from .flights import Wish
    from .life import Generation, Life
    from .loader import PluginLoader
    from .lookup import Found
    from .plugin_settings import Effective
    from .states import States

__all__ = ["Transitions"]


class Transitions:
    """What one loader does to a plugin whose turn is held.

    :param loader: asked for who lets plugins in, what they need, and how long hooks may take.
    :param states: what the loader tells of each plugin.
    """

    def __init__(self, loader: PluginLoader, states: States) -> None:
        self._loader = loader
        self._skills = loader.skills
        self._states = states

    async def load(self, life: Life, wish: Wish) -> None:
        """Let a plugin in, import it and call ``initialize``; what it needs is loaded first."""
        life.candidate = candidate = await in_thread(self._look, life)
        life.move("load", "loading")
        start = perf_counter()
        generation: Generation | None = None
        try:
            life.given = wish.config if wish.config is not None else life.given
            life.isolation = wish.isolation if wish.isolation is not None else life.isolation
            admitted = await self._loader.admission.admit(candidate, wish)
            self._admit(life, candidate, admitted)
            life.timed("check", start)
            await self._loader.dependencies.load_for(candidate)
            generation = self._skills.loading.begun(life, candidate)
            await self.build(life, candidate, generation)
            for extension in list(dict.fromkeys(generation.extensions.values())):
                await self._skills.readiness.initialize(life, extension)
        except BaseException as error:
            try:
                await unbroken(self.undo(life, generation))
            finally:
                failed = self.fail(life, candidate, error)
            if failed is error:
                raise
            raise failed from error
        self._loader.admission.succeeded(candidate)
        life.move("loaded", "loaded", ms=life.timed("load", start))
        self._skills.calls.bind(life)

    def _look(self, life: Life) -> Candidate:
        """Return the candidate to load, read anew where it may have changed."""
        if life.status == PluginStatus.FAILED:
            self._skills.look()  # whoever tries again has mended something, here or in another
        if self._loader.freshness.knows(life.candidate):
            candidate = self._loader.freshness.again(life.candidate)
        else:
            candidate = self._loader.candidate(life.name)
        self._loader.freshness.note(candidate)
        return candidate

    def _admit(self, life: Life, candidate: Candidate, admitted: Effective) -> None:
        life.admit(admitted, self._loader.admission.metadata(candidate), self._loader.hook_timeout)
        self._states.admit(life, candidate, admitted)

    def show_reloaded(self, life: Life, candidate: Candidate, admitted: Effective) -> None:
        """Let the state object tell of the new code."""
        self._admit(life, candidate, admitted)
        self._states.show(life)

    async def build(self, life: Life, candidate: Candidate, generation: Generation) -> None:
        """Import the code in a thread, and make the objects here."""
        found = self._offered(candidate, generation)
        limit = life.limit or self._loader.hook_timeout
        asked = [item for item in candidate.offers if item[0] == REGISTERING_GROUP]
        try:
            housing = await in_thread(self._skills.loading.housing, life, generation)
            with generation.ledger.watching():
                if housing is None:
                    import_all = self._skills.loading.import_all
                    await bounded(import_all, candidate, found, life, generation, limit=limit)
                for _, name, value in asked:
                    point = EntryPoint(name=name, value=value, group=REGISTERING_GROUP)
                    register = self._skills.loading.register
                    await bounded(register, candidate, point, generation, limit=limit)
        except Late as late:
            life.stick(generation)
            raise late_error("import", life.name, limit, late) from late
        except KurtError:
            raise
        except Exception as error:
            raise load_error(candidate, error) from error
        for item in self._offered(candidate, generation) if asked else found:
            try:
                self._skills.loading.build(item, generation)
            except KeyboardInterrupt as error:  # its own; a person's cancels the host's task
                raise load_error(candidate, Escaped(error), item.name) from error
        if not generation.extensions:
            raise ContractError(
                f"the code of {life.name} registers nothing that is enabled",
                at=candidate.location,
                hint=f"kurt explain {life.name}",
                skill=life.name,
            )
        life.tell("initializing")

    def _offered(self, candidate: Candidate, generation: Generation) -> list[Found]:
        return self._skills.lookup.loadable(candidate, generation.registry)

    async def undo(self, life: Life, generation: Generation | None) -> None:
        """End what a generation made, and forget its code."""
        if generation is None:
            return
        for _, error in await self._skills.readiness.end(life, generation, thorough=True):
            life.tell("left-behind", detail=[str(error)])
        self._skills.loading.forget(life)

    def fail(self, life: Life, candidate: Candidate, error: BaseException) -> BaseException:
        """Note a failure: state, reason, quarantine; return what to raise."""
        told = error
        if not isinstance(error, (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt)):
            told = life.masked(load_error(candidate, error))
            if isinstance(told, KurtError):
                self._loader.admission.failed(candidate, told)
        life.move("fail", "failed", error=told)
        return told

    async def activate(self, life: Life) -> None:
        """Call ``activate``; calls that somebody keeps run from now on."""
        start = perf_counter()
        async with _Failing(self, life):
            for extension in _made(life):
                await stages.activate(life, extension)
        life.move("activate", "activated", ms=_since(start))
        self._skills.calls.bind(life)

    async def deactivate(self, life: Life) -> None:
        """Refuse calls, and call ``deactivate``."""
        start = perf_counter()
        self._skills.calls.refuse(life)
        async with _Failing(self, life):
            for extension in reversed(_made(life)):
                await stages.deactivate(life, extension)
        life.move("deactivate", "deactivated", ms=_since(start))

    async def unload(self, life: Life, *, thorough: bool = True) -> None:
        """Wait for calls under way, deactivate and clean up, and forget the code.

        :param thorough: look in every module of the process for what it has changed.
        :raises HookError: when a hook fails; its code is forgotten nonetheless.
        """
        start = perf_counter()
        generation = life.generation
        if generation is not None:
            self._skills.calls.refuse(life)
            try:
                await Reload(self._loader, life).drained(generation)
            except BaseException:  # nothing has been ended yet, and it lives on
                if life.status != PluginStatus.INACTIVE:
                    self._skills.calls.bind(life)
                raise
        if life.status == PluginStatus.ACTIVE:
            await self.deactivate(life)
        life.move("unload", "unloading")
        failures: list[Any] = []
        if generation is not None:
            async with _Failing(self, life):
                failures = await self._skills.readiness.end(life, generation, thorough=thorough)
        self._skills.calls.loose(life)
        self._skills.loading.forget(life)
        if failures:
            error = life.masked(failures[0][1])
            life.move("fail", "failed", error=error)
            raise error
        life.move("unloaded", "unloaded", ms=_since(start))


class _Failing:
    """Leave a plugin FAILED, cleaned up and forgotten, where the block raises."""

    def __init__(self, transitions: Transitions, life: Life) -> None:
        self._transitions = transitions
        self._life = life

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            return
        life, transitions = self._life, self._transitions
        transitions._skills.calls.loose(life)
        try:
            await unbroken(transitions.undo(life, life.generation))
        finally:
            transitions.fail(life, life.candidate, error)


def _made(life: Life) -> list[Any]:
    generation = life.generation
    return list(dict.fromkeys(generation.extensions.values())) if generation else []


def _since(start: float) -> float:
    return (perf_counter() - start) * 1000
