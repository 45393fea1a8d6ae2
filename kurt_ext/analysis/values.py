"""What an expression can stand for, as far as reading tells: the values of the evaluator.

A set of values is a plain tuple, without repetitions and of at most :data:`MOST`
members. Nothing here is ever called, imported or opened.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from .scopes import Module, Scope

__all__ = [
    "MOST",
    "NOTHING",
    "UNKNOWN",
    "Code",
    "Const",
    "Frame",
    "Instance",
    "Local",
    "Map",
    "Namespace",
    "Partial",
    "Ref",
    "Seq",
    "Text",
    "Unknown",
    "Value",
    "Values",
    "all_origins",
    "hashable",
    "join",
    "origins",
]

#: Values that one expression may have before the rest are dropped and said to be unknown.
MOST = 12


class Ref:
    """Something from outside the skill, by its dotted name: ``os.system``, ``open()`` made it.

    :param name: as ``builtins.eval``; ``()`` stands for the result of a call.
    :param call: the call that made it, where one did.
    :param text: what a path is, where it is one.
    """

    __slots__ = ("call", "name", "text")

    def __init__(self, name: str, call: ast.Call | None = None, text: Values = ()) -> None:
        self.name = name
        self.call = call
        self.text = text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ref) and self.name == other.name and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"<{self.name}>"


class Const:
    """A text, bytes, number, truth value or None that is surely this one.

    :param decoded: whether it was not written so, but worked out by decoding.
    """

    __slots__ = ("decoded", "value")

    def __init__(self, value: Any, decoded: bool = False) -> None:
        self.value = value
        self.decoded = decoded

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Const)
            and type(self.value) is type(other.value)
            and self.value == other.value
        )

    def __hash__(self) -> int:
        return hash(self.value)

    def __repr__(self) -> str:
        return repr(self.value)


class Text:
    """A text of which the beginning and the end are known: ``f"https://{region}.example.com"``.

    :param origins: where the rest comes from, as the labels of :class:`Unknown`.
    """

    __slots__ = ("origins", "prefix", "suffix")

    def __init__(self, prefix: str, suffix: str, origins: frozenset[str] = frozenset()) -> None:
        self.prefix = prefix
        self.suffix = suffix
        self.origins = origins

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Text) and (self.prefix, self.suffix) == (
            other.prefix,
            other.suffix,
        )

    def __hash__(self) -> int:
        return hash((self.prefix, self.suffix))

    def __repr__(self) -> str:
        return f"{self.prefix!r}…{self.suffix!r}"


class Seq:
    """A list, tuple or set, each member a set of values.

    :param weight: how many such things it is made of, itself among them.
    """

    __slots__ = ("items", "weight")

    def __init__(self, items: tuple[Values, ...]) -> None:
        self.items = items
        self.weight = _weight(items)

    def __eq__(self, other: object) -> bool:
        if self is other or not isinstance(other, Seq):
            return self is other
        return self.weight == other.weight <= _HEAVY and self.items == other.items

    def __hash__(self) -> int:
        return hash(len(self.items))

    def __repr__(self) -> str:
        return f"[{len(self.items)}]"


class Map:
    """A dict: what its known keys have, and what the others may have."""

    __slots__ = ("entries", "rest")

    def __init__(self, entries: dict[Any, Values], rest: Values = ()) -> None:
        self.entries = entries
        self.rest = rest

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return f"{{{len(self.entries)}}}"


class Code:
    """A function, lambda or class that the skill defines."""

    __slots__ = ("module", "node", "scope")

    def __init__(self, node: ast.AST, scope: Scope, module: Module) -> None:
        self.node = node
        self.scope = scope
        self.module = module

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Code) and self.node is other.node

    def __hash__(self) -> int:
        return id(self.node)

    def __repr__(self) -> str:
        return f"<code {getattr(self.node, 'name', 'lambda')}>"


class Instance:
    """An object of a class that the skill defines."""

    __slots__ = ("code",)

    def __init__(self, code: Code) -> None:
        self.code = code

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Instance) and self.code == other.code

    def __hash__(self) -> int:
        return hash(self.code)

    def __repr__(self) -> str:
        return f"<instance of {self.code!r}>"


class Local:
    """A module of the skill."""

    __slots__ = ("module",)

    def __init__(self, module: Module) -> None:
        self.module = module

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Local) and self.module is other.module

    def __hash__(self) -> int:
        return id(self.module)

    def __repr__(self) -> str:
        return f"<module {self.module.path}>"


class Namespace:
    """What ``globals()``, ``locals()`` or ``vars(module)`` give: names to be looked up.

    :param of: the values whose attributes are the members; none for a scope.
    """

    __slots__ = ("of", "scope", "weight")

    def __init__(self, scope: Scope | None = None, of: Values = ()) -> None:
        self.scope = scope
        self.of = of
        self.weight = _weight((of,))

    def __eq__(self, other: object) -> bool:
        if self is other or not isinstance(other, Namespace) or self.scope is not other.scope:
            return self is other
        return self.weight == other.weight <= _HEAVY and self.of == other.of

    def __hash__(self) -> int:
        return hash((id(self.scope), len(self.of)))

    def __repr__(self) -> str:
        return "<names>"


class Partial:
    """A callable with its first arguments given, or one that fetches what its name says.

    :param what: ``partial``, ``attrgetter``, ``itemgetter`` or ``methodcaller``.
    """

    __slots__ = ("args", "call", "function", "weight", "what")

    def __init__(
        self, what: str, function: Values, args: tuple[Values, ...], call: ast.Call | None = None
    ) -> None:
        self.what = what
        self.function = function
        self.args = args
        self.call = call
        self.weight = _weight((function, *args))

    def __eq__(self, other: object) -> bool:
        if self is other or not isinstance(other, Partial):
            return self is other
        return (
            self.weight == other.weight <= _HEAVY
            and self.what == other.what
            and self.function == other.function
            and self.args == other.args
        )

    def __hash__(self) -> int:
        return hash(self.what)

    def __repr__(self) -> str:
        return f"<{self.what}>"


class Unknown:
    """Something that only running the code would tell.

    :param origins: where it comes from: ``argument`` (the host's), ``self``, ``config``,
        ``environment``, ``network``, ``file``, ``decoded``.
    """

    __slots__ = ("origins",)

    def __init__(self, origins: frozenset[str] = frozenset()) -> None:
        self.origins = origins

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unknown) and self.origins == other.origins

    def __hash__(self) -> int:
        return hash(self.origins)

    def __repr__(self) -> str:
        return "<?>"


Value: TypeAlias = (
    Ref | Const | Text | Seq | Map | Code | Instance | Local | Namespace | Partial | Unknown
)
Values: TypeAlias = tuple[Value, ...]

#: Names that surely have these values, of a call that is worked through.
Frame: TypeAlias = dict[str, Values]

UNKNOWN: Values = (Unknown(),)
NOTHING: Values = ()


#: Things made of more things than this are the same only where they are one: what holds itself
#: twice, and so on, would be compared for ever.
_HEAVY = 100


def _weight(sets: tuple[Values, ...]) -> int:
    """Return how many things something is made of that holds these values."""
    found = 1
    for values in sets:
        for value in values:
            if value.__class__ in _HOLDING:
                found += value.weight  # type: ignore[union-attr]
    return min(found, _HEAVY + 1)


_HOLDING = frozenset((Seq, Namespace, Partial))


def join(*sets: Values) -> Values:
    """Return what any of the sets has, in their order; the first :data:`MOST` and the unknown."""
    if not sets:
        return NOTHING
    if not any(sets[1:]):
        return sets[0]
    found = dict.fromkeys(value for values in sets for value in values)
    if len(found) <= MOST:
        return tuple(found)
    kept = list(found)[:MOST]
    return (*kept, Unknown(frozenset(("dropped",))))


def hashable(value: Any) -> bool:
    """Return whether a constant can be a key."""
    return isinstance(value, (str, bytes, int, float, bool, type(None)))


def origins(value: Value) -> frozenset[str]:
    """Return where what is not known of a value comes from."""
    if isinstance(value, (Unknown, Text)):
        return value.origins
    if isinstance(value, Const) and value.decoded:
        return frozenset(("decoded",))
    if isinstance(value, Ref):
        return frozenset((value.name,))
    return frozenset()


def all_origins(values: Values) -> frozenset[str]:
    """Return where what is not known of any of the values comes from."""
    return frozenset().union(*[origins(value) for value in values])
