"""Choose a version of every plugin that is needed, and say in which order they load."""

from __future__ import annotations

from .loadorder import Order, asked, compatible, components, levels, order

__all__ = ["Order", "asked", "compatible", "components", "levels", "order"]
