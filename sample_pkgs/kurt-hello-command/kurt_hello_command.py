"""A command of one's own: any click command will do."""

from __future__ import annotations

import click


@click.command("hello")
@click.argument("name", default="World")
def command(name: str) -> None:
    """Greet somebody from the command line."""
    click.echo(f"Hello, {name}!")
