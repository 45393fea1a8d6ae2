"""The tables of the pages, made from the program; a page that shows another one fails its test."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from unittest.mock import patch

from kurt_ext import cli, compact, config_file, pluginjson, skillmd
from kurt_ext.commands.help import EXIT_CODES
from kurt_ext.errors import KurtError
from kurt_ext.explaining import errors_by_reference
from kurt_ext.lifecycle import EVENTS, TRANSITIONS, diagram, legal
from kurt_ext.loader import PluginLoader
from kurt_ext.models import (
    PluginCapability,
    PluginConfig,
    PluginDependency,
    PluginMetadata,
    PluginPermissions,
    PluginState,
    SkillImplementation,
)
from kurt_ext.places import Places
from kurt_ext.sandbox.limits import LIMITS
from kurt_tool.command import command as tool_command

__all__ = ["FACETS", "TABLES", "table"]

FACETS = ("call", "around", "wraps", "provide", "roles", "execute")

#: Only the models hold these: where the manifest came from, and the file beside it.
_NOT_WRITTEN = ("source", "config")
_PORTABLE = {record: key for key, (record, _) in compact.KEYS.items()}
_SKILL = {record: key for key, record in skillmd.KEYS.items()}
_PLUGIN = {record: key for key, record in pluginjson.KEYS.items()}


def table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table."""
    titles = list(titles)
    lines = [titles, ["---"] * len(titles), *rows]
    text = "".join("| " + " | ".join(row) + " |\n" for row in lines)
    return text.replace("Name <address>", "`Name <address>`")


def code(word: str) -> str:
    """Return a word as code; a dash where there is none."""
    return f"`{word}`" if word else "–"


def manifest_fields() -> str:
    """Return the fields of a manifest in its three spellings."""
    rows = [
        ["`name`", "`name`", "`plugin_id`", PluginMetadata.model_fields["plugin_id"].description],
        ["–", "–", "`name`", PluginMetadata.model_fields["name"].description],
    ]
    for name, field in PluginMetadata.model_fields.items():
        if name in ("plugin_id", "name", *_NOT_WRITTEN):
            continue
        record = "type" if name == "plugin_type" else name
        native = _SKILL.get(record, "")
        plugin = _PLUGIN.get(record, "")
        key = _PORTABLE.get(record, "")
        portable = f"`metadata.{key}`" if key else code(native)
        if name == "permissions":
            portable = "`metadata.kurt/permissions.…`"
        if name == "metadata":
            native = plugin = portable = name
            portable = code(portable)
        rows.append([code(native), portable, code(plugin), field.description])
    titles = ("SKILL.md", "SKILL.md, portable", "plugin.json", "what it is")
    return table(titles, [[str(cell) for cell in row] for row in rows])


def fields_of(model: type) -> str:
    """Return the fields of a model, each with its description and default."""
    rows = []
    for name, field in model.model_fields.items():  # type: ignore[attr-defined]
        default = "" if field.is_required() else str(field.get_default(call_default_factory=True))
        default = {"True": "true", "False": "false"}.get(default, default)
        rows.append([code(field.alias or name), code(default), field.description])
    return table(("field", "default", "what it is"), rows)


def config_keys() -> str:
    """Return the keys of kurt.toml."""
    rows = [[code(key.name), key.type, key.default, key.text] for key in config_file.KEYS]
    return table(("key", "type", "without it", "what it is"), rows)


def places() -> str:
    """Return where everything lies, on three systems."""
    columns = []
    for platform in ("linux", "darwin", "win32"):
        with patch("kurt_ext.places.sys.platform", platform):
            home = "%USERPROFILE%" if platform == "win32" else "~"
            local = {"LOCALAPPDATA": "%LOCALAPPDATA%"}
            found = Places("PROJECT", {"HOME": home, **local})
        here = os.getcwd() + os.sep

        def shown(path: str, here: str = here, windows: bool = platform == "win32") -> str:
            path = path.removeprefix(here)
            return code(path.replace("/", "\\") if windows else path)

        columns.append(
            [
                shown(found.user_config),
                shown(found.data),
                shown(found.cache),
                ", ".join(shown(path) for path in found.user_skills),
            ]
        )
    names = ("user's `kurt.toml`", "data", "cache", "user's skills")
    variables = ("KURT_CONFIG", "KURT_DATA", "KURT_CACHE", "KURT_SKILLS")
    rows = [
        [name, code(variable), *paths]
        for name, variable, *paths in zip(names, variables, *columns, strict=True)
    ]
    return table(("place", "variable", "Linux", "macOS", "Windows"), rows)


def all_commands() -> str:
    """Return the commands, however deep in groups, and what each is for."""
    own = {**cli.COMMANDS, "tool": ("kurt_tool.command:command", tool_command.short_help or "")}
    return table(("command", "what it does"), _rows("kurt", own))


def _rows(above: str, commands: Mapping[str, tuple[str, str]]) -> Iterator[list[str]]:
    for name, (target, summary) in sorted(commands.items()):
        path = f"{above} {name}"
        yield [code(path), summary]
        command = cli.load(name, target)
        if isinstance(command, cli.LazyGroup):
            yield from _rows(path, command.table)
            for word, found in sorted(command.commands.items()):
                yield [code(f"{path} {word}"), found.get_short_help_str(80)]


def exit_codes() -> str:
    """Return the exit codes, each with the references of the errors that end with it."""
    rows = []
    for number, meaning in EXIT_CODES.items():
        references = [
            code(reference)
            for reference, error in sorted(errors_by_reference().items())
            if error.exit_code == number and error is not KurtError
        ]
        rows.append([str(number), meaning, ", ".join(references)])
    return table(("code", "meaning", "errors"), rows)


def all_kinds() -> str:
    """Return the kinds that come with kurt-ext."""
    rows = []
    for module in ("tool", "engine", "middleware", "integration", "custom"):
        kind = import_module(f"kurt_{module}.kind").KIND
        facets = [name for name in FACETS if getattr(kind, name)]
        rows.append(
            [kind.name, code(kind.namespace), kind.pattern, ", ".join(facets), kind.summary]
        )
    return table(("kind", "namespace", "pattern", "facets", "what it is"), rows)


#: State → what it means, to a reader.
_STATES = {
    "unloaded": "it is there, and nothing of it is imported",
    "loading": "it is judged, imported and initialized",
    "loaded": "its object is ready; it does not work yet",
    "active": "it works",
    "inactive": "it was stopped, is still loaded, and calls of it are refused",
    "unloading": "it is cleaned up, and its code is forgotten",
    "failed": "a step failed; what was made is cleaned up, and its code is forgotten",
}
#: Event → when it is told, to a reader.
_EVENTS = {
    "loading": "a load begins",
    "initializing": "its code is imported and its object made; `initialize` is next",
    "loaded": "it is LOADED",
    "activated": "it is ACTIVE",
    "deactivated": "it is INACTIVE",
    "reloading": "a reload begins",
    "reloaded": "new code has taken the place of the old, which is retired",
    "rolled-back": "new code does not run; the old one still does, `error` says why",
    "left-behind": "code has ended and left something; `detail` names each thing",
    "failed": "it is FAILED; `error` says why",
    "unloading": "it is about to be cleaned up",
    "unloaded": "it is UNLOADED",
    "isolating": "it is to live in a worker; `detail` says what a permission came to",
    "worker-started": "a process was started for it",
    "worker-ready": "that has loaded it",
    "worker-crashed": "that ended by itself; calls under way fail",
    "worker-restarted": "another one has taken its place, and has loaded it",
    "worker-recycled": "it was replaced: after many calls, or a long time without one",
    "worker-limit": "it came to the end of what it may use; `detail` names the limit",
    "worker-quarantined": "it crashed too often, and is held back until it is loaded again",
    "worker-closed": "it was ended with the plugin",
}


def plugin_states() -> str:
    """Return the states of a plugin, and what may be asked in each."""
    rows = [
        [status.name, _STATES[status], ", ".join(legal(status)) or "–"] for status in TRANSITIONS
    ]
    return table(("state", "meaning", "what may be asked"), rows)


def plugin_events() -> str:
    """Return the events of a plugin's life."""
    return table(("event", "when"), [[code(name), _EVENTS[name]] for name in EVENTS])


def plugin_loader() -> str:
    """Return the methods of the loader, each with the first sentence of its docstring."""
    rows = []
    for name, method in vars(PluginLoader).items():
        if name.startswith("_") or name in _FOR_ITS_ROOMS or not method.__doc__:
            continue
        call = code(name)
        if callable(method):
            words = [
                parameter.name
                for parameter in list(inspect.signature(method).parameters.values())[1:]
            ]
            is_async = "await " if inspect.iscoroutinefunction(method) else ""
            call = code(f"{is_async}{name}({', '.join(words)})")
        first = " ".join(inspect.cleandoc(method.__doc__).split("\n\n")[0].split())
        rows.append([call, first.replace("``", "`")])
    return table(("method", "what it does"), rows)


def plugin_loader_options() -> str:
    """Return the parameters of the loader, each with its default and what its docstring says."""
    told = re.findall(r":param (\w+): (.*?)(?=\n *:|\Z)", PluginLoader.__doc__ or "", re.DOTALL)
    parameters = inspect.signature(PluginLoader).parameters
    assert [name for name, _ in told] == list(parameters)
    rows = []
    for name, text in told:
        default = parameters[name].default
        said = re.sub(r":\w+:`", "`", " ".join(text.split()))
        rows.append([code(name), code(repr(default)), said])
    return table(("parameter", "default", "what it is"), rows)


#: Methods that other rooms of the core call.
_FOR_ITS_ROOMS = (
    "build",
    "candidate",
    "loadable_candidates",
    "look_at",
    "show_reloaded",
    "spawn",
    "switches",
)


def plugin_state() -> str:
    """Return the fields of a plugin's state."""
    found = {**PluginState.model_fields, **PluginState.model_computed_fields}
    rows = [[code(name), str(field.description)] for name, field in found.items()]
    return table(("field", "what it is"), rows)


#: Words of the comment before a table → what the table must be.
def limits() -> str:
    """Return the limits of isolated plugins."""
    rows = [[code(one.key), f"{one.default:g}", one.text] for one in LIMITS]
    return table(("limit", "default", "bounds"), rows)


TABLES = {
    "kinds": all_kinds,
    "keys": config_keys,
    "places": places,
    "commands": all_commands,
    "exit codes": exit_codes,
    "manifest fields": manifest_fields,
    "implements": lambda: fields_of(SkillImplementation),
    "capabilities": lambda: fields_of(PluginCapability),
    "dependencies": lambda: fields_of(PluginDependency),
    "permissions": lambda: fields_of(PluginPermissions),
    "config.json": lambda: fields_of(PluginConfig),
    "plugin states": plugin_states,
    "plugin transitions": lambda: f"```mermaid\n{diagram()}```\n",
    "plugin loader": plugin_loader,
    "plugin loader options": plugin_loader_options,
    "plugin state": plugin_state,
    "plugin events": plugin_events,
    "limits": limits,
}
