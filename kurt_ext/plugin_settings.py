"""How one plugin is to run here: four layers as one, checked, and each value's origin known.

From the layer that yields to the one that has the last word: the defaults of
its ``config_schema``, its config.json, ``kurt.toml`` (``[skill.NAME]`` for its own
settings, ``[plugin.NAME]`` for how it is loaded), and what the caller gives.
Tables are joined key by key at every depth; lists and all else are replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from shlex import quote
from typing import TYPE_CHECKING, Any

from .errors import ConfigError
from .masking import Masker, texts
from .settings import Settings, dotted, looks_secret

if TYPE_CHECKING:
    from .config import Config
    from .models import PluginConfig
    from .schemas import Schema

__all__ = ["Effective", "Source", "effective"]

Path = tuple["str | int", ...]

_MISSING = re.compile(r'"(.+)" is a required property')

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


class Effective:
    """What :func:`effective` returns.

    :ivar config: the settings filled and checked; ``repr`` shows no secret of them.
    :ivar secrets: the texts that no message may show, for a `Masker`.
    :ivar timeout_seconds: seconds for each hook, where ``kurt.toml`` says so, or the config's
        ``sandbox_config_override`` says ``max_execution_time_seconds``; else None.
    """

    __slots__ = ("_layers", "config", "secrets", "timeout_seconds")

    def __init__(
        self, config: PluginConfig, secrets: Iterable[str], timeout: float | None, layers: _Layers
    ) -> None:
        self.config = config
        self.secrets = tuple(secrets)
        self.timeout_seconds = timeout
        self._layers = layers

    @property
    def masker(self) -> Masker:
        """What masks the secrets."""
        return Masker(self.secrets)

    @property
    def origins(self) -> dict[str, Source]:
        """JSON pointer of each setting that is no table → where its value comes from."""
        from .schemas import pointer

        return {pointer(path): self._layers.source(path) for path, _ in _leaves(self.config.config)}

    @property
    def switches(self) -> dict[str, Source]:
        """``enabled``, ``auto_load``, ``priority`` … → where its value comes from."""
        return {word: self._layers.switch(word) for word in _SWITCHES}

    def __repr__(self) -> str:
        return f"<Effective {self.config!r}>"


def effective(
    record: Mapping[str, Any],
    config: Config,
    given: PluginConfig | Mapping[str, Any] | None = None,
    *,
    settings: Mapping[str, Any],
    skill: str,
    folder: str | None = None,
) -> Effective:
    """Return the configuration of a plugin, of all layers, filled and checked.

    :param record: its manifest.
    :param given: what the caller wants to differ: of a `PluginConfig` the fields that were
        set, or a mapping in the form of config.json, in which ``plugin_id`` may be missing.
    :param settings: the table ``[skill.NAME]``, references to the environment resolved.
    :param folder: the skill's folder, for the lines of its config.json.
    :raises ConfigError: when a layer, or all of them together, is wrong; ``problems`` has the
        JSON pointers, and no secret is shown.
    :raises ManifestError: when the ``config_schema`` is no JSON Schema.
    """
    from .models import PluginConfig

    layers = _Layers(record, config, given, settings, skill, folder)
    chosen, timeout = layers.switches()
    schema = _schema(record, skill)
    own = layers.settings()
    filled = schema.filled(own) if schema else own
    certain, likely = _secret_paths(filled, schema, settings)
    secret = certain | likely
    if schema:
        _check(record, schema, filled, secret, layers)
    # Set past the model, which would make a plain dict of it, and show what is in it.
    own_dict = {"config": _veiled(filled, (), secret)}
    made = PluginConfig(plugin_id=skill, **chosen).model_copy(update=own_dict)
    secrets = dict.fromkeys(text for path in secret for text in texts(_at(filled, path)) if text)
    return Effective(made, secrets, timeout, layers)


_SWITCHES = ("enabled", "auto_load", "priority", "sandbox_config_override")
_LIMIT = "max_execution_time_seconds"


class _Layers:
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
        from .config_file import fits

        chosen: dict[str, Any] = {}
        operator = self.config.plugin(self.skill)
        for layer, table in (("config.json", self.shipped), ("", operator), ("call", self.called)):
            for word in _SWITCHES:
                if word not in table:
                    continue
                value = table[word]
                if layer and not fits(word, value):
                    raise self.unfit(layer, word, value)
                if isinstance(value, Mapping):
                    value = _joined(chosen.get(word, {}), value)
                chosen[word] = value
        limit = operator.get("timeout_seconds", chosen.get(_SWITCHES[3], {}).get(_LIMIT))
        if limit is not None and not fits("timeout_seconds", limit):
            message = f"{_LIMIT} of {self.skill} is no number of seconds above 0"
            raise ConfigError(
                message,
                at=self.switch(_SWITCHES[3]).at,
                hint=f"kurt config set '{dotted(('plugin', self.skill, 'timeout_seconds'))}' 30",
                skill=self.skill,
                problems=[(f"/{_SWITCHES[3]}/{_LIMIT}", "it is no number of seconds above 0")],
            )
        return chosen, limit

    def unfit(self, layer: str, word: str, value: Any) -> ConfigError:
        wanted = {"priority": "a whole number", _SWITCHES[3]: "an object"}.get(word, "a boolean")
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
            merged = _joined(merged, _mapping(table))
        return merged

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
                if _has(layer["skills"].get(self.skill), path[:1]):
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
    if not isinstance(given, Mapping):
        fields = {name: getattr(given, name) for name in given.model_fields_set}
    else:
        fields = dict(given)
    known = ("plugin_id", *_SWITCHES, "config")
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


def _schema(record: Mapping[str, Any], skill: str) -> Schema | None:
    if not record.get("config_schema"):
        return None
    from .schemas import Schema

    return Schema(record["config_schema"], f"{skill}'s config_schema")


def _check(
    record: Mapping[str, Any],
    schema: Schema,
    filled: Mapping[str, Any],
    secret: Iterable[Path],
    layers: _Layers,
) -> None:
    """Raise for settings that do not fit the schema."""
    named = schema.source.get("properties")
    # A key for a service stands in the same table, whether the schema knows of it or not.
    services = {*(record.get("requires_api") or ())} - {*(named or ())}
    judged = {key: value for key, value in filled.items() if key not in services}
    problems = schema.problems(judged, secret)
    if not problems:
        return
    skill = layers.skill
    lines, places = [], []
    for place, text in problems:
        path = _path(place, filled)
        source = layers.source(path) if path else None
        places.append((path, source))
        lines.append(f"{place or '/'}: {text}" + (f" ({source})" if source else ""))
    path, source = next(((p, s) for p, s in places if s is not None), ((), None))
    missing = _MISSING.fullmatch(problems[0][1])
    if missing and not places[0][0]:
        path, source = (missing[1],), None
    key = dotted(("skill", skill, *[str(part) for part in path[:1]]))
    value = "env:VARIABLE" if not path or _is_secret(path, secret) else "VALUE"
    hint = f"kurt config set {quote(key)} {value}"
    if source is not None and source.layer == "call":
        hint = f"give {path[0]} another value, or leave it to kurt.toml"
    elif not path:
        hint = f"set it in kurt.toml under [{key}]"
    raise ConfigError(
        f"the configuration of {skill} does not fit its config_schema",
        cause="\n".join(lines),
        at=source.at if source else None,
        hint=hint,
        skill=skill,
        problems=problems,
    )


def _is_secret(path: Path, secret: Iterable[Path]) -> bool:
    return path in secret or any(isinstance(part, str) and looks_secret(part) for part in path)


def _secret_paths(
    filled: Mapping[str, Any], schema: Schema | None, settings: Mapping[str, Any]
) -> tuple[set[Path], set[Path]]:
    """Return the paths of what is secret by the schema or the environment, and by its name."""
    certain = {*schema.secrets(filled)} if schema else set()
    certain |= {path for path in _hidden(settings) if _at(filled, path) is not None}
    likely = set()
    for path, value in _leaves(filled):
        # Of a list its key decides, which stands above the items.
        key = next((part for part in reversed(path) if isinstance(part, str)), "")
        if value is None or isinstance(value, bool) or not looks_secret(key, value):
            continue
        if not schema or value not in schema.published(path):
            likely.add(path)
    return certain, likely


def _hidden(table: Mapping[str, Any], path: Path = ()) -> Iterator[Path]:
    hidden: frozenset[str] = getattr(table, "hidden", frozenset())
    for key, value in table.items():
        if key in hidden:
            yield (*path, key)
        elif isinstance(value, Mapping):
            yield from _hidden(value, (*path, key))


def _veiled(value: Any, path: Path, secret: set[Path]) -> Any:
    """Return the settings as dicts that do not show what is secret."""
    if not isinstance(value, Mapping):
        return value
    inner = {key: _veiled(item, (*path, key), secret) for key, item in value.items()}
    depth = len(path) + 1
    # A list has no keys to hide: one with a secret in it is hidden whole.
    lists = {one[:depth] for one in secret if len(one) > depth}
    hidden = [
        key
        for key, item in value.items()
        if (*path, key) in secret or (isinstance(item, list) and (*path, key) in lists)
    ]
    return Settings(inner, hidden)


def _joined(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """Return two tables as one; ``upper`` has the last word."""
    made = {key: deepcopy(value) for key, value in lower.items()}
    for key, value in upper.items():
        below = made.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            made[key] = _joined(below, value)
        else:
            made[key] = deepcopy(value)
    return made


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield the path of everything that is no table, and of empty tables."""
    if isinstance(value, Mapping) and (value or not path):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif isinstance(value, list) and any(isinstance(item, (Mapping, list)) for item in value):
        for number, inner in enumerate(value):
            yield from _leaves(inner, (*path, number))
    else:
        yield path, value


def _at(value: Any, path: Path) -> Any:
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _has(value: Any, path: Path) -> bool:
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return False
    return value is not None or bool(path)


def _path(place: str, value: Any) -> Path:
    """Return the path of a JSON pointer into a value."""
    path: list[str | int] = []
    for word in place.split("/")[1:]:
        part: str | int = word.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list):
            part = int(part)
        path.append(part)
        value = value[part]
    return tuple(path)


def _in_json(folder: str | None, path: Path) -> tuple[str, int, int]:
    """Return file, line and column of a path in a skill's config.json."""
    if folder is None:
        return "config.json", 0, 0
    import os

    from .sources import fetch, mark
    from .strictjson import locate

    file = os.path.join(folder, "config.json")
    data = fetch(file, "config.json")
    return (file, *mark(locate(data), path)) if isinstance(data, bytes) else (file, 0, 0)
