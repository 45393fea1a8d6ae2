# ruff: noqa
# fmt: off
await loader.unload_plugin("com.example.calculator")
# Calls instance.cleanup() if method exists
