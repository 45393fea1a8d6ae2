"""Make the object of an extension, and see it through its life.

An entry point names a class, an object, or a module alone. A module is a
plugin.json's: its ``Plugin(metadata, config)`` is built, or what its
``create_plugin(metadata, config)`` gives, which may be async.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .checks.python_version import allows, running
from .contract import HOOKS, Result, Target
from .errors import ConfigError, ContractError, InvalidInputError, PluginLoadError

if TYPE_CHECKING:
    from .config import Config
    from .contract import Extension
    from .models import PluginMetadata

__all__ = [
    "build_object",
    "build_plugin",
    "capability_target",
    "check_python",
    "hooks_of",
    "plugin_config",
    "settled",
]


def check_python(record: Mapping[str, Any], skill: str) -> None:
    """Raise unless this Python is one that the manifest's ``requires_python`` allows.

    :raises PluginLoadError: with both versions.
    """
    wanted = record.get("requires_python")
    if not allows(wanted):
        raise PluginLoadError(
            f"the skill {skill} needs Python {wanted}; this is {running()}",
            hint="run kurt in an environment of that version",
            skill=skill,
        )


def plugin_config(
    record: Mapping[str, Any],
    settings: Mapping[str, Any],
    skill: str,
    config: Config | None = None,
) -> dict[str, Any]:
    """Return a plugin's configuration: defaults, then its config.json, then ``[skill.NAME]``.

    :param config: the files, for the places that an error names.
    :raises ConfigError: when it does not fit the manifest's ``config_schema``.
    """
    from .config import Config
    from .plugin_settings import effective

    whole = effective(
        record, Config() if config is None else config, settings=settings, skill=skill
    )
    return whole.config.config


def build_plugin(
    module: ModuleType,
    record: Mapping[str, Any],
    config: dict[str, Any],
    metadata: PluginMetadata | None = None,
) -> Any:
    """Return the plugin object of a module, or an awaitable of it where the factory is async.

    A class without a constructor of its own, as in the plugin document's example of
    hooks, is called without arguments.

    :param metadata: the manifest as a model, where that was made already.
    :raises ContractError: when the module has neither ``Plugin`` nor ``create_plugin``.
    """
    factory = getattr(module, "Plugin", None) or getattr(module, "create_plugin", None)
    if not callable(factory):
        raise ContractError(
            f"the module {module.__name__} has neither a class Plugin nor a create_plugin function",
            at=getattr(module, "__file__", None),
            hint="write `class Plugin:` with `def __init__(self, metadata, config)`",
            skill=record["id"],
        )
    if isinstance(factory, type) and _takes_nothing(factory):
        return factory()
    if metadata is None:
        from .models import PluginMetadata

        metadata = PluginMetadata.from_record(record)
    try:
        return factory(metadata, config)
    except TypeError as error:
        inner = error.__traceback__.tb_next if error.__traceback__ is not None else None
        if inner is not None:
            raise
        # It was never entered: the arguments did not fit.
        code = getattr(getattr(factory, "__init__", None), "__code__", None)
        code = getattr(factory, "__code__", code)
        word = getattr(factory, "__name__", "it")
        raise ContractError(
            f"{word} of {record['id']} cannot be called with the manifest and the configuration",
            cause=str(error),
            at=f"{code.co_filename}:{code.co_firstlineno}" if code else module.__file__,
            hint=f"write it as `{word}(metadata, config)`",
            skill=record["id"],
        ) from error


def _takes_nothing(cls: Any) -> bool:
    plain = cls.__init__ is object.__init__ and cls.__new__ is object.__new__
    return plain and type(cls).__call__ is type.__call__


def build_object(plugin: Any, options: Mapping[str, Any], kind: str, name: str) -> Any:
    """Return the object of what an entry point names: a class is called, anything else stays.

    A class with an attribute ``Options``, a pydantic model, is called with an
    instance of it, made of the table ``[KIND.NAME]``.

    :raises ConfigError: when the options do not fit, or there is nothing to take them.
    """
    if not isinstance(plugin, type):
        return plugin
    table = f"[{kind}.{name}]" if "." not in name else f'[{kind}."{name}"]'
    model = getattr(plugin, "Options", None)
    if model is None:
        if options:
            raise ConfigError(
                f"{name} takes no options, but kurt.toml has a table {table}",
                hint="delete the table",
            )
        return plugin()
    from pydantic import ValidationError

    try:
        chosen = model.model_validate(dict(options))
    except ValidationError as error:
        lines = [".".join(map(str, item["loc"])) + ": " + item["msg"] for item in error.errors()]
        raise ConfigError(
            f"the options of {name} are not right",
            cause="\n".join(lines),
            hint=f"mend {table} in kurt.toml; it takes " + ", ".join(model.model_fields),
        ) from error
    return plugin(chosen)


async def settled(value: Any) -> Any:
    """Return ``value``, awaited where it is awaitable."""
    return await value if inspect.isawaitable(value) else value


def hooks_of(obj: Any, names: tuple[str, ...] = HOOKS) -> list[Callable[[], Any]]:
    """Return the hooks an object has, in the order of ``names``."""
    found = [getattr(obj, name, None) for name in names]
    return [hook for hook in found if callable(hook)]


def capability_target(extension: Extension, capability: Mapping[str, Any]) -> Target:
    """Return how a plugin's capability is called: the method of its name, arguments by schema.

    :raises ContractError: when the plugin has no such method.
    :raises ManifestError: when its ``parameters`` is no JSON Schema.
    """
    name = capability["name"]
    reference = f"{extension.skill}:{name}"
    method = getattr(extension.obj, name.replace("-", "_").replace(".", "_"), None)
    if not callable(method):
        raise ContractError(
            f"{extension.skill} declares the capability {name} and has no method of that name",
            cause=f"looked at {type(extension.obj).__name__}",
            hint=f"write `async def {name}(self, …)`",
            skill=extension.skill,
        )
    method = getattr(method, "awaited", method)  # a sync one in a worker is waited for here
    from .schemas import Schema  # a worker, which makes objects too, has no judge of schemas

    schema = Schema(capability.get("parameters") or {}, f"the capability {reference}")

    def check(arguments: Any) -> dict[str, Any]:
        is_mapping = isinstance(arguments, Mapping)
        filled = schema.filled(arguments) if is_mapping else {}
        problems = schema.problems(filled)
        if not is_mapping:
            problems = [("", f"a mapping is wanted, not a {type(arguments).__name__}")]
        if problems:
            raise InvalidInputError(
                f"the arguments do not fit {reference}",
                cause="\n".join(f"{place or '/'}: {text}" for place, text in problems),
                hint=f"kurt info {extension.skill}",
                skill=extension.skill,
                problems=problems,
            )
        return filled

    if inspect.iscoroutinefunction(method):

        async def run(params: Any, context: Any, on_progress: Any) -> Any:
            return await method(**params)

        chosen: Callable[[Any, Any, Any], Any] = run
    else:

        def run_sync(params: Any, context: Any, on_progress: Any) -> Any | Awaitable[Any]:
            return method(**params)

        chosen = run_sync
    return Target(
        chosen,
        schema=lambda: dict(schema.source),
        check=check,
        finish=lambda value: value if isinstance(value, Result) else Result(data=value),
        uses=(),
        summary=capability.get("description") or "",
    )
