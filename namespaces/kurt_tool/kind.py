"""The kind ``tool``: called by name, each enabled by its name."""

from __future__ import annotations

from kurt_ext.kinds import Kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .contract import Tool

__all__ = ["KIND"]

KIND: Kind[Tool[Any, Any]] = Kind(
    name="tool",
    namespace="kurt.tool",
    pattern="named",
    summary="called by name, with typed input and output",
    contract="kurt_tool.contract:Tool",
    violations="kurt_tool.calling:violations",
    call="kurt_tool.calling:target",
    isolates=True,
    failures="kurt_tool.calling:FAILURES",
)
