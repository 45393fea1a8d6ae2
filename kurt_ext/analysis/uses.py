"""What a skill's code uses of the world, and what it does to the program around it.

A use is a *reference*, not only a call: ``sorted(jobs, key=os.system)`` is one.
"""

from __future__ import annotations

import ast
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

from .catalogue import Meaning, bare
from .catalogue.meaning import RECEIVER
from .conditions import argument, holds
from .evaluator import Evaluator
from .known import meaning
from .modulegraph import Graph
from .scopes import Module, Scope, Site
from .spelling import spelled, texts
from .structures import Event, structures
from .values import Code, Const, Partial, Ref, Unknown, Values
from .worth import is_worth, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["Analysis", "Use", "analyse"]

_ENVIRONMENT = ("os.environ", "os.environb")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
#: Modules of which a single name does anything.
_POWERFUL = frozenset(
    "builtins ctypes importlib marshal os pickle pty runpy shutil subprocess sys".split()
)
#: What tells the class of an object, unless a module puts another thing in its place.
_REDEFINED = frozenset(("isinstance", "issubclass"))
_READS_ANNOTATIONS = frozenset(
    "__annotations__ __annotate__ get_annotations get_type_hints signature".split()
)
#: How often texts that are run are looked into: code that makes code that makes code.
_LAYERS = 3
_LONGEST_CODE = 1 << 18
#: Characters of all such texts together, and what one costs at least.
_ALL_CODE = 1 << 20
_LEAST_CODE = 256


class Use(NamedTuple):
    """One use at one place.

    :param name: the dotted name, as ``os.system``.
    :param called: whether it is called there, or only mentioned.
    :param targets: what it is about as far as the code spells it: URLs, paths, programs; ``…``
        stands for the part of a text that only running it would tell.
    :param proven: whether these are all.
    :param reachable: whether importing the skill's entry points can bring the module.
    :param at_import: whether it happens when the module is imported.
    :param text: the expression, as it is written.
    :param origins: where what is not known comes from.
    """

    name: str
    meaning: Meaning
    path: str
    line: int
    column: int
    called: bool
    targets: tuple[str, ...]
    proven: bool
    reachable: bool
    at_import: bool
    text: str
    origins: frozenset[str] = frozenset()


class Analysis(NamedTuple):
    """What reading a skill's code told.

    :param references: (dotted name, path) → (line, column) of its first mention, of every name
        from outside.
    :param complete: whether all of it could be worked through.
    :param reasons: (path, why) of what could not.
    """

    uses: tuple[Use, ...]
    events: tuple[Event, ...]
    modules: dict[str, Module]
    reachable: frozenset[str]
    references: dict[tuple[str, str], tuple[int, int]]
    complete: bool
    reasons: tuple[tuple[str, str], ...]


def analyse(
    paths: Iterable[str],
    tree: Callable[[str], ast.Module | None],
    entries: Iterable[str],
) -> Analysis:
    """Return what the modules of a skill use.

    :param paths: all Python files, as ``pkg/mod.py``.
    :param tree: gives a path's syntax tree; None where it is no Python.
    :param entries: dotted names of the modules that are imported from outside.
    """
    graph = Graph(paths, tree)
    return _Analyser(graph, list(entries)).run()


class _Analyser:
    def __init__(self, graph: Graph, entries: list[str]) -> None:
        self.graph = graph
        self.entries = entries
        self.evaluator = Evaluator(graph)
        self.uses: dict[tuple[str, str, int, int], Use] = {}
        #: What each module uses, by its path.
        self.named: dict[str, set[str]] = {}
        self.events: dict[tuple[str, str, int, int], Event] = {}
        self.references: dict[tuple[str, str], tuple[int, int]] = {}
        self.started: set[int] = set()
        self.calls: dict[int, dict[int, list[Site]]] = {}
        #: Kept, since what is known of a node is kept by its identity.
        self.entered: list[Module] = []
        self.layer = 0
        self.room = _ALL_CODE
        #: Whether anything reads annotations, whose names are then more than types.
        self.annotations_used = any(
            not _READS_ANNOTATIONS.isdisjoint(module.words) for module in graph.modules.values()
        )

    def run(self) -> Analysis:
        graph = self.graph
        graph.changes_path = any(_changes_path(module) for module in graph.modules.values())
        for module in list(graph.modules.values()):
            self._start(module)
        reachable = frozenset(graph.reached(self.entries, self._dynamic))
        for module in list(graph.modules.values()):
            self._module(module, module.path in reachable)
        reasons = tuple(sorted(self.evaluator.given_up.items()))
        return Analysis(
            tuple(sorted(self._told(), key=_order)),
            tuple(sorted(self.events.values(), key=_order)),
            graph.modules,
            reachable,
            self.references,
            not reasons,
            reasons,
        )

    # -- what runs at import

    def _start(self, module: Module) -> None:
        """Note which functions run while a module is imported."""
        waiting: list[tuple[Any, Scope]] = [
            (site.node, site.scope) for site in module.sites if site.at_import and site.call
        ]
        for node, scope in module.scopes.items():
            if isinstance(node, ast.ClassDef) and _at_module_level(scope):
                waiting += [(one, scope) for one in node.decorator_list]
                self._class_hooks(node, scope)
                continue
            decorators = getattr(node, "decorator_list", ())
            if decorators and scope.parent is not None and _at_module_level(scope.parent):
                waiting += [(one, scope.parent) for one in decorators]
        waiting.reverse()  # what stands first is known where it is built upon
        while waiting:
            node, scope = waiting.pop()
            for value in self.evaluator.values(node, scope):
                if isinstance(value, Code) and id(value.node) not in self.started:
                    self._run(value, waiting)

    def _run(self, code: Code, waiting: list[tuple[Any, Scope]]) -> None:
        self.started.add(id(code.node))
        if isinstance(code.node, ast.ClassDef):
            for name in ("__init__", "__new__", "__call__"):
                for one in self.evaluator.member(code, name):
                    if isinstance(one, Code) and id(one.node) not in self.started:
                        self._run(one, waiting)
            return
        for site in self._calls_in(code.module).get(id(code.node), ()):
            waiting.append((site.node, site.scope))

    def _calls_in(self, module: Module) -> dict[int, list[Site]]:
        """Return what is called in each function and class, by the identity of its node."""
        known = self.calls.get(id(module))
        if known is None:
            known = self.calls[id(module)] = {}
            for site in module.sites:
                home = site.scope if site.call is not None else None
                while home is not None and home.parent is not None:
                    known.setdefault(id(home.node), []).append(site)
                    home = home.parent
        return known

    def _class_hooks(self, node: ast.ClassDef, scope: Scope) -> None:
        """Start what Python runs by itself when a class is made."""
        outer = scope.parent or scope
        hooks: list[tuple[ast.expr, tuple[str, ...]]] = [
            (word.value, ("__new__", "__init__", "__prepare__", "__call__"))
            for word in node.keywords
            if word.arg == "metaclass"
        ]
        hooks += [(base, ("__init_subclass__",)) for base in node.bases]
        for expression, names in hooks:
            for value in self.evaluator.values(expression, outer):
                if not isinstance(value, Code):
                    continue
                for name in names:
                    for one in self.evaluator.member(value, name):
                        if isinstance(one, Code) and id(one.node) not in self.started:
                            self._run(one, [])

    def _dynamic(self, module: Module) -> Iterator[Module]:
        """Yield the skill's modules that a module imports by a call."""
        from .values import Local

        for name in ("__import__", "import_module", "load_module", "resolve_name", "locate"):
            for call, scope in module.calls.get(name, ()):
                for value in self.evaluator.values(call, scope):
                    if isinstance(value, Local):
                        yield value.module

    # -- uses

    def _module(self, module: Module, reachable: bool) -> None:
        words = words_of(module)
        if any(not _REDEFINED.isdisjoint(one.bindings) for one in module.scopes.values()):
            module.asked.clear()
        for site in module.sites:
            if is_worth(site, words):
                self._site(site, module, reachable)
        self._imports(module, reachable)
        for event in structures(module, self.evaluator, self._now):
            self._note(event._replace(reachable=reachable))
        for node, scope in module.annotations:
            if isinstance(node.value, str):
                self._enter(node.value, node, scope, reachable, "evaluated-annotation")

    def _site(self, site: Site, module: Module, reachable: bool) -> None:
        values = self.evaluator.values(site.node, site.scope)
        if isinstance(site.node, ast.Subscript):
            # What a variable holds is nobody's reference; that it was read, counts.
            for base in self.evaluator.values(site.node.value, site.scope):
                if isinstance(base, Ref) and base.name in _ENVIRONMENT:
                    self._reference(base, site, module, reachable)
        for value in values:
            if isinstance(value, Ref):
                self._reference(value, site, module, reachable)
            elif isinstance(value, Unknown) and isinstance(site.node, ast.Attribute):
                self._reference(Ref(f"*.{site.node.attr}"), site, module, reachable)
            elif isinstance(value, Partial) and value.what == "partial" and value.call is not None:
                pass  # its function was seen where it was given

    def _reference(self, value: Ref, site: Site, module: Module, reachable: bool) -> None:
        name = value.name
        if self._is_type(site, module):
            return
        if name in _POWERFUL and site.call is None and id(site.node) not in module.quiet:
            self._handed(name, site, module, reachable)
        place = (site.node.lineno, site.node.col_offset + 1)
        self.references.setdefault((name, module.path), place)
        found = meaning(name)
        call = site.call
        if name.endswith(".?"):
            self._computed(value, site, module, reachable)
            return
        if name == "importlib.import_module()" and isinstance(site.node, ast.Call):
            found, call = meaning("importlib.import_module"), site.node
            name = "importlib.import_module"
        while found is not None:
            if found.called and call is None:
                return
            if not found.condition or call is None:
                break
            if holds(found.condition, call, site.scope, self.evaluator):
                break
            found = found.otherwise
        if found is None:
            return
        targets, proven, origins = self._targets(found, call, site)
        line, column = site.node.lineno, site.node.col_offset + 1
        use = Use(
            name.removeprefix("builtins."),
            found,
            module.path,
            line,
            column,
            call is not None,
            targets,
            proven,
            reachable,
            self._now(site.scope, site.at_import),
            spelled(site.node),
            origins,
        )
        key = (name, module.path, line, column)
        self.named.setdefault(module.path, set()).add(name)
        known = self.uses.get(key)
        if known is None or (use.called and not known.called):
            self.uses[key] = use
        if found.subject == "code" and call is not None:
            self._run_text(found, call, site, reachable)

    def _is_type(self, site: Site, module: Module) -> bool:
        """Return whether a name stands where only its class matters, and is not fetched."""
        place = id(site.node)
        return place in module.asked or (place in module.typed and not self.annotations_used)

    def _now(self, scope: Scope, at_import: bool) -> bool:
        if at_import:
            return True
        home: Scope | None = scope
        while home is not None:
            if isinstance(home.node, _FUNCTIONS):
                return id(home.node) in self.started
            home = home.parent
        return False

    def _targets(
        self, found: Meaning, call: ast.Call | None, site: Site
    ) -> tuple[tuple[str, ...], bool, frozenset[str]]:
        """Return what a use is about, whether that is all, and where the rest comes from."""
        if not found.subject:
            return (), True, frozenset()
        if found.subject == "variable" and isinstance(site.node, ast.Subscript):
            return texts(self.evaluator.values(site.node.slice, site.scope), found.subject)
        if found.argument == RECEIVER:
            if not isinstance(site.node, ast.Attribute):
                return (), False, frozenset()
            return texts(
                self.evaluator.as_text(self.evaluator.values(site.node.value, site.scope)),
                found.subject,
            )
        if call is None:
            return (), False, frozenset()
        given = argument(call, found.argument, found.word)
        if given is None:
            base = self._base(site)
            if base:
                return texts(base, found.subject)
            return (), found.argument is None, frozenset()
        if isinstance(given, Unknown):
            return (), False, frozenset()
        values = self.evaluator.as_text(self.evaluator.values(given, site.scope))
        about = texts(values, found.subject)
        if found.subject == "url" and not any("://" in one for one in about[0]):
            # A path alone: the host is the client's.
            relative = about[1] and all(one.startswith("/") for one in about[0])
            about = ((), False, about[2])
            base = self._base(site)
            if base and any("://" in one for one in texts(base, "url")[0]):
                targets, proven, origins = texts(base, "url")
                return targets, proven and relative, origins | about[2]
        return about

    def _base(self, site: Site) -> Values:
        """Return the ``base_url`` that a client was made with, of whose method a site is."""
        if not isinstance(site.node, ast.Attribute):
            return ()
        found: list[Any] = []
        for value in self.evaluator.values(site.node.value, site.scope):
            if isinstance(value, Ref) and value.call is not None:
                given = argument(value.call, None, "base_url")
                if given is None and value.name == "aiohttp.ClientSession()":
                    given = argument(value.call, 0, "base_url")
                if isinstance(given, ast.AST):
                    found += self.evaluator.values(given, site.scope)
        return tuple(found)

    def _handed(self, name: str, site: Site, module: Module, reachable: bool) -> None:
        """Note a module that is given to other code whole: what is fetched of it is not seen."""
        self._note(
            Event(
                "module-handed-on",
                "reflection",
                "critical",
                f"the module {name} is handed on whole; what is used of it is known only then",
                module.path,
                site.node.lineno,
                site.node.col_offset + 1,
                "likely",
                spelled(site.node),
                self._now(site.scope, site.at_import),
                reachable,
            )
        )

    def _computed(self, value: Ref, site: Site, module: Module, reachable: bool) -> None:
        base = value.name.removesuffix(".?")
        if "()" in base or "[]" in base:
            return
        known = meaning(base)
        severity = known.severity if known else "critical" if bare(base) else "low"
        self._note(
            Event(
                "computed-attribute",
                "reflection",
                severity,
                f"an attribute of {base} is fetched by a name that is worked out when it runs",
                module.path,
                site.node.lineno,
                site.node.col_offset + 1,
                "likely",
                spelled(site.node),
                self._now(site.scope, site.at_import),
                reachable,
            )
        )

    def _imports(self, module: Module, reachable: bool) -> None:
        """Report what is imported by name and never named again, but by Python itself."""
        seen = self.named.get(module.path, set())
        names = module.words
        for node, base, name, level, now in module.imports:
            place = (getattr(node, "lineno", 0), getattr(node, "col_offset", 0) + 1)
            if not level and base:
                imported = f"{base}.{name}" if name and name != "*" else base
                self.references.setdefault((imported, module.path), place)
            if level or not base or name in (None, "*"):
                continue
            whole = self.evaluator.ref(f"{base}.{name}").name
            found = meaning(whole)
            alias = next(
                (one.asname or one.name for one in getattr(node, "names", ()) if one.name == name),
                "",
            )
            if found is None or found.called or whole in seen or found.condition:
                continue
            special = alias.startswith("__") and alias.endswith("__")
            if alias in names and not special:
                continue
            if not special and (name[:1].isupper() or not now):
                continue
            use = Use(
                whole.removeprefix("builtins."),
                found,
                module.path,
                getattr(node, "lineno", 0),
                getattr(node, "col_offset", 0) + 1,
                special,
                (),
                False,
                reachable,
                now,
                f"from {base} import {name}",
            )
            self.uses[whole, module.path, use.line, use.column] = use

    # -- code in texts

    def _run_text(self, found: Meaning, call: ast.Call, site: Site, reachable: bool) -> None:
        given = argument(call, found.argument if found.argument is not None else 0, found.word)
        if not isinstance(given, ast.AST):
            return
        for value in self.evaluator.values(given, site.scope):
            origins: frozenset[str] = getattr(value, "origins", frozenset())
            decoded = "decoded" in origins or (isinstance(value, Const) and value.decoded)
            if decoded:
                self._note(
                    Event(
                        "decoded-code",
                        "obfuscation",
                        "critical",
                        "what is run was written in an encoded form, which hides it from readers",
                        site.scope.module.path,
                        call.lineno,
                        call.col_offset + 1,
                        "certain",
                        spelled(given),
                        self._now(site.scope, site.at_import),
                        reachable,
                    )
                )
            text = value.value if isinstance(value, Const) else None
            if isinstance(text, bytes):
                text = text.decode("utf-8", "replace")
            if isinstance(text, str):
                self._enter(text, call, site.scope, reachable, "")

    def _enter(self, text: str, node: Any, scope: Scope, reachable: bool, rule: str) -> None:
        """Judge a text that is run as code, at the place where it is run."""
        self.room -= max(len(text), _LEAST_CODE)
        if self.layer >= _LAYERS or len(text) > _LONGEST_CODE or self.room < 0:
            self.evaluator.given_up.setdefault(scope.module.path, "code makes code that makes code")
            return
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(text.strip())
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return
        inner = Module(scope.module.path, tree)
        self.entered.append(inner)
        inner.scope.parent = scope.module.scope
        outer, self.uses = self.uses, {}
        self.layer += 1
        try:
            for site in inner.sites:
                moved = Site(site.node, site.scope, site.call, site.at_import)
                self._site(moved, inner, reachable)
        finally:
            self.layer -= 1
            found, self.uses = self.uses, outer
        line, column = getattr(node, "lineno", 0), getattr(node, "col_offset", -1) + 1
        for key, inside in found.items():
            use = inside._replace(line=line, column=column)
            self.uses[key[0], key[1], line, column] = use
            if rule:
                self._note(
                    Event(
                        rule,
                        "code_execution",
                        "critical",
                        f"an annotation is run as code, and uses {use.name}",
                        use.path,
                        line,
                        column,
                        "certain",
                        text,
                        use.at_import,
                        reachable,
                    )
                )

    def _note(self, event: Event) -> None:
        self.events.setdefault((event.rule, event.path, event.line, event.column), event)

    def _told(self) -> Iterator[Use]:
        """Yield the uses, without mentions of what the same module calls elsewhere."""
        called = {(use.name, use.path) for use in self.uses.values() if use.called}
        best: dict[tuple[str, int, int, str], Use] = {}
        for use in self.uses.values():
            if not use.called and (use.name, use.path) in called:
                continue
            # What one expression can be in several ways is one use: that of the clearest name.
            place = (use.path, use.line, use.column, use.meaning.category)
            known = best.get(place)
            if known is None or _clarity(use) > _clarity(known):
                best[place] = use
        yield from best.values()


def _clarity(use: Use) -> tuple[bool, bool, bool, int]:
    """Return how much a name tells: of what is grave, known, and no part of something unknown."""
    known = not use.name.startswith("*") and "[]" not in use.name
    grave = use.meaning.severity in ("critical", "high")
    return grave, known, bool(use.targets), -len(use.name)


def _order(found: Any) -> tuple[Any, ...]:
    return (found.path, found.line, found.column, found[0])


def _changes_path(module: Module) -> bool:
    for site in module.sites:
        node = site.node
        if isinstance(node, ast.Attribute) and node.attr in ("append", "insert", "extend"):
            inner = node.value
            if isinstance(inner, ast.Attribute) and inner.attr == "path":
                return True
    return "addsitedir" in module.words


def _at_module_level(scope: Scope) -> bool:
    home: Scope | None = scope
    while home is not None:
        if isinstance(home.node, _FUNCTIONS):
            return False
        home = home.parent
    return True
