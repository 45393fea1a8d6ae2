"""Tools: extensions that are called by name, with typed input and output.

    from kurt_tool import Tool, ToolContext, ToolResult

Importing this package imports nothing; each name is fetched when it is used.
"""

from __future__ import annotations

from kurt_ext import lazily

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .contract import OnProgress as OnProgress
    from .contract import Tool as Tool
    from .contract import ToolContext as ToolContext
    from .contract import ToolProgress as ToolProgress
    from .contract import ToolResult as ToolResult
    from .errors import ToolCanceledError as ToolCanceledError
    from .errors import ToolExecutionError as ToolExecutionError
    from .errors import ToolInputError as ToolInputError
    from .errors import ToolNotFoundError as ToolNotFoundError
    from .errors import ToolOutputError as ToolOutputError
    from .errors import ToolTimeoutError as ToolTimeoutError
    from .kind import KIND as KIND
    from .registry import SKILLS as SKILLS
    from .registry import TOOLS as TOOLS
    from .registry import find_skill_for_tool as find_skill_for_tool
    from .registry import get_tool as get_tool
    from .registry import load_skill as load_skill
    from .registry import register_tool as register_tool
    from .skills import SkillManager as SkillManager

#: Public name → the module that it is fetched from.
_PLACES = {
    "KIND": ".kind",
    "OnProgress": ".contract",
    "SKILLS": ".registry",
    "SkillManager": ".skills",
    "TOOLS": ".registry",
    "Tool": ".contract",
    "ToolCanceledError": ".errors",
    "ToolContext": ".contract",
    "ToolExecutionError": ".errors",
    "ToolInputError": ".errors",
    "ToolNotFoundError": ".errors",
    "ToolOutputError": ".errors",
    "ToolProgress": ".contract",
    "ToolResult": ".contract",
    "ToolTimeoutError": ".errors",
    "find_skill_for_tool": ".registry",
    "get_tool": ".registry",
    "load_skill": ".registry",
    "register_tool": ".registry",
}

__all__ = [
    "KIND",
    "SKILLS",
    "TOOLS",
    "OnProgress",
    "SkillManager",
    "Tool",
    "ToolCanceledError",
    "ToolContext",
    "ToolExecutionError",
    "ToolInputError",
    "ToolNotFoundError",
    "ToolOutputError",
    "ToolProgress",
    "ToolResult",
    "ToolTimeoutError",
    "find_skill_for_tool",
    "get_tool",
    "load_skill",
    "register_tool",
]

if not TYPE_CHECKING:  # a checker that sees it would let every name pass
    __getattr__, __dir__ = lazily(__name__, _PLACES)
