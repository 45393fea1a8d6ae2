# ruff: noqa
# fmt: off
# Unload first
await loader.unload_plugin("com.example.calculator")

# Then uninstall
await registry.uninstall_plugin("com.example.calculator")
