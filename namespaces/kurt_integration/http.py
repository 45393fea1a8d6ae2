"""``http``: one shared asynchronous HTTP client, for calls that ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from .borrowed import PACKAGES
from .contract import Integration

if TYPE_CHECKING:
    from collections.abc import Callable

    from kurt_ext.grants import Grants

__all__ = ["Http", "HttpOptions"]

#: Packages with the same AsyncClient.
_PACKAGES = PACKAGES


class HttpOptions(BaseModel):
    """Options under ``[integration.http]``."""

    model_config = ConfigDict(extra="forbid")

    timeout: float = Field(default=30.0, gt=0, description="seconds for each request")
    retries: int = Field(default=2, ge=0, le=10, description="of connections that fail")
    max_connections: int = Field(default=20, ge=1)
    follow_redirects: bool = True
    lent_mb: int = Field(default=256, ge=1, description="of one answer, to an isolated skill")


class Http(Integration):
    """An ``AsyncClient`` of httpx2 or httpx, imported when it is first used."""

    provides = "http"
    face = "kurt_integration.borrowed:client"
    Options: ClassVar[type[BaseModel]] = HttpOptions

    def __init__(self, options: HttpOptions | None = None) -> None:
        self._options = options or HttpOptions()
        self._client: _Client | None = None

    def available(self) -> str | None:
        """Ask for one of the packages, without importing it."""
        if any(find_spec(package) is not None for package in _PACKAGES):
            return None
        return "neither httpx2 nor httpx is installed: pip install 'kurt-ext[http]'"

    def start(self, settings: Mapping[str, Any]) -> Any:
        """Return the client; nothing is imported or opened before its first use."""
        self._client = _Client(self._options)
        return self._client

    def lend(
        self, name: str, service: Any, grants: Grants, skill: str
    ) -> Mapping[str, Callable[..., Any]]:
        """Lend requests to declared hosts; see :mod:`kurt_integration.lent_http`."""
        from .lent_http import lent

        return lent(self._options, grants, skill)

    async def stop(self) -> None:
        """Close the client's connections."""
        if self._client is not None:
            await self._client.close()


class _Client:
    """Stands for the client until somebody uses it: its import costs more than most calls."""

    __slots__ = ("_made", "_options")

    def __init__(self, options: HttpOptions) -> None:
        self._options = options
        self._made: Any = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self._made is None:
            self._made = _client(self._options)
        return getattr(self._made, name)

    async def close(self) -> None:
        made, self._made = self._made, None
        if made is not None:
            await made.aclose()


def _client(options: HttpOptions) -> Any:
    package = import_module(next(name for name in _PACKAGES if find_spec(name) is not None))
    limits = package.Limits(max_connections=options.max_connections)
    return package.AsyncClient(
        timeout=options.timeout,
        follow_redirects=options.follow_redirects,
        limits=limits,
        transport=package.AsyncHTTPTransport(retries=options.retries, limits=limits),
    )
