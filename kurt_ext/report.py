"""The report of a judgement: what is to be said about a skill, and what follows from it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from .errors import PluginValidationError
from .findings import SEVERITIES, Finding
from .scoring import breakdown, risk_level

__all__ = ["Report"]


class Report:
    """What is to be said about a skill.

    :param path: the folder, as it was given.
    :param name: the skill's name, where one was found.
    :param profile: a name in :data:`PROFILES`.
    :param findings: in the order of the files, without repetitions.
    :param uses: what the code uses: rows of name, category, place and targets.
    :param declared: the permissions of the manifest.
    :param complete: whether everything was looked into.
    :param digests: path → sha256 of every file that was read, in hexadecimal.
    :param factors: what the score counts of the uses.
    :param accepted: findings that the host has accepted, which count for nothing.
    :param why: rule → why it matters, of the rules that were broken.
    """

    __slots__ = (
        *("accepted", "complete", "declared", "digests", "factors", "findings", "name"),
        *("path", "profile", "uses", "why"),
    )

    def __init__(
        self,
        path: str,
        name: str | None,
        profile: str,
        findings: Iterable[Finding],
        *,
        uses: Iterable[Mapping[str, Any]] = (),
        declared: Mapping[str, Any] | None = None,
        complete: bool = True,
        digests: Mapping[str, str] | None = None,
        factors: Iterable[str] = (),
        accepted: Iterable[Finding] = (),
        why: Mapping[str, str] | None = None,
    ) -> None:
        self.path = path
        self.name = name
        self.profile = profile
        unique = dict.fromkeys(findings)
        self.findings = tuple(sorted(unique, key=_order))
        self.uses = tuple(dict(use) for use in uses)
        self.declared = dict(declared or {})
        self.complete = complete
        self.digests = dict(digests or {})
        self.factors = tuple(sorted(set(factors)))
        self.accepted = tuple(sorted(dict.fromkeys(accepted), key=_order))
        self.why = dict(why or {})

    def but(self, **changed: Any) -> Report:
        """Return the same report with other fields."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return Report(**{**fields, **changed})

    @property
    def valid(self) -> bool:
        """Whether nothing is so wrong that the skill cannot be used."""
        return not any(finding.fatal for finding in self.findings)

    @property
    def breakdown(self) -> dict[str, Any]:
        """The score and what it is made of; see `scoring`."""
        known = not any(finding.rule in _NOTHING_KNOWN for finding in self.findings)
        return breakdown(self.findings, self.factors, complete=self.complete, known=known)

    @property
    def score(self) -> int:
        """From 100, harmless, down to 0."""
        score: int = self.breakdown["score"]
        return score

    @property
    def risk_level(self) -> str:
        """The score in a word."""
        return risk_level(self.score)

    @property
    def counts(self) -> dict[str, int]:
        """Severity → number of findings, every severity, from harmless to grave."""
        counts: dict[str, int] = dict.fromkeys(SEVERITIES, 0)
        for finding in self.findings:
            counts[finding.severity] += 1
        return counts

    def as_dict(self) -> dict[str, Any]:
        """Return the report for JSON output."""
        whole = self.breakdown
        return {
            "path": self.path,
            "name": self.name,
            "profile": self.profile,
            "valid": self.valid,
            "security_score": whole["score"],
            "risk_level": risk_level(whole["score"]),
            "complete": self.complete,
            "counts": self.counts,
            "findings": self._rows(self.findings),
            "accepted": self._rows(self.accepted),
            "score_breakdown": whole,
            "declared": self.declared,
            "uses": list(self.uses),
            "digests": self.digests,
        }

    def _rows(self, findings: Iterable[Finding]) -> list[dict[str, Any]]:
        return [one.as_dict() | {"why": self.why.get(one.rule, "")} for one in findings]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Report:
        """Return the report that :meth:`as_dict` was called on."""
        why = {row["rule"]: row["why"] for key in ("findings", "accepted") for row in data[key]}
        return cls(
            *(data["path"], data["name"], data["profile"]),
            [_found(row) for row in data["findings"]],
            uses=data["uses"],
            declared=data["declared"],
            complete=data["complete"],
            digests=data["digests"],
            factors=data["score_breakdown"]["factors"],
            accepted=[_found(row) for row in data["accepted"]],
            why={rule: text for rule, text in why.items() if text},
        )

    def raise_if_invalid(self) -> None:
        """Raise what stops a load, an installation or a publication.

        :raises PluginValidationError: with this report as ``validation_result``.
        """
        fatal = [finding for finding in self.findings if finding.fatal]
        if not fatal:
            return
        name = self.name or os.path.basename(self.path)
        count = f"{len(fatal)} error{'s' if len(fatal) > 1 else ''}"
        raise PluginValidationError(
            f"{name} is not valid: {count} by the profile {self.profile}",
            cause="\n".join([str(finding) for finding in fatal]),
            at=os.path.join(self.path, fatal[0].at) if fatal[0].path else self.path,
            hint=fatal[0].fix or f"kurt validate {self.path}",
            skill=self.name,
            validation_result=self,
        )

    def __bool__(self) -> bool:
        return self.valid

    def __repr__(self) -> str:
        counts = ", ".join([f"{n} {word}" for word, n in self.counts.items() if n])
        return f"<Report {self.name} valid={self.valid}: {counts or 'nothing found'}>"


#: Without a manifest nobody knows what is judged.
_NOTHING_KNOWN = frozenset(("folder-unreadable", "manifest-missing"))
_FIELDS = tuple(Finding("", "info", "").as_dict())


def _found(row: Mapping[str, Any]) -> Finding:
    return Finding(**{key: row[key] for key in _FIELDS})


def _order(finding: Finding) -> tuple[object, ...]:
    place = (finding.path, finding.line, finding.column)
    return (*place, -SEVERITIES.index(finding.severity), finding.rule, finding.message)
