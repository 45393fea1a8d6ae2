"""The registry in the words of the skills: TOOLS, SKILLS, register_tool, get_tool.

Each of them looks at ``SkillManager.default()``; a decorator that runs while a
manager loads a skill registers with that manager.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, overload

from kurt_ext.manager import register

from .kind import KIND

if TYPE_CHECKING:
    from kurt_ext.candidates import Candidate

    from .contract import Tool

__all__ = [
    "SKILLS",
    "TOOLS",
    "find_skill_for_tool",
    "get_tool",
    "load_skill",
    "register_tool",
]

T = TypeVar("T", bound="type[Tool[Any, Any]]")


@overload
def register_tool(tool: T, /) -> T: ...
@overload
def register_tool(*, name: str | None = None) -> Callable[[T], T]: ...
def register_tool(tool: T | None = None, /, *, name: str | None = None) -> T | Callable[[T], T]:
    """Register a tool class under its ``name``; use it as ``@register_tool`` or call it.

    :param name: the name to register under; the class attribute ``name`` where it is None.
    """

    def decorate(cls: T) -> T:
        register(KIND.namespace, name or cls.name, cls)
        return cls

    return decorate if tool is None else decorate(tool)


def get_tool(name: str) -> type[Tool[Any, Any]]:
    """Return the class of a tool, loading the skill that has it on first use.

    :raises ToolNotFoundError: when no enabled skill has a tool of that name.
    """
    from .skills import SkillManager

    return SkillManager.default().get_tool(name)


def find_skill_for_tool(name: str) -> Candidate | None:
    """Return the skill that offers a tool, without importing it, or None."""
    from .skills import SkillManager

    return SkillManager.default().find_skill_for_tool(name)


def load_skill(name: str) -> Candidate:
    """Import a skill and register what it offers; return its row.

    :raises SkillNotFoundError: when there is no such skill.
    :raises SkillLoadError: when its code cannot be imported.
    """
    from .skills import SkillManager

    return SkillManager.default().load_skill(name)


class _Tools(Mapping[str, "type[Tool[Any, Any]]"]):
    """The tools of the default manager by name, as classes; a class is imported when asked for."""

    def __getitem__(self, name: str) -> type[Tool[Any, Any]]:
        from .errors import ToolNotFoundError

        try:
            return get_tool(name)
        except ToolNotFoundError as error:
            raise KeyError(name) from error

    def __iter__(self) -> Iterator[str]:
        from .skills import SkillManager

        return iter(SkillManager.default().tool_names())

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return any(name == known for known in self)  # no import for a question


class _Skills(Mapping[str, "Candidate"]):
    """The skills of the default manager by name: metadata only, nothing is imported."""

    def __getitem__(self, name: str) -> Candidate:
        from kurt_ext.errors import SkillNotFoundError

        from .skills import SkillManager

        try:
            return SkillManager.default().discover().skill(name)
        except SkillNotFoundError as error:
            raise KeyError(name) from error

    def __iter__(self) -> Iterator[str]:
        from .skills import SkillManager

        candidates = SkillManager.default().discover().candidates
        return iter([row.name for row in candidates if row.shadowed_by is None])

    def __len__(self) -> int:
        return sum(1 for _ in self)


#: Read-only view: tool name → class.
TOOLS: Mapping[str, type[Tool[Any, Any]]] = _Tools()
#: Read-only view: skill name → its row of discovery.
SKILLS: Mapping[str, Candidate] = _Skills()
