"""Ask whether the permissions that the manifest declares are as narrow as its work.

They are what a user is shown before installing, and what a sandbox allows:
one that covers everything says nothing and protects from nothing.

Bad::

    permissions:
      filesystem_write: ["/etc"]
      network_hosts: ["*"]
      environment_variables: [AWS_SECRET_ACCESS_KEY]

Good::

    permissions:
      filesystem_write: ["./cache"]
      network_hosts: [web.archive.org]
      environment_variables: [WEB_ARCHIVER_KEY]
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator

from ..findings import Finding
from ..sources import show
from .subject import Subject

__all__ = ["RULES", "check"]

RULES = (
    "wide-read",
    "wide-write",
    "path-climbs",
    "wide-network",
    "not-a-host",
    "private-host",
    "undocumented-api",
    "wide-environment",
    "foreign-secret",
    "asks-for-secret",
    "loader-variable",
    "wide-resources",
    "wide-processes",
    "shell-process",
    "native-code",
)
_ANYTHING = ("*", "**", "/*", "/**")
#: Whoever may write here decides what others run; POSIX and Windows.
_SYSTEM = re.compile(
    "(?:/(?:bin|boot|dev|etc|lib|lib64|proc|root|sbin|sys|usr|library|system|applications|"
    "var/spool/cron)|c:/(?:windows|program files|program files \\(x86\\)|programdata))(?:/|$)"
)
#: Too much of other people's, or of the user's, to be read or written whole.
_WIDE = (
    *("/", "~", "$home", "${home}", "/home", "/users", "/root", "c:", "c:/users"),
    *("/opt", "/srv", "/run", "/var", "/var/lib", "/var/log", "/var/run", "/tmp"),
)
#: Where secrets lie, below a home directory or anywhere.
_SECRET_PATHS = re.compile(
    r"(?:^|/)(?:\.ssh|\.gnupg|\.aws|\.azure|\.kube|\.docker|\.netrc|\.pypirc|\.npmrc|"
    r"\.git-credentials|\.config/gcloud|\.password-store|\.mozilla|keychains|"
    r"etc/shadow|etc/sudoers(?:\.d)?|proc/self/environ)(?:/|$)"
)
_HOST = re.compile(
    r"(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
    r"(?::[0-9]{1,5})?|\[[0-9a-f:.]+\](?::[0-9]{1,5})?"
)
_EVERY_HOST = ("*", "*:*", "0.0.0.0", "0.0.0.0/0", "::/0", "[::]", "any", "all")
_PRIVATE = re.compile(
    r"(?:localhost|127\.|10\.|192\.168\.|172\.(?:1[6-9]|2[0-9]|3[01])\.|169\.254\.|\[::1\]|"
    r"\[f[cde]|metadata\.google\.internal)"
)
#: Keys to other things than the skill's own service, which many programs share.
_FOREIGN = re.compile(
    r"(?:AWS|AZURE|ARM)_.*(?:SECRET|TOKEN|KEY|PASSWORD).*|GOOGLE_APPLICATION_CREDENTIALS|"
    r"(?:GITHUB|GH|GITLAB|NPM|NODE_AUTH|PYPI|HF|HUGGING_FACE_HUB|VAULT|DIGITALOCEAN|CI_JOB)_TOKEN|"
    r"TWINE_PASSWORD|UV_PUBLISH_TOKEN|SSH_AUTH_SOCK|SSH_PRIVATE_KEY|KUBECONFIG|DOCKER_PASSWORD|"
    r"PGPASSWORD|MYSQL_PWD|ANSIBLE_VAULT_PASSWORD|SUDO_PASSWORD|"
    r"(?:KURT|MARKET)_.*(?:TOKEN|KEY|SECRET).*"
)
_SECRET_WORDS = re.compile(r"(?:^|_)(?:SECRET|PASSWORD|PASSWD|PRIVATE_KEY|CREDENTIALS?)(?:_|$)")
_LOADER = re.compile(r"LD_.*|DYLD_.*|PYTHON(?:PATH|HOME|STARTUP|INSPECT)|PATH|BASH_ENV|IFS")
_SHELLS = re.compile(
    r"(?:sh|bash|zsh|dash|fish|cmd|powershell|pwsh|sudo|su|doas|env|xargs|python[0-9.]*|perl|ruby|"
    r"node|osascript)(?:\.exe)?"
)


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what is wider than a skill's work can be."""
    record = subject.record
    if record is None:
        return
    granted = record["permissions"]
    judges: dict[str, Callable[[str], tuple[str, str, str] | None]] = {
        "filesystem_read": _read,
        "filesystem_write": _write,
        "network_hosts": _host,
        "external_apis": _api,
        "environment_variables": _variable,
        "system_resources": _resource,
        "processes": _process,
    }
    for key, judge in judges.items():
        for number, value in enumerate(granted[key]):
            verdict = judge(value)
            if verdict is not None:
                rule, message, fix = verdict
                severity = "low" if rule == "asks-for-secret" else "warning"
                at = _at(subject, key, number)
                yield subject.finding(rule, severity, message, at, fix=fix)
    if granted["external_apis"] and not granted["network_hosts"]:
        message = "services are named, and no host where they are"
        at = _at(subject, "external_apis", 0)
        yield subject.finding("undocumented-api", "low", message, at, fix="name network_hosts")
    if granted["native_code"]:
        message = "native code is not bound by what Python can watch"
        yield subject.finding("native-code", "low", message, _at(subject, "native_code", 0))


def _at(subject: Subject, key: str, number: int) -> tuple[str, int, int]:
    portable = f"kurt/permissions.{key.replace('_', '-')}"
    return subject.at(("permissions", key, number), ("metadata", portable))


def _path(text: str) -> str:
    """Return a path with one spelling: slashes, no trailing ones, no case."""
    path = text.replace("\\", "/").casefold()
    path = re.sub(r"/(?:\*\*?/?)+$", "/", path)
    return posixpath.normpath(path) if path.strip("/") else "/"


def _climbs(text: str) -> bool:
    return ".." in text.replace("\\", "/").split("/")


def _read(text: str) -> tuple[str, str, str] | None:
    path = _path(text)
    if text in _ANYTHING or path in _WIDE:
        return "wide-read", f"it asks to read everything in {show(text)}", "name a folder below it"
    if _SECRET_PATHS.search(path):
        return "wide-read", f"{show(text)} is where secrets lie", "name what it really reads"
    if _climbs(text):
        return "path-climbs", f"{show(text)} leads out of where it begins", "write it without .."
    return None


def _write(text: str) -> tuple[str, str, str] | None:
    path = _path(text)
    if text in _ANYTHING or path in _WIDE:
        return "wide-write", f"it asks to write to all of {show(text)}", "name a folder below it"
    if _SYSTEM.match(path):
        message = f"{show(text)} belongs to the system, or to its other users"
        return "wide-write", message, "write below the skill's own data folder"
    if _SECRET_PATHS.search(path):
        return "wide-write", f"{show(text)} is where secrets lie", "name what it really writes"
    if _climbs(text):
        return "path-climbs", f"{show(text)} leads out of where it begins", "write it without .."
    return None


def _host(text: str) -> tuple[str, str, str] | None:
    host = text.strip().casefold()
    labels = host.removeprefix("*.").partition(":")[0].split(".")
    if host in _EVERY_HOST or (host.startswith("*.") and len(labels) < 2):
        return "wide-network", f"{show(text)} is every host, or nearly", "name the hosts"
    if not _HOST.fullmatch(host):
        name = re.sub(r"^[a-z][a-z0-9+.-]*://", "", host).partition("/")[0].rpartition("@")[2]
        fix = f"write {name}" if _HOST.fullmatch(name) else "write it like api.example.com"
        return "not-a-host", f"{show(text)} is not the name of a host", fix
    if _PRIVATE.match(host):
        message = f"{show(text)} is this computer, or the network it stands in"
        return "private-host", message, "say in the description why it is needed"
    return None


def _api(text: str) -> tuple[str, str, str] | None:
    if text in _ANYTHING:
        return "undocumented-api", f"{show(text)} names no service", "name each service"
    return None


def _variable(text: str) -> tuple[str, str, str] | None:
    name = text.upper()
    if "*" in name:
        if name.strip("*") in ("", "_"):
            message = f"{show(text)} is the whole environment, and the secrets in it"
            return "wide-environment", message, "name the variables"
        name = name.replace("*", "X")
    own = "use a variable of the skill's own, or a setting: [skill.NAME] in kurt.toml"
    if _FOREIGN.fullmatch(name):
        return "foreign-secret", f"{show(text)} opens far more than this skill's work", own
    if _LOADER.fullmatch(name):
        return "loader-variable", f"{show(text)} decides what other programs load", own
    if _SECRET_WORDS.search(name):
        return "asks-for-secret", f"{show(text)} holds a secret", own
    return None


def _resource(text: str) -> tuple[str, str, str] | None:
    if text in _ANYTHING:
        return "wide-resources", f"{show(text)} is everything", "name what it needs"
    return None


def _process(text: str) -> tuple[str, str, str] | None:
    if text in _ANYTHING:
        return "wide-processes", f"{show(text)} is every program", "name the programs"
    name = text.replace("\\", "/").rpartition("/")[2].casefold()
    if _SHELLS.fullmatch(name):
        return "shell-process", f"{show(text)} can start every other program", "name the program"
    return None
