from typing import Any

from .functions import apply


class Plugin:
    def __init__(self, metadata: Any, config: dict[str, Any]) -> None:
        self.metadata = metadata

    def apply(self, function: str, value: float) -> float:
        return apply(function, value)
