"""The templates of the pages, and what they show of a value that a stranger has written."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from jinja2 import ChainableUndefined, Environment, FileSystemLoader
from markupsafe import Markup

from ..grants import NATIVE
from ..output import printable

__all__ = ["ASKS", "Templates"]

_FOLDER = Path(__file__).with_name("templates")
#: Characters of a text that are shown.
_TEXT = 2000
#: Each list of permissions in a word, for the filter.
ASKS = {
    "filesystem_read": "reads files",
    "filesystem_write": "writes files",
    "network_hosts": "talks to hosts",
    "external_apis": "uses services",
    "environment_variables": "reads the environment",
    "system_resources": "uses resources",
    "processes": "starts programs",
    NATIVE: "runs native code",
}


def _shown(value: Any) -> Any:
    """Return what a template shows for a value: of a text, what can be seen, and not too much."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    if len(value) <= _TEXT and value.isprintable():
        return value
    if len(value) > _TEXT:
        value = value[:_TEXT] + "…"
    return "\n".join([printable(line) for line in value.split("\n")])


def _address(value: Any) -> str:
    """Return a web address that may be linked to; "" for anything else."""
    if not isinstance(value, str) or len(value) > 1024:
        return ""
    try:
        parts = urlsplit(value)
    except ValueError:
        return ""
    return value if parts.scheme in ("http", "https") and parts.netloc else ""


def _bytes(count: int) -> str:
    """Return a size in words."""
    size = float(count)
    for unit in ("B", "KiB", "MiB"):
        if size < 1024 or unit == "MiB":
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return ""


class Templates:
    """The templates, read once.

    :ivar style: the style sheet; ``style_path`` is its address, which bears its digest.
    """

    def __init__(self) -> None:
        self.style = (_FOLDER / "style.css").read_bytes()
        self.style_path = f"/style-{sha256(self.style).hexdigest()[:16]}.css"
        self._environment = Environment(
            autoescape=True,
            finalize=_shown,
            loader=FileSystemLoader(_FOLDER),
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=ChainableUndefined,
        )
        self._environment.filters.update(address=_address, bytes=_bytes, path=quote)
        self._environment.globals.update(style=self.style_path, asks=ASKS)

    def page(self, template: str, values: Mapping[str, Any]) -> str:
        """Return a page."""
        return self._environment.get_template(template).render(values)
