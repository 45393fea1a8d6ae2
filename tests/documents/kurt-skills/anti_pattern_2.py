# ruff: noqa
# fmt: off
from kurt_ext import Tool, ToolResult

# GOOD - explicit data flow
class GoodSkillTool(Tool):
    async def run(self, params, context, on_progress):
        # Read from context (immutable)
        db = context.db
        config = context.settings

        # Return results (explicit)
        return ToolResult(
            success=True,
            data=[{"key": "value"}],
        )
