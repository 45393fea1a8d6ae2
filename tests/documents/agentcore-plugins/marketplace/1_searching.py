# ruff: noqa
# fmt: off
from pathlib import Path

from documents.supplied import validator
from kurt_ext import PluginRegistry, PluginType

registry = PluginRegistry(
    plugin_directory=Path("plugins"),
    validator=validator,
    marketplace_url=Path("market").absolute().as_uri(),
    enable_marketplace=True
)

# Basic search
results = await registry.search_marketplace(query="calculator")

# Filtered search
results = await registry.search_marketplace(
    query="math",
    plugin_type=PluginType.TOOL,
    tags=["scientific", "calculator"],
    limit=10
)

for plugin in results:
    print(f"{plugin.plugin_id} v{plugin.version}")
    print(f"  {plugin.description}")
    print(f"  Downloads: {plugin.downloads}, Rating: {plugin.rating}")
