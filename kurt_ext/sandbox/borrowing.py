"""The services that an isolated skill sees in its worker: each stands for one of the host's.

Nothing here is a boundary. What is lent, and what may be asked of it, the host decides at every
request; see :mod:`.lending`.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from ..errors import ServiceUnavailableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from typing import Any, TypeAlias

    #: Asks the host: service, operation, arguments, named arguments.
    Ask: TypeAlias = Callable[[str, str, list[Any], dict[str, Any]], Any]
    AsyncAsk: TypeAlias = Callable[[str, str, list[Any], dict[str, Any]], Awaitable[Any]]

__all__ = ["DESCRIBE", "Borrowed", "Face", "borrowed"]

#: The operation that every service has: what it lends.
DESCRIBE = ""


class Borrowed(Mapping[str, "Any"]):
    """The services that a skill sees in its worker, each made when it is first used."""

    __slots__ = ("_aask", "_ask", "_description", "_made")

    def __init__(self, description: Mapping[str, Any], ask: Ask, aask: AsyncAsk) -> None:
        self._description = dict(description)
        self._ask = ask
        self._aask = aask
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        made = self._made.get(name)
        if made is None:
            made = self._made[name] = self._make(name)
        return made

    def __iter__(self) -> Iterator[str]:
        return iter([name for name, entry in self._description.items() if "reason" not in entry])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return name in self._made or "reason" not in self._description.get(str(name), {"reason": 1})

    def __repr__(self) -> str:
        return f"<services lent by the host: {', '.join(self)}>"

    def _make(self, name: str) -> Any:
        entry = self._description.get(name)
        if entry is None or entry["operations"] is None:
            # It was not started when the description was made, or is not there: the host knows.
            entry = self._ask(name, DESCRIBE, [], {})
        reason = entry.get("reason")
        if reason is not None:
            told = {key: reason.get(key) for key in ("cause", "hint", "skill")}
            candidates = reason.get("candidates") or ()
            raise ServiceUnavailableError(reason["message"], candidates=candidates, **told)
        operations = {
            operation: self._operation(name, operation, how == "async")
            for operation, how in entry["operations"].items()
        }
        if entry["face"] is None:
            return Face(name, operations)
        module, _, attribute = entry["face"].partition(":")
        try:
            return getattr(import_module(module), attribute)(operations)
        except ImportError as error:
            raise ServiceUnavailableError(
                f"the service {name!r} cannot be used in the skill's environment",
                cause=str(error),
                hint=f"pip install {error.name}" if error.name else None,
            ) from error

    def _operation(self, name: str, operation: str, is_async: bool) -> Callable[..., Any]:
        ask, aask = self._ask, self._aask

        async def later(*args: Any, **kwargs: Any) -> Any:
            return await aask(name, operation, list(args), kwargs)

        def now(*args: Any, **kwargs: Any) -> Any:
            return ask(name, operation, list(args), kwargs)

        made = later if is_async else now
        made.__name__ = made.__qualname__ = operation
        return made


class Face:
    """Stands in the worker for a service of the host: its methods are the lent operations."""

    def __init__(self, name: str, operations: Mapping[str, Callable[..., Any]]) -> None:
        self.__dict__.update(operations)
        self._name = name
        self._lent = tuple(operations)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(
            f"the service {self._name!r} lends no {name!r} to isolated skills; "
            f"it lends {', '.join(self._lent) or 'nothing'}",
            name=name,
            obj=self,
        )

    def __repr__(self) -> str:
        return f"<the service {self._name}, lent by the host>"


def borrowed(description: Mapping[str, Any], ask: Ask, aask: AsyncAsk) -> Borrowed:
    """Return the services of a call in the worker, from what the host described.

    :param ask: asks the host and waits for its answer, in any thread.
    :param aask: the same for async code.
    """
    return Borrowed(description, ask, aask)
