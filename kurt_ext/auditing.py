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
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import KurtError
from .findings import Finding
from .updating import Newer, newer

if TYPE_CHECKING:
    from .market.clients import Market
    from .receipts import Receipts

__all__ = ["Fault", "audit", "audit_python", "python_names"]

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


def audit(
    receipts: Receipts, markets: Mapping[str, Market]
) -> tuple[list[Fault], int, list[Finding]]:
    """Return what is wrong with the skills of a scope, how many there are, and warnings."""
    faults: list[Fault] = []
    every = list(receipts.all())
    for receipt in every:
        if not receipt.folder:
            continue
        if not os.path.isdir(receipt.folder):
            faults.append(
                Fault(
                    receipt.name, receipt.version, "missing", "", "its folder is gone", "kurt sync"
                )
            )
            continue
        changed = receipts.changed(receipt)
        if changed:
            summary = "changed since it was installed: " + ", ".join(changed[:5])
            fix = f"kurt sync --force {receipt.name}"
            faults.append(Fault(receipt.name, receipt.version, "changed", "", summary, fix))
    found, warnings = newer(receipts, markets)
    for one in found:
        faults += _of(one, markets[one.market])
    return sorted(faults), len(every), warnings


def _of(one: Newer, market: Market) -> Iterable[Fault]:
    fix = f"kurt update {one.name}" if one.available else f"kurt uninstall {one.name}"
    summaries = {advisory.id: advisory.summary for advisory in market.advisories()}
    for id in one.advisories:
        summary = summaries.get(id) or "known to be harmful"
        yield Fault(one.name, one.receipt.version, "advisory", id, summary, fix)
    if one.withdrawn:
        yield Fault(one.name, one.receipt.version, "withdrawn", "", one.withdrawn, fix)


def audit_python(names: Sequence[str]) -> tuple[list[Fault], list[Finding]]:
    """Return what pip-audit knows of distributions that are installed here.

    :param names: distributions; nothing is asked where there are none.
    """
    if not names:
        return [], []
    program = _pip_audit()
    if program is None:
        return [], [
            Finding(
                "no-pip-audit",
                "info",
                "what the skills need of Python's distributions was not audited",
                fix="pip install pip-audit",
            )
        ]
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
        faults = [
            Fault(
                row["name"],
                str(row.get("version", "")),
                "python",
                flaw["id"],
                (flaw.get("description") or "").partition("\n")[0][:200],
                f"pip install -U {row['name']}",
            )
            for row in rows
            if _plain(row["name"]) in wanted
            for flaw in row.get("vulns", ())
        ]
    except (OSError, ValueError, KeyError, TypeError, subprocess.TimeoutExpired) as error:
        text = f"pip-audit could not say anything: {error}"
        return [], [Finding("pip-audit-failed", "warning", text)]
    return sorted(faults), []


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
