"""The kind ``custom``: whatever a host program makes of it."""

from __future__ import annotations

from kurt_ext.kinds import Kind

__all__ = ["KIND"]

KIND: Kind[object] = Kind(
    name="custom",
    namespace="kurt.custom",
    pattern="all",
    summary="anything; no contract",
    build="kurt_custom.calling:build",
    call="kurt_custom.calling:target",
    isolates=True,
)
