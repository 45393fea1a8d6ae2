"""Read what a pickle would import, opcode by opcode, without loading it.

Names are held against a list of those that only build data. Lists of what is
dangerous are never complete: each scanner that keeps one has been passed by.
"""

from __future__ import annotations

import re
import sys
from typing import NamedTuple

__all__ = ["Pickle", "is_object_array", "looks_pickled", "read"]

_BUILTINS = "set frozenset bytes bytearray complex range slice object int float str list dict tuple"
_HARMLESS = {
    "builtins": _BUILTINS,
    "__builtin__": _BUILTINS,
    "collections": "OrderedDict defaultdict deque Counter",
    "copyreg": "_reconstructor",
    "copy_reg": "_reconstructor",
    "datetime": "date time datetime timedelta timezone",
    "decimal": "Decimal",
    "fractions": "Fraction",
    "uuid": "UUID",
    "_codecs": "encode",
    "numpy": "ndarray dtype",
    "numpy.core.multiarray": "_reconstruct scalar",
    "numpy._core.multiarray": "_reconstruct scalar",
    "torch._utils": "_rebuild_tensor_v2 _rebuild_parameter",
    "torch": "FloatStorage DoubleStorage HalfStorage LongStorage IntStorage BFloat16Storage",
}
HARMLESS = frozenset(
    f"{module}.{name}" for module, names in _HARMLESS.items() for name in names.split()
)
_MAX_OPCODES = 100_000
#: Protocols 2 to 5 say so; 0 and 1 begin with anything, and import with ``c``.
_MODERN = re.compile(rb"\x80[\x02-\x05]")
_OLD = re.compile(rb"[(\]}]{0,4}c[A-Za-z_][\w.]*\r?\n[A-Za-z_][\w.]*\r?\n")
_OLD_BUILTIN = frozenset(("nt", "posix", "__builtin__", "os", "subprocess", "builtins", "sys"))


class Pickle(NamedTuple):
    """What a pickle imports.

    :param names: dotted; ``?`` for one that is worked out while it is loaded.
    :param whole: whether it could be followed to its end.
    """

    names: tuple[str, ...]
    whole: bool

    @property
    def foreign(self) -> tuple[str, ...]:
        """The names that do more than build data."""
        return tuple([name for name in self.names if name not in HARMLESS])

    @property
    def runs(self) -> bool:
        """Whether one of them is of the standard library, or cannot be known."""
        return any(
            name.startswith("?") or name.partition(".")[0] in sys.stdlib_module_names | _OLD_BUILTIN
            for name in self.foreign
        )


def looks_pickled(data: bytes) -> bool:
    """Return whether bytes begin as a pickle does."""
    if _MODERN.match(data):
        return True
    # Many a text begins with a word in c; a pickle also has an end.
    return _OLD.match(data) is not None and (len(data) >= 4096 or _one(data, {}) is not None)


def is_object_array(data: bytes) -> bool:
    """Return whether an ``.npy`` file holds objects, which are a pickle."""
    return data[:6] == b"\x93NUMPY" and re.search(rb"[|'\"<>=]O\d*['\"]", data[:4096]) is not None


def read(data: bytes) -> Pickle:
    """Return what a pickle, or several in a row, would import; never raises."""
    names: dict[str, None] = {}
    at = 0
    for _ in range(16):
        end = _one(data[at:], names)
        if end is None:
            return Pickle(tuple(names), False)
        at += end
        if at >= len(data) or not looks_pickled(data[at : at + 512]):
            break
    return Pickle(tuple(names), True)


def _one(data: bytes, names: dict[str, None]) -> int | None:
    """Add the names of the first pickle; return where it ends, None where it does not."""
    import pickletools

    memo: dict[int, str] = {}
    strings: list[str] = []
    try:
        for number, (opcode, argument, place) in enumerate(pickletools.genops(data)):
            if number > _MAX_OPCODES:
                return None
            word = opcode.name
            if word in ("GLOBAL", "INST"):
                names[str(argument).replace(" ", ".")] = None
                strings.clear()
            elif word == "STACK_GLOBAL":
                known = len(strings) >= 2 and "?" not in strings[-2:]
                names[".".join(strings[-2:]) if known else "?"] = None
                strings.clear()
            elif word.startswith("EXT"):
                names["?"] = None
            elif word in ("MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT"):
                index = len(memo) if word == "MEMOIZE" else int(argument or 0)
                memo[index] = strings[-1] if strings else "?"
            elif word in ("GET", "BINGET", "LONG_BINGET"):
                strings.append(memo.get(int(argument or 0), "?"))
            elif (isinstance(argument, str) and "UNICODE" in word) or "STRING" in word:
                strings.append(str(argument))
            elif word == "STOP":
                return int(place or 0) + 1
            elif word not in ("PROTO", "FRAME"):
                strings.append("?")
            del strings[:-4]
    except Exception:  # what is no pickle fails in any way
        return None
    return None
