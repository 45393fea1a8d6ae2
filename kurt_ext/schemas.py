"""JSON Schemas that manifests carry: check a value, fill in defaults, say what is wrong where.

Schemas come from strangers, so nothing they say is fetched from a network or a
disk, their patterns are matched in time that is linear in the input, and their
defaults fill in so many values and no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any
from urllib.parse import unquote

import jsonschema_rs

from .errors import ManifestError

__all__ = ["Schema", "pointer"]

_MAX_PROBLEMS = 20
#: Values that the defaults of a schema may come to. A reference that two properties share
#: doubles with each level: 30 such levels would be a thousand million values.
_MAX_FILLED = 10_000
_HIDDEN = "***"
_Parts = Sequence[Mapping[str, Any]]


def _no_retrieval(uri: str) -> Any:
    raise ValueError(f"references to {uri} are not followed")


class Schema:
    """A schema, compiled once.

    :param schema: the schema; ``{}`` takes any object.
    :param owner: what it belongs to, for the error.
    :raises ManifestError: when it is no valid JSON Schema, or refers to something outside.
    """

    __slots__ = ("_owner", "_validator", "source")

    def __init__(self, schema: Mapping[str, Any], owner: str) -> None:
        self.source: dict[str, Any] = {"type": "object", **schema}
        self._owner = owner
        try:
            self._validator = self._compiled()
        except (ValueError, jsonschema_rs.ReferencingError) as error:
            raise ManifestError(
                f"the JSON Schema of {owner} cannot be used", cause=str(error).partition("\n")[0]
            ) from error

    def _compiled(self, mask: str | None = None) -> Any:
        return jsonschema_rs.validator_for(
            self.source,
            retriever=_no_retrieval,
            pattern_options=jsonschema_rs.RegexOptions(),
            mask=mask,
        )

    def filled(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """Return a deep copy of ``value`` with the defaults of missing properties.

        Also those of nested objects and of objects in lists, and those that a local ``$ref``
        or ``allOf`` brings; the first default that is met counts. An object that is missing
        whole is made where its defaults are all that it must have.

        :raises ManifestError: when the defaults come to more than 10,000 values.
        """
        made: dict[str, Any] = deepcopy(dict(value))
        _Filling(self.source, self._owner).object([self.source], made, frozenset())
        return made

    def problems(
        self, value: Any, secret: Iterable[tuple[str | int, ...]] = ()
    ) -> list[tuple[str, str]]:
        """Return what is wrong, as (JSON pointer, sentence); at most 20, in document order.

        :param secret: the paths of values that no sentence may show.
        """
        hidden = tuple(secret)
        try:
            errors = list(_first(self._validator.iter_errors(value)))
            masked = list(_first(self._compiled(_HIDDEN).iter_errors(value))) if hidden else errors
        except ValueError as unfit:  # a Python value that JSON has no word for
            return [("", str(unfit))]
        found = []
        for error, veiled in zip(errors, masked, strict=True):
            path = tuple(error.instance_path)
            touched = any(_related(path, one) for one in hidden)
            found.append((pointer(path), veiled.message if touched else error.message))
        return found

    def secrets(self, value: Any) -> set[tuple[str | int, ...]]:
        """Return the paths within ``value`` that the schema calls ``writeOnly`` or a password."""
        found: set[tuple[str | int, ...]] = set()
        waiting: list[tuple[tuple[str | int, ...], Any, _Parts]] = [((), value, [self.source])]
        while waiting:
            path, inner, parts = waiting.pop()
            every = _together(self.source, parts, _ANY)
            if any(
                part.get("writeOnly") is True or part.get("format") == "password" for part in every
            ):
                found.add(path)
            elif isinstance(inner, Mapping):
                waiting += [((*path, k), v, _of_key(every, k)) for k, v in inner.items()]
            elif isinstance(inner, list):
                waiting += [((*path, n), v, _of_item(every, n)) for n, v in enumerate(inner)]
        return found

    def published(self, path: Sequence[str | int]) -> list[Any]:
        """Return the values at a path that everybody may know: its default, its ``enum``."""
        parts: _Parts = [self.source]
        for step in path:
            every = _together(self.source, parts, _ANY)
            parts = _of_item(every, step) if isinstance(step, int) else _of_key(every, step)
        known: list[Any] = []
        for part in _together(self.source, parts, _ANY):
            known += [part[word] for word in ("default", "const") if word in part]
            listed = part.get("enum")
            known += listed if isinstance(listed, list) else []
        return known


def pointer(path: Iterable[str | int]) -> str:
    """Return the JSON pointer (RFC 6901) of a path; "" for the whole value."""
    # "~" and "/" are escaped in this order.
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _first(errors: Iterable[Any]) -> Iterator[Any]:
    for error, _ in zip(errors, range(_MAX_PROBLEMS), strict=False):
        yield error


def _related(one: tuple[str | int, ...], other: tuple[str | int, ...]) -> bool:
    """Return whether one path lies above the other, or is it."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


_ALWAYS = ("allOf",)
_ANY = ("allOf", "anyOf", "oneOf", "if", "then", "else")


def _together(root: Any, parts: Iterable[Any], words: tuple[str, ...]) -> list[Mapping[str, Any]]:
    """Return the schemas that apply to the same value: these, what they refer to and join.

    Each once, so that the list is never longer than the schema.
    """
    found: dict[int, Mapping[str, Any]] = {}
    waiting = [*reversed(list(parts))]
    while waiting:
        part = waiting.pop()
        if not isinstance(part, Mapping) or id(part) in found:
            continue
        found[id(part)] = part
        further: list[Any] = []
        if isinstance(part.get("$ref"), str):
            further.append(_referred(root, part["$ref"]))
        for word in words:
            joined = part.get(word)
            further += joined if isinstance(joined, list) else [joined]
        waiting += reversed(further)
    return list(found.values())


def _referred(root: Any, reference: str) -> Any:
    """Return what a reference within the same schema points to; None for any other."""
    if not reference.startswith("#"):
        return None
    found = root
    for word in unquote(reference[1:]).split("/")[1:]:
        step = word.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        elif isinstance(found, Mapping):
            found = found.get(step)
        else:
            return None
    return found if reference in ("#", "#/") or "/" in reference else None


def _of_key(parts: _Parts, key: str) -> list[Any]:
    """Return the schemas of a property.

    The patterns of ``patternProperties`` are not tried, a hostile one being slow for `re`:
    whatever it could match, it is taken to match.
    """
    found: list[Any] = []
    for part in parts:
        named = part.get("properties")
        if isinstance(named, Mapping) and key in named:
            found.append(named[key])
        matched = part.get("patternProperties")
        found += matched.values() if isinstance(matched, Mapping) else ()
        found.append(part.get("additionalProperties"))
    return found


def _of_item(parts: _Parts, number: int) -> list[Any]:
    found: list[Any] = []
    for part in parts:
        first = part.get("prefixItems")
        if isinstance(first, list) and number < len(first):
            found.append(first[number])
        else:
            found.append(part.get("items"))
    return found


class _Filling:
    """One pass of filling defaults in, with a count of what it has filled in."""

    def __init__(self, root: Mapping[str, Any], owner: str) -> None:
        self.root = root
        self.owner = owner
        self.left = _MAX_FILLED

    def object(self, parts: _Parts, made: dict[str, Any], making: frozenset[int]) -> None:
        """Fill the defaults of an object in.

        :param making: the schemas that are being made from nothing, so that one that
            contains itself ends.
        """
        every = _together(self.root, parts, _ALWAYS)
        for name, named in _properties(every).items():
            inner = _together(self.root, named, _ALWAYS)
            if name in made:
                self.value(inner, made[name], making)
                continue
            given = [part["default"] for part in inner if "default" in part]
            seen = bool(making & _ids(inner))
            if given:
                self.count()
                made[name] = deepcopy(given[0])
                if not seen:
                    self.inside(inner, made[name], making | _ids(inner))
            elif not seen and any(part.get("type") == "object" for part in inner):
                whole: dict[str, Any] = {}
                self.object(inner, whole, making | _ids(inner))
                needed = {word for part in inner for word in part.get("required") or ()}
                if whole and needed <= set(whole):
                    self.count()
                    made[name] = whole

    def value(self, parts: _Parts, value: Any, making: frozenset[int]) -> None:
        """Fill in below a value that is there; an empty one that a default brought stays so
        where it would bring itself again.
        """
        if value or not making & _ids(parts):
            self.inside(parts, value, making)

    def inside(self, parts: _Parts, value: Any, making: frozenset[int]) -> None:
        if isinstance(value, dict):
            self.object(parts, value, making)
        elif isinstance(value, list):
            for number, item in enumerate(value):
                inner = _together(self.root, _of_item(parts, number), _ALWAYS)
                self.value(inner, item, making)

    def count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise ManifestError(
                f"the JSON Schema of {self.owner} cannot be used",
                cause=f"its defaults come to more than {_MAX_FILLED:,} values",
            )


def _ids(parts: _Parts) -> frozenset[int]:
    return frozenset([id(part) for part in parts if "properties" in part])


def _properties(parts: _Parts) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for part in parts:
        named = part.get("properties")
        for name, inner in named.items() if isinstance(named, Mapping) else ():
            found.setdefault(name, []).append(inner)
    return found
