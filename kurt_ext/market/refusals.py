"""What a server refuses, as the error that the same thing is in a folder.

What a server says is a stranger's text: it is bounded, and shown with what would steer a
terminal escaped, as everything is.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..errors import (
    ArchiveError,
    AttestationError,
    ConflictError,
    KurtError,
    LimitError,
    ManifestError,
    MarketError,
    NetworkError,
    NotFoundError,
    PluginValidationError,
    PolicyError,
    PublisherError,
    ReleaseExistsError,
)
from ..findings import SEVERITIES, Finding

__all__ = ["refusal"]

_FINDINGS = 50
_CLASSES: dict[str, type[KurtError]] = {
    error.reference: error
    for error in (
        *(ArchiveError, ConflictError, LimitError, ManifestError, MarketError),
        *(NotFoundError, PolicyError, PublisherError, ReleaseExistsError),
        AttestationError,
    )
}
_BY_STATUS: dict[int, type[KurtError]] = {403: PolicyError, 404: NotFoundError, 409: ConflictError}


def refusal(
    status: int, problem: Mapping[str, Any], *, url: str, path: str = "", wait: int = 0
) -> KurtError:
    """Return the error for an answer of a server.

    :param status: of HTTP, 400 or more.
    :param problem: the ``error`` in it, as far as there is one.
    :param url: of the marketplace.
    :param path: what was to be published.
    :param wait: the seconds that the server says to wait.
    """
    said = _text(problem, "message", 1000)
    cause, hint = _text(problem, "cause", 8000) or None, _text(problem, "hint", 1000) or None
    if status == 401:
        return PolicyError(
            f"{url} takes nothing with this token",
            cause="it is wrong, has expired, or was taken back",
            hint="ask whoever runs it for another (kurt market token new PUBLISHER), and "
            "set KURT_MARKET_TOKEN to that",
        )
    if status == 413:
        return MarketError(
            f"{path} is more than {url} takes",
            cause=said or None,
            at=path or None,
            hint="leave out what is large, or have max-bytes raised in its market.toml",
        )
    if status == 429:
        moment = f"in {wait} seconds" if wait else "in an hour"
        return NetworkError(
            f"{url} was asked too often",
            cause=said or None,
            hint=f"try again {moment}; what was published stays as it is",
            status=status,
        )
    code = _text(problem, "code", 64)
    if code == PluginValidationError.reference:
        return _invalid(problem, said, path)
    kind = _CLASSES.get(code) or _BY_STATUS.get(status)
    if kind is not None or status == 422:
        return (kind or MarketError)(
            said or f"{url} refuses it, and does not say why",
            cause=cause,
            at=path or None,
            hint=hint,
        )
    return NetworkError(
        f"{url} cannot do it now",
        cause=f"the server says {status}" + (f": {said}" if said else ""),
        hint=f"try again{f' in {wait} seconds' if wait else ''}; the same bytes are published once",
        status=status,
    )


def _invalid(problem: Mapping[str, Any], said: str, path: str) -> KurtError:
    """Return the error for what the validator has found there, as it is told of a folder."""
    from ..report import Report

    rows = problem.get("findings")
    found = [_finding(row) for row in rows[:_FINDINGS]] if isinstance(rows, list) else []
    findings = [one for one in found if one is not None]
    fatal = [one for one in findings if one.fatal] or findings
    return PluginValidationError(
        said or "the validator of the marketplace has refused it",
        cause="\n".join([str(one) for one in findings]) or _text(problem, "cause", 8000) or None,
        at=os.path.join(path, fatal[0].at) if fatal and fatal[0].path else path or None,
        hint=(fatal[0].fix if fatal else "") or f"kurt validate {path} --profile publish",
        validation_result=Report(path, None, "publish", findings),
    )


def _finding(row: Any) -> Finding | None:
    if not isinstance(row, dict) or row.get("severity") not in SEVERITIES:
        return None
    line = row.get("line")
    return Finding(
        _text(row, "rule", 80),
        row["severity"],
        _text(row, "message", 500),
        path=_text(row, "path", 200),
        line=line if isinstance(line, int) and 0 < line < 1 << 31 else 0,
        fix=_text(row, "fix", 500),
    )


def _text(row: Mapping[str, Any], key: str, most: int) -> str:
    value = row.get(key)
    return value[:most] if isinstance(value, str) else ""
