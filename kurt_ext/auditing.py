"""Say what is known to be wrong with what is installed: advisories, withdrawals, changed files.

What kurt has installed is asked about at the markets it came from. What it needs of
Python's distributions is asked about by pip-audit, a process of its own, where that is installed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from shlex import quote
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import KurtError
from .findings import Finding
from .installing_wheels import damages
from .overlooked import decide
from .updating import Ignored, Newer, newer

if TYPE_CHECKING:
    from .market.clients import Market
    from .market.simple_index import SimpleIndex
    from .overlooked import Overlooked
    from .receipts import Receipt, Receipts

__all__ = ["Audit", "Fault", "audit", "audit_python", "python_names"]

_TIMEOUT = 300.0


class Fault(NamedTuple):
    """One thing that is wrong.

    :param kind: ``advisory``, ``withdrawn``, ``changed``, ``missing`` or ``python``.
    :param id: of the advisory.
    :param fix: what to paste.
    """

    name: str
    version: str
    kind: str
    id: str
    summary: str
    fix: str

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for JSON output."""
        return self._asdict()


class Audit(NamedTuple):
    """What is known of the skills of a scope.

    :param faults: what is wrong with them.
    :param skills: how many there are.
    :param ignored: what is known, and does not count here.
    :param warnings: what could not be told.
    """

    faults: list[Fault]
    skills: int
    ignored: list[Ignored]
    warnings: list[Finding]


def audit(
    receipts: Receipts,
    markets: Mapping[str, Market],
    indexes: Mapping[str, SimpleIndex] | None = None,
) -> Audit:
    """Return what is known to be wrong with the skills of a scope; with no market, what is here."""
    faults: list[Fault] = []
    every = damages(receipts)
    whose = "" if receipts.scope == "project" else f" --scope {receipts.scope}"
    for receipt, changed in every:
        if changed:
            faults.append(_of_files(receipt, changed, whose))
    found, warnings = newer(receipts, markets, indexes=indexes)
    ignored: list[Ignored] = []
    for one in found:
        faults += _of(one, markets.get(one.market), whose)
        ignored += one.ignored
    return Audit(sorted(faults), len(every), sorted(ignored), warnings)


def _of_files(receipt: Receipt, changed: list[str], whose: str) -> Fault:
    kind, fix = "changed", f"kurt sync{whose}"
    some = ", ".join(changed[:5])
    if not receipt.folder:
        summary = f"not as it was installed: {some}"
    elif not os.path.isdir(receipt.folder):
        kind, summary = "missing", "its folder is gone"
    else:
        summary = f"changed since it was installed: {some}"
        fix += f" --force {quote(receipt.name)}"
    return Fault(receipt.name, receipt.version, kind, "", summary, fix)


def _of(one: Newer, market: Market | None, whose: str) -> Iterable[Fault]:
    fix = f"kurt {'update' if one.available else 'uninstall'}{whose} {quote(one.name)}"
    advisories = market.advisories() if market is not None else ()
    known = {advisory.id: advisory for advisory in advisories}
    for id in one.advisories:
        assert market is not None  # an index has no advisories of its own
        summary = known[id].summary or "known to be harmful"
        decision = market.decided(known[id])
        if decision is not None:
            summary += f" (it was ignored until {decision.until})"
        yield Fault(one.name, one.receipt.version, "advisory", id, summary, fix)
    if one.withdrawn:
        yield Fault(one.name, one.receipt.version, "withdrawn", "", one.withdrawn, fix)


def audit_python(names: Sequence[str], decisions: Mapping[str, Overlooked] | None = None) -> Audit:
    """Return what pip-audit knows of distributions that are installed here.

    :param names: distributions; nothing is asked where there are none.
    :param decisions: advisories that do not count here, by id.
    """
    nothing = Audit([], 0, [], [])
    if not names:
        return nothing
    program = _pip_audit()
    if program is None:
        finding = Finding(
            "no-pip-audit",
            "info",
            "what the skills need of Python's distributions was not audited",
            fix="pip install pip-audit",
        )
        return nothing._replace(warnings=[finding])
    command = [program, "--format", "json", "--skip-editable", "--progress-spinner", "off"]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        rows = json.loads(done.stdout)["dependencies"]
        wanted = {_plain(name) for name in names}
        found = Audit([], 0, [], [])
        for row in rows:
            if _plain(row["name"]) in wanted:
                for flaw in row.get("vulns", ()):
                    _add(found, row, flaw, decisions or {})
    except (OSError, ValueError, KeyError, TypeError, subprocess.TimeoutExpired) as error:
        text = f"pip-audit could not say anything: {error}"
        return nothing._replace(warnings=[Finding("pip-audit-failed", "warning", text)])
    return found._replace(faults=sorted(found.faults), ignored=sorted(found.ignored))


def _add(
    found: Audit,
    row: Mapping[str, Any],
    flaw: Mapping[str, Any],
    decisions: Mapping[str, Overlooked],
) -> None:
    """Add a flaw of a distribution to the faults, or to what does not count."""
    names = [flaw["id"], *flaw.get("aliases", ())]
    what = (row["name"], str(row.get("version", "")))
    summary = (flaw.get("description") or "").partition("\n")[0][:200]
    decision = decide(names, decisions)
    if decision is not None and not decision.is_over:
        said = (decision.reason, decision.until)
        found.ignored.append(Ignored(*what, flaw["id"], summary, *said))
    else:
        fix = f"pip install -U {row['name']}"
        found.faults.append(Fault(*what, "python", flaw["id"], summary, fix))


def _plain(name: str) -> str:
    from .names import normalize

    return normalize(name)


def _pip_audit() -> str | None:
    beside = os.path.join(os.path.dirname(sys.executable), "pip-audit")
    return beside if os.access(beside, os.X_OK) else shutil.which("pip-audit")


def python_names(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the distributions that manifests name in ``requires``, sorted."""
    from packaging.requirements import InvalidRequirement, Requirement

    found = set()
    for record in records:
        for text in record.get("requires", ()):
            try:
                found.add(Requirement(text).name)
            except (InvalidRequirement, KurtError):
                continue
    return sorted(found)
