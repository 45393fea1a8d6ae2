# ruff: noqa
# fmt: off
# Good: Validate before loading
state = await loader.load_plugin(plugin_id, validate=True)

# Bad: Skip validation
state = await loader.load_plugin(plugin_id, validate=False)  # Dangerous!
