"""What a reader, a check or the validator has to say about a place in a file."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

__all__ = ["SEVERITIES", "Finding", "worst"]

#: From harmless to grave. ``error`` makes a skill unusable; in the validator
#: ``high`` and ``critical`` do too.
SEVERITIES = ("info", "low", "warning", "medium", "error", "high", "critical")


class Finding:
    """One thing found at one place, with why it matters and how to mend it.

    A plain class with slots and value equality: `dataclasses` and `typing`
    are too dear for the code that reads a thousand manifests at start-up.

    :param rule: kebab-case name of the rule; ``kurt explain RULE`` reads it aloud.
    :param severity: one of :data:`SEVERITIES`.
    :param message: one sentence that says what is there.
    :param path: the file, relative to the skill's folder where it lies in it.
    :param line: 1-based; 0 where the finding is about the whole file.
    :param column: 1-based; 0 where it is about the whole line.
    :param fix: what to write or paste instead.
    :param category: the danger that it is about, as ``process``; "" where the rule tells it.
    :param confidence: ``certain``, ``likely`` or ``possible``; "" for what is simply there.
    :param evidence: what was seen, at most 200 characters.
    """

    __slots__ = (
        *("category", "column", "confidence", "evidence"),
        *("fix", "line", "message", "path", "rule", "severity"),
    )

    def __init__(
        self,
        rule: str,
        severity: str,
        message: str,
        *,
        path: str = "",
        line: int = 0,
        column: int = 0,
        fix: str = "",
        category: str = "",
        confidence: str = "",
        evidence: str = "",
    ) -> None:
        self.rule = rule
        self.severity = severity
        self.message = message
        self.path = path
        self.line = line
        self.column = column
        self.fix = fix
        self.category = category
        self.confidence = confidence
        self.evidence = evidence

    @property
    def at(self) -> str:
        """The place as ``path:line:column``, as far as it is known."""
        place = self.path
        if self.line:
            place += f":{self.line}"
            if self.column:
                place += f":{self.column}"
        return place

    @property
    def fatal(self) -> bool:
        """Whether the skill cannot be used as it is."""
        return self.severity in ("error", "high", "critical")

    def as_tuple(self) -> tuple[Any, ...]:
        """Return rule, severity, message, path, line, column, fix, and the other three."""
        return (
            *(self.rule, self.severity, self.message, self.path, self.line, self.column),
            *(self.fix, self.category, self.confidence, self.evidence),
        )

    @classmethod
    def from_tuple(cls, fields: tuple[Any, ...]) -> Finding:
        """Return the finding that :meth:`as_tuple` was called on."""
        rule, severity, message, path, line, column, fix, *rest = fields
        category, confidence, evidence = rest or ("", "", "")
        return cls(
            *(rule, severity, message),
            path=path,
            line=line,
            column=column,
            fix=fix,
            category=category,
            confidence=confidence,
            evidence=evidence,
        )

    def but(self, **changed: Any) -> Finding:
        """Return the same finding with other fields."""
        return Finding(**{**self.as_dict(), **changed})

    def as_dict(self) -> dict[str, Any]:
        """Return the finding for JSON output."""
        return {
            "rule": self.rule,
            "severity": self.severity,
            "category": self.category,
            "confidence": self.confidence,
            "message": self.message,
            "path": self.path,
            "line": self.line,
            "column": self.column,
            "evidence": self.evidence,
            "fix": self.fix,
        }

    def __str__(self) -> str:
        text = f"{self.at}: {self.severity}: {self.message}" if self.path else self.message
        return f"{text} ({self.fix})" if self.fix else text

    def __repr__(self) -> str:
        return f"<Finding {self.rule} {self.severity} {self.at}: {self.message}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Finding) and self.as_tuple() == other.as_tuple()

    def __hash__(self) -> int:
        return hash(self.as_tuple())


def worst(findings: Iterable[Finding]) -> str | None:
    """Return the gravest severity among the findings, or None where there are none."""
    ranks = [SEVERITIES.index(finding.severity) for finding in findings]
    return SEVERITIES[max(ranks)] if ranks else None
