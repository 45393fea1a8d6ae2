"""The long-lived services of a manager: started once, lent to calls, stopped once in reverse."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from .errors import ServiceUnavailableError

if TYPE_CHECKING:
    from .contract import Provider

__all__ = ["CallContext", "Services", "freeze"]


def freeze(value: Any) -> Any:
    """Return a read-only copy of JSON-like data, whatever its depth."""
    if isinstance(value, Mapping):
        return MappingProxyType({key: freeze(item) for key, item in value.items()})
    if isinstance(value, (list, tuple)):
        return tuple(freeze(item) for item in value)
    return value


class Services(Mapping[str, Any]):
    """The services that calls may use, by name; read-only to everybody but the manager.

    :param on_demand: makes a service when it is first asked for, by name.
    """

    __slots__ = ("_on_demand", "_owners", "_reasons", "_stops", "_values")

    def __init__(self, on_demand: Mapping[str, Callable[[], Any]] | None = None) -> None:
        self._on_demand = dict(on_demand or {})
        self._values: dict[str, Any] = {}
        self._owners: dict[str, tuple[str, Provider]] = {}
        self._reasons: dict[str, str] = {}
        self._stops: list[tuple[str, Callable[[], Awaitable[None]]]] = []

    def __getitem__(self, name: str) -> Any:
        if name in self._values:
            return self._values[name]
        if name in self._on_demand:
            return self._on_demand[name]()
        reason = self._reasons.get(name)
        raise ServiceUnavailableError(
            f"the service {name!r} is not there",
            cause=reason or "no enabled extension provides it",
            hint=None if reason else "kurt list",
            candidates=sorted(self),
        )

    def __iter__(self) -> Iterator[str]:
        return iter({**self._values, **self._on_demand})

    def __len__(self) -> int:
        return len({**self._values, **self._on_demand})

    def reason(self, name: str) -> str | None:
        """Return why a service is not there; None where nobody knows or it is there."""
        return None if name in self._values else self._reasons.get(name)

    def owner(self, name: str) -> tuple[str, Provider] | None:
        """Return the reference of who provides a service, and the provider.

        None where it is not started, or fills a role: then the service is its own provider.
        """
        return self._owners.get(name) if name in self._values else None

    def unavailable(self, names: Iterable[str], reason: str) -> None:
        """Note why services are not there; the first reason of a name stays."""
        for name in names:
            self._reasons.setdefault(name, reason)

    async def start(
        self, reference: str, provider: Provider, settings: Mapping[str, Any]
    ) -> str | None:
        """Start a provider and take its services; return why not, where it cannot.

        A name that is provided already stays with the first provider.

        :raises BaseException: what its ``start`` raised, after its ``stop`` was called.
        """
        reason = provider.available()
        if reason is not None:
            self.unavailable(provider.names, reason)
            return reason
        try:
            made = await provider.start(settings)
        except BaseException as error:
            self.unavailable(provider.names, f"{reference} failed: {type(error).__name__}: {error}")
            await provider.stop()
            raise
        self._stops.append((reference, provider.stop))
        for name, service in made.items():
            if name not in self._values:
                self._values[name] = service
                self._owners[name] = (reference, provider)
        return None

    async def stop(self) -> list[tuple[str, BaseException]]:
        """Stop what was started, the last one first; return what failed to stop."""
        failed: list[tuple[str, BaseException]] = []
        while self._stops:
            reference, stop = self._stops.pop()
            try:
                await stop()
            except Exception as error:  # one that fails must not keep the others from stopping
                failed.append((reference, error))
        self._values.clear()
        self._owners.clear()
        return failed


class CallContext:
    """The core's :class:`kurt_ext.contract.Context`: one per skill, read-only."""

    __slots__ = ("_root", "_services", "_settings", "_skill")

    def __init__(
        self, skill: str, root: str | None, settings: Mapping[str, Any], services: Services
    ) -> None:
        self._skill = skill
        self._root = root
        self._settings: Mapping[str, Any] = freeze(settings)
        # To look at, not to start or stop.
        self._services: Mapping[str, Any] = MappingProxyType(services)

    @property
    def skill(self) -> str:
        """The name of the skill."""
        return self._skill

    @property
    def root(self) -> str | None:
        """The skill's folder."""
        return self._root

    @property
    def settings(self) -> Mapping[str, Any]:
        """The skill's settings, read-only at every depth."""
        return self._settings

    @property
    def services(self) -> Mapping[str, Any]:
        """The services by name."""
        return self._services
