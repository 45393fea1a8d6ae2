"""Ask whether the configuration that a skill ships leaves its own supervision alone.

Limits, trust and checks belong to the host. A skill that brings a configuration
which loosens them decides for its user; one that ships a key has published it.

Bad::

    config.json: {"sandbox_config_override": {"enabled": false, "network": "allow"}}
    config.json: {"config": {"api_key": "sk_live_4eC39HqLyjWDarjtT1zdp7dc"}}

Good::

    config.json: {"sandbox_config_override": {"max_execution_time_seconds": 10}}
    config.json: {"config": {"api_key": "env:WEB_ARCHIVER_KEY"}}
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache

from ..findings import Finding
from ..pluginjson import KEYS as KNOWN
from ..sources import show, spell
from .stated import CONFIG, fields
from .subject import Subject

__all__ = ["CATEGORY", "RULES", "check"]

RULES = ("supervision-off", "supervision-loosened", "secret-shipped")
CATEGORY = {
    "supervision-off": "manifest_integrity",
    "supervision-loosened": "manifest_integrity",
    "secret-shipped": "secret_access",
}
_OVERRIDE = "sandbox_config_override"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Words of a key that name what watches over a skill.
_GUARDS = _words(
    "sandbox sandboxed sandboxing isolation isolated isolate containment seccomp landlock "
    "permission permissions validate validation validator verification verify signature "
    "signatures trust trusted untrusted security quarantine firewall enforcement enforce "
    "audit"
)
#: Of these it is the opposite that loosens: what is not trusted is watched.
_GRANTS = frozenset(("permission", "permissions", "trust", "trusted", "untrusted"))
#: Words that the work of a skill has uses of its own for.
_COMMON = _words(
    "validate validation validator verify verification signature signatures security enforce "
    "enforcement audit quarantine firewall"
)
#: Keys that say by themselves that nobody is to be asked.
_UNASKED = _words(
    "auto_approve autoapprove auto_trust always_allow allow_all allow_any bypass skip_validation "
    "skip_checks skip_verification disable_validation disable_sandbox no_sandbox no_validate "
    "unsafe unrestricted privileged allow_unsafe dangerously_skip_permissions "
    "dangerously_disable_sandbox grant_all elevated run_as_root approve_all yolo"
)
#: Keys that are a skill's own matter though a word of theirs is a guard's.
_OWN = _words(
    "verify_ssl verify_tls ssl_verify tls_verify validate_input validate_inputs validate_schema "
    "validate_output validate_email validate_links verify_email audit_log signature_style "
    "email_signature"
)
_OFF = frozenset(
    ("off", "false", "no", "none", "disabled", "disable", "never", "skip", "0", "permissive")
)
_OPEN = _words(
    "allow allow_all allow-all all any full open host unrestricted unlimited none off disabled "
    "root * **"
)
#: Below an override, what can only be the name of a limit.
_LIMIT = re.compile(r"(?:^|_)(?:max|limit|timeout|seconds|memory|quota|rlimit)(?:_|$)|_(?:mb|kb)$")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what of the shipped configuration is not the skill's to say."""
    stated = fields(subject).get(CONFIG)
    if stated:
        yield from _walk(stated, (), inside=False)
    for file in subject.files:
        # What the manifest's own fields say, other checks judge.
        others = {
            key: value
            for key, value in fields(subject).get(file, {}).items()
            if key not in KNOWN and key != "metadata"
        }
        for finding in _walk(others, (), inside=False):
            yield finding.but(path=file)


def _walk(
    table: Mapping[str, object], above: tuple[str, ...], *, inside: bool
) -> Iterator[Finding]:
    """Yield findings for a table and those in it.

    :param inside: whether the table is about supervision, whatever its keys are called.
    """
    if len(above) > 16:
        return
    for key, value in table.items():
        path = (*above, str(key))
        name = _snake(str(key))
        yield from _key(path, name, value, inside=inside)
        deeper = inside or name == _OVERRIDE or (name in _GUARDS and len(path) < 3)
        if isinstance(value, Mapping):
            yield from _walk(value, path, inside=deeper)
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, Mapping):
                    yield from _walk(item, path, inside=deeper)


def _key(path: tuple[str, ...], name: str, value: object, *, inside: bool) -> Iterator[Finding]:
    shown = spell(path)
    words = _GUARDS.intersection(name.split("_")) if name not in _OWN else frozenset[str]()
    own = path[0] == "config" and words <= _COMMON
    guard, grave = bool(words), "medium" if own and words else "critical"
    watch = bool(words - _GRANTS)
    if name in _UNASKED and _is_on(value):
        message = f"{shown} has the skill's user not asked"
        yield _finding("supervision-off", "critical", message, value)
    elif (watch or (inside and name in ("enabled", "enable", "active", "mode"))) and _is_off(value):
        message = f"{shown} switches off what watches over the skill"
        yield _finding("supervision-off", grave, message, value)
    elif name.startswith(("disable_", "skip_", "no_", "bypass_", "ignore_")) and _is_on(value):
        if watch:
            message = f"{shown} switches off what watches over the skill"
            yield _finding("supervision-off", grave, message, value)
    elif (inside or (guard and not isinstance(value, Mapping))) and _is_open(name, value):
        message = f"{shown} loosens the limits that the host sets"
        yield _finding("supervision-loosened", grave, message, value)
    elif name == "permissions" and len(path) < 3 and value and isinstance(value, (Mapping, list)):
        message = f"{shown} gives the skill leave that its manifest does not ask for"
        yield _finding("supervision-loosened", "critical", message, value)
    elif isinstance(value, str) and _is_secret(name, value):
        message = f"{shown} holds a secret that everybody can read who has the skill"
        fix = "write env:NAME, and let each user set the variable"
        yield Finding("secret-shipped", "medium", message, path=CONFIG, fix=fix)


def _finding(rule: str, severity: str, message: str, value: object) -> Finding:
    evidence = show(str(value), 120)
    fix = "delete the key: the host's kurt.toml decides that"
    return Finding(rule, severity, message, path=CONFIG, fix=fix, evidence=evidence)


def _snake(key: str) -> str:
    """Return a key as words joined by underscores: ``autoApprove`` → ``auto_approve``."""
    if key.islower() and "-" not in key:
        return key
    return _humps().sub("_", key).replace("-", "_").replace(".", "_").lower().strip("_")


@cache
def _humps() -> re.Pattern[str]:
    return re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def _is_on(value: object) -> bool:
    if isinstance(value, str):
        return value.strip().lower() not in {*_OFF, ""}
    return bool(value)


def _is_off(value: object) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in _OFF
    return value is False or (value == 0 and not isinstance(value, float)) or value == 0.0


def _is_open(name: str, value: object) -> bool:
    """Return whether a limit is none: everything, or so much that nobody could mean it."""
    if isinstance(value, list):
        return any(isinstance(item, str) and item.strip() in ("*", "/", "**") for item in value)
    if isinstance(value, str):
        return value.strip().lower() in _OPEN
    if isinstance(value, bool):
        return value and name.startswith(("allow", "trusted", "trust", "network", "unsafe"))
    if isinstance(value, (int, float)):
        return bool(_LIMIT.search(name)) and (value <= 0 or value >= 1e6)
    return value is None and bool(_LIMIT.search(name))


_KEYS = re.compile(
    r"(?:^|_)(?:api_?key|secret|token|password|passwd|private_?key|access_?key|credentials?)$"
)
#: Forms that keys of well-known services have; each is a secret wherever it stands.
_FORMS = re.compile(
    r"(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|"
    r"sk[-_](?:live|test|ant|proj)[-_][A-Za-z0-9_-]{16,}|xox[abprs]-[A-Za-z0-9-]{10,}|"
    r"glpat-[A-Za-z0-9_-]{16,}|AIza[0-9A-Za-z_-]{30,}|pypi-[A-Za-z0-9_-]{40,}|"
    r"npm_[A-Za-z0-9]{30,}|hf_[A-Za-z0-9]{30,}|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
_PLACEHOLDER = re.compile(
    r"env:|[<$%{]|your|change|example|placeholder|xxx|todo|\*\*\*|dummy|sample|none|null|secret$",
    re.IGNORECASE,
)


def _is_secret(name: str, value: str) -> bool:
    text = value.strip()
    if _FORMS.search(text[:4096]):
        return True
    if not _KEYS.search(name) or len(text) < 12 or len(text) > 4096 or _PLACEHOLDER.match(text):
        return False
    # A sentence, or a path, is no key.
    return " " not in text and not text.startswith(("/", "./", "~", "http")) and _mixed(text)


def _mixed(text: str) -> bool:
    return any(char.isdigit() for char in text) and any(char.isalpha() for char in text)
