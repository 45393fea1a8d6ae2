"""Engines: one extension is chosen for each role: ``run``, ``fetch``, ``map``."""

from __future__ import annotations

from kurt_ext import lazily

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

#: Public name → the module that it is fetched from.
_PLACES = {
    "BaseFetcher": ".contract",
    "BaseMapper": ".contract",
    "BaseRunner": ".contract",
    "FetchResult": ".models",
    "KIND": ".kind",
    "Link": ".models",
    "MapResult": ".models",
    "register_fetcher": ".registry",
    "register_mapper": ".registry",
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

if not TYPE_CHECKING:  # a checker that sees it would let every name pass
    __getattr__, __dir__ = lazily(__name__, _PLACES)
