"""Greet somebody from the command line: a click command, and a line in the entry points."""

from __future__ import annotations

import click


@click.command("hello")
@click.argument("name", default="World")
def command(name: str) -> None:
    """Greet somebody from the command line."""
    click.echo(f"Hello, {name}!")
