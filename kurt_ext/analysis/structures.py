"""What code does to the program around it, by the shape of expressions rather than by names.

Stores to what others own, walks from an object to the interpreter's insides, texts that do so
when they are formatted.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from .values import Code, Const, Instance, Local, Namespace, Ref, Unknown, Value

if TYPE_CHECKING:
    from .evaluator import Evaluator
    from .scopes import Module, Scope, Site, Store

__all__ = ["Event", "structures"]


class Event(NamedTuple):
    """One such thing at one place.

    :param rule: which; a check has it among its rules.
    :param category: the danger, as a word of the report.
    :param severity: how grave, as a word of `findings`.
    """

    rule: str
    category: str
    severity: str
    message: str
    path: str
    line: int
    column: int
    confidence: str
    evidence: str
    at_import: bool
    reachable: bool


#: Attributes that lead from any object to the interpreter, the caller or everybody's classes.
_INSIDES = {
    "__globals__": "critical",
    "__builtins__": "critical",
    "func_globals": "critical",
    "f_globals": "critical",
    "f_builtins": "critical",
    "f_locals": "critical",
    "gi_frame": "critical",
    "cr_frame": "critical",
    "ag_frame": "critical",
    "cr_await": "high",
    "gi_yieldfrom": "high",
    "f_back": "medium",
    "tb_frame": "medium",
    "__closure__": "medium",
    "cell_contents": "medium",
    "f_trace": "high",
}
#: Attributes whose change alters what an object is or runs.
_NATURE = frozenset(
    ("__class__", "__code__", "__bases__", "__globals__", "__dict__", "__defaults__", "__closure__")
)
#: What a program may set on modules that it imports: their settings.
_SETTINGS = frozenset(
    (
        *("sys.ps1", "sys.ps2", "sys.tracebacklimit", "sys.dont_write_bytecode"),
        *("matplotlib.rcParams", "pandas.options", "random.seed", "decimal.getcontext"),
        *("readline", "tkinter", "click", "typer", "rich", "streamlit", "pytest"),
    )
)


def structures(
    module: Module, evaluator: Evaluator, now: Callable[[Scope, bool], bool]
) -> Iterator[Event]:
    """Yield what a module does by its shape.

    :param now: tells whether something in a scope happens when the module is imported.
    """
    reader = _Reader(module, evaluator, now)
    for store in module.stores:
        yield from reader.store(store)
    for site in module.sites:
        if site.node.__class__ is not ast.Name:
            yield from reader.site(site)
    for node in module.formats:
        yield from reader.format(node)


class _Reader:
    def __init__(
        self, module: Module, evaluator: Evaluator, now: Callable[[Scope, bool], bool]
    ) -> None:
        self.module = module
        self.evaluator = evaluator
        self.now = now
        self.stored: ast.expr | None = None

    def event(
        self,
        rule: str,
        category: str,
        severity: str,
        message: str,
        node: Any,
        scope: Scope | None = None,
        at_import: bool = False,
        confidence: str = "certain",
    ) -> Event:
        started = self.now(scope, at_import) if scope is not None else at_import
        evidence = _unparsed(node)
        place = (getattr(node, "lineno", 0), getattr(node, "col_offset", -1) + 1)
        return Event(
            *(rule, category, severity, message, self.module.path, *place, confidence, evidence),
            at_import=started,
            reachable=True,
        )

    # -- stores

    def store(self, store: Store) -> Iterator[Event]:
        node = store.node
        self.stored = store.value
        if isinstance(node, ast.Attribute):
            values = self.evaluator.values(node.value, store.scope)
            yield from self.set_attribute(values, node.attr, node, store.scope, store.at_import)
        elif isinstance(node, ast.Subscript):
            yield from self.set_item(store)

    def set_attribute(
        self, values: Any, name: str | None, node: Any, scope: Scope, at_import: bool
    ) -> Iterator[Event]:
        """Yield what setting an attribute of something does.

        :param name: None where it is worked out when it runs.
        """
        for value in values:
            event = self.on_value(value, name, node, scope, at_import)
            if event is not None:
                yield event
                return

    def on_value(
        self, value: Value, name: str | None, node: Any, scope: Scope, at_import: bool
    ) -> Event | None:
        shown = name or "…"
        if isinstance(value, Ref):
            whole = value.name
            if whole in ("builtins.type()", "builtins.type().__mro__[]", "builtins.object") or (
                whole.startswith("builtins.type().") or whole.endswith("__subclasses__()[]")
            ):
                message = f"it changes the class of an object that is not its own: {shown}"
                return self.event(
                    "class-patch", "host_tamper", "critical", message, node, scope, at_import
                )
            if "()" in whole or "[]" in whole or whole.startswith("*."):
                return None
            if any(f"{whole}.{shown}".startswith(one) for one in _SETTINGS) or name in _ABOUT:
                return None
            if whole.partition(".")[0] == "ctypes" and name in ("argtypes", "restype"):
                return None  # what machine code takes and gives, which `native` tells of
            message = f"it replaces {whole}.{shown}, which the whole program shares"
            severity = "critical"
            if whole == "sys" and name in ("stdout", "stderr", "stdin", "argv"):
                severity = "high"
            elif whole == "sys" and name in ("excepthook", "unraisablehook", "displayhook"):
                severity = "medium"
            elif whole.partition(".")[0] not in _SHARED:
                # A constant is a setting; a function or class in another's place is a patch.
                plain = isinstance(self.stored, ast.Constant | ast.UnaryOp | ast.BinOp)
                severity = "low" if plain and shown.isupper() else "critical"
            return self.event(
                "foreign-store", "host_tamper", severity, message, node, scope, at_import
            )
        if isinstance(value, Unknown) and name in _NATURE:
            if "self" in value.origins and name == "__class__":
                return None
            message = f"it changes what an object is: {shown}"
            return self.event(
                "class-patch", "host_tamper", "critical", message, node, scope, at_import
            )
        if isinstance(value, Unknown) and name is not None and _is_dunder(name):
            if "self" in value.origins or name in _ABOUT:
                return None
            message = f"it replaces {shown} of an object that is not its own"
            severity, confidence = "critical", "likely"
            if not _PROTOCOL.match(
                name
            ):  # a library's mark of its own, which Python never asks for
                severity, confidence = "medium", "possible"
            return self.event(
                "class-patch", "host_tamper", severity, message, node, scope, at_import, confidence
            )
        if isinstance(value, Local) and name is not None:
            return None
        return None

    def set_item(self, store: Store) -> Iterator[Event]:
        node = store.node
        for value in self.evaluator.values(node.value, store.scope):
            name = value.name if isinstance(value, Ref) else ""
            if name == "sys.modules":
                message = "it replaces a module in sys.modules for the whole program"
                yield self.event(
                    *("foreign-store", "host_tamper", "critical", message),
                    *(node, store.scope, store.at_import),
                )
            elif name in ("os.environ", "os.environb"):
                yield self.set_variable(store, node)
            elif name == "builtins" or (name.endswith(".__dict__") and not _is_made(name[:-9])):
                message = f"it writes into {name}"
                yield self.event(
                    *("foreign-store", "host_tamper", "critical", message),
                    *(node, store.scope, store.at_import),
                )
            elif isinstance(value, Namespace) and any(isinstance(one, Ref) for one in value.of):
                message = "it writes into the names of a module that is not its own"
                yield self.event(
                    *("foreign-store", "host_tamper", "critical", message),
                    *(node, store.scope, store.at_import),
                )
            elif isinstance(value, Unknown) and isinstance(node.value, ast.Attribute):
                if (
                    node.value.attr == "__dict__"
                    and "self" not in value.origins
                    and getattr(store.scope.node, "name", "") not in _DESCRIPTOR
                ):
                    message = "it writes into the attributes of an object that is not its own"
                    yield self.event(
                        *("class-patch", "host_tamper", "medium", message),
                        *(node, store.scope, store.at_import),
                        confidence="possible",
                    )
                elif node.value.attr in ("f_locals", "f_globals", "__globals__", "__builtins__"):
                    message = f"it writes into {node.value.attr} of other code"
                    yield self.event(
                        *("class-patch", "host_tamper", "critical", message),
                        *(node, store.scope, store.at_import),
                    )

    def set_variable(self, store: Store, node: ast.Subscript) -> Event:
        """Return what changing the environment does: all programs started later obey it."""
        keys = self.evaluator.values(node.slice, store.scope)
        names = [one.value for one in keys if isinstance(one, Const) and isinstance(one.value, str)]
        shown = ", ".join([one[:60] for one in names]) or "…"
        grave = any(_OBEYED.fullmatch(one) for one in names)
        return self.event(
            *("environment-store", "host_tamper", "high" if grave else "medium"),
            f"it changes the environment of the whole program: {shown}",
            *(node, store.scope, store.at_import),
        )

    # -- what is read

    def site(self, site: Site) -> Iterator[Event]:
        node: Any = site.node
        if isinstance(node, ast.Call):
            yield from self.call(node, site)
            return
        inner = node
        names: list[str] = []
        while isinstance(inner, (ast.Attribute, ast.Subscript)):
            if isinstance(inner, ast.Attribute):
                names.append(inner.attr)
            elif isinstance(inner.slice, ast.Constant) and isinstance(inner.slice.value, str):
                names.append(inner.slice.value)
            inner = inner.value
        if isinstance(inner, ast.Name) and len(names) < 2 and inner.id not in _WATCHED:
            yield from self.insides(names, node, site)
            return
        if isinstance(node, ast.Subscript) or "modules" in names:
            yield from self.host_module(node, site)
        yield from self.insides(names, node, site)

    def host_module(self, node: Any, site: Site) -> Iterator[Event]:
        """Yield a look into the host's own modules past its interface: ``sys.modules[…]``."""
        inner = node
        while isinstance(inner, (ast.Attribute, ast.Subscript)):
            if isinstance(inner, ast.Subscript):
                for base in self.evaluator.values(inner.value, site.scope):
                    if not (isinstance(base, Ref) and base.name == "sys.modules"):
                        continue
                    for key in self.evaluator.values(inner.slice, site.scope):
                        name = key.value if isinstance(key, Const) else None
                        if isinstance(name, str) and name.partition(".")[0] in _HOSTS:
                            message = f"it takes the host's module {name} out of sys.modules"
                            yield self.event(
                                *("host-module", "reflection", "critical", message),
                                *(node, site.scope, site.at_import),
                            )
                            return
            inner = inner.value

    def insides(self, names: list[str], node: Any, site: Site) -> Iterator[Event]:
        for name in names:
            severity = _INSIDES.get(name)
            if severity is None:
                continue
            message = f"{name} leads out of the plugin, into other code and its names"
            yield self.event(
                "object-insides", "reflection", severity, message, node, site.scope, site.at_import
            )
            return
        if "__subclasses__" in names and self.foreign(node, site.scope):
            message = "__subclasses__ lists classes of the whole program"
            yield self.event(
                *("object-insides", "reflection", "critical", message),
                *(node, site.scope, site.at_import),
            )

    def foreign(self, node: Any, scope: Scope) -> bool:
        """Return whether ``__subclasses__`` is asked of a class that is not the skill's own."""
        while isinstance(node, (ast.Attribute, ast.Subscript)):
            if isinstance(node, ast.Attribute) and node.attr == "__subclasses__":
                base = node.value
                values = self.evaluator.values(base, scope)
                return not values or not all(
                    isinstance(one, (Code, Instance))
                    or (isinstance(one, Unknown) and "self" in one.origins)
                    for one in values
                )
            node = node.value
        return False

    def call(self, node: ast.Call, site: Site) -> Iterator[Event]:
        function = node.func
        name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
        if name in ("setattr", "delattr", "__setattr__", "__delattr__", "setitem"):
            yield from self.set_by_call(node, site, name)
        elif name in ("getattr", "attrgetter", "__getattribute__", "getattr_static"):
            yield from self.get_by_call(node, site)
        elif name in ("update", "setdefault", "__setitem__", "pop", "clear") and isinstance(
            function, ast.Attribute
        ):
            for value in self.evaluator.values(function.value, site.scope):
                whole = value.name if isinstance(value, Ref) else ""
                if whole in ("sys.modules", "builtins") or (
                    whole.endswith(".__dict__") and not _is_made(whole[:-9])
                ):
                    severity = "critical"
                    message = f"it changes {whole} for the whole program"
                    yield self.event(
                        *("foreign-store", "host_tamper", severity, message),
                        *(node, site.scope, site.at_import),
                    )
                elif isinstance(value, Namespace) and any(isinstance(o, Ref) for o in value.of):
                    message = "it writes into the names of a module that is not its own"
                    yield self.event(
                        *("foreign-store", "host_tamper", "critical", message),
                        *(node, site.scope, site.at_import),
                    )

    def set_by_call(self, node: ast.Call, site: Site, name: str) -> Iterator[Event]:
        arguments = node.args
        if isinstance(node.func, ast.Attribute) and name.startswith("__"):
            owner = self.evaluator.values(node.func.value, site.scope)
            own = any(
                isinstance(one, (Instance, Code))
                or (isinstance(one, Ref) and one.name in ("builtins.super()", "builtins.object"))
                for one in owner
            )
            if own:
                return
        if len(arguments) < 2:
            return
        values = self.evaluator.values(arguments[0], site.scope)
        for known in self.evaluator.values(arguments[1], site.scope):
            attribute = known.value if isinstance(known, Const) else None
            text = attribute if isinstance(attribute, str) else None
            yield from self.set_attribute(values, text, node, site.scope, site.at_import)

    def get_by_call(self, node: ast.Call, site: Site) -> Iterator[Event]:
        for argument in node.args:
            for value in self.evaluator.values(argument, site.scope):
                text = value.value if isinstance(value, Const) else None
                if not isinstance(text, str) or ("__" not in text and "_" not in text):
                    continue
                for part in text.split("."):
                    severity = _INSIDES.get(part)
                    if part == "__subclasses__":
                        severity = "critical"
                    if severity is not None:
                        message = f"{part} leads out of the plugin, into other code and its names"
                        yield self.event(
                            *("object-insides", "reflection", severity, message),
                            *(node, site.scope, site.at_import),
                        )
                        return

    def format(self, node: ast.Constant) -> Iterator[Event]:
        """Yield a text whose fields reach into what they are given."""
        text = str(node.value)
        for part in text.split("{")[1:]:
            field = part.partition("}")[0].partition(":")[0]
            if (".__" in field and not any(one in field for one in _NAMES_ONLY)) or any(
                f".{inside}" in field for inside in _INSIDES
            ):
                message = "formatting this text reaches into the objects that it is given"
                calls = "{{" in text and any(one in text for one in _INSIDES)
                severity = "critical" if calls else "high"
                yield self.event("format-reach", "reflection", severity, message, node)
                return


#: Names with underscores that tell of a thing, and change nothing of what it does.
_ABOUT = frozenset(
    "__annotations__ __cause__ __context__ __doc__ __module__ __name__ __notes__ __qualname__ "
    "__signature__ __suppress_context__ __test__ __traceback__ __wrapped__".split()
)
#: Names with underscores that Python itself looks up, by the data model and the import system.
_PROTOCOL = re.compile(
    "__(?:new|init|del|repr|str|bytes|format|l[te]|g[te]|eq|ne|hash|bool|dir|get|set|delete|"
    "getattr|getattribute|setattr|delattr|getitem|setitem|delitem|missing|class_getitem|"
    "init_subclass|set_name|prepare|mro_entries|mro|instancecheck|subclasscheck|subclasshook|"
    "subclasses|call|len|length_hint|iter|next|reversed|contains|enter|exit|aenter|aexit|await|"
    "aiter|anext|[ri]?(?:add|sub|mul|matmul|truediv|floordiv|mod|divmod|pow|lshift|rshift|and|xor|"
    "or)|neg|pos|abs|invert|complex|int|float|index|round|trunc|floor|ceil|buffer|release_buffer|"
    "reduce|reduce_ex|getstate|setstate|getnewargs|getnewargs_ex|copy|deepcopy|replace|fspath|"
    "sizeof|slots|weakref|objclass|func|self|builtins|import|build_class|loader|spec|path|file|"
    "cached|package|all|main|debug|kwdefaults|type_params|annotate|match_args|abstractmethods|"
    "post_init|class|code|bases|globals|dict|defaults|closure|displayhook|excepthook|"
    "breakpointhook|unraisablehook|stdin|stdout|stderr|interactivehook)__$"
)
_SHARED = frozenset((*sys.stdlib_module_names, "kurt_ext"))
#: Methods that Python hands another object to, whose attribute they are.
_DESCRIPTOR = frozenset(("__set__", "__get__", "__delete__", "__set_name__"))
#: Variables that decide which code other programs run, and whom they talk to and believe.
_OBEYED = re.compile(
    r"PATH|(?:LD|DYLD)_\w+|PYTHON(?!WARNINGS|HASHSEED|IOENCODING|UTF8|UNBUFFERED)\w*|BASH_ENV|ENV|"
    r"IFS|SHELL|EDITOR|PAGER|GIT_\w+|PERL5\w+|RUBY\w+|NODE_\w+|JAVA_\w+|HOME|"
    r"(?i:https?_proxy|all_proxy)|SSL_CERT_\w+|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|PIP_\w+|KURT_\w+"
)
_HOSTS = frozenset(("kurt_ext", "__main__"))
_WATCHED = frozenset(("sys", "builtins"))
_NAMES_ONLY = (".__class__.__name__", ".__name__", ".__doc__", ".__module__", ".__qualname__")


def _is_made(name: str) -> bool:
    """Return whether a name is that of an object that calling a class gives: one's own."""
    return name.endswith("()") and name.rpartition(".")[2][:1].isupper()


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _unparsed(node: Any) -> str:
    """Return an expression's text for evidence, shortened; "" where it is too deep."""
    depth, inner = 0, node
    while isinstance(inner, (ast.Attribute, ast.Subscript, ast.Call)) and depth < 40:
        inner = inner.func if isinstance(inner, ast.Call) else inner.value
        depth += 1
    if depth >= 40:
        return "…"
    try:
        return ast.unparse(node)[:200]
    except (RecursionError, ValueError, AttributeError):
        return "…"
