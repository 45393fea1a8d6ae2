# ruff: noqa
# fmt: off
from documents.supplied import MyInput, MyOutput, TrafilaturaFetcher
from kurt_ext import Tool, ToolResult

# GOOD - shallow hierarchy, clear contracts
class MySkillTool(Tool[MyInput, MyOutput]):
    """Single inheritance from Tool ABC."""
    name = "my-skill"
    InputModel = MyInput
    OutputModel = MyOutput

    async def run(self, params, context, on_progress):
        # Composition for shared logic
        fetcher = TrafilaturaFetcher(context.http)
        result = fetcher.fetch(params.url)
        return ToolResult(success=True, data=[result])
