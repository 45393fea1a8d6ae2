"""What lies around the calls of one manager: services, layers and the executor, each made once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from shlex import quote
from typing import TYPE_CHECKING, Any

from . import telemetry
from .binding import Surroundings
from .errors import ConfigError, ExtensionNotFoundError, ServiceUnavailableError, UntrustedError
from .kinds import EXECUTING_ROLE
from .managers import Outcome
from .ordering import arranged
from .portal import Once
from .services import CallContext, Services

if TYPE_CHECKING:
    from .contract import Around, Executor, Extension
    from .kinds import Kind
    from .manager import SkillManager

__all__ = ["Surrounding"]


class Surrounding:
    """The facets of all kinds, composed for one manager.

    :param host: the manager, asked for names, configuration and loading.
    """

    def __init__(self, host: SkillManager) -> None:
        self._host = host
        self._services: Services | None = None
        self._started: dict[str, Once] = {}
        self._layers: list[Around] | None = None
        self._executor: Executor | None = None
        self._composing = Once()

    @property
    def is_idle(self) -> bool:
        """Whether no service was started."""
        return not self._started

    @property
    def services(self) -> Services:
        """The services; those of roles are loaded when they are first asked for."""
        if self._services is None:
            self._services = Services(
                {
                    role.name: self._on_demand(kind, role.name)
                    for kind in self._host.kinds.values()
                    for role in kind.roles
                    if role.name != EXECUTING_ROLE
                }
            )
        return self._services

    async def of(self, extension: Extension, uses: tuple[str, ...] | None) -> Surroundings:
        """Return what lies around the calls of an extension, started and composed.

        :param uses: the services it needs; None = every one there is.
        :raises ConfigError: when a setting it needs is missing.
        """
        settings = self._host.settings(extension.skill)
        self._require_keys(extension, settings)
        await self._start(uses)
        await self._composing.run(self._compose)
        context = CallContext(extension.skill, extension.root, settings, self.services)
        layers = tuple(self._layers or ())
        span = telemetry.around(extension)
        layers = layers if span is None else (span, *layers)
        return Surroundings(context, layers, self._executor, self._host.call_limit(extension))

    def driver(self, kind: Kind[Any], role: str) -> Extension:
        """Return the extension that fills a role of a kind, loaded.

        :raises ExtensionNotFoundError: when the choice does not exist.
        :raises ConfigError: when there is none to choose.
        """
        entry = kind.role(role)
        choice = self._host.config.choice(kind.name, role) or entry.default
        if choice is None:
            raise ConfigError(
                f"nothing is chosen for the role {role} of {kind.name}",
                hint=f'write {role} = "NAME" under [{kind.name}] in kurt.toml',
            )
        skill, colon, name = choice.rpartition(":")
        if not name.startswith(role + "."):
            name = f"{role}.{name}"
        try:
            found = self._host.lookup.find(skill + colon + name, kind.namespace)
        except ExtensionNotFoundError as error:
            names = [n for n in self._host.lookup.names(kind) if n.startswith(role + ".")]
            raise ExtensionNotFoundError(
                f"[{kind.name}] {role} = {choice!r}: nothing in {kind.namespace} is called {name}",
                hint=f"one of {', '.join(n.removeprefix(role + '.') for n in names)}",
                candidates=names,
            ) from error
        return self._host.loading.load(found)

    def _on_demand(self, kind: Kind[Any], role: str) -> Callable[[], Any]:
        def service() -> Any:
            extension = self.driver(kind, role)
            if self._host.readiness.is_waiting(extension):
                raise ServiceUnavailableError(
                    f"the service {role!r} is not started",
                    cause=f"{extension.reference} has hooks that must run first",
                    hint=f"name it in `uses`, for example uses = ({role!r},)",
                )
            return extension.obj

        return service

    @staticmethod
    def _table(skill: str) -> str:
        return f"[skill.{skill}]" if "." not in skill else f'[skill."{skill}"]'

    def _require_keys(self, extension: Extension, settings: Mapping[str, Any]) -> None:
        candidate = extension.candidate
        if candidate is None or not candidate.location:
            return
        for name in self._host.loading.record(candidate)["requires_api"]:
            if settings.get(name) in (None, ""):
                self._refuse_ignored(extension.skill, name)
                raise ConfigError(
                    f"the skill {extension.skill} needs the API {name}, which is not configured",
                    cause=f"there is no key {name} under {self._table(extension.skill)}",
                    at=self._host.places.project_config,
                    hint=f"kurt config set skill.{extension.skill}.{name} env:"
                    + name.upper().replace("-", "_").replace(".", "_"),
                    skill=extension.skill,
                )

    def _refuse_ignored(self, skill: str, api: str) -> None:
        """Raise where the project has the key, and nobody has trusted the project."""
        from .settings import ignored_at

        file = ignored_at(self._host.config, ("skill", skill, api))
        if file is not None:
            raise UntrustedError(
                f"the skill {skill} needs the API {api}, and its key is ignored",
                cause="the project that sets it is not trusted",
                at=file,
                hint=f"kurt skill trust {quote(self._host.places.project)}",
                skill=skill,
            )

    # -- services ----------------------------------------------------------------

    async def _start(self, uses: tuple[str, ...] | None) -> None:
        """Start the providers that are enabled and needed, each once."""
        if uses is not None and not uses:
            return
        for kind in self._host.kinds.values():
            for role in kind.roles:
                if uses is not None and role.name in uses and role.name != EXECUTING_ROLE:
                    await self._host.readiness.ready(self.driver(kind, role.name))
        for kind in self._host.kinds.with_facet("provide"):
            found = self._host.lookup.enabled(kind)
            if uses is not None and {item.name for item in found}.issuperset(uses):
                found = [item for item in found if item.name in uses]
            for extension in self._host.loading.load_all(kind, found):
                once = self._started.setdefault(extension.reference, Once())
                if not once.done:
                    await once.run(partial(self._start_one, extension))
            for item in found:
                outcome = self._host.loading.outcomes.get(item.reference)
                if outcome is not None and outcome.state == "failed":
                    self.services.unavailable([item.name], outcome.reason or "it failed to load")

    async def _start_one(self, extension: Extension) -> None:
        """Start one provider; a failure is its outcome and the reason of its services."""
        outcomes = self._host.loading.outcomes
        reference = extension.reference
        try:
            await self._host.readiness.ready(extension)
            settings = self._host.settings(extension.skill)
            provider = extension.kind.facet("provide")(extension)
            reason = await self.services.start(reference, provider, settings)
        except Exception as error:
            outcomes[reference] = Outcome(reference, "failed", error=error)
            self.services.unavailable([extension.name], f"{type(error).__name__}: {error}")
        else:
            if reason is not None:
                outcomes[reference] = Outcome(reference, "unavailable", reason=reason)

    # -- layers and executor -----------------------------------------------------

    async def _compose(self) -> None:
        self._executor = await self._chosen_executor()
        extensions: list[Extension] = []
        for kind in self._host.kinds.with_facet("around"):
            found = self._host.lookup.enabled(kind)
            loaded = self._host.loading.load_all(kind, found)
            for item in found:
                outcome = self._host.loading.outcomes[item.reference]
                if outcome.error is not None:
                    # A layer may guard; calls must not go on without it.
                    raise outcome.error
            extensions += [await self._host.readiness.ready(extension) for extension in loaded]
        self._layers = [
            extension.kind.facet("around")(extension) for extension in _in_order(extensions)
        ]

    async def _chosen_executor(self) -> Executor | None:
        for kind in self._host.kinds.with_facet("execute"):
            if any(role.name == EXECUTING_ROLE for role in kind.roles):
                extension = self.driver(kind, EXECUTING_ROLE)
                await self._host.readiness.ready(extension)
                executor: Executor | None = kind.facet("execute")(extension)
                return executor
        return None

    def recompose(self) -> None:
        """Compose layers and executor again for the calls that are made from now on."""
        self._layers = self._executor = None
        self._composing = Once()

    async def close(self) -> None:
        """Stop the services that were started, the last one first."""
        services, self._services = self._services, None
        self._started.clear()
        self.recompose()
        for reference, error in await services.stop() if services is not None else []:
            self._host.loading.outcomes[reference] = Outcome(reference, "failed", error=error)


def _in_order(extensions: list[Extension]) -> list[Extension]:
    """Return the extensions in configured order, their wishes kept.

    :raises CircularOrderError: when the wishes form a circle.
    """
    by_reference = {extension.reference: extension for extension in extensions}

    def references(names: Any) -> list[str]:
        wanted = set(names)
        return [r for r, extension in by_reference.items() if wanted & {r, extension.name}]

    wishes = {}
    for reference, extension in by_reference.items():
        facet = extension.kind.facet("wraps")
        before, after = facet(extension) if facet is not None else ((), ())
        wishes[reference] = (references(before), references(after))
    return [by_reference[reference] for reference in arranged(list(by_reference), wishes)]
