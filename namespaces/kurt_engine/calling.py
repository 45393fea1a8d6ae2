"""How an engine is judged, called by name, and put to execute calls."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ValidationError

from kurt_ext.contract import Executor, Extension, Result, Target
from kurt_ext.errors import InvalidInputError, InvalidOutputError

from .contract import BaseFetcher, BaseMapper, BaseRunner
from .models import FetchInput, FetchResult, MapInput, MapResult

__all__ = ["executor", "target", "violations"]


def violations(obj: Any) -> list[str]:
    """Return how an object is no engine, as sentences; empty where it is one."""
    if isinstance(obj, (BaseFetcher, BaseMapper, BaseRunner)):
        return []
    name = getattr(type(obj), "__name__", repr(obj))
    return [f"{name} is derived from none of BaseFetcher, BaseMapper, BaseRunner"]


def executor(extension: Extension) -> Executor | None:
    """Return the function that runs calls; None where they need no help."""
    runner: BaseRunner = extension.obj
    return None if getattr(runner, "is_inline", False) else runner.run


def target(extension: Extension) -> Target:
    """Return how a fetcher or mapper is called by name, to try it out.

    :raises InvalidInputError: on call, for one that only executes the calls of others.
    """
    engine = extension.obj
    takes: type[BaseModel]
    gives: type[BaseModel]
    if isinstance(engine, BaseFetcher):
        takes, gives = FetchInput, FetchResult

        def run(params: Any, context: Any, on_progress: Any) -> Any:
            return engine.fetch(params.url)

    elif isinstance(engine, BaseMapper):
        takes, gives = MapInput, MapResult

        def run(params: Any, context: Any, on_progress: Any) -> Any:
            return engine.map(params.source, params.base)

    else:
        return _not_callable(extension)

    def check(arguments: Any) -> Any:
        try:
            return takes.model_validate(arguments)
        except ValidationError as error:
            found = [("/" + "/".join(map(str, e["loc"])), e["msg"]) for e in error.errors()]
            raise InvalidInputError(
                f"the arguments do not fit {extension.reference}",
                cause="\n".join(f"{place}: {text}" for place, text in found),
                skill=extension.skill,
                problems=found,
            ) from error

    def finish(value: Any) -> Result[Any]:
        if not isinstance(value, gives):
            raise InvalidOutputError(
                f"{extension.reference} returned a {type(value).__name__}, not a {gives.__name__}",
                skill=extension.skill,
            )
        return Result(data=value)

    return Target(
        run,
        schema=takes.model_json_schema,
        check=check,
        finish=finish,
        uses=(),
        summary=(type(engine).__doc__ or "").strip().partition("\n")[0].rstrip("."),
    )


def _not_callable(extension: Extension) -> Target:
    def check(arguments: Any) -> Any:
        raise InvalidInputError(
            f"{extension.reference} executes the calls of others and takes none itself",
            hint=f"choose it in kurt.toml: [engine] run = {extension.name.partition('.')[2]!r}",
            skill=extension.skill,
        )

    def run(params: Any, context: Any, on_progress: Any) -> Any:
        return check(params)

    return Target(run, schema=lambda: {"type": "object", "properties": {}}, check=check, uses=())
