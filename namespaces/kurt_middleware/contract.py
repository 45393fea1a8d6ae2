"""What the author of a middleware implements."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from kurt_ext.contract import Invocation, Proceed

__all__ = ["Invocation", "Middleware", "Proceed"]


class Middleware(ABC):
    """A layer around every call.

    ::

        class Shield(Middleware):
            after = ("log",)  # further in than the log

            async def around(self, invocation, proceed):
                return await proceed(invocation)

    The order is that of ``enabled`` in the ``[middleware]`` table, outermost
    first; ``before`` and ``after`` are wishes that the order must keep.
    """

    #: Names of layers that must lie further in than this one.
    before: ClassVar[tuple[str, ...]] = ()
    #: Names of layers that must lie further out than this one.
    after: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    async def around(self, invocation: Invocation, proceed: Proceed) -> Any:
        """Await ``proceed(invocation)`` never, once or several times, and return a result.

        :param invocation: the call: ``reference``, ``params``, ``context``,
            ``on_progress``, and ``metadata`` that is merged into the result's.
        """
