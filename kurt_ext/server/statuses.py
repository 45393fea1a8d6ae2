"""Which HTTP status an error has."""

from __future__ import annotations

from ..errors import (
    ArchiveError,
    AttestationError,
    ConflictError,
    KurtError,
    LockedError,
    ManifestError,
    MarketError,
    NotFoundError,
    PluginValidationError,
    PolicyError,
    SignatureError,
)

__all__ = ["status_of"]

_STATUS: tuple[tuple[type[KurtError], int], ...] = (
    (NotFoundError, 404),
    (ConflictError, 409),
    (PluginValidationError, 422),
    (PolicyError, 403),
    (LockedError, 503),
    (ArchiveError, 422),
    (ManifestError, 422),
    (AttestationError, 422),
    (SignatureError, 500),
)


def status_of(error: KurtError) -> int:
    """Return the HTTP status for an error; 500 for what is wrong on this side."""
    if type(error) is MarketError:
        return 422
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
