"""A package that says what it has by running: kurt knows its tools only once it is loaded."""

from kurt_ext import register_tool

from .tool import MySkillTool


def register() -> None:
    """Called by kurt when a name is found nowhere else."""
    register_tool(MySkillTool)
