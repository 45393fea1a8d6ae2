"""How a custom extension is called by name, where it can be called at all."""

from __future__ import annotations

import inspect
from typing import Any

from kurt_ext.contract import Extension, Result, Target
from kurt_ext.errors import InvalidInputError

__all__ = ["build", "target"]


def build(plugin: Any) -> Any:
    """Return what the entry point names, as it is: there is no contract to build it by."""
    return plugin


def target(extension: Extension) -> Target:
    """Return how a callable is called: arguments by keyword, as its signature has them.

    :raises InvalidInputError: on call, where the object cannot be called or has no signature.
    """
    obj = extension.obj
    try:
        signature: inspect.Signature | None = inspect.signature(obj)
    except (TypeError, ValueError):
        signature = None

    def check(arguments: Any) -> Any:
        if signature is None:
            raise InvalidInputError(
                f"{extension.reference} is a {type(obj).__name__} and cannot be called",
                hint="load it: SkillManager().load(…)",
                skill=extension.skill,
            )
        try:
            signature.bind(**arguments)
        except TypeError as error:
            raise InvalidInputError(
                f"the arguments do not fit {extension.reference}{signature}",
                cause=str(error),
                skill=extension.skill,
                problems=[("", str(error))],
            ) from error
        return arguments

    def run(params: Any, context: Any, on_progress: Any) -> Any:
        return obj(**params)

    return Target(
        run,
        schema=lambda: _schema(signature),
        check=check,
        finish=lambda value: value if isinstance(value, Result) else Result(data=value),
        uses=(),
        summary=(inspect.getdoc(obj) or "").partition("\n")[0].rstrip("."),
    )


def _schema(signature: inspect.Signature | None) -> dict[str, Any]:
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    every = signature.parameters.values() if signature else ()
    parameters = [parameter for parameter in every if parameter.kind in named]
    return {
        "type": "object",
        "properties": {p.name: {} for p in parameters},
        "required": [p.name for p in parameters if p.default is p.empty],
    }
