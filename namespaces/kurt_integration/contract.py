"""What the author of an integration implements."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Mapping
from typing import Any, ClassVar

__all__ = ["Integration"]


class Integration(ABC):
    """A service that lives as long as the manager: a database, a client, a model.

    ::

        class Notes(Integration):
            provides = "notes"

            def available(self):
                return None if find_spec("notes") else "the package notes is not installed"

            async def start(self, settings):
                self.client = await notes.connect(settings["url"])
                return self.client

            async def stop(self):
                await self.client.close()
    """

    #: The name of the service, ``context.services[NAME]``; several where
    #: :meth:`start` returns a mapping. Empty = the name of the extension.
    provides: ClassVar[str | tuple[str, ...]] = ""

    def available(self) -> str | None:
        """Return None when the service can start, else one sentence why not.

        Asked once, before :meth:`start`; must be cheap and must not raise.
        """
        return None

    @abstractmethod
    def start(self, settings: Mapping[str, Any]) -> Any | Awaitable[Any]:
        """Start, as ``def`` or ``async def``, and return the service.

        :param settings: the table ``[skill.NAME]`` of the skill that offers it.
        :returns: the service, or a mapping of services where ``provides`` names several.
        """

    def stop(self) -> Awaitable[None] | None:
        """Give everything back; called once, also when :meth:`start` failed."""
        return None
