"""Versions of plugins, as the plugin document asks for them: one class over what lies beneath."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, overload

from . import constraints, resolver, semver
from .errors import PluginVersionConflictError, VersionError
from .loadorder import compatible

if TYPE_CHECKING:
    from .models import PluginMetadata
    from .releases import Available
    from .resolver import Resolution

__all__ = ["PluginVersionManager"]


class PluginVersionManager:
    """Parse, compare and choose versions after SemVer 2.0.

    It holds no state. A text that is no version or no constraint is a
    :class:`VersionError`, which is a ``ValueError`` too, in every method.
    """

    def parse_version(self, version: str) -> tuple[int, int, int]:
        """Return (major, minor, patch); a pre-release and a build are valid and not returned."""
        found = semver.parse(version)
        return (found.major, found.minor, found.patch)

    def compare_versions(self, v1: str, v2: str) -> int:
        """Return -1, 0 or 1 as ``v1`` is older than ``v2``, as new, or newer."""
        return semver.compare(v1, v2)

    def satisfies_constraint(self, version: str, constraint: str) -> bool:
        """Return whether a version satisfies a constraint; `constraints` has all its forms."""
        return constraints.parse(constraint).allows(version)

    @overload
    def check_runtime_compatibility(
        self, plugin_metadata: PluginMetadata | str, runtime_version: str
    ) -> bool: ...

    @overload
    def check_runtime_compatibility(self, *, plugin_version: str, runtime_version: str) -> bool: ...

    def check_runtime_compatibility(
        self,
        plugin_metadata: PluginMetadata | str | None = None,
        runtime_version: str | None = None,
        *,
        plugin_version: str | None = None,
    ) -> bool:
        """Return whether a plugin works with a version of the host.

        :param plugin_metadata: a plugin: the host is not older than its ``min_runtime_version``
            and not newer than its ``max_runtime_version``.
        :param plugin_version: in its place, the version that a plugin was made for: the host keeps
            the promises of that one, which is to say that it satisfies ``^plugin_version``.
        :param runtime_version: the host's version. By precedence alone: a host that is a
            pre-release is what comes before that release.
        """
        made_for = plugin_metadata if plugin_version is None else plugin_version
        if made_for is None or runtime_version is None:
            raise TypeError("give a plugin or a version, and the runtime version")
        if isinstance(made_for, str):
            return constraints.caret(made_for).covers(semver.key(runtime_version))
        return compatible(made_for, runtime_version) is None

    def resolve_dependencies(
        self, plugin: PluginMetadata, available: Iterable[Available]
    ) -> list[str] | None:
        """Return ``["id@version", …]`` of all that a plugin needs, in the order of loading.

        The newest versions that satisfy everybody; of what can be loaded at the same time, in
        the order in which the plugin names it. Optional ones may be absent.

        :param available: pairs (id, version), or the metadata of each version, whose own needs
            are then satisfied too.
        :return: None where it is impossible; :meth:`explain_dependencies` says why.
        :raises CircularDependencyError: with the whole circle, where plugins need each other.
        """
        try:
            found = self.explain_dependencies(plugin, available)
        except PluginVersionConflictError:
            return None
        named = {need.plugin_id: place for place, need in enumerate(plugin.dependencies)}
        return [
            f"{name}@{found.pins[name]}"
            for level in found.levels
            for name in sorted(level, key=lambda name: (named.get(name, len(named)), name))
            if name != plugin.plugin_id
        ]

    def explain_dependencies(
        self, plugin: PluginMetadata, available: Iterable[Available]
    ) -> Resolution:
        """Return how a plugin's dependencies resolve, or raise the error that says why not.

        ``pins`` holds the plugin itself too; ``notes`` says which optional plugins it goes
        without, and why.

        :raises PluginVersionConflictError: ``story`` tells who needs which version of whom, and
            what there is.
        :raises CircularDependencyError: ``cycle`` holds the circle.
        """
        return resolver.resolve([plugin], available)

    def get_latest_version(self, versions: Iterable[str]) -> str:
        """Return the newest release; where there is none, the newest pre-release.

        :raises VersionError: also where ``versions`` is empty.
        """
        found = semver.latest(list(versions))
        if found is None:
            raise VersionError(
                "there is no latest of no versions",
                cause="the list of versions is empty",
                hint="give it at least one, such as 1.0.0",
            )
        return found
