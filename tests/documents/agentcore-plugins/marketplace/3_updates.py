# ruff: noqa
# fmt: off
# Check all installed plugins for updates
updates = await registry.check_updates()

for plugin_id, current_version, available_version in updates:
    print(f"{plugin_id}: {current_version} → {available_version}")

    # Optionally update
    await registry.download_plugin(plugin_id, version=available_version)
    await loader.reload_plugin(plugin_id)
