"""Load what a plugin needs before it, and keep what is needed from going."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import constraints
from .errors import (
    DependencyError,
    KurtError,
    NotFoundError,
    PluginVersionConflictError,
    TransitionError,
)
from .lifecycle import PluginStatus
from .loadorder import Order, asked, order

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .candidates import Candidate
    from .life import Life
    from .loader import PluginLoader
    from .models import PluginDependency, PluginMetadata

__all__ = ["Dependencies", "failed_with"]

_LOADED = (PluginStatus.LOADED, PluginStatus.ACTIVE)


class Dependencies:
    """Who needs whom, among the plugins that one loader knows."""

    def __init__(self, loader: PluginLoader) -> None:
        self._loader = loader

    def closure(self, names: list[str]) -> list[PluginMetadata]:
        """Return the manifests of plugins and of everything they need that is there."""
        discovery = self._loader.skills.discover()
        waiting, found = list(names), dict[str, "PluginMetadata"]()
        while waiting:
            name = waiting.pop()
            if name in found:
                continue
            try:
                found[name] = self._loader.admission.metadata(discovery.skill(name))
            except (NotFoundError, KurtError, ValueError, OSError):
                continue  # `order` says who misses it
            waiting += [item.plugin_id for item in found[name].dependencies]
        return list(found.values())

    def order_of(self, names: list[str]) -> Order:
        """Return the order in which plugins, and what they need, can be loaded."""
        return order(self.closure(names), runtime_version=self._loader.runtime_version)

    def required(self, candidate: Candidate) -> set[str]:
        """Return the ids of what a plugin cannot do without."""
        wanted = self._loader.admission.metadata(candidate).dependencies
        return {item.plugin_id for item in wanted if not item.optional}

    async def load_for(self, candidate: Candidate) -> None:
        """Load what a plugin needs; of what it can do without, what loads.

        :raises DependencyError: when one of them is missing or fails.
        :raises CircularDependencyError: when it needs itself in the end.
        """
        if not self._loader.skills.loading.record(candidate)["dependencies"]:
            return
        name = candidate.name
        found = self.order_of([name])
        error = found.unloadable.get(name)
        if error is not None:
            raise error
        required = self.required(candidate)
        for other in found.needs.get(name, ()):
            try:
                await self._load(other)
            except KurtError as failure:
                if other in required:
                    raise failed_with(name, other, failure) from failure

    async def _load(self, name: str) -> None:
        loader = self._loader
        life = loader.skills.loading.life(loader.candidate(name))
        if life.status == PluginStatus.INACTIVE:
            return  # it is loaded, and switched off by somebody who knows why
        if life.status not in _LOADED:
            await loader.load_plugin(name)  # judged, whatever was asked for the one that needs it

    async def activate_for(self, life: Life) -> None:
        """Activate what a plugin needs, where it is loaded and not active.

        :raises DependencyError: when one of them fails.
        """
        loading = self._loader.skills.loading
        required = {need.plugin_id for need in self._needs(life)}
        if not required:
            return
        for other in self.order_of([life.name]).needs.get(life.name, ()):
            needed = loading.life(self._loader.candidate(other))
            if needed.status == PluginStatus.LOADED and other in required:
                try:
                    await self._loader.activate_plugin(other)
                except TransitionError:
                    continue  # somebody else was faster
                except KurtError as failure:
                    raise failed_with(life.name, other, failure) from failure

    def _needs(self, life: Life) -> Sequence[PluginDependency]:
        """Return what a plugin that is loaded needs; its files may be gone."""
        try:
            return (life.metadata or self._loader.admission.metadata(life.candidate)).dependencies
        except (KurtError, ValueError, OSError):
            return ()

    def refuse_unfit(self, life: Life, version: str) -> None:
        """Raise where another version of a plugin would not do for one that is loaded.

        :raises PluginVersionConflictError: with those who need an older or a newer one.
        """
        story, users = [], []
        for other, need in self._users(life):
            if not constraints.parse(need.version_constraint).allows(version):
                story.append(f"{other.name} needs {asked(need)}")
                users.append(other.name)
        if story:
            raise PluginVersionConflictError(
                f"{life.name} {version} cannot take the place of {life.candidate.version}",
                cause="\n".join(story),
                hint=f"reload what takes it first: kurt plugin reload {users[0]}",
                skill=life.name,
                story=story,
            )

    def _users(self, life: Life) -> Iterator[tuple[Life, PluginDependency]]:
        """Yield the plugins that are loaded, or are being, and need this one; with their need."""
        for other in list(self._loader.skills.loading.lives.values()):
            if other is life or not other.candidate.location:
                continue
            alive = other.status in (*_LOADED, PluginStatus.INACTIVE)
            if other.status == PluginStatus.LOADING or (alive and other.generation is not None):
                for need in self._needs(other):
                    if need.plugin_id == life.name and not need.optional:
                        yield other, need

    def refuse_needed(self, life: Life) -> None:
        """Raise where a plugin that is loaded needs this one.

        :raises TransitionError: with those that are to be unloaded before.
        """
        found = [other for other, _ in self._users(life)]
        users = [other.name for other in found]
        if users:
            raise TransitionError(
                f"the plugin {life.name} cannot be unloaded while {_and(users)} needs it",
                cause=_and([f"{other.name} is {other.status}" for other in found]),
                hint=f"kurt plugin unload {users[0]}",
                skill=life.name,
                status=str(life.status),
                wish="unload",
                legal=("deactivate", "reload"),
            )


def failed_with(name: str, other: str, failure: KurtError) -> DependencyError:
    """Return the error of a plugin whose dependency failed."""
    chain = failure.chain if isinstance(failure, DependencyError) else (other,)
    return DependencyError(
        f"{name} needs {other}, which could not be loaded",
        cause=failure.message + (f": {failure.cause}" if failure.cause else ""),
        at=failure.at,
        hint=failure.hint or f"kurt plugin load {other}",
        skill=name,
        chain=(name, *[item for item in chain if item != name]),
    )


def _and(names: list[str]) -> str:
    return " and ".join(names)
