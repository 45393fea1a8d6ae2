# ruff: noqa
# fmt: off
from pathlib import Path

from documents.supplied import validator
from kurt_ext import PluginLoader

loader = PluginLoader(plugin_directory=Path("plugins"), validator=validator)
discovered = await loader.discover_plugins()
# Returns list of PluginMetadata from plugin.json files
