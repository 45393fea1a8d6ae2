"""Engines: one extension is chosen for each role: ``run``, ``fetch``, ``map``."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .contract import BaseFetcher as BaseFetcher
    from .contract import BaseMapper as BaseMapper
    from .contract import BaseRunner as BaseRunner
    from .kind import KIND as KIND
    from .models import FetchResult as FetchResult
    from .models import Link as Link
    from .models import MapResult as MapResult
    from .registry import register_fetcher as register_fetcher
    from .registry import register_mapper as register_mapper

_PLACES = {
    "BaseFetcher": "contract",
    "BaseMapper": "contract",
    "BaseRunner": "contract",
    "FetchResult": "models",
    "KIND": "kind",
    "Link": "models",
    "MapResult": "models",
    "register_fetcher": "registry",
    "register_mapper": "registry",
}

__all__ = [
    "KIND",
    "BaseFetcher",
    "BaseMapper",
    "BaseRunner",
    "FetchResult",
    "Link",
    "MapResult",
    "register_fetcher",
    "register_mapper",
]


def __getattr__(name: str) -> object:
    place = _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f".{place}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES})
