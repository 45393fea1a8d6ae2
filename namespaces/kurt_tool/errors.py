"""What goes wrong with tools, in the words of tools; each is one of kurt_ext's errors too."""

from __future__ import annotations

from kurt_ext.errors import (
    CallCancelledError,
    CallError,
    CallTimeoutError,
    ExtensionNotFoundError,
    InvalidInputError,
    InvalidOutputError,
)

__all__ = [
    "ToolCanceledError",
    "ToolExecutionError",
    "ToolInputError",
    "ToolNotFoundError",
    "ToolOutputError",
    "ToolTimeoutError",
]


class ToolNotFoundError(ExtensionNotFoundError):
    """No enabled skill has a tool of that name."""


class ToolExecutionError(CallError):
    """A tool raised an exception; ``__cause__`` is that exception."""


class ToolTimeoutError(CallTimeoutError):
    """A tool did not end within its time, or says so itself."""


class ToolCanceledError(CallCancelledError):
    """A tool was cancelled, or cancels itself."""


class ToolInputError(InvalidInputError):
    """The arguments do not fit the tool's ``InputModel``."""


class ToolOutputError(InvalidOutputError):
    """What the tool returned does not fit its ``OutputModel``, or is no result at all."""
