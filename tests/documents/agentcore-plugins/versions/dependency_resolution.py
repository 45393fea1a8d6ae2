# ruff: noqa
# fmt: off
from documents.supplied import metadata
from kurt_ext import PluginDependency, PluginVersionManager

version_manager = PluginVersionManager()

# Check if version satisfies constraint
is_compatible = version_manager.satisfies_constraint(
    version="1.5.2",
    constraint=">=1.0.0,<2.0.0"
)  # True

# Resolve dependencies
available_plugins = [
    ("com.example.mathlib", "2.0.0"),
    ("com.example.mathlib", "2.1.0"),
    ("com.example.utils", "1.0.0"),
]

dependencies = [
    PluginDependency(plugin_id="com.example.mathlib", version_constraint=">=2.0.0"),
    PluginDependency(plugin_id="com.example.utils", version_constraint="*"),
]

resolved = version_manager.resolve_dependencies(metadata, available_plugins)
# Returns: ["com.example.mathlib@2.1.0", "com.example.utils@1.0.0"]
