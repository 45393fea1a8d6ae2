# ruff: noqa
# fmt: off
from pathlib import Path

from documents.supplied import validator
from kurt_ext import PluginRegistry, PluginType

async def marketplace_workflow():
    """Complete marketplace workflow."""

    registry = PluginRegistry(
        plugin_directory=Path("plugins"),
        validator=validator,
        marketplace_url=Path("market").absolute().as_uri()
    )

    # 1. Search marketplace
    results = await registry.search_marketplace(
        query="calculator",
        plugin_type=PluginType.TOOL,
        limit=5
    )

    # 2. Download and install
    plugin_id = results[0].plugin_id
    version = results[0].version

    download_path = await registry.download_plugin(plugin_id, version=version)
    await registry.install_plugin(plugin_id, download_path)

    # 3. Check for updates
    updates = await registry.check_updates()
    if updates:
        for pid, current, available in updates:
            print(f"Update available: {pid} {current} → {available}")

    # 4. Cleanup
    await registry.close()
