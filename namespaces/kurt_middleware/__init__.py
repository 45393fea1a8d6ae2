"""Middleware: layers around every call, in the order of the configuration."""

from __future__ import annotations

from kurt_ext import lazily

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .contract import Invocation as Invocation
    from .contract import Middleware as Middleware
    from .contract import Proceed as Proceed
    from .kind import KIND as KIND

#: Public name → the module that it is fetched from.
_PLACES = {
    "Invocation": ".contract",
    "KIND": ".kind",
    "Middleware": ".contract",
    "Proceed": ".contract",
}

__all__ = [
    "KIND",
    "Invocation",
    "Middleware",
    "Proceed",
]

if not TYPE_CHECKING:  # a checker that sees it would let every name pass
    __getattr__, __dir__ = lazily(__name__, _PLACES)
