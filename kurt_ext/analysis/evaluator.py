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
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from . import catalogue, folding
from .scopes import Binding, Module, Scope
from .values import (
    NOTHING,
    UNKNOWN,
    Code,
    Const,
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
    from collections.abc import Mapping, Sequence

    from .modulegraph import Graph

__all__ = ["CALLED", "SKILL", "Evaluator", "canonical", "meaning"]

# A program names few things, often.
canonical = lru_cache(8192)(catalogue.canonical)
meaning = lru_cache(8192)(catalogue.meaning)

#: What stands for the skill's own folder in a path.
SKILL = "<skill>"
#: How deep one expression may lead into others, and how many steps a skill may take in all.
_DEPTH = 50
_STEPS = 400_000
#: From how many modules to how many more a name is followed that each imports from the next.
_HOPS = 100
_LONGEST = 400
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_BUILTINS = frozenset(dir(builtins)) - {"copyright", "credits", "license", "exit", "quit"}
_ARGUMENT = (Unknown(frozenset(("argument",))),)
_SELF = (Unknown(frozenset(("self",))),)

Frame = dict[str, Values]


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

    def _charge(self, found: Values) -> Values:
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
            elif meaning(f"{source}.{name}") or name in _of_module(source):
                return (self._ref(f"{source}.{name}"),)
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
            sets = [self._binding(one) for one in scope.bindings.get(name, ())]
        finally:
            self._hops -= 1
            self._running.discard(key)
        found = join(*sets) if sets else UNKNOWN
        self._names[key] = found
        return found

    def _binding(self, binding: Binding) -> Values:
        how = binding.how
        if how == "value":
            return self.values(binding.expression, binding.scope)
        if how == "import":
            return self._imported(binding.detail, binding.scope.module)
        if how == "from":
            module, name, level = binding.detail
            return self._from(module, name, level, binding.scope.module)
        if how == "define":
            return self._defined(binding)
        if how == "parameter":
            return self._parameter(binding)
        if how == "enter":
            return self._entered(self.values(binding.expression, binding.scope))
        if how == "iter":
            return self._elements(self.values(binding.expression, binding.scope))
        if how == "item":
            return self._unpacked(binding)
        if how == "add":
            return self._added(binding)
        if how == "annotated":
            return self._annotated(binding)
        return _ARGUMENT if how in ("rest", "words") else UNKNOWN

    def _imported(self, name: str, module: Module) -> Values:
        local = self.graph.resolve(name, 0, module)
        if local is None:
            return (self._ref(name),)
        return (Local(local), self._ref(name)) if _may_be_outside(name) else (Local(local),)

    def _from(self, base: str, name: str, level: int, module: Module) -> Values:
        found = self._own_or_outside(base, name, level, module)
        if not level and _may_be_outside(base):
            return join(found, (self._ref(f"{base}.{name}"),))
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
        return (self._ref(f"{base}.{name}"),)

    def _defined(self, binding: Binding) -> Values:
        node = binding.expression
        found: Values = (Code(node, binding.scope, binding.scope.module),)
        for decorator in reversed(binding.detail):
            made = self.values(decorator, binding.scope)
            # What is called with a function gives the function, as most do, or what it gives.
            given: list[Values] = [found]
            for value in made:
                if isinstance(value, Ref) and value.name.startswith("builtins."):
                    given = [] if value.name in ("builtins.eval", "builtins.exec") else given
                    given.append(found)
            found = join(*given) or found
        return found

    def _parameter(self, binding: Binding) -> Values:
        number, argument = binding.detail
        scope = binding.scope
        function = binding.expression
        if number == 0 and scope.owner is not None and scope.parent is scope.owner:
            decorators = getattr(function, "decorator_list", ())
            names = {getattr(one, "id", "") for one in decorators}
            code = Code(scope.owner.node, scope.owner.parent or scope.owner, scope.module)
            if "classmethod" in names or argument.arg in ("cls", "mcs"):
                return (code,)
            if "staticmethod" not in names:
                return (Instance(code),)
        sets = [self._annotation(argument.annotation, scope)]
        name = getattr(function, "name", None)
        for call, where in scope.module.calls.get(name, ())[:16] if name else ():
            given = self._argument(call, number, argument.arg, scope)
            if given is not None:
                sets.append(self.values(given, where))
        for module in self.graph.importing(scope.module):
            for call, where in module.calls.get(name, ())[:16] if name else ():
                given = self._argument(call, number, argument.arg, scope)
                if given is not None:
                    sets.append(self.values(given, where))
        return join(*sets, _ARGUMENT)

    @staticmethod
    def _argument(call: ast.Call, number: int | None, name: str, scope: Scope) -> ast.expr | None:
        for word in call.keywords:
            if word.arg == name:
                return word.value
        if number is None:
            return None
        bound = scope.owner is not None and scope.parent is scope.owner
        place = number - 1 if bound else number
        if 0 <= place < len(call.args) and not any(
            isinstance(one, ast.Starred) for one in call.args[: place + 1]
        ):
            return call.args[place]
        return None

    def _annotated(self, binding: Binding) -> Values:
        return self._annotation(binding.expression, binding.scope) or UNKNOWN

    def _annotation(self, node: ast.expr | None, scope: Scope) -> Values:
        """Return objects of the class that an annotation names, as far as it is one."""
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return join(self._annotation(node.left, scope), self._annotation(node.right, scope))
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return NOTHING
        if not isinstance(node, (ast.Name, ast.Attribute)):
            return NOTHING
        found: list[Value] = []
        for value in self.values(node, scope):
            if isinstance(value, Ref) and not value.name.startswith(("builtins.", "typing.")):
                found.append(Ref(f"{value.name}()"))
            elif isinstance(value, Code) and isinstance(value.node, ast.ClassDef):
                found.append(Instance(value))
        return tuple(found)

    def _entered(self, values: Values) -> Values:
        sets: list[Values] = []
        for value in values:
            if isinstance(value, Instance):
                for one in self._field(value.code, "__enter__", set()):
                    if isinstance(one, Code) and isinstance(one.node, _FUNCTIONS):
                        sets.append(self._returned(one, _NO_ARGUMENTS, one.scope, None))
            sets.append((value,))
        return join(*sets)

    def _elements(self, values: Values) -> Values:
        sets: list[Values] = []
        for value in values:
            if isinstance(value, Seq):
                sets += value.items[:64]
            elif isinstance(value, Map):
                sets.append(tuple([Const(key) for key in list(value.entries)[:64]]))
            elif isinstance(value, Const) and isinstance(value.value, str):
                sets.append(tuple([Const(one) for one in dict.fromkeys(value.value[:64])]))
            elif isinstance(value, Unknown):
                sets.append((value,))
            elif isinstance(value, Ref):
                sets.append((Ref(_ELEMENTS.get(value.name, f"{value.name}[]")),))
        return join(*sets) if sets else UNKNOWN

    def _unpacked(self, binding: Binding) -> Values:
        whole = self._binding(binding.expression)
        return self._item(whole, Const(binding.detail))

    def _added(self, binding: Binding) -> Values:
        # Only that something is added is known: the flow is not followed.
        right = self.values(binding.expression, binding.scope)
        origins = frozenset().union(*[_origins(value) for value in right])
        kept = [value for value in right if isinstance(value, (Seq, Map))]
        return (*kept, Text("", "", origins | {"built"}))

    # -- attributes

    def _ref(self, name: str, call: ast.Call | None = None) -> Ref:
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
                return self._path_part(value, name)
            if name == "__self__" and meaning(value.name) is None:
                return (Ref(value.name.rpartition(".")[0] or value.name),)
            if name == "__self__" and value.name.startswith("builtins."):
                return (Ref("builtins"),)
            ref = self._ref(f"{value.name}.{name}", value.call)
            return _CONSTANTS.get(ref.name) or (ref,)
        if isinstance(value, Local):
            return self._member(value.module, name)
        if isinstance(value, Instance):
            return self._got(self._field(value.code, name, set()))
        if isinstance(value, Code):
            if isinstance(value.node, ast.ClassDef):
                return self._field(value, name, set())
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
            decorators = getattr(value.node, "decorator_list", ()) if isinstance(value, Code) else ()
            words = {getattr(one, "attr", getattr(one, "id", "")) for one in decorators}
            if isinstance(value, Code) and not words.isdisjoint(("property", "cached_property")):
                sets.append(self._returned(value, _NO_ARGUMENTS, value.scope, None))
            else:
                sets.append((value,))
        return join(*sets)

    def _field(self, code: Code, name: str, seen: set[int]) -> Values:
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
                    sets += [self._binding(one) for one in scope.fields[name]]
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
                    sets.append(self._field(value, name, seen))
                elif isinstance(value, Ref) and not value.name.startswith("builtins.object"):
                    sets.append((self._ref(f"{value.name}().{name}"),))
        return join(*sets) if any(sets) else _SELF

    # -- paths

    def _path_part(self, value: Ref, name: str) -> Values:
        """Return a part of a path: parent, name, stem and their like."""
        found: list[Value] = []
        for text in value.text:
            whole = text.value if isinstance(text, Const) else None
            if not isinstance(whole, str):
                found.append(Unknown(_origins(text)))
            elif name == "parent":
                found.append(Const(folding.parent(whole)))
            elif name == "parents":
                ups: list[Values] = []
                rest = whole
                while rest != "/" and len(ups) < 16:
                    rest = folding.parent(rest)
                    ups.append((self._path((Const(rest),)),))
                return (Seq(tuple(ups)),)
            elif name == "name":
                return (Const(whole.rpartition("/")[2]),)
            elif name == "stem":
                return (Const(whole.rpartition("/")[2].rpartition(".")[0]),)
            elif name == "suffix":
                return (Const("." + whole.rpartition(".")[2]),)
        if name in ("name", "stem", "suffix"):
            return (Text("", ""),)
        return (self._path(tuple(found)),)

    def _path(self, text: Values) -> Ref:
        return Ref("pathlib.Path()", None, text)

    # -- subscripts

    def _subscript(self, node: ast.Subscript, scope: Scope, frame: Frame | None) -> Values:
        base = self.values(node.value, scope, frame)
        if isinstance(node.slice, ast.Slice):
            return self._slice(base, node.slice, scope, frame)
        found: list[Values] = []
        for key in self.values(node.slice, scope, frame):
            found.append(self._item(base, key))
        return join(*found) if found else UNKNOWN

    def _slice(self, base: Values, node: ast.Slice, scope: Scope, frame: Frame | None) -> Values:
        bounds: list[Any] = []
        for part in (node.lower, node.upper, node.step):
            if part is None:
                bounds.append(None)
                continue
            known = self.values(part, scope, frame)
            number = known[0].value if len(known) == 1 and isinstance(known[0], Const) else "?"
            bounds.append(number if isinstance(number, int) else "?")
        found: list[Value] = []
        for value in base:
            exact = "?" not in bounds
            if isinstance(value, Const) and isinstance(value.value, (str, bytes)) and exact:
                try:
                    found.append(Const(value.value[slice(*bounds)], value.decoded))
                except (ValueError, TypeError):
                    found.append(Unknown())
            elif isinstance(value, Seq) and exact:
                try:
                    found.append(Seq(value.items[slice(*bounds)]))
                except (ValueError, TypeError):
                    found.append(Unknown())
            else:
                found.append(Text("", "", _origins(value)) if not isinstance(value, Ref) else value)
        return join(tuple(found)) if found else UNKNOWN

    def _item(self, base: Values, key: Value) -> Values:
        sets: list[Values] = []
        known = key.value if isinstance(key, Const) else None
        for value in base:
            if isinstance(value, Seq):
                if isinstance(known, int) and -len(value.items) <= known < len(value.items):
                    sets.append(value.items[known])
                else:
                    sets += value.items[:64]
            elif isinstance(value, Map):
                if known is not None and _hashable(known) and known in value.entries:
                    sets.append(value.entries[known])
                elif isinstance(key, Const):
                    sets.append(value.rest)
                else:
                    sets += [*list(value.entries.values())[:64], value.rest]
            elif isinstance(value, Namespace):
                sets.append(self._named(value, key))
            elif isinstance(value, Ref):
                sets.append(self._item_of_ref(value, key))
            elif isinstance(value, Const) and isinstance(value.value, (str, bytes)):
                if isinstance(known, int) and -len(value.value) <= known < len(value.value):
                    sets.append((Const(value.value[known]),))
            elif isinstance(value, Unknown):
                sets.append((value,))
            elif isinstance(value, Code):
                sets.append(self.member(value, "__class_getitem__"))
                sets.append((value,))
        return join(*sets) if any(sets) else UNKNOWN

    def _item_of_ref(self, value: Ref, key: Value) -> Values:
        known = key.value if isinstance(key, Const) else None
        if value.name == "sys.modules":
            if isinstance(known, str):
                return self._imported(known, _NO_MODULE)
            if isinstance(key, Text) and key.suffix:  # sys.modules[__name__] is the module itself
                return _SELF
            return (Ref("sys.modules[]"),)
        if value.name.endswith(".__dict__") or value.name == "builtins":
            owner = value.name.removesuffix(".__dict__")
            if isinstance(known, str):
                return (self._ref(f"{owner}.{known}"),)
            return (Ref(f"{value.name}[]"),)
        if value.name in ("os.environ", "os.environb"):
            return _environment(known)
        listed = _CONSTANTS.get(value.name + "[]")
        return listed or (Ref(f"{value.name}[]", value.call),)

    def _named(self, space: Namespace, key: Value) -> Values:
        name = key.value if isinstance(key, Const) else None
        if not isinstance(name, str):
            return _computed(space.of) if space.of else UNKNOWN
        if space.scope is not None:
            return self.lookup(name, space.scope)
        return self.members(space.of, name)

    # -- calls

    def _call(self, node: ast.Call, scope: Scope, frame: Frame | None) -> Values:
        function = node.func
        if isinstance(function, ast.Attribute):
            found = self._method_call(function, node, scope, frame)
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

    def _method_call(
        self, function: ast.Attribute, node: ast.Call, scope: Scope, frame: Frame | None
    ) -> Values | None:
        """Return what a method of a text, list or dict gives; None where it is of something else."""
        receivers = self.values(function.value, scope, frame)
        if not receivers or not all(
            isinstance(value, (Const, Text, Seq, Map, Namespace))
            or (isinstance(value, Ref) and (value.text or value.name in _REF_METHODS))
            for value in receivers
        ):
            return None
        sets = []
        for value in receivers:
            arguments = [self.values(one, scope, frame) for one in node.args]
            sets.append(self._method(value, function.attr, arguments, node, scope, frame))
        return join(*sets)

    def _method(
        self,
        value: Value,
        name: str,
        arguments: Sequence[Values],
        node: ast.Call,
        scope: Scope,
        frame: Frame | None,
    ) -> Values:
        first = arguments[0][0] if arguments and arguments[0] else None
        if isinstance(value, Ref):
            return self._method_of_ref(value, name, arguments, node)
        if isinstance(value, Namespace):
            if name in ("get", "pop", "__getitem__", "setdefault") and first is not None:
                return self._named(value, first)
            return UNKNOWN
        if isinstance(value, Map):
            if name in ("get", "pop", "setdefault", "__getitem__") and first is not None:
                default = arguments[1] if len(arguments) > 1 else NOTHING
                return join(self._item((value,), first), default)
            if name == "values":
                return (Seq((join(*[*value.entries.values(), value.rest]),)),)
            if name == "items":
                pairs = [
                    (Seq(((Const(key),), inner)),)
                    for key, inner in list(value.entries.items())[:64]
                ]
                return (Seq(tuple(pairs)),)
            if name == "keys":
                return (Seq(tuple([(Const(key),) for key in list(value.entries)[:64]])),)
            return (value,) if name == "copy" else UNKNOWN
        if isinstance(value, Seq):
            if name in ("pop", "__getitem__"):
                return self._item((value,), first or Const(-1))
            return (value,) if name == "copy" else UNKNOWN
        joined = None
        if name == "join" and arguments:
            joined = self._joined(value, node.args[0], arguments[0], scope, frame)
        return self._charge(joined or folding.method(value, name, arguments))

    def _joined(
        self, glue: Value, node: ast.expr, values: Values, scope: Scope, frame: Frame | None
    ) -> Values | None:
        if not isinstance(glue, Const):
            return None
        for value in values:
            parts = None
            if isinstance(value, Seq):
                parts = [one[0] if len(one) == 1 else Unknown() for one in value.items]
            if parts is not None:
                return folding.joined(glue.value, parts)
        return None

    def _method_of_ref(
        self, value: Ref, name: str, arguments: Sequence[Values], node: ast.Call
    ) -> Values:
        if value.name in ("os.environ", "os.environb"):
            if name == "get" and arguments:
                first = arguments[0][0] if arguments[0] else None
                known = first.value if isinstance(first, Const) else None
                return join(_environment(known), *arguments[1:2])
            return (Ref(f"{value.name}.{name}()", node),)
        if value.name == "sys.modules":
            if name in ("get", "pop", "__getitem__") and arguments:
                return join(*[self._item_of_ref(value, key) for key in arguments[0]])
            return (Ref("sys.modules[]"),)
        if value.name == "builtins" or value.name.endswith(".__dict__"):
            if arguments and name in ("get", "__getitem__"):
                return join(*[self._item_of_ref(value, key) for key in arguments[0]])
            return (Ref(f"{value.name}.{name}()", node),)
        if name in _SAME_PATH:
            return (Ref(value.name, node, value.text),)
        if name == "joinpath":
            text: Values = value.text
            for one in arguments:
                text = folding.path_join(text, self.as_text(one))
            return (self._path(text),)
        if name in ("with_name", "with_suffix", "with_stem") and arguments:
            text = folding.path_join(
                folding.path_parent(value.text),
                self.as_text(arguments[0]) if name == "with_name" else (Text("", ""),),
            )
            return (self._path(text),)
        if name in ("as_posix", "__str__", "__fspath__", "as_uri"):
            return value.text
        if name in ("iterdir", "glob", "rglob"):
            return (Seq(((self._path(folding.path_join(value.text, (Text("", ""),))),),)),)
        return (self._ref(f"{value.name}.{name}()", node),)

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
                    return self._charge(folded)
            name = value.name
            if name.endswith(".__getattribute__") and len(node.args) == 1:
                owner = (Ref(name.removesuffix(".__getattribute__"), value.call),)
                return self._fetched(owner, self.values(node.args[0], scope, frame))
            return (Ref(name if name.endswith("()()") else f"{name}()", node),)
        if isinstance(value, Code):
            if isinstance(value.node, ast.ClassDef):
                return (Instance(value),)
            return self._returned(value, node, scope, frame)
        if isinstance(value, Partial):
            return self._partial(value, node, scope, frame)
        if isinstance(value, Instance):
            made = self._field(value.code, "__call__", set())
            sets = [self.called(one, node, scope) for one in made if isinstance(one, Code)]
            return join(*sets) if sets else UNKNOWN
        if isinstance(value, Unknown):
            return (value,)
        return UNKNOWN

    def _returned(self, code: Code, node: ast.Call, scope: Scope, frame: Frame | None) -> Values:
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
                        sets.append(_computed(given))
            return join(*sets) if sets else UNKNOWN
        if value.what == "itemgetter":
            sets = [self._item(given, one) for names in value.args for one in names]
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
                *[self._method(one, name, arguments, node, scope, frame) for one in value.function]
            )
        if value.what.startswith("namespace."):
            arguments = [self.values(one, scope, frame) for one in node.args]
            name = value.what.removeprefix("namespace.")
            return join(
                *[self._method(one, name, arguments, node, scope, frame) for one in value.function]
            )
        return UNKNOWN

    def _dotted(self, values: Values, names: str) -> Values:
        for name in names.split(".")[:16]:
            values = self.members(values, name)
        return values

    # -- calls that mean something of their own

    def _arguments(self, node: ast.Call, scope: Scope, frame: Frame | None) -> list[Values]:
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

    def _getattr(self, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
        given = self._arguments(node, scope, frame)
        if len(given) < 2:
            return UNKNOWN
        return join(self._fetched(given[0], given[1]), *given[2:3])

    def _fetched(self, owner: Values, names: Values) -> Values:
        """Return what attributes can be that are fetched by what a text says."""
        sets: list[Values] = []
        for name in names:
            if isinstance(name, Const) and isinstance(name.value, str):
                sets.append(self.members(owner, name.value))
            else:
                sets.append(_computed(owner))
        return join(*sets) if sets else UNKNOWN

    def _object_getattribute(
        self, node: ast.Call, scope: Scope, frame: Frame | None
    ) -> Values | None:
        return self._getattr(node, scope, frame)

    def _import(self, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
        given = self._arguments(node, scope, frame)
        words = {word.arg: word.value for word in node.keywords}
        names = given[0] if given else self.values(words.get("name"), scope, frame)
        # `__import__("a.b")` gives a, unless it is asked for members of b.
        listed = given[3] if len(given) > 3 else ()
        if "fromlist" in words:
            listed = self.values(words["fromlist"], scope, frame)
        whole = any(isinstance(one, Seq) and one.items for one in listed)
        return self._modules(names, scope, first_only=not whole)

    def _import_module(self, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
        given = self._arguments(node, scope, frame)
        words = {word.arg: word.value for word in node.keywords}
        names = given[0] if given else self.values(words.get("name"), scope, frame)
        return self._modules(names, scope, first_only=False)

    def _modules(self, names: Values, scope: Scope, *, first_only: bool) -> Values:
        sets: list[Values] = []
        for name in names:
            if isinstance(name, Const) and isinstance(name.value, str):
                text = name.value
                level = len(text) - len(text.lstrip("."))
                if level:
                    local = self.graph.resolve(text.lstrip("."), level, scope.module)
                    sets.append((Local(local),) if local is not None else UNKNOWN)
                    continue
                text = text.partition(".")[0] if first_only else text
                sets.append(self._imported(text, scope.module))
            elif isinstance(name, Text) and name.prefix.startswith((".", "kurt_skills")):
                sets.append(_SELF)
            else:
                sets.append((Ref("importlib.import_module()"),))
        return join(*sets) if sets else UNKNOWN

    def _resolve_name(self, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
        given = self._arguments(node, scope, frame)
        sets: list[Values] = []
        for name in given[0] if given else ():
            if isinstance(name, Const) and isinstance(name.value, str):
                module, colon, rest = name.value.partition(":")
                dotted = f"{module}.{rest}" if colon and rest else module
                sets.append((self._ref(dotted),))
            else:
                sets.append((Ref("importlib.import_module()"),))
        return join(*sets) if sets else UNKNOWN

    def _load_entry_point(self, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
        if not isinstance(node.func, ast.Attribute):
            return None
        sets: list[Values] = []
        for value in self.values(node.func.value, scope, frame):
            call = value.call if isinstance(value, Ref) else None
            words = {word.arg: word.value for word in call.keywords} if call is not None else {}
            named = words.get("value") or (call.args[1] if call and len(call.args) > 1 else None)
            for text in self.values(named, scope, frame) if named is not None else ():
                if isinstance(text, Const) and isinstance(text.value, str):
                    sets.append(
                        (self._ref(text.value.partition("[")[0].replace(":", ".").strip()),)
                    )
        return join(*sets) if sets else None

    def _make_partial(self, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
        given = self._arguments(node, scope, frame)
        if not given:
            return UNKNOWN
        return (Partial("partial", given[0], tuple(given[1:]), node),)

    def _make_getter(what: str) -> Any:  # type: ignore[misc]
        def made(self: Evaluator, node: ast.Call, scope: Scope, frame: Frame | None) -> Values:
            return (Partial(what, (), tuple(self._arguments(node, scope, frame)), node),)

        return made

    def _reduce(self, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
        given = self._arguments(node, scope, frame)
        if len(given) < 2:
            return UNKNOWN
        if any(isinstance(one, Ref) and one.name == "builtins.getattr" for one in given[0]):
            items = next((one.items for one in given[1] if isinstance(one, Seq)), None)
            if items is None:
                return _computed(given[2]) if len(given) > 2 else UNKNOWN
            steps = list(items)
            found = given[2] if len(given) > 2 else steps.pop(0) if steps else UNKNOWN
            for step in steps[:16]:
                names = [one.value for one in step if isinstance(one, Const)]
                found = join(*[self.members(found, str(name)) for name in names]) or UNKNOWN
            return found
        return UNKNOWN

    def _globals(self, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
        return (Namespace(scope.module.scope),)

    def _locals(self, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
        return (Namespace(scope),)

    def _vars(self, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
        if not node.args:
            return (Namespace(scope),)
        return (Namespace(None, self.values(node.args[0], scope, frame)),)

    def _type(self, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
        if len(node.args) != 1:
            return None
        sets: list[Values] = []
        for value in self.values(node.args[0], scope, frame):
            if isinstance(value, Instance):
                sets.append((value.code,))
            elif isinstance(value, Ref) and value.name.endswith("()"):
                sets.append((Ref(value.name.removesuffix("()")),))
            else:
                sets.append((Ref("builtins.type()", node),))
        return join(*sets) if sets else None

    def _first(self, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
        return self.values(node.args[0], scope, frame) if node.args else None

    def _next(self, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
        return self._elements(self.values(node.args[0], scope, frame)) if node.args else None

    def _dict(self, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
        entries: dict[Any, Values] = {}
        rest: list[Values] = []
        for word in node.keywords:
            inner = self.values(word.value, scope, frame)
            if word.arg is None:
                rest.append(inner)
            else:
                entries[word.arg] = inner
        for one in node.args:
            for value in self.values(one, scope, frame):
                if isinstance(value, Map):
                    entries.update(value.entries)
                    rest.append(value.rest)
                elif isinstance(value, Seq):
                    for pair in value.items[:256]:
                        for two in pair:
                            if isinstance(two, Seq) and len(two.items) == 2:
                                for key in two.items[0]:
                                    if isinstance(key, Const) and _hashable(key.value):
                                        entries[key.value] = two.items[1]
                elif not isinstance(value, Unknown):
                    return None
        return (Map(entries, join(*rest) if rest else ()),)

    def _sequence(self, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
        if not node.args:
            return (Seq(()),)
        found: list[Value] = []
        for value in self.values(node.args[0], scope, frame):
            if isinstance(value, Seq):
                found.append(value)
            elif isinstance(value, Const) and isinstance(value.value, (str, bytes)):
                found.append(Seq(tuple([(Const(one),) for one in value.value[:4096]])))
            elif isinstance(value, Map):
                found.append(Seq(tuple([(Const(key),) for key in value.entries])))
            else:
                found.append(value)
        return tuple(found) or None

    def _sorted(self, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
        sets: list[Value] = []
        for one in self._sequence(node, scope, frame) or ():
            if not isinstance(one, Seq):
                sets.append(one)
                continue
            plain = [item[0] for item in one.items if len(item) == 1 and isinstance(item[0], Const)]
            values = [item.value for item in plain]
            kinds = {type(value) for value in values}
            if (
                node.keywords
                or len(plain) != len(one.items)
                or len(kinds) > 1
                or (kinds and not kinds <= {str, int, bytes})
            ):
                sets.append(Seq((join(*one.items),)))  # in an order that is not worked out
            else:
                sets.append(Seq(tuple([(Const(value),) for value in sorted(values)])))
        return tuple(sets) or None

    def _reversed(self, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
        made = self._sequence(node, scope, frame)
        return tuple([Seq(one.items[::-1]) if isinstance(one, Seq) else one for one in made or ()])

    def _map(self, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
        if len(node.args) != 2:
            return None
        functions = self.values(node.args[0], scope, frame)
        for value in self.values(node.args[1], scope, frame):
            items: list[Values] | None = None
            if isinstance(value, Seq):
                items = list(value.items)
            elif isinstance(value, Const) and isinstance(value.value, (str, bytes)):
                items = [(Const(one),) for one in value.value[:4096]]
            if items is None:
                continue
            out: list[Values] = []
            for item in items[:4096]:
                out.append(join(*[self.applied(one, [item]) for one in functions]) or UNKNOWN)
            return (Seq(tuple(out)),)
        return None

    def applied(self, function: Value, arguments: list[Values]) -> Values:
        """Return what a function gives for values, where that can be worked out."""
        if isinstance(function, Ref):
            if function.name in folding.FUNCTIONS:
                return folding.function(function.name, arguments, {}) or UNKNOWN
            if function.name in ("builtins.__import__", "importlib.import_module"):
                return join(*[self._modules(one, _NO_SCOPE, first_only=True) for one in arguments])
            return (Ref(f"{function.name}()"),)
        if isinstance(function, Code) and isinstance(function.node, _FUNCTIONS):
            inner = function.module.scopes.get(function.node)
            names = [one.arg for one in function.node.args.args]
            if inner is None or len(names) < len(arguments):
                return UNKNOWN
            frame = dict(zip(names, arguments, strict=False))
            return join(*[self.values(one, inner, frame) for one in inner.returns[:4]])
        return UNKNOWN

    def _make_path(self, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
        text: Values = ()
        for one in node.args:
            part = self.as_text(self.values(one, scope, frame))
            text = folding.path_join(text, part) if text else part
        return (self._path(text or (Const("."),)),)

    def _join_path(self, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
        text: Values = ()
        for one in self._arguments(node, scope, frame):
            part = self.as_text(one)
            text = folding.path_join(text, part) if text else part
        return text or UNKNOWN

    def _parent_path(self, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
        if not node.args:
            return None
        return folding.path_parent(self.as_text(self.values(node.args[0], scope, frame)))

    def _same_text(self, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
        return self.as_text(self.values(node.args[0], scope, frame)) if node.args else None

    def _home(self, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
        return (self._path((Const("~"),)),)

    def _cwd(self, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
        return (self._path((Const("."),)),)

    def _setattr(self, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
        return (Const(None),)

    def _environ_get(self, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
        given = self._arguments(node, scope, frame)
        first = given[0][0] if given and given[0] else None
        known = first.value if isinstance(first, Const) else None
        return join(_environment(known), *given[1:2])

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

    def _constant(self, node: ast.Constant, scope: Scope, frame: Frame | None) -> Values:
        return (Const(node.value),)

    def _sequence_of(self, node: Any, scope: Scope, frame: Frame | None) -> Values:
        items: list[Values] = []
        for one in node.elts[:4096]:
            if isinstance(one, ast.Starred):
                for value in self.values(one.value, scope, frame):
                    if isinstance(value, Seq):
                        items += value.items
                del items[4096:]
            else:
                items.append(self.values(one, scope, frame))
        return (Seq(tuple(items)),)

    def _dict_of(self, node: ast.Dict, scope: Scope, frame: Frame | None) -> Values:
        entries: dict[Any, Values] = {}
        rest: list[Values] = []
        for key, item in zip(node.keys[:1024], node.values[:1024], strict=False):
            inner = self.values(item, scope, frame)
            if key is None:
                for value in inner:
                    if isinstance(value, Map):
                        entries.update(value.entries)
                        rest.append(value.rest)
                continue
            for one in self.values(key, scope, frame):
                if isinstance(one, Const) and _hashable(one.value):
                    entries[one.value] = inner
                else:
                    rest.append(inner)
        return (Map(entries, join(*rest) if rest else ()),)

    def _binary(self, node: ast.BinOp, scope: Scope, frame: Frame | None) -> Values:
        # A long chain of + leans to the left: as deep as it is long, unless it is unrolled.
        operands: list[tuple[ast.operator, ast.expr]] = []
        left: ast.expr = node
        while isinstance(left, ast.BinOp):
            operands.append((left.op, left.right))
            left = left.left
        found = self.values(left, scope, frame)
        for operator, right in reversed(operands):
            found = self._operated(found, operator, self.values(right, scope, frame))
        return found

    def _operated(self, left: Values, operator: ast.operator, right: Values) -> Values:
        if isinstance(operator, ast.Div):
            for value in left:
                if isinstance(value, Ref) and (value.text or value.name.endswith(".files()")):
                    base = value.text or (Const(SKILL),)
                    return (self._path(folding.path_join(base, self.as_text(right))),)
            if any(isinstance(value, Ref) and value.text for value in right):
                return (self._path(folding.path_join(self.as_text(left), self.as_text(right))),)
        found: list[Value] = []
        for one in left[:4]:
            for two in right[:4]:
                found.append(folding.operated(one, operator, two))
        return self._charge(tuple(dict.fromkeys(found))) or UNKNOWN

    def _formatted(self, node: ast.JoinedStr, scope: Scope, frame: Frame | None) -> Values:
        parts: list[Value] = []
        for part in node.values:
            if isinstance(part, ast.Constant):
                parts.append(Const(part.value))
                continue
            inner = self.as_text(self.values(part.value, scope, frame))  # type: ignore[attr-defined]
            plain = part.format_spec is None  # type: ignore[attr-defined]
            parts.append(inner[0] if len(inner) == 1 and plain else Unknown(_all_origins(inner)))
        return folding.joined("", parts)

    def _either(self, node: ast.IfExp, scope: Scope, frame: Frame | None) -> Values:
        return join(self.values(node.body, scope, frame), self.values(node.orelse, scope, frame))

    def _any(self, node: ast.BoolOp, scope: Scope, frame: Frame | None) -> Values:
        return join(*[self.values(one, scope, frame) for one in node.values[:16]])

    def _inner(self, node: Any, scope: Scope, frame: Frame | None) -> Values:
        return self.values(node.value, scope, frame)

    def _lambda(self, node: ast.Lambda, scope: Scope, frame: Frame | None) -> Values:
        return (Code(node, scope, scope.module),)

    def _unary(self, node: ast.UnaryOp, scope: Scope, frame: Frame | None) -> Values:
        signs = 0
        inner: ast.expr = node
        while isinstance(inner, ast.UnaryOp):
            if not isinstance(inner.op, ast.USub):
                return UNKNOWN
            signs += 1
            inner = inner.operand
        known = self.values(inner, scope, frame)
        if len(known) == 1 and isinstance(known[0], Const) and type(known[0].value) in (int, float):
            return (Const(-known[0].value if signs % 2 else known[0].value),)
        return UNKNOWN

    def _comprehension(self, node: Any, scope: Scope, frame: Frame | None) -> Values:
        inner = scope.module.scopes.get(node, scope)
        element = node.value if isinstance(node, ast.DictComp) else node.elt
        if len(node.generators) == 1 and not node.generators[0].ifs:
            worked = self._worked_through(node, element, inner, frame)
            if worked is not None:
                return worked
        found = self.values(element, inner, frame)
        if isinstance(node, ast.DictComp):
            return (Map({}, found),)
        return (Seq((found,)),)

    def _worked_through(
        self, node: Any, element: ast.expr, inner: Scope, frame: Frame | None
    ) -> Values | None:
        """Return each element in its order, where what is run through is known."""
        generator = node.generators[0]
        if not isinstance(generator.target, ast.Name) or isinstance(node, ast.DictComp):
            return None
        for value in self.values(generator.iter, inner, frame):
            items: list[Values] | None = None
            if isinstance(value, Seq):
                items = list(value.items)
            elif isinstance(value, Const) and isinstance(value.value, (str, bytes)):
                items = [(Const(one),) for one in value.value]
            if items is None or len(items) > 4096 or not all(len(one) == 1 for one in items):
                continue
            if not all(isinstance(one[0], (Const, Seq)) for one in items):
                continue
            name = generator.target.id
            out = [self.values(element, inner, {**(frame or {}), name: one}) for one in items]
            return (Seq(tuple(out)),)
        return None


def _may_be_outside(name: str) -> bool:
    """Return whether a module that a skill has may be a known one of that name that is installed.

    A skill's folder is not on the search path, so that an absolute import brings the other.
    """
    return name.partition(".")[0] in _KNOWN_PACKAGES


def _of_module(base: str) -> frozenset[str]:
    return _PUBLIC.get(base, frozenset())


def _hashable(value: Any) -> bool:
    return isinstance(value, (str, bytes, int, float, bool, type(None)))


def _origins(value: Value) -> frozenset[str]:
    if isinstance(value, (Unknown, Text)):
        return value.origins
    if isinstance(value, Const) and value.decoded:
        return frozenset(("decoded",))
    if isinstance(value, Ref):
        return frozenset((value.name,))
    return frozenset()


def _all_origins(values: Values) -> frozenset[str]:
    return frozenset().union(*[_origins(value) for value in values])


def _computed(values: Values) -> Values:
    """Return what an attribute is whose name is not known: of a module, whatever it has."""
    found: list[Value] = []
    for value in values:
        if isinstance(value, Ref):
            found.append(Ref(f"{value.name}.?"))
        elif isinstance(value, (Unknown, Instance)):
            found.append(Unknown(_origins(value)))
    return tuple(found) or UNKNOWN


def _environment(name: Any) -> Values:
    if name in ("HOME", "USERPROFILE"):
        return (Const("~"),)
    if name in ("TMPDIR", "TEMP", "TMP"):
        return (Const("<temp>"),)
    return (Unknown(frozenset(("environment",))),)


class _Nowhere:
    """A module and a scope for what is looked up from nowhere in particular."""

    def __init__(self) -> None:
        self.module = Module("", ast.Module(body=[], type_ignores=[]))


_NO_MODULE = _Nowhere().module
_NO_SCOPE = _NO_MODULE.scope
_NO_ARGUMENTS = ast.Call(func=ast.Constant(value=None), args=[], keywords=[])
_TRANSPARENT = frozenset((ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp))
#: Packages of which a name has a meaning.
_KNOWN_PACKAGES = frozenset(name.partition(".")[0] for name in catalogue.entries()) - {"*"}
#: What running through the result of a call gives.
_ELEMENTS = {
    "psutil.process_iter()": "psutil.Process()",
    "importlib.metadata.entry_points()": "importlib.metadata.EntryPoint()",
}
_PARTS = frozenset(("readlines", "rsplit", "split", "splitlines"))
_PATH_PARTS = frozenset(("parent", "parents", "name", "stem", "suffix"))
_SAME_PATH = frozenset(("resolve", "absolute", "expanduser", "__enter__"))
_REF_METHODS = frozenset(("os.environ", "os.environb", "sys.modules", "builtins"))
#: Attributes and calls whose value is known: folders, and what stands for them.
_CONSTANTS: dict[str, Values] = {
    "os.sep": (Const("/"),),
    "os.path.sep": (Const("/"),),
    "os.curdir": (Const("."),),
    "os.pardir": (Const(".."),),
    "os.extsep": (Const("."),),
    "sys.prefix": (Const("<python>"),),
    "sys.base_prefix": (Const("<python>"),),
    "sys.exec_prefix": (Const("<python>"),),
    "sys.executable": (Const("<python>/bin/python"),),
    "site.getsitepackages()[]": (Const("<site-packages>"),),
    "site.PREFIXES[]": (Const("<python>"),),
    "sysconfig.get_paths()[]": (Const("<site-packages>"),),
    "string.ascii_lowercase": (Const("abcdefghijklmnopqrstuvwxyz"),),
    "string.ascii_uppercase": (Const("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),),
    "string.ascii_letters": (Const("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),),
    "string.digits": (Const("0123456789"),),
    "string.punctuation": (Const("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),),
}
#: Public names of modules that skills import whole, which the catalogue has no line for.
_PUBLIC: dict[str, frozenset[str]] = {}


def _given(text: str) -> Any:
    def made(self: Evaluator, node: ast.Call, scope: Scope, frame: Frame | None) -> Values:
        return (Const(text),)

    return made


_getter = Evaluator.__dict__["_make_getter"]
_SPECIAL: Mapping[str, Any] = {
    "builtins.getattr": Evaluator._getattr,
    "inspect.getattr_static": Evaluator._getattr,
    "builtins.object.__getattribute__": Evaluator._getattr,
    "builtins.type.__getattribute__": Evaluator._getattr,
    "types.ModuleType.__getattribute__": Evaluator._getattr,
    "builtins.__import__": Evaluator._import,
    "importlib.__import__": Evaluator._import,
    "importlib.import_module": Evaluator._import_module,
    "importlib.reload": Evaluator._first,
    "pkgutil.resolve_name": Evaluator._resolve_name,
    "pydoc.locate": Evaluator._resolve_name,
    **dict.fromkeys(
        (
            *("unittest.mock._importer", "importlib.machinery.SourceFileLoader().load_module"),
            *("importlib.machinery.ModuleSpec().loader.load_module", "imp.load_module"),
            *("importlib._bootstrap._gcd_import", "importlib.util.import_module"),
        ),
        Evaluator._import_module,
    ),
    "importlib.metadata.EntryPoint().load": Evaluator._load_entry_point,
    "operator.attrgetter": _getter("attrgetter"),
    "operator.itemgetter": _getter("itemgetter"),
    "operator.methodcaller": _getter("methodcaller"),
    "functools.partial": Evaluator._make_partial,
    "functools.partialmethod": Evaluator._make_partial,
    "functools.reduce": Evaluator._reduce,
    "builtins.globals": Evaluator._globals,
    "builtins.locals": Evaluator._locals,
    "builtins.vars": Evaluator._vars,
    "builtins.type": Evaluator._type,
    "builtins.staticmethod": Evaluator._first,
    "builtins.classmethod": Evaluator._first,
    "builtins.iter": Evaluator._first,
    "builtins.sorted": Evaluator._sorted,
    "typing.cast": lambda self, node, scope, frame: (
        self.values(node.args[1], scope, frame) if len(node.args) > 1 else None
    ),
    "copy.copy": Evaluator._first,
    "copy.deepcopy": Evaluator._first,
    "functools.lru_cache": Evaluator._first,
    "functools.cache": Evaluator._first,
    "types.MappingProxyType": Evaluator._first,
    "asyncio.to_thread": None,
    "contextlib.closing": Evaluator._first,
    "contextlib.nullcontext": Evaluator._first,
    "builtins.next": Evaluator._next,
    "builtins.dict": Evaluator._dict,
    "types.SimpleNamespace": None,
    "builtins.list": Evaluator._sequence,
    "builtins.tuple": Evaluator._sequence,
    "builtins.set": Evaluator._sequence,
    "builtins.frozenset": Evaluator._sequence,
    "collections.deque": Evaluator._sequence,
    "builtins.reversed": Evaluator._reversed,
    "builtins.map": Evaluator._map,
    "pathlib.Path": Evaluator._make_path,
    "pathlib.PurePath": Evaluator._make_path,
    "pathlib.PosixPath": Evaluator._make_path,
    "pathlib.PurePosixPath": Evaluator._make_path,
    "pathlib.Path.home": Evaluator._home,
    "pathlib.Path.cwd": Evaluator._cwd,
    "os.path.join": Evaluator._join_path,
    "os.path.dirname": Evaluator._parent_path,
    "os.path.abspath": Evaluator._same_text,
    "os.path.realpath": Evaluator._same_text,
    "os.path.normpath": Evaluator._same_text,
    "os.path.expanduser": Evaluator._same_text,
    "os.path.expandvars": Evaluator._same_text,
    "os.fspath": Evaluator._same_text,
    "os.fsencode": Evaluator._same_text,
    "os.getcwd": _given("."),
    "tempfile.gettempdir": _given("<temp>"),
    "tempfile.mkdtemp": _given("<temp>/x"),
    "tempfile.mktemp": _given("<temp>/x"),
    "tempfile.TemporaryDirectory": _given("<temp>/x"),
    "site.getusersitepackages": _given("<site-packages>"),
    "sysconfig.get_path": _given("<site-packages>"),
    "os.getenv": Evaluator._environ_get,
    "importlib.resources.files": lambda self, node, scope, frame: (self._path((Const(SKILL),)),),
    "importlib.resources.path": lambda self, node, scope, frame: (self._path((Const(SKILL),)),),
}
CALLED = {name: method for name, method in _SPECIAL.items() if method is not None}
_METHODS: dict[type, Any] = {
    ast.Name: Evaluator._name,
    ast.Attribute: Evaluator._attribute,
    ast.Subscript: Evaluator._subscript,
    ast.Call: Evaluator._call,
    ast.Constant: Evaluator._constant,
    ast.List: Evaluator._sequence_of,
    ast.Tuple: Evaluator._sequence_of,
    ast.Set: Evaluator._sequence_of,
    ast.Dict: Evaluator._dict_of,
    ast.BinOp: Evaluator._binary,
    ast.JoinedStr: Evaluator._formatted,
    ast.IfExp: Evaluator._either,
    ast.BoolOp: Evaluator._any,
    ast.NamedExpr: Evaluator._inner,
    ast.Await: Evaluator._inner,
    ast.Starred: Evaluator._inner,
    ast.Lambda: Evaluator._lambda,
    ast.UnaryOp: Evaluator._unary,
    ast.ListComp: Evaluator._comprehension,
    ast.SetComp: Evaluator._comprehension,
    ast.GeneratorExp: Evaluator._comprehension,
    ast.DictComp: Evaluator._comprehension,
}
