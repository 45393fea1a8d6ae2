"""Decorators for fetchers and mappers, beside the manifest's ``implements``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, overload

from kurt_ext.manager import register

from .contract import BaseFetcher, BaseMapper
from .kind import KIND

__all__ = ["register_fetcher", "register_mapper"]

F = TypeVar("F", bound=type[BaseFetcher])
M = TypeVar("M", bound=type[BaseMapper])


@overload
def register_fetcher(fetcher: F, /) -> F: ...
@overload
def register_fetcher(*, name: str | None = None) -> Callable[[F], F]: ...
def register_fetcher(
    fetcher: F | None = None, /, *, name: str | None = None
) -> F | Callable[[F], F]:
    """Register a fetcher class as ``fetch.NAME``, by its ``name`` or the one given."""

    def decorate(cls: F) -> F:
        _register("fetch", name or cls.name, cls)
        return cls

    return decorate if fetcher is None else decorate(fetcher)


@overload
def register_mapper(mapper: M, /) -> M: ...
@overload
def register_mapper(*, name: str | None = None) -> Callable[[M], M]: ...
def register_mapper(mapper: M | None = None, /, *, name: str | None = None) -> M | Callable[[M], M]:
    """Register a mapper class as ``map.NAME``, by its ``name`` or the one given."""

    def decorate(cls: M) -> M:
        _register("map", name or cls.name, cls)
        return cls

    return decorate if mapper is None else decorate(mapper)


def _register(role: str, name: str, cls: type) -> None:
    # An empty name stays empty, so that the core refuses it with its own words.
    register(KIND.namespace, name and f"{role}.{name.removeprefix(role + '.')}", cls)
