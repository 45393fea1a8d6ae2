# ruff: noqa
# fmt: off
# Activate loaded plugin
await loader.activate_plugin("com.example.calculator")
# Calls instance.activate() if method exists
