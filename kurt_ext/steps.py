"""What an installation is to do: a step for each skill, and the plan that they make."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .bringing import Goods
from .findings import Finding
from .grants import LISTS, Grants
from .lock import Locked
from .market.store import Tree
from .receipts import Receipt

__all__ = ["Plan", "Step"]


@dataclass
class Step:
    """What is to become of one skill.

    :param verb: ``install``, ``update``, ``downgrade``, ``replace`` or ``keep``.
    :param before: what kurt had installed there.
    :param wider: what it may do more than before, as (list, entry); all that it may, at first.
    :param publisher_change: who published it before, and who does now.
    :param lacking: what a wheel needs of Python's distributions, and is not here yet.
    :param keep: a folder is there that kurt has not installed, or that was changed; it is kept.
    """

    verb: str
    goods: Goods
    locked: Locked
    before: Receipt | None
    wider: list[tuple[str, str]]
    score: int
    risk: str
    publisher_change: tuple[str, str] | None = None
    keep: bool = False
    tree: Tree | None = None
    warnings: list[Finding] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The skill's name."""
        return self.goods.name

    @property
    def fell(self) -> int:
        """By how much the score is lower than before."""
        old = self.before.locked.score if self.before is not None else None
        return max(0, old - self.score) if old is not None else 0

    @property
    def asks(self) -> list[str]:
        """What somebody should agree to, in words."""
        words = [phrase for key, entry in self.wider for phrase in _in_words(key, entry)]
        if self.before is not None and self.fell:
            words.append(f"its score falls from {self.before.locked.score} to {self.score}")
        if self.lacking:
            words.append(f"it brings libraries, which are not judged: {', '.join(self.lacking)}")
        return words

    def as_dict(self) -> dict[str, Any]:
        """Return the step for JSON output."""
        return {
            "verb": self.verb,
            "name": self.name,
            "version": self.goods.version,
            "before": self.before.version if self.before else None,
            "lane": self.goods.lane,
            "digest": self.locked.digest,
            "market": self.locked.market,
            "publisher": self.locked.publisher,
            "key": self.locked.key,
            "identity": self.locked.identity,
            "source": self.locked.source,
            "score": self.score,
            "risk": self.risk,
            "score_before": self.before.locked.score if self.before else None,
            "wider": [{"list": key, "entry": entry} for key, entry in self.wider],
            "asks": self.asks,
            "lacking": self.lacking,
            "publisher_change": list(self.publisher_change) if self.publisher_change else None,
            "requested": self.locked.requested,
        }


@dataclass
class Plan:
    """What is to be done, in this order: what is needed before what needs it."""

    scope: str
    steps: list[Step]

    @property
    def changes(self) -> list[Step]:
        """The steps that change something."""
        return [step for step in self.steps if step.verb != "keep"]

    @property
    def warnings(self) -> list[Finding]:
        """What is to be said about it."""
        return [warning for step in self.steps for warning in step.warnings]


def _in_words(key: str, entry: str) -> list[str]:
    alone = Grants({key: [entry]}) if key in LISTS else Grants(native=True)
    return [f"it may {line}" for line in alone.in_words()]
