# ruff: noqa
# fmt: off
from documents.supplied import _ensure_tools_loaded
from kurt_ext import TOOLS, SkillManager, Tool

# GOOD - lazy loading, loose coupling
def get_tool(name: str) -> type[Tool]:
    _ensure_tools_loaded()  # Only loads when needed
    if name not in TOOLS:
        # Try loading from skills
        skill = SkillManager.find_skill_for_tool(name)
        if skill:
            SkillManager.load_skill(skill.name)
    return TOOLS[name]
