"""How a tool is judged and called: models checked at the border, nothing in between."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from kurt_ext.contract import Extension, Failures, Result, Target

from .contract import Tool, ToolContext
from .errors import (
    ToolCanceledError,
    ToolExecutionError,
    ToolInputError,
    ToolOutputError,
    ToolTimeoutError,
)

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["FAILURES", "problems_of", "target", "violations"]

#: What a call of a tool fails with.
FAILURES = Failures(
    ToolExecutionError, ToolTimeoutError, ToolCanceledError, ToolInputError, ToolOutputError
)


def violations(obj: Any) -> list[str]:
    """Return how an object is no tool, as sentences; empty where it is one."""
    if not isinstance(obj, Tool):
        name = getattr(type(obj), "__name__", repr(obj))
        return [f"{name} is not derived from kurt_tool.Tool"]
    found = []
    for attribute in ("InputModel", "OutputModel"):
        model = getattr(obj, attribute)
        if model is not None and not hasattr(model, "__pydantic_validator__"):
            found.append(f"{attribute} is a {type(model).__name__}, not a pydantic model class")
    code = getattr(obj.run, "__code__", None)
    if code is not None and not _takes_three(code, obj.run.__defaults__ or ()):
        found.append("run must take (self, params, context, on_progress)")
    uses = type(obj).uses
    if uses is not None and not (
        isinstance(uses, (tuple, list)) and all(isinstance(name, str) for name in uses)
    ):
        found.append("uses is a tuple of names of services, or None")
    return found


def _takes_three(code: Any, defaults: tuple[Any, ...]) -> bool:
    takes_any = bool(code.co_flags & 0x04)  # *args, see inspect.CO_VARARGS
    most = code.co_argcount - 1  # without self
    return most - len(defaults) <= 3 and (most >= 3 or takes_any)


def target(extension: Extension) -> Target:
    """Return how a tool is called."""
    tool: Tool[Any, Any] = extension.obj
    model, made = tool.InputModel, tool.OutputModel
    uses = type(tool).uses
    return Target(
        tool.run,
        schema=lambda: {"type": "object"} if model is None else model.model_json_schema(),
        # Bound once: looking it up on the class costs a tenth of a call.
        check=None if model is None else model.__pydantic_validator__.validate_python,
        refused=_refused(extension),
        ready=model,
        output=None if made is None else made.__pydantic_validator__.validate_python,
        finish=_output(extension, made),
        context=ToolContext.of,
        uses=None if uses is None else tuple(uses),
        summary=tool.description or _first_line(type(tool)),
        failures=FAILURES,
    )


def _first_line(cls: type) -> str:
    text = cls.__doc__ or ""
    return text.strip().partition("\n")[0].rstrip(".")


def problems_of(error: ValidationError) -> list[tuple[str, str]]:
    """Return what pydantic says, as (JSON pointer, sentence)."""
    found = []
    for item in error.errors(include_url=False, include_context=False):
        # RFC 6901: "~" and "/" are escaped in this order.
        parts = [str(part).replace("~", "~0").replace("/", "~1") for part in item["loc"]]
        found.append(("".join(f"/{part}" for part in parts), item["msg"]))
    return found


def _told(problems: list[tuple[str, str]]) -> str:
    return "\n".join(f"{place or '/'}: {text}" for place, text in problems)


def _refused(extension: Extension) -> Callable[[Exception], ToolInputError]:
    """Return the function that makes an error of what an input model raised."""

    def refused(error: Exception) -> ToolInputError:
        if isinstance(error, ValidationError):
            problems = problems_of(error)
        else:  # from a validator of the author's own
            problems = [("", f"{type(error).__name__}: {error}")]
        return ToolInputError(
            f"the arguments do not fit {extension.reference}",
            cause=_told(problems),
            hint=f"kurt run {extension.reference} --help",
            skill=extension.skill,
            problems=problems,
        )

    return refused


def _output(extension: Extension, model: type[BaseModel] | None) -> Callable[[Any], Result[Any]]:
    """Return the function that makes a checked result of what a tool returned."""

    def fail(problems: list[tuple[str, str]]) -> ToolOutputError:
        return ToolOutputError(
            f"what {extension.reference} returned does not fit",
            cause=_told(problems),
            skill=extension.skill,
            problems=problems,
        )

    def refuse(value: Any) -> ToolOutputError:
        name = "None" if value is None else f"a {type(value).__name__}"
        return fail([("", f"run returned {name}; return a ToolResult")])

    if model is None:

        def pass_on(value: Any) -> Result[Any]:
            if isinstance(value, Result):
                return value
            raise refuse(value)

        return pass_on
    validate = model.__pydantic_validator__.validate_python

    def checked(data: Any) -> Any:
        try:
            if isinstance(data, (list, tuple)):
                return [item if type(item) is model else validate(item) for item in data]
            return data if type(data) is model else validate(data)
        except ValidationError as error:
            raise fail(problems_of(error)) from error

    def finish(value: Any) -> Result[Any]:
        if isinstance(value, Result):
            data = value.data
            if type(data) is not model and data is not None and value.success:
                value.data = checked(data)
            return value
        if type(value) is model or isinstance(value, Mapping):
            return Result(True, checked(value))
        raise refuse(value)

    return finish
