"""The settings of one skill, with the environment's values in their places.

A value ``env:VAR`` stands for the variable ``VAR``, so that a secret need not
lie in a file. What came from there, and what looks like a secret, is never
shown by ``repr`` or ``str``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from shlex import quote
from typing import TYPE_CHECKING, Any

from .errors import ConfigError, UntrustedError

if TYPE_CHECKING:
    from .config import Config

__all__ = [
    "Need",
    "Settings",
    "dotted",
    "hide",
    "ignored_at",
    "looks_secret",
    "needs",
    "resolve",
]

#: What stands in the place of a value that is not shown.
HIDDEN = "***"
_REFERENCE = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)")
#: What is told whatever the key is called: a reference, or a key that signatures are checked by.
_OPEN = re.compile(rf"{_REFERENCE.pattern}|ed25519:[A-Za-z0-9+/]{{43}}=")
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_SECRET = re.compile(
    "apikey|auth|authorization|bearer|cookie|credentials?|dsn|keys?|pass|passphrase|passwd|"
    "passwords?|private|pwd|secrets?|tokens?",
    re.IGNORECASE,
)
_USERINFO = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/\s]*:[^/\s]*@")


def looks_secret(key: str, value: object = None) -> bool:
    """Return whether a setting's name or value is of the kind that people keep to themselves."""
    if any(_SECRET.fullmatch(word) for word in _WORDS.findall(key)):
        return True
    return isinstance(value, str) and _USERINFO.match(value) is not None


def hide(value: Any, key: str = "") -> Any:
    """Return a setting as it may be shown; ``env:VAR`` and public keys are no secrets."""
    if isinstance(value, Mapping):
        hidden: frozenset[str] = getattr(value, "hidden", frozenset())
        return {
            name: HIDDEN if name in hidden else hide(inner, name) for name, inner in value.items()
        }
    values = value if isinstance(value, list) and value else [value]
    if all(isinstance(one, str) and _OPEN.fullmatch(one) for one in values):
        return value
    if looks_secret(key, value):
        return HIDDEN
    if isinstance(value, list):
        return [hide(item) for item in value]
    return value


class Settings(dict[str, Any]):
    """A dict whose ``repr`` and ``str`` show no secret.

    :ivar hidden: keys whose values came from the environment, in whole or in part.
    """

    def __init__(self, values: Mapping[str, Any], hidden: Iterable[str] = ()) -> None:
        super().__init__(values)
        self.hidden = frozenset(hidden)

    def __repr__(self) -> str:
        return repr(hide(self))

    __str__ = __repr__

    def copy(self) -> Settings:
        """Return a shallow copy that shows as little."""
        return Settings(self, self.hidden)

    def __or__(self, other: Any) -> Any:
        return Settings({**self, **other}, self.hidden | getattr(other, "hidden", frozenset()))

    def __ror__(self, other: Any) -> Any:
        return Settings({**other, **self}, self.hidden | getattr(other, "hidden", frozenset()))

    def __reduce__(self) -> tuple[Any, ...]:
        return (Settings, (dict(self), self.hidden))


class Need:
    """What a service of ``requires_api`` needs, and whether it is there.

    :param api: the service's name in the manifest.
    :param key: the key that serves it, as ``skill.web-archiver.wayback``.
    :param met: whether the key has a value.
    :param variable: the environment variable that the value names, if any.
    :param at: ``file:line`` of the key; None where it is missing.
    :param cause: what is missing; empty where nothing is.
    :param hint: the line to paste; empty where nothing is missing.
    """

    __slots__ = ("api", "at", "cause", "hint", "key", "met", "variable")

    def __init__(
        self, api: str, key: str, *, variable: str | None, at: str | None, cause: str, hint: str
    ) -> None:
        self.api = api
        self.key = key
        self.met = not cause
        self.variable = variable
        self.at = at
        self.cause = cause
        self.hint = hint

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for JSON output; no value of a setting is among them."""
        return {name: getattr(self, name) for name in self.__slots__}

    def __repr__(self) -> str:
        return f"<Need {self.key} {'met' if self.met else self.cause}>"


def needs(
    config: Config,
    skill: str,
    requires_api: Iterable[str],
    environ: Mapping[str, str] | None = None,
) -> tuple[Need, ...]:
    """Return a `Need` for each service, in the manifest's order."""
    env = os.environ if environ is None else environ
    settings = config.settings(skill)
    result = []
    for api in dict.fromkeys(requires_api):
        path = ("skill", skill, api)
        key = dotted(path)
        value = settings.get(api)
        variable = _variable(value)
        at = _at(config, path) if api in settings else None
        cause = hint = ""
        if api not in settings and (file := ignored_at(config, path)):
            at = _at(config, path, file)
            cause = f"{key} is ignored: its project is not trusted"
            hint = f"kurt skill trust {quote(os.path.dirname(file))}"
        elif api not in settings:
            cause = f"{key} is not set"
            hint = f"kurt config set '{key}' env:{_variable_name(skill, api)}"
        elif variable is not None and not env.get(variable):
            cause = f"the environment variable {variable} is not set"
            hint = _export(variable)
        elif value in ("", {}):
            cause = f"{key} is empty"
            hint = f"kurt config set '{key}' env:{_variable_name(skill, api)}"
        result.append(Need(api, key, variable=variable, at=at, cause=cause, hint=hint))
    return tuple(result)


def resolve(
    config: Config,
    owner: tuple[str, str],
    raw: Mapping[str, Any],
    environ: Mapping[str, str] | None = None,
    trusts: Callable[[str], bool] | None = None,
) -> Settings:
    """Return ``raw`` with each ``env:VAR`` in it replaced by the variable's value.

    :param owner: the table's parts: ``("skill", NAME)`` or ``(KIND, EXTENSION)``.
    :param trusts: asked with the file of each reference that the project makes.
    :raises ConfigError: when a variable is not set, or its name cannot be one.
    :raises UntrustedError: when ``trusts`` says no.
    """
    resolver = _Resolver(config, owner, os.environ if environ is None else environ, trusts)
    return resolver.table(owner, raw)


class _Resolver:
    def __init__(
        self,
        config: Config,
        owner: tuple[str, str],
        environ: Mapping[str, str],
        trusts: Callable[[str], bool] | None,
    ) -> None:
        self.config = config
        self.skill = owner[1] if owner[0] == "skill" else None
        self.environ = environ
        self.trusts = trusts

    def table(self, path: tuple[str, ...], raw: Mapping[str, Any]) -> Settings:
        values, hidden = {}, []
        for key, value in raw.items():
            values[key], secret = self.value((*path, key), value)
            if secret:
                hidden.append(key)
        return Settings(values, hidden)

    def value(self, path: tuple[str, ...], value: Any) -> tuple[Any, bool]:
        """Return the value resolved, and whether it must be hidden as a whole."""
        if isinstance(value, dict):
            return self.table(path, value), False
        if isinstance(value, list):
            items = [self.value(path, item) for item in value]
            return [item for item, _ in items], any(secret for _, secret in items)
        if isinstance(value, str) and value.startswith("env:"):
            return self.variable(path, value), True
        return value, False

    def variable(self, path: tuple[str, ...], text: str) -> str:
        key = dotted(path)
        variable = _variable(text)
        if variable is None:
            raise ConfigError(
                f"{key} does not name an environment variable",
                cause=f"{text!r} is not env: and letters, digits and underscores",
                at=_at(self.config, path),
                hint=f"kurt config set '{key}' env:VARIABLE",
                skill=self.skill,
            )
        scope, file = _source(self.config, path)
        if scope == "project" and self.trusts is not None and not self.trusts(file):
            raise UntrustedError(
                f"{key} asks for the environment variable {variable}, and its project is not "
                "trusted",
                cause="trust in one skill is not enough: its project is to be trusted as a whole",
                at=_at(self.config, path),
                hint=f"kurt skill trust {quote(os.path.dirname(file))}",
                skill=self.skill,
            )
        found = self.environ.get(variable)
        if found is None:
            raise ConfigError(
                f"{key} needs the environment variable {variable}, which is not set",
                cause=f"{self.config.place(file, path)} says {key} = {text!r}",
                at=_at(self.config, path),
                hint=_export(variable),
                skill=self.skill,
            )
        return found


def _variable(value: object) -> str | None:
    match = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
    return match[1] if match else None


def _variable_name(skill: str, api: str) -> str:
    """Return the variable to propose: ``WEB_ARCHIVER_WAYBACK``."""
    name = re.sub(r"[^A-Z0-9]+", "_", f"{skill}_{api}".upper())
    return f"_{name}" if name[0].isdigit() else name


def _export(variable: str) -> str:
    return f"set {variable}=…" if os.name == "nt" else f"export {variable}=…"


def dotted(path: Iterable[str]) -> str:
    """Return a key as TOML writes it: parts that are not bare are quoted."""
    bare = re.compile(r"[A-Za-z0-9_-]+")
    return ".".join([part if bare.fullmatch(part) else f'"{part}"' for part in path])


def _source(config: Config, path: tuple[str, ...]) -> tuple[str, str]:
    """Return the scope and the file whose value counts for a setting or an option."""
    for layer in reversed(config.counted):
        if path[0] == "skill":
            table = layer["skills"].get(path[1], {})
        else:
            table = layer["kinds"].get(path[0], {}).get("options", {}).get(path[1], {})
        if _holds(table, path[2:]):
            return layer["scope"], layer["file"]
    return "", ""


def _holds(table: Any, path: Iterable[str]) -> bool:
    for part in path:
        if not isinstance(table, dict) or part not in table:
            return False
        table = table[part]
    return True


def ignored_at(config: Config, path: tuple[str, str, str]) -> str | None:
    """Return the file that sets a key of a skill in vain, its project not being trusted."""
    for layer in () if config.trusted else config.layers:
        if layer["scope"] == "project" and path[2] in layer["skills"].get(path[1], {}):
            return str(layer["file"])
    return None


def _at(config: Config, path: tuple[str, ...], file: str = "") -> str:
    from .config_explain import position

    file = file or _source(config, path)[1]
    line, column = position(file, path)
    return f"{file}:{line}:{column}" if line else file
