"""What a handler in a worker sees of the call that it serves."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from contextvars import ContextVar
from functools import cached_property
from typing import TYPE_CHECKING, Any

from . import frames
from .payloads import encode

if TYPE_CHECKING:
    import asyncio

    from .serving import Serving

__all__ = ["CALL", "CallSide"]

#: The number of the call whose code runs; 0 = of none.
CALL: ContextVar[int] = ContextVar("kurt_ext_call", default=0)


class CallSide:
    """What a handler sees of the call that it serves.

    :param id: its number; those of a worker's life differ.
    """

    # Not set in each: most calls need none of them.
    _cancelled = False
    task: asyncio.Task[Any] | None = None
    # Of a stream: what gives its items, and how many bytes of them the host has not yet taken.
    source: Any = None
    unseen = 0
    room: asyncio.Event | None = None

    def __init__(self, serving: Serving, id: int) -> None:
        self.id = id
        self._serving = serving

    @cached_property
    def sizes(self) -> deque[int]:
        """The sizes of the items that the host has not yet taken."""
        return deque()

    @property
    def cancelled(self) -> bool:
        """Whether the host has given the call up."""
        if not self._cancelled:
            self._serving.peek()
        return self._cancelled

    def cancel(self) -> None:
        """Note that the host has given it up."""
        self._cancelled = True

    def progress(self, value: Any) -> None:
        """Tell the host how far it has come; from any thread.

        :raises CallCancelledError: when the host has given the call up.
        :raises Unsendable: when the value cannot be sent.
        """
        if self.cancelled:
            from ..errors import CallCancelledError

            raise CallCancelledError("the host has cancelled the call")
        self._serving.send(frames.PROGRESS, self.id, *encode(value))

    def ask(
        self, name: str, operation: str, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Ask the host for an operation of something that it lends, and wait; in any thread.

        :raises KurtError: as the host raised it.
        :raises RemoteError: when what the host asked raised something else.
        """
        return self._serving.ask(self.id, name, operation, args, kwargs or {})

    async def aask(
        self, name: str, operation: str, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Ask as :meth:`ask` does, without holding the loop up."""
        return await self._serving.aask(self.id, name, operation, args, kwargs or {})
