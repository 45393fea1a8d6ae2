"""The kind ``integration``: started once when available, stopped once at the end."""

from __future__ import annotations

from kurt_ext.kinds import Kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .contract import Integration

__all__ = ["KIND"]

KIND: Kind[Integration] = Kind(
    name="integration",
    namespace="kurt.integration",
    pattern="enabled",
    summary="a long-lived service in the context of calls",
    contract="kurt_integration.contract:Integration",
    violations="kurt_integration.providing:violations",
    provide="kurt_integration.providing:provider",
)
