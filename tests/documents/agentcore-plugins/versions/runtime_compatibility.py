# ruff: noqa
# fmt: off
# Check plugin works with current runtime
is_compatible = version_manager.check_runtime_compatibility(
    plugin_metadata=metadata,  # min_runtime_version: "1.0.0", max: "*"
    runtime_version="1.5.0"
)  # True
