from typing import Any

from kurt_skills.com_example_mathlib.functions import apply

from .evaluate import evaluate


class Plugin:
    """Calculator plugin implementation."""

    def __init__(self, metadata: Any, config: dict[str, Any]) -> None:
        self.metadata = metadata
        self.config = config
        self.cache: dict[str, float] | None = {} if config.get("cache_enabled") else None

    async def initialize(self) -> None:
        """Initialize calculator resources."""
        self.precision = self.config.get("precision", 10)

    async def arithmetic(self, expression: str, precision: int | None = None) -> float:
        """
        Evaluate arithmetic expression.

        Args:
            expression: Mathematical expression to evaluate
            precision: Precision override

        Returns:
            Result of evaluation
        """
        if self.cache is not None and expression in self.cache:
            result = self.cache[expression]
        else:
            result = evaluate(expression)
            if self.cache is not None:
                self.cache[expression] = result
        return round(result, precision if precision is not None else self.precision)

    async def scientific(self, function: str, value: float) -> float:
        """
        Compute scientific function.

        Args:
            function: Function name (sin, cos, tan, log)
            value: Input value

        Returns:
            Function result
        """
        return round(apply(function, value), self.precision)

    async def cleanup(self) -> None:
        """Clear cache and cleanup."""
        if self.cache:
            self.cache.clear()
