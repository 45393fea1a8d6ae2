"""How an integration is judged, started and stopped."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from kurt_ext.contract import Extension, Provider

if TYPE_CHECKING:
    from kurt_ext.grants import Grants

__all__ = ["provider", "violations"]


def violations(obj: Any) -> list[str]:
    """Return how an object is no integration, as sentences; empty where it is one.

    An object need not be derived from :class:`Integration`: that of a plugin.json has no base.
    """
    found = []
    if not callable(getattr(obj, "start", None)):
        found.append(f"{type(obj).__name__} has no method start(settings)")
    names = getattr(obj, "provides", "")
    if not isinstance(names, str) and not all(isinstance(name, str) for name in names):
        found.append("provides is a name, or a tuple of names")
    return found


def provider(extension: Extension) -> Provider:
    """Return the integration as the core starts and stops it."""
    return _Provider(extension)


class _Provider:
    def __init__(self, extension: Extension) -> None:
        self._obj = extension.obj
        self._reference = extension.reference
        given = getattr(self._obj, "provides", "") or extension.name
        self._several = not isinstance(given, str)
        self._names = tuple(given) if self._several else (given,)

    @property
    def names(self) -> tuple[str, ...]:
        return self._names

    def available(self) -> str | None:
        ask = getattr(self._obj, "available", None)
        reason = ask() if callable(ask) else None
        return None if reason is None else str(reason)

    async def start(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        service = self._obj.start(settings)
        if inspect.isawaitable(service):
            service = await service
        if not self._several:
            return {self._names[0]: service}
        if not isinstance(service, Mapping) or not set(self._names) <= set(service):
            raise TypeError(
                f"start of {self._reference} must return a mapping of {', '.join(self._names)}"
            )
        return {name: service[name] for name in self._names}

    @property
    def face(self) -> str | Mapping[str, str] | None:
        return getattr(self._obj, "face", None)

    def lend(
        self, name: str, service: Any, grants: Grants, skill: str
    ) -> Mapping[str, Callable[..., Any]] | None:
        lend: Any = getattr(self._obj, "lend", None)
        return None if lend is None else lend(name, service, grants, skill)

    async def stop(self) -> None:
        stop = getattr(self._obj, "stop", None)
        if callable(stop):
            done = stop()
            if inspect.isawaitable(done):
                await done
