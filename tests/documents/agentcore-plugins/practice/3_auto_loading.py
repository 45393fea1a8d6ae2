# ruff: noqa
# fmt: off
# On startup
loaded = await loader.auto_load_plugins()
print(f"Auto-loaded {len(loaded)} plugins")
