"""Show a plugin's settings, and where each comes from."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from .. import cli, completion
from ..asking import ask_for, host_line, host_of, plugin_id_of
from ..errors import ConfigError, NotFoundError, UsageError
from ..jsontext import dumps
from ..names import suggest
from ..output import Answer, Column
from ..settings import dotted, hide
from ..trust import Trust
from ..wire import plain

if TYPE_CHECKING:
    from ..hosts import Host
    from ..output import Page
    from ..plugin_settings import Effective, Source
    from ..session import Session

__all__ = ["command"]

_COLUMNS = (
    Column("Key", styles={"": "bold"}),
    Column("Value", fold=True),
    Column("From", styles={"default": "dim"}),
    Column("Place", fold=True, drop=1, styles={"": "dim"}),
)


@cli.command(
    "config",
    schema="plugin.config",
    short_help="Show a plugin's settings, and where each comes from.",
)
@click.argument("name", shell_complete=completion.plugins)
@click.argument("key", required=False)
@click.argument("value", required=False)
@click.option("--schema", is_flag=True, help="Show the JSON Schema of its settings.")
@click.option(
    "--scope",
    type=click.Choice(["project", "user"]),
    default="project",
    help="With VALUE: the project's kurt.toml (default), or the user's.",
)
@click.pass_obj
def command(
    session: Session, name: str, key: str | None, value: str | None, schema: bool, scope: str
) -> Answer:
    """Show a plugin's settings, and where each comes from.

    The defaults of its config_schema, its config.json and kurt.toml, as one:
    what the plugin is given when it is loaded. With KEY, that setting alone; with
    KEY and VALUE, the setting is written to kurt.toml, if it fits the schema. A
    secret is shown as ***. Nothing is imported.

    \b
    Examples:
      kurt plugin config web-archiver
      kurt plugin config web-archiver limits.depth
      kurt plugin config web-archiver limits.depth 3
    """
    host = host_of(session)
    plugin_id = plugin_id_of(session, name)
    candidate = session.discovery.skill(plugin_id)
    record = candidate.record()
    if schema:
        found: dict[str, Any] = record.get("config_schema") or {}
        return Answer(
            {"plugin_id": plugin_id, "schema": found}, lambda page: page.line(dumps(found, 2))
        )
    path = _path(key) if key is not None else ()
    if value is not None:
        return _set(session, plugin_id, path, value, scope, host)
    return _shown(session, plugin_id, path, host)


def _path(key: str) -> tuple[str, ...]:
    from ..config_explain import split_key

    return split_key(key)


def _effective(session: Session, plugin_id: str, given: Any = None) -> Effective:
    """Return a plugin's configuration as the loader would have it."""
    from ..plugin_settings import effective

    candidate = session.discovery.skill(plugin_id)
    config = session.discovery.config
    return effective(
        candidate.record(),
        config,
        given,
        settings=config.resolve(plugin_id, trusts=Trust.load(session.places).covers),
        skill=plugin_id,
        folder=candidate.location if candidate.is_folder else None,
    )


def _shown(session: Session, plugin_id: str, path: tuple[str, ...], host: Host | None) -> Answer:
    found = _effective(session, plugin_id)
    rows = [
        _row(plugin_id, pointer, value, source)
        for pointer, value, source in _settings(found)
        if _parts(pointer)[: len(path)] == list(path)
    ]
    if path and not rows:
        raise _no_setting(found, plugin_id, path)
    switches = [] if path else list(_switches(plugin_id, found))
    live = ask_for(session, host, "config", plugin_id=plugin_id)
    # A host has what it was given when it loaded the plugin.
    stale = _differing(live, rows) if live and live.get("config") is not None else []
    data = {
        "plugin_id": plugin_id,
        "host": host.as_dict() if host else None,
        "settings": rows,
        "switches": switches,
        "differs_in_host": stale,
    }

    def text(page: Page) -> None:
        if path and len(rows) == 1 and _parts(rows[0]["pointer"]) == list(path):
            page.line(_said(rows[0]["value"]))
            return
        page.table(_COLUMNS, [_cells(row) for row in (*rows, *switches)])
        if not rows:
            page.line(f"{plugin_id} has no settings", "dim")
        for key in stale:
            page.parts(("differs ", "yellow"), (f"{key} ", "bold"), (host_line(host), None))

    return Answer(data, text)


def _settings(found: Effective) -> list[tuple[str, Any, Source]]:
    shown = hide(found.config.config)
    return [(pointer, _at(shown, pointer), source) for pointer, source in found.origins.items()]


def _switches(plugin_id: str, found: Effective) -> Any:
    config = found.config
    for word, source in found.switches.items():
        yield _line(dotted(("plugin", plugin_id, word)), getattr(config, word), source)
    if found.timeout_seconds is not None:
        key = dotted(("plugin", plugin_id, "timeout_seconds"))
        yield _line(key, found.timeout_seconds, found.switches["sandbox_config_override"])


def _row(plugin_id: str, pointer: str, value: Any, source: Source) -> dict[str, Any]:
    key = dotted(("skill", plugin_id, *_parts(pointer)))
    return {"pointer": pointer, **_line(key, value, source)}


def _line(key: str, value: Any, source: Source) -> dict[str, Any]:
    return {"key": key, "value": plain(value), **source.as_dict()}


def _parts(pointer: str) -> list[str]:
    """Return the parts of a JSON pointer (RFC 6901)."""
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def _at(value: Any, pointer: str) -> Any:
    for part in _parts(pointer):
        if isinstance(value, str):
            return value  # hidden as a whole
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value


def _differing(live: dict[str, Any], rows: list[dict[str, Any]]) -> list[str]:
    """Return the keys whose value in the host is another one than on disk."""
    found = []
    for row in rows:
        try:
            there = _at(live["config"], row["pointer"])
        except (KeyError, IndexError, TypeError, ValueError):
            there = None
        if there != row["value"]:
            found.append(row["key"])
    return found


def _said(value: Any) -> str:
    return value if isinstance(value, str) else dumps(value)


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    place = f"{row['file']}:{row['line']}" if row["file"] and row["line"] else row["file"] or ""
    return row["key"], _said(row["value"]), row["layer"], place


def _no_setting(found: Effective, plugin_id: str, path: tuple[str, ...]) -> NotFoundError:
    known = [".".join(_parts(pointer)) for pointer in found.origins]
    near = suggest(".".join(path), known)
    return NotFoundError(
        f"{plugin_id} has no setting {'.'.join(path)}",
        hint=f"did you mean {near[0]}?" if near else f"kurt plugin config {quote(plugin_id)}",
        skill=plugin_id,
        candidates=near,
    )


def _set(
    session: Session,
    plugin_id: str,
    path: tuple[str, ...],
    value: str,
    scope: str,
    host: Host | None,
) -> Answer:
    """Write a setting to ``kurt.toml``, where it fits the plugin's schema."""
    from ..config_edit import parse_value, set_value

    key = ("skill", plugin_id, *path)
    parsed = parse_value(key, value)
    if not (isinstance(parsed, str) and parsed.startswith("env:")):
        _refuse_unfit(session, plugin_id, path, parsed)
    change = set_value(session.places, key, parsed, scope=scope)
    lines = list(change.lines)
    data = {"plugin_id": plugin_id, "key": dotted(key), "file": change.file, "changes": lines}
    said = "\n".join(lines) if lines else f"nothing to change: {dotted(key)} was so already"

    def text(page: Page) -> None:
        page.line(f"{said} ({change.file})")
        if host is not None:
            page.parts(("to let it count: ", "dim"), (f"kurt plugin reload {plugin_id}", None))

    return Answer(data, text, talk=True)


def _refuse_unfit(session: Session, plugin_id: str, path: tuple[str, ...], value: Any) -> None:
    """Raise for a value that the schema refuses; what else is wrong may be mended next."""
    if not path:
        raise UsageError("the key is missing", hint=f"kurt plugin config {quote(plugin_id)}")
    given: Any = value
    for part in reversed(path):
        given = {part: given}
    try:
        _effective(session, plugin_id, {"config": given})
    except ConfigError as error:
        ours = [text for pointer, text in error.problems if _touches(_parts(pointer), path)]
        if ours:
            raise ConfigError(
                f"{'.'.join(path)} of {plugin_id} cannot be {_said(plain(hide(value, path[-1])))}",
                cause="\n".join(ours),
                hint=f"kurt plugin config {quote(plugin_id)} --schema",
                skill=plugin_id,
                problems=[("/" + "/".join(path), text) for text in ours],
            ) from None


def _touches(place: list[str], path: tuple[str, ...]) -> bool:
    short = min(len(place), len(path))
    return bool(place) and place[:short] == list(path[:short])
