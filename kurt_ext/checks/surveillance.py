"""Ask whether the code watches the user: keys, screen, camera, clipboard.

No plugin needs it for its user without saying so, and no permission covers it.

Bad::

    pynput.keyboard.Listener(on_press=log)

Good::

    async def run(self, params): ...      # what the user hands over, and no more
"""

from __future__ import annotations

from collections.abc import Iterator

from ..findings import Finding
from .declared import judged, uses
from .subject import Subject

__all__ = ["CATEGORY", "RULES", "check"]

RULES = ("undeclared-surveillance", "declared-surveillance", "unproven-surveillance")
CATEGORY = "surveillance"


def check(subject: Subject) -> Iterator[Finding]:
    """Yield each watch on the user."""
    for use in uses(subject, "surveillance"):
        yield judged(subject, use, "surveillance")
