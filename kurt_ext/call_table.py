"""The calls of one manager: made on first use, and bound to what is loaded now."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from weakref import WeakSet

from .calls import Call
from .contract import Failures
from .errors import KurtError, UsageError
from .instances import capability_target
from .lifecycle import inactive_error, unloaded_error
from .sandbox.remote import Remote
from .sandbox.remote import target as remote_target

if TYPE_CHECKING:
    from .binding import Surroundings
    from .contract import Extension, Target, Usage
    from .life import Life
    from .lookup import Found
    from .manager import SkillManager

__all__ = ["CallTable"]


class CallTable(dict[str, Call]):
    """Calls by reference; one that is missing is made. Those that somebody keeps are known too.

    :param skills: the manager, asked for names and loading.
    :param surround: gives the surroundings of an extension, before its first call.
    """

    def __init__(
        self,
        skills: SkillManager,
        surround: Callable[[Extension, Target], Awaitable[Surroundings]],
    ) -> None:
        super().__init__()
        self._skills = skills
        self._surround = surround
        self._made: WeakSet[Call] = WeakSet()
        self._made_lock = threading.Lock()

    def __missing__(self, reference: str) -> Call:
        call = self[reference] = self._skills.call(reference)
        return call

    def find(self, reference: str) -> Found:
        """Return what a reference to something that is called means.

        :raises NotFoundError: as :meth:`kurt_ext.lookup.Lookup.find`, and its like.
        :raises UsageError: when it is not of a kind that is called by name.
        """
        skills = self._skills
        found = skills.lookup.find(reference)
        if not found.kind.call and found.capability is None:
            raise UsageError(
                f"{found.reference} is not called by name",
                cause=f"{found.kind.namespace}: {found.kind.summary}",
                hint=f"kurt info {found.candidate.name}",
                skill=found.candidate.name,
            )
        is_plugin = found.value and ":" not in found.value
        is_whole = is_plugin and found.capability is None
        if is_whole and skills.loading.record(found.candidate)["type"]:
            return skills.lookup.whole(found.candidate)
        return found

    def make(self, found: Found, extension: Extension) -> Call:
        """Return a new call of an extension that is ready."""
        life = self._skills.readiness.use(extension)
        target = _target(found, extension)

        def veil(error: BaseException) -> BaseException:
            return self._skills.loading.veiled(life, error)

        call = Call(extension, found.name, target, self._surround, self._usage(life), veil)
        with self._made_lock:
            self._made.add(call)
        return call

    def _usage(self, life: Life) -> Usage | None:
        return life.usage if self._skills.loading.listeners else None

    # -- those that somebody keeps -----------------------------------------------

    def count(self) -> None:
        """Count the calls that somebody keeps already; those made later are counted anyway."""
        for call in self._kept():
            life = self._skills.loading.lives.get(call.extension.candidate.slug)
            if life is not None:
                call.bind(call.extension, call.target, self._usage(life))

    def bind(self, life: Life) -> None:
        """Let the calls of a skill that somebody keeps run what is loaded now."""
        for call in self._kept_of(life):
            try:
                found = self.find(call.reference)
                extension = self._skills.loading.load(found)
                call.bind(extension, _target(found, extension), self._usage(life))
            except KurtError as error:
                call.refuse(error)
            except Exception as error:  # of the plugin's object, or of its files
                from .failure import load_error

                call.refuse(load_error(life.candidate, error, call.name))

    def refuse(self, life: Life) -> None:
        """Refuse the calls of a skill that was deactivated."""
        for call in self._kept_of(life):
            call.refuse(inactive_error(life.name, life.status))

    def loose(self, life: Life) -> None:
        """Let go of a skill whose code is forgotten; calls that are kept raise that."""
        for call in self._kept_of(life):
            call.loose(unloaded_error(life.name))
        for reference, call in list(self.items()):  # threads add to it meanwhile
            if call.extension.skill == life.name:
                self.pop(reference, None)

    def _kept_of(self, life: Life) -> list[Call]:
        return [call for call in self._kept() if call.extension.skill == life.name]

    def _kept(self) -> list[Call]:
        """Return the calls that somebody keeps; no thread may add one while they are counted."""
        with self._made_lock:
            return [*self._made]


def _target(found: Found, extension: Extension) -> Target:
    if found.capability is not None:
        return capability_target(extension, found.capability)
    if isinstance(extension.obj, Remote):
        return remote_target(extension.obj, extension.kind.facet("failures") or Failures())
    target: Target = extension.kind.facet("call")(extension)
    return target
