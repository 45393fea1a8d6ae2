"""Say in Python what will be refused, before it is, and note what is used.

An audit hook of the interpreter sees most of what code asks the system for. Where the answer
will be no, it raises the ``PermissionError`` that the kernel would lead to, with a sentence: who
may not do what, and what to write into the manifest. What is allowed by a permission is noted
once. It guards nothing: native code is not seen, and a plugin can blind it. On the tier
``process`` there is nothing else.
"""

from __future__ import annotations

import os
import sys

from .sightings import AccessDenied, Sightings, caller
from .tripped_files import Files, fence_of
from .tripped_programs import Programs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .sightings import Emit

__all__ = ["AccessDenied", "install", "tell"]

_PYTHON_ONLY = (
    "on this machine the tripwires in Python are all that checks files, network and programs: "
    "a hostile plugin gets past them"
)


def tell(permission: str, target: str, allowed: bool) -> bool:
    """Tell the host of a use, where that can be done at once.

    A worker that is writing to the host at this moment, in this thread too, does it later.
    """
    from . import worker

    serving = worker._serving
    if serving is None or serving.is_writing:
        return False
    worker.event("use", {"permission": permission, "target": target, "allowed": allowed})
    return True


def install(
    policy: Mapping[str, Any], report: dict[str, Any] | None = None, emit: Emit | None = None
) -> Sightings:
    """Set the hook, for good, and return what it notes.

    To be called after the process was confined, and before anything of the plugin is imported.

    :param policy: as :meth:`kurt_ext.sandbox.policy.Policy.wire` gives it.
    :param report: that of the confinement; where Python alone checks, it is told so.
    :param emit: told of each use, the first time; see :attr:`Sightings.waiting` for those that
        it did not take. It is called within whatever the plugin does, in its thread, and must
        neither wait nor open anything.
    """
    seen = Sightings(policy["skill"], emit)
    fence = fence_of(policy)
    table = Files(seen, fence, policy["tier"]).table()
    table.update(Programs(seen, fence, policy).table())
    if policy["tier"] == "process":
        from .wires import Wires

        table.update(Wires(seen, policy["hosts"]).table())
        if report is not None:
            report.setdefault("not_enforced", []).append(_PYTHON_ONLY)
    _watch_environment(seen, policy["cwd"].rstrip("/") + "/")

    def hook(event: str, args: tuple[Any, ...], find: Any = table.get) -> None:
        act = find(event)
        if act is not None:
            act(args)

    sys.addaudithook(hook)
    return seen


def _watch_environment(seen: Sightings, own: str) -> None:
    """Let ``os.environ`` say of what is not there that it would have to be declared."""
    declared = frozenset(os.environ)
    known: set[str] = set()

    def meet(name: str, found: bool) -> None:
        known.add(name)
        frame = caller(4)
        if frame is not None and frame.f_code.co_filename.startswith(own):
            seen.note("environment_variables", name, found)

    class Environment(type(os.environ)):  # type: ignore[misc]
        """The variables that the plugin declared, and no others."""

        def __getitem__(self, key: str) -> str:
            try:
                value: str = super().__getitem__(key)
            except KeyError as error:
                error.add_note(
                    f"{seen.skill} does not declare it, or it is not set; "
                    f'write "{key}" into environment_variables, under permissions in its manifest'
                )
                if key not in known:
                    meet(key, False)
                raise
            if key not in known and key in declared:
                meet(key, True)
            return value

    os.environ.__class__ = Environment
