"""Integrations: long-lived services that fill the context of calls."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .contract import Integration as Integration
    from .kind import KIND as KIND

_PLACES = {
    "Integration": "contract",
    "KIND": "kind",
}

__all__ = [
    "KIND",
    "Integration",
]


def __getattr__(name: str) -> object:
    place = _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f".{place}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES})
