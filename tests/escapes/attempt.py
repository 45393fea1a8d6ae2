"""An attempt: what is done, what escaping would mean, and who looks whether it did."""

from __future__ import annotations

import inspect
import json
import os
import platform
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import deeds

if TYPE_CHECKING:
    from .stage import Outcome, Stage

Evidence = Callable[["Stage", "Outcome"], "str | None"]
Deed = Callable[[Mapping[str, Any]], Any]
#: Every attempt by its name, in the order of the modules that hold them.
ATTEMPTS: dict[str, Attempt] = {}
#: Themes of which a process of its own, its limits and a careful host are enough.
APART = ("asking", "belongings", "forging", "hanging", "replying")


@dataclass(frozen=True)
class Attempt:
    """One way out.

    :param name: what is tried, as a sentence without a full stop.
    :param theme: the module that holds it.
    :param deed: the function of which the source is run; it sees the names of `deeds` and no other.
    :param evidence: looks from the host's side; returns what it saw, or None.
    :param at: when the deed is done: by a ``call``, at ``import``, at the ``end``, when it is
       unloaded; in ``turns``: one process after another, each told its number; or after a
       ``crash``: the same, but its host only puts a new process in the place of the old one.
    :param after: look only when the process should have ended.
    :param open_in: the tiers in which this is known to get through: ``process``, ``kernel``,
       ``strong``, each also with ``for root`` behind it.
    :param limits: what the process may use, beyond the usual.
    :param hosts: what it may talk to; `{tcp}` stands for the port of a listener of its own.
    :param processes: how many processes it may be.
    :param programs: what it may start.
    :param reads: what its manifest declares to read, beyond the usual; ``{other}`` is the
       folder of another plugin.
    :param writes: the same to write.
    :param needs: says why this machine or user cannot even try, or None.
    :param heir: the plain child process is a fork of its host instead of a program of its own.
    :param patient: costs waiting rather than computing.
    """

    name: str
    theme: str
    deed: Deed
    evidence: Evidence
    at: str = "call"
    after: bool = False
    open_in: tuple[str, ...] = ()
    limits: Mapping[str, float] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()
    processes: int = 1
    programs: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    needs: Callable[[], str | None] = lambda: None
    heir: bool = False
    patient: bool = False

    @property
    def promised(self) -> bool:
        """Whether a process of its own and a careful host hold it, without help of the kernel."""
        return self.theme in APART and "process" not in self.open_in

    def source(self, argument: Mapping[str, Any]) -> str:
        """Return a module with a function ``attempt(argument)`` that does the deed."""
        lines = inspect.getsource(self.deed).splitlines()
        start = next(number for number, line in enumerate(lines) if line.startswith("def "))
        parts = [
            inspect.getsource(deeds).replace("from __future__ import annotations\n", ""),
            "\n".join(lines[start:]),
            f"ARGUMENT = __import__('json').loads({json.dumps(argument)!r})",
        ]
        name = self.deed.__name__
        if self.at == "import":
            parts.append(f"WORTH = {name}(ARGUMENT)\ndef attempt(argument):\n    return WORTH")
        elif self.at == "end":
            parts.append(
                f"def at_end():\n    return {name}(ARGUMENT)\n\n"
                "def attempt(argument):\n    import atexit\n    atexit.register(at_end)\n"
            )
        else:
            parts.append(
                f"def attempt(argument):\n    return {name}({{**ARGUMENT, **(argument or {{}})}})"
            )
        return "\n\n".join(textwrap.dedent(part) for part in parts) + "\n"


def attempt(name: str, evidence: Evidence, **details: Any) -> Callable[[Deed], Deed]:
    """Enter a function as an attempt of its module's theme."""

    def enter(deed: Deed) -> Deed:
        if name in ATTEMPTS:
            raise ValueError(f"there are two attempts called {name!r}")
        theme = deed.__module__.rpartition(".")[2]
        ATTEMPTS[name] = Attempt(name, theme, deed, evidence, **details)
        return deed

    return enter


def root_only() -> str | None:
    """Say why an ordinary user cannot even try."""
    return None if os.geteuid() == 0 else "only root can even try"


def x86_only() -> str | None:
    """Say why another processor cannot even try."""
    return None if platform.machine() == "x86_64" else "the machine code is for x86-64"
