# ruff: noqa
# fmt: off
from documents.supplied import logger
from kurt_ext import PluginLoadError, PluginValidationError

try:
    state = await loader.load_plugin(plugin_id)
    await loader.activate_plugin(plugin_id)
except PluginLoadError as e:
    logger.error(f"Failed to load {plugin_id}: {e}")
    # Fallback logic
except PluginValidationError as e:
    logger.error(f"Validation failed: {e.validation_result.errors}")
    # Security alert
