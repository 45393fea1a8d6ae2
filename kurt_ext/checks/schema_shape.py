"""What a JSON Schema of a stranger asks of whoever checks a value against it.

It is read as data: nothing is fetched, no pattern is matched, no value is checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from ..sources import show

__all__ = ["Fault", "faults"]

_MAX_NODES = 5_000
_MAX_DEPTH = 60
#: Checks that one value may take through references that branch; 2²⁰ would take seconds.
_MAX_WORK = 100_000
_IN_PLACE = ("allOf", "anyOf", "oneOf")
_ALONE = ("not", "if", "then", "else")
_NAMED = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_BELOW = ("items", "additionalProperties", "contains", "propertyNames", "prefixItems",
          "unevaluatedProperties", "unevaluatedItems", "additionalItems")  # fmt: skip
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int, float),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
Path = tuple["str | int", ...]


class Fault(NamedTuple):
    """What is wrong with a schema: rule, severity, path within it, and the sentence."""

    rule: str
    severity: str
    path: Path
    message: str


def faults(schema: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield what is wrong with a schema besides its form."""
    nodes = 0
    waiting: list[tuple[Path, Any]] = [((), schema)]
    referring = False
    while waiting:
        path, node = waiting.pop()
        nodes += 1
        if nodes > _MAX_NODES or len(path) > _MAX_DEPTH:
            message = f"it has more than {_MAX_NODES:,} parts, or {_MAX_DEPTH} levels"
            yield Fault("schema-too-large", "high", path[:8], message)
            return
        if not isinstance(node, Mapping):
            continue
        referring = referring or "$ref" in node or "$dynamicRef" in node
        yield from _node(path, node)
        waiting += _children(path, node)
    if referring and _circles(schema):
        message = "it refers to itself, and to nothing besides, without end"
        yield Fault("schema-too-large", "high", (), message)
    elif referring and _work(schema) > _MAX_WORK:
        message = "its references multiply, so that one value is checked without end"
        yield Fault("schema-too-large", "high", (), message)


def _children(path: Path, node: Mapping[str, Any]) -> list[tuple[Path, Any]]:
    found: list[tuple[Path, Any]] = []
    for word in (*_IN_PLACE, *_ALONE, *_BELOW):
        if word in node:
            value = node[word]
            if isinstance(value, list):
                found += [((*path, word, number), one) for number, one in enumerate(value)]
            else:
                found.append(((*path, word), value))
    for word in _NAMED:
        named = node.get(word)
        if isinstance(named, Mapping):
            found += [((*path, word, key), one) for key, one in named.items()]
    return found


def _node(path: Path, node: Mapping[str, Any]) -> Iterator[Fault]:
    for word in ("$ref", "$dynamicRef", "$recursiveRef"):
        target = node.get(word)
        if isinstance(target, str) and target[:1] != "#" and target:
            message = f"{word} {show(target)} is outside of the manifest: its content can change"
            yield Fault("schema-remote", "high", (*path, word), message)
    patterns = [((*path, "pattern"), node.get("pattern"))]
    named = node.get("patternProperties")
    if isinstance(named, Mapping):
        patterns += [((*path, "patternProperties", key), key) for key in named]
    for where, pattern in patterns:
        if isinstance(pattern, str):
            from .regex_cost import cost

            why = cost(pattern)
            if why:
                yield Fault("schema-pattern", "high", where, f"the pattern {show(pattern)} {why}")
    yield from _values(path, node)


def _values(path: Path, node: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield where what a schema offers contradicts what it asks for."""
    kinds = node.get("type")
    wanted = [kinds] if isinstance(kinds, str) else kinds if isinstance(kinds, list) else []
    choice = node.get("enum")
    if choice == []:
        yield Fault("schema-contradicts", "medium", (*path, "enum"), "no value is in its enum")
    offered = [("default", node["default"])] if "default" in node else []
    if isinstance(choice, list):
        offered += [("enum", one) for one in choice]
    for word, value in offered:
        if wanted and value is not None and not any(_fits(value, kind) for kind in wanted):
            message = f"its {word} {show(str(value))} is not of the type it asks for"
            yield Fault("schema-contradicts", "medium", (*path, word), message)
            return
    value = node.get("default")
    if isinstance(choice, list) and choice and value is not None and value not in choice:
        message = f"its default {show(str(value))} is not in its enum"
        yield Fault("schema-contradicts", "medium", (*path, "default"), message)
    for low, high in (("minimum", "maximum"), ("minLength", "maxLength"), ("minItems", "maxItems")):
        least, most = node.get(low), node.get(high)
        if not _is_number(least) or not _is_number(most):
            least, most = least if _is_number(least) else None, most if _is_number(most) else None
        if least is not None and most is not None and least > most:
            message = f"its {low} is above its {high}: nothing fits"
            yield Fault("schema-contradicts", "medium", (*path, low), message)
        measured = value if low == "minimum" else None
        if _is_number(measured) and (
            (least is not None and measured < least) or (most is not None and measured > most)
        ):
            message = f"its default {measured} is not between its {low} and its {high}"
            yield Fault("schema-contradicts", "medium", (*path, "default"), message)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _fits(value: object, kind: object) -> bool:
    types = _TYPES.get(kind) if isinstance(kind, str) else None
    if types is None:
        return True  # no type of JSON Schema: its compilation says so
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, types)


def _work(root: Mapping[str, Any]) -> int:
    """Return how often one value may be checked, up to a little more than the limit."""
    known: dict[int, int] = {}
    budget = [_MAX_NODES * 4]

    def work(node: Any, open_: frozenset[int], depth: int) -> int:
        if not isinstance(node, Mapping):
            return 1
        key = id(node)
        if key in known:
            return known[key]
        budget[0] -= 1
        if key in open_ or depth > 200 or budget[0] < 0:
            return 1 if key in open_ else _MAX_WORK + 1
        inner = open_ | {key}
        total = 1
        for _, child in _children((), node):
            total += work(child, inner, depth + 1)
        target = _resolved(root, node.get("$ref"))
        if target is not None:
            total += work(target, inner, depth + 1)
        known[key] = min(total, _MAX_WORK + 1)
        return known[key]

    return work(root, frozenset(), 0)


def _circles(root: Mapping[str, Any]) -> bool:
    """Return whether one value would be checked by the same schema for ever."""
    done: set[int] = set()
    for start in _every(root):
        # Depth first over what applies to the same value, and the way back.
        waiting: list[tuple[Mapping[str, Any], bool]] = [(start, True)]
        above: set[int] = set()
        while waiting:
            node, entering = waiting.pop()
            if not entering:
                above.discard(id(node))
                done.add(id(node))
                continue
            if id(node) in above:
                return True
            if id(node) in done:
                continue
            above.add(id(node))
            waiting.append((node, False))
            waiting += [(one, True) for one in _alike(root, node)]
    return False


def _every(root: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    waiting: list[tuple[Path, Any]] = [((), root)]
    while waiting:
        path, node = waiting.pop()
        if isinstance(node, Mapping):
            yield node
            waiting += _children(path, node)


def _alike(root: Mapping[str, Any], node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the schemas that apply to the same value as one does."""
    found = [node.get(word) for word in _ALONE]
    for word in _IN_PLACE:
        listed = node.get(word)
        found += listed if isinstance(listed, list) else []
    reference = node.get("$ref")
    found.append(root if reference == "#" else _resolved(root, reference))
    yield from (one for one in found if isinstance(one, Mapping))


def _resolved(root: Mapping[str, Any], reference: object) -> Any:
    """Return what a local ``$ref`` points to; None where it is none, or points nowhere."""
    if not isinstance(reference, str) or reference[:1] != "#":
        return None
    node: Any = root
    for part in reference[1:].split("/")[1:] if reference != "#" else ():
        key = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(node, Mapping):
            node = node.get(key)
        elif isinstance(node, list) and key.isdigit() and int(key) < len(node):
            node = node[int(key)]
        else:
            return None
    return node if node is not root else None
