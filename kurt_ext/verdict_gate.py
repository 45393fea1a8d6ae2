"""Hold verdicts to what the operator asks for, and say who does not meet it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .config_keys import RISKS
from .errors import PluginValidationError
from .findings import SEVERITIES
from .reporting.rows import fatal, score

if TYPE_CHECKING:
    from .session import Session

__all__ = ["Gate", "invalid"]

_NAMED = 3  # skills that an error names; the report has them all


class Gate(NamedTuple):
    """What a verdict must be.

    :param min_score: the least score, or None.
    :param max_risk: the gravest risk, or None.
    :param fail_on: the least grave severity of a finding that fails, or None.
    """

    min_score: float | None = None
    max_risk: str | None = None
    fail_on: str | None = None

    @classmethod
    def chosen(
        cls, session: Session, profile: str, min_score: float | None, max_risk: str | None
    ) -> Gate:
        """Return the gate of the options, and of ``[validator]`` in ``kurt.toml`` otherwise.

        Where neither says anything, only what is to be published has to have a score.

        :raises ConfigError: when ``[validator]`` cannot be understood.
        """
        from .validator_settings import settings

        config = session.discovery.config
        chosen = settings(config)
        said = {key for layer in config.layers for key in layer.get("validator", {})}
        if min_score is None and (profile == "publish" or "min_score" in said):
            min_score = chosen.min_score
        if max_risk is None and (profile == "publish" or "max_risk" in said):
            max_risk = chosen.max_risk
        return cls(min_score, max_risk)

    def refusal(self, rows: Sequence[Mapping[str, Any]]) -> PluginValidationError | None:
        """Return the error of the first report that does not meet the gate, or None."""
        refused = [(row, why) for row in rows if (why := self.reason(row))]
        if not refused:
            return None
        row, why = refused[0]
        rest = len(refused) - 1
        more = f", and {rest} more do{'es' if rest == 1 else ''} not pass" if rest else ""
        return PluginValidationError(
            f"{_name(row)} does not pass: {why}{more}",
            at=row["path"],
            hint="kurt config explain validator" if self.fail_on is None else None,
            skill=row["name"],
        )

    def reason(self, row: Mapping[str, Any]) -> str | None:
        """Return why a report does not meet the gate, or None."""
        points, risk = score(row), row.get("risk_level")
        if self.min_score is not None and points is not None and points < self.min_score:
            return f"its score is {points:g}, and {self.min_score:g} is asked for"
        if self.max_risk is not None and risk and RISKS.index(risk) > RISKS.index(self.max_risk):
            return f"its risk is {risk}, and at most {self.max_risk} is asked for"
        if self.fail_on is not None:
            least = SEVERITIES.index(self.fail_on)
            for finding in row["findings"]:
                if SEVERITIES.index(finding["severity"]) >= least:
                    return f"{finding['rule']} is {finding['severity']}"
        return None


def invalid(rows: Sequence[Mapping[str, Any]]) -> PluginValidationError | None:
    """Return the error of the skills that are not valid, or None."""
    wrong = [row for row in rows if not row["valid"]]
    found = [finding for row in wrong for finding in row["findings"] if fatal(finding)]
    if not wrong:
        return None
    names = ", ".join([_name(row) for row in wrong[:_NAMED]])
    if len(wrong) > _NAMED:
        names += f" and {len(wrong) - _NAMED} more"
    count = "1 error" if len(found) == 1 else f"{len(found)} errors"
    return PluginValidationError(
        f"{names}: {count} by the profile {wrong[0]['profile']}",
        hint=f"kurt explain {found[0]['rule']}" if found else None,
        skill=wrong[0]["name"] if len(wrong) == 1 else None,
        validation_result=wrong[0] if len(wrong) == 1 else wrong,
    )


def _name(row: Mapping[str, Any]) -> str:
    return row["name"] or os.path.basename(row["path"]) or str(row["path"])
