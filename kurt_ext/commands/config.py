"""Read, change and explain the settings in kurt.toml."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from .. import cli, completion
from ..config import joined
from ..errors import NotFoundError
from ..jsontext import dumps
from ..output import Answer, Column

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..config_explain import Origin
    from ..findings import Finding
    from ..output import Page
    from ..session import Session

__all__ = ["command"]

_SCOPES = click.Choice(["project", "user"])
_ORIGINS = (
    Column("", styles={"": "green"}),
    Column("From", styles={"": "bold"}),
    Column("Place", fold=True),
    Column("Value", fold=True),
    Column("Why", fold=True, drop=1, styles={"": "dim"}),
)
_KEYS = (Column("Key", styles={"": "bold"}), Column("Value", fold=True), Column("From", drop=1))

_key = click.argument("key", shell_complete=completion.config_keys)
_scope = click.option(
    "--scope", type=_SCOPES, default="project", help="The project's file (default), or the user's."
)


@click.group(
    "config",
    cls=cli.LazyGroup,
    short_help="Read, change and explain the settings in kurt.toml.",
)
def command() -> None:
    """Read, change and explain the settings in kurt.toml.

    The project's kurt.toml has the last word over the user's.
    """


def _kinds(session: Session) -> list[str]:
    return [name for _, name, _ in session.discovery.offers("kurt.kind")]


def _opt_in(session: Session) -> list[str]:
    return [kind for kind in _kinds(session) if f"kurt.{kind}" in session.discovery.opt_in]


def _plain(value: Any) -> Any:
    """Return a value of TOML as JSON has it: dates and times become text."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float) and value - value == 0:
        return value
    return str(value)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else dumps(_plain(value))


def _row(origin: Origin) -> dict[str, Any]:
    return {name: _plain(value) for name, value in origin.as_dict().items()}


def _explained(session: Session, key: str) -> list[Origin]:
    found = session.discovery
    opt_in = f"kurt.{key.partition('.')[0]}" in found.opt_in
    return found.config.explain(key, kinds=_kinds(session), opt_in=opt_in)


@cli.command("get", schema="config.get", short_help="Print the value that counts.")
@_key
@click.pass_obj
def get(session: Session, key: str) -> Answer:
    """Print the value that counts, both files together; a secret stays hidden."""
    origins = [o for o in _explained(session, key) if o.wins and o.source != "default"]
    if not origins:
        raise NotFoundError(f"{key} is not set", hint=f"kurt config explain {key}")
    value = origins[-1].value
    if len(origins) > 1 and key.endswith(".enabled") and not key.startswith(("skill.", "plugin.")):
        value = _narrowed(origins[0].value, value)
    elif len(origins) > 1 and all(isinstance(o.value, (list, tuple)) for o in origins):
        value = list(dict.fromkeys(item for o in reversed(origins) for item in o.value))
    elif len(origins) > 1 and all(isinstance(o.value, dict) for o in origins):
        value = {}
        for origin in origins:
            value = joined(value, origin.value)
    return Answer({"key": key, "value": _plain(value)}, lambda page: page.line(_shown(value)))


def _narrowed(own: list[str], narrow: list[str]) -> list[str]:
    """Return what both lists name, in the order of the first."""

    def within(names: list[str], name: str) -> bool:
        return any(one in ("*", name) or name.startswith(f"{one}:") for one in names)

    return list(
        dict.fromkeys(
            [
                *[name for name in own if within(narrow, name)],
                *[name for name in narrow if within(own, name)],
            ]
        )
    )


@cli.command("set", schema="config.set", short_help="Set a key, comments kept.")
@_key
@click.argument("value")
@_scope
@click.pass_obj
def set_(session: Session, key: str, value: str, scope: str) -> Answer:
    """Set a key, comments kept.

    VALUE is TOML where it is TOML, else text; for a key that holds a list, names
    joined by commas do.

    \b
    Examples:
      kurt config set skill_paths ../team-skills
      kurt config set skill.web-archiver.wayback env:WAYBACK_KEY
    """
    from ..config_edit import parse_value, set_value
    from ..config_explain import split_key

    parsed = parse_value(key, value)
    change = set_value(session.places, key, parsed, scope=scope, kinds=_kinds(session))
    warnings = []
    if scope == "project" and not session.discovery.config.trusted:
        from ..config_ignored import is_ignored, pending, switches_on

        path = split_key(key)
        if switches_on(path, parsed) or is_ignored(path, _opt_in(session)):
            warnings.append(pending(change.file, session.places.project, key))
    return _changed(key, change.file, change.lines, warnings)


@cli.command("unset", schema="config.unset", short_help="Remove a key or a table from a file.")
@_key
@_scope
@click.pass_obj
def unset(session: Session, key: str, scope: str) -> Answer:
    """Remove a key or a table from a file; nothing happens where it is not there."""
    from ..config_edit import unset_value

    change = unset_value(session.places, key, scope=scope)
    return _changed(key, change.file, change.lines)


def _changed(
    key: str, file: str, lines: tuple[str, ...], warnings: Sequence[Finding] = ()
) -> Answer:
    data = {"key": key, "file": file, "changes": list(lines)}
    said = "\n".join(lines) if lines else f"nothing to change: {key} was so already"
    return Answer(data, lambda page: page.line(f"{said} ({file})"), warnings=warnings, talk=True)


@cli.command("path", schema="config.path", short_help="Print where the files lie.")
@_scope
@click.pass_obj
def path(session: Session, scope: str) -> Answer:
    """Print where a file lies, whether it is there or not."""
    places = session.places
    file = places.user_config if scope == "user" else places.project_config
    data = {"scope": scope, "path": file, "exists": os.path.isfile(file)}
    return Answer(data, lambda page: page.line(file))


@cli.command("explain", schema="config.explain", short_help="Say which file has the last word.")
@_key
@click.pass_obj
def explain(session: Session, key: str) -> Answer:
    """Say where a key's value comes from: default, files or environment, and which won."""
    origins = _explained(session, key)

    def text(page: Page) -> None:
        rows = []
        for o in origins:
            place = f"{o.file}:{o.line}" if o.file and o.line else o.file or ""
            mark = "*" if o.wins else ""
            rows.append((mark, o.source, place, "" if o.value is None else _shown(o.value), o.why))
        page.table(_ORIGINS, rows)

    data = {"key": key, "origins": [_row(origin) for origin in origins]}
    return Answer(data, text)


@cli.command("list", schema="config.list", short_help="List every key that is set.")
@click.option("--scope", type=_SCOPES, help="In this file only.")
@click.pass_obj
def list_(session: Session, scope: str | None) -> Answer:
    """List every key that is set, and the file that sets it; secrets stay hidden."""
    from ..config_ignored import is_ignored, switches_on

    config = session.discovery.config
    opt_in = _opt_in(session)
    rows = [
        {
            "key": ".".join(map(_quoted, path)),
            "value": value,
            "scope": layer["scope"],
            "file": layer["file"],
            "ignored": layer["scope"] == "project"
            and not config.trusted
            and (is_ignored(path, opt_in) or switches_on(path, value)),
        }
        for layer in config.layers
        if scope in (None, layer["scope"])
        for path, value in _leaves(layer)
    ]

    def text(page: Page) -> None:
        cells = [
            (
                row["key"],
                _shown(row["value"]),
                row["scope"] + (", ignored" if row["ignored"] else ""),
            )
            for row in rows
        ]
        page.table(_KEYS, cells)
        if not rows:
            session.note(
                f"nothing is set; the project's file would be {session.places.project_config}"
            )

    return Answer(rows, text, warnings=config.findings)


def _leaves(layer: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the keys of a file, in parts, and their values."""
    from ..settings import hide

    if layer.get("skill_paths"):
        yield ("skill_paths",), _plain(layer["skill_paths"])
    for kind, table in sorted(layer["kinds"].items()):
        for word in ("enabled", "disabled"):
            if word in table:
                yield (kind, word), _plain(table[word])
        for role, choice in sorted(table.get("roles", {}).items()):
            yield (kind, role), choice
        for name, options in sorted(table.get("options", {}).items()):
            for key, value in sorted(options.items()):
                yield (kind, name, key), _plain(hide(value, key))
    for skill, table in sorted(layer["skills"].items()):
        for key, value in sorted(table.items()):
            yield ("skill", skill, key), _plain(hide(value, key))
    for plugin, table in sorted(layer.get("plugins", {}).items()):
        for key, value in sorted(table.items()):
            yield ("plugin", plugin, key), _plain(value)
    for market, table in sorted(layer.get("markets", {}).items()):
        for key, value in sorted(table.items()):
            if key != "wrong":
                yield ("market", market, key), _plain(value)
    for word in ("validator", "sandbox", "audit"):
        for key, value in sorted(layer.get(word, {}).items()):
            if key != "wrong":
                yield (word, key), _plain(value)


def _quoted(word: str) -> str:
    bare = word.isascii() and word.replace("-", "").replace("_", "").isalnum()
    return word if bare else dumps(word)


for _command in (get, set_, unset, path, explain, list_):
    command.add_command(_command)
