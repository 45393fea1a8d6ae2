"""The rules of what a plugin's code may use, as `PluginValidator` judges it."""

from __future__ import annotations

from .entry import Entry

__all__ = ["ENTRIES"]

_UNDECLARED = Entry(
    "What code uses of the world, the manifest's permissions name.",
    "Whoever installs a plugin reads the permissions, and a sandbox allows those alone.",
    "requests.get(url), and no network_hosts",
    'permissions: network_hosts: ["api.example.com"]',
)
_DECLARED = Entry(
    "What a plugin may do, its score says.",
    "A declared use is allowed, and costs the points of the plugin document.",
)
_FACTORS = ("evaluation", "process", "native", "write", "network", "service", "environment")

ENTRIES = {
    **{f"undeclared-{factor}": _UNDECLARED for factor in _FACTORS},
    **{f"declared-{factor}": _DECLARED for factor in _FACTORS},
    "blocked-import": Entry(
        "A plugin imports and names nothing that the host's `blocked_imports` lists.",
        "The operator has decided so, whatever the manifest declares.",
    ),
    "extension-not-allowed": Entry(
        "A plugin's files have the extensions that the host's `allowed_extensions` lists.",
        "What is of no known kind is judged by nobody.",
    ),
    "file-too-large": Entry(
        "No file is larger than the host's `max_file_size_mb`.",
        "Nobody reads it before it is loaded.",
    ),
    "metadata-differs": Entry(
        "The manifest on the disk is the one that the caller knows.",
        "A plugin that was swapped for another would be judged as the one that was asked for.",
    ),
    "not-analysed": Entry(
        "Every module can be read: it is Python, and of at most 1 MiB.",
        "What was not looked into may do anything, so that no score above 59 is given.",
    ),
    "unprovable-use": Entry(
        "A name that is imported or fetched is written out.",
        "What is worked out while the code runs can be anything, and nobody can tell before.",
        "getattr(os, name)",
        "os.getpid",
    ),
}
