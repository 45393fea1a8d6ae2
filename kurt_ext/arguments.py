"""Words of the command line as the arguments of a call, typed by its JSON Schema.

``key=value`` is read as the type that the schema gives the key; ``key:=json`` is
JSON as it stands; a key given twice is a list. The schema is that of the call
(draft 2020-12, as pydantic writes it, or a plugin.json's ``parameters``); what
it says beyond types is checked by the call itself.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from .argument_fields import (
    ANYTHING,
    Field,
    choices_of,
    fields,
    item_of,
    name_of,
    resolved,
    spelled,
    types_of,
)
from .errors import InvalidInputError, UsageError
from .names import suggest

__all__ = ["from_json", "from_words", "missing", "read_json", "refuse"]

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})


def from_words(words: Iterable[str], schema: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the arguments that ``key=value`` and ``key:=json`` words give, and what is wrong.

    :returns: the arguments, and a line for every word that does not fit.
    """
    known = {field.name: field for field in fields(schema)}
    given: dict[str, list[tuple[bool, str]]] = {}
    problems: list[str] = []
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or not key.rstrip(":"):
            problems.append(f"{word!r} is not key=value{_guess(word, known)}")
            continue
        raw = key.endswith(":")
        given.setdefault(key[:-1] if raw else key, []).append((raw, text))
    arguments: dict[str, Any] = {}
    for key, values in given.items():
        field = known.get(key)
        if field is None and not _open(schema):
            problems.append(f"{key}: no such argument{_guess(key, known)}")
            continue
        try:
            arguments[key] = _value(field, values, schema)
        except ValueError as error:
            problems.append(f"{key}: {error}")
    return arguments, problems


def from_json(text: str, schema: Mapping[str, Any], *, reference: str = "NAME") -> dict[str, Any]:
    """Return the arguments that a JSON object gives.

    :raises InvalidInputError: when it is no JSON object, or a key is unknown.
    """
    try:
        value = _json(text)
    except ValueError as error:
        raise InvalidInputError("the arguments are not JSON", cause=str(error)) from None
    if not isinstance(value, dict):
        raise InvalidInputError(
            f"the arguments are a JSON {name_of(value)}, not an object",
            hint='write {"key": value}',
        )
    if not _open(schema):
        known = {field.name: field for field in fields(schema)}
        problems = [
            f"{key}: no such argument{_guess(key, known)}" for key in value if key not in known
        ]
        refuse(problems, reference)
    return value


def read_json(source: str) -> str:
    """Return the text that ``--json-args`` means: ``@file``, ``-`` for stdin, or itself.

    :raises UsageError: when the file cannot be read as UTF-8.
    """
    if source == "-":
        import sys

        return sys.stdin.read()
    if not source.startswith("@"):
        return source
    try:
        with open(source[1:], encoding="utf-8-sig") as file:
            return file.read()
    except (OSError, UnicodeError) as error:
        raise UsageError(
            f"cannot read the arguments from {source[1:]!r}", cause=str(error), at=source[1:]
        ) from None


def missing(given: Collection[str], schema: Mapping[str, Any]) -> list[str]:
    """Return a line for every argument that must be given and is not among the names."""
    return [
        f"{field.name}: is missing" + (f" ({field.description})" if field.description else "")
        for field in fields(schema)
        if field.required and field.name not in given
    ]


def refuse(problems: Sequence[str], reference: str) -> None:
    """Raise InvalidInputError with all the problems, if there are any."""
    if problems:
        count = "one argument does" if len(problems) == 1 else f"{len(problems)} arguments do"
        raise InvalidInputError(
            f"{count} not fit {reference}",
            cause="\n".join(problems),
            hint=f"kurt run {reference} --help",
        )


def _guess(word: str, known: Iterable[str]) -> str:
    near = suggest(word, known)
    if near:
        return f"; did you mean {near[0]}=…?"
    names = ", ".join(known)
    return f"; it takes {names}" if names else "; it takes none"


def _open(schema: Mapping[str, Any]) -> bool:
    """Return whether the schema lets keys pass that it does not name."""
    root = resolved(schema, schema)
    extra = root.get("additionalProperties")
    if extra is None:
        # A schema that names no property describes nothing, rather than forbids all.
        return "properties" not in root
    return extra is not False


def _value(field: Field | None, values: list[tuple[bool, str]], root: Any) -> Any:
    if len(values) > 1:
        if field is not None and "array" not in field.types:
            raise ValueError(f"was given {len(values)} times, and is no list")
        item = item_of(field.schema, root) if field is not None else {}
        return [_one(raw, text, item, root) for raw, text in values]
    raw, text = values[0]
    if raw or field is None:
        return _one(raw, text, {}, root)
    if "array" in field.types and "string" not in field.types:
        return [_typed(text, item_of(field.schema, root), root)]
    return _typed(text, field.schema, root)


def _one(raw: bool, text: str, schema: Mapping[str, Any], root: Any) -> Any:
    if not raw:
        return _typed(text, schema, root)
    try:
        return _json(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not JSON ({error})") from None


def _typed(text: str, schema: Mapping[str, Any], root: Any) -> Any:
    """Return the text as the narrowest type that the schema allows and that it fits.

    :raises ValueError: with what was expected instead.
    """
    allowed = types_of(schema, root)
    if "null" in allowed and text == "null" and allowed != ANYTHING:
        return None
    if allowed == ANYTHING:
        return text
    lowered = text.strip().lower()
    if "integer" in allowed or "number" in allowed:
        number = _number(text.strip(), "number" in allowed)
        if number is not None:
            return number
    if "boolean" in allowed and lowered in _TRUE | _FALSE:
        return lowered in _TRUE
    if "object" in allowed and text.lstrip().startswith("{"):
        return _one(True, text, {}, root)
    if "string" in allowed:
        choices = choices_of(schema, root)
        if choices and text not in choices:
            near = suggest(text, [c for c in choices if isinstance(c, str)])
            tail = f"; did you mean {near[0]}?" if near else ""
            raise ValueError(f"{text!r} is none of {', '.join(map(str, choices))}{tail}")
        return text
    expected = spelled(schema, root)
    tail = "; give JSON with :=" if allowed & {"object", "array"} else ""
    raise ValueError(f"{text!r} is not of type {expected}{tail}")


def _number(text: str, fractional: bool) -> int | float | None:
    if not text.isascii() or "_" in text:
        return None  # Python reads both; JSON and people do not
    try:
        return int(text)
    except ValueError:
        pass
    if fractional:
        try:
            value = float(text)
        except ValueError:
            return None
        return value if value - value == 0 else None  # neither infinite nor NaN
    return None


def _json(text: str) -> Any:
    def refused(name: str) -> Any:
        raise ValueError(f"{name} is not JSON")

    try:
        return json.loads(text, parse_constant=refused)
    except RecursionError:
        raise ValueError("nested too deeply") from None
