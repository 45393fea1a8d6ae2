"""What a JSON Schema says of each argument of a call, as far as a command line needs it.

Only what decides how a word is read is looked at: types, choices, items,
references within the document, and unions. Schemas come from strangers and may
refer to themselves, so that every walk has a bound.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

__all__ = [
    "ANYTHING",
    "Field",
    "choices_of",
    "fields",
    "item_of",
    "name_of",
    "resolved",
    "spelled",
    "types_of",
]

#: The types of a schema that names none.
ANYTHING = frozenset({"string", "integer", "number", "boolean", "array", "object", "null"})
_ORDER = ("string", "integer", "number", "boolean", "array", "object", "null")
_DEPTH = 8  # of references that refer to references, and of lists of lists


class Field:
    """One argument of a call, as its schema describes it.

    :param name: the key.
    :param types: the JSON types it may have.
    :param type: the same for a reader, such as ``list of string``.
    :param required: whether it must be given.
    :param default: its default as JSON text; None where there is none.
    :param description: what it is for.
    """

    __slots__ = ("default", "description", "name", "required", "schema", "type", "types")

    def __init__(self, name: str, schema: Mapping[str, Any], required: bool, root: Any) -> None:
        self.name = name
        self.schema = schema
        self.required = required
        self.types = types_of(schema, root)
        self.type = spelled(schema, root)
        self.default = _dump(schema["default"]) if "default" in schema else None
        self.description = " ".join(
            str(
                schema.get("description") or resolved(schema, root).get("description") or ""
            ).split()
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the field for JSON output."""
        return {
            "name": self.name,
            "type": self.type,
            "required": self.required,
            "default": self.schema.get("default"),
            "description": self.description,
        }


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def fields(schema: Mapping[str, Any]) -> list[Field]:
    """Return the arguments that a schema names, in its order."""
    root = resolved(schema, schema)
    required = root.get("required", ())
    return [
        Field(name, part if isinstance(part, Mapping) else {}, name in required, schema)
        for name, part in root.get("properties", {}).items()
    ]


def resolved(schema: Any, root: Any) -> Mapping[str, Any]:
    """Follow ``$ref`` within the document; an unknown one resolves to a schema of anything."""
    for _ in range(_DEPTH):
        if not isinstance(schema, Mapping):
            return {}
        target = schema.get("$ref")
        if not isinstance(target, str):
            return schema
        found: Any = root
        for part in target.removeprefix("#").strip("/").split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            if key:
                found = found.get(key) if isinstance(found, Mapping) else None
        schema = found
    return {}


def _branches(schema: Mapping[str, Any]) -> list[Any]:
    for word in ("anyOf", "oneOf", "allOf"):
        branches = schema.get(word)
        if isinstance(branches, list):
            return branches
    return []


def types_of(schema: Any, root: Any, depth: int = 0) -> frozenset[str]:
    """Return the JSON types that a schema allows."""
    found = resolved(schema, root)
    stated = found.get("type")
    if isinstance(stated, str):
        return frozenset({stated})
    if isinstance(stated, list):
        return frozenset(str(item) for item in stated)
    for values in (found.get("enum"), [found["const"]] if "const" in found else None):
        if isinstance(values, list) and values:
            return frozenset(name_of(value) for value in values)
    branches = _branches(found)
    if branches and depth < _DEPTH:
        return frozenset().union(*(types_of(branch, root, depth + 1) for branch in branches))
    return ANYTHING


def name_of(value: Any) -> str:
    """Return the JSON type of a value."""
    names = {
        dict: "object",
        list: "array",
        str: "string",
        bool: "boolean",
        int: "integer",
        float: "number",
    }
    return names.get(type(value), "null")


def item_of(schema: Any, root: Any) -> Mapping[str, Any]:
    """Return the schema of an array's items."""
    found = resolved(schema, root)
    for branch in (found, *(resolved(branch, root) for branch in _branches(found))):
        if isinstance(branch.get("items"), Mapping):
            items: Mapping[str, Any] = branch["items"]
            return items
    return {}


def choices_of(schema: Any, root: Any, depth: int = 0) -> list[Any]:
    """Return the values that a schema allows, where it names them; else []."""
    found = resolved(schema, root)
    if "const" in found:
        return [found["const"]]
    if isinstance(found.get("enum"), list):
        return list(found["enum"])
    if depth >= _DEPTH:
        return []
    branches = [resolved(branch, root) for branch in _branches(found)]
    values = [
        choices_of(branch, root, depth + 1) for branch in branches if branch.get("type") != "null"
    ]
    return [value for choices in values for value in choices] if all(values) else []


def spelled(schema: Any, root: Any, depth: int = 0) -> str:
    """Return a schema's type for a reader, such as ``list of string``."""
    choices = choices_of(schema, root)
    if choices:
        return "|".join(str(choice) for choice in choices)
    allowed = types_of(schema, root)
    if allowed == ANYTHING or depth >= _DEPTH:
        return "any"
    names = [name for name in _ORDER if name in allowed]
    if "number" in allowed and "integer" in allowed:
        names.remove("integer")
    if "array" in allowed:
        item = spelled(item_of(schema, root), root, depth + 1)
        names[names.index("array")] = "list" if item == "any" else f"list of {item}"
    form = resolved(schema, root).get("format")
    text = " or ".join(names)
    return f"{text} ({form})" if isinstance(form, str) else text
