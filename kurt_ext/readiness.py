"""What is ready to be used: each extension made so once, and ended in reverse order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import stages
from .errors import HookError, KurtError
from .lifecycle import PluginStatus, unloaded_error
from .managers import Outcome

if TYPE_CHECKING:
    from .contract import Extension
    from .life import Generation, Life
    from .loading import Loading

__all__ = ["Readiness"]


class Readiness:
    """The extensions of one manager whose life has begun.

    :param loading: what is loaded, and what has become of each skill.
    """

    def __init__(self, loading: Loading) -> None:
        self._loading = loading
        # In the order in which they were made ready.
        self._live: list[Extension] = []

    @property
    def is_idle(self) -> bool:
        """Whether nothing that was loaded has a hook to be called at the end."""
        return not self._live and not any(
            life.generation is not None
            and (life.generation.pending or life.generation.housing not in (None, ...))
            for life in self._loading.lives.values()
        )

    def is_waiting(self, extension: Extension) -> bool:
        """Whether :meth:`ready` still has something to do for an extension."""
        once = extension.generation.once.get(extension)
        return once is not None and not once.done

    async def ready(self, extension: Extension) -> Extension:
        """Finish an async factory and call ``initialize`` and ``activate``, once for everybody.

        :raises PluginLoadError: when one of them fails; ``cleanup`` was called then.
        :raises TransitionError: when the skill was deactivated.
        """
        once = extension.generation.once.get(extension)
        if once is not None and not once.done:
            await once.run(lambda: self._start(extension))
        self.use(extension)
        return extension

    def use(self, extension: Extension) -> Life:
        """Let the state of a skill tell that something of it is in use; return its life."""
        life = self._loading.life(extension.candidate)
        is_idle = life.status == PluginStatus.LOADED and not life.turn.is_taken
        if is_idle and not self.is_waiting(extension):
            life.move("activate", "activated")
        return life

    async def _start(self, extension: Extension) -> None:
        life = self._loading.life(extension.candidate)
        async with life.turn:
            life.refuse_inactive()
            if extension not in extension.generation.stages:
                # It failed, or its code went, while this waited for its turn.
                raise life.error if isinstance(life.error, KurtError) else unloaded_error(life.name)
            try:
                await self.initialize(life, extension)
                try:
                    await stages.activate(life, extension)
                except BaseException:
                    await stages.quietly(life, extension, "cleanup")
                    self.drop(extension)
                    raise
            except (HookError, KurtError) as error:
                self._loading.outcomes[extension.reference] = Outcome(
                    extension.reference, "failed", error=error
                )
                await self._fail(life, extension.generation, error)
                raise

    async def _fail(self, life: Life, generation: Generation, error: KurtError) -> None:
        """Let the state of a skill tell that nothing of it could be made ready on its first use."""
        said = self._loading.veiled(life, error)
        if life.is_ruled or generation.extensions or life.generation is not generation:
            return
        await self.end(life, generation)
        with self._loading.lock(generation.candidate):
            self._loading.forget(life)
        if life.status == PluginStatus.LOADED:
            life.move("fail", "failed", error=said)

    async def initialize(self, life: Life, extension: Extension) -> None:
        """Take an extension through its first stage, and remember to end it."""
        await stages.initialize(life, extension)
        if stages.has_hooks(extension) and extension not in self._live:
            self._live.append(extension)

    def drop(self, extension: Extension) -> None:
        """Forget an extension that is not to be ended any more."""
        extension.generation.forget(extension)
        if extension in self._live:
            self._live.remove(extension)

    async def end(
        self,
        life: Life,
        generation: Generation,
        *,
        heir: Generation | None = None,
        thorough: bool = False,
    ) -> list[tuple[Extension, Exception]]:
        """Deactivate and clean up what a generation made, the last one first; return failures.

        What its code started or changed in the process is undone after that.

        :param heir: the generation that takes its place, where there is one: it has
            what cannot be told apart.
        :param thorough: look for what it changed in every module of the process,
            which takes milliseconds, not only in those that it has a name for.
        """
        failures: list[tuple[Extension, Exception]] = []
        made = list(dict.fromkeys(generation.extensions.values()))
        try:
            for step in (stages.deactivate, stages.cleanup):
                for extension in reversed(made):
                    try:
                        await step(life, extension)
                    except Exception as error:
                        failures.append((extension, error))
        finally:  # of those that are left when it is cancelled, the next one to end them
            for extension in made:
                if extension not in generation.stages:
                    self.drop(extension)
            if generation.housing and generation.housing is not ...:
                await generation.housing.close()
        left = await generation.ledger.dispose(
            timeout=life.limit or stages.LIMIT,
            heir=heir.ledger if heir is not None else None,
            # What lived in a worker has changed nothing here.
            thorough=thorough and generation.housing in (None, ...),
        )
        if left:
            life.tell("left-behind", detail=[str(item) for item in left])
        return failures

    async def close(self) -> None:
        """Deactivate and clean up everything, the last one first; modules stay imported."""
        live = [extension.generation for extension in reversed(self._live)]
        every = [life.generation for life in self._loading.lives.values()]
        for generation in dict.fromkeys([*live, *every]):
            if generation is None:
                continue
            life = self._loading.life(generation.candidate)
            for extension, error in await self.end(life, generation):
                reference = extension.reference
                self._loading.outcomes[reference] = Outcome(reference, "failed", error=error)
            if life.generation is generation:
                life.take(None)
        self._live.clear()
        for life in self._loading.lives.values():
            life.reset()
