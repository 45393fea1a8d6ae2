"""Calls that mean something of their own: getattr and its kin, imports, containers, paths."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from . import bindings, folding, members
from .known import SELF, SKILL, computed, environment
from .values import (
    UNKNOWN,
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
    hashable,
    join,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .evaluator import Evaluator
    from .scopes import Scope

__all__ = ["CALLED", "fetched", "modules"]


def getattr_(ev: Evaluator, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
    given = ev.arguments(node, scope, frame)
    if len(given) < 2:
        return UNKNOWN
    return join(fetched(ev, given[0], given[1]), *given[2:3])


def fetched(ev: Evaluator, owner: Values, names: Values) -> Values:
    """Return what attributes can be that are fetched by what a text says."""
    sets: list[Values] = []
    for name in names:
        if isinstance(name, Const) and isinstance(name.value, str):
            sets.append(ev.members(owner, name.value))
        else:
            sets.append(computed(owner))
    return join(*sets) if sets else UNKNOWN


def import_(ev: Evaluator, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
    given = ev.arguments(node, scope, frame)
    words = {word.arg: word.value for word in node.keywords}
    names = given[0] if given else ev.values(words.get("name"), scope, frame)
    # `__import__("a.b")` gives a, unless it is asked for members of b.
    listed = given[3] if len(given) > 3 else ()
    if "fromlist" in words:
        listed = ev.values(words["fromlist"], scope, frame)
    whole = any(isinstance(one, Seq) and one.items for one in listed)
    return modules(ev, names, scope, first_only=not whole)


def import_module(
    ev: Evaluator, node: ast.Call, scope: Scope, frame: Frame | None
) -> Values | None:
    given = ev.arguments(node, scope, frame)
    words = {word.arg: word.value for word in node.keywords}
    names = given[0] if given else ev.values(words.get("name"), scope, frame)
    return modules(ev, names, scope, first_only=False)


def modules(ev: Evaluator, names: Values, scope: Scope, *, first_only: bool) -> Values:
    """Return the modules that names bring; what nobody knows where a name is not known."""
    sets: list[Values] = []
    for name in names:
        if isinstance(name, Const) and isinstance(name.value, str):
            text = name.value
            level = len(text) - len(text.lstrip("."))
            if level:
                local = ev.graph.resolve(text.lstrip("."), level, scope.module)
                sets.append((Local(local),) if local is not None else UNKNOWN)
                continue
            text = text.partition(".")[0] if first_only else text
            sets.append(ev.imported(text, scope.module))
        elif isinstance(name, Text) and name.prefix.startswith((".", "kurt_skills")):
            sets.append(SELF)
        else:
            sets.append((Ref("importlib.import_module()"),))
    return join(*sets) if sets else UNKNOWN


def resolve_name(ev: Evaluator, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
    given = ev.arguments(node, scope, frame)
    sets: list[Values] = []
    for name in given[0] if given else ():
        if isinstance(name, Const) and isinstance(name.value, str):
            module, colon, rest = name.value.partition(":")
            dotted = f"{module}.{rest}" if colon and rest else module
            sets.append((ev.ref(dotted),))
        else:
            sets.append((Ref("importlib.import_module()"),))
    return join(*sets) if sets else UNKNOWN


def load_entry_point(
    ev: Evaluator, node: ast.Call, scope: Scope, frame: Frame | None
) -> Values | None:
    if not isinstance(node.func, ast.Attribute):
        return None
    sets: list[Values] = []
    for value in ev.values(node.func.value, scope, frame):
        call = value.call if isinstance(value, Ref) else None
        words = {word.arg: word.value for word in call.keywords} if call is not None else {}
        named = words.get("value") or (call.args[1] if call and len(call.args) > 1 else None)
        for text in ev.values(named, scope, frame) if named is not None else ():
            if isinstance(text, Const) and isinstance(text.value, str):
                sets.append((ev.ref(text.value.partition("[")[0].replace(":", ".").strip()),))
    return join(*sets) if sets else None


def make_partial(ev: Evaluator, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
    given = ev.arguments(node, scope, frame)
    if not given:
        return UNKNOWN
    return (Partial("partial", given[0], tuple(given[1:]), node),)


def make_getter(what: str) -> Any:
    def made(ev: Evaluator, node: ast.Call, scope: Scope, frame: Frame | None) -> Values:
        return (Partial(what, (), tuple(ev.arguments(node, scope, frame)), node),)

    return made


def reduce(ev: Evaluator, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
    given = ev.arguments(node, scope, frame)
    if len(given) < 2:
        return UNKNOWN
    if any(isinstance(one, Ref) and one.name == "builtins.getattr" for one in given[0]):
        items = next((one.items for one in given[1] if isinstance(one, Seq)), None)
        if items is None:
            return computed(given[2]) if len(given) > 2 else UNKNOWN
        steps = list(items)
        found = given[2] if len(given) > 2 else steps.pop(0) if steps else UNKNOWN
        for step in steps[:16]:
            names = [one.value for one in step if isinstance(one, Const)]
            found = join(*[ev.members(found, str(name)) for name in names]) or UNKNOWN
        return found
    return UNKNOWN


def globals_(ev: Evaluator, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
    return (Namespace(scope.module.scope),)


def locals_(ev: Evaluator, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
    return (Namespace(scope),)


def vars_(ev: Evaluator, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
    if not node.args:
        return (Namespace(scope),)
    return (Namespace(None, ev.values(node.args[0], scope, frame)),)


def type_(ev: Evaluator, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
    if len(node.args) != 1:
        return SELF  # a class that is made here
    sets: list[Values] = []
    for value in ev.values(node.args[0], scope, frame):
        if isinstance(value, Instance):
            sets.append((value.code,))
        elif isinstance(value, Ref) and value.name.endswith("()"):
            sets.append((Ref(value.name.removesuffix("()")),))
        else:
            sets.append((Ref("builtins.type()", node),))
    return join(*sets) if sets else None


def first(ev: Evaluator, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
    return ev.values(node.args[0], scope, frame) if node.args else None


def next_(ev: Evaluator, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
    return bindings.elements(ev, ev.values(node.args[0], scope, frame)) if node.args else None


def dict_(ev: Evaluator, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
    entries: dict[Any, Values] = {}
    rest: list[Values] = []
    for word in node.keywords:
        inner = ev.values(word.value, scope, frame)
        if word.arg is None:
            rest.append(inner)
        else:
            entries[word.arg] = inner
    for one in node.args:
        for value in ev.values(one, scope, frame):
            if isinstance(value, Map):
                entries.update(value.entries)
                rest.append(value.rest)
            elif isinstance(value, Seq):
                for pair in value.items[:256]:
                    for two in pair:
                        if isinstance(two, Seq) and len(two.items) == 2:
                            for key in two.items[0]:
                                if isinstance(key, Const) and hashable(key.value):
                                    entries[key.value] = two.items[1]
            elif not isinstance(value, Unknown):
                return None
    return (Map(entries, join(*rest) if rest else ()),)


def sequence(ev: Evaluator, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
    if not node.args:
        return (Seq(()),)
    found: list[Value] = []
    for value in ev.values(node.args[0], scope, frame):
        if isinstance(value, Seq):
            found.append(value)
        elif isinstance(value, Const) and isinstance(value.value, (str, bytes)):
            found.append(Seq(tuple([(Const(one),) for one in value.value[:4096]])))
        elif isinstance(value, Map):
            found.append(Seq(tuple([(Const(key),) for key in value.entries])))
        else:
            found.append(value)
    return tuple(found) or None


def sorted_(ev: Evaluator, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
    sets: list[Value] = []
    for one in sequence(ev, node, scope, frame) or ():
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


def reversed_(ev: Evaluator, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
    made = sequence(ev, node, scope, frame)
    return tuple([Seq(one.items[::-1]) if isinstance(one, Seq) else one for one in made or ()])


def map_(ev: Evaluator, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
    if len(node.args) != 2:
        return None
    functions = ev.values(node.args[0], scope, frame)
    for value in ev.values(node.args[1], scope, frame):
        items: list[Values] | None = None
        if isinstance(value, Seq):
            items = list(value.items)
        elif isinstance(value, Const) and isinstance(value.value, (str, bytes)):
            items = [(Const(one),) for one in value.value[:4096]]
        if items is None:
            continue
        out: list[Values] = []
        for item in items[:4096]:
            out.append(join(*[ev.applied(one, [item]) for one in functions]) or UNKNOWN)
        return (Seq(tuple(out)),)
    return None


def make_path(ev: Evaluator, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
    text: Values = ()
    for one in node.args:
        part = ev.as_text(ev.values(one, scope, frame))
        text = folding.path_join(text, part) if text else part
    return (members.path(ev, text or (Const("."),)),)


def join_path(ev: Evaluator, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
    text: Values = ()
    for one in ev.arguments(node, scope, frame):
        part = ev.as_text(one)
        text = folding.path_join(text, part) if text else part
    return text or UNKNOWN


def parent_path(ev: Evaluator, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
    if not node.args:
        return None
    return folding.path_parent(ev.as_text(ev.values(node.args[0], scope, frame)))


def same_text(ev: Evaluator, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
    return ev.as_text(ev.values(node.args[0], scope, frame)) if node.args else None


def home(ev: Evaluator, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
    return (members.path(ev, (Const("~"),)),)


def cwd(ev: Evaluator, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
    return (members.path(ev, (Const("."),)),)


def environ_get(ev: Evaluator, node: ast.Call, scope: Scope, frame: Frame | None) -> Values | None:
    given = ev.arguments(node, scope, frame)
    first = given[0][0] if given and given[0] else None
    known = first.value if isinstance(first, Const) else None
    return join(environment(known), *given[1:2])


def _given(text: str) -> Any:
    def made(ev: Evaluator, node: ast.Call, scope: Scope, frame: Frame | None) -> Values:
        return (Const(text),)

    return made


_SPECIAL: Mapping[str, Any] = {
    "builtins.getattr": getattr_,
    "inspect.getattr_static": getattr_,
    "builtins.object.__getattribute__": getattr_,
    "builtins.type.__getattribute__": getattr_,
    "types.ModuleType.__getattribute__": getattr_,
    "builtins.__import__": import_,
    "importlib.__import__": import_,
    "importlib.import_module": import_module,
    "importlib.reload": first,
    "pkgutil.resolve_name": resolve_name,
    "pydoc.locate": resolve_name,
    **dict.fromkeys(
        (
            *("unittest.mock._importer", "importlib.machinery.SourceFileLoader().load_module"),
            *("importlib.machinery.ModuleSpec().loader.load_module", "imp.load_module"),
            *("importlib._bootstrap._gcd_import", "importlib.util.import_module"),
        ),
        import_module,
    ),
    "importlib.metadata.EntryPoint().load": load_entry_point,
    "operator.attrgetter": make_getter("attrgetter"),
    "operator.itemgetter": make_getter("itemgetter"),
    "operator.methodcaller": make_getter("methodcaller"),
    "functools.partial": make_partial,
    "functools.partialmethod": make_partial,
    "functools.reduce": reduce,
    "builtins.globals": globals_,
    "builtins.locals": locals_,
    "builtins.vars": vars_,
    "builtins.type": type_,
    "builtins.staticmethod": first,
    "builtins.classmethod": first,
    "builtins.iter": first,
    "builtins.sorted": sorted_,
    "typing.cast": lambda ev, node, scope, frame: (
        ev.values(node.args[1], scope, frame) if len(node.args) > 1 else None
    ),
    "copy.copy": first,
    "copy.deepcopy": first,
    "functools.lru_cache": first,
    "functools.cache": first,
    "types.MappingProxyType": first,
    "asyncio.to_thread": None,
    "contextlib.closing": first,
    "contextlib.nullcontext": first,
    "builtins.next": next_,
    "builtins.dict": dict_,
    "types.SimpleNamespace": None,
    "builtins.list": sequence,
    "builtins.tuple": sequence,
    "builtins.set": sequence,
    "builtins.frozenset": sequence,
    "collections.deque": sequence,
    "builtins.reversed": reversed_,
    "builtins.map": map_,
    "pathlib.Path": make_path,
    "pathlib.PurePath": make_path,
    "pathlib.PosixPath": make_path,
    "pathlib.PurePosixPath": make_path,
    "pathlib.Path.home": home,
    "pathlib.Path.cwd": cwd,
    "os.path.join": join_path,
    "os.path.dirname": parent_path,
    "os.path.abspath": same_text,
    "os.path.realpath": same_text,
    "os.path.normpath": same_text,
    "os.path.expanduser": same_text,
    "os.path.expandvars": same_text,
    "os.fspath": same_text,
    "os.fsencode": same_text,
    "os.getcwd": _given("."),
    "tempfile.gettempdir": _given("<temp>"),
    "tempfile.mkdtemp": _given("<temp>/x"),
    "tempfile.mktemp": _given("<temp>/x"),
    "tempfile.TemporaryDirectory": _given("<temp>/x"),
    "site.getusersitepackages": _given("<site-packages>"),
    "sysconfig.get_path": _given("<site-packages>"),
    "os.getenv": environ_get,
    "importlib.resources.files": lambda ev, node, scope, frame: (
        members.path(ev, (Const(SKILL),)),
    ),
    "importlib.resources.path": lambda ev, node, scope, frame: (members.path(ev, (Const(SKILL),)),),
}
CALLED = {name: method for name, method in _SPECIAL.items() if method is not None}
