"""What the operator asks of a skill before it is let in: ``[validator]`` of ``kurt.toml``.

::

    [validator]
    min_score = 70                          # below it nothing is installed
    max_risk = "medium"                     # the gravest risk that is let in
    max_file_size_mb = 5                    # of one file
    allowed_extensions = [".py", ".md", ".json"]
    blocked_imports = ["ctypes"]            # whatever a skill declares
    known_ids = ["com.example.calculator"]  # that others may be mistaken for
    reserved_prefixes = ["com.example."]    # of ids that no skill may have
    adapters = ["ruff"]                     # asked for a second opinion

The user's file decides. The project's lies beside what is judged, and often came
with it: it can only make the judgement stricter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from .config_keys import RISKS
from .errors import ConfigError

if TYPE_CHECKING:
    from .config import Config

__all__ = ["MIN_SCORE", "RESERVED_PREFIXES", "SecuritySettings", "settings"]

#: The score below which nothing is installed, where nobody says another.
MIN_SCORE = 60.0
#: What begins an id that only the host's own plugins may have, where nobody says more.
RESERVED_PREFIXES = ("kurt.", "io.kurt.", "kurt_ext.")


class SecuritySettings(NamedTuple):
    """What the operator asks of a skill.

    :param max_file_size_mb: MiB that one file may have; None: the validator's own limit.
    :param allowed_extensions: endings such as ``.py``; None: those that the validator knows.
    :param blocked_imports: dotted names that no skill may use.
    :param min_score: the least score that is let in, 0 to 100.
    :param max_risk: the gravest risk that is let in.
    :param known_ids: ids that others may be mistaken for.
    :param reserved_prefixes: what begins an id that no skill may have.
    :param adapters: other programs that are asked for a second opinion; see `adapters`.
    """

    max_file_size_mb: float | None = None
    allowed_extensions: tuple[str, ...] | None = None
    blocked_imports: tuple[str, ...] = ()
    min_score: float = MIN_SCORE
    max_risk: str = RISKS[-1]
    known_ids: tuple[str, ...] = ()
    reserved_prefixes: tuple[str, ...] = RESERVED_PREFIXES
    adapters: tuple[str, ...] = ()

    @property
    def security_config(self) -> dict[str, Any]:
        """What of it a ``PluginValidator`` takes as its ``security_config``."""
        found: dict[str, Any] = {}
        if self.max_file_size_mb is not None:
            found["max_file_size_mb"] = self.max_file_size_mb
        if self.allowed_extensions is not None:
            found["allowed_extensions"] = list(self.allowed_extensions)
        if self.blocked_imports:
            found["blocked_imports"] = list(self.blocked_imports)
        return found

    def admits(self, score: float, risk: str) -> bool:
        """Return whether a skill of a score and a risk is let in."""
        return score >= self.min_score and RISKS.index(risk) <= RISKS.index(self.max_risk)


def settings(config: Config) -> SecuritySettings:
    """Return what the files of a configuration ask for together.

    :raises ConfigError: with file, line and column, where a file says something that cannot
        be understood: nothing is judged by a rule that somebody meant and nobody reads.
    """
    chosen = SecuritySettings()
    for layer in config.layers:
        table: Mapping[str, Any] = layer.get("validator", {})
        for key in table.get("wrong", ()):
            path = ("validator", key) if key else ("validator",)
            raise ConfigError(
                f"{'.'.join(path)} cannot be understood, and nothing is judged without it",
                cause=_cause(config, layer["file"], ".".join(path)),
                at=config.at(layer["file"], path),
                hint=f"kurt config explain {'.'.join(path)}" if key else "write [validator]",
            )
        if layer["scope"] == "project":
            chosen = _tightened(chosen, table, trusted=config.trusted)
        else:
            chosen = _replaced(chosen, table)
    return chosen


def _cause(config: Config, file: str, key: str) -> str | None:
    for finding in config.findings:
        if finding.path == file and finding.message.startswith(f"{key} must be"):
            return finding.message
    return None


def _replaced(base: SecuritySettings, table: Mapping[str, Any]) -> SecuritySettings:
    """Return the settings with what the user's file says in their place."""
    changed: dict[str, Any] = {
        key: tuple(dict.fromkeys(value)) if isinstance(value, list) else value
        for key, value in table.items()
        if key in SecuritySettings._fields
    }
    return base._replace(**changed)


def _tightened(
    base: SecuritySettings, table: Mapping[str, Any], *, trusted: bool
) -> SecuritySettings:
    """Return the settings with what of the project's file is stricter than they are."""
    changed: dict[str, Any] = {}
    if "max_file_size_mb" in table:
        sizes = (table["max_file_size_mb"], base.max_file_size_mb or float("inf"))
        changed["max_file_size_mb"] = min(sizes)
    if "min_score" in table:
        changed["min_score"] = max(table["min_score"], base.min_score)
    if "max_risk" in table:
        changed["max_risk"] = min(table["max_risk"], base.max_risk, key=RISKS.index)
    if "allowed_extensions" in table:
        listed = tuple(dict.fromkeys(table["allowed_extensions"]))
        before = base.allowed_extensions
        if before is not None:
            listed = tuple([one for one in listed if one in before])
        changed["allowed_extensions"] = listed
    for key in ("blocked_imports", "reserved_prefixes", "adapters"):
        if key in table:
            changed[key] = _united(getattr(base, key), table[key])
    # An id that is known is nobody's forgery: a repository must not know its own.
    if trusted and "known_ids" in table:
        changed["known_ids"] = _united(base.known_ids, table["known_ids"])
    return base._replace(**changed)


def _united(first: Iterable[str], second: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*first, *second]))
