"""Ways out of a process that may do little, tried against a plain child process and a worker."""

from __future__ import annotations

from importlib import import_module

THEMES = (
    "reading writing linking procfs descriptors networking unixsockets starting signalling "
    "tracing spaces objects others exhausting hanging belongings replying forging asking "
    "deceiving granting"
).split()


def collect() -> None:
    """Enter every attempt of every theme."""
    for theme in THEMES:
        import_module(f"escapes.{theme}")
