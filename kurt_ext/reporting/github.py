"""Write findings as workflow commands, which GitHub shows beside the changed lines.

The escapes are those of GitHub's own runner: ``%``, CR and LF in a message, and
``:`` and ``,`` in a property. Anything else of the judged files could end the
command and begin another.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ..findings import SEVERITIES
from ..output import printable
from .rows import LEVELS, accepted_line, all_findings, relative, summary

__all__ = ["render"]

_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}


def render(reports: Sequence[Mapping[str, Any]], *, base: str) -> str:
    """Return one command a finding, the gravest first: GitHub shows only ten of a kind.

    :param base: the folder of the checkout, which paths are relative to.
    """
    found = [(report, finding) for report in reports for finding in all_findings(report)]
    found.sort(key=lambda pair: -SEVERITIES.index(pair[1]["severity"]))  # stable
    lines = [_command(report, finding, base) for report, finding in found]
    return "".join([f"{line}\n" for line in lines]) + summary(reports) + "\n"


def _command(report: Mapping[str, Any], finding: Mapping[str, Any], base: str) -> str:
    level = "note" if finding.get("accepted") else LEVELS[finding["severity"]]
    file = relative(os.path.join(report["path"], finding["path"] or ""), base)
    properties = [("file", file.replace(os.sep, "/").rstrip("/"))]
    if finding["line"]:
        properties.append(("line", str(finding["line"])))
        if finding["column"]:
            properties.append(("col", str(finding["column"])))
    properties.append(("title", f"{finding['severity']}: {finding['rule']}"))
    text = finding["message"]
    if finding["fix"]:
        text += f"\nfix: {finding['fix']}"
    for label, said in accepted_line(finding):
        text += f"\n{label}: {said}"
    listed = ",".join([f"{key}={_property(value)}" for key, value in properties])
    return f"::{_COMMANDS[level]} {listed}::{_data(text)}"


def _data(text: str) -> str:
    # printable() keeps line feeds and tabs; GitHub decodes the former.
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
