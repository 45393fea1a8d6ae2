"""Accept a finding: with a reason, a name and perhaps an end, and for these very bytes alone.

What is accepted lies with the host, in ``accepted.json`` beside the user's
``kurt.toml``, and never in the folder that is judged: whoever is judged does not
choose what counts. It is kept for a skill, a rule and the SHA-256 of the file that
the finding is about (of the whole folder, where it is about no file). Other bytes
are another matter: the acceptance is void then, and the report says so.

An accepted finding is still reported. It lowers no score, and makes nothing invalid.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import ConfigError, PolicyError, UsageError
from .findings import Finding
from .jsontext import dumps
from .report import Report
from .verdicts import tree_digest

if TYPE_CHECKING:
    from .places import Places

__all__ = ["Acceptances", "Wanted"]

_SCHEMA = "kurt.accepted/1"
_MAX_BYTES = 4 << 20
_KEYS = ("by", "critical", "digest", "line", "path", "reason", "rule", "since", "skill", "until")
_LINE = re.compile(r":([1-9][0-9]{0,8})\Z")


class Wanted(NamedTuple):
    """Which findings are meant: ``RULE``, ``RULE@PATH`` or ``RULE@PATH:LINE``.

    :param path: "" for any.
    :param line: 0 for any.
    """

    rule: str
    path: str = ""
    line: int = 0

    @classmethod
    def parse(cls, text: str) -> Wanted:
        """Return what a text means.

        :raises UsageError: when it names no rule.
        """
        rule, at, path = text.partition("@")
        if not rule or (at and not path):
            raise UsageError(f"{text!r} names no finding", hint="--accept RULE[@PATH[:LINE]]")
        found = _LINE.search(path)
        if found:
            return cls(rule, path[: found.start()], int(found.group(1)))
        return cls(rule, path)

    def means(self, row: Mapping[str, Any]) -> bool:
        """Return whether a finding, or what was accepted, is meant."""
        return (
            row["rule"] == self.rule
            and self.path in ("", row["path"])
            and self.line in (0, row["line"])
        )


class Acceptances:
    """What the user has accepted.

    :param file: where it lies.
    :param rows: what was accepted.
    :param findings: why the file cannot be believed, if it cannot: then it accepts nothing.
    """

    def __init__(
        self, file: str, rows: Iterable[Mapping[str, Any]] = (), findings: Iterable[Finding] = ()
    ) -> None:
        self.file = file
        self.rows = tuple(rows)
        self.findings = tuple(findings)

    @classmethod
    def load(cls, places: Places) -> Acceptances:
        """Read them; never raises for what lies there."""
        file = os.path.join(os.path.dirname(places.user_config), "accepted.json")
        rows, reason = _read(file)
        if reason is None:
            return cls(file, rows)
        message = f"{reason}, so that no finding is accepted"
        fix = "look at it, delete it, then accept anew: kurt validate PATH --accept RULE"
        finding = Finding("acceptances-unreadable", "warning", message, path=file, fix=fix)
        return cls(file, (), [finding])

    def apply(self, report: Mapping[str, Any], today: date | None = None) -> dict[str, Any]:
        """Return a report in which what is accepted is marked, and no longer counts.

        What is accepted moves from ``findings`` to ``accepted``, and has ``accepted``: reason,
        by, since, until. A finding that was accepted, but not so, has ``not_accepted``: why.
        Validity and score are those of what is left.

        :param report: JSON values, as a report's ``as_dict`` gives them.
        :param today: the day by which they may have ended, by UTC; now if None.
        """
        mine = [row for row in self.rows if row["skill"] == report["name"]]
        if not mine:
            return dict(report)
        day = (today or datetime.now(UTC).date()).isoformat()
        digest = _Digests(report)
        whole = Report.from_dict(report)
        marks = {finding: _mark(finding, mine, digest, day) for finding in whole.findings}
        left = [finding for finding, mark in marks.items() if "accepted" not in mark]
        gone = [finding for finding, mark in marks.items() if "accepted" in mark]
        changed = whole.but(findings=left, accepted=gone)
        made = changed.as_dict()
        for key, found in (("findings", changed.findings), ("accepted", changed.accepted)):
            pairs = zip(made[key], found, strict=True)
            made[key] = [row | marks[finding] for row, finding in pairs]
        return made

    def lifted(self, report: Report) -> Report:
        """Return a report without what is accepted of it, which :attr:`Report.accepted` has."""
        if not self.rows:
            return report
        row = self.apply(report.as_dict())
        gone = {_spot(finding) for finding in row["accepted"]}
        left = [one for one in report.findings if _spot(one.as_dict()) not in gone]
        kept = [one for one in report.findings if _spot(one.as_dict()) in gone]
        return report.but(findings=left, accepted=kept)

    def accept(
        self,
        reports: Sequence[Mapping[str, Any]],
        wanted: Sequence[Wanted],
        reason: str,
        *,
        until: str | None = None,
        critical: bool = False,
    ) -> int:
        """Accept the findings that are meant, and return how many.

        :param reports: with all their findings.
        :param reason: why; it is shown with each of them.
        :param until: the last day on which it counts, as ``2027-01-31``; for ever if None.
        :param critical: accept even critical findings.
        :raises UsageError: when nothing is meant, or something that is not there.
        :raises PolicyError: for a critical finding without ``critical``.
        :raises ConfigError: when the file cannot be believed or written.
        """
        if not reason.strip():
            raise UsageError("nothing is accepted without a reason", hint="--reason TEXT")
        today = datetime.now(UTC).date().isoformat()
        if until is not None and until < today:
            raise UsageError(f"{until} is over", hint="--until YYYY-MM-DD, a day to come")
        rows = []
        for one in wanted:
            meant = [(r, f) for r in reports for f in r["findings"] if one.means(f)]
            if not meant:
                _refuse_absent(one, reports)
            for report, finding in meant:
                row = _row(report, finding, one.line, critical)
                row |= {"by": _user(), "reason": reason, "since": today, "until": until}
                rows.append(row)
        keys = {_key(row) for row in rows}
        self._change(lambda kept: [*[row for row in kept if _key(row) not in keys], *rows])
        return len(rows)

    def withdraw(self, skills: Iterable[str | None], wanted: Sequence[Wanted]) -> int:
        """Accept no longer what is meant of these skills, and return how many rows that were.

        :raises ConfigError: when the file cannot be believed or written.
        """
        names = set(skills)
        gone = [r for r in self.rows if r["skill"] in names and any(w.means(r) for w in wanted)]
        if gone:
            keys = {_key(row) for row in gone}
            self._change(lambda kept: [row for row in kept if _key(row) not in keys])
        return len(gone)

    def _change(self, change: Callable[[list[Mapping[str, Any]]], list[Mapping[str, Any]]]) -> None:
        from .atomic import write_atomically
        from .locks import lock

        try:
            os.makedirs(os.path.dirname(self.file), mode=0o700, exist_ok=True)
            with lock(self.file + ".lock"):
                rows, reason = _read(self.file)
                if reason is not None:
                    raise ConfigError(reason, at=self.file, hint="look at it, and delete it")
                after = sorted(change(list(rows)), key=_key)
                unique = list({_key(row): row for row in after}.values())
                text = dumps({"schema": _SCHEMA, "accepted": unique}, indent=2) + "\n"
                write_atomically(self.file, text.encode(), mode=0o600)
        except OSError as error:
            raise ConfigError(
                "what is accepted cannot be written", cause=str(error), at=self.file
            ) from error
        self.rows = tuple(unique)
        self.findings = ()


class _Digests:
    """The digest that a finding's acceptance is bound to, of one report."""

    def __init__(self, report: Mapping[str, Any]) -> None:
        self._report = report
        self._tree: str | None = None

    def __call__(self, path: str) -> str:
        """Return the digest of a judged file, or of the folder; "" where none can be had."""
        judged = (self._report.get("digests") or {}).get(path)
        if judged:
            return str(judged)
        if self._tree is None:
            self._tree = tree_digest(self._report["path"]) or ""
        return self._tree


def _spot(finding: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple([finding[key] for key in ("rule", "path", "line", "column", "message")])


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (row["skill"], row["rule"], row["path"], f"{row['line']:09}", row["digest"])


def _row(
    report: Mapping[str, Any], finding: Mapping[str, Any], line: int, critical: bool
) -> dict[str, Any]:
    """Return what is kept of a finding.

    :raises PolicyError: when it may not be accepted.
    """
    place = os.path.join(report["path"], finding["path"]) if finding["path"] else report["path"]
    if finding["severity"] == "critical" and not critical:
        raise PolicyError(
            f"{finding['rule']} is critical, and is not accepted with the others",
            cause=finding["message"],
            at=place,
            hint="read the code; then add --accept-critical",
        )
    digest = _Digests(report)(finding["path"])
    if not report["name"] or not digest:
        raise PolicyError(
            f"{finding['rule']} cannot be accepted",
            cause="what is judged has no name" if not report["name"] else "it cannot be read whole",
            at=place,
        )
    return {
        "skill": report["name"],
        "rule": finding["rule"],
        "path": finding["path"],
        "line": line,
        "digest": digest,
        "critical": finding["severity"] == "critical",
    }


def _refuse_absent(wanted: Wanted, reports: Sequence[Mapping[str, Any]]) -> None:
    from .names import suggest

    rules = sorted({finding["rule"] for report in reports for finding in report["findings"]})
    near = suggest(wanted.rule, rules)
    where = f" at {wanted.path}{f':{wanted.line}' if wanted.line else ''}" if wanted.path else ""
    raise UsageError(
        f"there is no finding {wanted.rule}{where} to accept",
        hint=f"did you mean {near[0]}?" if near else None,
        candidates=rules,
    )


def _mark(
    finding: Finding,
    rows: Sequence[Mapping[str, Any]],
    digest: Callable[[str], str],
    today: str,
) -> dict[str, Any]:
    """Return ``accepted`` or ``not_accepted`` of a finding, or nothing."""
    why = ""
    for row in rows:
        if (row["rule"], row["path"]) != (finding.rule, finding.path):
            continue
        if row["line"] not in (0, finding.line):
            continue
        if row["digest"] != digest(finding.path):
            why = f"accepted on {row['since']} for other bytes: {row['reason']}"
        elif row["until"] is not None and row["until"] < today:
            why = f"that ended on {row['until']}: {row['reason']}"
        elif finding.severity == "critical" and not row["critical"]:
            why = f"it was less than critical when it was accepted: {row['reason']}"
        else:
            return {"accepted": {key: row[key] for key in ("reason", "by", "since", "until")}}
    return {"not_accepted": why} if why else {}


def _user() -> str:
    from getpass import getuser

    try:
        return getuser()
    except (OSError, KeyError, ImportError):
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"


def _read(file: str) -> tuple[list[dict[str, Any]], str | None]:
    """Return the rows of the file, or none and why."""
    import json

    from .verdicts import is_own_file

    try:
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(file, flags)
    except (FileNotFoundError, NotADirectoryError):
        return [], None
    except OSError as error:
        return [], f"what is accepted cannot be read: {error.strerror}"
    with os.fdopen(descriptor, "rb") as stream:
        if not is_own_file(os.fstat(descriptor), _MAX_BYTES):
            return [], "what is accepted is not a plain file that only the user may write"
        data = stream.read(_MAX_BYTES + 1)
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        return [], f"what is accepted is not JSON: {error}"
    rows = value.get("accepted") if isinstance(value, dict) else None
    if not isinstance(rows, list) or value.get("schema") != _SCHEMA:
        return [], f"what is accepted is not of schema {_SCHEMA}"
    if not all(map(_is_row, rows)):
        return [], "what is accepted has a row of another shape"
    return rows, None


def _is_row(row: object) -> bool:
    if not isinstance(row, dict) or set(row) != set(_KEYS):
        return False
    if not isinstance(row["line"], int) or not isinstance(row["critical"], bool):
        return False
    if not (row["until"] is None or isinstance(row["until"], str)):
        return False
    texts = ("by", "digest", "path", "reason", "rule", "since", "skill")
    return all(isinstance(row[key], str) for key in texts)
