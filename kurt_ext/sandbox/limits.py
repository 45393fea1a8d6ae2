"""How much of everything an isolated plugin may use: a table of limits, and who may move them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

__all__ = ["DEFAULTS", "LIMITS", "SECONDS", "Limit", "lowered", "merged", "problems"]

#: The one limit that the plugin document names ("PluginConfig").
SECONDS = "max_execution_time_seconds"


class Limit:
    """One limit.

    :param key: its name in ``sandbox_config_override``; the unit is part of it.
    :param short: its name in a policy.
    :param default: what holds where nobody says otherwise.
    :param most: the highest value there is.
    :param text: what it bounds, for people.
    """

    __slots__ = ("default", "key", "most", "short", "text")

    def __init__(self, key: str, short: str, default: float, most: float, text: str) -> None:
        self.key = key
        self.short = short
        self.default = default
        self.most = most
        self.text = text


#: Memory is the address space: research shows 192 MiB for numpy with two threads, and
#: 40 MiB more for each further one of its libraries.
LIMITS = (
    Limit(SECONDS, "seconds", 300, 86_400, "seconds that a call, or a hook, may take"),
    Limit("max_cpu_seconds", "cpu_seconds", 3_600, 604_800, "seconds of processor in its life"),
    Limit("max_memory_mb", "memory_mb", 2_048, 1_048_576, "MiB of memory"),
    Limit("max_open_files", "open_files", 256, 65_536, "files open at one time"),
    Limit("max_processes", "processes", 32, 4_096, "processes, where it may start any"),
    Limit("max_file_size_mb", "file_size_mb", 256, 1_048_576, "MiB in one file"),
    Limit("max_output_kb", "output_kb", 1_024, 1_048_576, "KiB of printed text that is kept"),
    Limit("max_reply_mb", "reply_mb", 16, 1_024, "MiB in one answer"),
    Limit("max_connections", "connections", 32, 4_096, "network connections at one time"),
)
_BY_KEY = {limit.key: limit for limit in LIMITS}
#: Name in a policy → what holds where nobody says otherwise.
DEFAULTS: dict[str, float] = {limit.short: limit.default for limit in LIMITS}


def problems(table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (key, sentence) for each limit in a table whose value is none; other keys are not ours.

    >>> list(problems({"max_memory_mb": -1}))
    [('max_memory_mb', 'it must be a number above 0 and at most 1048576')]
    """
    for key, limit in _BY_KEY.items():
        if key in table and not _is_number(table[key], limit.most):
            yield key, f"it must be a number above 0 and at most {limit.most:g}"


def merged(limits: Mapping[str, float], table: Mapping[str, Any]) -> dict[str, float]:
    """Return limits with those that a table of the operator sets; what is no number is passed by.

    :param limits: by their names in a policy.
    :param table: by their keys.
    """
    found = dict(limits)
    for key, limit in _BY_KEY.items():
        if _is_number(table.get(key), limit.most):
            found[limit.short] = table[key]
    return found


def lowered(limits: Mapping[str, float], table: Mapping[str, Any]) -> dict[str, float]:
    """Return limits with those that a plugin's own config.json sets lower.

    Only the time of a call may be set higher by it as well: what the plugin
    document gives as its example is an author's word on how long the work takes.
    """
    found = dict(limits)
    for key, limit in _BY_KEY.items():
        if _is_number(table.get(key), limit.most):
            value: float = table[key]
            found[limit.short] = value if key == SECONDS else min(found[limit.short], value)
    return found


def _is_number(value: Any, most: float) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= most
