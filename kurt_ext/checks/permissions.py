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

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..findings import Finding
from ..sources import show
from . import permission_hosts, permission_paths
from .permission_paths import ANYTHING, Verdict
from .stated import permissions
from .subject import Subject

__all__ = ["CATEGORY", "RULES", "check"]

RULES = (
    "wide-read",
    "wide-write",
    "secret-path",
    "startup-path",
    "path-climbs",
    "path-deceives",
    "path-variable",
    "wide-network",
    "cloud-metadata",
    "not-a-host",
    "private-host",
    "undocumented-api",
    "wide-api",
    "wide-environment",
    "foreign-secret",
    "asks-for-secret",
    "loader-variable",
    "wide-resources",
    "wide-processes",
    "shell-process",
    "native-code",
)
CATEGORY = {
    **dict.fromkeys(RULES, "permission_overbroad"),
    **dict.fromkeys(("not-a-host", "undocumented-api", "native-code"), "style"),
}


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what is wider than a skill's work can be."""
    granted = permissions(subject)
    judges: dict[str, Callable[[str], Verdict | None]] = {
        "filesystem_read": permission_paths.read,
        "filesystem_write": permission_paths.write,
        "network_hosts": permission_hosts.host,
        "external_apis": _api,
        "environment_variables": lambda text: _variable(text, granted),
        "system_resources": _resource,
        "processes": _process,
    }
    for key, judge in judges.items():
        for number, value in enumerate(granted.get(key, ())):
            verdict = judge(value)
            if verdict is not None:
                at = _at(subject, key, number)
                rule, severity, message, fix = verdict
                yield subject.finding(rule, severity, message, at, fix=fix, evidence=value[:200])
    if granted.get("external_apis") and not granted.get("network_hosts"):
        message = "services are named, and no host where they are"
        at = _at(subject, "external_apis", 0)
        yield subject.finding("undocumented-api", "low", message, at, fix="name network_hosts")
    if granted.get("native_code"):
        message = "native code is not bound by what Python can watch"
        yield subject.finding("native-code", "low", message, _at(subject, "native_code", 0))


def _at(subject: Subject, key: str, number: int) -> tuple[str, int, int]:
    portable = f"kurt/permissions.{key.replace('_', '-')}"
    return subject.at(("permissions", key, number), ("metadata", portable))


def _api(text: str) -> Verdict | None:
    if text.strip().lower() in ANYTHING:
        return Verdict("wide-api", "high", f"{show(text)} is every service", "name each service")
    return None


#: First word of a variable that opens another service → what the service is called elsewhere.
_SERVICES = {
    **dict.fromkeys(("AWS",), ("aws", "amazon")),
    **dict.fromkeys(("AZURE", "ARM"), ("azure", "windows.net", "microsoft")),
    **dict.fromkeys(("GOOGLE", "GCP", "GCLOUD"), ("google", "gcp")),
    **dict.fromkeys(("GITHUB", "GH"), ("github",)),
    **dict.fromkeys(("GITLAB", "CI"), ("gitlab",)),
    **dict.fromkeys(("NPM", "NODE"), ("npm",)),
    **dict.fromkeys(("PYPI", "TWINE", "UV"), ("pypi",)),
    **dict.fromkeys(("HF", "HUGGING", "HUGGINGFACE"), ("huggingface", "hf.co")),
    **dict.fromkeys(("DOCKER", "DOCKERHUB"), ("docker",)),
    **dict.fromkeys(("OPENAI",), ("openai",)),
    **dict.fromkeys(("ANTHROPIC",), ("anthropic",)),
    **dict.fromkeys(("STRIPE",), ("stripe",)),
    **dict.fromkeys(("SLACK",), ("slack",)),
    **dict.fromkeys(("VAULT",), ("vault",)),
    **dict.fromkeys(("DIGITALOCEAN", "DO"), ("digitalocean",)),
    **dict.fromkeys(("CLOUDFLARE", "CF"), ("cloudflare",)),
    **dict.fromkeys(("HEROKU",), ("heroku",)),
    **dict.fromkeys(("PGPASSWORD", "PG", "POSTGRES"), ("postgres", "pg")),
    **dict.fromkeys(("MYSQL",), ("mysql", "mariadb")),
    **dict.fromkeys(("SSH",), ("ssh",)),
    **dict.fromkeys(("KUBECONFIG",), ("kube", "k8s")),
}
_SECRET_WORDS = frozenset(
    ("SECRET", "PASSWORD", "PASSWD", "PWD", "TOKEN", "KEY", "CREDENTIAL", "CREDENTIALS", "APIKEY")
)
#: Whole names that open something though no word of theirs says so.
_OPENERS = frozenset(("SSH_AUTH_SOCK", "KUBECONFIG", "PGPASSWORD", "DATABASE_URL", "NETRC"))
#: Always another's: the host's own, and those of whoever runs it.
_NEVER = ("KURT", "MARKET", "SUDO", "ANSIBLE", "GPG")
_LOADERS = frozenset(
    ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONINSPECT", "PATH", "BASH_ENV", "IFS")
)


def _variable(text: str, granted: Mapping[str, Any]) -> Verdict | None:
    name = text.strip().upper()
    if "*" in name or "?" in name or name == "ALL":
        plain = re.sub(r"[*?_]+", "", name)
        narrow = name[:1].isalpha() and name.rstrip("*") == name.replace("*", "")
        if name == "ALL" or not narrow or len(plain) < 3:
            message = f"{show(text)} is the whole environment, or its secrets"
            return Verdict("wide-environment", "high", message, "name the variables")
        name = name.rstrip("*") + ("KEY" if name.rstrip("*").endswith("_") else "_KEY")
        if name.partition("_")[0] not in (*_SERVICES, *_NEVER):
            return None
    words = name.split("_")
    own = "use a variable of the skill's own, or a setting: [skill.NAME] in kurt.toml"
    if name in _LOADERS or name.startswith(("LD_", "DYLD_")):
        message = f"{show(text)} decides what other programs load"
        return Verdict("loader-variable", "medium", message, own)
    secret = not _SECRET_WORDS.isdisjoint(words) or name in _OPENERS
    if not secret:
        return None
    service = _SERVICES.get(words[0])
    if words[0] in _NEVER or name in _OPENERS or service is not None:
        due = service is not None and _serves(granted, service)
        message = f"{show(text)} opens far more than this skill's work"
        return Verdict("foreign-secret", "low" if due else "medium", message, own)
    if {"SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "CREDENTIALS"} & set(words) or (
        "PRIVATE" in words and "KEY" in words
    ):
        return Verdict("asks-for-secret", "low", f"{show(text)} holds a secret", own)
    return None


def _serves(granted: Mapping[str, Any], service: tuple[str, ...]) -> bool:
    """Return whether the manifest says that the skill works with a service."""
    said = [*granted.get("network_hosts", ()), *granted.get("external_apis", ())]
    said += granted.get("processes", ())
    return any(word in one.casefold() for one in said for word in service)


def _resource(text: str) -> Verdict | None:
    if text.strip().lower() in ANYTHING:
        return Verdict(
            "wide-resources", "high", f"{show(text)} is everything", "name what it needs"
        )
    return None


def _process(text: str) -> Verdict | None:
    if text.strip().lower() in ANYTHING or text.strip().endswith(("/*", "\\*")):
        return Verdict(
            "wide-processes", "high", f"{show(text)} is every program", "name the programs"
        )
    name = text.replace("\\", "/").rpartition("/")[2].casefold().removesuffix(".exe")
    if name in ("sudo", "su", "doas", "pkexec", "runas"):
        message = f"{show(text)} starts every program, as everybody"
        return Verdict("shell-process", "high", message, "name the program")
    if re.fullmatch("sh|bash|zsh|dash|fish|ksh|csh|tcsh|cmd|powershell|pwsh|busybox", name):
        message = f"{show(text)} can start every other program"
        return Verdict("shell-process", "high", message, "name the program that it is to start")
    if re.fullmatch("env|xargs|python[0-9.]*|perl|ruby|node|osascript", name):
        message = f"{show(text)} can start every other program"
        return Verdict("shell-process", "medium", message, "name the program")
    return None
