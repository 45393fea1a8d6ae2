"""Ask whether the code runs native code.

Native code is bound by nothing that Python can watch.

Bad::

    ctypes.CDLL(None).system(b"id")

Good::

    permissions:
      native_code: true
"""

from __future__ import annotations

from collections.abc import Iterator

from ..findings import Finding
from .declared import judged, uses
from .subject import Subject

__all__ = ["CATEGORY", "RULES", "check"]

RULES = ("undeclared-native", "declared-native", "unproven-native")
CATEGORY = "native_code"


def check(subject: Subject) -> Iterator[Finding]:
    """Yield each use of native code."""
    for use in uses(subject, "native_code"):
        yield judged(subject, use, "native")
