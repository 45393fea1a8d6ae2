# ruff: noqa
# fmt: off
from typing import Any

async def create_plugin(metadata: Any, config: dict) -> Any:
    """
    Factory function to create plugin instance.

    Args:
        metadata: Plugin metadata
        config: Runtime configuration

    Returns:
        Plugin instance
    """
    return SimplePlugin(metadata, config)

class SimplePlugin:
    def __init__(self, metadata, config):
        self.metadata = metadata
        self.config = config

    async def process(self, data: str) -> str:
        return data.upper()
