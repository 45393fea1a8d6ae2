"""Which paths are too many, or too grave, to be a skill's own: the lists of files."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from functools import cache
from typing import NamedTuple

from ..sources import show

__all__ = ["ANYTHING", "Verdict", "read", "write"]

ANYTHING = frozenset(("*", "**", "/*", "/**", "*.*", "**/*", ".*", "all", "any"))
#: Whoever may write here decides what others run; POSIX and Windows.
_SYSTEM = (
    *("/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/root", "/sbin", "/sys"),
    *("/usr", "/library", "/system", "/applications", "/var/spool", "/var/run", "/run"),
)
_WINDOWS = ("windows", "program files", "program files (x86)", "programdata")
#: Too much of other people's, or of the user's, to be read or written whole.
_WIDE = frozenset(
    (
        *("/", "~", "/home", "/users", "/root", "/etc", "/proc", "/sys", "/dev", "/usr", "/boot"),
        *("/opt", "/srv", "/run", "/var", "/var/lib", "/var/log", "/var/run", "/var/spool", "/mnt"),
        *("/media", "/volumes", "/library", "/system", "/private", "/private/etc", "/private/var"),
        *("~/.config", "~/.local", "~/.local/share", "~/library", "~/appdata", "~/documents"),
        *("~/desktop", "~/downloads", "~/appdata/roaming", "~/appdata/local"),
        *("~/library/application support", "/proc/self", "/usr/lib", "/usr/local"),
    )
)
_SHARED = frozenset(("/tmp", "/var/tmp", "/dev/shm", "/private/tmp", "~/.cache", "/var/cache"))
#: Variables that stand for a home directory.
_HOMES = ("$home", "${home}", "%userprofile%", "%home%", "%homepath%", "%homedrive%%homepath%")
#: Characters that are drawn as a slash and are none: what follows them is one name, or a path.
_SLASHES = str.maketrans({"\u2044": "/", "\u2215": "/", "\u29f8": "/", "\u29f5": "\\"})


_DRAWN = frozenset("\u2044\u2215\u29f8\u29f5\uff0f\uff3c\u2024\u2025")


class Verdict(NamedTuple):
    """What is to be said about one entry: rule, severity, sentence, and what to write instead."""

    rule: str
    severity: str
    message: str
    fix: str


@cache
def _secret_paths() -> re.Pattern[str]:
    """Return what matches paths where secrets lie, below a home directory or anywhere."""
    return re.compile(
        r"(?:^|/)(?:\.ssh|\.gnupg|\.aws|\.azure|\.kube|\.docker|\.netrc|_netrc|\.pypirc|\.npmrc|"
        r"\.git-credentials|\.config/(?:gcloud|gh|google-chrome|chromium|op|rclone)|"
        r"\.password-store|\.mozilla|\.thunderbird|\.electrum|\.bitcoin|\.ethereum|\.vault-token|"
        r"\.(?:bash|zsh|python|psql|mysql|node_repl)_history|\.local/share/keyrings|keychains|"
        r"library/(?:cookies|messages|mail)|appdata/(?:local/google/chrome|roaming/mozilla)|"
        r"microsoft/(?:credentials|protect)|id_(?:rsa|ed25519|ecdsa)|etc/g?shadow-?|"
        r"etc/sudoers(?:\.d)?|etc/passwd|etc/ssl/private|etc/ssh|proc/(?:self|[0-9]+|\*)/environ|"
        r"proc/(?:k?core|kallsyms|\*|[0-9]+)|docker\.sock|dev/(?:mem|kmem|sd[a-z].*|disk|input))(?:/|$)"
    )


@cache
def _startup_paths() -> re.Pattern[str]:
    """Return what matches paths of what is run, or obeyed, without being asked for."""
    return re.compile(
        r"(?:^|/)(?:\.(?:bashrc|bash_profile|profile|zshrc|zprofile|zshenv|xinitrc|xprofile|"
        r"pythonrc\.py|vimrc|gitconfig)|\.config/(?:autostart|systemd|fish|environment\.d)|"
        r"\.local/bin|\.local/lib|library/launch(?:agents|daemons)|start menu/programs/startup|"
        r"spool/cron|cron(?:\.d|tab|tabs)|site-packages|dist-packages|\.git/hooks|sitecustomize\.py|"
        r"usercustomize\.py|\.kurt|kurt\.toml|claude\.md|agents\.md|\.claude|\.cursor|"
        r"\.cursorrules|\.vscode|\.github/workflows|\.pth)(?:/|$)"
    )


def _path(text: str) -> str:
    """Return a path with one spelling: slashes, ``~`` for a home, no case, no globs at its end.

    A drive's root is ``C:``; what begins with ``//`` lies on another computer.
    """
    path = unicodedata.normalize("NFKC", text.strip()).translate(_SLASHES)
    path = path.replace("\\", "/").casefold().removeprefix("file://")
    for prefix in ("//?/unc/", "//?/", "//./"):
        if path.startswith(prefix):
            path = ("//" if "unc" in prefix else "") + path[len(prefix) :]
    for home in _HOMES:
        if path == home or path.startswith(home + "/"):
            path = "~" + path[len(home) :]
    while path.rpartition("/")[2] in ("*", "**", "*.*") and "/" in path:
        path = path.rpartition("/")[0] or "/"
    if path.startswith("//") and path.strip("/"):
        return "//" + posixpath.normpath(path.strip("/"))
    return posixpath.normpath(path) if path.strip("/") else "/"


def _climbs(text: str) -> bool:
    return ".." in text.replace("\\", "/").split("/")


def _wide(text: str, path: str) -> bool:
    """Return whether a path is that of everything, or of nearly everything of somebody's."""
    if text.strip().lower() in ANYTHING or path in _WIDE:
        return True
    first, _, rest = path.partition("/")
    if len(first) == 2 and first[1] == ":":
        return rest in ("", ".", "users", "home") or rest.partition("/")[0] in _WINDOWS
    if re.fullmatch(r"/(?:home|users)/[^/]+|~[^/]+", path):
        return True  # somebody's whole home; ``~name`` is another's
    if path.startswith("//"):
        return path.count("/") <= 3  # //server or //server/share
    # What is wide before its first wildcard is wide whatever follows.
    before = re.split(r"[*?\[{]", path, maxsplit=1)[0]
    if before == path or not path.startswith(("/", "~")):
        return False
    return (before.rstrip("/") or "/") in _WIDE or before == "/"


def _anywhere(text: str, verb: str, rule: str) -> Verdict | None:
    path = _path(text)
    if _wide(text, path):
        message = f"it asks to {verb} all of {show(text)}"
        return Verdict(rule, "high", message, "name a folder below it")
    if _secret_paths().search(path):
        message = f"{show(text)} is where secrets lie"
        return Verdict("secret-path", "high", message, f"name what it really {verb}s")
    if path in _SHARED:
        message = f"{show(text)} is shared by all programs"
        return Verdict(rule, "medium", message, "name a folder of the skill's own below it")
    if not text.isascii() and not _DRAWN.isdisjoint(text):
        message = f"{show(text)} holds a character that looks like a slash"
        return Verdict("path-deceives", "high", message, "write it as it is meant")
    if _climbs(text):
        severity = "high" if path.startswith("..") else "medium"
        message = f"{show(text)} leads out of where it begins"
        return Verdict("path-climbs", severity, message, "write it without ..")
    if re.match(r"\$[{(]?[a-z_]|%[a-z_()0-9]+%", path):
        whole = "/" not in path
        message = f"{show(text)} is decided by the environment of whoever runs it"
        severity = "high" if whole else "medium"
        return Verdict("path-variable", severity, message, "name the folder, or begin it with ~/")
    return None


def read(text: str) -> Verdict | None:
    """Return what is to be said about a path that a skill asks to read; None for nothing."""
    return _anywhere(text, "read", "wide-read")


def write(text: str) -> Verdict | None:
    """Return what is to be said about a path that a skill asks to write; None for nothing."""
    path = _path(text)
    if not _wide(text, path) and _startup_paths().search(path):
        message = f"what stands in {show(text)} is run, or obeyed, without being asked for"
        fix = "write below the skill's own data folder"
        return Verdict("startup-path", "high", message, fix)
    system = path.startswith(tuple([f"{one}/" for one in _SYSTEM]))
    if system and path not in ("/dev/null", "/dev/stdout", "/dev/stderr") and not _own_run(path):
        message = f"{show(text)} belongs to the system, or to its other users"
        fix = "write below the skill's own data folder"
        return Verdict("wide-write", "high", message, fix)
    return _anywhere(text, "write", "wide-write")


def _own_run(path: str) -> bool:
    """Return whether a path is that of one program's run-time files, or shared memory."""
    return path.startswith(("/run/", "/var/run/", "/dev/shm/")) and "docker" not in path
