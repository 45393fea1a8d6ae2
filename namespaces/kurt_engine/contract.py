"""What the author of an engine implements, one class per role."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from .models import FetchResult, MapResult

__all__ = ["BaseFetcher", "BaseMapper", "BaseRunner"]


class BaseFetcher(ABC):
    """Gets a document by its address; extension ``fetch.NAME``."""

    name: ClassVar[str] = ""

    @abstractmethod
    def fetch(self, url: str) -> FetchResult | Awaitable[FetchResult]:
        """Return the document at ``url``, as ``def`` or ``async def``.

        :raises Exception: when it cannot be had; the call then fails with it.
        """


class BaseMapper(ABC):
    """Finds the addresses that a document leads to; extension ``map.NAME``."""

    name: ClassVar[str] = ""

    @abstractmethod
    def map(self, source: str, base: str = "") -> MapResult | Awaitable[MapResult]:
        """Return the links of ``source``, as ``def`` or ``async def``.

        :param source: the document itself.
        :param base: the address it was found at, for relative links.
        """


class BaseRunner(ABC):
    """Executes calls; extension ``run.NAME``."""

    name: ClassVar[str] = ""

    @abstractmethod
    async def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call ``function(*args)``, which may be sync or async, and return what it gives."""
