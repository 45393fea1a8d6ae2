"""Custom extensions: anything at all; there is no contract."""

from __future__ import annotations

from kurt_ext import lazily

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .kind import KIND as KIND

#: Public name → the module that it is fetched from.
_PLACES = {
    "KIND": ".kind",
}

__all__ = [
    "KIND",
]

if not TYPE_CHECKING:  # a checker that sees it would let every name pass
    __getattr__, __dir__ = lazily(__name__, _PLACES)
