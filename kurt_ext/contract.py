"""What every kind shares: results, progress, contexts, calls, and the hooks of a lifecycle.

Nothing here imports another module of kurt_ext but the errors, so that the
author of a kind, and of an extension, depends on nouns alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from time import time
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar

from .errors import (
    CallCancelledError,
    CallError,
    CallTimeoutError,
    InvalidInputError,
    InvalidOutputError,
)

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from .grants import Grants
    from .kinds import Kind

__all__ = [
    "HOOKS",
    "Around",
    "Context",
    "Executor",
    "Extension",
    "Failures",
    "Invocation",
    "Lender",
    "OnProgress",
    "Proceed",
    "Progress",
    "Provider",
    "Result",
    "Target",
    "Usage",
    "own_words",
]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

#: The hooks an object may have, in the order of a life. Each is optional, takes
#: no argument, and may be async or sync; a sync one runs in a thread. The first
#: and the last are called once; the two between as often as it is switched on and off.
HOOKS = ("initialize", "activate", "deactivate", "cleanup")


class Result(Generic[T_co]):
    """Say what a call did, as data: no exception crosses this border but a failure of the call.

    :param success: whether the extension did what was asked.
    :param data: what it found or made; None where there is nothing.
    :param errors: sentences, or mappings with a ``message``; a result may hold
        both data and errors when part of the work failed.
    :param metadata: facts about the call, such as a count or a duration in ms.
    :param substeps: what was done on the way, each a mapping with a ``name``.
    :raises TypeError: when a member has the wrong shape.
    """

    __slots__ = ("_errors", "_metadata", "_substeps", "data", "success")

    success: bool
    data: T_co | None
    _errors: list[str | Mapping[str, Any]]
    _metadata: dict[str, Any]
    _substeps: list[Mapping[str, Any]]

    def __init__(
        self,
        success: bool = True,
        data: T_co | None = None,
        errors: Iterable[str | Mapping[str, Any]] | None = None,
        metadata: Mapping[str, Any] | None = None,
        substeps: Iterable[Mapping[str, Any]] | None = None,
    ) -> None:
        if success is not True and success is not False:
            raise TypeError(f"success is a bool, not {type(success).__name__}")
        self.success = success
        self.data = data
        # Made when they are asked for: three empty containers are a third of a result's cost.
        if errors:
            self._errors = _members("errors", errors, (str, Mapping))
        if metadata:
            self._metadata = dict(metadata)
        if substeps:
            self._substeps = _members("substeps", substeps, (Mapping,))

    @property
    def errors(self) -> list[str | Mapping[str, Any]]:
        """What went wrong; empty where nothing did."""
        try:
            return self._errors
        except AttributeError:
            self._errors = []
            return self._errors

    @property
    def metadata(self) -> dict[str, Any]:
        """Facts about the call."""
        try:
            return self._metadata
        except AttributeError:
            self._metadata = {}
            return self._metadata

    @property
    def substeps(self) -> list[Mapping[str, Any]]:
        """What was done on the way."""
        try:
            return self._substeps
        except AttributeError:
            self._substeps = []
            return self._substeps

    def as_dict(self) -> dict[str, Any]:
        """Return the result as JSON values; pydantic models in ``data`` are dumped."""
        return {
            "success": self.success,
            "data": _plain(self.data),
            "errors": _plain(self.errors),
            "metadata": _plain(self.metadata),
            "substeps": _plain(self.substeps),
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Result) and self.as_dict() == other.as_dict()

    __hash__ = None  # type: ignore[assignment]  # a mutable value

    def __repr__(self) -> str:
        return f"{type(self).__name__}(success={self.success}, data={self.data!r})"


def _members(label: str, values: Iterable[Any], allowed: tuple[type, ...]) -> list[Any]:
    if isinstance(values, (str, Mapping)):
        raise TypeError(f"{label} is a list, not a single {type(values).__name__}")
    members = list(values)
    for member in members:
        if not isinstance(member, allowed):
            raise TypeError(f"a member of {label} is a {type(member).__name__}")
    return members


def _plain(value: Any) -> Any:
    dump = getattr(value, "model_dump", None)
    if dump is not None and not isinstance(value, type):
        return dump(mode="json")
    if isinstance(value, Result):
        return value.as_dict()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return str(value)


def own_words(value: Any) -> str | None:
    """Return the text of an object whose author gave its class a ``__str__``, else None."""
    for cls in type(value).__mro__:
        if "__str__" in vars(cls):
            if cls.__module__.partition(".")[0] in ("builtins", "pydantic", "datetime", "enum"):
                return None
            try:
                return str(value)
            except Exception:  # the data is still there to be shown
                return None
    return None


class Progress:
    """Tell how far a call has come.

    :param message: what is being done, in a few words.
    :param current: how much is done, in the unit of ``total``.
    :param total: how much there is to do; None where nobody knows.
    :param data: whatever else a listener may want.
    """

    __slots__ = ("current", "data", "message", "total")

    def __init__(
        self,
        message: str = "",
        current: float | None = None,
        total: float | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        self.message = message
        self.current = current
        self.total = total
        self.data = dict(data) if data else {}

    @property
    def fraction(self) -> float | None:
        """The part that is done, from 0 to 1; None where it is not known."""
        if self.current is None or not self.total:
            return None
        return min(1.0, max(0.0, self.current / self.total))

    def __repr__(self) -> str:
        return f"Progress({self.message!r}, {self.current}, {self.total})"


#: What a caller passes to hear of progress. It is called in the thread of the
#: extension, and an exception it raises ends the call.
OnProgress: TypeAlias = Callable[[Progress], None]


class Context(Protocol):
    """What the host lends to a call. All of it is read-only."""

    @property
    def skill(self) -> str:
        """The name of the skill that is called."""
        ...

    @property
    def root(self) -> str | None:
        """The skill's folder, for its own data files; None where it has none."""
        ...

    @property
    def settings(self) -> Mapping[str, Any]:
        """The table ``[skill.NAME]`` of the configuration, with ``env:`` references replaced."""
        ...

    @property
    def services(self) -> Mapping[str, Any]:
        """Long-lived services by name; a missing one raises KeyError with the reason."""
        ...


class Extension:
    """One loaded extension: an object, and where it comes from.

    :param kind: the kind it was loaded for.
    :param skill: the name of the skill that offers it.
    :param name: its name in the namespace of its kind.
    :param obj: the object: an instance where the entry point names a class.
    :param plugin: what the entry point names: a class, function or module.
    :param candidate: the row of discovery it came from; None for one that was
        registered by hand.
    """

    __slots__ = (
        "candidate",
        "entry_point",
        "generation",
        "kind",
        "name",
        "obj",
        "plugin",
        "root",
        "skill",
    )

    def __init__(
        self,
        kind: Kind[Any],
        skill: str,
        name: str,
        obj: Any,
        *,
        plugin: Any = None,
        candidate: Any = None,
        entry_point: EntryPoint | None = None,
        root: str | None = None,
    ) -> None:
        self.kind = kind
        self.skill = skill
        self.name = name
        self.obj = obj
        self.plugin = obj if plugin is None else plugin
        self.candidate = candidate
        self.entry_point = entry_point
        self.root = root
        #: The import of the skill's code that it was made by; None outside a manager.
        self.generation: Any = None

    @property
    def reference(self) -> str:
        """The full name, ``SKILL:EXTENSION``."""
        return f"{self.skill}:{self.name}"

    @property
    def namespace(self) -> str:
        """The entry-point group it was found in."""
        return self.kind.namespace

    def __repr__(self) -> str:
        return f"<Extension {self.reference} in {self.kind.namespace}>"


class Usage:
    """How often something was used, and when last; written to by whoever uses it.

    :param count: uses so far.
    :param last: seconds since the epoch; 0 where it was never used.
    """

    __slots__ = ("count", "last")

    def __init__(self) -> None:
        self.count = 0
        self.last = 0.0

    def note(self) -> None:
        """Count one use."""
        self.count += 1
        self.last = time()


class Failures:
    """The exceptions that a kind wants its calls to fail with.

    :param failed: wraps what an extension raised; the original is its ``__cause__``.
    :param timed_out: raised when a call does not end in time.
    :param cancelled: raised to a sync caller when the call was cancelled.
    :param refused: arguments that do not fit, where a worker refused them.
    :param misshapen: a result that does not fit, where a worker found that.
    """

    __slots__ = ("cancelled", "failed", "misshapen", "refused", "timed_out")

    def __init__(
        self,
        failed: type[CallError] = CallError,
        timed_out: type[CallTimeoutError] = CallTimeoutError,
        cancelled: type[CallCancelledError] = CallCancelledError,
        refused: type[InvalidInputError] = InvalidInputError,
        misshapen: type[InvalidOutputError] = InvalidOutputError,
    ) -> None:
        self.failed = failed
        self.timed_out = timed_out
        self.cancelled = cancelled
        self.refused = refused
        self.misshapen = misshapen


class Target:
    """What a kind says about calling one extension; the core makes a call of it.

    Data flows ``arguments → check → params → run → value → finish → result``.

    :param run: called with ``(params, context, on_progress)``; sync or async.
    :param schema: makes the JSON Schema of the arguments, when somebody asks.
    :param check: arguments to params; may raise anything. None = as they are.
    :param refused: makes the ``InvalidInputError`` of what ``check`` raised.
    :param ready: arguments of exactly this class are params already; not checked again.
    :param output: the fast way for data that is a dict, in a result with success:
        the data, checked. What it raises is not seen; ``finish`` is asked then.
    :param finish: returned value to :class:`Result`; raises ``InvalidOutputError``.
        None = as it is.
    :param context: makes the context object of the kind from the core's. None = the core's.
    :param uses: names of the services that must have been started; None = all there are.
    :param summary: one line for a listing.
    :param failures: the exceptions of the kind.
    """

    __slots__ = (
        "check",
        "context",
        "failures",
        "finish",
        "output",
        "ready",
        "refused",
        "run",
        "schema",
        "summary",
        "uses",
    )

    def __init__(
        self,
        run: Callable[[Any, Any, OnProgress | None], Any],
        *,
        schema: Callable[[], dict[str, Any]],
        check: Callable[[Any], Any] | None = None,
        refused: Callable[[Exception], InvalidInputError] | None = None,
        ready: type | None = None,
        output: Callable[[Any], Any] | None = None,
        finish: Callable[[Any], Any] | None = None,
        context: Callable[[Context], Any] | None = None,
        uses: tuple[str, ...] | None = None,
        summary: str = "",
        failures: Failures | None = None,
    ) -> None:
        self.run = run
        self.schema = schema
        self.check = check
        self.refused = refused
        self.ready = ready
        self.output = output
        self.finish = finish
        self.context = context
        self.uses = uses
        self.summary = summary
        self.failures = failures or Failures()


class Invocation:
    """One call on its way inward, as the extensions around it see it.

    ``metadata`` is theirs to write: it is merged into the result's.
    """

    __slots__ = ("context", "metadata", "on_progress", "params", "reference")

    def __init__(
        self, reference: str, params: Any, context: Any, on_progress: OnProgress | None
    ) -> None:
        self.reference = reference
        self.params = params
        self.context = context
        self.on_progress = on_progress
        self.metadata: dict[str, Any] = {}


#: Calls what lies further in. It may be awaited never, once or several times.
Proceed: TypeAlias = Callable[[Invocation], Awaitable[Any]]
#: One layer around every call.
Around: TypeAlias = Callable[[Invocation, Proceed], Awaitable[Any]]
#: Runs ``function(*args)``, which may be sync or async, and gives what it gives.
Executor: TypeAlias = Callable[..., Awaitable[Any]]


class Provider(Protocol):
    """Fills the context with long-lived services."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the services it gives."""
        ...

    def available(self) -> str | None:
        """Return None when it can start, else one sentence why not."""
        ...

    async def start(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """Start, and return the services by name."""
        ...

    async def stop(self) -> None:
        """Give everything back. Called once, also after a failed start."""
        ...


class Lender(Protocol):
    """What a :class:`Provider` has besides where isolated skills may use its services.

    Both members are optional. A service without them is not lent.
    """

    #: ``module:attribute`` of what stands for the service in the worker: it is called there
    #: with the operations by name, functions that ask the host. None = an object whose
    #: methods are the operations. A mapping where several services have different ones.
    face: str | Mapping[str, str] | None

    def lend(
        self, name: str, service: Any, grants: Grants, skill: str
    ) -> Mapping[str, Callable[..., Any]] | None:
        """Return the operations that an isolated skill may use, by name; None for none.

        They take and return plain data and bytes, and are called in the host, a sync one in a
        thread, an async one on the loop of the calls. What they are asked for they must look
        up in the grants. A method ``close`` of the mapping is called when the worker ends.
        """
        ...
