# ruff: noqa
# fmt: off
# Download from marketplace
downloaded_path = await registry.download_plugin(
    plugin_id="com.example.calculator",
    version="2.1.0",  # None = latest
    validate=True  # Security validation
)

# Install to plugin directory
await registry.install_plugin(
    plugin_id="com.example.calculator",
    download_path=downloaded_path
)

# Now load with PluginLoader
await loader.load_plugin("com.example.calculator")
