"""What is known of names from outside, wherever they are met: folders, variables, elements."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from . import catalogue
from .catalogue import aliases, lookup
from .values import UNKNOWN, Const, Instance, Ref, Unknown, Value, Values, origins

__all__ = [
    "ARGUMENT",
    "CONSTANTS",
    "ELEMENTS",
    "SELF",
    "SKILL",
    "canonical",
    "computed",
    "environment",
    "may_be_outside",
    "meaning",
]

# A program names few things, often.
canonical = lru_cache(8192)(aliases.canonical)
meaning = lru_cache(8192)(lookup.meaning)

#: What stands for the skill's own folder in a path.
SKILL = "<skill>"
#: What the host hands over, and what the skill's own objects hold.
ARGUMENT: Values = (Unknown(frozenset(("argument",))),)
SELF: Values = (Unknown(frozenset(("self",))),)
#: Packages of which a name has a meaning.
_KNOWN_PACKAGES = frozenset(name.partition(".")[0] for name in catalogue.entries()) - {"*"}
#: What running through the result of a call gives.
ELEMENTS = {
    "psutil.process_iter()": "psutil.Process()",
    "importlib.metadata.entry_points()": "importlib.metadata.EntryPoint()",
}
#: Attributes and calls whose value is known: folders, and what stands for them.
CONSTANTS: dict[str, Values] = {
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


def may_be_outside(name: str) -> bool:
    """Return whether a module that a skill has may be a known one of that name that is installed.

    A skill's folder is not on the search path, so that an absolute import brings the other.
    """
    return name.partition(".")[0] in _KNOWN_PACKAGES


def computed(values: Values) -> Values:
    """Return what an attribute is whose name is not known: of a module, whatever it has."""
    found: list[Value] = []
    for value in values:
        if isinstance(value, Ref):
            found.append(Ref(f"{value.name}.?"))
        elif isinstance(value, (Unknown, Instance)):
            found.append(Unknown(origins(value)))
    return tuple(found) or UNKNOWN


def environment(name: Any) -> Values:
    """Return what a variable of the environment has: a folder, or what nobody knows."""
    if name in ("HOME", "USERPROFILE"):
        return (Const("~"),)
    if name in ("TMPDIR", "TEMP", "TMP"):
        return (Const("<temp>"),)
    return (Unknown(frozenset(("environment",))),)
