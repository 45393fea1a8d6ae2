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

__all__ = ["extensions", "info_envelope", "is_ours", "list_envelope", "row", "trust_line"]

#: The distribution whose commands, kinds and checks are the program itself.
_HOST = "kurt-ext"
_BETWEEN = b",\n "


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


def info_envelope(fragment: bytes, record: dict[str, Any], copies: Sequence[bytes]) -> bytes:
    """Return the finished answer to ``kurt info NAME --json``.

    It is the answer for a skill that needs no external service.

    :param fragment: the row of the winning copy, as JSON text.
    :param copies: the rows of the copies that it shadows.
    """
    return (
        b'{"schema": "kurt.info/1", "ok": true, "data": {"skill": %b, "manifest": %b, '
        b'"copies": [%b], "requires_api": []}, "warnings": []}\n'
    ) % (fragment, dumps(record).encode("ascii"), b", ".join(copies))


def list_envelope(
    fragments: Sequence[bytes], warnings: Iterable[Finding]
) -> tuple[bytes, list[tuple[int, int]]]:
    """Return the finished answer to ``kurt list --json`` and where each row stands in it.

    :param fragments: the rows, as JSON text.
    """
    said = dumps([finding.as_dict() for finding in warnings]).encode("ascii")
    start = b'{"schema": "kurt.list/1", "ok": true, "data": ['
    spans: list[tuple[int, int]] = []
    at = len(start)
    for fragment in fragments:
        spans.append((at, at + len(fragment)))
        at += len(fragment) + len(_BETWEEN)
    return b'%b%b], "warnings": %b}\n' % (start, _BETWEEN.join(fragments), said), spans


def trust_line(count: int, project: str) -> str:
    """Return how many skills are not trusted, and the command that trusts them all."""
    from shlex import quote

    words = f"{count} skills are" if count > 1 else "1 skill is"
    return f"{words} not trusted; to trust this project: kurt skill trust {quote(project)}"
