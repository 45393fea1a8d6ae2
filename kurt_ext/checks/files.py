"""Ask which files the code reads and writes, and whether the manifest names them.

A plugin reads its own folder freely and may use temporary files; all else it declares. Some
files are never a plugin's business: keys, and whatever runs at the next start.

Bad::

    (Path.home() / ".ssh" / "id_ed25519").read_text()
    open(Path.home() / ".bashrc", "a")

Good::

    permissions:
      filesystem_write: ["/var/lib/report"]
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..findings import Finding
from ..sources import show
from .declared import judged, uses
from .subject import Subject, is_test

if TYPE_CHECKING:
    from ..analysis.uses import Use

__all__ = ["CATEGORY", "RULES", "SECRET", "check"]

RULES = (
    "undeclared-write",
    "declared-write",
    "unproven-write",
    "undeclared-read",
    "declared-read",
    "unproven-read",
    "runs-later",
    "reads-secret",
    "own-code-written",
)
CATEGORY = {"runs-later": "persistence", "reads-secret": "sensitive_read"}

_CATEGORIES = ("fs_write", "fs_read", "sensitive_read", "permission_mismatch", "persistence")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield each use of files."""
    for use in uses(subject, *_CATEGORIES):
        yield from _file(subject, use)


def _file(subject: Subject, use: Use) -> Iterator[Finding]:
    writes = use.meaning.permission == "filesystem_write"
    word = "write" if writes else "read"
    places = [_normal(one) for one in use.targets]
    secret = [one for one in places if SECRET.search(one)]
    run = [one for one in places if writes and _RUNS.search(one)]
    if not _is_idle(use):
        for place in run[:1] or secret[:1]:
            yield _grave(use, place, bool(run))
    if use.meaning.category in ("sensitive_read", "persistence") and not use.meaning.subject:
        yield judged(subject, use, word)
        return
    if places and use.proven and all(_is_temporary(one) for one in places):
        if writes:
            message = f"{use.name} {use.meaning.does}: temporary files"
            yield Finding(
                *("declared-write", "low", message),
                path=use.path,
                line=use.line,
                column=use.column,
                category=use.meaning.category,
                evidence=use.text,
            )
        return
    if places and not writes and all(_is_own(one) for one in places):
        return
    if writes and any(_is_own(one) and one.endswith(".py") for one in places):
        message = f"{use.name} writes into the plugin's own code, which was judged as it is"
        yield Finding(
            *("own-code-written", "high", message),
            path=use.path,
            line=use.line,
            column=use.column,
            category="fs_write",
            confidence="certain",
            evidence=use.text,
        )
    ends = use.name.rpartition(".")[2] in _DELETING
    wide = ends and any(one.startswith(("/", "~")) for one in places)
    severity = "critical" if wide else ""
    yield judged(subject, use._replace(targets=tuple(places)), word, severity=severity)


def _is_idle(use: Use) -> bool:
    return not use.reachable and is_test(use.path)


def _grave(use: Use, place: str, writes: bool) -> Finding:
    if writes:
        message = f"{use.name} writes to {show(place)}, which is run or obeyed later by others"
        rule, category = "runs-later", "persistence"
    else:
        message = f"{use.name} reads {show(place)}, where secrets lie"
        rule, category = "reads-secret", "sensitive_read"
    return Finding(
        *(rule, "critical", message),
        path=use.path,
        line=use.line,
        column=use.column,
        category=category,
        confidence="certain",
        evidence=use.text,
    )


def _normal(path: str) -> str:
    """Return a path with ``..`` worked out; what stands before ``…`` is kept."""
    path = path.replace("\\", "/").replace("$HOME", "~").replace("%USERPROFILE%", "~")
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts and parts[-1] not in ("..", "") and parts[-1][0] not in "<~":
            parts.pop()
        elif part != "." and (part or not parts):
            parts.append(part)
    return "/".join(parts) or "."


def _is_own(path: str) -> bool:
    return path == "<skill>" or path.startswith("<skill>/")


def _is_temporary(path: str) -> bool:
    return path == "<temp>" or path.startswith("<temp>/")


_DELETING = frozenset(("remove", "removedirs", "rmdir", "rmtree", "truncate", "unlink"))
#: Where keys, passwords and other people's sessions lie.
SECRET = re.compile(
    r"(?:^|/)(?:\.ssh|\.gnupg|\.aws|\.azure|\.kube|\.docker/config\.json|\.netrc|_netrc|\.pypirc|"
    r"\.npmrc|\.git-credentials|\.config/gcloud|\.config/gh|\.password-store|\.mozilla|\.vault-token|"
    r"\.config/(?:google-chrome|chromium|BraveSoftware)|Library/Keychains|Keychains|Login Data|"
    r"Cookies|key[34]\.db|logins\.json|wallet\.dat|\.electrum|\.bitcoin|\.ethereum|\.bash_history|"
    r"\.zsh_history|\.python_history|\.psql_history|\.mysql_history|\.pgpass|\.my\.cnf|\.claude\.json|"
    r"id_rsa|id_dsa|id_ecdsa|id_ed25519|etc/shadow|etc/sudoers(?:\.d)?|etc/ssh|proc/[^/]+/"
    r"(?:environ|mem|maps|fd|root|cmdline)|dev/mem|run/secrets|\.env)(?:/|…|$)"
)
#: Files that others run, or obey, at a time that the plugin does not choose.
_RUNS = re.compile(
    r"(?:^|/)(?:\.bashrc|\.bash_profile|\.bash_login|\.bash_logout|\.profile|\.zshrc|\.zshenv|"
    r"\.zprofile|\.zlogin|\.config/fish|\.inputrc|\.xinitrc|\.xprofile|\.pythonrc(?:\.py)?|"
    r"\.vimrc|\.gitconfig|\.ssh|\.config/(?:autostart|systemd|git|kurt)|LaunchAgents|"
    r"LaunchDaemons|cron[^/]*|systemd|Start Menu|Startup|\.git/hooks|\.git/config|"
    r"sitecustomize\.py|usercustomize\.py|CLAUDE\.md|AGENTS\.md|GEMINI\.md|\.cursorrules|"
    r"\.windsurfrules|copilot-instructions\.md|\.claude|\.cursor|\.codex|\.gemini|\.kurt|"
    r"kurt\.toml|kurt\.lock|\.vscode|\.idea|\.pypirc|pip\.conf|\.npmrc|\.netrc|conftest\.py|"
    r"<site-packages>|site-packages|dist-packages|<python>)(?:/|…|$)|\.pth$|"
    r"^/(?:etc|usr|bin|sbin|lib|lib64|boot|opt)/|^[A-Za-z]:/(?:Windows|Program Files)|"
    r"^<skill>/\.\.|^\.\.(?:/|$)"
)
