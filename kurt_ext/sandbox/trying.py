"""What a probe does: a process of its own confines itself, and says how far it came."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["main", "policy"]


def policy(tier: str, scratch: str, canary: str) -> dict[str, Any]:
    """Return the policy of a worker that may do nothing at all."""
    return {
        "skill": "probe",
        "read": [],
        "write": [],
        "execute": [],
        "hosts": [],
        "environment": {},
        "processes": 1,
        "native": False,
        "cwd": scratch,
        "scratch": scratch,
        "limits": {"memory_mb": 1024, "open_files": 256, "cpu_seconds": 60, "file_size_mb": 1},
        "canary": canary,
        "tier": tier,
        "require": [],
        "path": [],
    }


def main(text: str) -> None:
    """Confine this process by a policy, and print the report, or why it could not be.

    :param text: JSON with ``policy`` and ``within``.
    """
    import json

    from .confining import Unconfined, confine

    told: Mapping[str, Any] = json.loads(text)
    os.environ.clear()
    try:
        said: dict[str, Any] = {"report": confine(told["policy"], parent=0, within=told["within"])}
    except Unconfined as error:
        said = {"error": str(error), "layer": error.layer}
    sys.stdout.write(json.dumps(said))
    sys.stdout.flush()
    os._exit(0)
