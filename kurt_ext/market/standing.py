"""How a market's index stands: its number, its age, and what is to be said of it."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..findings import Finding

__all__ = ["Standing"]


class Standing(NamedTuple):
    """How a market's index stands.

    :param snapshot: its number.
    :param generated: when it was made.
    :param age: seconds since then.
    :param checked: seconds since it was last known to be the present one.
    :param key: the id of the trusted key that has signed it; None where none was asked for.
    :param warnings: what is to be said of it.
    """

    snapshot: int
    generated: str
    age: float
    checked: float
    key: str | None
    warnings: tuple[Finding, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for JSON output."""
        return {
            "snapshot": self.snapshot,
            "generated": self.generated,
            "age_seconds": round(self.age),
            "checked_seconds": round(self.checked),
            "key": self.key,
        }
