"""What the author of an integration implements."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from kurt_ext.grants import Grants

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
    #: What stands for the service in the worker of an isolated skill, as ``module:attribute``:
    #: it is called with what :meth:`lend` gave, by name. None = an object with those methods.
    face: ClassVar[str | Mapping[str, str] | None] = None

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

    def lend(
        self, name: str, service: Any, grants: Grants, skill: str
    ) -> Mapping[str, Callable[..., Any]] | None:
        """Return the operations that an isolated skill may use; None = it may not use any.

        The service stays in the host. An operation takes and returns plain data and bytes;
        what it is asked for must be looked up in ``grants``::

            def lend(self, name, service, grants, skill):
                return {"find": service.find}

        :param name: the name of the service; of interest where ``provides`` has several.
        :param service: what :meth:`start` gave.
        :param grants: what the skill declared and may do.
        :param skill: its name.
        """
        return None

    def stop(self) -> Awaitable[None] | None:
        """Give everything back; called once, also when :meth:`start` failed."""
        return None
