# ruff: noqa
# fmt: off
from kurt_ext import register_tool
from .tool import MySkillTool

def register():
    """Called by Kurt during plugin discovery."""
    register_tool(MySkillTool)
