"""What other plugins import: ``from kurt_skills.com_example_mathlib.functions import apply``."""

from __future__ import annotations

import math
from collections.abc import Callable

_FUNCTIONS: dict[str, Callable[[float], float]] = {
    "cos": math.cos,
    "log": math.log,
    "sin": math.sin,
    "sqrt": math.sqrt,
    "tan": math.tan,
}


def apply(function: str, value: float) -> float:
    """Return the value of a function.

    :raises ValueError: when nothing has the name, or the number is none that it takes.
    """
    if function not in _FUNCTIONS:
        raise ValueError(f"Unknown function: {function}")
    return _FUNCTIONS[function](value)
