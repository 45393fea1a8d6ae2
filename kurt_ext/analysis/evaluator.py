"""Work out what an expression stands for, without running anything: lazily, and within a budget.

Names are followed through imports, aliases, containers, attributes of the
skill's own objects, arguments, returned values, ``getattr`` and its kin; texts through
joining, formatting, slicing and decoding. The order of statements is not looked at: a name
that means something of interest anywhere is taken to mean it everywhere. What
is not known is :class:`~.values.Unknown`, with where it comes from.
"""

from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING, Any

from . import bindings, expressions, folding, known_calls, members, methods
from .known import CONSTANTS, SELF, SKILL, canonical, computed, may_be_outside, meaning
from .known_calls import CALLED
from .scopes import NOWHERE, Module, Scope
from .values import (
    NOTHING,
    UNKNOWN,
    Code,
    Const,
    Frame,
    Instance,
    Local,
    Map,
    Namespace,
    Partial,
    Ref,
    Seq,
    Text,
    Unknown,
    Value,
    Values,
    join,
)

if TYPE_CHECKING:
    from .modulegraph import Graph

__all__ = ["Evaluator"]


#: How deep one expression may lead into others, and how many steps a skill may take in all.
_DEPTH = 50
_STEPS = 400_000
#: From how many modules to how many more a name is followed that each imports from the next.
_HOPS = 100
_LONGEST = 400
_NO_ARGUMENTS = ast.Call(func=ast.Constant(value=None), args=[], keywords=[])
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_BUILTINS = frozenset(dir(builtins)) - {"copyright", "credits", "license", "exit", "quit"}


class Evaluator:
    """The values of expressions of a skill's modules.

    :param graph: the modules.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.steps = 0
        #: Why something was given up: where, and what for.
        self.given_up: dict[str, str] = {}
        self._known: dict[int, Values] = {}
        self._names: dict[tuple[int, str], Values] = {}
        self._running: set[Any] = set()
        self._stars: dict[int, tuple[Module | str, ...]] = {}
        self._depth = 0
        self._hops = 0
        self._module: Module | None = None

    # -- the one door

    def values(self, node: ast.AST | None, scope: Scope, frame: Frame | None = None) -> Values:
        """Return what an expression can be.

        :param frame: names that surely have these values, of a call that is worked through.
        """
        if node is None:
            return UNKNOWN
        key = id(node)
        if frame is None:
            known = self._known.get(key)
            if known is not None:
                return known
            if key in self._running:
                return NOTHING
        if self._depth >= _DEPTH or self.steps >= _STEPS:
            self._give_up(scope)
            return UNKNOWN
        self.steps += 1
        self._depth += 1
        if frame is None:
            self._running.add(key)
        try:
            method = _METHODS.get(node.__class__)
            found = method(self, node, scope, frame) if method is not None else UNKNOWN
        finally:
            self._depth -= 1
            if frame is None:
                self._running.discard(key)
        if frame is None:
            self._known[key] = found
        return found

    def charge(self, found: Values) -> Values:
        """Count what large texts cost: of those that are made, few are kept."""
        for value in found:
            if isinstance(value, Const) and isinstance(value.value, (str, bytes)):
                self.steps += len(value.value) >> 8
        return found

    def _give_up(self, scope: Scope) -> None:
        why = (
            "an expression leads through too many others"
            if self._depth >= _DEPTH or self._hops >= _HOPS
            else "it takes too many steps to work through"
        )
        self.given_up.setdefault(scope.module.path, why)

    # -- names

    def _name(self, node: ast.Name, scope: Scope, frame: Frame | None) -> Values:
        if frame is not None and node.id in frame:
            return frame[node.id]
        return self.lookup(node.id, scope)

    def lookup(self, name: str, scope: Scope) -> Values:
        """Return what a name can be where it is used."""
        home: Scope | None = scope
        inside = True
        while home is not None:
            if name in home.bindings and (inside or not home.is_class):
                return self.bound(name, home)
            # A comprehension and an annotation see the class they stand in.
            inside = inside and home.node.__class__ in _TRANSPARENT
            home = home.parent
        module = scope.module
        special = self._special(name, module)
        if special is not None:
            return special
        found = self._starred(name, module) if module.stars else NOTHING
        if found:
            return found
        if name in _BUILTINS:
            return (Ref(f"builtins.{name}"),)
        return UNKNOWN

    @staticmethod
    def _special(name: str, module: Module) -> Values | None:
        if name == "__file__":
            return (Const(f"{SKILL}/{module.path}"),)
        if name == "__builtins__":
            return (Ref("builtins"),)
        if name == "__name__":
            return (Text("", ".".join(module.name.split("."))),)
        if name == "__package__":
            return (Text("kurt_skills", ""),)
        if name == "__path__":
            return (Seq(((Const(SKILL),),)),)
        if name == "__loader__":
            return (Ref("importlib.machinery.SourceFileLoader()"),)
        if name == "__spec__":
            return (Ref("importlib.machinery.ModuleSpec()"),)
        return None

    def _starred(self, name: str, module: Module) -> Values:
        """Return what a name is that an ``import *`` brings; nothing where none does."""
        for source in self._star_sources(module):
            if isinstance(source, Module):
                if name in source.scope.bindings:
                    return self.bound(name, source.scope)
            elif meaning(f"{source}.{name}"):
                return (self.ref(f"{source}.{name}"),)
        return NOTHING

    def _star_sources(self, module: Module) -> tuple[Module | str, ...]:
        """Return whose names a module has by ``import *``, each once, as they are asked."""
        known = self._stars.get(id(module))
        if known is not None:
            return known
        found: dict[Module | str, None] = {}
        waiting = [(base, level, module) for base, level, _ in reversed(module.stars)]
        while waiting:
            base, level, asking = waiting.pop()
            local = self.graph.resolve(base, level, asking)
            if local is None:
                if level == 0 and base:
                    found.setdefault(base)
            elif local not in found:
                found[local] = None
                waiting += [(base, level, local) for base, level, _ in reversed(local.stars)]
        sources = self._stars[id(module)] = tuple(found)
        return sources

    def bound(self, name: str, scope: Scope) -> Values:
        """Return what a scope binds a name to, all ways together."""
        key = (id(scope), name)
        known = self._names.get(key)
        if known is not None:
            return known
        if key in self._running:
            return NOTHING
        if self._hops >= _HOPS:
            self._give_up(scope)
            return UNKNOWN
        self._running.add(key)
        self._hops += 1
        try:
            sets = [bindings.values_of(self, one) for one in scope.bindings.get(name, ())]
        finally:
            self._hops -= 1
            self._running.discard(key)
        found = join(*sets) if sets else UNKNOWN
        self._names[key] = found
        return found

    def imported(self, name: str, module: Module) -> Values:
        """Return the module that a name brings: one of the skill, or one from outside."""
        local = self.graph.resolve(name, 0, module)
        if local is None:
            return (self.ref(name),)
        return (Local(local), self.ref(name)) if may_be_outside(name) else (Local(local),)

    def from_(self, base: str, name: str, level: int, module: Module) -> Values:
        """Return what ``from base import name`` brings."""
        found = self._own_or_outside(base, name, level, module)
        if not level and may_be_outside(base):
            return join(found, (self.ref(f"{base}.{name}"),))
        return found

    def _own_or_outside(self, base: str, name: str, level: int, module: Module) -> Values:
        local = self.graph.resolve(base, level, module)
        if local is not None:
            if name in local.scope.bindings:
                return self.bound(name, local.scope)
            inner = self.graph.resolve(f"{base}.{name}" if base else name, level, module)
            return (Local(inner),) if inner is not None else self._member(local, name)
        inner = self.graph.resolve(f"{base}.{name}" if base else name, level, module)
        if inner is not None:
            return (Local(inner),)
        if level:
            return UNKNOWN
        return (self.ref(f"{base}.{name}"),)

    # -- attributes

    def ref(self, name: str, call: ast.Call | None = None) -> Ref:
        """Return something from outside by its name, in the one spelling that the tables know."""
        # What is that long was not written by hand, and is in no table.
        return Ref(canonical(name) if len(name) < _LONGEST else name, call)

    def _attribute(self, node: ast.Attribute, scope: Scope, frame: Frame | None) -> Values:
        chain = [node.attr]
        base: ast.expr = node.value
        while isinstance(base, ast.Attribute):
            chain.append(base.attr)
            base = base.value
        found = self.values(base, scope, frame)
        for name in reversed(chain):
            found = self.members(found, name)
        return found

    def members(self, values: Values, name: str) -> Values:
        """Return what an attribute of something can be."""
        if len(values) == 1:
            return self.member(values[0], name)
        return join(*[self.member(value, name) for value in values]) if values else NOTHING

    def member(self, value: Value, name: str) -> Values:
        """Return what an attribute of one value can be."""
        if isinstance(value, Ref):
            if value.text and name in _PATH_PARTS:
                return members.path_part(self, value, name)
            if name == "__self__" and meaning(value.name) is None:
                return (Ref(value.name.rpartition(".")[0] or value.name),)
            if name == "__self__" and value.name.startswith("builtins."):
                return (Ref("builtins"),)
            ref = self.ref(f"{value.name}.{name}", value.call)
            return CONSTANTS.get(ref.name) or (ref,)
        if isinstance(value, Local):
            return self._member(value.module, name)
        if isinstance(value, Instance):
            return self._got(self.field(value.code, name, set()))
        if isinstance(value, Code):
            if isinstance(value.node, ast.ClassDef):
                return self.field(value, name, set())
            return (Ref(f"{SKILL}.{name}"),) if name.startswith("__") else UNKNOWN
        if isinstance(value, Namespace):
            return (Partial("namespace." + name, (value,), ()),)
        if isinstance(value, (Const, Text, Seq, Map)):
            return (Partial("method." + name, (value,), ()),)
        if isinstance(value, Unknown):
            return (value,)
        return UNKNOWN

    def _member(self, module: Module, name: str) -> Values:
        if name in module.scope.bindings:
            return self.bound(name, module.scope)
        if name == "__dict__":
            return (Namespace(module.scope),)
        inner = self.graph.resolve(f"{module.name}.{name}" if module.name else name, 0, None)
        if inner is not None:
            return (Local(inner),)
        found = self._starred(name, module) if module.stars else NOTHING
        if found:
            return found
        if "__getattr__" in module.scope.bindings:
            asked = self.bound("__getattr__", module.scope)
            return tuple([Ref(f"{one.name}()") for one in asked if isinstance(one, Ref)]) or UNKNOWN
        return self._special(name, module) or UNKNOWN

    def _got(self, values: Values) -> Values:
        """Return what reading attributes of an object gives: of a property, what it returns."""
        sets: list[Values] = []
        for value in values:
            decorators = (
                getattr(value.node, "decorator_list", ()) if isinstance(value, Code) else ()
            )
            words = {getattr(one, "attr", getattr(one, "id", "")) for one in decorators}
            if isinstance(value, Code) and not words.isdisjoint(("property", "cached_property")):
                sets.append(self.returned(value, _NO_ARGUMENTS, value.scope, None))
            else:
                sets.append((value,))
        return join(*sets)

    def field(self, code: Code, name: str, seen: set[int]) -> Values:
        """Return an attribute of a class of the skill, or of its objects."""
        if id(code.node) in seen or len(seen) > 16:
            return NOTHING
        seen.add(id(code.node))
        scope = code.module.scopes.get(code.node)
        if scope is None or not isinstance(code.node, ast.ClassDef):
            return UNKNOWN
        sets: list[Values] = []
        if name in scope.bindings:
            sets.append(self.bound(name, scope))
        if name in scope.fields:
            key = ("field", id(scope), name)
            if key not in self._running:
                self._running.add(key)
                try:
                    sets += [bindings.values_of(self, one) for one in scope.fields[name]]
                finally:
                    self._running.discard(key)
        if sets:
            return join(*sets)
        if name in ("__class__", "__mro__", "__bases__"):
            return (code,)
        if name == "__dict__":
            return (Namespace(scope),)
        for base in code.node.bases:
            for value in self.values(base, code.scope):
                if isinstance(value, Code):
                    sets.append(self.field(value, name, seen))
                elif isinstance(value, Ref) and not value.name.startswith("builtins.object"):
                    sets.append((self.ref(f"{value.name}().{name}"),))
        return join(*sets) if any(sets) else SELF

    # -- paths

    # -- subscripts

    # -- calls

    def _call(self, node: ast.Call, scope: Scope, frame: Frame | None) -> Values:
        function = node.func
        if isinstance(function, ast.Attribute):
            found = methods.method_call(self, function, node, scope, frame)
            if found is not None:
                return found
        callees = self.values(function, scope, frame)
        if isinstance(function, ast.Attribute) and function.attr in _PARTS:
            # Of a text that is not known the parts are a list all the same.
            callees = tuple([one for one in callees if not isinstance(one, Unknown)])
            if not callees:
                return (Seq((UNKNOWN,)),)
        sets = [self.called(value, node, scope, frame) for value in callees]
        return join(*sets) if sets else UNKNOWN

    def called(
        self, value: Value, node: ast.Call, scope: Scope, frame: Frame | None = None
    ) -> Values:
        """Return what calling something gives."""
        if isinstance(value, Ref):
            special = CALLED.get(value.name)
            if special is not None:
                found: Values | None = special(self, node, scope, frame)
                if found is not None:
                    return found
            if value.name in folding.FUNCTIONS:
                arguments = [self.values(one, scope, frame) for one in node.args]
                words = {
                    word.arg: self.values(word.value, scope, frame)
                    for word in node.keywords
                    if word.arg
                }
                folded = folding.function(value.name, arguments, words)
                if folded is not None:
                    return self.charge(folded)
            name = value.name
            if name.endswith(".__getattribute__") and len(node.args) == 1:
                owner = (Ref(name.removesuffix(".__getattribute__"), value.call),)
                return known_calls.fetched(self, owner, self.values(node.args[0], scope, frame))
            return (Ref(name if name.endswith("()()") else f"{name}()", node),)
        if isinstance(value, Code):
            if isinstance(value.node, ast.ClassDef):
                return (Instance(value),)
            return self.returned(value, node, scope, frame)
        if isinstance(value, Partial):
            return self._partial(value, node, scope, frame)
        if isinstance(value, Instance):
            made = self.field(value.code, "__call__", set())
            sets = [self.called(one, node, scope) for one in made if isinstance(one, Code)]
            return join(*sets) if sets else UNKNOWN
        if isinstance(value, Unknown):
            return (value,)
        return UNKNOWN

    def returned(self, code: Code, node: ast.Call, scope: Scope, frame: Frame | None) -> Values:
        """Return what a function of the skill gives to a call."""
        inner = code.module.scopes.get(code.node)
        if inner is None or not inner.returns:
            return UNKNOWN
        own = self._frame(code, inner, node, scope, frame)
        key = ("returned", id(code.node))
        if key in self._running:
            return UNKNOWN
        if own is None:
            known = self._names.get((id(code.node), "()"))
            if known is not None:
                return known
        self._running.add(key)
        try:
            sets = [self.values(one, inner, own) for one in inner.returns[:16]]
        finally:
            self._running.discard(key)
        found = join(*sets)
        if own is None:
            self._names[id(code.node), "()"] = found
        return found

    def _frame(
        self, code: Code, inner: Scope, node: ast.Call, scope: Scope, frame: Frame | None
    ) -> Frame | None:
        """Return the arguments of a call by name, where all are known for sure."""
        arguments = code.node.args  # type: ignore[attr-defined]
        names = [one.arg for one in (*arguments.posonlyargs, *arguments.args)]
        if inner.owner is not None and inner.parent is inner.owner:
            names = names[1:]
        if not node.args or len(node.args) > len(names) or node.keywords:
            return None
        own: Frame = {}
        for name, one in zip(names, node.args, strict=False):
            known = self.values(one, scope, frame)
            if len(known) != 1 or not isinstance(known[0], (Const, Seq, Ref, Local)):
                return None
            own[name] = known
        # Only where nothing else is assigned to the arguments is their value the given one.
        if any(len(inner.bindings.get(name, ())) > 2 for name in own):
            return None
        return own

    def _partial(self, value: Partial, node: ast.Call, scope: Scope, frame: Frame | None) -> Values:
        if value.what == "partial":
            call = ast.Call(
                func=node.func,
                args=[*(value.call.args[1:] if value.call is not None else ()), *node.args],
                keywords=[*(value.call.keywords if value.call is not None else ()), *node.keywords],
            )
            ast.copy_location(call, node)
            return join(*[self.called(one, call, scope, frame) for one in value.function])
        given = self.values(node.args[0], scope, frame) if node.args else UNKNOWN
        if value.what == "attrgetter":
            sets = []
            for names in value.args:
                for one in names:
                    if isinstance(one, Const) and isinstance(one.value, str):
                        sets.append(self._dotted(given, one.value))
                    else:
                        sets.append(computed(given))
            return join(*sets) if sets else UNKNOWN
        if value.what == "itemgetter":
            sets = [members.item(self, given, one) for names in value.args for one in names]
            return join(*sets) if sets else UNKNOWN
        if value.what == "methodcaller":
            sets = []
            for names in value.args[:1]:
                for one in names:
                    if isinstance(one, Const) and isinstance(one.value, str):
                        member = self.members(given, one.value)
                        sets.append(join(*[self.called(m, node, scope, frame) for m in member]))
            return join(*sets) if sets else UNKNOWN
        if value.what.startswith("method."):
            arguments = [self.values(one, scope, frame) for one in node.args]
            name = value.what.removeprefix("method.")
            return join(
                *[
                    methods.method(self, one, name, arguments, node, scope, frame)
                    for one in value.function
                ]
            )
        if value.what.startswith("namespace."):
            arguments = [self.values(one, scope, frame) for one in node.args]
            name = value.what.removeprefix("namespace.")
            return join(
                *[
                    methods.method(self, one, name, arguments, node, scope, frame)
                    for one in value.function
                ]
            )
        return UNKNOWN

    def _dotted(self, values: Values, names: str) -> Values:
        for name in names.split(".")[:16]:
            values = self.members(values, name)
        return values

    # -- calls that mean something of their own

    def arguments(self, node: ast.Call, scope: Scope, frame: Frame | None) -> list[Values]:
        """Return what a call is given by position, ``*`` unrolled."""
        found: list[Values] = []
        for one in node.args:
            if isinstance(one, ast.Starred):
                for value in self.values(one.value, scope, frame):
                    if isinstance(value, Seq):
                        found += value.items
                        break
                else:
                    found.append(UNKNOWN)
            else:
                found.append(self.values(one, scope, frame))
        return found

    def applied(self, function: Value, arguments: list[Values]) -> Values:
        """Return what a function gives for values, where that can be worked out."""
        if isinstance(function, Ref):
            if function.name in folding.FUNCTIONS:
                return folding.function(function.name, arguments, {}) or UNKNOWN
            if function.name in ("builtins.__import__", "importlib.import_module"):
                return join(
                    *[
                        known_calls.modules(self, one, NOWHERE.scope, first_only=True)
                        for one in arguments
                    ]
                )
            return (Ref(f"{function.name}()"),)
        if isinstance(function, Code) and isinstance(function.node, _FUNCTIONS):
            inner = function.module.scopes.get(function.node)
            names = [one.arg for one in function.node.args.args]
            if inner is None or len(names) < len(arguments):
                return UNKNOWN
            frame = dict(zip(names, arguments, strict=False))
            return join(*[self.values(one, inner, frame) for one in inner.returns[:4]])
        return UNKNOWN

    @staticmethod
    def as_text(values: Values) -> Values:
        """Return what paths among the values are as texts."""
        found: list[Value] = []
        for value in values:
            if isinstance(value, Ref) and value.text:
                found += value.text
            else:
                found.append(value)
        return tuple(found)

    # -- the other expressions


_TRANSPARENT = frozenset((ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp))
_PARTS = frozenset(("readlines", "rsplit", "split", "splitlines"))
_PATH_PARTS = frozenset(("parent", "parents", "name", "stem", "suffix"))
_METHODS: dict[type, Any] = {
    ast.Name: Evaluator._name,
    ast.Attribute: Evaluator._attribute,
    ast.Subscript: members.subscript,
    ast.Call: Evaluator._call,
    ast.Constant: expressions.constant,
    ast.List: expressions.sequence_of,
    ast.Tuple: expressions.sequence_of,
    ast.Set: expressions.sequence_of,
    ast.Dict: expressions.dict_of,
    ast.BinOp: expressions.binary,
    ast.JoinedStr: expressions.formatted,
    ast.IfExp: expressions.either,
    ast.BoolOp: expressions.any_,
    ast.NamedExpr: expressions.inner,
    ast.Await: expressions.inner,
    ast.Starred: expressions.inner,
    ast.Lambda: expressions.lambda_,
    ast.UnaryOp: expressions.unary,
    ast.ListComp: expressions.comprehension,
    ast.SetComp: expressions.comprehension,
    ast.GeneratorExp: expressions.comprehension,
    ast.DictComp: expressions.comprehension,
}
