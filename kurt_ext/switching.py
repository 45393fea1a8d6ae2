"""Enable and disable by name: what ``kurt enable`` and ``kurt disable`` have in common."""

from __future__ import annotations

import os
from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from . import completion
from .config_edit import disable, enable
from .errors import ExtensionNotFoundError, PolicyError
from .findings import Finding
from .names import NAMESPACE_PREFIX
from .naming import held_back, kinds_of
from .output import Answer

if TYPE_CHECKING:
    from .candidates import Candidate
    from .config_edit import Change
    from .discovery import Discovery
    from .output import Page
    from .session import Session

__all__ = ["answer", "arguments"]


def arguments(function: Any) -> Any:
    """Add the names and the scope to a command."""
    scope = click.option(
        "--scope",
        type=click.Choice(["project", "user"]),
        default="project",
        help="The project's kurt.toml (default), or the user's.",
    )
    names = click.argument(
        "names", nargs=-1, required=True, metavar="NAME…", shell_complete=completion.names
    )
    return names(scope(function))


def answer(
    session: Session, names: tuple[str, ...], scope: str, *, on: bool, force: bool = False
) -> Answer:
    """Enable or disable what the names mean; nothing is changed where one is unknown.

    :param force: let what is held back after failures be tried again.
    :raises NotFoundError: when nothing has one of the names.
    """
    from .config_ignored import pending

    found = session.discovery
    # All names first: a slip in the third must not leave the first two done.
    elsewhere = _elsewhere(session, names) if force else []
    meant = [(name, _targets(found, name, on)) for name in names if name not in elsewhere]
    rows: list[dict[str, Any]] = [_released(session, name) for name in elsewhere]
    warnings: list[Finding] = []
    for name, targets in meant:
        for (kind, _), group in _by_skill(targets).items():
            change = _change(session, name, kind, group, scope, on)
            rows.append(_row(name, kind, group, change))
            warnings += _still(name, group, change, on)
            if on:
                rows[-1]["released"] = force and _release(session, group[0][0])
                warnings += [one for one in _kept(session, group[0][0]) if one not in warnings]
            if change.pending:
                said = f"{kind}.{'enabled' if on else 'disabled'}, which names {name},"
                warnings.append(pending(change.file, session.places.project, said))
    refused = [
        row for row in rows if row["kind"] and row["enabled"] is not on and not row["pending"]
    ]

    def text(page: Page) -> None:
        for row in rows:
            _write(page, row, on)

    error = None
    if refused:
        word = "enabled" if on else "disabled"
        error = PolicyError(
            f"{refused[0]['name']} is still not {word}",
            cause=refused[0]["reason"],
            hint=f"kurt explain {refused[0]['name']}",
        )
    return Answer(rows, text, warnings=warnings, error=error, talk=True)


def _targets(found: Discovery, name: str, on: bool) -> list[tuple[Candidate, str, str]]:
    """Return (skill, kind, extension) of everything that is to be switched for a name."""
    if not on:
        return kinds_of(found, name)
    held = held_back(found, name)
    try:
        rows = kinds_of(found, name)
    except ExtensionNotFoundError:
        # What a skill registers has no entry point; the function that registers it has one.
        rows = [row for row in kinds_of(found, name.partition(":")[0]) if row[1] == "skills"]
        if not rows:
            raise
    if held:  # what needs no change is of no interest beside what does
        rows = [row for row in rows if not _is_enabled(found, *row)]
    return rows + held


def _is_enabled(found: Discovery, candidate: Candidate, kind: str, extension: str) -> bool:
    opt_in = NAMESPACE_PREFIX + kind in found.opt_in
    return found.config.enabled(kind, candidate.name, extension, opt_in).enabled


def _by_skill(
    targets: list[tuple[Candidate, str, str]],
) -> dict[tuple[str, str], list[tuple[Candidate, str]]]:
    """Return the extensions by kind and skill."""
    groups: dict[tuple[str, str], list[tuple[Candidate, str]]] = {}
    for candidate, kind, extension in targets:
        groups.setdefault((kind, candidate.name), []).append((candidate, extension))
    return groups


def _change(
    session: Session,
    name: str,
    kind: str,
    group: list[tuple[Candidate, str]],
    scope: str,
    on: bool,
) -> Change:
    found = session.discovery
    candidate = group[0][0]
    whole = name == candidate.name
    namespace = f"kurt.{kind}"
    every = [offered for offer, offered, _ in candidate.offers if offer == namespace]
    others = [c.name for c, group_, _, _ in found.find(group[0][1]) if group_ == namespace]
    edit = enable if on else disable
    return edit(
        session.places,
        kind,
        candidate.name,
        None if whole else group[0][1],
        scope=scope,
        opt_in=namespace in found.opt_in,
        siblings=[item for item in every if whole or item != group[0][1]],
        qualified=":" in name or len(set(others)) > 1,
    )


def _row(
    name: str, kind: str, group: list[tuple[Candidate, str]], change: Change
) -> dict[str, Any]:
    verdict = change.verdict
    return {
        "name": name,
        "kind": kind,
        "skill": group[0][0].name,
        "extensions": [extension for _, extension in group],
        "file": change.file,
        "changes": list(change.lines),
        "enabled": verdict.enabled if verdict is not None else None,
        "pending": change.pending,
        "released": False,
        "reason": verdict.reason if verdict is not None else None,
    }


def _elsewhere(session: Session, names: tuple[str, ...]) -> list[str]:
    """Return the names of plugins that are held back, and lie where only a program looks."""
    from .quarantine import Quarantine

    known = {candidate.name for candidate in session.discovery.candidates}
    held = {row.plugin_id for row in Quarantine(session.places).all()}
    return [name for name in dict.fromkeys(names) if name in held - known]


def _released(session: Session, name: str) -> dict[str, Any]:
    """Release a plugin that a program has; return its row, in which nothing is enabled."""
    from .quarantine import Quarantine

    released = Quarantine(session.places).release(name)
    nothing: dict[str, Any] = {
        "kind": None,
        "extensions": [],
        "file": None,
        "changes": [],
        "reason": None,
    }
    return {
        "name": name,
        "skill": name,
        "enabled": None,
        "pending": False,
        "released": released,
        **nothing,
    }


def _release(session: Session, candidate: Candidate) -> bool:
    """Let a plugin be tried again; return whether failures of it were known."""
    from .quarantine import Quarantine

    return Quarantine(session.places).release(candidate.name)


def _kept(session: Session, candidate: Candidate) -> list[Finding]:
    """Return what keeps a whole plugin from being loaded, whatever its extensions are."""
    from .explaining import held_back
    from .settings import dotted

    held = held_back(session.places, candidate)
    found = [held.finding()] if held else []
    config = session.discovery.config
    if config.plugin(candidate.name).get("enabled") is False:
        key = dotted(("plugin", candidate.name, "enabled"))
        message = f"{key} is false, so that nothing of {candidate.name} is loaded as a plugin"
        fix = f"kurt config set {quote(key)} true"
        found.append(Finding("plugin-disabled", "warning", message, fix=fix))
    return found


def _still(
    name: str, group: list[tuple[Candidate, str]], change: Change, on: bool
) -> list[Finding]:
    """Return what keeps an enabled extension from running all the same."""
    candidate = group[0][0]
    if not on or candidate.usable or (change.verdict and not change.verdict.enabled):
        return []
    fix = f"kurt explain {candidate.name}"
    if candidate.state == "untrusted":
        fix = f"kurt skill trust {quote(candidate.location)}"
    message = f"{name} is enabled, but {candidate.reason}"
    return [
        Finding(f"skill-{candidate.state}", "warning", message, path=candidate.location, fix=fix)
    ]


def _write(page: Page, row: dict[str, Any], on: bool) -> None:
    word = "Enabled" if on else "Disabled"
    what = ", ".join(row["extensions"])
    if row["released"]:
        page.line(f"Released {row['skill']}: it is tried again, whatever its failures were")
    if row["file"] is None:
        return
    relative = os.path.relpath(row["file"])
    file = row["file"] if relative.startswith("..") else relative
    if row["enabled"] is not on and not (row["pending"] and row["changes"]):
        return
    if not row["changes"]:
        page.line(f"{row['name']} was {word.lower()} already ({row['reason']})")
        return
    page.line(f"{word} {what} ({row['kind']}) in {file}")
    if page.verbose:
        for line in row["changes"]:
            page.parts(("  ", None), (line, "dim"))
