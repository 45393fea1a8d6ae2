# ruff: noqa
# fmt: off
await loader.deactivate_plugin("com.example.calculator")
# Calls instance.deactivate() if method exists
