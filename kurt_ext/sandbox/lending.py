"""Services lent to an isolated skill: operations by name, which the host answers.

The object never leaves the host. Who provides a service says by its method ``lend`` which
operations an isolated skill may use; what goes to them and comes back is data. In the worker a
face with the same methods stands for the service.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import CallError, KurtError, LimitError, ServiceUnavailableError
from ..grants import Grants
from .borrowing import DESCRIBE, borrowed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import ThreadPoolExecutor
    from typing import Any, TypeAlias

    from ..services import Services

    #: Told of each use: the list of the manifest, what was asked for, and whether it is allowed.
    Seen: TypeAlias = Callable[[str, str, bool], None]

__all__ = ["Loans", "borrowed", "loans"]

#: Operations of one skill that the host works on at a time, and how many of them in threads.
_MAX_PENDING, _THREADS = 128, 2
#: Levels of what an operation returns, and characters of what its exception says.
_DEPTH, _SAID = 64, 2000


class Loans:
    """What the host lends to one isolated skill, and answers.

    Services are looked up when they are asked for, so that one that is started later is lent too.

    :param services: those of the manager.
    :param grants: what the skill may do; who lends looks its requests up there.
    :param skill: its name.
    :param seen: told of what is looked up in the grants, and of what was refused.
    """

    def __init__(
        self, services: Services, grants: Grants, skill: str, seen: Seen | None = None
    ) -> None:
        self._services = services
        self._grants = grants if seen is None else _Watched(grants, seen)
        self._skill = skill
        self._loans: dict[str, _Loan] = {}
        self._pending = 0
        self._threads: ThreadPoolExecutor | None = None

    def describe(self) -> dict[str, Any]:
        """Return, by name, what is lent, as :func:`~.borrowing.borrowed` takes it.

        ``operations`` is name → ``"sync"`` or ``"async"``; None where only asking tells, as of
        a role that nobody has loaded yet. ``reason`` says why nothing is lent.
        """
        return {
            name: self._described(name) if self._services.owner(name) else _UNASKED
            for name in sorted(self._services)
        }

    def _described(self, name: str) -> dict[str, Any]:
        try:
            return self._loan(name).as_dict()
        except ServiceUnavailableError as error:
            return {"operations": {}, "face": None, "reason": error.as_dict()}

    async def answer(
        self,
        name: str,
        operation: str,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run an operation for the skill, and return its value as data.

        A sync operation runs in one of two threads of the skill's own.

        :raises ServiceUnavailableError: when the service, or that operation of it, is not lent.
        :raises LimitError: when too many are waited for.
        :raises CallError: what the operation raised; of kurt's own classes as it is.
        """
        if operation == DESCRIBE:
            return self._described(name)
        loan = self._loan(name)
        function = loan.operations.get(operation)
        if function is None:
            raise ServiceUnavailableError(
                f"the service {name!r} does not lend {operation!r} to isolated skills",
                candidates=sorted(loan.operations),
                skill=self._skill,
            )
        if self._pending >= _MAX_PENDING:
            raise LimitError(
                f"{self._skill} asks for too much at a time",
                cause=f"{_MAX_PENDING} requests to services wait for their answer",
                limit="pending_requests",
                allowed=_MAX_PENDING,
                skill=self._skill,
            )
        self._pending += 1
        try:
            value = await self._run(loan.is_async(operation), function, args, kwargs or {})
        except KurtError:
            raise
        except Exception as error:
            said = f"{type(error).__name__}: {error}"[:_SAID]
            raise CallError(f"{name}.{operation} failed", cause=said, skill=self._skill) from error
        finally:
            self._pending -= 1
        return _plain(value, f"{name}.{operation}")

    async def _run(
        self,
        is_async: bool,
        function: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> Any:
        from inspect import isawaitable

        if is_async:
            return await function(*args, **kwargs)
        from asyncio import get_running_loop

        if self._threads is None:
            from concurrent.futures import ThreadPoolExecutor

            # Not the loop's own: one skill must not keep the others, and the host, from theirs.
            self._threads = ThreadPoolExecutor(_THREADS, f"lent to {self._skill}")
        value = await get_running_loop().run_in_executor(
            self._threads, lambda: function(*args, **kwargs)
        )
        return await value if isawaitable(value) else value

    def _loan(self, name: str) -> _Loan:
        service = self._services[name]
        known = self._loans.get(name)
        if known is not None and known.service is service:
            return known
        reference, lender = self._services.owner(name) or (f"what fills {name}", service)
        lend = getattr(lender, "lend", None)
        lent = None
        if callable(lend):
            try:
                lent = lend(name, service, self._grants, self._skill)
            except Exception as error:
                raise self._unlent(
                    name, f"lend of {reference} failed: {type(error).__name__}: {error}"
                ) from error
        if lent is None:
            why = "lends it to nobody" if callable(lend) else "has no method lend"
            raise self._unlent(name, f"{reference} {why}")
        if not isinstance(lent, Mapping) or not all(
            isinstance(key, str) and key.isidentifier() and callable(value)
            for key, value in lent.items()
        ):
            raise self._unlent(name, f"lend of {reference} gives no mapping of functions")
        face = getattr(lender, "face", None)
        if isinstance(face, Mapping):
            face = face.get(name)
        known = self._loans[name] = _Loan(service, lent, str(face) if face else None)
        return known

    def _unlent(self, name: str, cause: str) -> ServiceUnavailableError:
        return ServiceUnavailableError(
            f"the service {name!r} is not lent to isolated skills",
            cause=cause,
            hint="its provider lends operations by a method: def lend(self, name, service, "
            'grants, skill): return {"OPERATION": service.OPERATION}',
            skill=self._skill,
        )

    async def close(self) -> None:
        """Give back what was opened for the skill; to be called when its worker has ended.

        What lends may have a method ``close``, sync or async, on the mapping it returned.
        """
        from inspect import isawaitable

        given, self._loans = self._loans, {}
        threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=False, cancel_futures=True)
        for loan in given.values():
            close = getattr(loan.operations, "close", None)
            if callable(close):
                done = close()
                if isawaitable(done):
                    await done


class _Loan:
    __slots__ = ("face", "operations", "service")

    def __init__(
        self, service: Any, operations: Mapping[str, Callable[..., Any]], face: str | None
    ) -> None:
        self.service = service
        self.operations = operations
        self.face = face

    def is_async(self, operation: str) -> bool:
        from inspect import iscoroutinefunction

        function = self.operations[operation]
        return iscoroutinefunction(function) or iscoroutinefunction(
            getattr(function, "__call__", None)  # noqa: B004  # an object may be the function
        )

    def as_dict(self) -> dict[str, Any]:
        how = {key: "async" if self.is_async(key) else "sync" for key in self.operations}
        return {"operations": how, "face": self.face}


_UNASKED: dict[str, Any] = {"operations": None, "face": None}


class _Watched(Grants):
    """Grants that tell of what is looked up in them."""

    __slots__ = ("_seen",)

    def __init__(self, grants: Grants, seen: Seen) -> None:
        super().__init__(grants.lists, grants.native, windows=grants.windows)
        self._seen = seen

    def covers(
        self, key: str, target: str, *, folder: str | None = None, home: str | None = None
    ) -> bool:
        allowed = super().covers(key, target, folder=folder, home=home)
        self._seen(key, target, allowed)
        return allowed

    def why_not(
        self, key: str, target: str, *, folder: str | None = None, home: str | None = None
    ) -> str:
        plain = Grants(self.lists, self.native, windows=self.windows)
        return plain.why_not(key, target, folder=folder, home=home)


def loans(services: Services, grants: Grants, skill: str, seen: Seen | None = None) -> Loans:
    """Return what is lent to an isolated skill; see :class:`Loans`."""
    return Loans(services, grants, skill, seen)


def _plain(value: Any, place: str, depth: int = _DEPTH) -> Any:
    """Return a value as data.

    :raises CallError: where something in it is none, with the place.
    """
    if value is None or isinstance(value, (bool, int, float, str, bytes, bytearray, memoryview)):
        return value
    if depth <= 0:
        raise CallError(f"{place} is nested too deeply to be lent")
    if isinstance(value, Mapping):
        return {
            str(key): _plain(item, f"{place}[{str(key)!r}]", depth - 1)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item, f"{place}[{n}]", depth - 1) for n, item in enumerate(value)]
    dump = getattr(value, "model_dump", None)
    if callable(dump) and not isinstance(value, type):
        return _plain(dump(mode="python"), place, depth - 1)
    raise CallError(
        f"{place} gave a {type(value).__name__}, which cannot be lent",
        cause="what crosses to an isolated skill is plain data or bytes",
    )
