"""Say what is missing where the extra `server` is not installed."""

from __future__ import annotations

from importlib.util import find_spec

from ..errors import MissingExtraError

__all__ = ["need"]

_MODULES = ("fastapi", "uvicorn", "jinja2", "markdown_it", "nh3")


def need() -> None:
    """Ask for what the server is made of.

    :raises MissingExtraError: when some of it is not installed.
    """
    missing = [name for name in _MODULES if find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            "serving a marketplace needs the server extra",
            cause=f"not installed: {', '.join(missing)}",
            hint="pip install 'kurt-ext[server]'",
        )
