# ruff: noqa
# fmt: off
# Unload then load with same config
state = await loader.reload_plugin("com.example.calculator", validate=True)
