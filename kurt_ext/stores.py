"""Tell from compiled code whether it may set attributes of what is not its own.

Nearly every plugin sets attributes of ``self`` alone. For those nobody needs to look
through the process for functions that they have replaced.
"""

from __future__ import annotations

from dis import opmap
from types import CodeType

__all__ = ["may_patch"]

_STORES = tuple(opmap[name] for name in ("STORE_ATTR", "DELETE_ATTR"))
_LOAD = opmap["LOAD_FAST"]
_LOAD_ATTR, _COPY, _SWAP = opmap["LOAD_ATTR"], opmap["COPY"], opmap["SWAP"]
#: Two loads in one, from 3.13 on; the second is in the lower four bits.
_LOAD_TWO = opmap.get("LOAD_FAST_LOAD_FAST", -1)
#: Parts of names by which code sets an attribute without an assignment.
_WORDS = (
    *("setattr", "delattr", "__dict__", "vars", "globals", "exec", "eval"),
    *("modules", "patch", "wrap"),
)


def may_patch(code: CodeType) -> bool:
    """Return whether code, or a function in it, sets attributes of anything but ``self``.

    True as well where it uses a name by which that may be done otherwise. False
    is certain but for code that hides what it does.
    """
    names = " ".join(code.co_names)
    for word in _WORDS:
        if word in names:
            return True
    raw = code.co_code
    operations = raw[::2]
    for store in _STORES:
        if store in operations and not all(
            _is_of_first(code, raw, at) for at, each in enumerate(operations) if each == store
        ):
            return True
    return any(type(inner) is CodeType and may_patch(inner) for inner in code.co_consts)


def _is_of_first(code: CodeType, raw: bytes, at: int) -> bool:
    """Return whether what an instruction stores into is the first argument, ``self``."""
    if at == 0 or not code.co_argcount:
        return False
    at = 2 * at - 2
    if raw[at] == _SWAP:
        # self.x += y keeps self beneath: load it, copy it, load x, …, swap, store.
        while at >= 2 and not (raw[at] == _COPY and raw[at + 2] == _LOAD_ATTR):
            at -= 2
        if at < 2:
            return False
        at -= 2
    operation, argument = raw[at], raw[at + 1]
    return (operation == _LOAD and argument == 0) or (operation == _LOAD_TWO and argument & 15 == 0)
