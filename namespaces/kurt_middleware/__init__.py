"""Middleware: layers around every call, in the order of the configuration."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .contract import Invocation as Invocation
    from .contract import Middleware as Middleware
    from .contract import Proceed as Proceed
    from .kind import KIND as KIND

_PLACES = {
    "Invocation": "contract",
    "KIND": "kind",
    "Middleware": "contract",
    "Proceed": "contract",
}

__all__ = [
    "KIND",
    "Invocation",
    "Middleware",
    "Proceed",
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
