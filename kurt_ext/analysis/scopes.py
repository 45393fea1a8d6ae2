"""Which names a module binds, in which scope, to what; and where it uses which: one walk.

The walk is iterative, whatever the depth of the tree, and visits each node once.
"""

from __future__ import annotations

import ast
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["NOWHERE", "Binding", "Module", "Scope", "Site", "Store", "survey"]

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Binding(NamedTuple):
    """One way in which a name gets a value.

    :param how: ``value`` (the expression is it), ``item`` (it is unpacked from it), ``iter`` (it
        runs through it), ``enter`` (``with … as``), ``import`` and ``from`` (``detail`` has
        module, name and level), ``define`` (a function or class), ``parameter`` (``detail`` has
        function and position), ``add`` (``+=``), ``except``.
    """

    how: str
    expression: Any
    scope: Scope
    detail: Any = None


class Scope:
    """The names of a module, class, function, lambda or comprehension.

    :param node: what makes the scope.
    :param parent: the scope around it; None for a module's.
    """

    __slots__ = ("bindings", "fields", "globals", "module", "node", "owner", "parent", "returns")

    def __init__(self, node: ast.AST, parent: Scope | None, module: Module) -> None:
        self.node = node
        self.parent = parent
        self.module = module
        self.bindings: dict[str, list[Binding]] = {}
        self.globals: set[str] = set()
        #: Expressions that a function returns or yields.
        self.returns: list[ast.expr] = []
        #: Of a class: what is stored on ``self`` in its methods.
        self.fields: dict[str, list[Binding]] = {}
        #: Of a method: the class's scope.
        self.owner: Scope | None = None

    @property
    def is_class(self) -> bool:
        """Whether names of the scope are not seen in the functions in it."""
        return isinstance(self.node, ast.ClassDef)

    def bind(self, name: str, binding: Binding) -> None:
        """Note one more way in which a name gets its value."""
        scope = self.module.scope if name in self.globals else self
        scope.bindings.setdefault(name, []).append(binding)


class Site(NamedTuple):
    """An expression that may stand for something from outside.

    :param node: a name, attribute, subscript or call; the longest chain of them.
    :param call: the call whose function it is.
    :param at_import: whether it is reached when the module is imported.
    """

    node: Any
    scope: Scope
    call: ast.Call | None
    at_import: bool


class Store(NamedTuple):
    """An attribute or item of something that is set or deleted."""

    node: Any
    value: ast.expr | None
    scope: Scope
    at_import: bool


class Module:
    """A module of the skill, with what one walk over its tree found.

    :param path: as ``pkg/mod.py``.
    :param name: as ``pkg.mod``; a package's without ``__init__``.
    """

    def __init__(self, path: str, tree: ast.Module) -> None:
        self.path = path
        self.tree = tree
        parts = path.removesuffix(".py").split("/")
        self.is_package = parts[-1] == "__init__"
        self.name = ".".join(parts[:-1] if self.is_package else parts)
        self.scope = Scope(tree, None, self)
        self.sites: list[Site] = []
        self.stores: list[Store] = []
        #: Modules from which every name is imported, as (module, level).
        self.stars: list[tuple[str, int, ast.AST]] = []
        #: Each import: (node, module, name or None, level, at import).
        self.imports: list[tuple[ast.AST, str, str | None, int, bool]] = []
        #: Calls by the last word of what is called: where parameters get their values.
        self.calls: dict[str, list[tuple[ast.Call, Scope]]] = {}
        #: Functions and classes with the scope they make.
        self.scopes: dict[ast.AST, Scope] = {tree: self.scope}
        #: Names that are only handed to what asks no more than their nature, or renamed.
        self.quiet: set[int] = set()
        #: What stands where only a class is asked for: ``isinstance(x, HERE)``, ``except HERE``.
        self.asked: set[int] = set()
        #: The same of annotations, which may be fetched and called.
        self.typed: set[int] = set()
        #: Texts in annotations, which some libraries evaluate.
        self.annotations: list[tuple[ast.Constant, Scope]] = []
        #: Texts that reach into objects when they are formatted, and their places.
        self.formats: list[ast.Constant] = []
        survey(self)

    @cached_property
    def words(self) -> frozenset[str]:
        """The names that the module's expressions begin with, and their attributes."""
        words = set()
        for site in self.sites:
            node = site.node
            while isinstance(node, (ast.Attribute, ast.Subscript)):
                if isinstance(node, ast.Attribute):
                    words.add(node.attr)
                node = node.value
            if isinstance(node, ast.Name):
                words.add(node.id)
        return frozenset(words)

    @property
    def package(self) -> list[str]:
        """The parts of the package's name that relative imports begin from."""
        parts = self.name.split(".") if self.name else []
        return parts if self.is_package else parts[:-1]


def survey(module: Module) -> None:
    """Fill a module's lists by one walk over its tree."""
    _Survey(module).run()


class _Survey:
    """The walk: a stack of (node, scope, at import, role of the node)."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.sites = module.sites
        self.stack: list[tuple[Any, Scope, bool, Any]] = []

    def run(self) -> None:
        module = self.module
        stack = self.stack
        push = stack.append
        for child in reversed(module.tree.body):
            push((child, module.scope, True, None))
        sites = self.sites
        handlers = _HANDLERS
        inner_fields = _FIELDS
        while stack:
            node, scope, now, role = stack.pop()
            kind = node.__class__
            if kind is ast.Name:
                if role is not _INNER:
                    if node.ctx.__class__ is ast.Load:
                        sites.append(Site(node, scope, role, now))
                    elif node.ctx.__class__ is ast.Store:
                        pass
                continue
            if kind is ast.Constant:
                value = node.value
                if value.__class__ is str and ".__" in value and "{" in value:
                    module.formats.append(node)
                continue
            if kind is ast.Attribute:
                if role is not _INNER:
                    if node.ctx.__class__ is ast.Load:
                        sites.append(Site(node, scope, role, now))
                    else:
                        module.stores.append(Store(node, None, scope, now))
                value = node.value
                push((value, scope, now, _INNER if value.__class__ in _CHAIN else None))
                continue
            if kind is ast.Call:
                outer = role if role.__class__ is ast.Call else None
                sites.append(Site(node, scope, outer, now))
                function = node.func
                if function.__class__ is ast.Name:
                    if function.id in _ASKING:
                        module.quiet.update([id(argument) for argument in node.args])
                        if function.id in ("isinstance", "issubclass") and len(node.args) == 2:
                            self.asked(node.args[1])
                    module.calls.setdefault(function.id, []).append((node, scope))
                elif function.__class__ is ast.Attribute:
                    module.calls.setdefault(function.attr, []).append((node, scope))
                for word in node.keywords:
                    push((word.value, scope, now, None))
                for argument in node.args:
                    push((argument, scope, now, None))
                push((function, scope, now, node))
                continue
            handler = handlers.get(kind)
            if handler is not None:
                handler(self, node, scope, now, role)
                continue
            fields = inner_fields.get(kind)
            if fields is None:
                fields = inner_fields[kind] = tuple(
                    [field for field in node._fields if field not in _LEAVES]
                )
            for field in fields:
                part: Any = getattr(node, field, None)
                if part.__class__ is list:
                    for item in part:
                        if isinstance(item, ast.AST):
                            push((item, scope, now, None))
                elif isinstance(part, ast.AST):
                    push((part, scope, now, None))

    # -- expressions that are more than their parts

    def subscript(self, node: ast.Subscript, scope: Scope, now: bool, role: Any) -> None:
        if role is not _INNER:
            if isinstance(node.ctx, ast.Load):
                self.sites.append(Site(node, scope, role, now))
            else:
                self.module.stores.append(Store(node, None, scope, now))
        self.stack.append((node.slice, scope, now, None))
        value = node.value
        inner = _INNER if value.__class__ in _CHAIN else None
        self.stack.append((value, scope, now, inner))

    def named(self, node: ast.NamedExpr, scope: Scope, now: bool, role: Any) -> None:
        home = scope
        while isinstance(home.node, _COMPREHENSIONS) and home.parent is not None:
            home = home.parent
        home.bind(node.target.id, Binding("value", node.value, scope))
        self.stack.append((node.value, scope, now, role if role is not _INNER else None))

    def comprehension(self, node: Any, scope: Scope, now: bool, role: Any) -> None:
        inner = Scope(node, scope, self.module)
        self.module.scopes[node] = inner
        for generator in node.generators:
            self.target(generator.target, Binding("iter", generator.iter, inner), inner, now)
            self.stack.append((generator.iter, inner, now, None))
            self.stack.extend((test, inner, now, None) for test in generator.ifs)
        if isinstance(node, ast.DictComp):
            self.stack.append((node.key, inner, now, None))
            self.stack.append((node.value, inner, now, None))
        else:
            self.stack.append((node.elt, inner, now, None))

    def lambda_(self, node: ast.Lambda, scope: Scope, now: bool, role: Any) -> None:
        inner = self.function_scope(node, scope, now)
        inner.returns.append(node.body)
        # One that is called where it stands runs there.
        self.stack.append((node.body, inner, now and isinstance(role, ast.Call), None))

    # -- statements

    def assign(self, node: ast.Assign, scope: Scope, now: bool, role: Any) -> None:
        binding = Binding("value", node.value, scope)
        self.module.quiet.add(id(node.value))
        for target in node.targets:
            self.target(target, binding, scope, now)
        self.stack.append((node.value, scope, now, None))

    def annotated(self, node: ast.AnnAssign, scope: Scope, now: bool, role: Any) -> None:
        if node.value is not None:
            self.target(node.target, Binding("value", node.value, scope), scope, now)
            self.stack.append((node.value, scope, now, None))
        elif isinstance(node.target, ast.Name):
            scope.bind(node.target.id, Binding("annotated", node.annotation, scope))
        self.annotation(node.annotation, scope, now)

    def augmented(self, node: ast.AugAssign, scope: Scope, now: bool, role: Any) -> None:
        self.target(node.target, Binding("add", node.value, scope, node.op), scope, now)
        self.stack.append((node.value, scope, now, None))

    def target(self, node: ast.expr, binding: Binding, scope: Scope, now: bool) -> None:
        """Bind what an assignment's left side names."""
        waiting: list[tuple[ast.expr, Binding]] = [(node, binding)]
        while waiting:
            node, binding = waiting.pop()
            if isinstance(node, ast.Name):
                scope.bind(node.id, binding)
            elif isinstance(node, (ast.Tuple, ast.List)):
                for number, item in enumerate(node.elts):
                    if isinstance(item, ast.Starred):
                        waiting.append((item.value, Binding("value", None, scope)))
                    else:
                        waiting.append((item, Binding("item", binding, scope, number)))
            elif isinstance(node, ast.Starred):
                waiting.append((node.value, Binding("value", None, scope)))
            elif isinstance(node, (ast.Attribute, ast.Subscript)):
                value = binding.expression if binding.how == "value" else None
                self.module.stores.append(Store(node, value, scope, now))
                owner = _self_of(node, scope)
                if owner is not None and isinstance(node, ast.Attribute):
                    owner.fields.setdefault(node.attr, []).append(binding)
                inner = _INNER if node.value.__class__ in _CHAIN else None
                self.stack.append((node.value, scope, now, inner))
                if isinstance(node, ast.Subscript):
                    self.stack.append((node.slice, scope, now, None))

    def loop(self, node: Any, scope: Scope, now: bool, role: Any) -> None:
        self.target(node.target, Binding("iter", node.iter, scope), scope, now)
        self.stack.append((node.iter, scope, now, None))
        self.push([*node.body, *node.orelse], scope, now)

    def with_(self, node: Any, scope: Scope, now: bool, role: Any) -> None:
        for item in node.items:
            if item.optional_vars is not None:
                binding = Binding("enter", item.context_expr, scope)
                self.target(item.optional_vars, binding, scope, now)
            self.stack.append((item.context_expr, scope, now, None))
        self.push(node.body, scope, now)

    def handler(self, node: ast.ExceptHandler, scope: Scope, now: bool, role: Any) -> None:
        if node.name:
            scope.bind(node.name, Binding("except", None, scope))
        if node.type is not None:
            self.asked(node.type)
            self.stack.append((node.type, scope, now, None))
        self.push(node.body, scope, now)

    def asked(self, node: ast.expr) -> None:
        """Note the classes that an object is only compared with."""
        parts = [node]
        while parts:
            part = parts.pop()
            if isinstance(part, ast.Tuple):
                parts += part.elts
            elif isinstance(part, ast.BinOp) and isinstance(part.op, ast.BitOr):
                parts += (part.left, part.right)
            elif isinstance(part, (ast.Name, ast.Attribute)):
                self.module.asked.add(id(part))

    def match_as(self, node: Any, scope: Scope, now: bool, role: Any) -> None:
        if node.name:
            scope.bind(node.name, Binding("except", None, scope))
        if getattr(node, "pattern", None) is not None:
            self.stack.append((node.pattern, scope, now, None))

    def import_(self, node: ast.Import, scope: Scope, now: bool, role: Any) -> None:
        for alias in node.names:
            self.module.imports.append((node, alias.name, None, 0, now))
            if alias.asname:
                scope.bind(alias.asname, Binding("import", None, scope, alias.name))
            else:
                first = alias.name.partition(".")[0]
                scope.bind(first, Binding("import", None, scope, first))

    def from_(self, node: ast.ImportFrom, scope: Scope, now: bool, role: Any) -> None:
        base = node.module or ""
        for alias in node.names:
            self.module.imports.append((node, base, alias.name, node.level, now))
            if alias.name == "*":
                self.module.stars.append((base, node.level, node))
            else:
                detail = (base, alias.name, node.level)
                scope.bind(alias.asname or alias.name, Binding("from", node, scope, detail))

    def scope_words(self, node: Any, scope: Scope, now: bool, role: Any) -> None:
        if isinstance(node, ast.Global):
            scope.globals.update(node.names)

    def function(self, node: Any, scope: Scope, now: bool, role: Any) -> None:
        code = Binding("define", node, scope, tuple(node.decorator_list))
        scope.bind(node.name, code)
        inner = self.function_scope(node, scope, now)
        for decorator in node.decorator_list:
            self.stack.append((decorator, scope, now, None))
        if node.returns is not None:
            self.annotation(node.returns, scope, now)
        # What runs when the module is imported: nothing of a body, but what is called then.
        self.push(node.body, inner, False)

    def function_scope(self, node: Any, scope: Scope, now: bool) -> Scope:
        inner = Scope(node, scope, self.module)
        inner.owner = scope if scope.is_class else None
        if inner.owner is None and scope.owner is not None:
            inner.owner = scope.owner
        self.module.scopes[node] = inner
        arguments = node.args
        positional = [*arguments.posonlyargs, *arguments.args]
        defaults = dict(
            zip([a.arg for a in reversed(positional)], reversed(arguments.defaults), strict=False)
        )
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            if default is not None:
                defaults[argument.arg] = default
        for number, argument in enumerate(positional):
            inner.bind(argument.arg, Binding("parameter", node, inner, (number, argument)))
        for argument in arguments.kwonlyargs:
            inner.bind(argument.arg, Binding("parameter", node, inner, (None, argument)))
        for extra, how in ((arguments.vararg, "rest"), (arguments.kwarg, "words")):
            if extra is not None:
                inner.bind(extra.arg, Binding(how, node, inner))
        for name, default in defaults.items():
            inner.bind(name, Binding("value", default, scope))
            self.module.quiet.add(id(default))
            self.stack.append((default, scope, now, None))
        every = [*positional, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        for argument in every:
            if argument is not None and argument.annotation is not None:
                self.annotation(argument.annotation, scope, now)
        return inner

    def class_(self, node: ast.ClassDef, scope: Scope, now: bool, role: Any) -> None:
        scope.bind(node.name, Binding("define", node, scope, tuple(node.decorator_list)))
        inner = Scope(node, scope, self.module)
        self.module.scopes[node] = inner
        for part in (*node.decorator_list, *node.bases, *[word.value for word in node.keywords]):
            self.stack.append((part, scope, now, None))
        self.push(node.body, inner, now)

    def returned(self, node: Any, scope: Scope, now: bool, role: Any) -> None:
        if node.value is not None:
            home = scope
            while isinstance(home.node, _COMPREHENSIONS) and home.parent is not None:
                home = home.parent
            home.returns.append(node.value)
            self.stack.append((node.value, scope, now, None))

    def annotation(self, node: ast.expr, scope: Scope, now: bool) -> None:
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str) and "(" in node.value:
                self.module.annotations.append((node, scope))
        elif not isinstance(node, ast.Name):
            if isinstance(node, ast.Attribute) and node.attr[:1].isupper():
                self.module.typed.add(id(node))  # a class by its spelling
            self.stack.append((node, scope, now, None))

    def guarded(self, node: ast.If, scope: Scope, now: bool, role: Any) -> None:
        self.stack.append((node.test, scope, now, None))
        # What stands under `if __name__ == "__main__"` is not run by an import.
        test = node.test
        main = (
            isinstance(test, ast.Compare)
            and isinstance(test.left, ast.Name)
            and test.left.id == "__name__"
        )
        self.push(node.body, scope, now and not main)
        self.push(node.orelse, scope, now)

    def push(self, nodes: Iterable[ast.AST], scope: Scope, now: bool) -> None:
        stack = self.stack
        for node in reversed(list(nodes)):
            stack.append((node, scope, now, None))


def _self_of(node: Any, scope: Scope) -> Scope | None:
    """Return the class whose object an attribute is stored on: that of ``self.x = …``."""
    value = node.value
    if not isinstance(value, ast.Name):
        return None
    while scope is not None:
        bindings = scope.bindings.get(value.id)
        if bindings:
            first = bindings[0]
            if first.how == "parameter" and first.detail[0] == 0 and scope.owner is not None:
                return scope.owner
            return None
        if scope.parent is None:
            return None
        scope = scope.parent
    return None


#: Functions that are given an object, and do not hand it on.
_ASKING = frozenset(
    "delattr dir getattr hasattr id isinstance issubclass print repr setattr str type vars".split()
)
#: Fields in which no expression stands.
_LEAVES = frozenset(
    "arg attr conversion ctx id is_async kind level module name names op ops rest simple "
    "type_comment".split()
)
_FIELDS: dict[type, tuple[str, ...]] = {}
_INNER = object()
_CHAIN = frozenset((ast.Name, ast.Attribute, ast.Subscript))
_HANDLERS: dict[type, Any] = {
    ast.Subscript: _Survey.subscript,
    ast.NamedExpr: _Survey.named,
    ast.ListComp: _Survey.comprehension,
    ast.SetComp: _Survey.comprehension,
    ast.DictComp: _Survey.comprehension,
    ast.GeneratorExp: _Survey.comprehension,
    ast.Lambda: _Survey.lambda_,
    ast.Assign: _Survey.assign,
    ast.AnnAssign: _Survey.annotated,
    ast.AugAssign: _Survey.augmented,
    ast.For: _Survey.loop,
    ast.AsyncFor: _Survey.loop,
    ast.With: _Survey.with_,
    ast.AsyncWith: _Survey.with_,
    ast.ExceptHandler: _Survey.handler,
    ast.MatchAs: _Survey.match_as,
    ast.MatchStar: _Survey.match_as,
    ast.Import: _Survey.import_,
    ast.ImportFrom: _Survey.from_,
    ast.Global: _Survey.scope_words,
    ast.Nonlocal: _Survey.scope_words,
    ast.FunctionDef: _Survey.function,
    ast.AsyncFunctionDef: _Survey.function,
    ast.ClassDef: _Survey.class_,
    ast.Return: _Survey.returned,
    ast.Yield: _Survey.returned,
    ast.YieldFrom: _Survey.returned,
    ast.If: _Survey.guarded,
    # Words without anything in them, and without meaning here.
    **dict.fromkeys((ast.Load, ast.Store, ast.Del, ast.Pass, ast.Break, ast.Continue), None),
}
_HANDLERS = {kind: handler for kind, handler in _HANDLERS.items() if handler is not None}

#: A module for what is looked up from nowhere in particular.
NOWHERE = Module("", ast.Module(body=[], type_ignores=[]))
