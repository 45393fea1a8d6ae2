"""Tell where a skill's exception came from, and make a load error of it."""

from __future__ import annotations

import os
from types import ModuleType
from typing import TYPE_CHECKING

from .errors import ContractError, KurtError, PluginLoadError, SkillLoadError

if TYPE_CHECKING:
    from types import TracebackType

    from .candidates import Candidate
    from .contract import Extension

#: Characters of what an exception says that are told.
_SAID = 4_000

__all__ = ["Afar", "Escaped", "broken_contract", "load_error", "place_of", "reason_of"]


class Escaped(RuntimeError):
    """The code of a plugin raised what would have ended the host."""

    def __init__(self, error: BaseException) -> None:
        from asyncio import CancelledError

        said = f"it raised {type(error).__name__}"
        if isinstance(error, SystemExit):
            said = f"its code called sys.exit({error.code!r})"
        elif isinstance(error, CancelledError):
            said = "it was cancelled by its own code"
        elif error.args and type(error.args[0]) is str:
            said += f": {error.args[0]}"
        super().__init__(said)


class Afar(RuntimeError):
    """The code of a plugin raised something in its worker.

    :param reason: the type of it and what it says, in one line.
    :param place: ``path:line``.
    :param trace: the traceback, as Python tells it there.
    """

    def __init__(self, reason: str, place: str | None = None, trace: str = "") -> None:
        super().__init__(f"{reason}\n\nin its worker:\n{trace}" if trace else reason)
        self.reason = reason
        self.place = place


def place_of(error: BaseException, root: str | None) -> str | None:
    """Return ``path:line`` of the innermost frame in the skill's folder, else of the innermost.

    For a SyntaxError it is the place of the mistake, ``path:line:column``; for a
    name that a module lacks, the module's file.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return ":".join(str(part) for part in (error.filename, error.lineno, error.offset) if part)
    place: str | None = None
    inside: str | None = None
    frames: TracebackType | None = error.__traceback__
    if isinstance(error, Afar):
        return error.place
    while frames is not None:
        path = frames.tb_frame.f_code.co_filename
        place = f"{path}:{frames.tb_lineno}"
        if root is not None and path.startswith(root + os.sep):
            inside = place
        frames = frames.tb_next
    lacking = error.obj if isinstance(error, AttributeError) else None
    if inside is None and isinstance(lacking, ModuleType):
        return lacking.__file__ or place
    return inside or place


def reason_of(error: BaseException) -> str:
    """Return the type of a guest's exception and what it says, in one line."""
    if isinstance(error, SystemExit):
        return f"its code called sys.exit({error.code!r})"
    if isinstance(error, Escaped):
        return str(error)
    if isinstance(error, Afar):
        return error.reason
    try:
        said = str(error)
    except Exception as second:  # its own ``__str__`` is its author's code
        said = f"its __str__ raised {type(second).__name__}"
    name = type(error).__name__
    return f"{name}: {said}" if len(said) <= _SAID else f"{name}: {said[:_SAID]} …"


def load_error(candidate: Candidate, error: BaseException, name: str | None = None) -> KurtError:
    """Return what to raise for ``error``: itself where it is ours, else a SkillLoadError of it."""
    if isinstance(error, KurtError):
        return error
    hint: str | None = f"kurt explain {candidate.name} --load"
    if isinstance(error, ModuleNotFoundError) and error.name:
        top = error.name.partition(".")[0]
        hint = f"install what provides the module {top}, for example: pip install {top}"
    elif isinstance(error, (SyntaxError, ImportError, AttributeError)):
        hint = f"kurt validate {candidate.name}"
    what = candidate.name if name in (None, candidate.name) else f"{candidate.name}:{name}"
    cause = reason_of(error)
    if isinstance(error, SystemExit):
        cause += " while it was imported"
    kind: type[PluginLoadError] = SkillLoadError
    made = kind(
        f"{what} could not be loaded",
        cause=cause,
        at=place_of(error, candidate.location if candidate.is_folder else None),
        hint=hint,
        skill=candidate.name,
    )
    made.__cause__ = error
    return made


def broken_contract(extension: Extension, broken: list[str]) -> ContractError:
    """Return the error for an object that does not keep the contract of its kind.

    :param broken: every way in which it does not.
    """
    contract = extension.kind.contract_type()
    obj = extension.obj
    if contract in (obj if isinstance(obj, type) else type(obj)).__mro__:
        contract = None  # it is derived already, and lacks something else
    return ContractError(
        f"{extension.reference} does not keep the contract of {extension.kind.namespace}",
        cause="\n".join(broken),
        hint=f"derive it from {contract.__module__}.{contract.__name__}" if contract else None,
        skill=extension.skill,
    )
