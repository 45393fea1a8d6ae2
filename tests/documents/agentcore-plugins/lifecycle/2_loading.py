# ruff: noqa
# fmt: off
from kurt_ext import PluginConfig

# Load with validation (default)
state = await loader.load_plugin("com.example.calculator", validate=True)

# Load with custom config
config = PluginConfig(
    plugin_id="com.example.calculator",
    enabled=True,
    config={"precision": 20}
)
state = await loader.load_plugin("com.example.calculator", config=config)
