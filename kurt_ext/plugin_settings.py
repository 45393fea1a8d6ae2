"""How one plugin is to run here: four layers as one, checked, and each value's origin known.

From the layer that yields to the one that has the last word: the defaults of
its ``config_schema``, its config.json, ``kurt.toml`` (``[skill.NAME]`` for its own
settings, ``[plugin.NAME]`` for how it is loaded), and what the caller gives.
Tables are joined key by key at every depth; lists and all else are replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from shlex import quote
from typing import TYPE_CHECKING, Any

from .errors import ConfigError
from .masking import Masker, texts
from .plugin_layers import SWITCHES, Layers, Path, Source
from .settings import Settings, dotted, looks_secret

if TYPE_CHECKING:
    from .config import Config
    from .models import PluginConfig
    from .schemas import Schema

__all__ = ["Effective", "Source", "effective"]

_MISSING = re.compile(r'"(.+)" is a required property')


class Effective:
    """What :func:`effective` returns.

    :ivar config: the settings filled and checked; ``repr`` shows no secret of them.
    :ivar secrets: the texts that no message may show, for a `Masker`.
    :ivar timeout_seconds: seconds for each hook, where ``kurt.toml`` says so, or the config's
        ``sandbox_config_override`` says ``max_execution_time_seconds``; else None.
    """

    __slots__ = ("_layers", "_masker", "config", "secrets", "timeout_seconds")

    def __init__(
        self, config: PluginConfig, secrets: Iterable[str], timeout: float | None, layers: Layers
    ) -> None:
        self.config = config
        self.secrets = tuple(secrets)
        self.timeout_seconds = timeout
        self._layers = layers
        self._masker: Masker | None = None

    @property
    def masker(self) -> Masker:
        """What masks the secrets."""
        if self._masker is None:
            self._masker = Masker(self.secrets)
        return self._masker

    @property
    def origins(self) -> dict[str, Source]:
        """JSON pointer of each setting that is no table → where its value comes from."""
        from .schemas import pointer

        return {pointer(path): self._layers.source(path) for path, _ in _leaves(self.config.config)}

    @property
    def switches(self) -> dict[str, Source]:
        """``enabled``, ``auto_load``, ``priority`` … → where its value comes from."""
        return {word: self._layers.switch(word) for word in SWITCHES}

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

    layers = Layers(record, config, given, settings, skill, folder)
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
    # Of what only bears a secret's name no number: max_tokens would mask each 4096.
    sure = [path for path in secret if path in certain or isinstance(_at(filled, path), str)]
    secrets = dict.fromkeys([text for path in sure for text in texts(_at(filled, path)) if text])
    return Effective(made, secrets, timeout, layers)


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
    layers: Layers,
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
        path, source = (str(missing[1]),), None
    key = dotted(("skill", skill, *[str(part) for part in path[:1]]))
    value = "env:VARIABLE" if not path or _is_secret(path, secret) else "VALUE"
    hint = f"kurt config set {quote(key)} {value}"
    if path and source is not None and source.layer == "call":
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


def _at(value: Any, path: Path) -> Any:
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _path(place: str, value: Any) -> Path:
    """Return the path of a JSON pointer into a value."""
    path: list[str | int] = []
    for word in place.split("/")[1:]:
        key = word.replace("~1", "/").replace("~0", "~")
        part: str | int = int(key) if isinstance(value, list) else key
        path.append(part)
        value = value[part]  # pyright: ignore[reportCallIssue, reportArgumentType]
    return tuple(path)


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
