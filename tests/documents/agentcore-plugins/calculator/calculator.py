# ruff: noqa
# fmt: off
import math
from typing import Any

from .evaluate import evaluate

class Plugin:
    """Calculator plugin implementation."""

    def __init__(self, metadata: Any, config: dict):
        self.metadata = metadata
        self.config = config
        self.cache = {} if config.get("cache_enabled") else None

    async def initialize(self) -> None:
        """Initialize calculator resources."""
        self.precision = self.config.get("precision", 10)
        print(f"Calculator initialized with precision {self.precision}")

    async def arithmetic(self, expression: str, precision: int | None = None) -> float:
        """
        Evaluate arithmetic expression.

        Args:
            expression: Mathematical expression to evaluate
            precision: Precision override

        Returns:
            Result of evaluation
        """
        # Check cache
        if self.cache is not None and expression in self.cache:
            return self.cache[expression]

        # Evaluate
        result = evaluate(expression)

        # Apply precision
        prec = precision if precision is not None else self.precision
        result = round(result, prec)

        # Cache result
        if self.cache is not None:
            self.cache[expression] = result

        return result

    async def scientific(self, function: str, value: float) -> float:
        """
        Compute scientific function.

        Args:
            function: Function name (sin, cos, tan, log)
            value: Input value

        Returns:
            Function result
        """
        func_map = {
            "sin": math.sin,
            "cos": math.cos,
            "tan": math.tan,
            "log": math.log,
        }

        if function not in func_map:
            raise ValueError(f"Unknown function: {function}")

        return round(func_map[function](value), self.precision)

    async def cleanup(self) -> None:
        """Clear cache and cleanup."""
        if self.cache:
            self.cache.clear()
