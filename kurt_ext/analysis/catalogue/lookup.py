"""Look a dotted name up in the tables."""

from __future__ import annotations

import sys

from . import (
    deserialization,
    environment,
    execution,
    files,
    host,
    imports,
    native,
    network,
    processes,
    reflection,
    services,
    surveillance,
)
from .aliases import canonical
from .meaning import Meaning, rows

__all__ = ["bare", "entries", "meaning"]

TABLES = {
    module.__name__.rpartition(".")[2]: module.TABLE
    for module in (
        processes,
        execution,
        imports,
        deserialization,
        native,
        network,
        services,
        environment,
        files,
        reflection,
        host,
        surveillance,
    )
}
_NAMES: dict[str, Meaning | None] = {
    name: found for table in TABLES.values() for name, found in rows(table)
}
_ABSENT = "absent"
#: Attributes that hold text or numbers about a thing, whatever it is.
_PLAIN = frozenset(("__version__", "__name__", "__qualname__", "__doc__", "version_info"))
#: Modules that are harmless to name a part of, and not to hand to others whole.
_BARE = frozenset(["builtins", "gc", "importlib", "os", "shutil", "sys"])


def entries() -> dict[str, Meaning | None]:
    """Return every name of the tables with its meaning; None means nothing."""
    return dict(_NAMES)


def meaning(name: str) -> Meaning | None:
    """Return what a dotted name means, or None where it means nothing.

    :param name: a finished reference, canonical or not.
    """
    name = canonical(name)
    owner, _, method = name.rpartition(".")
    if name not in _NAMES and _is_plain(name, method):
        return None
    if "()" in name or owner == "*" or owner[:2] == "*.":
        return _of_result(name, method)
    found = _NAMES.get(f"{owner}().{method}")
    if found is not None and name not in _NAMES:
        return _of_class(found)
    return _longest(name)


def _is_plain(name: str, last: str) -> bool:
    """Return whether a name is that of plain data: a constant, a version, what a thing is called.

    Only of what no table lists: `socket.SCM_RIGHTS` talks to nobody, nor does
    `urllib3.__version__.split`. In capitals the standard library writes its constants, and few
    classes, which are listed; others may call a function so.
    """
    constant = last.isupper() and name.partition(".")[0] in sys.stdlib_module_names
    return constant or not _PLAIN.isdisjoint(name.replace("()", "").replace("[]", "").split("."))


def _longest(name: str) -> Meaning | None:
    end = len(name)
    while end > 0:
        prefix = name[:end]
        if prefix in _NAMES:
            return _NAMES[prefix]
        end = prefix.rfind(".")
    return None


def _of_result(name: str, method: str) -> Meaning | None:
    """Return what an attribute of a call's result means, or of something unknown.

    A result that is listed as nothing stays so through whatever its methods return.
    """
    end, beyond = len(name), False
    while end > 0:
        prefix = name[:end]
        found = _NAMES.get(prefix, _ABSENT)
        if not isinstance(found, str) and not beyond:
            return found
        is_result = "()" in prefix[prefix.rfind(".") + 1 :]
        if found is None and is_result:
            return None
        beyond = beyond or is_result
        end = prefix.rfind(".")
    return _NAMES.get(f"*.{method}")


def _of_class(found: Meaning) -> Meaning:
    """Return what a method means that is reached through its class: its object comes first."""
    parts = [_later(part) for part in found.condition.split("&") if part]
    return found._replace(
        argument=None if found.argument is None else found.argument + 1,
        condition="&".join(parts),
        otherwise=found.otherwise and _of_class(found.otherwise),
    )


def _later(condition: str) -> str:
    verb, _, rest = condition.partition(":")
    argument, values, text = rest.partition("=")
    position, slash, word = argument.partition("/")
    if position.isdigit():
        position = str(int(position) + 1)
    return f"{verb}:{position}{slash}{word}{values}{text}"


def bare(name: str) -> bool:
    """Return whether to pass this module itself around is to pass its dangers on."""
    name = canonical(name)
    return name in _BARE or meaning(name) is not None
