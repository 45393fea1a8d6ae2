"""Run one plugin inside its worker: import it, describe it, call it.

This is the only module of ours that has the plugin's objects in hand; the host
has what :meth:`Inside.handle` answers, which is data. Whatever happens here is
no news that the host relies on: a plugin can change anything in its process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from importlib import import_module
from time import perf_counter
from traceback import format_exception
from types import GeneratorType, ModuleType
from typing import TYPE_CHECKING, Any

from ..candidates import Candidate
from ..contract import HOOKS, Extension, own_words
from ..errors import CallError, KurtError, UsageError
from ..failure import Escaped, broken_contract, load_error, place_of, reason_of
from ..importer import FINDER, JUDGED, importing
from ..registering import Registrar, Registry
from . import dialing, tripwire, worker
from .borrowing import borrowed

if TYPE_CHECKING:
    from ..contract import Target

__all__ = ["Inside"]

#: Methods of the object protocol that the host may ask for.
_SPECIAL = ("__call__", "__reload_state__", "__reload_restore__")
#: The call that runs here.
_CALL: ContextVar[Any] = ContextVar("kurt_ext_inside", default=None)
_TRACEBACK = 20_000  # characters of one that are told
_ITERABLE_COROUTINE = 0x100  # the flag of what `types.coroutine` made (inspect.CO_*)


class _Known:
    """What the finder asks a manager's discovery for: the skills of this process."""

    places: Any = None

    def __init__(self, candidates: list[Candidate]) -> None:
        self.winners = tuple(candidates)


class _Member:
    """One extension of the plugin, made."""

    def __init__(self, extension: Extension, target: Target | None, doors: dict[str, Any]) -> None:
        self.extension = extension
        self.target = target
        self.doors = doors
        self.context: Any = None
        self.given: tuple[Any, Any] | None = None


class Inside:
    """What a worker serves: see :data:`kurt_ext.sandbox.remote.VERBS`.

    :param policy: what this process may do, as it was told.
    """

    def __init__(self, policy: Mapping[str, Any]) -> None:
        self._skill: str = policy["skill"]
        dialing.install(worker.BROKER, self._skill, policy["hosts"])
        tripwire.install(policy, worker.report(), tripwire.tell)
        self._candidate: Candidate | None = None
        self._record: dict[str, Any] = {}
        self._registry = Registry()
        self._members: dict[str, _Member] = {}
        self._settings: dict[str, Any] = {}
        self._services: Mapping[str, Any] = {}
        self._latest: Any = None

    def handle(self, verb: str, body: Any, call: Any) -> Any:
        """Do what the host asks for.

        :param call: the way back while it is under way: progress and questions.
        """
        self._latest = call
        _CALL.set(call)
        return getattr(self, f"do_{verb}")(body, call)

    # -- loading -----------------------------------------------------------------

    def do_open(self, body: Mapping[str, Any], call: Any) -> None:
        """Take the skill that this process is for."""
        known = []
        for skill in (body["skill"], *body["companions"]):
            fields = dict(skill["candidate"])
            fields["offers"] = tuple(tuple(offer) for offer in fields["offers"])
            # Asked and answered by the host: trust is not this process's to judge.
            known.append(Candidate(**fields, scope="builtin", trusted=True))
            if skill["folder"]:
                JUDGED.bind(skill["folder"], skill["digests"])
        self._candidate = known[0]
        self._record = dict(body["record"])
        FINDER.open(self, _Known(known))  # type: ignore[arg-type]

    def do_register(self, body: Mapping[str, Any], call: Any) -> list[list[str]]:
        """Run code that registers what it offers; return (namespace, name) of each."""
        registrar = Registrar(self._registry, self._skill)
        try:
            with registrar.collecting(), self._importing():
                plugin = _located(body["value"])
                if not isinstance(plugin, ModuleType):
                    plugin()
        except BaseException as error:
            raise self._load_error(error) from error
        return [[row.namespace, row.name] for row in self._registry.rows_of(self._skill)]

    def do_load(self, body: Mapping[str, Any], call: Any) -> Any:
        """Import an extension and make its object; return what there is to know of it."""
        kind = _located(body["kind"])
        start = perf_counter()
        try:
            plugin = self._imported(body)
            imported = perf_counter()
            obj = self._made(body, kind, plugin)
        except BaseException as error:
            raise self._load_error(error, body["name"]) from error
        ms = {"import": (imported - start) * 1000, "construct": (perf_counter() - imported) * 1000}
        if hasattr(obj, "__await__"):
            return self._finished(body, kind, plugin, obj, ms)
        return {**self._described(body, kind, plugin, obj), "ms": ms}

    async def _finished(
        self, body: Mapping[str, Any], kind: Any, plugin: Any, pending: Any, ms: dict[str, float]
    ) -> Any:
        start = perf_counter()
        try:
            obj = await pending
        except Exception as error:
            raise self._load_error(error, body["name"]) from error
        ms["construct"] += (perf_counter() - start) * 1000
        return {**self._described(body, kind, plugin, obj), "ms": ms}

    def _imported(self, body: Mapping[str, Any]) -> Any:
        """Return what the entry point names."""
        if body["registered"]:
            return self._registry.find(body["name"], namespace=body["namespace"])[0].obj
        with Registrar(self._registry, self._skill).collecting(), self._importing():
            return _located(body["value"])

    def _made(self, body: Mapping[str, Any], kind: Any, plugin: Any) -> Any:
        """Return the object that is made of what an entry point names."""
        from ..instances import build_object, build_plugin

        is_plugin = isinstance(plugin, ModuleType) and self._record["type"] is not None
        if is_plugin and not body["registered"]:
            return build_plugin(plugin, self._record, body["config"])
        build = kind.facet("build")
        if build is not None:
            return build(plugin)
        return build_object(plugin, body["options"], kind.name, body["name"])

    def _described(self, body: Mapping[str, Any], kind: Any, plugin: Any, obj: Any) -> Any:
        assert self._candidate is not None
        extension = Extension(
            kind,
            self._skill,
            body["name"],
            obj,
            plugin=plugin,
            candidate=self._candidate,
            root=self._candidate.location if self._candidate.is_folder else None,
        )
        is_module = isinstance(plugin, ModuleType)
        broken = [] if kind.call and is_module else kind.broken_by(obj)
        if broken:
            raise broken_contract(extension, broken)
        facet = kind.facet("call") if kind.call and not is_module else None
        target = facet(extension) if facet is not None else None
        doors = dict(_doors(obj))
        self._members[body["key"]] = _Member(extension, target, doors)
        return {
            "type": f"{type(obj).__module__}.{type(obj).__qualname__}",
            "methods": {name: _shape(door) for name, door in doors.items()},
            "hooks": []
            if isinstance(obj, (type, ModuleType))
            else [n for n in HOOKS if n in doors],
            "target": target
            and {
                "schema": target.schema(),
                "uses": target.uses if target.uses is None else list(target.uses),
                "summary": target.summary,
                "shape": _shape(target.run),
            },
        }

    def _importing(self) -> Any:
        assert self._candidate is not None
        return importing(self, self._candidate, judged=True)

    def _load_error(self, error: BaseException, name: str | None = None) -> KurtError:
        assert self._candidate is not None
        if isinstance(error, SystemExit):
            error = Escaped(error).with_traceback(error.__traceback__)
        if not isinstance(error, Exception):
            raise error
        return load_error(self._candidate, error, name)

    # -- calling -------------------------------------------------------------------

    def do_call(self, body: Mapping[str, Any], call: Any) -> Any:
        """Call an extension as its kind says: arguments checked, result checked."""
        member = self._members[body["key"]]
        target = member.target
        if target is None:
            raise UsageError(f"{body['key']} is not called by name", skill=self._skill)
        try:
            arguments = body["arguments"]
            params = target.check(arguments) if target.check else arguments
        except KurtError:
            raise
        except Exception as error:
            if target.refused is None:
                raise self._failure(member, error) from error
            raise target.refused(error) from error
        context = self._context(member, target, body, call)
        on_progress = call.progress if body["progress"] else None
        try:
            value = target.run(params, context, on_progress)
        except KurtError:
            raise
        except BaseException as error:
            return _raised(member, error)
        if _is_awaitable(value):
            return self._awaited(member, target, value, call)
        return _told(target.finish(value) if target.finish else value)

    async def _awaited(self, member: _Member, target: Target, pending: Any, call: Any) -> Any:
        try:
            value = await pending
        except KurtError:
            raise
        except BaseException as error:
            _let_go(error, call)
            return _raised(member, error)
        return _told(target.finish(value) if target.finish else value)

    def _failure(
        self, member: _Member, error: BaseException, method: str | None = None
    ) -> CallError:
        extension = member.extension
        reference = extension.reference
        if method is not None:
            # A plugin's capabilities are called by their own names.
            is_plugin = isinstance(extension.plugin, ModuleType)
            reference = f"{self._skill}:{method}" if is_plugin else f"{reference}.{method}"
        error = _ordinary(error)
        return CallError(
            f"{reference} failed",
            cause=reason_of(error),
            at=place_of(error, extension.root),
            skill=self._skill,
        )

    def _context(self, member: _Member, target: Target, body: Mapping[str, Any], call: Any) -> Any:
        """Return the context of a call, the same one as long as the host lends the same."""
        from ..services import CallContext

        settings, lent = body.get("settings"), body.get("services")
        if member.context is not None and settings is None and lent is None:
            return member.context
        if settings is not None:
            self._settings = settings
        if lent is not None:
            self._services = borrowed(lent, self._ask, self._aask)
        own = CallContext(
            self._skill,
            member.extension.root,
            self._settings,
            self._services,  # type: ignore[arg-type]  # looked at, never started or stopped
        )
        member.context = target.context(own) if target.context else own
        return member.context

    def _ask(self, *question: Any) -> Any:
        """Ask the host, for the call that runs here; of a thread of the plugin's, the latest."""
        return (_CALL.get() or self._latest).ask(*question)

    async def _aask(self, *question: Any) -> Any:
        return await (_CALL.get() or self._latest).aask(*question)

    def do_method(self, body: Mapping[str, Any], call: Any) -> Any:
        """Call a method of an extension's object, as somebody who holds it would."""
        member = self._members[body["key"]]
        name = body["name"]
        if name not in member.doors:
            raise UsageError(f"{body['key']} has no method {name}", skill=self._skill)
        door = getattr(member.extension.obj, name)
        try:
            value = door(*body["args"], **body["kwargs"])
        except KurtError:
            raise
        except BaseException as error:
            raise self._failure(member, error, name) from error
        return self._method(member, name, value, call) if _is_awaitable(value) else value

    async def _method(self, member: _Member, name: str, pending: Any, call: Any) -> Any:
        try:
            return await pending
        except KurtError:
            raise
        except BaseException as error:
            _let_go(error, call)
            raise self._failure(member, error, name) from error

    def do_hook(self, body: Mapping[str, Any], call: Any) -> Any:
        """Call a hook of an extension's life; return what it raised, None where it did not."""
        member = self._members[body["key"]]
        try:
            value = getattr(member.extension.obj, body["name"])()
        except BaseException as error:
            return _raised(member, error)
        return self._hook(member, value, call) if _is_awaitable(value) else None

    async def _hook(self, member: _Member, pending: Any, call: Any) -> Any:
        try:
            await pending
        except BaseException as error:
            _let_go(error, call)
            return _raised(member, error)
        return None


def _located(place: str) -> Any:
    """Return what an entry point names; `importlib.metadata` takes longer than all of this."""
    module, _, attribute = place.partition("[")[0].partition(":")
    found: Any = import_module(module.strip())
    for part in filter(None, attribute.strip().split(".")):
        found = getattr(found, part)
    return found


def _is_awaitable(value: Any) -> bool:
    """Return what `inspect.isawaitable` does, whose module takes long to import."""
    if isinstance(value, GeneratorType):
        return bool(value.gi_code.co_flags & _ITERABLE_COROUTINE)
    return hasattr(type(value), "__await__")


def _doors(obj: Any) -> Any:
    """Yield (name, function) of what may be called on an object; no property is looked at."""
    from inspect import getattr_static

    if isinstance(obj, (ModuleType, type)) and not callable(obj):
        return
    for name in dir(obj):
        if name.startswith("_") and name not in _SPECIAL:
            continue
        static = getattr_static(obj, name, None)
        if isinstance(static, property) or (name == "__call__" and isinstance(obj, type)):
            continue
        found = getattr(obj, name, None)
        if callable(found) and not isinstance(found, type):
            yield name, found


def _shape(function: Callable[..., Any]) -> str:
    """Return how a function is to be called: ``sync``, ``async``, ``generator`` or ``stream``."""
    import inspect

    inner = inspect.unwrap(function)
    own = getattr(inner, "__call__", inner) if not inspect.isroutine(inner) else inner  # noqa: B004
    if inspect.iscoroutinefunction(own):
        return "async"
    if inspect.isasyncgenfunction(own):
        return "stream"
    return "generator" if inspect.isgeneratorfunction(own) else "sync"


def _let_go(error: BaseException, call: Any) -> None:
    """Raise an error on that is not the plugin's own: the host has given the call up."""
    if type(error).__name__ == "CancelledError" and call.cancelled:
        raise error


def _ordinary(error: BaseException) -> BaseException:
    """Return an error of the plugin's as one that ends a call and nothing else."""
    if isinstance(error, (Exception, SystemExit)):
        return error
    return Escaped(error).with_traceback(error.__traceback__)


def _raised(member: _Member, error: BaseException) -> dict[str, Any]:
    """Return what a plugin raised: in a line, where, and its traceback."""
    lines = format_exception(error)
    error = _ordinary(error)
    return {
        "raised": reason_of(error),
        "at": place_of(error, member.extension.root),
        "traceback": "".join(lines)[-_TRACEBACK:],
    }


def _told(value: Any) -> list[Any]:
    """Return a result, and the words that the author of its data has for it, if any."""
    return [value, own_words(getattr(value, "data", None))]
