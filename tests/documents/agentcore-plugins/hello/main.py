# ruff: noqa
# fmt: off
from typing import Any

class Plugin:
    """Main plugin class."""

    def __init__(self, metadata: Any, config: dict):
        """
        Initialize plugin.

        Args:
            metadata: Plugin metadata from manifest
            config: Runtime configuration
        """
        self.metadata = metadata
        self.config = config

    async def initialize(self) -> None:
        """Initialize plugin (called after construction)."""
        print(f"Initializing {self.metadata.name}")

    async def activate(self) -> None:
        """Activate plugin (called when transitioning to ACTIVE)."""
        print(f"Activating {self.metadata.name}")

    async def deactivate(self) -> None:
        """Deactivate plugin (called when transitioning to INACTIVE)."""
        print(f"Deactivating {self.metadata.name}")

    async def cleanup(self) -> None:
        """Cleanup plugin resources (called during unload)."""
        print(f"Cleaning up {self.metadata.name}")

    async def greet(self, name: str) -> str:
        """Custom plugin method."""
        precision = self.config.get("precision", 10)
        return f"Hello, {name}! (precision: {precision})"
