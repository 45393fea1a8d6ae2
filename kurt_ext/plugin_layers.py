"""The layers of one plugin's configuration, and which of them a value is from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from .config import joined
from .config_keys import fits
from .errors import ConfigError
from .settings import dotted
from .sources import fetch, mark
from .strictjson import locate

if TYPE_CHECKING:
    from .config import Config
    from .models import PluginConfig

__all__ = ["LAYERS", "SWITCHES", "Layers", "Path", "Source"]

Path = tuple["str | int", ...]

#: The fields of a `PluginConfig` beside the settings.
SWITCHES = ("enabled", "auto_load", "priority", "sandbox_config_override")
#: The layers by name, as `Source.layer` gives them.
LAYERS = ("default", "config.json", "user", "project", "call")


class Source:
    """Where a value comes from.

    :param layer: one of :data:`LAYERS`; ``user`` and ``project`` are a ``kurt.toml``.
    :param file: the file; None for a default and a call.
    :param line: 1-based; 0 where it is not known.
    """

    __slots__ = ("column", "file", "layer", "line")

    def __init__(self, layer: str, file: str | None = None, line: int = 0, column: int = 0) -> None:
        self.layer = layer
        self.file = file
        self.line = line
        self.column = column

    @property
    def at(self) -> str | None:
        """The place as ``file:line:column``; None without a file."""
        if self.file is None or not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}"

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for JSON output."""
        return {"layer": self.layer, "file": self.file, "line": self.line, "column": self.column}

    def __str__(self) -> str:
        return self.at or {"default": "the default", "call": "the call"}.get(self.layer, self.layer)

    def __repr__(self) -> str:
        return f"<Source {self.layer} {self.at or ''}>"


_LIMIT = "max_execution_time_seconds"


class Layers:
    """The layers as they are, and which of them a value is from."""

    def __init__(
        self,
        record: Mapping[str, Any],
        config: Config,
        given: PluginConfig | Mapping[str, Any] | None,
        settings: Mapping[str, Any],
        skill: str,
        folder: str | None,
    ) -> None:
        self.skill = skill
        self.folder = folder
        self.config = config
        self.table = settings
        self.shipped = _mapping(record.get("config"))
        self.called = _given(given, skill)

    def switches(self) -> tuple[dict[str, Any], float | None]:
        """Return the fields of the `PluginConfig` beside its settings, and the hooks' time."""
        chosen: dict[str, Any] = {}
        operator = self.config.plugin(self.skill)
        for layer, table in (("config.json", self.shipped), ("", operator), ("call", self.called)):
            for word in SWITCHES:
                if word not in table:
                    continue
                value = table[word]
                if layer and not fits(word, value):
                    raise self._unfit(layer, word, value)
                if isinstance(value, Mapping):
                    value = joined(chosen.get(word, {}), value)
                chosen[word] = value
        limit = operator.get("timeout_seconds", chosen.get(SWITCHES[3], {}).get(_LIMIT))
        if limit is not None and not fits("timeout_seconds", limit):
            message = f"{_LIMIT} of {self.skill} is no number of seconds above 0"
            raise ConfigError(
                message,
                at=self.switch(SWITCHES[3]).at,
                hint=f"kurt config set '{dotted(('plugin', self.skill, 'timeout_seconds'))}' 30",
                skill=self.skill,
                problems=[(f"/{SWITCHES[3]}/{_LIMIT}", "it is no number of seconds above 0")],
            )
        return chosen, limit

    def _unfit(self, layer: str, word: str, value: Any) -> ConfigError:
        wanted = {"priority": "a whole number", SWITCHES[3]: "an object"}.get(word, "a boolean")
        where = self.source_in(layer, (word,), whole=True)
        return ConfigError(
            f"{word} of the plugin {self.skill} must be {wanted}",
            cause=f"{where} gives a {type(value).__name__}",
            at=where.at,
            hint=f"kurt config explain '{dotted(('plugin', self.skill, word))}'",
            skill=self.skill,
            problems=[(f"/{word}", f"it must be {wanted}, not a {type(value).__name__}")],
        )

    def settings(self) -> dict[str, Any]:
        """Return the settings of all layers but the defaults, as one."""
        merged: dict[str, Any] = {}
        for table in (self.shipped.get("config"), self.table, self.called.get("config")):
            merged = joined(merged, _mapping(table))
        return deepcopy(merged)

    def switch(self, word: str) -> Source:
        """Return where a field of the `PluginConfig` comes from."""
        if word in self.called:
            return Source("call")
        for layer in reversed(self.config.counted):
            if word in layer.get("plugins", {}).get(self.skill, {}):
                return self._of_toml(layer, ("plugin", self.skill, word))
        return self.source_in("config.json" if word in self.shipped else "default", (word,), True)

    def source(self, path: Path) -> Source:
        """Return where a setting comes from; of a table, what has the last word in it."""
        if _has(self.called.get("config"), path):
            return Source("call")
        if _has(self.table, path):
            for layer in reversed(self.config.counted):
                if _has(layer["skills"].get(self.skill), path):
                    return self._of_toml(layer, ("skill", self.skill, *path))
            return Source("user")
        if _has(self.shipped.get("config"), path):
            return self.source_in("config.json", path)
        return Source("default")

    def source_in(self, layer: str, path: Path, whole: bool = False) -> Source:
        """Return the source of a path in a layer; ``whole`` where it is not below ``config``."""
        if layer != "config.json":
            return Source(layer)
        return Source(layer, *_in_json(self.folder, path if whole else ("config", *path)))

    def _of_toml(self, layer: Mapping[str, Any], path: Path) -> Source:
        from .config_explain import position

        # A part of a list has no key of its own beneath a dotted one; its list has.
        line, column = position(layer["file"], path)  # type: ignore[arg-type]
        return Source(layer["scope"], layer["file"], line, column)


def _given(given: PluginConfig | Mapping[str, Any] | None, skill: str) -> dict[str, Any]:
    """Return what a caller gives, as the fields that it sets.

    :raises ConfigError: when it is for another plugin, or in no form of config.json.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping) and not hasattr(given, "model_fields_set"):
        raise ConfigError(
            f"the configuration given to {skill} is no mapping but a {type(given).__name__}",
            hint='{"config": {"KEY": VALUE}}',
            skill=skill,
            problems=[("", "it is no mapping")],
        )
    if not isinstance(given, Mapping):
        fields = {name: getattr(given, name) for name in given.model_fields_set}
    else:
        fields = dict(given)
    known = ("plugin_id", *SWITCHES, "config")
    strange = sorted(str(key) for key in fields if key not in known)
    if strange:
        raise ConfigError(
            f"the configuration given to {skill} has no field {strange[0]!r}",
            cause="the fields are " + ", ".join(known),
            hint=f'its own settings go below config: {{"config": {{"{strange[0]}": …}}}}',
            skill=skill,
            problems=[(f"/{key}", "there is no such field") for key in strange],
        )
    if fields.get("plugin_id", skill) != skill:
        raise ConfigError(
            f"the configuration given to {skill} is for {fields['plugin_id']}",
            hint=f'PluginConfig(plugin_id="{skill}", …)',
            skill=skill,
            problems=[("/plugin_id", f"it is not {skill}")],
        )
    if not isinstance(fields.get("config", {}), Mapping):
        kind = type(fields["config"]).__name__
        raise ConfigError(
            f"the settings given to {skill} are no mapping but a {kind}",
            hint='{"config": {"KEY": VALUE}}',
            skill=skill,
            problems=[("/config", f"a mapping is wanted, not a {kind}")],
        )
    return fields


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _has(value: Any, path: Path) -> bool:
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return False
    return value is not None or bool(path)


def _in_json(folder: str | None, path: Path) -> tuple[str, int, int]:
    """Return file, line and column of a path in a skill's config.json."""
    if folder is None:
        return "config.json", 0, 0
    file = os.path.join(folder, "config.json")
    data = fetch(file, "config.json")
    return (file, *mark(locate(data), path)) if isinstance(data, bytes) else (file, 0, 0)
