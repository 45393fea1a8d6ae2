"""A plugin in another process, with the face that it has in this one.

The host holds a :class:`Remote` where it would hold the plugin's object: its
methods are there under their names, ``async`` as they were written, and give
what the worker answers, which is data. A plugin's own classes stay where they
are; what its models held comes as a :class:`Record`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from ..contract import Failures, Result, Target
from ..errors import (
    CallCancelledError,
    CallError,
    CallTimeoutError,
    InvalidInputError,
    InvalidOutputError,
    KurtError,
)
from ..failure import Afar

if TYPE_CHECKING:
    from ..housing import Housing

__all__ = ["VERBS", "Offered", "Record", "Remote", "afar", "records", "stand_in", "target"]

#: What a host asks a worker for, and what it gives with it.
VERBS = {
    "open": "the skill: candidate, manifest, digests of what was judged, settings",
    "register": "run code that registers what it offers",
    "load": "import one extension and make its object",
    "hook": "call a hook of its life",
    "call": "call it as its kind says",
    "method": "call a method of its object",
}


class Record(dict[str, Any]):
    """What a model of the plugin's held: a dict whose keys are attributes too.

    >>> Record({"text": "HELLO"}).text
    'HELLO'
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the record has no {name!r}; it has {', '.join(self)}") from None

    def model_dump(self, *, mode: str = "python", **_: Any) -> dict[str, Any]:
        """Return plain data, as a model would.

        :param mode: ``json`` = bytes become text, as they do where they are shown.
        """
        return {key: _dumped(item, mode == "json") for key, item in self.items()}


def _dumped(value: Any, is_json: bool) -> Any:
    if isinstance(value, dict):
        return {key: _dumped(item, is_json) for key, item in value.items()}
    if isinstance(value, list):
        return [_dumped(item, is_json) for item in value]
    return str(value) if is_json and isinstance(value, (bytes, bytearray, memoryview)) else value


class _Worded(Record):
    """A record whose author has words for it."""

    words = ""

    def __str__(self) -> str:
        return self.words


class Offered:
    """What a plugin registered in its worker, by namespace and name; stands for the object."""

    def __init__(self, namespace: str, name: str) -> None:
        self.namespace = namespace
        self.name = name

    def __repr__(self) -> str:
        return f"<Offered {self.namespace} {self.name}>"


class Remote:
    """The object of an extension that lives in a worker.

    A method that is ``async`` there is so here; one that is not is awaited in a
    coroutine and called as it is elsewhere. A generator becomes an async one.

    :param housing: where it lives.
    :param key: which of its extensions it is.
    :param described: what the worker says of it.
    :param shown: attributes that the host knows by itself.
    """

    def __init__(
        self,
        housing: Housing,
        key: str,
        described: Mapping[str, Any],
        shown: Mapping[str, Any] | None = None,
    ) -> None:
        own = self.__dict__
        own.update(shown or {})
        own["_housing"] = housing
        own["_key"] = key
        own["_type"] = str(described["type"])
        own["_methods"] = {str(name): str(shape) for name, shape in described["methods"].items()}
        own["_hooks"] = tuple(str(name) for name in described["hooks"])
        own["_target"] = described["target"]

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__
        shape = own.get("_methods", {}).get(name)
        if shape is None:
            raise AttributeError(
                f"{own.get('_key', 'it')} runs isolated, and has no method {name!r}: "
                "what its attributes hold stays in its worker",
            )
        made = _method(own["_housing"], own["_key"], name, shape, name in own["_hooks"])
        made.__name__ = name
        made.__qualname__ = f"{own['_type'].rpartition('.')[2]}.{name}"
        own[name] = made  # found without us from now on
        return made

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(
            f"{self._key} runs isolated: what is set here, its code would never see"
        )

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.__dict__["_methods"]})

    def __repr__(self) -> str:
        return f"<Remote {self.__dict__['_key']}: {self.__dict__['_type']}>"


class _Callee(Remote):
    """An object in a worker that can be called itself."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        own = self.__dict__
        return (own.get("__call__") or self.__getattr__("__call__"))(*args, **kwargs)


def stand_in(
    housing: Housing, key: str, described: Mapping[str, Any], shown: Mapping[str, Any]
) -> Remote:
    """Return what stands for an object of a worker; see :class:`Remote`."""
    cls = _Callee if "__call__" in described["methods"] else Remote
    return cls(housing, key, described, shown)


def _method(housing: Housing, key: str, name: str, shape: str, is_hook: bool) -> Any:
    """Return the function that calls a method of a worker's object."""

    def body(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        return {"key": key, "name": name, "args": list(args), "kwargs": kwargs}

    if is_hook:

        async def hook() -> None:
            await housing.hook(key, name, exclusive=shape != "async")

        return hook
    if shape in ("stream", "generator"):

        async def stream(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            async for item in housing.stream("method", body(args, kwargs)):
                yield records(item)

        return stream
    exclusive = shape != "async"

    async def method(*args: Any, **kwargs: Any) -> Any:
        return records(await housing.request("method", body(args, kwargs), exclusive=exclusive))

    if not exclusive:
        return method

    def called(*args: Any, **kwargs: Any) -> Any:
        pending = method(*args, **kwargs)
        if asyncio._get_running_loop() is not None:
            return pending
        return housing.run(pending)

    # For who awaits it in any case, also from a thread.
    called.awaited = method  # type: ignore[attr-defined]
    return called


def target(remote: Remote, failures: Failures) -> Target:
    """Return how an extension in a worker is called: arguments and result are judged there.

    :param failures: the classes of errors that its kind has.
    """
    own = remote.__dict__
    housing: Housing = own["_housing"]
    key: str = own["_key"]
    described = own["_target"]
    exclusive = described["shape"] != "async"
    lent: list[Any] = [None, None]

    async def run(params: Any, context: Any, on_progress: Any) -> Any:
        body = {"key": key, "arguments": params, "progress": on_progress is not None}
        if context.settings is not lent[0] or housing.born != lent[1]:
            body["settings"] = context.settings
            body["services"] = housing.lend()
            lent[:] = (context.settings, housing.born)
        try:
            answer = await housing.request(
                "call", body, exclusive=exclusive, on_progress=on_progress
            )
        except KurtError as error:
            raise _of_kind(error, failures) from error.__cause__
        if isinstance(answer, dict):
            raise afar(answer)
        value, words = answer
        if isinstance(value, Result):
            value.data = records(value.data)
            if isinstance(words, str) and isinstance(value.data, Record):
                value.data = worded = _Worded(value.data)
                worded.words = words
        return value

    return Target(
        run,
        schema=lambda: dict(described["schema"]),
        uses=None if described["uses"] is None else tuple(described["uses"]),
        summary=str(described["summary"]),
        failures=failures,
    )


def _of_kind(error: KurtError, failures: Failures) -> KurtError:
    """Return an error in the class that the kind has for it, where it has one."""
    for base, cls in (
        (InvalidInputError, failures.refused),
        (InvalidOutputError, failures.misshapen),
        (CallTimeoutError, failures.timed_out),
        (CallCancelledError, failures.cancelled),
        (CallError, failures.failed),
    ):
        if type(error) is base and cls is not base:
            problems = getattr(error, "problems", None)
            more: dict[str, Any] = {} if problems is None else {"problems": problems}
            return cls(
                error.message,
                cause=error.cause,
                at=error.at,
                hint=error.hint,
                skill=error.skill,
                candidates=error.candidates,
                **more,
            )
    return error


def afar(answer: Mapping[str, Any]) -> Afar:
    """Return the exception for what a worker says that the plugin raised."""
    place = answer.get("at")
    trace = str(answer.get("traceback", ""))
    return Afar(str(answer.get("raised")), None if place is None else str(place), trace)


def records(value: Any) -> Any:
    """Return data whose mappings can be asked by attribute, at every depth."""
    if isinstance(value, dict):
        return Record({key: records(item) for key, item in value.items()})
    if isinstance(value, list):
        return [records(item) for item in value]
    return value
