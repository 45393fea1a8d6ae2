"""JSON Schemas that manifests carry: check a value, fill in defaults, say what is wrong where.

Schemas come from strangers, so nothing they say is fetched from a network or a
disk, and their patterns are matched in time that is linear in the input.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import jsonschema_rs

from .errors import ManifestError

__all__ = ["Schema"]

_MAX_PROBLEMS = 20


def _no_retrieval(uri: str) -> Any:
    raise ValueError(f"references to {uri} are not followed")


class Schema:
    """A schema, compiled once.

    :param schema: the schema; ``{}`` takes any object.
    :param owner: what it belongs to, for the error.
    :raises ManifestError: when it is no valid JSON Schema, or refers to something outside.
    """

    __slots__ = ("_validator", "source")

    def __init__(self, schema: Mapping[str, Any], owner: str) -> None:
        self.source: dict[str, Any] = {"type": "object", **schema}
        try:
            self._validator = jsonschema_rs.validator_for(
                self.source,
                retriever=_no_retrieval,
                pattern_options=jsonschema_rs.RegexOptions(),
            )
        except (ValueError, jsonschema_rs.ReferencingError) as error:
            raise ManifestError(
                f"the JSON Schema of {owner} cannot be used", cause=str(error).partition("\n")[0]
            ) from error

    def filled(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """Return a copy of ``value`` with the defaults of missing properties, also nested ones."""
        return _filled(self.source, value)

    def problems(self, value: Any) -> list[tuple[str, str]]:
        """Return what is wrong, as (JSON pointer, sentence); at most 20, in document order."""
        try:
            errors = self._validator.iter_errors(value)
        except ValueError as unfit:  # a Python value that JSON has no word for
            return [("", str(unfit))]
        return [
            (_pointer(error.instance_path), error.message)
            for error, _ in zip(errors, range(_MAX_PROBLEMS), strict=False)
        ]


def _pointer(path: Iterable[str | int]) -> str:
    # RFC 6901: "~" and "/" are escaped in this order.
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _filled(schema: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, Any]:
    made = dict(value)
    properties = schema.get("properties")
    for name, part in properties.items() if isinstance(properties, Mapping) else ():
        if not isinstance(part, Mapping):
            continue
        if name not in made and "default" in part:
            made[name] = part["default"]
        if isinstance(made.get(name), Mapping):
            made[name] = _filled(part, made[name])
    return made
