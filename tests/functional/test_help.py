"""The help: our one table of summaries is true, and other people's commands stand in it too."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from kurt_ext.cli import COMMANDS, Command, LazyGroup, cli, load
from kurt_ext.command_index import docstring_line
from kurt_ext.session import Session

from .conftest import ROOT, Run, distribution


def groups(group: click.Group = cli) -> Iterator[LazyGroup]:
    """Yield every group of ours."""
    if isinstance(group, LazyGroup):
        yield group
        for name, (target, *_) in group.table.items():
            found = load(name, target)
            if isinstance(found, click.Group):
                yield from groups(found)


def test_every_summary_is_the_one_of_its_command() -> None:
    for group in groups():
        for name, (target, summary) in group.table.items():
            found = load(name, target)
            assert found.get_short_help_str(200) == summary, name
            assert docstring_line(target.partition(":")[0]) == summary, name
            assert len(summary) < 75


def test_our_commands_are_those_of_our_entry_points() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = project["entry-points"]["kurt.command"]
    ours = {name: target for name, target in named.items() if target.startswith("kurt_ext.")}
    assert ours == {name: target for name, (target, _) in COMMANDS.items()}


def every(group: click.Group = cli) -> Iterator[tuple[str, click.Command]]:
    ctx = click.Context(group, obj=Session())
    for name in group.list_commands(ctx):
        _, found, _ = group.resolve_command(ctx, [name])
        assert found is not None
        yield name, found
        if isinstance(found, click.Group):
            for inner, command in every(found):
                yield f"{name} {inner}", command


def test_every_command_helps_and_takes_json() -> None:
    for path, command in every():
        ctx = click.Context(command, info_name=path, obj=Session(), **command.context_settings)
        text = command.get_help(ctx)
        assert "Usage:" in text, path
        if isinstance(command, Command):
            assert "--json" in text, path
            assert command.help and len(command.help.strip()) > 20, path
            for parameter in command.params:
                if isinstance(parameter, click.Option) and not parameter.hidden:
                    assert parameter.help or parameter.name == "outdir", (path, parameter.name)


@pytest.mark.parametrize(
    "words", [("-h",), ("--help",), ("help",), ("help", "list"), ("list", "-h")]
)
def test_help_is_had_in_every_way(here: Run, words: tuple[str, ...]) -> None:
    ran = here(*words)
    assert ran.code == 0
    assert ran.out.startswith("Usage: kurt")
    assert ran.err == ""


def test_help_of_a_topic(here: Run) -> None:
    assert "75" in here("help", "exit-codes").out
    assert "KURT_TRUST" in here("help", "environment").out
    ran = here("help", "exit-code")
    assert ran.code == 3
    assert "did you mean exit-codes?" in ran.err


GOOD = '''\
"""Count the moons."""
import click
import pathlib, os
pathlib.Path(os.environ["HOME"], "imported-good").write_text("")

@click.command("moons")
@click.argument("planet")
def command(planet):
    """Count the moons."""
    click.echo(f"{planet}: some")
'''


@pytest.fixture
def guests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install commands of strangers: a good one, broken ones, and one that takes a name of ours."""
    site = tmp_path / "site"
    distribution(
        site,
        "kurt-moons",
        "[kurt.command]\nmoons = moons_command:command\nlist = moons_command:command\n",
        modules={"moons_command": GOOD},
    )
    distribution(
        site,
        "kurt-broken",
        "[kurt.command]\nleave = leaving:command\nodd = odd_one:command\ngone = nowhere:command\n",
        modules={"leaving": "raise SystemExit(7)\n", "odd_one": "command = 42\n"},
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]))
    return site


def test_a_guest_stands_in_the_help_and_is_not_imported(
    kurt: Run, guests: Path, own_places: Path
) -> None:
    ran = kurt("--help")
    head, _, tail = ran.out.partition("Commands of other distributions:")
    assert "Count the moons." in tail
    assert "The summary of kurt-broken." in tail
    assert "moons" not in head
    assert not (own_places / "imported-good").exists()


def test_a_guest_runs_and_may_not_take_our_name(kurt: Run, guests: Path) -> None:
    assert kurt("moons", "Mars").out == "Mars: some\n"
    assert "kurt-ext" in kurt("list").out
    ran = kurt("moons")
    assert ran.code == 2
    assert ran.err.startswith("error: missing argument 'PLANET'")
    assert kurt("moons", "--json").envelope["ok"] is False


@pytest.mark.parametrize(
    ("name", "cause"), [("leave", "SystemExit: 7"), ("odd", "a int"), ("gone", "No module named")]
)
def test_a_broken_guest_says_so_only_when_it_is_called(
    kurt: Run, guests: Path, name: str, cause: str
) -> None:
    assert kurt("list").code == 0
    ran = kurt(name)
    assert ran.code == 1
    assert cause in ran.err
    assert "Traceback" not in ran.err
    assert kurt("mons").err.startswith("error: no such command: mons\nhint: did you mean moons")


def test_doctor_names_the_command_that_is_hidden(kurt: Run, guests: Path) -> None:
    checks = kurt("doctor", "--json").envelope["data"]["checks"]
    assert any("list of kurt-moons" in check["message"] for check in checks)
