# ruff: noqa
# fmt: off
from pathlib import Path

from kurt_ext import PluginValidator

validator = PluginValidator(security_config={
    "max_file_size_mb": 50,
    "allowed_extensions": [".py", ".json", ".txt", ".md"],
    "blocked_imports": ["os.system", "subprocess", "eval"],
})

result = await validator.validate_plugin(
    plugin_path=Path("plugins/calculator"),
    metadata=metadata
)

if result.valid:
    print(f"Plugin is safe! Security score: {result.security_score}/100")
    print(f"Risk level: {result.risk_level}")
else:
    print("Validation failed:")
    for error in result.errors:
        print(f"  - {error}")
    for warning in result.warnings:
        print(f"  ! {warning}")
