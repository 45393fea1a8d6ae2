"""Which expressions of a module can tell something that no other one of it has told.

What a name stands for is reported where it is fetched. Most expressions of ordinary code are
mentions of names that mean nothing, and are not worked out at all.
"""

from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING, Any, NamedTuple

from .catalogue import entries
from .known import meaning
from .known_calls import CALLED

if TYPE_CHECKING:
    from .scopes import Module, Site

__all__ = ["Words", "is_worth", "words_of"]

_BUILTINS = frozenset(dir(builtins))
#: Builtins that mean something, and those that do not.
_TELLING = frozenset(
    name for name in _BUILTINS if meaning(f"builtins.{name}") is not None
) | frozenset(("__import__", "__builtins__", "__loader__", "__spec__", "builtins"))
_HARMLESS = _BUILTINS - _TELLING - {"getattr", "vars", "globals", "locals", "type", "map"}
#: Methods that nothing dangerous has.
_DULL = frozenset(
    "add append casefold count discard encode endswith extend format index insert isalnum "
    "isalpha isdigit items join keys lower lstrip partition removeprefix removesuffix "
    "replace reverse rpartition rsplit rstrip sort split splitlines startswith strip "
    "title upper values".split()
)
#: Last words of calls that give what has a meaning of its own.
_RESULTS = frozenset(
    name.removesuffix("()").rpartition(".")[2]
    for name in (*entries(), *CALLED)
    if name.endswith("()") or name in CALLED
)


class Words(NamedTuple):
    """The names of a module by what a mention of them can tell.

    :param heads: bound by an import, builtins with a meaning, and other names for these.
    :param plain: what is defined in the module, or only given to a function: no mention of
        it tells anything, nor does a call.
    :param every: whether a module imports ``*``, and any name may be anything.
    """

    heads: frozenset[str]
    plain: frozenset[str]
    every: bool


def words_of(module: Module) -> Words:
    """Return the names of a module by what a mention of them can tell."""
    heads: set[str] = set(_TELLING)
    plain: set[str] = set(_HARMLESS)
    renamed: list[tuple[str, str]] = []
    for scope in module.scopes.values():
        for name, bindings in scope.bindings.items():
            dull = True
            for one in bindings:
                how = one.how
                if how in ("import", "from"):
                    heads.add(name)
                    dull = False
                elif how == "define":
                    dull = dull and not one.detail
                elif how != "parameter" and how != "except":
                    dull = False
                    if how == "value":
                        root = _root(one.expression)
                        if root is not None:
                            renamed.append((name, root))
            if dull:
                plain.add(name)
            else:
                plain.discard(name)
    for _ in range(3):  # other names of other names
        for name, root in renamed:
            if root in heads:
                heads.add(name)
    return Words(frozenset(heads), frozenset(plain - heads), bool(module.stars))


def _root(node: Any) -> str | None:
    """Return the name that a chain of attributes, items and calls begins with."""
    while True:
        kind = node.__class__
        if kind is ast.Name:
            name: str = node.id
            return name
        if kind is ast.Attribute or kind is ast.Subscript:
            node = node.value
        elif kind is ast.Call:
            node = node.func
        elif kind is ast.IfExp:
            node = node.body
        else:
            return None


def is_worth(site: Site, words: Words) -> bool:
    """Return whether a site can tell what no other site of the module tells.

    What a name stands for is reported where it is fetched; a mention of another name for it
    is nothing new, and a call of one tells what it is called with.
    """
    node = site.node
    kind = node.__class__
    if words.every:
        return True
    if kind is ast.Name:
        if site.call is None:
            return node.id in words.heads
        return node.id not in words.plain
    if kind is ast.Call:
        function = node.func
        if function.__class__ is ast.Name:
            called = site.call is not None and function.id not in words.plain
            return called or function.id in _RESULTS
        if function.__class__ is not ast.Attribute:
            return True
        # What a method gives and is called at once has no other name: ``vars(os).get(…)(…)``.
        return function.attr in _RESULTS or site.call is not None
    base = node.value
    if base.__class__ is ast.Name:
        if base.id == "self" or (kind is ast.Attribute and node.attr in _DULL):
            return base.id in words.heads
        return site.call is not None or base.id in words.heads
    if site.call is None:
        root = _root(base)
        return root is None or root in words.heads
    return True
