"""Load, start, reload and look at plugins while a host runs, or in a trial."""

from __future__ import annotations

import click

from .. import cli

__all__ = ["COMMANDS", "command"]

COMMANDS = {
    "activate": (
        "kurt_ext.commands.plugin_activate:command",
        "Start a plugin that is loaded.",
    ),
    "config": (
        "kurt_ext.commands.plugin_config:command",
        "Show a plugin's settings, and where each comes from.",
    ),
    "deactivate": (
        "kurt_ext.commands.plugin_deactivate:command",
        "Stop a plugin, and keep it loaded.",
    ),
    "graph": (
        "kurt_ext.commands.plugin_graph:command",
        "Draw which plugin needs which.",
    ),
    "info": (
        "kurt_ext.commands.plugin_info:command",
        "Show what became of one plugin.",
    ),
    "list": (
        "kurt_ext.commands.plugin_list:command",
        "List plugins and where each stands in its life.",
    ),
    "load": (
        "kurt_ext.commands.plugin_load:command",
        "Import a plugin and make it ready.",
    ),
    "reload": (
        "kurt_ext.commands.plugin_reload:command",
        "Put a plugin's new code in the place of the old.",
    ),
    "timing": (
        "kurt_ext.commands.plugin_timing:command",
        "Say how long each plugin takes to start, the slow one first.",
    ),
    "unload": (
        "kurt_ext.commands.plugin_unload:command",
        "Stop a plugin and forget its code.",
    ),
}


@click.group(
    "plugin",
    cls=cli.LazyGroup,
    table=COMMANDS,
    short_help="Load, start, reload and look at plugins while a host runs, or in a trial.",
)
def command() -> None:
    """Load, start, reload and look at plugins while a host runs, or in a trial.

    A host is a program that serves its plugins, `kurt watch` for one. Where one
    runs for the project, these commands act on it, and say so. Where none does,
    `load`, `activate` and `reload` take the plugin through its whole life in
    this process: a trial.
    """
