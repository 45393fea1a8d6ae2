# ruff: noqa
# fmt: off
class PluginValidationResult:
    valid: bool
    errors: list[str]
    warnings: list[str]
    security_score: float  # 0-100
    risk_level: str  # "low", "medium", "high", "critical"
