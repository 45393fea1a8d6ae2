# ruff: noqa
# fmt: off
from pathlib import Path

from kurt_ext import PluginConfig, PluginLoader, PluginStatus, PluginValidator

async def manage_plugins():
    """Complete plugin lifecycle example."""

    # Initialize services
    validator = PluginValidator()
    loader = PluginLoader(
        plugin_directory=Path("plugins"),
        validator=validator,
        enable_auto_load=True
    )

    # 1. Discover available plugins
    discovered = await loader.discover_plugins()
    print(f"Found {len(discovered)} plugins:")
    for plugin in discovered:
        print(f"  - {plugin.plugin_id} v{plugin.version}")

    # 2. Load specific plugin
    plugin_id = "com.example.calculator"
    config = PluginConfig(
        plugin_id=plugin_id,
        enabled=True,
        config={"precision": 15}
    )

    state = await loader.load_plugin(plugin_id, config=config, validate=True)
    print(f"Loaded {state.metadata.name} - Status: {state.status}")

    # 3. Activate plugin
    await loader.activate_plugin(plugin_id)

    # 4. Use plugin
    result = await state.instance.arithmetic("2 + 2 * 3")
    print(f"Result: {result}")

    # 5. List all plugins
    active_plugins = loader.list_plugins(status_filter=PluginStatus.ACTIVE)
    print(f"Active plugins: {len(active_plugins)}")

    # 6. Reload plugin (hot reload)
    state = await loader.reload_plugin(plugin_id, validate=True)

    # 7. Deactivate and unload
    await loader.deactivate_plugin(plugin_id)
    await loader.unload_plugin(plugin_id)
