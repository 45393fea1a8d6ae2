"""Ask which services of others the code uses, and whether the manifest names them.

A service sees what it is sent, and is paid by somebody.

Bad::

    from openai import OpenAI      # and no external_apis

Good::

    permissions:
      external_apis: [openai]
"""

from __future__ import annotations

from collections.abc import Iterator

from ..findings import Finding
from .declared import judged, uses
from .subject import Subject

__all__ = ["CATEGORY", "RULES", "check"]

RULES = ("undeclared-service", "declared-service", "unproven-service")
CATEGORY = "external_api"


def check(subject: Subject) -> Iterator[Finding]:
    """Yield each use of a service."""
    told: set[tuple[str, str]] = set()
    for use in uses(subject, "external_api"):
        service = use.name.partition(".")[0]
        if (service, use.path) in told:
            continue
        told.add((service, use.path))
        named = use if use.targets else use._replace(targets=(use.name.partition("()")[0],))
        yield judged(subject, named._replace(proven=True), "service")
