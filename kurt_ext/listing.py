"""What ``kurt list`` and ``kurt info`` say of a candidate, as JSON values."""

from __future__ import annotations

from .candidates import DATA_GROUPS, HOST_GROUPS
from .jsontext import dumps
from .names import NAMESPACE_PREFIX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from .candidates import Candidate
    from .config import Config
    from .findings import Finding

__all__ = ["envelope", "extensions", "info", "is_ours", "row"]

#: The distribution whose commands, kinds and checks are the program itself.
_HOST = "kurt-ext"


def is_ours(candidate: Candidate, group: str) -> bool:
    """Return whether an entry point is a part of the program that no listing shows."""
    return group in DATA_GROUPS or (group in HOST_GROUPS and candidate.distribution == _HOST)


def extensions(
    candidate: Candidate, config: Config, opt_in: frozenset[str]
) -> list[dict[str, Any]]:
    """Return the extensions that a candidate offers, each with whether it is enabled and why."""
    found: list[dict[str, Any]] = []
    for group, name, value in candidate.offers:
        if is_ours(candidate, group):
            continue
        kind = group.removeprefix(NAMESPACE_PREFIX)
        if group in HOST_GROUPS:
            enabled, reason = True, "installed distributions extend the host"
        else:
            verdict = config.enabled(kind, candidate.name, name, opt_in=group in opt_in)
            enabled, reason = verdict.enabled, verdict.reason
        found.append(
            {
                "kind": kind,
                "name": name,
                "namespace": group,
                "value": value,
                "enabled": enabled,
                "reason": reason,
            }
        )
    return found


def row(candidate: Candidate, config: Config, opt_in: frozenset[str]) -> dict[str, Any]:
    """Return the object that stands for a candidate in ``kurt.list/1``."""
    return {
        "name": candidate.name,
        "title": candidate.title,
        "version": candidate.version,
        "scope": candidate.scope,
        "state": candidate.state,
        "reason": candidate.reason,
        "trusted": candidate.trusted,
        "location": candidate.location,
        "distribution": candidate.distribution,
        "source": candidate.source,
        "summary": candidate.summary,
        "tags": list(candidate.tags),
        "extensions": extensions(candidate, config, opt_in),
        "findings": [finding.as_dict() for finding in candidate.findings],
        "shadowed_by": candidate.shadowed_by,
    }


def info(fragment: str, record: dict[str, Any], copies: Sequence[str]) -> str:
    """Return the JSON text of ``data`` in ``kurt.info/1``.

    :param fragment: the row of the winning copy, as JSON text.
    :param copies: the rows of the copies that it shadows.
    """
    return f'{{"skill": {fragment}, "manifest": {dumps(record)}, "copies": [{", ".join(copies)}], "requires_api": []}}'


def envelope(schema: str, fragments: Sequence[str], warnings: Iterable[Finding]) -> bytes:
    """Return the finished JSON document around rows that are JSON text already."""
    said = dumps([finding.as_dict() for finding in warnings])
    body = ",\n ".join(fragments)
    return f'{{"schema": "{schema}", "ok": true, "data": [{body}], "warnings": {said}}}\n'.encode()
