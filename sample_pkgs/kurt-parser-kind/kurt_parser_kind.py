"""A kind that kurt has never heard of: a function from text to rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from kurt_ext.contract import Extension, Result, Target
from kurt_ext.errors import InvalidInputError
from kurt_ext.kinds import Kind

Parser: TypeAlias = Callable[[str], list[dict[str, str]]]


def violations(obj: object) -> list[str]:
    """Say how an object is no parser."""
    return [] if callable(obj) else ["a parser is a function that takes text and gives rows"]


def target(extension: Extension) -> Target:
    """Say how a parser is called: with the text to parse."""

    def check(arguments: Any) -> str:
        if isinstance(arguments, Mapping) and isinstance(arguments.get("text"), str):
            return str(arguments["text"])
        raise InvalidInputError("a parser needs the argument text", hint='text="a,b"')

    return Target(
        lambda text, context, on_progress: Result(data=extension.obj(text)),
        schema=lambda: {
            "type": "object",
            "properties": {"text": {"type": "string", "description": "what to parse"}},
            "required": ["text"],
        },
        check=check,
        summary="makes rows of text",
    )


KIND: Kind[Any] = Kind(
    name="parser",
    namespace="kurt.parser",
    pattern="named",
    summary="makes rows of text",
    violations=violations,
    call=target,
)


def parse_csv(text: str) -> list[dict[str, str]]:
    """Read comma-separated values whose first line names the columns."""
    return list(csv.DictReader(io.StringIO(text)))
