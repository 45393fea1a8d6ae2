"""The kind ``middleware``: an onion around every call; runs only where it is named."""

from __future__ import annotations

from kurt_ext.kinds import Kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .contract import Middleware

__all__ = ["KIND"]

KIND: Kind[Middleware] = Kind(
    name="middleware",
    namespace="kurt.middleware",
    pattern="ordered",
    summary="a layer around every call, in configured order",
    contract="kurt_middleware.contract:Middleware",
    violations="kurt_middleware.wrapping:violations",
    around="kurt_middleware.wrapping:around",
    wraps="kurt_middleware.wrapping:wraps",
)
