"""The front door with the words of the skills: find_skill_for_tool, get_tool, load_skill."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from kurt_ext import manager
from kurt_ext.errors import ConflictError, ExtensionNotFoundError, NotFoundError

from .errors import ToolNotFoundError
from .faraway import faraway
from .kind import KIND

if TYPE_CHECKING:
    from kurt_ext.candidates import Candidate

    from .contract import Tool

__all__ = ["SkillManager"]

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound="SkillManager")


class _OnEither(Generic[S, P, R]):
    """A method that may be called on the class too: it is then the default manager's."""

    def __init__(self, method: Callable[Concatenate[S, P], R]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    @overload
    def __get__(self, instance: None, owner: type[S]) -> Callable[P, R]: ...
    @overload
    def __get__(self, instance: S, owner: type[S]) -> Callable[P, R]: ...
    def __get__(self, instance: S | None, owner: type[S]) -> Callable[P, R]:
        method = self._method

        @wraps(method)
        def bound(*args: P.args, **kwargs: P.kwargs) -> R:
            return method(owner.default() if instance is None else instance, *args, **kwargs)

        return bound


class SkillManager(manager.SkillManager):
    """The front door; ``SkillManager.find_skill_for_tool(name)`` asks ``default()``."""

    @_OnEither
    def find_skill_for_tool(self, name: str) -> Candidate | None:
        """Return the skill that offers a tool, found in one look-up without an import, or None.

        None too where the name is disabled, or several skills offer it.
        """
        try:
            return self.lookup.find(name, KIND.namespace).candidate
        except (NotFoundError, ConflictError):
            return None

    @_OnEither
    def get_tool(self, name: str) -> type[Tool[Any, Any]]:
        """Return the class of a tool, importing the skill that has it on first use.

        Of a skill that runs isolated it is a class of ours whose ``run`` asks the worker.

        :raises ToolNotFoundError: when no enabled skill has a tool of that name.
        :raises SkillLoadError: when the skill that has it cannot be imported.
        """
        try:
            found = self.lookup.find(name, KIND.namespace)
        except ExtensionNotFoundError as error:
            raise ToolNotFoundError(
                f"there is no tool {name}",
                cause=error.cause,
                hint=error.hint,
                candidates=error.candidates,
            ) from error
        tool = self.loading.load(found)
        if tool.generation.housing not in (None, ...):
            return faraway(self.load(found.reference))
        cls: type[Tool[Any, Any]] = type(tool.obj)
        return cls

    @_OnEither
    def load_skill(  # pyright: ignore[reportIncompatibleMethodOverride]  # callable on both
        self, name: str
    ) -> Candidate:
        """Import what a skill offers and the configuration enables; return its row.

        :raises SkillNotFoundError: when there is no such skill.
        :raises PluginLoadError: when some of it cannot be loaded.
        """
        return manager.SkillManager.load_skill(self, name)

    @_OnEither
    def tool_names(self) -> list[str]:
        """Return the names of the enabled tools, sorted, without importing anything."""
        return self.lookup.names(KIND)
