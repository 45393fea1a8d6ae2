"""Show everything known about one skill."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from .. import cli, completion
from ..errors import KurtError
from ..explaining import held_back
from ..naming import the_skill
from ..output import Answer, Column
from .list import STATE_STYLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..candidates import Candidate
    from ..output import Page
    from ..session import Session

__all__ = ["answer", "command"]

_README_LINES = 12
_EXTENSIONS = (
    Column("Extension", styles={"": "bold"}),
    Column("Kind"),
    Column("Enabled", styles={"yes": "green", "no": "yellow"}),
    Column("Why", fold=True, drop=1, styles={"": "dim"}),
)
#: What a permission lets a skill do, in words. ``{}`` stands for the names in the list.
_PERMISSIONS = {
    "filesystem_read": "read files: {}",
    "filesystem_write": "write files: {}",
    "network_hosts": "talk to: {}",
    "external_apis": "use the services: {}",
    "environment_variables": "read the environment variables: {}",
    "system_resources": "use: {}",
    "processes": "start programs: {}",
}


def permissions_in_words(permissions: dict[str, Any]) -> list[str]:
    """Return a line for each thing that a manifest asks leave for."""
    lines = [
        words.format(", ".join(permissions[key]))
        for key, words in _PERMISSIONS.items()
        if permissions.get(key)
    ]
    if permissions.get("native_code"):
        lines.append("run native code, which no rule of Python binds")
    return lines


def answer(session: Session, name: str) -> Answer:
    """Return everything known about the skill that a name means; nothing is imported."""
    from ..listing import row
    from ..provenance import installed_from, published

    found = session.discovery
    winner = the_skill(found, name)
    rows = [row(c, found.config, found.opt_in) for c in found.named(winner.name)]
    try:
        record: dict[str, Any] | None = winner.record()
    except (KurtError, OSError, ValueError):
        record = None  # the findings in the row say what is wrong with it
    apis = record["requires_api"] if record else []
    needs = [need.as_dict() for need in found.config.needs(winner.name, apis)]
    receipt = installed_from(session.places, winner)
    data = {"skill": rows[0], "manifest": record, "copies": rows[1:], "requires_api": needs}
    data["published"] = None if receipt is None else published(receipt.locked)

    def text(page: Page) -> None:
        _write(page, data, winner)

    held = held_back(session.places, winner)
    return Answer(data, text, warnings=[held.finding()] if held else ())


def _write(page: Page, data: dict[str, Any], candidate: Candidate) -> None:
    row, record = data["skill"], data["manifest"] or {}
    page.parts(
        (row["name"], "bold"),
        (f" {row['version']}  ", None),
        (row["state"], STATE_STYLES[row["state"]]),
    )
    if row["summary"]:
        page.line(row["summary"])
    page.line()
    title = row["title"] if row["title"] != row["name"] else ""
    page.pairs(
        [
            ("title", title),
            ("reason", row["reason"] or ""),
            ("found in", f"{row['scope']}: {row['location']}"),
            ("manifest", row["source"]),
            ("published by", published["words"] if (published := data["published"]) else ""),
            ("tags", ", ".join(row["tags"])),
            ("author", record.get("author") or ""),
            ("license", record.get("license") or ""),
            ("homepage", record.get("homepage") or ""),
            ("needs Python", record.get("requires_python") or ""),
            ("needs", ", ".join(record.get("requires") or ())),
            ("may", "\n".join(permissions_in_words(record.get("permissions") or {}))),
        ]
    )
    _extensions(page, row, record)
    _needs(page, data["requires_api"])
    if data["copies"]:
        page.line()
        page.line("Copies that do not count:", "bold")
        page.pairs([(copy["scope"], copy["location"]) for copy in data["copies"]], "  ")
    if row["findings"]:
        page.line()
        page.findings(candidate.findings, candidate.location)
    readme = list(_readme(candidate))
    if readme:
        page.line()
        for line in readme:
            page.line(line, "dim")


def _extensions(page: Page, row: dict[str, Any], record: dict[str, Any]) -> None:
    rows = [
        (e["name"], e["kind"], "yes" if e["enabled"] else "no", e["reason"])
        for e in row["extensions"]
    ]
    if rows:
        page.line()
        page.table(_EXTENSIONS, rows)
    for capability in record.get("capabilities") or ():
        page.parts(
            (f"  {row['name']}:{capability['name']}  ", "bold"),
            (capability.get("description") or "", None),
        )
    if row["state"] == "instructions":
        page.line()
        page.line("It has instructions to read and no code to run.")


def _needs(page: Page, needs: list[dict[str, Any]]) -> None:
    for need in needs:
        page.line()
        if need["met"]:
            page.parts(
                (need["api"], "bold"), (" is set by ", None), (need["at"] or need["key"], None)
            )
        else:
            page.parts((need["api"], "bold"), (": ", None), (need["cause"], "yellow"))
            page.parts(("hint: ", "hint"), (need["hint"], None))


def _readme(candidate: Candidate) -> Iterator[str]:
    """Yield the first lines of the body of SKILL.md, or of the README."""
    for name in ("SKILL.md", "README.md"):
        try:
            with open(os.path.join(candidate.location, name), encoding="utf-8-sig") as file:
                text = file.read(1 << 16)
        except (OSError, UnicodeError):
            continue
        lines = text.splitlines()
        if name == "SKILL.md" and lines[:1] == ["---"] and "---" in lines[1:]:
            lines = lines[lines.index("---", 1) + 1 :]
        while lines and not lines[0].strip():
            del lines[0]
        if lines:
            yield from lines[:_README_LINES]
            if len(lines) > _README_LINES:
                yield f"… (more in {os.path.join(candidate.location, name)})"
            return


@cli.command("info", short_help="Show everything known about one skill.")
@click.argument("name", shell_complete=completion.names)
@click.pass_obj
def command(session: Session, name: str) -> Answer:
    """Show everything known about one skill.

    NAME is a skill, SKILL:EXTENSION, or an extension that only one skill has.
    Nothing is imported.

    \b
    Example:
      kurt info web-archiver
    """
    return answer(session, name)
