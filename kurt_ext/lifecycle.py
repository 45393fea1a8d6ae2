"""The states of a plugin, and the ways between them: one table.

::

    UNLOADED ──load──► LOADING ──loaded──► LOADED ──activate──► ACTIVE ◄──activate── INACTIVE
                                              └───────────deactivate (also from ACTIVE)──►┘
    LOADED, ACTIVE, INACTIVE, FAILED ──unload──► UNLOADING ──unloaded──► UNLOADED
    whatever fails on the way ──fail──► FAILED ──load──► LOADING

An ACTIVE plugin is deactivated before it is unloaded. ``reload`` changes no
state: the new code takes the place of the old one in the state that one is in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType

from .errors import TransitionError

__all__ = [
    "EVENTS",
    "TRANSITIONS",
    "WISHES",
    "PluginEvent",
    "PluginStatus",
    "after",
    "diagram",
    "inactive_error",
    "legal",
    "require",
    "unloaded_error",
]


class PluginStatus(StrEnum):
    """Where a plugin stands in its life."""

    UNLOADED = "unloaded"
    LOADING = "loading"
    LOADED = "loaded"
    ACTIVE = "active"
    INACTIVE = "inactive"
    FAILED = "failed"
    UNLOADING = "unloading"


_S = PluginStatus

#: What a caller may ask for; the other labels of the table are what comes of it.
WISHES = ("load", "activate", "deactivate", "reload", "unload")

#: State → label → next state (plugin document, "States and Transitions", with
#: the ways that its drawing leaves out).
TRANSITIONS: Mapping[PluginStatus, Mapping[str, PluginStatus]] = MappingProxyType(
    {
        status: MappingProxyType(ways)
        for status, ways in {
            _S.UNLOADED: {"load": _S.LOADING},
            _S.LOADING: {"loaded": _S.LOADED, "fail": _S.FAILED},
            _S.LOADED: {
                "activate": _S.ACTIVE,
                "deactivate": _S.INACTIVE,
                "reload": _S.LOADED,
                "unload": _S.UNLOADING,
                "fail": _S.FAILED,
            },
            _S.ACTIVE: {
                "deactivate": _S.INACTIVE,
                "reload": _S.ACTIVE,
                "unload": _S.UNLOADING,
                "fail": _S.FAILED,
            },
            _S.INACTIVE: {
                "activate": _S.ACTIVE,
                "reload": _S.INACTIVE,
                "unload": _S.UNLOADING,
                "fail": _S.FAILED,
            },
            _S.UNLOADING: {"unloaded": _S.UNLOADED, "fail": _S.FAILED},
            _S.FAILED: {"load": _S.LOADING, "reload": _S.LOADING, "unload": _S.UNLOADING},
        }.items()
    }
)

#: The names of events, in the order in which a life may bring them.
EVENTS = (
    "loading",
    "initializing",
    "loaded",
    "activated",
    "deactivated",
    "reloading",
    "reloaded",
    "rolled-back",
    "left-behind",
    "failed",
    "unloading",
    "unloaded",
    "isolating",
    "worker-started",
    "worker-ready",
    "worker-crashed",
    "worker-restarted",
    "worker-recycled",
    "worker-limit",
    "worker-quarantined",
    "worker-closed",
)


@dataclass(frozen=True, slots=True)
class PluginEvent:
    """Something that happened in a plugin's life.

    :param name: one of :data:`EVENTS`.
    :param before: the state before it; ``after`` the state since.
    :param ms: how long it took, in milliseconds; 0 where it took no time.
    :param error: what failed; None where nothing did.
    :param generation: the number of the import of its code that it concerns, from 1.
    :param detail: names of what was left behind, or of what changed.
    """

    name: str
    plugin_id: str
    before: PluginStatus
    after: PluginStatus
    ms: float = 0.0
    error: BaseException | None = None
    generation: int = 0
    detail: tuple[str, ...] = ()
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


def legal(status: PluginStatus) -> tuple[str, ...]:
    """Return what may be asked for in a state, in the order of a life."""
    return tuple(wish for wish in WISHES if wish in TRANSITIONS[status])


def after(status: PluginStatus, label: str) -> PluginStatus:
    """Return the state that a label leads to.

    :raises TransitionError: when the table has no such way.
    """
    found = TRANSITIONS[status].get(label)
    if found is None:
        raise TransitionError(
            f"no way leads from {status} by {label}",
            status=str(status),
            wish=label,
            legal=legal(status),
        )
    return found


def require(plugin_id: str, status: PluginStatus, wish: str) -> PluginStatus:
    """Return the state that a wish leads to.

    :raises TransitionError: when the state has no way there; it names the state,
        the wish and what may be asked instead.
    """
    ways = legal(status)
    if wish in ways:
        return TRANSITIONS[status][wish]
    raise TransitionError(
        f"the plugin {plugin_id} is {status}, and cannot {wish} from there",
        cause=f"legal now: {', '.join(ways)}" if ways else f"wait until it is no longer {status}",
        hint=f"kurt plugin {ways[0]} {plugin_id}" if ways else f"kurt plugin info {plugin_id}",
        skill=plugin_id,
        status=str(status),
        wish=wish,
        legal=ways,
    )


def inactive_error(plugin_id: str, status: PluginStatus) -> TransitionError:
    """Return the error for a call of a plugin that was deactivated, or is about to be."""
    return TransitionError(
        f"the plugin {plugin_id} is inactive",
        cause="it was deactivated, and is not called until it is activated again",
        hint=f"kurt plugin activate {plugin_id}",
        skill=plugin_id,
        status=str(status),
        wish="call",
        legal=("activate", "reload", "unload"),
    )


def unloaded_error(plugin_id: str) -> TransitionError:
    """Return the error for a call of a plugin whose code was forgotten."""
    return TransitionError(
        f"the plugin {plugin_id} was unloaded",
        cause="a call of it was kept longer than its code",
        hint=f"kurt plugin load {plugin_id}",
        skill=plugin_id,
        status=str(PluginStatus.UNLOADED),
        wish="call",
        legal=("load",),
    )


def diagram() -> str:
    """Return the table as a Mermaid state diagram, the one in the documentation."""
    lines = ["stateDiagram-v2", "    [*] --> unloaded"]
    for status, ways in TRANSITIONS.items():
        joined: dict[PluginStatus, list[str]] = {}
        for label, target in ways.items():
            joined.setdefault(target, []).append(label)
        lines += [
            f"    {status} --> {target}: {', '.join(labels)}" for target, labels in joined.items()
        ]
    return "\n".join(lines) + "\n"
